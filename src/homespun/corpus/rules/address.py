"""Postal addresses in text, by the ways in which a dozen languages write a street and a number."""

from __future__ import annotations

import re
from collections.abc import Iterator

from homespun.corpus.rules.network import Hit

_CAPITAL = r"[^\W\d_a-zß-öø-ÿ]"
_NAME = rf"{_CAPITAL}(?:[^\W\d_]|['’.-])*"
_NUMBER = r"\d{1,4}(?:\s?[a-zA-Z](?![\w'’]))?(?:\s?[-/]\s?\d{1,4}[a-z]?)?"
_TOWN = rf"{_NAME}(?:[ -](?:(?:am|an der|im|upon|on|sur|en|de|del|di|der|la|le|van|den)[ -])?{_NAME}){{0,3}}"

_UK_CODE = r"[A-Z]{1,2}\d[A-Z\d]? \d[ABD-HJLNP-UW-Z]{2}"
_POSTCODE = rf"(?:{_UK_CODE}|[A-Z]{{2,3}},? \d{{4,5}}(?:-\d{{4}})?|[A-Z]{{2}},? [A-Z]\d[A-Z] ?\d[A-Z]\d)"
_STREET = (
    r"(?:Street|St|Road|Rd|Avenue|Ave|Lane|Ln|Drive|Dr|Court|Ct|Boulevard|Blvd|Way|Place|Pl|Square|Sq|Terrace|Close|Crescent|Cres|Gardens|"
    r"Grove|Row|Parkway|Pkwy|Highway|Hwy|Mews|Hill|Walk|Circle|Cir|Trail|Quay|Parade|Broadway)"
)
_FLAT = r"(?:,? (?:Apt|Apartment|Unit|Suite|Ste|Flat|Floor|#)\.? ?#?\w{1,5})?"
_ENGLISH = (
    # 221B Baker Street, Flat 2, London NW1 6XE; 742 N Evergreen Ter Apt 5, Springfield, IL 62704
    rf"\d{{1,5}}[A-Za-z]?,? (?!The Way\b)(?:[NSEW]{{1,2}}\.? )?(?:(?:{_NAME}|\d{{1,3}}(?:st|nd|rd|th)|of|the) ){{1,4}}?{_STREET}\b\.?"
    rf"(?: [NSEW]{{1,2}}\b)?{_FLAT}(?:(?:,? {_TOWN})?,? {_POSTCODE}|,? {_TOWN})?",
    # the same without capitals, where the street is spelled out
    r"\d{1,5}[a-z]? (?!(?:way|one|miles?|blocks?|minutes?|more|different|other|of|on|in|the|a|and|or|to|lanes?|km|m|years?|days?|hours?|"
    r"times|people|cars|feet)\b)[a-z'’]{3,} (?:[a-z'’]{3,} )?"
    r"(?:street|avenue|boulevard|crescent|road)\b(?! (?:trip|bike|race|block|map|sign|light|food|car|work|test)s?\b)",
    _UK_CODE,
    r"(?i:p\.? ?o\.? box) \d[\d ]{1,7}\d",
)

_NO_PLACE = r"(?!(?:Park|Spiel|Arbeits|Sitz|Stell|Liege|Schlaf|Sport|Tennis|Camping|Zelt|Steh|Tabellen|Studien|Ausbildungs|Fenster)platz)"
_NO_WAY = r"(?!(?:Hin|Rück|Heim|Um|Aus|Schul|Arbeits|Feld|Durch|Über|Unter)wegs?\b)"
_STRASSE = r"(?:\w[\w-]+(?:stra(?:ß|ss)e|str\.?|gasse|allee|chaussee|weg|platz)|[^\W\d_]+(?:er|s) (?:Str(?:aße|\.)|Weg|Platz|Allee))"
_GERMAN_TOWN = rf",? (?:[ADC]H?-)?\d{{4,5}} {_TOWN}"
_GERMAN = (
    rf"{_NO_PLACE}{_NO_WAY}(?:{_NAME}[ -])?{_STRASSE}\s?{_NUMBER}(?!\w|[:.]\d)(?:{_GERMAN_TOWN})?",
    # What could be a day or a plain word is one only with its town: Am Alten Markt 3, 50667 Köln
    rf"(?:Am|An der|An den|Auf der|Auf dem|Im|In der|Unter den|Zum|Zur|Beim|Hinter der) (?:{_NAME} )?{_NAME} {_NUMBER}{_GERMAN_TOWN}",
    rf"{_CAPITAL}[\w-]+(?:ring|damm|ufer|hof|markt|steig|stieg|berg|grund) {_NUMBER}{_GERMAN_TOWN}",
    r"(?i:postfach) \d[\d ]{1,7}\d",
)

