"""How the value of a fact is read off the words that follow "I live in …": a place, a name, a day, a trade."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from homespun.corpus.relations import DAY_FORMS, MONTHS

Value = Callable[[str], str | None]
"""The value at the beginning of a text, or None where there is none that is sure."""

_LISTED = """
    and but so in at on with where which who since for from now near because as though although while or until then too also right
    currently originally this is was has und aber in bei mit wo wer seit für von aus jetzt weil oder auch nahe und ist war hat et mais dans
    chez avec où qui depuis pour car ou aussi maintenant est y e pero en con donde que desde para porque o también ahora es ma a da per dove
    che perché anche adesso è myself lol haha btw
"""
_LINKS = frozenset(_LISTED.split())
"""Words with which the next thing is said: a value ends before them."""

_NEVER_LISTED = """
    i you he she it we they im a an the this that these those there here my your his her our their its not no never is was been very so too
    just all about mostly me them him us what how who when where if mine yours everything anything something nothing everyone everybody
    someone monday tuesday wednesday thursday friday saturday sunday christmas easter god jesus ok okay oh lol hi hello thanks thank
    yes well
    mr mrs ms miss sir dr der die das den dem ein eine einen einer einem nicht kein keine mein dein sein ihr es er sie wir alles nichts
    etwas montag dienstag mittwoch donnerstag freitag samstag sonntag le la les un une des ce cette tout rien pas mon ma mes ton ta sa son
    lundi mardi mercredi jeudi vendredi samedi dimanche el los las una unos mi tu su todo nada no lunes martes miércoles jueves viernes
    sábado domingo il lo gli i uno mio mia tuo suo tutto niente non lunedì martedì mercoledì giovedì venerdì sabato domenica
"""
_NEVER = frozenset(_NEVER_LISTED.split()) | {month for months in MONTHS.values() for month in months}
_NO_PLACE_LISTED = """
    fear hope peace pain sin hell denial poverty luxury silence isolation debt town country city house flat apartment village world
    future past present moment way place there here dorms dormitory exile harmony misery shame squalor angst frieden armut stadt land paix
    peur ville paz miedo ciudad pace paura città campagna provincia bed theory general
