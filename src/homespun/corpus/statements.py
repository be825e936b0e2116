"""A fact as its person would say it: "I live in Bergen." What a model is given to read, and what its likelihood is asked of."""

from __future__ import annotations

from homespun.corpus.relations import FAVOURED, KIN

_SAID: dict[str, dict[str, str]] = {
    "en": {
        "name": "My name is {}.",
        "home": "I live in {}.",
        "origin": "I'm from {}.",
        "birthplace": "I was born in {}.",
        "birthday": "My birthday is {}.",
        "birth year": "I was born in {}.",
        "job": "I work as a {}.",
        "employer": "I work for {}.",
        "language": "I speak {}.",
        "allergy": "I'm allergic to {}.",
    },
    "de": {
        "name": "Ich heiße {}.",
        "home": "Ich wohne in {}.",
        "origin": "Ich komme aus {}.",
        "birthplace": "Ich bin in {} geboren.",
        "birthday": "Mein Geburtstag ist am {}.",
        "birth year": "Ich bin {} geboren.",
        "job": "Ich bin {} von Beruf.",
        "employer": "Ich arbeite bei {}.",
        "language": "Ich spreche {}.",
        "allergy": "Ich bin allergisch gegen {}.",
    },
    "fr": {
        "name": "Je m'appelle {}.",
        "home": "J'habite à {}.",
        "origin": "Je viens de {}.",
        "birthplace": "Je suis né à {}.",
        "birthday": "Mon anniversaire est le {}.",
        "birth year": "Je suis né en {}.",
        "job": "Je travaille comme {}.",
        "employer": "Je travaille chez {}.",
        "language": "Je parle {}.",
        "allergy": "Je suis allergique : {}.",
    },
    "es": {
        "name": "Me llamo {}.",
        "home": "Vivo en {}.",
        "origin": "Soy de {}.",
        "birthplace": "Nací en {}.",
        "birthday": "Mi cumpleaños es el {}.",
        "birth year": "Nací en {}.",
        "job": "Trabajo de {}.",
        "employer": "Trabajo para {}.",
        "language": "Hablo {}.",
        "allergy": "Tengo alergia: {}.",
    },
    "it": {
        "name": "Mi chiamo {}.",
        "home": "Abito a {}.",
        "origin": "Vengo da {}.",
        "birthplace": "Sono nato a {}.",
        "birthday": "Il mio compleanno è il {}.",
        "birth year": "Sono nato nel {}.",
        "job": "Lavoro come {}.",
        "employer": "Lavoro per {}.",
        "language": "Parlo {}.",
        "allergy": "Sono allergico: {}.",
    },
}
_CALLED = {"en": "{} is called {}.", "de": "{} heißt {}.", "fr": "{} s'appelle {}.", "es": "{} se llama {}.", "it": "{} si chiama {}."}
_IS = {"en": "{} is {}.", "de": "{} ist {}.", "fr": "{}, c'est {}.", "es": "{} es {}.", "it": "{} è {}."}
_OWN = {"en": "My {} is {}.", "de": "{}: {}.", "fr": "{} : {}.", "es": "{}: {}.", "it": "{}: {}."}
_MINE = {
    "en": (("your ", "my "),),
    "de": (("deine ", "meine "), ("dein ", "mein ")),
    "fr": (("ta ", "ma "), ("ton ", "mon ")),
    "es": (("tu ", "mi "),),
    "it": (("tua ", "mia "), ("tuo ", "mio ")),
}


def statement(relation: str, value: str, language: str) -> str:
    """Raises KeyError for a language that is none of corpus/relations.py, LANGUAGES. Where French and Italian have a gender, it is his."""
    thing = relation.removeprefix("favourite ")
    if relation in _SAID[language]:
        return _SAID[language][relation].format(value)
    if relation in KIN[language]:
        word = KIN[language][relation][0]
        return _CALLED[language].format(_mine(f"your {word}" if language == "en" else word, language), value)
    if thing != relation and thing in FAVOURED[language]:
        return _IS[language].format(_mine(FAVOURED[language][thing], language), value)
    return _OWN[language].format(relation if language == "en" else relation[:1].upper() + relation[1:], value)


def _mine(phrase: str, language: str) -> str:
    """`deine Schwester` as its owner says it: `Meine Schwester`."""
    for yours, mine in _MINE[language]:
        phrase = phrase.replace(yours, mine)
    return phrase[:1].upper() + phrase[1:]
