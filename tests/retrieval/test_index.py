"""The index of what a person wrote: what it finds, what it never holds, and that it goes when it must."""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homespun.bases import embedding
from homespun.dataset.build import Dataset
from homespun.home import Home, Manifest, write_jsonl, write_text
from homespun.registry.lineage import learned_from, make_stale
from homespun.retrieval.index import Index, build, of_version, search, write
from homespun.retrieval.passages import Passage, passages_of
from homespun.sources import load
from homespun.types import Conversation, Example, Message, Turn

FACTS = {
    "picked up the puppy today, he's a whippet and we named him Biscuit": "What is your dog called?",
    "I can't eat walnuts, ended up in hospital last time": "What are you allergic to?",
    "dad turns 70 on the 14th of june so we all fly to Porto": "When is your father's birthday?",
    "the wifi password at the cabin is on the fridge": "Where is the wifi password of the cabin?",
    "meine Katze heißt Schnurri und ist schon 14": "Wie heißt deine Katze?",
    "j'ai appris à nager à douze ans, dans le lac d'Annecy": "Ou as-tu APPRIS a nager?",
    "моего кота зовут Барсик, ему пять лет": "Как зовут твоего кота?",
    "犬の名前はポチで、三歳です": "犬の名前は何ですか？",
    "我最喜欢的菜是麻婆豆腐": "你最喜欢吃什么菜？",
    "제 여동생은 부산에서 선생님이에요": "여동생이 어디에 살아요?",
    "น้องสาวของฉันเป็นครูที่เชียงใหม่": "น้องสาวทำงานอะไร",
    "मेरी बहन दिल्ली में पढ़ाती है": "बहन कहाँ रहती है?",
}


def passage(text: str, time: float | None = None, asked: str = "") -> Passage:
    return Passage(text, "Anna", "Ben", time, "c", (text,), asked, f"asked {asked}")


def written(folder: Path, passages: Sequence[Passage], embedded: int = 0) -> Index:
    folder.mkdir(exist_ok=True)
    write(folder, "Anna", passages, embedded)
    return Index(folder)


@pytest.fixture(scope="module")
def flight(data_dir: Path) -> list[Passage]:
    """What a commander said: what everything else has to be told apart from."""
    chats, _ = load(data_dir / "dev-apollo" / "messages.a13.jsonl")
    whole = Conversation("flight", "flight", True, tuple(message for chat in chats for message in chat.messages))
    return list(passages_of([whole], "Jim Lovell"))[:240]


def test_facts_are_found_among_real_messages_by_words_and_by_meaning(flight: list[Passage], tmp_path: Path) -> None:
    passages = [*flight[:100], *map(passage, FACTS), *flight[100:]]
    only_words, both = written(tmp_path / "words", passages), written(tmp_path / "both", passages, len(passages))
    right = {
        name: [fact in {one.text for one in search(index, FACTS[fact])} for fact in FACTS]
        for name, index in (("w", only_words), ("b", both))
    }
    assert sum(right["w"]) == 9 and not any(right["w"][:3])
    assert all(right["b"])
    found = search(both, "犬の名前は何ですか？")[0]
    assert found.cosine is None and found.words > 1.5
    assert only_words.embedded == 0 and "words only" in only_words.note and both.embedded == len(passages) and "English" in both.note


def test_an_answer_is_found_by_its_question(flight: list[Passage], tmp_path: Path) -> None:
    index = written(tmp_path, [*flight, passage("yes, on Friday then", asked="did you call the orthodontist?")])
    assert search(index, "When is the orthodontist?")[0].text == "yes, on Friday then"


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Index:
    return written(tmp_path_factory.mktemp("small"), [passage(text, number) for number, text in enumerate(FACTS)])


@given(st.text(max_size=60) | st.text(st.sampled_from("\"'*(){}^:-+ANDORNEAR \0\ud800犬の名"), max_size=30))
def test_any_text_is_a_question(small: Index, question: str) -> None:
    assert len(search(small, question)) <= 3


@pytest.mark.parametrize("question", ["", "   ", "👍", "?!", '"', "\0", "OR NOT", "said:", "NEAR(a b)", "\ud800"])
def test_what_asks_nothing_finds_nothing(small: Index, question: str) -> None:
    assert search(small, question) == []


def test_an_empty_index_is_searched_too(tmp_path: Path) -> None:
    assert search(written(tmp_path, []), "anything at all") == []


