"""Ordinary names to put in place of real ones, and how a name is told from what else people are called by."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

_FIRST_LIST = """
    Aarav Abena Adaeze Adela Aditi Aiko Ainhoa Akira Aleksi Alessia Alina Alvaro Amadou Amara Amelie Amina Anahera Andrei Anneli Anouk
    Ansel Antonin Arjun Arvid Ashwin Asger Astrid Aurelio Ayaka Aylin Bao Bartosz Beatriz Benedikt Berit Bianca Birgit Bjarne Bogdan
    Branimir Brigitta Bruna Caio Camille Carmela Casimir Catarina Cedric Celeste Chiara Chidi Chinedu Ciaran Clemens Concetta Corinna
    Dagmar Daichi Damian Daniela Darius Deepika Demetrios Desmond Diego Dilara Dimitri Dorotea Dragan Edda Eduardo Eero Efua Eilidh
    Eirik Elif Elodie Emeka Emilia Enzo Erlend Esteban Eszter Eulalia Fabian Fadila Faisal Farida Fatou Federica Felipe Femke Ferenc
    Filippa Fiorella Florian Freja Frida Gaetano Galina Geert Gerda Gianluca Giorgos Gitte Goran Greta Gudrun Gunnar Gustavo Hadiza
    Halvard Hamza Hanneke Haruki Hedda Heikki Helmut Henrike Hideko Hilal Hiroshi Horatio Ibrahim Ignacio Ilona Imani Ingrid Inigo Ioana
    Irina Isadora Ismael Ivana Jacinta Jadwiga Jaroslav Jelena Jerzy Joanna Joaquin Jolanda Jorunn Jovana Judit Juhani Jurgen Kaito
    Kalani Kamal Karim Katarzyna Kenji Kerttu Khadija Kirsten Klara Kofi Kwame Lachlan Laszlo Latifa Leandro Leila Leopold Lidia Linnea
    Lorenzo Lubomir Lucinda Ludwig Maarten Magda Mahmoud Malik Manolo Marcin Mariana Marit Mateusz Mathilde Meera Mehmet Mieke Mihai
    Milan Milena Mireille Mirko Nadia Naoko Natalia Nerea Niamh Nikhil Nilufar Noemi Odile Ofelia Oksana Olaf Omar Oriol Orsolya Oskar
    Otilia Paavo Paloma Pascal Pavel Petra Pilar Piotr Priya Radu Rafael Ragna Rahul Raisa Ramona Renata Ricardo Rohan Roswitha Ruxandra
    Sabine Saeed Sakura Salma Samira Sandeep Saskia Seamus Selma Serena Severin Shirin Siegfried Sigrid Silvio Siobhan Sofija Soren
    Stanislav Svetlana Sunniva Takeshi Tamara Tatiana Thandiwe Theodora Thorsten Tiago Tomasz Torunn Ulrike Umberto Valentina Vasile
    Vedran Veronika Vikram Vilma Viveka Wanda Wojciech Xavier Ximena Yannick Yasmin Yuki Yusuf Zainab Zbigniew Zdenka Zoltan Zuzana
"""
FIRST = tuple(_FIRST_LIST.split())
_FAMILY_LIST = """
    Abernathy Achterberg Adeyemi Agnelli Ahlstrom Albescu Almeida Andrade Antonescu Aramburu Arslan Asante Ashworth Baptista Barzani
    Bellandi Benavides Bergqvist Bhattacharya Bianchetti Birkeland Blomqvist Bogdanov Bondarenko Brannigan Brzezicki Bukowski Cabrera
    Calloway Cardoso Carvalho Castellano Chatterjee Chukwu Colombo Cousteau Czerny Dahlberg Dalgaard Delacroix Demirci Deshpande
    Dimitrov Dombrowski Drummond Dubois Eguchi Ekwueme Eriksen Espinoza Etxeberria Fairbairn Faraday Ferreira Fitzpatrick Fontaine
    Friedrichs Fujimoto Galanis Gallagher Garibaldi Georgiou Ghorbani Goldstein Grigorescu Gundersen Haagensen Halvorsen Hashimoto
    Hatzis Havlicek Hernandes Hinterberger Holmqvist Horvath Ibarra Ikeda Ivanenko Jankowski Jayawardena Johannsen Kapoor Karlsson
    Kawasaki Kivinen Kobayashi Kowalczyk Kristensen Kuznetsov Lagerlof Laaksonen Lefebvre Lindqvist Lombardi Machado Maddox Mahlangu
    Malinowski Marchetti Matsuda Mbeki Mendoza Mikkelsen Moretti Mukherjee Nakagawa Navarro Ndiaye Novotny Nwosu Obradovic Okonkwo
    Olivares Oyelaran Papadakis Paszkowski Pellegrini Petrovic Pospisil Quintero Rasmussen Rautiainen Rinaldi Rosenbaum Sandoval
    Schellenberg Sengupta Stankovic Szabados Takahashi Thorvaldsen Tremblay Ulyanov Valtonen Vandenberg Villanueva Wadekar Wickstrom
    Yamashita Yildirim Zielonka Zubiri