_GATA = r"(?:gatan|vägen|gränd|torget|gata|veien|vegen|gaten|gade|vej|allé|katu|ntie|kuja|polku|väylä)"
_NORTHERN = (
    # Kerkstraat 5-2, 1017 AB Amsterdam
    rf"(?:{_NAME} )?{_CAPITAL}[\w-]+(?:straat|laan|plein|gracht|kade|singel|steeg|dreef)\s{_NUMBER}"
    rf"(?:,? \d{{4}} ?[A-Z]{{2}}\b)?(?:,? {_TOWN})?",
    # Storgatan 5, 111 22 Stockholm; Mannerheimintie 12 A 4, 00100 Helsinki
    rf"{_CAPITAL}[\w-]+{_GATA}\s\d{{1,4}}(?:\s?[A-Za-z](?:\s?\d{{1,3}})?)?(?:,? (?:SE-|DK-|N-|FI-)?\d{{3}} ?\d{{1,2}} {_TOWN})?",
)

_RUE = r"(?i:rue|avenue|av\.|boulevard|bd|chemin|allée|impasse|quai|cours|route|square|passage|place)"
_CALLE = (
    r"(?:(?i:calle|c/|avda\.?|avenida|plaza|paseo|carrer|calz\.?|rua|travessa|praça|alameda|estrada)|Av\.|R\.|Via|Viale|Piazza|Corso|Largo|"
    r"Vicolo)"
)
_DOOR = r"(?:,? (?:\d{1,2}º ?[A-Z]?|apto?\.? ?\d+|int\.? ?\d+)(?!\w))?"
_ROMANCE = (
    # 12 bis, rue de la République, 69002 Lyon
    rf"\d{{1,4}}(?: ?(?:bis|ter|[A-D]))?,? {_RUE} (?:(?:de la|de l['’]|du|des|de|d['’]|la|le|les|l['’]|Saint|aux?) ?){{0,3}}"
    rf"{_NAME}(?:[ -](?:(?:de|du|la|le|et) )?{_NAME}){{0,3}}(?:,? \d{{5}} {_TOWN})?",
    # Calle de Alcalá, 42, 3º B, 28014 Madrid; Rua Augusta 1500, São Paulo; Via Roma 12, 20121 Milano
    rf"{_CALLE} ?(?:(?:de las?|de los|del|della|delle|dei|da|das|do|dos|de|di|l['’]|la) ?){{0,2}}{_NAME}"
    rf"(?: (?:(?:de|da|do|del|di|y|e|la) )?{_NAME}){{0,3}},? (?:n[.º°o]{{1,2}} ?)?\d{{1,5}}(?!\w|[:.,]\d|º)[a-z]?"
    rf"{_DOOR}(?:\s?[,-] ?(?:(?:\d{{5}}(?:-\d{{3}})?|\d{{4}}-\d{{3}}) )?{_TOWN})?",
    r"(?i:apartado(?: postal| de correos)?|casella postale|caixa postal) \d[\d ]{1,7}\d",
)

_SLAVIC = (
    # ul. Marszałkowska 10/12 m. 5, 00-590 Warszawa
    rf"(?i:ul\.|al\.|aleja|pl\.|os\.) ?{_NAME}(?: {_NAME}){{0,2}} \d{{1,4}}[a-zA-Z]?(?:/\d{{1,4}})?(?: m\. ?\d+)?"
    rf"(?:,? \d{{2}}-\d{{3}} {_TOWN})?",
    # ул. Ленина, д. 5, кв. 12
    rf"(?i:ул\.|улица|проспект|пр-т|пр\.|пер\.|переулок) ?{_NAME}(?: {_NAME})?,? ?(?:д\.|дом)? ?\d{{1,4}}[а-я]?"
    r"(?:,? ?(?:кв\.|квартира) ?\d+)?",
)
# 中山路123号
_CHINESE = (r"[\u4e00-\u9fff]{2,12}(?:路|街|大道|巷|弄)\d{1,5}(?:弄\d{1,4})?[号號]",)

_ADDRESS = tuple(
    re.compile(rf"(?<![\w/-])(?:{pattern})(?!\w)") for pattern in (*_ENGLISH, *_GERMAN, *_NORTHERN, *_ROMANCE, *_SLAVIC, *_CHINESE)
)


def places(text: str) -> Iterator[Hit]:
    """A street with its number, and what follows of the town."""
    for pattern in _ADDRESS:
        for found in pattern.finditer(text):
            yield found.start(), found.end(), plain(found[0])


def plain(address: str) -> str:
    """One spelling for all."""
    return " ".join(re.findall(r"\w+", address.casefold()))