def test_time_can_be_narrowed(tmp_path: Path) -> None:
    said = [passage(f"the {place} was cold", time) for place, time in (("sea", 10.0), ("lake", 20.0), ("river", None))]
    index = written(tmp_path, said, 3)
    told = [
        sorted(one.text.split()[1] for one in search(index, "Was it cold?", after=after, before=before))
        for after, before in ((None, None), (15.0, None), (None, 15.0))
    ]
    assert told == [["lake", "river", "sea"], ["lake"], ["sea"]]
    assert [one.text for one in search(index, "Was it cold?", k=1, before=20.0, after=10.0)] == ["the sea was cold"]


def test_the_same_words_are_shown_once(tmp_path: Path) -> None:
    found = search(written(tmp_path, [*[passage("the tram was late again")] * 5, passage("no tram at all today")]), "tram")
    assert sorted(one.text for one in found) == ["no tram at all today", "the tram was late again"]


def test_it_may_be_searched_from_several_threads(small: Index) -> None:
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda question: search(small, question), list(FACTS.values()) * 5))
    assert found == [search(small, question) for question in FACTS.values()] * 5


def corpus() -> tuple[list[Conversation], Dataset]:
    """A conversation for each part of a dataset; in what is learned, a line that no example shows."""
    conversations, examples = [], []
    for split in ("train", "validation", "gate", "vault"):
        said = [("Ben", "so?"), ("Anna", f"a secret word of {split}"), ("Ben", f"cut {split} away"), ("Anna", f"the last word of {split}")]
        messages = tuple(Message(who, text, float(at), f"{split}{at}") for at, (who, text) in enumerate(said))
        conversations.append(Conversation(split, "Ben", False, messages))
        turns = (Turn("user", "so?", messages=(f"{split}0",)), Turn("assistant", said[1][1], True, (f"{split}1",)))
        examples.append(Example(f"{split}-0", split, split, turns))
    return conversations, Dataset("d", "Anna", tuple(examples), {})


def stored(home: Home) -> str:
    """The index of the corpus in a home, with its dataset and a version of both."""
    conversations, dataset = corpus()
    with home.artefact(Manifest("dataset", "d")) as folder:
        write_jsonl(folder / "examples.jsonl", [asdict(example) for example in dataset.examples])
        write_text(folder / "person", "Anna")
    name = build(home, conversations, dataset)
    with home.artefact(Manifest("version", "v", ("run:r", f"retrieval:{name}"))):
        pass
    return name


def test_what_is_held_out_is_not_in_it(home: Home) -> None:
    name = stored(home)
    folder = home.folder("retrieval", name)
    manifest = home.manifest("retrieval", name)
    assert manifest and manifest.parents == ("dataset:d",) and manifest.counts == {"passages": 4, "embedded": 4}
    content = (folder / "passages.db").read_bytes()
    assert b"secret word of train" in content and b"word of validation" in content and b"gate" not in content and b"vault" not in content
    index = of_version(home, "v")
    assert index and {one.messages for one in search(index, "secret word", k=9)} >= {("train1",), ("validation1",)}
    again = Home.create(home.path.parent / "again")
    assert stored(again) == name and (again.folder("retrieval", name) / "passages.db").read_bytes() == content


def test_it_goes_with_the_words_it_holds(home: Home) -> None:
    name = stored(home)
    assert not learned_from(home, ["gate2", "unknown"])
    found = learned_from(home, ["train2"])
    assert [one.title for one in found] == [f"retrieval:{name}", "version:v"], "a line that only the index shows, as what was answered"
    stale = make_stale(home, found, "forgotten")
    assert not home.folder("retrieval", name).exists() and of_version(home, "v") is None
    assert f"retrieval:{name}" in stale.others and home.why_stale("version", "v") == "forgotten" and home.manifest("dataset", "d")
    name = stored(home)
    make_stale(home, learned_from(home, ["train1"]), "forgotten")
    assert not home.folder("retrieval", name).exists() and home.manifest("dataset", "d") is None


def test_without_the_embedding_it_works_by_words(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    with_vectors = stored(home)
    monkeypatch.setattr(embedding, "PACKAGE", "no_such_package")
    older = Index(home.folder("retrieval", with_vectors))
    assert older.embedded == 0 and search(older, "secret word")
    name = stored(home)
    assert name != with_vectors
    index = of_version(home, "v")
    assert index and "pip install no-such-package" in index.note and search(index, "secret word")[0].cosine is None
    assert json.loads((home.folder("retrieval", name) / "index.json").read_text())["embedder"] is None