"""
FAMILY = tuple(_FAMILY_LIST.split())
_WORDS_LIST = """
    amber angel april art august autumn basil bell bill brook carol chance charity chase chip christian christmas clay cliff daisy dale
    dawn dean dick don drew earl ernst faith fish florence ford forest frank gene georgia grace grant guy harmony heath heather holly
    hope hunter iris ivy jack jade jan jasmine jay jean jersey jordan joy june kit lance lane lily lucky mai major mark mars mason max
    may mercy miles nick norm olive paris pat peg penny pierce poppy prince queen randy ray reed rich rick robin rock rod rose rosemary
    rowan ruby rusty sage sandy savannah scarlett sea sergeant sienna skip sky sterling stone storm sue summer sunny tag trinity tucker
    van viola violet wade ward warren will willow wolf woody
"""
_COMMON_LIST = """
    about all also and any are art back but can come could das day der die ein est even first for from get give good had has have her him
    his how ich its just know les let like look make many more most new not now one only other our out over people pour put say see she sie
    some take than that the then there they thing think this time too two und une use very want was way well what when which who why will
    with work would year yes you your
"""
WORDS = frozenset(f"{_WORDS_LIST} {_COMMON_LIST}".split())
"""First names that are also words: only where a capital in the middle of a sentence shows that a name is meant."""
_NOT_NAMES_LIST = """
    the der die das mr mrs ms miss dr prof sir herr frau monsieur madame señor señora doc mom mum mama mami mommy mummy mutter mutti
    papa papi dad daddy vater vati opa oma grandma grandpa granny nana uncle aunt auntie onkel tante tía tío bro sis brother sister boss
    chef admin bot group gruppe team work office home mobile cell private arbeit handy user unknown deleted account you question writer
    person me ich sie wir alle all everyone nobody somebody anonymous guest owner support service info news channel bank shop taxi hotel
"""
_NOT_NAMES = frozenset(_NOT_NAMES_LIST.split())
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")


def name_words(identity: str) -> list[str]:
    """The words of what somebody is called that can be parts of a name, titles left out; none for a number, address or handle."""
    if re.search(r"[\d@_|\[\]{}^`~]", identity):
        return []
    words = _WORD.findall(identity)
    if len(words) == 1 and len(identity) <= 3 and identity.isupper():
        return []
    while words and words[0].casefold() in _NOT_NAMES:
        words = words[1:]
    return words if words and is_first_name(words[0]) else []


def is_first_name(word: str) -> bool:
    """At least three letters, the first a capital (or of a script without), and no title. Two letters do where letters are syllables."""
    caseless = word.lower() == word.upper()
    return len(word) >= (2 if caseless else 3) and (caseless or word[0].isupper()) and word.casefold() not in _NOT_NAMES


def is_handle(identity: str) -> bool:
    """One word with a letter in it, and neither a mail address nor what a relative is called."""
    one_word = re.fullmatch(r"\S{3,}", identity) and re.search(r"[^\W\d_]", identity)
    return bool(one_word) and "@" not in identity[1:] and identity.casefold() not in _NOT_NAMES


def spellings(original: str, replacement: str) -> dict[str, str]:
    """As it is written, in small letters, and in capitals."""
    pairs = ((original, replacement), (original.lower(), replacement.lower()), (original.upper(), replacement.upper()))
    return dict(reversed(pairs))


_EDGE = r"[^\W\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]"
"""A letter or digit of a script that sets blanks between words."""
_END = rf"(?!{_EDGE})(?![\w.+-]*@)"
"""The end of a word that is not in a mail address."""


def matcher(anywhere: Iterable[str], addressed: Iterable[str] = (), inside: Iterable[str] = ()) -> re.Pattern[str]:
    """What finds names in text, as whole words.

    Args:
        anywhere: with or without the s of a genitive.
        addressed: only in front of a colon at the start of a line, or behind an @.
        inside: only after a letter that is no capital, or a comma, and a blank.
    """
    parts = [rf"(?<!{_EDGE}){tree}(?=[sS]?{_END})" for tree in _tree(anywhere)]
    parts += [rf"(?m:^){tree}(?=[:,])|(?<=@){tree}(?={_END})" for tree in _tree(addressed)]
    parts += [rf"(?<=(?:[^\W\d_A-ZÀ-ÖØ-Þ]|,) ){tree}(?={_END})" for tree in _tree(inside)]
    return re.compile("|".join(parts) or r"(?!)")


def places(text: str, pattern: re.Pattern[str], taken: Iterable[tuple[int, int]] = ()) -> Iterator[re.Match[str]]:
    """Where `pattern` finds names outside `taken`. Of two that touch, not the second: replaced, nobody could tell them apart again."""
    closed = list(taken)
    touching = -1
    for found in pattern.finditer(text):
        if found.start() != touching and all(found.end() <= start or end <= found.start() for start, end in closed):
            touching = found.end()
            yield found


def _tree(words: Iterable[str]) -> list[str]:
    """One pattern for many words, as a tree of their letters: thousands cost no more than a few. Nothing for no words."""
    tree: dict[str, dict] = {}  # type: ignore[type-arg]
    for word in words:
        node = tree
        for character in word:
            node = node.setdefault(character, {})
        node[""] = {}
    return [_pattern(tree)] if tree else []


def _pattern(node: dict[str, dict]) -> str:  # type: ignore[type-arg]
    branches = [re.escape(character) + _pattern(child) for character, child in sorted(node.items()) if character]
    if not branches:
        return ""
    joined = "|".join(branches)
    return f"(?:{joined})?" if "" in node else (f"(?:{joined})" if len(branches) > 1 else joined)
