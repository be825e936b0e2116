"""What can be known of somebody: the relations that the rules find, and what each of them is called in five languages."""

from __future__ import annotations

LANGUAGES = ("en", "de", "fr", "es", "it")
"""ISO 639-1: those of the rules that find facts, of the questions about them, and of what says that something is not known."""

KIN: dict[str, dict[str, tuple[str, ...]]] = {
    "en": {
        "sister": ("sister", "sis"),
        "brother": ("brother", "bro"),
        "daughter": ("daughter",),
        "son": ("son",),
        "wife": ("wife",),
        "husband": ("husband", "hubby"),
        "girlfriend": ("girlfriend", "gf"),
        "boyfriend": ("boyfriend", "bf"),
        "mother": ("mother", "mum", "mom"),
        "father": ("father", "dad"),
        "grandmother": ("grandmother", "grandma", "nan"),
        "grandfather": ("grandfather", "grandpa", "grandad"),
        "aunt": ("aunt", "auntie"),
        "uncle": ("uncle",),
        "cousin": ("cousin",),
        "friend": ("friend",),
        "boss": ("boss",),
        "dog": ("dog", "puppy"),
        "cat": ("cat", "kitten"),
    },
    "de": {
        "sister": ("deine Schwester",),
        "brother": ("dein Bruder",),
        "daughter": ("deine Tochter",),
        "son": ("dein Sohn",),
        "wife": ("deine Frau",),
        "husband": ("dein Mann",),
        "girlfriend": ("deine Freundin",),
        "boyfriend": ("dein Freund",),
        "mother": ("deine Mutter", "deine Mama"),
        "father": ("dein Vater", "dein Papa"),
        "grandmother": ("deine Oma", "deine Großmutter"),
        "grandfather": ("dein Opa", "dein Großvater"),
        "aunt": ("deine Tante",),
        "uncle": ("dein Onkel",),
        "cousin": ("deine Cousine", "dein Cousin"),
        "boss": ("deine Chefin", "dein Chef"),
        "dog": ("dein Hund", "deine Hündin"),
        "cat": ("deine Katze", "dein Kater"),
    },
    "fr": {
        "sister": ("ta sœur", "ta soeur"),
        "brother": ("ton frère",),
        "daughter": ("ta fille",),
        "son": ("ton fils",),
        "wife": ("ta femme",),
        "husband": ("ton mari",),
        "girlfriend": ("ta copine",),
        "boyfriend": ("ton copain",),
        "mother": ("ta mère",),
        "father": ("ton père",),
        "grandmother": ("ta grand-mère", "ta mamie"),
        "grandfather": ("ton grand-père", "ton papi"),
        "aunt": ("ta tante",),
        "uncle": ("ton oncle",),
        "cousin": ("ta cousine", "ton cousin"),
        "friend": ("ton amie", "ton ami"),
        "boss": ("ta cheffe", "ton chef", "ton patron"),
        "dog": ("ton chien", "ta chienne"),
        "cat": ("ton chat", "ta chatte"),
    },
    "es": {
        "sister": ("tu hermana",),
        "brother": ("tu hermano",),
        "daughter": ("tu hija",),
        "son": ("tu hijo",),
        "wife": ("tu mujer", "tu esposa"),
        "husband": ("tu marido", "tu esposo"),
        "girlfriend": ("tu novia",),
        "boyfriend": ("tu novio",),
        "mother": ("tu madre", "tu mamá"),
        "father": ("tu padre", "tu papá"),
        "grandmother": ("tu abuela",),
        "grandfather": ("tu abuelo",),
        "aunt": ("tu tía",),
        "uncle": ("tu tío",),
        "cousin": ("tu prima", "tu primo"),
        "friend": ("tu amiga", "tu amigo"),
        "boss": ("tu jefa", "tu jefe"),
        "dog": ("tu perro", "tu perra"),
        "cat": ("tu gato", "tu gata"),
    },
    "it": {
        "sister": ("tua sorella",),
        "brother": ("tuo fratello",),
        "daughter": ("tua figlia",),
        "son": ("tuo figlio",),
        "wife": ("tua moglie",),
        "husband": ("tuo marito",),
        "girlfriend": ("la tua ragazza", "la tua fidanzata"),
        "boyfriend": ("il tuo ragazzo", "il tuo fidanzato"),
        "mother": ("tua madre",),
        "father": ("tuo padre",),
        "grandmother": ("tua nonna",),
        "grandfather": ("tuo nonno",),
        "aunt": ("tua zia",),
        "uncle": ("tuo zio",),
        "cousin": ("tua cugina", "tuo cugino"),
        "friend": ("la tua amica", "il tuo amico"),
        "boss": ("la tua capa", "il tuo capo"),
        "dog": ("il tuo cane", "la tua cagna"),
        "cat": ("il tuo gatto", "la tua gatta"),
    },
}
"""Language -> relation -> its words, the most usual first; but for English with "your" before them, which has a gender there.

German has no word for a friend: `Freund` is one and a boyfriend.
"""

