"""Mail in mbox files: Gmail's Takeout, or any other mail program's, one file or a folder of them.

Kept are the threads in which the owner wrote: their own mails and those of the others, in order of time. Left out, each with a reason:
spam, drafts and the bin, newsletters and mailing lists (but for mails that the owner answered), what machines sent, invitations, and
of every mail what its writer quoted, passed on or has as a signature.

The first pass keeps a small index (mail_index.py); words are read in the second, thread by thread, and are never in memory together.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack
from email.errors import MessageError
from itertools import groupby
from pathlib import Path, PurePosixPath
from typing import IO

from homespun.config import SourceSection
from homespun.errors import SourceError
from homespun.sources.files import Tree, readable
from homespun.sources.labels import Labels, mail
from homespun.sources.mail_index import (
    LISTED,
    SENT,
    Fields,
    Index,
    bare_subject,
    header,
    labels,
    message_id,
    references,
    starts,
    time_of,
    writer,
)
from homespun.sources.mail_words import body_of, paragraphs, signature_like, typed, without_signature
from homespun.sources.text import storable
from homespun.types import Chat, ImportReport, Message

title = "mail as mbox (Gmail's Takeout, Thunderbird, Apple Mail)"

MAX_MAIL = 1 << 23
"""Bytes of a mail that are read: the words come before what is attached."""
_HEAD = re.compile(
    r"\AFrom [^\n]*\r?\n(?:>From [^\n]*\r?\n)?(?:(?:[!-9;-~]+:|[ \t])[^\n]*\r?\n)*?(?:from|date|message-id|received):", re.IGNORECASE
)
_SENT = re.compile(
    "sent|sent mail|sent items|sent messages|outbox|gesendet|gesendete objekte|gesendete elemente|enviado|enviados|enviadas|enviada"
    "|elementos enviados|itens enviados|messages envoyés|envoyé|envoyés|éléments envoyés|posta inviata|inviati|inviata|verzonden"
    "|verzonden items|skickat|skickade|sendt|sendte elementer|lähetetyt|wysłane|elementy wysłane|odeslaná pošta|odeslané|odoslané"
    "|elküldött|trimise|отправленные|надіслані|gönderilmiş postalar|gönderilenler|σταλμένα|已发送|已发邮件|已傳送|寄件備份|送信済み"
    "|送信済みメール|보낸편지함|보낸 편지함"
)
_UNWANTED = {
    reason: re.compile(names)
    for reason, names in {
        "draft": "draft|drafts|entwurf|entwürfe|brouillon|brouillons|borrador|borradores|bozza|bozze|rascunho|rascunhos|concept|concepten"
        "|utkast|kladde|kladder|luonnokset|wersje robocze|robocze|koncepty|piszkozatok|черновики|чернетки|taslaklar|πρόχειρα|草稿"
        "|下書き|임시보관함",
        "spam": "spam|junk|junk e-mail|bulk mail|spamverdacht|pourriel|courrier indésirable|correo no deseado|posta indesiderata"
        "|lixo eletrônico|ongewenst|ongewenste e-mail|skräppost|søppelpost|uønsket e-post|roskaposti|nevyžádaná pošta|спам|istenmeyen"
        "|垃圾邮件|垃圾郵件|迷惑メール|스팸함",
        "in the bin": "trash|bin|deleted items|deleted messages|papierkorb|gelöscht|gelöschte elemente|corbeille|papelera|cestino|lixeira"
        "|prullenbak|papperskorgen|papirkurv|papirkurven|roskakori|kosz|koš|kuka|корзина|кошик|çöp kutusu|κάδος|已删除邮件|垃圾桶"
        "|ゴミ箱|휴지통",
        "chat kept among the mails": "chat|chats",
    }.items()
}
_MACHINE = re.compile(
    r"(?:no[-_.]?reply|do[-_.]?not[-_.]?reply|mailer-daemon|postmaster|bounces?|notifications?)(?:[-+_.].*)?@", re.IGNORECASE
)
_NOT_OURS = "in a thread in which you wrote nothing"
_LEARNED_FROM = 1000
"""Mails of the owner in which signatures are looked for."""


def claim(tree: Tree) -> Collection[str]:
    return [name for name in tree.names if (head := tree.head(name)) and _HEAD.match(head)]


def read_tree(tree: Tree, names: Collection[str], report: ImportReport, wanted: SourceSection) -> Iterator[Chat]:
    """A chat for every thread in which the owner wrote; times are absolute.

    Raises:
        SourceError: no mail is in the files, or they do not show whose they are.
    """
    places = [(tree.path(name), _folder(name)) for name in sorted(names)]
    index = Index()
    with ExitStack() as opened, readable("it"):
        files = [opened.enter_context(path.open("rb")) for path, _ in places]
        for number, (path, folder) in enumerate(places):
            _scan(path, number, folder, index, report)
        if not len(index):
            raise SourceError("it holds no mail of people: export your own mails, those you sent among them")
        index.tie_by_subject()
        own = _owner(index, report)
        reader = _Reader(files, index, own, report)
        for rows in _threads(index, own, report):
            yield from reader.chat(rows)
        reader.finish()


def _folder(name: str) -> str:
    """What the mail program called the folder; Apple's are `Sent.mbox/mbox`."""
    inside = PurePosixPath(name)
    return (inside.parent.name if inside.name == "mbox" else inside.name).removesuffix(".mbox").casefold()


