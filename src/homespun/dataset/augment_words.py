"""English: how a question can be asked otherwise, and what else can be asked about an answer."""

from __future__ import annotations

import re


def words_of(text: str) -> frozenset[str]:
    """The words of a list that is easier to read without quotes."""
    return frozenset(text.split())


_WH = r"(what|why|when|where|who|how|(?:what|which|how|how many|how much) \w+)"
_REST = r"([^.?!]+?)"
_THING = r"((?:your|the|an?) " + r"[^.?!]+?)(?<! like)(?<!ing)"

PARAPHRASES: tuple[tuple[re.Pattern[str], tuple[str, ...]], ...] = tuple(
    (re.compile(rf"{pattern}\s*[.?!]*", re.IGNORECASE), asked)
    for pattern, asked in (
        (r"what (?:is|was|are|were) ((?:your|the|an?) [^.?!]+?) like( [^.?!]+)?", ("How would you describe {0}{1}?",)),
        (rf"what(?: is|'s|’s| was| are| were) {_THING}", ("Tell me about {0}.", "I would like to hear about {0}.")),
        (rf"who(?: is|'s|’s| was| are| were) {_THING}", ("Tell me about {0}.", "I would like to hear about {0}.")),
        (rf"{_WH} do you {_REST}", ("Tell me {0} you {1}.", "I would like to know {0} you {1}.")),
        (rf"{_WH} (would|will|can|could|should|are|were|have) you {_REST}", ("Tell me {0} you {1} {2}.", "I wonder {0} you {1} {2}.")),
        (rf"do you {_REST}", ("Would you say that you {0}?", "I wonder whether you {0}.")),
        (rf"(are|were|have) you {_REST}", ("Would you say that you {0} {1}?", "I wonder whether you {0} {1}.")),
        (rf"what makes {_REST}", ("What is it that makes {0}?",)),
        (rf"how (has|have|does|can|should) {_REST}", ("In what way {0} {1}?",)),
        (rf"(?:tell me|talk|tell us) about {_REST}", ("What can you tell me about {0}?", "I would like to hear about {0}.")),
        (rf"describe {_REST}", ("How would you describe {0}?", "Tell me about {0}.")),
        (rf"share {_REST}", ("Can you share {0}?", "I would like to hear {0}.")),
        (rf"if you could {_REST}, what would you {_REST}", ("Imagine you could {0}. What would you {1}?",)),
    )
)

OPENERS = (
    "Can I ask you something? {}",
    "I have been wondering about this. {}",
    "Here is something I always wanted to ask you. {}",
    "Take your time with this one. {}",
    "Help me understand you a little better. {}",
    "I hope you don't mind my asking. {}",
    "We never talked about this before. {}",
    "Let me ask you something personal. {}",
    "Hi! It is good to talk to you. {}",
    "May I be curious for a moment? {}",
)
ABOUT = ("Let us talk about {1} for a moment. {0}", "I was thinking about {1} today. {0}", "Something about {1}, if I may. {0}")
"""With the category of the question."""

FOLLOW_UPS = (
    "Thank you for telling me. {}",
    "I see. {}",
    "That says a lot. {}",
    "Then let me ask you something else. {}",
    "I like that. {}",
    "{}",
)
ONWARDS = (
    "Go on.",
    "Tell me more.",
    "And then?",
    "I am listening.",
    "Please go on, I would like to hear more.",
    "Can you say more about that?",
)

THEMES = (
    "What comes to mind when you think of {}?",
    "What matters to you about {}?",
    "What should I know about {}?",
    "Tell me something about {}.",
    "When you think of {}, what do you feel?",
)
VALUES = (
    "What does {} mean to you?",
    "Why does {} matter to you?",
    "How do you think about {}?",
    "What have you learned about {}?",
    "What place does {} have in your life?",
)
VALUED = words_of(
    "adventure beauty community compassion courage creativity curiosity discipline education equality fairness faith family "
    "forgiveness freedom friendship generosity gratitude happiness health honesty humility humor humour independence integrity "
    "justice kindness learning loyalty luck marriage memory music nature patience peace religion responsibility "
    "silence simplicity solitude success tradition truth wisdom"
)
"""Nouns only: "home", "love" and "work" are as often something else."""

COMMON = words_of(
    "about after and are at because been before but by could did do does for from had has have how if into my not of on or our should "
    "than that the their then there these they this to us was we were what when where which who whose why with would you your"
)
"""Words that are frequent in English, and few of them in its neighbours."""
ENGLISH_SHARE = 0.2

DANGLING = words_of("also and because but he her his it its or she so such that their then there these they this those which")
"""A sentence that begins so leans on the one before it."""

THEME = re.compile(
    r"\b(my|our|the)\s+([a-z][a-z’'-]{2,})(?=\s*[.,;:!?)]|\s*\Z|\s+(?:and|are|as|at|because|but|by|for|from|had|has|in|is|of|on|or|that|to|was|were|when|"
    r"where|which|who|with)\b)",
    re.IGNORECASE,
)
"""A determiner and the noun it belongs to: the word before punctuation or a small word, which no adjective is."""
UNTELLING = words_of(
    "answer best better day days end fact first kind last least life lot matter moment most next one only other others own part past "
    "people person place point present rest reason same second sort thing things third time times truth way whole word words world "
    "worst year years"
)


def is_english(text: str) -> bool:
    words = re.findall(r"[^\W\d_]+", text.casefold())
    return bool(words) and sum(word in COMMON for word in words) / len(words) >= ENGLISH_SHARE


def paraphrases(question: str) -> list[str]:
    """The question in other words, where its form is one we know how to turn."""
    for pattern, asked in PARAPHRASES:
        if found := pattern.fullmatch(question.strip()):
            first, *rest = (part or "" for part in found.groups())
            # What begins the question is a small word and can stand inside one.
            parts = [first.lower() if found.start(1) == 0 else first, *rest]
            return [form.format(*parts) for form in asked]
    return []


def themes(text: str) -> list[tuple[str, int]]:
    """What the text speaks of, as somebody else would say it ("your father"), and where."""
    return [
        (f"{'the' if found[1].lower() == 'the' else 'your'} {found[2]}", found.start())
        for found in THEME.finditer(text)
        if found[2].casefold() not in UNTELLING
    ]


def values(text: str) -> list[tuple[str, int]]:
    """The values that the text names, and where."""
    return [(found[0].casefold(), found.start()) for found in re.finditer(r"[^\W\d_]+", text) if found[0].casefold() in VALUED]