FAVOURITES: dict[str, dict[str, tuple[str, ...]]] = {
    "en": {"colour": ("colour", "color"), "food": ("food", "dish"), "film": ("film", "movie"), "book": ("book",), "band": ("band",)},
    "de": {"colour": ("farbe",), "food": ("essen", "gericht"), "film": ("film",), "book": ("buch",), "band": ("band",)},
    "fr": {"colour": ("couleur",), "food": ("plat",), "film": ("film",), "book": ("livre",), "band": ("groupe",)},
    "es": {"colour": ("color",), "food": ("comida", "plato"), "film": ("película",), "book": ("libro",), "band": ("grupo",)},
    "it": {"colour": ("colore",), "food": ("cibo", "piatto"), "film": ("film",), "book": ("libro",), "band": ("gruppo",)},
}
"""Language -> thing -> its words; the relation is `favourite colour`."""
_FORMS = {
    "en": "your favourite {}",
    "de": "dein Lieblings{}",
    "fr": "ton {} préféré",
    "es": "tu {} favorito",
    "it": "il tuo {} preferito",
}
_FEMININE = {
    ("de", "farbe"): "deine Lieblingsfarbe",
    ("de", "band"): "deine Lieblingsband",
    ("fr", "couleur"): "ta couleur préférée",
    ("es", "comida"): "tu comida favorita",
    ("es", "película"): "tu película favorita",
}
FAVOURED: dict[str, dict[str, str]] = {
    language: {thing: _FEMININE.get((language, words[0]), _FORMS[language].format(words[0])) for thing, words in things.items()}
    for language, things in FAVOURITES.items()
}
"""Language -> thing -> what it is called when somebody is asked for it: `deine Lieblingsfarbe`."""

MONTHS: dict[str, tuple[str, ...]] = {
    "en": ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"),
    "de": ("januar", "februar", "märz", "april", "mai", "juni", "juli", "august", "september", "oktober", "november", "dezember"),
    "fr": ("janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre", "décembre"),
    "es": ("enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre", "noviembre", "diciembre"),
    "it": (
        "gennaio",
        "febbraio",
        "marzo",
        "aprile",
        "maggio",
        "giugno",
        "luglio",
        "agosto",
        "settembre",
        "ottobre",
        "novembre",
        "dicembre",
    ),
}
DAY_FORMS = {"en": "{} {}", "de": "{}. {}", "fr": "{} {}", "es": "{} de {}", "it": "{} {}"}
"""How a day is written: number, then month."""

_MANY_KIN = {"sister", "brother", "daughter", "son", "grandmother", "grandfather", "aunt", "uncle", "cousin", "friend", "dog", "cat"}
MANY = frozenset({*_MANY_KIN, "allergy", "language", "name"})
"""Relations of which several values are true at once. Of all others only the newest counts."""

KINDS: dict[str, str] = {
    "name": "first name",
    "home": "place",
    "origin": "place",
    "birthplace": "place",
    "birthday": "day",
    "birth year": "year",
    "job": "job",
    "employer": "employer",
    "language": "language",
    "allergy": "allergy",
    **dict.fromkeys(KIN["en"], "first name"),
    **dict.fromkeys(("dog", "cat"), "pet name"),
    **{f"favourite {thing}": thing for thing in FAVOURITES["en"]},
}
"""Relation -> what its values are."""