def _scan(path: Path, file: int, folder: str, index: Index, report: ImportReport) -> None:
    """One file into the index."""
    with path.open("rb") as ahead, path.open("rb") as stream:
        begin: int | None = None
        for end in starts(ahead):
            if begin is not None:
                _add(stream, file, folder, begin, end - begin, index, report)
            begin = end
        if begin is not None:
            _add(stream, file, folder, begin, path.stat().st_size - begin, index, report)


def _add(stream: IO[bytes], file: int, folder: str, offset: int, size: int, index: Index, report: ImportReport) -> None:
    from_line, fields = header(stream, offset, size)
    inside = labels(fields) | {folder}
    time = time_of(fields, from_line)
    unwanted = next((reason for reason, names in _UNWANTED.items() if any(map(names.fullmatch, inside))), None) or _by_machine(fields)
    if unwanted or time is None:
        report.skip(unwanted or "mail without a date")
        return
    listed = b"list-id" in fields or fields.get(b"precedence", b"").lower() in (b"bulk", b"list", b"junk")
    flags = (SENT if any(map(_SENT.fullmatch, inside)) else 0) | (LISTED if listed else 0)
    if not index.add(file, offset, size, time, fields, flags):
        report.skip("the same mail again")


def _by_machine(fields: Fields) -> str | None:
    if fields.get(b"auto-submitted", b"no").lower() != b"no" or _MACHINE.match(writer(fields)[0]):
        return "sent by a machine"
    return "invitation, or the answer to one" if fields.get(b"content-type", b"").lower().startswith(b"text/calendar") else None


def _owner(index: Index, report: ImportReport) -> set[int]:
    """Numbers of the owner's addresses, the one most used first in the note: those under `Sent`, else the one that is party to most."""
    wrote = Counter(index.senders)
    sent = Counter(index.senders[row] for row in range(len(index)) if index.flags[row] & SENT)
    addresses = list(index.addresses)
    sent.pop(index.addresses.get("", -1), None)
    if sent:
        report.me = _name(index, max(sent, key=lambda number: sent[number]), addresses)
        return set(sent)
    number = max(wrote, key=lambda number: (bool(addresses[number]), index.parties[addresses[number]], wrote[number]))
    report.me = _name(index, number, addresses)
    report.notes.append(
        f"nothing says which mails you sent; {addresses[number] or report.me} is in the most of them and was taken for you: "
        "if that is wrong, export the folder of sent mails too"
    )
    return {number}


def _name(index: Index, number: int, addresses: Sequence[str]) -> str:
    return index.names[number][1] if number in index.names else addresses[number] or "Unknown"


