"""Training records in all their forms, alone and mixed, and whose words they are."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chats import messages_of, read_by
from homespun import sources
from homespun.errors import SourceError
from homespun.sources import messages, records, reflections
from homespun.sources.reflections import ANSWERER
from homespun.types import Chat, ImportReport

Said = list[tuple[str, str]]


def read(*values: object, array: bool = False) -> tuple[list[Chat], ImportReport]:
    shown = [value if isinstance(value, str) else json.dumps(value, ensure_ascii=array) for value in values]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "rows.jsonl")
        path.write_text(f"[{', '.join(shown)}]" if array else "\n".join(shown) + "\n", encoding="utf-8")
        return read_by(records, path)


def said(chat: Chat) -> Said:
    return [(message.speaker, message.text) for message in messages_of(chat)]


def chatml(turns: Said) -> dict[str, object]:
    return {"messages": [{"role": role, "content": text} for role, text in turns]}


def sharegpt(turns: Said) -> dict[str, object]:
    return {"conversations": [{"from": {"user": "human", "assistant": "gpt"}.get(role, role), "value": text} for role, text in turns]}


TURNS: Said = [("system", "Be brief."), ("user", "Tea?"), ("assistant", "Please.\nHot 👩‍🚀")]
TALK: Said = [("User", "Tea?"), (ANSWERER, "Please.\nHot 👩‍🚀")]
FORMS: list[tuple[dict[str, object], Said]] = [
    (chatml(TURNS), TALK),
    (sharegpt(TURNS), TALK),
    ({"instruction": "Say it in French:", "input": "Tea", "output": "Thé"}, [("User", "Say it in French:\n\nTea"), (ANSWERER, "Thé")]),
    ({"instruction": "Sing", "input": "", "output": "La"}, [("User", "Sing"), (ANSWERER, "La")]),
    (
        {"input": "call Ben", "output": {"action_type": "contact"}, "context": "it is late", "task": "command"},
        [("User", "it is late\n\ncall Ben"), (ANSWERER, '{"action_type": "contact"}')],
    ),
    ({"text": "A long day."}, [(ANSWERER, "A long day.")]),
    ({"prompt": "Once", "completion": " upon"}, [("User", "Once"), (ANSWERER, " upon")]),
]


@pytest.mark.parametrize(("record", "expected"), FORMS)
@pytest.mark.parametrize("array", [False, True])
def test_every_form_is_known_by_its_content_and_the_owner_answers(record: dict[str, object], expected: Said, array: bool) -> None:
    (chat,), report = read(record, array=array)
    assert said(chat) == expected
    assert (chat.whole, chat.clock, len(chat.key), report.me) == (True, "none", 16, ANSWERER)
    assert report.skipped == ({"system turn": 1} if expected is TALK else {})


def test_forms_mix_in_one_file_and_the_same_record_adds_nothing() -> None:
    found, report = read(*(record for record, _ in FORMS), FORMS[0][0], {"question": "Why?", "answer": "So."})
    # What is said in the first two is the same.
    assert [said(chat) for chat in found] == [*(expected for _, expected in FORMS[1:]), [("User", "Why?"), (ANSWERER, "So.")]]
    assert report.skipped["the same record again"] == 4
    assert len({chat.key for chat in found}) == len(found)


def test_a_user_with_a_name_is_called_by_it_and_tools_are_left_out() -> None:
    turns = [
        {"role": "user", "content": [{"type": "text", "text": "Look"}, {"type": "image_url"}], "name": "Anna"},
        {"role": "assistant", "content": None, "tool_calls": []},
        {"role": "tool", "content": "42"},
        {"role": "assistant", "content": "Nice."},
    ]
    (chat,), report = read({"messages": turns})
    assert said(chat) == [("Anna", "Look"), (ANSWERER, "Nice.")]
    assert report.skipped == {"turn without text": 1, "turn of a tool": 1}


def test_dates_of_texts_are_kept() -> None:
    dated = [{"text": "a", "date": "1970-01-02", "id": 5}, {"text": "b", "ts": 5}, {"text": "c", "date": None}]
    found, _ = read(*dated)
    assert [(messages_of(chat)[0].time, chat.clock) for chat in found] == [(86400.0, "absolute"), (5.0, "absolute"), (None, "none")]


def test_a_few_unknown_records_are_named_and_many_refused() -> None:
    bad = ["{", "[1]", {"x": 1}, chatml([("user", "no answer")]), chatml([("wizard", "?")]), {"text": 5}, {"messages": [3]}]
    found, report = read(*({"text": f"{n}"} for n in range(9)), *bad)
    assert len(found) == 9 and report.skipped.total() == len(bad)
    start = (
        "7 of 16 records could not be used: line 10 has no JSON object, line 11 has no JSON object, line 12 has no form that is known, …"
    )
    assert report.notes == [start]
    with pytest.raises(SourceError, match=r'line 2 has no JSON object; a record should look like \{"messages"'):
        read({"text": "x"}, *bad)
    with pytest.raises(SourceError, match="record 2 has no form that is known"):
        read({"text": "x"}, {"x": 1}, array=True)


OTHERS = [
    '{"conv": "c", "speaker": "Dan", "text": "hi"}',
    '{"question": "q", "answer": "a"}',
    '[{"type": "message", "user": "U1", "text": "hi", "ts": "1.5"}]',
    '[{"text": "wake me", "intent": "alarm"}]',
    '[{"title": "x", "mapping": {}, "create_time": 1}]',
    '{"name": "Anna", "type": "personal_chat", "messages": [{"type": "message", "text": "hi"}]}',
    "text",
    "[[",
    "",
]


def test_other_formats_keep_what_is_theirs(data_dir: Path) -> None:
    assert [head for head in OTHERS if records.detect(Path("x"), head)] == []
    for record, _ in FORMS:
        line = json.dumps(record)
        assert records.detect(Path("x"), line) and not messages.detect(Path("x"), line) and not reflections.detect(Path("x"), line)
        assert records.detect(Path("x"), line[:60]) == (("messages" in record) or ("conversations" in record)) or len(line) <= 60
    _, report = sources.load(data_dir / "dev-pepys-diary/entries.jsonl")
    assert (report.format, report.skipped.total()) == ("messages", 0) and report.kept > 3400


def test_a_diary_of_real_length_can_be_given_as_bare_texts(data_dir: Path) -> None:
    with (data_dir / "dev-pepys-diary/entries.jsonl").open(encoding="utf-8") as stream:
        texts = list(dict.fromkeys(json.loads(line)["text"] for line in stream))
    found, report = read(*({"text": text, "date": None} for text in texts))
    assert [messages_of(chat)[0].text for chat in found] == texts and not report.skipped


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=20).filter(str.strip)
turns = st.lists(st.tuples(st.sampled_from(["user", "assistant"]), texts), min_size=1, max_size=5).map(lambda t: [*t, ("assistant", "end")])


@given(st.lists(turns, min_size=1, max_size=5, unique_by=str), st.booleans(), st.booleans())
def test_conversations_written_as_records_are_read_back(conversations: list[Said], array: bool, gpt: bool) -> None:
    found, _ = read(*(sharegpt(one) if gpt else chatml(one) for one in conversations), array=array)
    assert [said(chat) for chat in found] == [
        [(ANSWERER if who == "assistant" else "User", text) for who, text in one] for one in conversations
    ]


keys = st.sampled_from(
    ["messages", "conversations", "role", "from", "content", "value", "name", "text", "date", "instruction", "input", "output"]
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(["user", "assistant"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=5),
    max_leaves=15,
)


@given(st.lists(values, min_size=1, max_size=3), st.booleans(), st.integers(0, 9))
def test_no_record_ends_in_a_traceback(found: list[object], array: bool, cut: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "rows.jsonl")
        text = json.dumps(found) if array else "\n".join(map(json.dumps, found))
        path.write_text(text[: len(text) - cut])
        try:
            list(records.read(path, ImportReport("x"), sources.ANYTHING))
        except SourceError as error:
            assert "\n" not in str(error)
