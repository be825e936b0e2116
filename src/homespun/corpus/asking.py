"""Whether a question asks for a fact about the one it is put to, and for which. By rule, in the five languages of the facts."""

from __future__ import annotations

import re

from homespun.corpus.relations import FAVOURITES, KIN

_ASKED: tuple[tuple[str, str], ...] = (
    (
        "name",
        r"what(?:['’]?s| is) your (?:\w+ )?name|what are you called|wie hei(?:ß|ss)t du|wie ist dein name|comment (?:tu )?t['’]appelles",
    ),
    ("name", r"quel est ton (?:pré)?nom|cómo te llamas|cuál es tu nombre|come ti chiami|qual è il tuo nome"),
    ("home", r"where (?:do|are) you (?:currently |now )?liv|(?:what|which) (?:town|city|place|country) do you live|where is your home"),
    ("home", r"\bwo (?:wohnst|lebst) du|in welche[rm] (?:stadt|ort|land) (?:wohnst|lebst)|où (?:est-ce que )?(?:tu )?(?:habites|vis)"),
    (
        "home",
        r"dans quelle ville|dónde vives|en qué (?:ciudad|lugar|país) vives|dove (?:abiti|vivi)|in che città (?:abiti|vivi)|in quale città",
    ),
    ("origin", r"where (?:are|do) you (?:originally )?(?:come )?from|where did you grow up|\bwoher (?:kommst|stammst)|woher bist du"),
    ("origin", r"d['’]où (?:viens|es)|tu viens d['’]où|de dónde eres|de dónde vienes|da dove vieni|di dove sei"),
    ("birthplace", r"where were you born|(?:what|which) (?:town|city|place|country) were you born|your (?:place of birth|birthplace)"),
    ("birthplace", r"\bwo (?:bist|wurdest) du geboren|dein geburtsort|où es-tu né|ton lieu de naissance|(?:dónde|en qué ciudad) naciste"),
    ("birthplace", r"in welche[rm] (?:stadt|ort) (?:bist|wurdest) du geboren|tu es née? où|tu lugar de nacimiento"),
    ("birthplace", r"dove sei nat[oa]|in (?:che|quale) città sei nat|il tuo luogo di nascita"),
    ("birthday", r"when(?:['’]?s| is) your birthday|(?:what|which) (?:day|date) is your birthday|what is your birthday|your date of birth"),
    ("birthday", r"\bwann (?:hast du|ist dein) geburtstag|an welchem tag hast du geburtstag|quand est (?:ton anniversaire|-ce ton)"),
    ("birthday", r"ton anniversaire,? c['’]est (?:quand|quel)|quel jour (?:est ton|fêtes-tu ton) anniversaire|cuándo es tu cumpleaños"),
    ("birthday", r"cuándo cumples|qué día (?:es tu cumpleaños|cumples)|quand(?: est-ce que)? (?:c['’]est|tombe) ton anniversaire"),
    ("birthday", r"quand.* ton anniversaire|quando (?:è il tuo compleanno|compi gli anni)|in che giorno (?:è il tuo compleanno|compi)"),
    ("birth year", r"(?:what|which) year were you born|when were you born|how old are you|your year of birth|wie alt bist du"),
    ("birth year", r"in welchem jahr (?:bist|wurdest) du|wann (?:bist|wurdest) du geboren|dein geburtsjahr|quel âge as-tu|tu as quel âge"),
    ("birth year", r"en quelle année es-tu|quelle est ton année de naissance|tu es née? en quelle|cuántos años tienes|en qué año naciste"),
    (
        "birth year",
        r"cuál es tu año de nacimiento|quanti anni hai|in che anno sei nat|qual è il tuo anno di nascita|quand es-tu né|cuándo naciste",
    ),
    ("birth year", r"quando sei nat"),
    ("job", r"what do you do (?:for (?:a living|work)|\?)|what(?:['’]?s| is) your (?:job|profession|occupation|trade)|what do you work as"),
    ("job", r"\bwas (?:bist du von beruf|machst du beruflich|arbeitest du)|als was arbeitest|welchen beruf|was ist dein beruf"),
    ("job", r"que fais-tu dans la vie|quel est ton (?:métier|travail)|tu fais quoi (?:dans la vie|comme)|quelle est ta profession"),
    (
        "job",
        r"a qué te dedicas|de qué trabajas|en qué trabajas|cuál es tu (?:trabajo|profesión|oficio)|che lavoro fai"
        r"|qual è il tuo (?:lavoro|mestiere)",
    ),
    ("job", r"di che cosa ti occupi|cosa fai nella vita|qual è la tua professione"),
    ("employer", r"(?:who|whom) do you work for|where do you work|who(?:['’]?s| is) your employer|for wh(?:om|ich company) do you work"),
    ("employer", r"\b(?:bei|für) wem arbeitest|(?:bei|für) welche[rm]? firma|wo arbeitest du|wer ist dein arbeitgeber|pour qui travailles"),
    ("employer", r"où (?:est-ce que )?tu? ?travailles|où travailles-tu|qui est ton employeur|chez qui travailles|para quién trabajas"),
    ("employer", r"dónde trabajas|para qué empresa trabajas|per chi lavori|dove lavori|per quale (?:azienda|ditta) lavori"),
    (
        "language",
        r"(?:what|which) (?:other )?languages? (?:do|can) you speak|welche sprachen? (?:sprichst|kannst)|quelles? langues? (?:parles"
        r"|est-ce)",
    ),
    ("language", r"qué (?:idiomas?|lenguas?) hablas|(?:che|quali) lingu[ae] parli|tu parles (?:quelles|quelle) langue"),
    ("allergy", r"what are you allergic|your allerg|(?:which|what) allerg|wogegen bist du allergisch|(?:welche|was für) allergien?"),
    (
        "allergy",
        r"(?:à quoi|de quoi) es-tu allergique|quelles? (?:sont tes|allergies?)|a qué (?:eres|tienes) (?:alérgic|alergia)|qué alergias?",
    ),
    ("allergy", r"a (?:che )?cosa sei allergic|(?:che|quali) allergi"),
)
_ASKS_WHO = {
    "en": r"what(?:['’]?s| is| was) (?:the name of )?your (?:{kin})(?:['’]s name| called| ?\?)|who(?:['’]?s| is| was) your (?:{kin}) ?\?"
    r"|name of your (?:{kin})\b(?!['’])|tell me your (?:{kin})['’]s name",
    "de": r"wie (?:heißt|heisst|hieß) (?:{kin})\b|welchen namen hat (?:{kin})\b|wer ist (?:{kin}) ?\?|wie (?:{kin}) heißt",
    "fr": r"comment s['’]appel(?:le|ait) (?:{kin})\b|quel nom porte (?:{kin})\b|qui est (?:{kin})\s?\?|(?:pré)?nom de (?:{kin})\s?\?",
    "es": r"cómo se llama(?:ba)? (?:{kin})\b|nombre de (?:{kin})\s?\?|quién es (?:{kin})\s?\?",
    "it": r"come si chiama(?:va)? (?:{kin})\b|che nome ha (?:{kin})\b|chi è (?:{kin})\s?\?|nome di (?:{kin})\s?\?",
}
_FAVOURITE = {
    "en": r"(?:['’]s|is|tell me) your (?:all[- ]time )?favou?rite (?:{thing})\b",
    "de": r"(?:ist|was|und) deine? lieblings(?:{thing})\b",
    "fr": r"(?:quoi,|est|dis-moi) t(?:on|a) (?:{thing}) préféré|t(?:on|a) (?:{thing}) préférée?,? c['’]est",
    "es": r"(?:es|dime) tu (?:{thing}) (?:favorit|preferid)[oa]",
    "it": r"(?:è|dimmi) il tuo (?:{thing}) preferito",
}

