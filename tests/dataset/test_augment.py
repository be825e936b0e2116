"""More examples of the same answers: never a word that the person did not write, never a question that gives the answer away."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homespun.bases.template import Template
from homespun.config import Recipe
from homespun.dataset import augment_words as english
from homespun.dataset.augment import augment, sentences
from homespun.dataset.build import make
from homespun.dataset.windows import OVERHEAD
from homespun.types import Conversation, Example, Message, Split, Turn

QUESTIONS = (
    "What is the most important lesson you learned from {}?",
    "How do you think about {}?",
    "When did you first hear of {}?",
    "Tell me about {}.",
    "What would you say to a child who asks you about {}?",
    "Are you grateful for {}?",
)
SUBJECTS = (
    "your father",
    "the old mill",
    "money",
    "growing old",
    "the war",
    "your first job",
    "music",
    "silence",
    "marriage",
    "the sea",
    "your garden",
)
SAID = (
    "My father never spoke of it.",
    "I learned patience in the workshop, where nothing could be hurried.",
    "We had little and wanted less.",
    "But the river was ours, every summer.",
    "Honesty is easy as long as it costs nothing, my mother said.",
    "I would do it again, and I would do it slower.",
    "The letters are still in the drawer.",
    "It took me years to see what she meant!",
    "On Sundays we walked to Mr. Hall, who kept bees.",
    "Nobody asked us what we thought, so we learned to keep silent.",
    "There is a kind of freedom in having a garden.",
)
PARAGRAPH = (
    "My father was a carpenter, and Mr. Hall paid him badly. He never complained. The work was hard, e.g. in winter. But it taught me "
    "patience! I keep his plane in my workshop.\nHonesty, he said, costs nothing... and that was that. On the 3. of May he died."
)


def reflections(count: int = 117, seed: int = 0) -> list[tuple[str, str]]:
    rng = random.Random(seed)
    asked = [form.format(subject) for form in QUESTIONS for subject in SUBJECTS]
    questions = (asked * (count // len(asked) + 1))[:count]
    return [(question, f"{' '.join(rng.sample(SAID, rng.randint(1, 7)))} That was number {at}.") for at, question in enumerate(questions)]


def example(number: int, question: str, answer: str, split: Split = "train") -> Example:
    turns = (
        Turn("system", "You are Luke."),
        Turn("user", question, messages=(f"q{number}",)),
        Turn("assistant", answer, True, (f"a{number}",)),
    )
    return Example(f"c{number}-0", f"c{number}", split, turns)


def target(one: Example) -> str:
    (turn,) = one.targets
    assert turn is one.turns[-1]
    return turn.text


def prompt(one: Example) -> str:
    return "\n".join(turn.text for turn in one.turns[1:-1])


def check(originals: list[Example], made: list[Example]) -> None:
    sources = {one.id: one for one in originals}
    for one in made:
        original = sources[one.id.rsplit("-", 2)[0]]
        assert original.split == one.split == "train" and original.conversation == one.conversation
        assert target(one) in target(original) and target(one).strip() and one.turns[-1].messages == original.turns[-1].messages
        assert not any(target(one).casefold() in turn.text.casefold() for turn in one.turns[:-1])
        assert [turn.role for turn in one.turns] == ["system", *["user", "assistant"] * ((len(one.turns) - 1) // 2)]
    assert len({one.id for one in made}) == len(made)
    prompts = [prompt(one) for one in (*made, *originals)]
    assert len({text.casefold() for text in prompts}) >= len(made) + len({prompt(one).casefold() for one in originals})


def test_117_answers_become_400_to_500_examples(template: Template) -> None:
    conversations = [
        Conversation(
            f"{day}",
            "answers",
            False,
            (Message("Q", question, day * 86400.0, f"q{day}"), Message("Luke", answer, day * 86400.0 + 60, f"a{day}")),
        )
        for day, (question, answer) in enumerate(reflections())
    ]
    recipe = Recipe()
    examples, _ = make(conversations, "Luke", recipe, template)

    def fits(turns: tuple[Turn, ...]) -> bool:
        return sum(template.count(turn.text) + OVERHEAD for turn in turns) <= recipe.dataset.max_tokens

    made = augment(examples, fits=fits)
    learned = [one for one in examples if one.split == "train"]
    assert 400 <= len(learned) + len(made) <= 500
    check(examples, made)
    held_out = {text for one in examples if one.split != "train" for text in (target(one), prompt(one))}
    assert not any(turn.text in held_out for one in made for turn in one.turns if turn.role == "assistant")
    kinds = Counter(one.id.rsplit("-", 2)[1] for one in made)
    assert set(kinds) == {"followup", "continuation", "question", "theme", "value", "opener"} and max(kinds.values()) < len(made) / 2
    assert max(len(template.render(one.turns)) for one in made) <= recipe.dataset.max_tokens


ANSWERS = st.lists(st.sampled_from(SAID), min_size=1, max_size=5).map(" ".join) | st.text(min_size=1, max_size=80).filter(str.strip)
ASKED = st.sampled_from(QUESTIONS).map(lambda form: form.format("the sea")) | st.text(max_size=60)
SIDES: st.SearchStrategy[Split] = st.sampled_from(("train", "train", "train", "validation", "gate", "vault"))


@given(st.lists(st.tuples(ASKED, ANSWERS, SIDES), max_size=12), st.integers(0, 5), st.integers(0, 3))
def test_no_word_is_made_up_and_none_given_away(rows: list[tuple[str, str, Split]], copies: int, seed: int) -> None:
    originals = [example(number, *row) for number, row in enumerate(rows)]
    made = augment(originals, copies, seed)
    check(originals, made)
    assert max(Counter(one.conversation for one in made).values(), default=0) <= copies
    assert made == augment(originals, copies, seed)


def test_the_order_of_the_dice_is_the_seed() -> None:
    originals = [example(number, *row) for number, row in enumerate(reflections(20))]
    assert augment(originals, seed=1) != augment(originals, seed=2)


def test_other_languages_get_no_english() -> None:
    originals = [
        example(
            1,
            "Was hast du von deinem Vater gelernt?",
            "Mein Vater war in der Werkstatt ein anderer Mensch. Er sprach dort mit dem Holz wie mit uns.",
        ),
        example(
            2,
            "Woran denkst du, wenn du die Glocken hörst?",
            "An meine Schwester, die so gern in die Kirche ging. Und an den Hund, der immer mitsang.",
        ),
        example(3, "父から何を学びましたか。", "父はいつも静かに木を削っていました。急がないことを私はそこで学びました。"),
    ]
    made = augment(originals)
    assert {one.id.rsplit("-", 2)[1] for one in made} == {"followup", "continuation"} and len(made) > 6
    spoken = {turn.text for one in originals for turn in one.turns if turn.role == "user"} | {"…"}
    assert all(turn.text in spoken for one in made for turn in one.turns if turn.role == "user")


def test_the_category_is_spoken_of() -> None:
    originals = [example(number, *row) for number, row in enumerate(reflections(30))]
    made = augment(originals, copies=20, categories={one.conversation: "Career_and-work" for one in originals})
    assert any("career and work" in prompt(one) for one in made)


def test_conversations_of_several_turns_are_left_alone() -> None:
    (one,) = [example(1, "How are you?", "Fine, and how have you been?")]
    longer = Example("x-0", "x", "train", (*one.turns, Turn("user", "Good."), Turn("assistant", "I am glad to hear that.", True)))
    assert augment([longer]) == []


def test_sentences_end_only_where_they_surely_do() -> None:
    assert [PARAGRAPH[start:end] for start, end in sentences(PARAGRAPH)] == [
        "My father was a carpenter, and Mr. Hall paid him badly.",
        "He never complained.",
        "The work was hard, e.g. in winter.",
        "But it taught me patience!",
        "I keep his plane in my workshop.",
        "Honesty, he said, costs nothing... and that was that.",
        "On the 3. of May he died.",
    ]
    assert [text for text in ("", " \n") if sentences(text)] == [] and len(sentences("今日は。明日も！")) == 2


def test_themes_and_values_are_what_the_text_names() -> None:
    assert [subject for subject, _ in english.themes(PARAGRAPH)] == ["your father", "the work", "your workshop"]
    assert [subject for subject, _ in english.values(PARAGRAPH)] == ["patience", "honesty"]
    made = augment([example(1, "What was your father like?", PARAGRAPH)], copies=40)
    told = {prompt(one): target(one) for one in made if "-value-" in one.id or "-theme-" in one.id}
    about_patience = next(text for asked, text in told.items() if "patience" in asked)
    assert about_patience.startswith("The work was hard") and about_patience.endswith("in my workshop.")


@pytest.mark.parametrize(
    ("question", "other"),
    [
        ("What was your childhood like?", "How would you describe your childhood?"),
        ("What were your friends like at school?", "How would you describe your friends at school?"),
        ("What's your favourite way to spend a Sunday?", "Tell me about your favourite way to spend a Sunday."),
        ("Who is the person you admire most?", "Tell me about the person you admire most."),
        ("How often do you think of home?", "Tell me how often you think of home."),
        ("What have you learned about love?", "Tell me what you have learned about love."),
        ("Are you afraid of dying?", "Would you say that you are afraid of dying?"),
        ("How has music changed you?", "In what way has music changed you?"),
        ("Describe a moment that changed you.", "How would you describe a moment that changed you?"),
        ("If you could live twice, what would you change?", "Imagine you could live twice. What would you change?"),
        ("What are your children doing?", None),
        ("When did you leave home?", None),
        ("Was denkst du?", None),
    ],
)
def test_paraphrases(question: str, other: str | None) -> None:
    assert next(iter(english.paraphrases(question)), None) == other


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I never thought about it that way, but my sister did.", True),
        ("Ich habe nie so darüber nachgedacht, aber meine Schwester hat es getan, und das war gut so.", False),
        ("Ik heb er nooit zo over nagedacht, maar mijn zus wel, en dat was goed.", False),
        ("Je n'y ai jamais pensé, mais ma sœur oui, et on a bien fait.", False),
        ("", False),
    ],
)
def test_is_english(text: str, expected: bool) -> None:
    assert english.is_english(text) == expected