def _threads(index: Index, own: set[int], report: ImportReport) -> list[list[int]]:
    """The rows of every thread with a mail of the owner, oldest first, in order of their oldest."""
    mine = [row for row in range(len(index)) if index.senders[row] in own]
    answered = {index.parents[row] for row in mine}
    ours = {index.thread(index.nodes[row]) for row in mine}
    kept: list[int] = []
    for row in range(len(index)):
        if index.flags[row] & LISTED and index.senders[row] not in own and index.nodes[row] not in answered:
            report.skip("newsletter or mailing list")
        elif index.thread(index.nodes[row]) not in ours:
            report.skip(_NOT_OURS)
        else:
            kept.append(row)
    kept.sort(key=lambda row: (index.thread(index.nodes[row]), index.times[row]))
    threads = [list(run) for _, run in groupby(kept, key=lambda row: index.thread(index.nodes[row]))]
    return sorted(threads, key=lambda rows: index.times[rows[0]])


class _Reader:
    """Words of mails, thread by thread."""

    def __init__(self, files: Sequence[IO[bytes]], index: Index, own: set[int], report: ImportReport) -> None:
        self._files, self._index, self._own, self._report = files, index, own, report
        self._addresses = list(index.addresses)
        self._people = Labels()
        self._people.label("", report.me or "")
        self._damaged: dict[int, str] = {}
        self._signatures = self._learn()

    def chat(self, rows: Sequence[int]) -> Iterator[Chat]:
        """The thread, if its owner says something in it."""
        messages = [message for row in rows if (message := self._message(row))]
        if not any(message.speaker == self._report.me for message in messages):
            self._report.skip(_NOT_OURS, len(messages))
            return
        first = self._fields(rows[0])
        root = (references(first) or [message_id(first) or b""])[0]
        yield Chat(bare_subject(first) or "(no subject)", tuple(messages), key=storable(root.decode("utf-8", "replace")), whole=True)

    def finish(self) -> None:
        if self._damaged:
            self._report.notes.append(f"{len(self._damaged):,} mails are damaged; the first begins at {next(iter(self._damaged.values()))}")

    def _message(self, row: int) -> Message | None:
        fields = self._fields(row)
        text, reason = self._words(row)
        if reason:
            self._report.skip(reason)
            return None
        own = self._index.senders[row] in self._own
        text = storable(without_signature(text, self._signatures) if own else text)
        id = storable((message_id(fields) or b"").decode("utf-8", "replace"))
        return Message(self._speaker(self._index.senders[row]), text, self._index.times[row], id)

    def _words(self, row: int) -> tuple[str, str | None]:
        """What the mail's writer typed, or why there is nothing."""
        stream = self._files[self._index.files[row]]
        stream.seek(self._index.offsets[row])
        try:
            body, invitation = body_of(stream.read(min(self._index.sizes[row], MAX_MAIL)))
            text, forwarded = typed(body)
        except (LookupError, ValueError, TypeError, AttributeError, AssertionError, RecursionError, MessageError) as error:
            self._damaged[row] = f"byte {self._index.offsets[row]:,} of its file ({error})"
            return "", "damaged mail"
        if invitation:
            return "", "invitation, or the answer to one"
        if not text.strip():
            return "", "forwarded: not the sender's words" if forwarded else "mail without words of its writer"
        return text, None

    def _fields(self, row: int) -> Fields:
        return header(self._files[self._index.files[row]], self._index.offsets[row], self._index.sizes[row])[1]

    def _speaker(self, number: int) -> str:
        address = self._addresses[number]
        label = self._people.label("" if number in self._own else address or "?", _name(self._index, number, self._addresses))
        if address:
            self._report.accounts.setdefault(label, set()).update(mail(address))
        return label

    def _learn(self) -> frozenset[str]:
        """Paragraphs that end many of the owner's mails word for word."""
        rows = [row for row in range(len(self._index)) if self._index.senders[row] in self._own]
        rows = rows[:: max(1, len(rows) // _LEARNED_FROM)]
        seen: Counter[str] = Counter()
        for row in rows:
            text, _ = self._words(row)
            seen.update({part.strip() for part in paragraphs(text)[-3:] if signature_like(part.strip())})
        return frozenset(part for part, count in seen.items() if count >= max(3, len(rows) // 50))