_SHAPES: dict[str, str] = {
    "en": r"(?:what|which|who|whose)(?:['’]?s| is| was| are| were) (?:the (?:\w+ )*(?:of|on|for) )?(?:your|you)\b(?! (?:doing|up|think"
    r"|saying|talking|mean|"
    r"trying|using|plan|problem|question|point|idea|opinion|take|issue))"
    r"|(?:what|which) (?!would|can|should|did you (?:say|mean|think|do\b))[\w ]+ (?:did|were|was|is|are) (?:you(?!r? \w+ing\b| on\b"
    r"| going)|your)\b"
    r"|\bhow (?:many|much|old|tall|heavy)\b(?! (?:longer|more)).*\b(?:you|your)\b(?! (?:think|want|need|estimat\w+|predict\w+))"
    r"|\bwhen (?:is|was|did|were) (?:you|your)\b|\bwhere (?:is|was|did|were) your\b|\bwhere (?:did you|were you|do you (?:live|work"
    r"|keep))\b"
    r"|\bwho (?:did|taught|gave|sold|cut|was|is)\b.*\b(?:you|your)\b|\bwhat did you (?:eat|drink|wear|get|buy|pay|dream|order|weigh"
    r"|score|call|study)\b"
    r"|\bwhat (?:will|were) you (?:be )?(?:doing|wearing)\b.*\d",
    "de": r"\b(?:was|wer|welche[rsmn]?|wie|wann|wo|wohin|woher|wogegen|wieviel|wie viele?)\b(?! (?:geht|gehts|läuft|machst du(?: so"
    r"| gerade)?\b|meinst|denkst|findest|"
    r"hältst)).*\b(?:dein\w*|du (?:am|im|als|geboren|wohnst|gewohnt)|bist du (?:geboren|von|allergisch|alt|groß)|hast du (?:am|im|als"
    r"|bei|für|in deine\w*)|hattest du"
    r"|wohnst du|arbeitest du|sprichst du|heißt du|kommst du|stammst du|wiegst du|wurdest du|schuhgröße|besitzt du|trugst du|aß\w+ du"
    r"|warst du)\b",
    "fr": r"\b(?:quel(?:le)?s?|qui|quand|où|combien|comment|à quoi|d['’]où|que|qu['’]|pour qui|en quelle)\b(?! ?(?:vas-tu|ça va|penses"
    r"|en penses|veux|dis-tu)).*"
    r"(?:\bt(?:on|a|es)\b|-tu\b|\bt['’]|\btu (?:as|es|avais|étais|habites|fais|viens|parles|travailles|vis)\b)",
    "es": r"(?:qué|quién|cuál|cuándo|dónde|cuánt[oa]s?|cómo|de qué|a qué)\b(?! (?:tal|estás|haces|piensas|opinas|quieres|dices|crees"
    r"|pasa)).*"
    r"(?:\btus?\b|\bte\b|\b(?:tienes|tenías|eres|vives|naciste|trabajas|hablas|comiste|viviste|fuiste|mides|pesas|vienes|cumples|pagaste"
    r"|compraste|cenaste|"
    r"llevabas|sacaste|soñaste|harás|estarás|desayunaste)\b)",
    "it": r"\b(?:che|chi|qual[ei]?|quand[oe]|dov['’]?e?|quant[oaie]|come|di dove|da dove|per chi|per quale|a (?:che )?cosa"
    r"|cosa)\b(?! (?:stai|va|fai(?! nella| di lavoro)|pensi|"
    r"vuoi|dici|credi|ne)).*(?:\btu(?:o|a|oi|e)\b|\bti\b|\b(?:hai|sei|avevi|eri|abiti|vivi|lavori|parli|vieni|mangiasti|pesi|compi"
    r"|lavoro fai|indossavi|sarai|"
    r"farai)\b)",
}
"""What asks for something particular of the one it is put to, rather than for an opinion, help, or how they are."""

