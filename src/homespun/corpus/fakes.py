"""Stand-ins for personal data: of the same kind and shape, and impossible or kept free for examples, so that they are nobody's."""

from __future__ import annotations

import re
from random import Random

from homespun.corpus.rules import money, national, phone, secrets

_VOWELS, _CONSONANTS = "aeiou", "bdfgklmnprstv"
_STREET = re.compile(
    r"(?:stra(?:ß|ss)e|str|gasse|allee|chaussee|weg|platz|straat|laan|plein|gracht|kade|singel|steeg|dreef|gatan|vägen|gränd|torget|gata|veien|"
    r"vegen|gaten|gade|vej|allé|katu|ntie|kuja|polku|väylä|ring|damm|ufer|hof|markt|steig|stieg|berg|grund)$",
    re.IGNORECASE,
)
_TYPE = re.compile(
    r"street|st|road|rd|avenue|ave?|lane|ln|drive|dr|court|ct|boulevard|blvd|bd|way|place|pl|square|sq|terrace|close|crescent|cres|gardens|"
    r"grove|row|parkway|pkwy|highway|hwy|mews|hill|walk|circle|cir|trail|quay|parade|broadway|apt|apartment|unit|suite|ste|flat|floor|[nsew]{1,2}|"
    r"rue|chemin|allée|impasse|quai|cours|route|passage|bis|ter|calle|c|avda|avenida|plaza|paseo|camino|ronda|carrer|calz|rua|r|travessa|praça|"
    r"alameda|estrada|via|viale|piazza|corso|largo|vicolo|nº?|ul|al|aleja|os|m|am|an|auf|im|in|unter|zum|zur|beim|hinter|der|den|dem|de|del|dei|"
    r"della|delle|di|da|das|do|dos|du|des|la|las|le|les|los|l|d|et|e|y|of|the|po?|o|box|postfach|apartado|postal|ул|улица|проспект|пр|пер|переулок|"
    r"д|дом|кв|квартира|路|街|大道|巷|弄|号|號",
    re.IGNORECASE,
)


def fake(kind: str, text: str, value: str, random: Random, attempt: int) -> str:
    """What to write instead, for the value as it is kept.

    Args:
        text: a spelling of the original; what needs no common spelling keeps its shape.
        attempt: how often one was asked for already; after many, the shape may grow to find a free one.
    """
    if attempt > 50:
        text += "0"
    if kind == "mail":
        return f"{_like_word(value.partition('@')[0], random, least=7)}@example.{random.choice(('org', 'com', 'net'))}"
    if kind == "phone":
        return _phone(value, random, attempt)
    if kind == "ip":
        return _ip(value, random, attempt)
    if kind == "address":
        return _address(text, random)
    return scrambled(text, random) if kind in ("password", "code") else _impossible(kind, text, value, random)


def scrambled(text: str, random: Random) -> str:
    """Digits for digits, letters for letters, in the same case; everything else stays."""
    return "".join(_other(character, random) for character in text)


def _other(character: str, random: Random) -> str:
    if character.isdecimal():
        return random.choice("123456789")
    if not character.isalpha():
        return character
    letter = random.choice("abcdefghijklmnopqrstuvwxyz")
    return letter.upper() if character.isupper() else letter


def _impossible(kind: str, text: str, value: str, random: Random) -> str:
    """A card, account, state's number or key that is none."""
    while True:
        # Check digits of an account are 02 to 98, but many a checker takes 00 for 97.
        made = value[:2] + "00" + scrambled(value[4:], random) if kind == "iban" else scrambled(text, random)
        bare = re.sub(r"\W", "", made)
        is_card, is_id = kind == "card" and money.luhn(bare), kind == "id" and (national.fits_any(made) or national.fits_any(bare))
        if not (is_card or is_id or (kind == "iban" and money.iban_is_right(made)) or any(secrets.keys(made))):
            return made


def _like_word(text: str, random: Random, least: int = 3) -> str:
    """A word that can be said, as long and with the same capitals."""
    letters: list[str] = []
    vowel = random.random() < 0.5
    for character in text.ljust(least, "a"):
        if character.isalpha():
            letter = random.choice(_VOWELS if vowel else _CONSONANTS)
            letters.append(letter.upper() if character.isupper() else letter)
            vowel = not vowel
        else:
            letters.append(_other(character, random))
    return "".join(letters)


def _phone(value: str, random: Random, attempt: int) -> str:
    """A number kept free for fiction in that country, as long as the original; else one that begins with zeros, as none does."""
    country, national_number = phone.national(value)
    free = phone.fiction(country, len(national_number)) if attempt < 25 else ()
    start = random.choice(free) if free else "000"
    rest = len(national_number) - len(start) + (attempt > 50)
    return f"+{country} {start}{scrambled('0' * rest, random)}"


def _ip(value: str, random: Random, attempt: int) -> str:
    """Of the ranges for documentation (RFC 5737, RFC 3849); when those of IPv4 are used up, of the one that was never given out."""
    if ":" in value:
        return "2001:db8:" + ":".join(f"{random.randrange(1, 1 << 16):x}" for _ in range(2)) + f"::{random.randrange(1, 1 << 16):x}"
    if attempt < 25:
        return f"{random.choice(('192.0.2', '198.51.100', '203.0.113'))}.{random.randrange(1, 255)}"
    return f"{random.randrange(240, 255)}." + ".".join(str(random.randrange(1, 255)) for _ in range(3))


def _address(text: str, random: Random) -> str:
    """The same kind of street with a name nobody gave one, and other numbers."""

    def word(found: re.Match[str]) -> str:
        written = found[0]
        if _TYPE.fullmatch(written):
            return written
        if written[0].isdecimal() or len(written) < 3:
            return "".join(_other(character, random) if character.isascii() else character for character in written)
        if ending := _STREET.search(written):
            return _like_word(written[: ending.start()], random) + ending[0] if ending.start() > 1 else written
        return _like_word(written, random)

    return re.sub(r"\d+|[^\W\d_]+", word, text)


def written_as(kind: str, replacement: str, text: str) -> str:
    """A replacement in the spelling of what it replaces: digit under digit, letter under letter, in the same case."""
    if kind not in ("phone", "card", "iban", "id"):
        return replacement
    characters = re.findall(r"[^\W_]", phone_tail(replacement) if kind == "phone" else replacement)
    places = [place for place, character in enumerate(text) if character.isalnum()][-len(characters) :]
    written = list(text)
    for place, character in zip(places, characters[-len(places) :], strict=True):
        written[place] = character.lower() if text[place].islower() else character
    return "".join(written)


def phone_tail(replacement: str) -> str:
    """The national digits of a replacement, which stand in every spelling of it."""
    return replacement.partition(" ")[2]
