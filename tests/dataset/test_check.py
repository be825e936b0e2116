"""The validator."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from homespun.bases.template import Template
from homespun.dataset.check import KINDS, Examiner, Limits, check, segments
from homespun.dataset.findings import Findings
from homespun.dataset.problems import schema_judge
from homespun.errors import UsageError
from homespun.types import Turn

WORDS = ("river", "walk", "soup", "train", "maybe", "never", "coffee", "rain", "bike", "letter", "mill", "quiet", "loud", "boat", "tea")
TIMER = {"input": "Set a timer", "output": '{"action": "timer"}', "task": "timer"}


def said(rng: random.Random, count: int = 12) -> str:
    return " ".join(rng.choices(WORDS, k=count))


def good(count: int = 20, **more: str) -> list[dict[str, Any]]:
    rng = random.Random(count)
    return [{"instruction": said(rng), "input": "", "output": said(rng), **more} for _ in range(count)]


def checked(folder: Path, rows: Iterable[Mapping[str, Any] | str], by: Examiner | None = None) -> Findings:
    lines = [row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows]
    (folder / "rows.jsonl").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return check(folder / "rows.jsonl", by or Examiner())


def errors(found: Findings) -> dict[str, tuple[int, ...]]:
    return {one.what: one.lines for one in found.errors}


def warnings(found: Findings) -> dict[str, tuple[int, ...]]:
    return {one.what: one.lines for one in found.warnings}


def test_a_good_file_has_nothing_wrong(tmp_path: Path) -> None:
    found = checked(tmp_path, good())
    assert (found.errors, found.warnings, found.verdict) == ((), (), "nothing wrong")
    assert found.numbers["rows"] == 20 and found.numbers["formats"] == {"instruction": 20}


@pytest.mark.parametrize("content", ["", "\n\n", "[]", "question,answer\n"])
def test_an_empty_file_is_an_error(tmp_path: Path, content: str) -> None:
    (tmp_path / "rows").write_text(content, encoding="utf-8")
    assert errors(check(tmp_path / "rows")) == {"the file is empty": ()}


def test_every_bad_record_is_named_by_its_line(tmp_path: Path) -> None:
    bad: list[Any] = ["{", {"instruction": "Do"}, {"id": 1}, {"instruction": "Do", "output": "  "}, {"instruction": "", "output": "Done"}]
    found = checked(tmp_path, [*good(), *bad, "{"])
    assert errors(found) == {
        "no JSON: Expecting property name enclosed in double quotes": (21, 26),
        'no "output"': (22,),
        "no format: none of the fields of a training record": (23,),
        "an empty output": (24,),
        "an empty input": (25,),
    }
    assert "(lines 21, 26)" in found.text()


def test_formats_are_told_record_by_record(tmp_path: Path) -> None:
    """A first record says nothing of the others."""
    chat = {"messages": [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Good morning"}]}
    found = checked(tmp_path, [chat, *good(), {"text": "Once upon a time"}])
    assert errors(found) == {"in another format than most rows": (1, 22)}
    assert found.numbers["formats"] == {"messages": 1, "instruction": 20, "text": 1}


def test_copies_are_an_error_above_their_share(tmp_path: Path) -> None:
    rows = good(20)
    assert warnings(checked(tmp_path, [*rows, rows[4]])) == {"an exact copy of an earlier row": (21,)}
    many = checked(tmp_path, [*rows, *rows[:3], rows[0]])
    assert errors(many)["an exact copy of an earlier row"] == (21, 22, 23, 24)
    assert errors(many)["17% of the outputs of 20 characters and more repeat an earlier one"] == ()
    assert many.numbers["rows without exact copies"] == 20


def test_a_copy_with_a_few_other_words_is_a_near_copy(tmp_path: Path) -> None:
    rng = random.Random(5)
    question, answer = said(rng, 20), said(rng, 40)
    rows = [*good(30), {"instruction": question, "output": answer}, {"instruction": question, "output": f"{answer} indeed"}]
    assert warnings(checked(tmp_path, rows))["nearly a copy of an earlier row"] == (32,)


def test_two_answers_to_one_input_contradict_each_other_in_a_task_and_not_in_a_chat(tmp_path: Path) -> None:
    what = "another output than an earlier row has for the same input"
    rows = good(20)
    assert errors(checked(tmp_path, [*rows, rows[7] | {"output": "something else"}, rows[7]]))[what] == (21,)
    chat = [{"question": row["instruction"], "answer": row["output"]} for row in rows]
    assert warnings(checked(tmp_path, [*chat, chat[7] | {"answer": "something else"}]))[what] == (21,)


def test_people_may_say_the_same_thing_twice(tmp_path: Path) -> None:
    """In a record of messages, without times."""
    found = checked(tmp_path, [{"conv": "Anna", "speaker": "Ben", "text": "yes, I will be there at nine"}] * 20)
    assert not found.errors


@pytest.mark.parametrize(
    ("roles", "level", "what"),
    [
        ("uas", "error", "a system line that is not first"),
        ("uua", "error", "two turns of the same role in a row"),
        ("suau", "error", "does not end with the assistant"),
        ("s", "error", "does not end with the assistant"),
        ("saua", "warning", "begins with the assistant, which some chat templates refuse"),
    ],
)
def test_the_order_of_roles(tmp_path: Path, roles: str, level: str, what: str) -> None:
    names = {"s": "system", "u": "user", "a": "assistant"}
    row = {"messages": [{"role": names[role], "content": f"turn {place}"} for place, role in enumerate(roles)]}
    found = checked(tmp_path, [row])
    assert what in (errors(found) if level == "error" else warnings(found))


def test_damaged_characters_are_a_warning_where_few_and_an_error_where_many(tmp_path: Path) -> None:
    rows = good(200)
    rows[5]["output"] = "sch\ufffdn war es am Fluss"
    rows[6]["output"] = "schÃ¶n war es am Fluss, weiÃŸt du"
    assert [one.lines for one in checked(tmp_path, rows).warnings] == [(6,), (7,)]
    assert [one.lines for one in checked(tmp_path, rows[5:30]).errors] == [(1,), (2,)]
    fine = good(20)
    fine[0]["output"] = "CÂMARA, Ãngelo, «señor» â la carte, Œuvre, naïve Ürün 👋 fait à la main"
    assert not checked(tmp_path, fine).warnings


def test_lengths_and_balance(tmp_path: Path) -> None:
    short = warnings(checked(tmp_path, [{"question": f"{number}?", "answer": str(number)} for number in range(20)]))
    assert list(short) == ["outputs are very short: 2 characters on average"]
    wide = warnings(checked(tmp_path, [*good(12), {"question": "How?", "answer": "x" * 3000}]))
    assert any(what.startswith("an output 1") and lines == (13,) for what, lines in wide.items())
    uneven = [*good(16, category="music"), *good(5, category="food")]
    assert "out of balance: 16 rows of category 'music' and 5 of 'food'" in warnings(checked(tmp_path, uneven))


def test_a_kind_of_task_asks_for_its_number_of_rows_and_its_tasks(tmp_path: Path) -> None:
    rows = [row | {"task": task} for row, task in zip(good(40), ["contact", "reminder"] * 20, strict=True)]
    found = errors(checked(tmp_path, [*rows, rows[0]], Examiner(KINDS["extraction"])))
    assert list(found) == [
        "40 rows without exact copies, and at least 2,000 are needed",
        "no rows with a task for calendar, classification",
    ]
    assert KINDS["command"].max_tokens == 512 and KINDS["extraction"].max_tokens == 1024


def test_tokens_are_those_of_the_base(tmp_path: Path, template: Template) -> None:
    rows = [*good(20), {"instruction": "Tell me", "output": "river " * 90}]
    found = checked(tmp_path, rows, Examiner(Limits(max_tokens=100), template))
    assert errors(found)["longer than 100 tokens"] == (21,)
    assert found.numbers["tokens"]["longest"] > 100
    assert "tokens" not in checked(tmp_path, rows).numbers


def test_the_preview_shows_what_is_learned(tmp_path: Path, template: Template) -> None:
    row = {"messages": [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Hi!"}]}
    assert checked(tmp_path, [row]).preview == (
        (("user: ", False), ("Hello", False), ("\n", False), ("assistant: ", False), ("Hi!", True), ("\n", False)),
    )
    (parts,) = checked(tmp_path, [row], Examiner(template=template)).preview
    assert [text for text, learned in parts if learned] == ["Hi!<|im_end|>"]
    turns = (Turn("user", "Hello"), Turn("assistant", "Hi!", target=True))
    assert "".join(text for text, _ in segments(turns, template)) == template.text(turns)


def test_outputs_that_begin_as_json_must_be_json(tmp_path: Path) -> None:
    outputs = ['{"a": 1}', '{"a": 1', "[1, 2", "[laughs] yes", "{name} is late", "[]", "MATCH (n) WHERE n.x IN ['a'] RETURN n {"]
    found = checked(tmp_path, [TIMER | {"input": f"{number}", "output": output} for number, output in enumerate(outputs)])
    assert errors(found)["an output that begins as JSON and is none"] == (2, 3)


def test_outputs_against_a_schema(tmp_path: Path) -> None:
    schema = {"type": "object", "required": ["action"], "properties": {"action": {"enum": ["timer", "call"]}}}
    (tmp_path / "schema.json").write_text(json.dumps(schema), encoding="utf-8")
    rows = [TIMER, TIMER | {"output": '{"action": "fly"}'}, TIMER | {"output": "{}"}, TIMER | {"output": "yes"}]
    found = errors(checked(tmp_path, rows, Examiner(judge=schema_judge(tmp_path / "schema.json"))))
    assert found["an output against the schema, at properties/action/enum"] == (2,)
    assert found["an output against the schema, at required"] == (3,)
    assert found["an output that is no JSON, where a schema is asked for"] == (4,)
    (tmp_path / "schema.json").write_text('{"type": "thing"}', encoding="utf-8")
    with pytest.raises(UsageError, match=r"schema\.json is no JSON Schema"):
        schema_judge(tmp_path / "schema.json")


class Span(NamedTuple):
    kind: str


def test_private_data_is_counted_by_kind(tmp_path: Path) -> None:
    def find(text: str) -> Iterator[Span]:
        return (Span("mail") for word in text.split() if "@" in word)

    found = checked(tmp_path, [*good(20), {"instruction": "write to a@b.org", "output": "a@b.org or c@d.org"}], Examiner(find_private=find))
    assert found.numbers["private data"] == {"mail": 3}
    assert warnings(found) == {"3 pieces of private data, which a model can repeat": ()}


def test_findings_go_to_programs_whole(tmp_path: Path) -> None:
    found = checked(tmp_path, [*good(10), *["{"] * 30])
    value = json.loads(json.dumps(found.as_dict()))
    assert value["errors"][0]["lines"] == list(range(11, 41)) and value["unit"] == "line"
    assert "(lines 11, 12, 13, 14, 15, …)" in found.text()


@given(
    data=st.lists(
        st.sampled_from(
            ['{"text": "a"}', '{"messages": [{"role": "user", "content": ""}]}', "{", '{"output": [], "input": ""}', '"', "\udcff"]
        )
    )
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
def test_no_file_breaks_the_check(tmp_path: Path, data: list[str]) -> None:
    (tmp_path / "rows").write_text("\n".join(data), encoding="utf-8", errors="surrogateescape")
    found = check(tmp_path / "rows")
    assert found.errors and json.dumps(found.as_dict()) and found.text()