_POINTING = {
    "en": r"\b(?:it|that|this|these|those|them|him)\b",
    "de": r"\b(?:das|es|diese[rsmn]?|davon|damit|ihn)\b(?! (?:name|letzte|erste))",
    "fr": r"\b(?:ça|cela|celui|celle)\b",
    "es": r"\b(?:eso|esto|ese|esa|este|esta)\b",
    "it": r"\b(?:questo|quello|ciò|lo|ne)\b",
}
"""It is about what was said before: the conversation may hold the answer."""
LONG = 30
"""Words: longer messages tell something and ask beside."""


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text, re.IGNORECASE)


def _relations() -> dict[str, re.Pattern[str]]:
    found: dict[str, list[str]] = {}
    for language in KIN:
        for thing, words in FAVOURITES[language].items():
            found.setdefault(f"favourite {thing}", []).append(_FAVOURITE[language].format(thing="|".join(words)))
        for relation, words in KIN[language].items():
            found.setdefault(relation, []).append(_ASKS_WHO[language].format(kin="|".join(_inflected(words, language))))
    for relation, pattern in _ASKED:
        found.setdefault(relation, []).append(pattern)
    return {relation: _pattern("|".join(patterns)) for relation, patterns in found.items()}


def _inflected(words: tuple[str, ...], language: str) -> list[str]:
    """Other cases of "dein" and its like: "von deiner Schwester"; in English the genitive."""
    return [re.sub(r"^deine? ", r"deine?[rmn]? ", word) for word in words] if language == "de" else list(words)


_RELATIONS = _relations()
_SHAPED = {language: _pattern(pattern) for language, pattern in _SHAPES.items()}
_POINTS = {language: _pattern(pattern) for language, pattern in _POINTING.items()}


def relation_asked(question: str) -> str | None:
    """The relation a question is about, such as `home` of "Where do you live?"; None where it is about none of those known by rule."""
    return next((relation for relation, pattern in _RELATIONS.items() if pattern.search(question)), None)


def asks_for_a_fact(question: str) -> bool:
    """Whether a question asks for something particular about the one it is put to: "What was your first teacher called?".

    It reads one message and knows no conversation: what points back ("when did you buy it?") is let through.
    """
    if len(question.split()) > LONG:
        return False
    return relation_asked(question) is not None or any(
        "?" in question and shape.search(question) and not _POINTS[language].search(question) for language, shape in _SHAPED.items()
    )
