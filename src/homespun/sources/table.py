"""Tables as text: CSV with commas, semicolons (Excel's), tabs or bars, a row a message, or a row a question and its answer.

What the columns are is told by their names, in English and a few other languages, or by the user: `--map text=COLUMN`. Without a column
of speakers it is the owner who writes. `table:day-first` and `table:month-first` say how 03/04/2024 is to be read.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from homespun.config import SourceSection
from homespun.errors import SourceError
from homespun.sources import dates
from homespun.sources.files import HEAD, readable
from homespun.sources.records import once
from homespun.sources.reflections import ANSWERER, QUESTIONER
from homespun.sources.text import LOST, MAX_LINE, storable
from homespun.types import Chat, Clock, ImportReport, Message

title = "a table as CSV or TSV, with a column of messages, or of questions and answers"
options = ("day-first", "month-first")

_NAMES = {
    "question": "question prompt frage pregunta domanda pergunta vraag pytanie вопрос 问题 質問 질문",
    "answer": "answer response reply antwort réponse reponse respuesta risposta resposta antwoord odpowiedź ответ 回答 答案 답변",
    "text": "text body message content contents msg messagetext messagebody messagecontent bodytext sms nachricht inhalt texto mensaje"
    " contenido mensagem conteúdo messaggio testo contenuto texte contenu bericht tekst wiadomość treść meddelande besked сообщение текст"
    " mesaj metin 内容 消息 本文 メッセージ 메시지 내용 entry post",
    "speaker": "speaker author sender sendername from fromname username user name nick who absender autor verfasser von remitente de"
    " auteur expéditeur mittente autore remetente afzender van nadawca avsändare afsender отправитель автор gönderen 发送者 发件人 送信者"
    " 보낸사람",
    "time": "timestamp datetime datesent sentat senton createdat created ts dateandtime date time sent datum zeitstempel zeitpunkt zeit"
    " fecha data tijd дата время tarih 日期 时间 日時 날짜",
    "chat": "chat conversation conversationid thread threadid channel channelname conv chatname chatid room group session sessionid"
    " unterhaltung konversation gespräch conversación conversation conversazione conversa gesprek rozmowa чат 会话 チャット 대화방",
}
_GUESSES = {ours: theirs.split() for ours, theirs in _NAMES.items()}
_DAYS = {"date", "datum", "fecha", "data", "дата", "日期"}
_CLOCKS = {"time", "uhrzeit", "zeit", "hora", "heure", "ora", "tijd", "время", "时间"}
_SUFFIXES = (".csv", ".tsv", ".tab", ".txt", "")
_OPEN_ORDER = re.compile(r"\s*\d{1,2}[/-]\d{1,2}[/-]\d{4}")

_Layout = dict[str, tuple[int, ...]]


class _Table(NamedTuple):
    path: Path
    encoding: str
    delimiter: str
    header: list[str]
    layout: _Layout


def detect(path: Path, head: str) -> bool:
    """By its header; a `.csv` that is not deep in something else is also asked about when its columns have other names."""
    if path.suffix.lower() not in _SUFFIXES:
        return False
    _, header = _header(head)
    layout = _guessed(header)
    known = "answer" in layout or ("text" in layout and bool(layout.keys() & {"speaker", "time", "chat"}))
    return known or (len(header) > 1 and path.suffix.lower() in (".csv", ".tsv") and len(path.parts) == 1)


def read(path: Path, report: ImportReport, wanted: SourceSection) -> Iterator[Chat]:
    """A chat for every value of the column `chat`, in several pieces where its rows are not together; or one for every question.

    Raises:
        SourceError: no column is known to hold the text, or half of the rows or more do not fit the header.
    """
    table = _opened(path, report, wanted.columns)
    month_first = _month_first(table, report)
    rows = _cells(table, report)
    if "answer" in table.layout:
        report.me = ANSWERER
        yield from _reflections(table, rows, month_first, report)
        return
    if "speaker" not in table.layout:
        report.me = ANSWERER
    clock: Clock = "absolute" if "time" in table.layout else "none"
    said = (one for row in rows if (one := _message(row, table, month_first, report)))
    for name, run in groupby(said, key=lambda one: one[0]):
        yield Chat(name, (message for _, message in run), clock=clock)


def _reflections(table: _Table, rows: Iterator[dict[str, str]], month_first: bool, report: ImportReport) -> Iterator[Chat]:
    seen: set[int] = set()
    for row in rows:
        if not row["question"].strip() or not row["answer"].strip():
            report.skip("question without an answer" if row["question"].strip() else "answer without a question")
            continue
        time = _time(row, month_first)
        later = None if time is None else time + 60
        pair = Message(QUESTIONER, row["question"], time), Message(ANSWERER, row["answer"], later)
        yield from once(storable(table.path.stem), pair, "none" if time is None else "absolute", seen, report)


def _message(row: Mapping[str, str], table: _Table, month_first: bool, report: ImportReport) -> tuple[str, Message] | None:
    time = _time(row, month_first)
    speaker = row.get("speaker", ANSWERER).strip()
    if not row["text"].strip():
        report.skip("empty message")
    elif not speaker:
        report.skip("message without a speaker")
    elif time is None and "time" in row:
        report.skip("message without a date that can be read")
    else:
        return row.get("chat", "").strip() or storable(table.path.stem), Message(speaker, row["text"], time)
    return None


def _time(row: Mapping[str, str], month_first: bool) -> float | None:
    text = row.get("time", "")
    return dates.seconds(text, not month_first) if text.strip() else None


def _opened(path: Path, report: ImportReport, asked: Mapping[str, str]) -> _Table:
    encoding = _encoding(path, report)
    with readable("it"), path.open(encoding=encoding, errors="replace", newline="") as stream:
        delimiter, header = _header(stream.read(HEAD))
    layout = _asked(header, asked) | {ours: place for ours, place in _guessed(header).items() if ours not in asked}
    layout = {ours: place for ours, place in layout.items() if place}
    shown = ", ".join(repr(name) for name in header[:30])
    if not ("text" in layout or {"question", "answer"} <= layout.keys()):
        raise SourceError(f"no column is known to hold the text; it has {shown}: say which with --map text=COLUMN")
    if "text" in asked or "question" not in layout or "answer" not in layout:
        layout = {ours: place for ours, place in layout.items() if ours not in ("question", "answer")}
    taken = ", ".join(f"{ours} from {' and '.join(repr(header[at]) for at in place)}" for ours, place in layout.items())
    report.notes.append(f"columns: {taken}; if that is wrong, say so with --map {next(iter(layout))}=COLUMN (there is {shown})")
    return _Table(path, encoding, delimiter, header, layout)


def _asked(header: Sequence[str], asked: Mapping[str, str]) -> _Layout:
    """What the user says of the columns; an empty name is for a column that is not there."""
    plain = [_plain(name) for name in header]
    found: _Layout = {}
    for ours, theirs in asked.items():
        if ours not in _GUESSES:
            raise SourceError(f"--map knows no {ours!r}: use {', '.join(_GUESSES)}")
        if theirs and theirs not in header and _plain(theirs) not in plain:
            raise SourceError(f"there is no column {theirs!r}, but {', '.join(map(repr, header[:30]))}: correct --map {ours}=COLUMN")
        found[ours] = (header.index(theirs) if theirs in header else plain.index(_plain(theirs)),) if theirs else ()
    return found


def _guessed(header: Sequence[str]) -> _Layout:
    plain = [_plain(name) for name in header]
    found: _Layout = {}
    for ours, names in _GUESSES.items():
        free = [name for name in names if name in plain and (plain.index(name),) not in found.values()]
        if free:
            found[ours] = (plain.index(free[0]),)
    if not {"question", "answer"} <= found.keys():
        found = {ours: place for ours, place in found.items() if ours not in ("question", "answer")}
    day, clock = (next((at for at, name in enumerate(plain) if name in names), None) for names in (_DAYS, _CLOCKS))
    if day is not None and clock is not None and found["time"][0] in (day, clock):
        found["time"] = day, clock
    return found


def _header(head: str) -> tuple[str, list[str]]:
    """Delimiter and names of the columns: the reading that gives the most known names, then the most names."""
    found: list[tuple[str, list[str]]] = []
    for delimiter in ",;\t|":
        try:
            rows = csv.reader(io.StringIO(head, newline=""), delimiter=delimiter)
            row = next((row for row in rows if row and not _is_hint(row)), [])
        except csv.Error:
            row = []
        found.append((delimiter, [storable(name).strip().removeprefix("\ufeff") for name in row]))
    return max(found, key=lambda one: (len(_guessed(one[1])), len(one[1])))


def _is_hint(row: Sequence[str]) -> bool:
    """`sep=;` in the first line, for Excel."""
    return row[0].lower().startswith("sep=") and len(row) <= 2


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", name.casefold())


def _cells(table: _Table, report: ImportReport) -> Iterator[dict[str, str]]:
    """Rows by our names, without those that do not fit the header."""
    good = bad = 0
    first = ""
    last = max(at for place in table.layout.values() for at in place)
    for line, row in _rows(table):
        reason = None
        if row is None:
            reason = "a quote that is not closed"
        elif len(row) <= last:
            reason = "too few cells"
        elif any(cell.strip() for cell in row[len(table.header) :]):
            reason = "more cells than the header"
        if reason:
            bad += 1
            first = first or f"the row that ends in line {line:,} has {reason}"
            report.skip(f"row with {reason}")
        elif row:
            good += 1
            yield {ours: storable(" ".join(row[at] for at in place)) for ours, place in table.layout.items()}
    if bad and bad >= good:
        raise SourceError(f"{first}: save it again as CSV, with quotes around the texts")
    if bad:
        report.notes.append(f"{bad:,} of {bad + good:,} rows do not fit the header; {first}")


def _rows(table: _Table) -> Iterator[tuple[int, list[str] | None]]:
    """Every row after the header and where it ends; None for one that does not end within what a cell may hold."""
    with readable("it"), table.path.open(encoding=table.encoding, errors="replace", newline="") as stream:
        reader = csv.reader(iter(lambda: stream.readline(MAX_LINE), ""), delimiter=table.delimiter)
        header = True
        while True:
            try:
                row: list[str] | None = next(reader)
            except StopIteration:
                return
            except csv.Error:
                row = None
            if row == [] or (header and row and _is_hint(row)):
                continue
            if not header:
                yield reader.line_num, row
            header = False


def _month_first(table: _Table, report: ImportReport) -> bool:
    """Whether 03/04/2024 is the fourth of March, by what the user says or by the first date that can only be read in one way."""
    asked = report.format.partition(":")[2]
    if asked or "time" not in table.layout:
        return asked == "month-first"
    place = table.layout["time"]
    times = (" ".join(row[at] for at in place) for _, row in _rows(table) if row and len(row) > max(place))
    example = next((time for time in times if time.strip()), "")
    if not _OPEN_ORDER.match(example):
        return False
    for time in (example, *times):
        if (day_first := dates.order(time)) is not None:
            return not day_first
    report.notes.append(f"dates such as {example!r} were read as the month first: if the day is first, add it with --as table:day-first")
    return True


def _encoding(path: Path, report: ImportReport) -> str:
    """UTF-8 or UTF-16; else what Excel writes on Windows."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    with readable("it"), path.open("rb") as stream:
        chunk = stream.read(1 << 20)
        if chunk.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return "utf-16"
        try:
            while chunk:
                decoder.decode(chunk)
                chunk = stream.read(1 << 20)
        except UnicodeDecodeError:
            report.notes.append(f"the file is not UTF-8 and was read as Windows-1252: check the umlauts; what is no text became {LOST}")
            return "cp1252"
    return "utf-8-sig"