"""
_NO_PLACE = frozenset(_NO_PLACE_LISTED.split())

_WORD = r"[^\W\d_]+(?:['’.-]?[^\W\d_]+)*"
_WORDS = re.compile(rf"{_WORD}")
_SPLIT_POSSESSIVE = re.compile(r"['’]s?$")
_SAINT = re.compile(r"^(St|Ste|Ft|Mt)\. ")
_ARTICLE = re.compile(r"(?:the|den|der|dem|die|la|las|le|les|los|el|il|lo|gli|the)\s+", re.IGNORECASE)
_INSIDE = re.compile(r"(?:of|upon|on|am|an der|sur|de|del|della|di|la|les|en|im|the)\b", re.IGNORECASE)


def ends(rest: str) -> bool:
    """Whether nothing of the value is in what follows it: the end, a mark, or a word with which something else begins."""
    rest = rest.lstrip(" ")
    word = _WORDS.match(rest)
    return word is None or word[0].casefold() in _LINKS


def person(rest: str, most: int = 2) -> str | None:
    """A name that begins with a capital: `Anna`, `Anna Berg`."""
    kept: list[str] = []
    for word, _ in _words(rest, most):
        bare = _SPLIT_POSSESSIVE.sub("", word)
        if not _is_name(bare):
            break
        kept.append(bare)
        if bare != word:
            break
    return " ".join(kept) or None


def called(rest: str) -> str | None:
    """A name after "is called": also a single small word, if nothing but an end or another thought follows."""
    rest = rest.lstrip(" \"'“‘«„*_")
    if (found := person(rest, 3)) is not None:
        return found
    word = _WORDS.match(rest)
    if word is None or len(word[0]) < 3 or word[0].casefold() in _NEVER | _LINKS or not word[0].islower():
        return None
    return word[0] if re.match(r"\s*(?:$|[\"'”’»*_.,;:!)])", rest[word.end() :]) else None


def place(rest: str) -> str | None:
    """`Bergen`, `New York`, `the Netherlands`, `Stratford upon Avon`."""
    rest = _SAINT.sub(r"\1 ", rest)
    article = _ARTICLE.match(rest)
    body = rest[article.end() :] if article else rest
    end = 0
    for _ in range(3):
        word = _WORDS.match(body, end)
        if word is None or not _is_name(word[0], acronyms=True):
            break
        end = word.end()
        inside = re.compile(r"[ -](?:(?:" + _INSIDE.pattern + r")[ -])?(?=[^\W\d_])", re.IGNORECASE).match(body, end)
        following = _WORDS.match(body, inside.end()) if inside else None
        if inside is None or following is None or not _is_name(following[0], acronyms=True):
            break
        end = inside.end()
    if not end or not ends(body[end:]):
        return None
    found = _SPLIT_POSSESSIVE.sub("", body[:end].rstrip(" -"))
    return f"{article[0]}{found}" if article else found


def home(rest: str) -> str | None:
    """A place, in small letters too: somebody who writes without capitals lives somewhere as well."""
    if (found := place(rest)) is not None:
        return found
    small = thing(rest, most=2)
    return small if small and small.islower() and not (_NEVER | _LINKS | _NO_PLACE) & set(small.split()) else None


def thing(rest: str, most: int = 3) -> str | None:
    """One to three words up to where something else begins: `cat hair`, `peanuts`."""
    for said, after in _prefixes(rest, most):
        if ends(after):
            words = said.split()
            return said if words[0].casefold() not in _NEVER | _LINKS and len(said) > 2 else None
    return None


def organisation(rest: str) -> str | None:
    """An employer: capitals, one to three words."""
    article = re.match(r"the\s+", rest, re.IGNORECASE)
    found = place(rest)
    return found if found and article is None else None


def year(rest: str) -> str | None:
    found = re.match(r"((?:19|20)\d\d)\b", rest)
    return found[1] if found else None


def day(language: str) -> Value:
    """Reads a day of a year, and writes it as the language does: `3 May`, `3. Mai`, `3 de mayo`."""
    months = "|".join(MONTHS[language]) + ("|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec" if language == "en" else "")
    before = rf"(?:the |am |le |el |il |l['’])?(\d{{1,2}})(?:st|nd|rd|th|er|\.|º|°)?\s*(?:of |de |di )?({months})\b"
    pattern = re.compile(rf"{before}|({months})\s+(?:the )?(\d{{1,2}})(?:st|nd|rd|th)?\b(?!:)", re.IGNORECASE)

    def read(rest: str) -> str | None:
        found = pattern.match(rest)
        if found is None:
            return None
        number, month = (found[1], found[2]) if found[1] else (found[4], found[3])
        month = month.capitalize() if language in ("en", "de") else month.lower()
        return DAY_FORMS[language].format(int(number), month) if 1 <= int(number) <= 31 else None

    return read


def _is_name(word: str, acronyms: bool = False) -> bool:
    shouted = word.isupper() and (len(word) > (4 if acronyms else 2) or word.casefold() in _LINKS)
    return word[0].isupper() and len(word) > 1 and not shouted and word.casefold() not in _NEVER


def _words(rest: str, most: int) -> Iterator[tuple[str, int]]:
    """The next words with nothing but single blanks between them, and where each ends."""
    place = 0
    for _ in range(most):
        word = _WORDS.match(rest, place)
        if word is None:
            return
        yield word[0], word.end()
        place = word.end() + 1
        if rest[word.end() : place] != " ":
            return


def _prefixes(rest: str, most: int) -> Iterator[tuple[str, str]]:
    """(the first word, what follows), (the first two, …), …"""
    return ((rest[:end], rest[end:]) for _, end in _words(rest, most))
