"""Every engine keeps the same promises, and those with the same weights write the same words."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol

import jsonschema
import pytest
import torch
from agreeing import TIE, greedy, said, same_until_a_tie, scores, usage, write_adapter

from helpers import ALPHA, RANK, conversation, random_adapter
from homespun.bases.hub import DEFAULT_TARGETS
from homespun.config import SamplingSection, settings
from homespun.engines import grammar, llamacpp
from homespun.engines.base import Engine, Prompt, Wanted
from homespun.engines.fake import FakeEngine
from homespun.engines.llamacpp import LlamaCppEngine
from homespun.engines.sampling import _candidates
from homespun.engines.torch import TorchEngine
from homespun.errors import TooLong, UnknownName, UsageError
from homespun.export import gguf, weights
from homespun.types import Turn

TALKS = [
    conversation("Hi!", system="You are a friendly cook."),
    conversation("What is the capital of France? One word.", system="You answer in one word."),
    conversation("Hello", "Hello! How can I help?", "Name three colours, please. Only the names.", target=False),
    conversation("Tell me about the sea.", system="You are Anna."),
]
SEA = TALKS[3]
FAR = conversation(" ".join(["sea"] * 3000))


@pytest.fixture(scope="module")
def exact(tiny_folder: Path) -> TorchEngine:
    """Torch in full precision, on a tiny random base, with a random adapter that it knows as "twin"."""
    return dressed(TorchEngine(tiny_folder, DEFAULT_TARGETS, RANK, ALPHA, "float32", threads=1), 0.3)


@pytest.fixture(scope="module")
def fast(exact: TorchEngine, tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LlamaCppEngine]:
    """llama.cpp with the same weights in half precision."""
    folder = tmp_path_factory.mktemp("ggufs")
    gguf.write(folder / "base.gguf", tiny_folder, weights.read(tiny_folder), "F16", "tiny")
    made = beside(exact, folder / "base.gguf", tiny_folder, folder)
    yield made
    made.close()


def dressed(engine: TorchEngine, size: float) -> TorchEngine:
    engine.adapters = {"twin": random_adapter(engine.adapter.tensors, size=size)}
    return engine


def beside(exact: TorchEngine, base: Path, folder: Path, scratch: Path) -> LlamaCppEngine:
    twin = write_adapter(scratch / "twin", folder, exact.adapters["twin"])
    return llamacpp.load(base, {"twin": twin}, folder, threads=1)


class Every(Protocol):
    def __call__(self, name: str) -> Engine: ...


@pytest.fixture
def every(request: pytest.FixtureRequest) -> Every:
    """An engine by its name."""

    def find(name: str) -> Engine:
        if name == "fake":
            return FakeEngine(lambda turns: "the sea is wide and the sea is deep, said the fish")
        found: Engine = request.getfixturevalue({"torch": "exact", "llamacpp": "fast"}[name])
        return found

    return find


def agree(one: Engine, other: Engine, talks: Sequence[Prompt], tokens: int, adapter: str | None) -> int:
    """Tokens that both wrote, after as good as the same probabilities, until two were as good as equally likely."""
    alike = 0
    for talk in talks:
        a, b = (scores(which, talk, greedy(tokens), adapter) for which in (one, other))
        same = same_until_a_tie(a, b)
        for mine, yours in zip(a[:same], b[:same], strict=True):
            assert mine.logprob == pytest.approx(yours.logprob, abs=TIE)
            assert mine.top[1][1] == pytest.approx(yours.top[1][1], abs=TIE)
        alike += same
    return alike


def test_on_a_real_base_both_write_the_same(engine: TorchEngine, base_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """And hold it for as likely, with and without an adapter."""
    other = beside(dressed(engine, 0.05), gguf.base_gguf(base_folder, settings(), "F16"), base_folder, tmp_path_factory.mktemp("adapter"))
    try:
        for name in (None, "twin"):
            assert agree(engine, other, TALKS[::3], 10, name) >= 15
            found = [which.log_likelihoods(TALKS[1], ["Paris"], Wanted(adapter=name)) for which in (engine, other)]
            assert found[0] == pytest.approx(found[1], abs=TIE)
        assert repeated(other, 1.0) > repeated(other, 1.3)
    finally:
        other.close()
        engine.adapters = {}


def repeated(engine: Engine, penalty: float) -> int:
    """Pairs of words that stand in a reply a second time."""
    sampling = greedy(60, repetition_penalty=penalty, stop_bias=-100.0)
    texts = [said(engine, talk, sampling)[0].split() for talk in TALKS[1:]]
    return sum(len(words) - 1 - len(set(itertools.pairwise(words))) for words in texts)


@pytest.mark.parametrize("adapter", [None, "twin"])
def test_both_write_the_same(exact: TorchEngine, fast: LlamaCppEngine, adapter: str | None) -> None:
    assert agree(exact, fast, TALKS, 24, adapter) >= 60
    candidates = ["Paris", "I am not sure.", "🥖"]
    found = [which.log_likelihoods(TALKS[1], candidates, Wanted(adapter=adapter)) for which in (exact, fast)]
    assert found[0] == pytest.approx(found[1], abs=TIE)


@pytest.mark.parametrize("name", ["torch", "llamacpp"])
def test_an_adapter_holds_for_its_own_request_only(every: Every, name: str) -> None:
    replies = [said(every(name), SEA, greedy(12), Wanted(adapter=adapter))[0] for adapter in (None, "twin", None, "twin")]
    assert replies[0] == replies[2] != replies[1] == replies[3]


@pytest.mark.parametrize("options", [{"frequency_penalty": -2.0, "presence_penalty": -1.0}, {"repetition_penalty": 0.5}])
def test_both_penalise_the_reply_and_not_the_prompt(exact: TorchEngine, fast: LlamaCppEngine, options: dict[str, float]) -> None:
    """Penalties that make it repeat itself: the first token, with a prompt full of others, is as without them."""
    prompt = f"{said(exact, SEA, greedy(24))[0] * 3}\n"
    free = [score.text for score in scores(exact, prompt, greedy(24))]
    one, other = (scores(which, prompt, greedy(24, **options)) for which in (exact, fast))
    assert same_until_a_tie(one, other) >= 10
    texts = [score.text for score in one]
    assert len(set(texts)) < len(set(free)) and texts[0] == free[0]


@pytest.mark.parametrize("name", ["torch", "llamacpp", "fake"])
def test_a_stream_is_what_generate_gives_and_says_what_it_cost(every: Every, name: str) -> None:
    engine = every(name)
    for sampling in (greedy(8), greedy(8, temperature=0.9)):
        text, last = said(engine, SEA, sampling)
        (made,) = engine.generate([SEA], sampling)
        assert made.text == text.strip() and made.stopped == (last.finish == "stop") is False
        assert usage(last).completion == 8 and last.finish == "length"
    if name != "fake":
        assert usage(last).prompt == len(engine.template.prompt(SEA))  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", ["torch", "llamacpp", "fake"])
@pytest.mark.parametrize("penalty", [0.0, 0.2])
def test_a_stop_text_ends_a_reply_wherever_it_begins(every: Every, name: str, penalty: float) -> None:
    """Also within a token, and over the border of two; alone and in a batch."""
    engine = every(name)
    options = {"frequency_penalty": penalty}
    text, _ = said(engine, SEA, greedy(10, **options))
    for start, size in ((1, 1), (4, 4), (len(text) // 2, 3)):
        stop = text[start : start + size]
        found, last = said(engine, SEA, greedy(10, stop=(stop, "never this"), **options))
        assert found == text[: text.find(stop)] and last.finish == "stop"
    both = engine.generate([SEA, TALKS[0]], greedy(10, stop=(text[4:8],), **options))
    assert both[0].text == text[: text.find(text[4:8])].strip() and both[0].stopped


@pytest.mark.parametrize("name", ["torch", "llamacpp"])
def test_what_could_be_a_stop_text_is_shown_when_it_is_none(every: Every, name: str) -> None:
    text, last = said(every(name), SEA, greedy(6))
    assert said(every(name), SEA, greedy(6, stop=(f"{text[-4:]} and more",)))[0] == text and last.finish == "length"


@pytest.mark.parametrize("name", ["torch", "llamacpp"])
@pytest.mark.parametrize("penalty", [0.0, 0.5])
def test_a_seed_can_be_repeated(every: Every, name: str, penalty: float) -> None:
    engine = every(name)
    options = {"temperature": 1.2, "presence_penalty": penalty}
    first = said(engine, SEA, greedy(8, **options))[0]
    assert said(engine, SEA, greedy(8, **options))[0] == first
    assert len({said(engine, SEA, greedy(8, **{**options, "seed": seed}))[0] for seed in (2, 3, None)} - {first}) > 1


@pytest.mark.parametrize("name", ["torch", "llamacpp"])
def test_the_stop_bias_decides_when_a_reply_ends(every: Every, name: str) -> None:
    engine = every(name)
    assert said(engine, TALKS[1], greedy(14, stop_bias=100.0))[0] == ""
    assert usage(said(engine, TALKS[1], greedy(14, stop_bias=-100.0))[1]).completion == 14


def test_llamacpp_draws_from_the_candidates_of_our_own_sampler(exact: TorchEngine, fast: LlamaCppEngine) -> None:
    """Every one of them and no other: top-p takes its share of all tokens, whatever top-k and min-p leave."""
    with torch.inference_mode():
        logits = exact.model(input_ids=torch.tensor([exact.template.prompt(SEA)])).logits[0, -1]
    for options in ({"top_k": 4, "top_p": 0.8}, {"min_p": 0.4}, {"top_p": 0.1, "min_p": 0.05, "temperature": 0.8}):
        sampling = SamplingSection.model_validate({"temperature": 1.0, "min_p": 0.0, **options})
        wider = sampling.model_copy(update={"min_p": 0.95 * sampling.min_p, "top_p": min(1.0, sampling.top_p + 0.01)})
        probabilities = torch.softmax(logits / sampling.temperature, -1)
        kept, allowed = _candidates(probabilities, sampling), _candidates(probabilities, wider)
        shares = probabilities[kept] / probabilities[kept].sum()
        likely = {exact.template.decode([int(token)]) for token, share in zip(kept, shares, strict=True) if share > 0.06}
        drawn = {said(fast, SEA, sampling.model_copy(update={"seed": seed, "max_tokens": 1}))[0] for seed in range(100)}
        assert likely <= drawn <= {exact.template.decode([int(token)]) for token in allowed} | {""}


def record(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


SCHEMAS: list[dict[str, Any]] = [
    record(name={"type": "string", "maxLength": 8}, age={"type": "integer", "minimum": 0, "maximum": 120}),
    {"type": "array", "items": {"enum": ["red", "green", "blue"]}, "minItems": 1, "maxItems": 3},
    {"anyOf": [{"const": None}, {"type": "boolean"}]},
    record(at=record(day={"enum": ["mon", "tue"]}), sure={"type": "number", "minimum": 0, "maximum": 1}),
]


@pytest.mark.parametrize("name", ["torch", "llamacpp"])
@pytest.mark.parametrize("schema", SCHEMAS)
def test_a_reply_follows_a_schema(every: Every, name: str, schema: dict[str, Any]) -> None:
    wanted = Wanted(grammar=grammar.of_schema(schema))
    for seed in range(6):
        sampling = SamplingSection(temperature=1.3, min_p=0.0, max_tokens=60, seed=seed, repetition_penalty=1.3)
        text, last = said(every(name), SEA, sampling, wanted)
        jsonschema.validate(json.loads(text), schema)
        assert last.finish == "stop"


@pytest.mark.parametrize("name", ["torch", "llamacpp"])
def test_a_reply_that_a_grammar_binds_is_not_penalised(every: Every, name: str) -> None:
    wanted = Wanted(grammar=grammar.of_schema({"type": "array", "items": {"enum": ["a", "b"]}, "minItems": 6, "maxItems": 6}))
    for seed in range(4):
        drawing = {"temperature": 3.0, "min_p": 0.0, "seed": seed}
        plain = said(every(name), SEA, greedy(40, **drawing), wanted)[0]
        assert said(every(name), SEA, greedy(40, presence_penalty=2.0, repetition_penalty=5.0, **drawing), wanted)[0] == plain


@pytest.mark.parametrize("name", ["torch", "llamacpp"])
def test_a_tool_is_called(every: Every, name: str) -> None:
    room = {"type": "object", "properties": {"room": {"enum": ["hall", "attic"]}}, "required": ["room"], "additionalProperties": False}
    tools = [
        {"type": "function", "function": {"name": "lamp", "parameters": room}},
        {"type": "function", "function": {"name": "door", "parameters": room}},
    ]
    asked = conversation("Light in the attic, please.")
    text, _ = said(every(name), asked, greedy(60), Wanted(grammar=grammar.of_tools(tools, "required", parallel=False)))
    (inner,) = re.findall("<tool_call>(.*)</tool_call>", text)
    call = json.loads(inner)
    assert call["name"] in ("lamp", "door") and call["arguments"]["room"] in ("hall", "attic")


@pytest.mark.parametrize("name", ["torch", "llamacpp"])
def test_what_cannot_be_answered_is_refused(every: Every, name: str) -> None:
    engine = every(name)
    with pytest.raises(TooLong) as refused:
        said(engine, FAR, greedy(4))
    assert refused.value.tokens > refused.value.limit
    with pytest.raises(UnknownName):
        said(engine, SEA, greedy(4), Wanted(adapter="nobody"))
    with pytest.raises(UsageError):
        said(engine, SEA, greedy(4), Wanted(grammar="start: nothing"))


def test_eight_replies_at_once_do_not_mix(fast: LlamaCppEngine) -> None:
    talks: list[tuple[tuple[Turn, ...], str | None]] = [(talk, name) for talk in TALKS for name in (None, "twin")]
    alone = [scores(fast, talk, greedy(16), name) for talk, name in talks]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda one: scores(fast, one[0], greedy(16), one[1]), talks))
    alike = sum(same_until_a_tie(one, other) for one, other in zip(alone, together, strict=True))
    assert alike > 0.8 * sum(map(len, alone))


def test_torch_answers_many_threads_too(exact: TorchEngine) -> None:
    asked = [("twin", TALKS[0]), (None, TALKS[0])]
    alone = [said(exact, talk, greedy(5), Wanted(adapter=name))[0] for name, talk in asked]
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(lambda one: said(exact, one[1], greedy(5), Wanted(adapter=one[0]))[0], asked)) == alone
