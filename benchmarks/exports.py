"""Exports as apps write them, of any size, for benchmarks: invented talk, always the same."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

_TALK = (
    "I you the a to and it that is of in what no yes was me do have on my we so not be for with just know can all your they at this "
    "going like get one now okay think want there see good about really tomorrow later home work time here come back then well how "
    "right when did didn't could would maybe sure still pizza train station morning evening weekend call phone waiting happy birthday "
    "schön Grüße für morgen Käse naïve café 😂 ❤️ 👍 🙏 haha lol :) … дома 明日"
)
WORDS = _TALK.split()
PEOPLE = ("Anna Müller", "Ben")


def talk(count: int) -> Iterator[tuple[datetime, str, str]]:
    """(time, speaker, text) of messages of about nine words, one in twenty over several lines."""
    draw = random.Random(1)
    now, who = datetime(2013, 5, 1, 8), PEOPLE[0]
    for _ in range(count):
        now += timedelta(seconds=int(draw.expovariate(1 / 400)))
        who = PEOPLE[who == PEOPLE[0]] if draw.random() < 0.55 else who
        lines = [" ".join(draw.choices(WORDS, k=1 + int(draw.expovariate(1 / 8))))]
        if draw.random() < 0.05:
            lines += (" ".join(draw.choices(WORDS, k=6)) for _ in range(draw.randint(1, 4)))
        yield now, who, "\n".join(lines)


def whatsapp(path: Path, count: int) -> None:
    """As an Android phone writes it; every 25th is a photo without words."""
    with path.open("w", encoding="utf-8") as out:
        for number, (time, who, text) in enumerate(talk(count)):
            out.write(f"{time:%d/%m/%Y, %H:%M} - {who}: {'<Media omitted>' if number % 25 == 24 else text}\n")


def telegram(path: Path, count: int) -> None:
    """`result.json` of one chat; every tenth message has a link in it."""
    with path.open("w", encoding="utf-8") as out:
        out.write('{\n "name": "Anna Müller",\n "type": "personal_chat",\n "id": 1,\n "messages": [\n')
        for number, (time, who, text) in enumerate(talk(count)):
            link = {"type": "link", "text": "https://example.org/a"}
            pieces = [{"type": "plain", "text": text}, *([link] if number % 10 == 9 else [])]
            record = {
                "id": number + 1,
                "type": "message",
                "date": f"{time:%Y-%m-%dT%H:%M:%S}",
                "date_unixtime": str(int(time.timestamp())),
                "from": who,
                "from_id": f"user{PEOPLE.index(who) + 1}",
                "text": [text, link] if number % 10 == 9 else text,
                "text_entities": pieces,
            }
            out.write(("" if number == 0 else ",\n") + json.dumps(record, ensure_ascii=False, indent=1))
        out.write("\n ]\n}\n")


def texts(path: Path, count: int) -> None:
    """One text a line."""
    with path.open("w", encoding="utf-8") as out:
        out.writelines(f"{text.replace(chr(10), ' ')}\n" for _, _, text in talk(count))
