"""The words a mail's writer typed: its text part, without the mails it answers or forwards, and without what the program adds.

Quotes are known by their shape first (`>`, a block of `From: … Sent: …`) and by words of many languages second. Lines are kept as they
were typed; only breaks that a program put in at a fixed width are taken out again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from email import message_from_bytes
from email.message import Message
from html import unescape
from itertools import pairwise

MAX_HTML = 1 << 19
"""Characters of HTML that are looked at."""
_VERBS = (
    r"wrote|writes|schrieb|écrit|escribió|escribi[óo]|escreveu|ha scritto|schreef|skrev|kirjoitti|napisał\(?a?\)?|napsala?\(?a?\)?"
    r"|napísala?|írta|a scris|написала?\(?а?\)?|пишет|написав|yazdı|έγραψε|menulis|viết|写道|寫道|님이 작성|님이 작성하였습니다|のメール"
)
_WROTE = re.compile(rf"(?=.*[\d@])[^>].{{0,300}}(?:{_VERBS}).{{0,150}}[:：]\s*", re.IGNORECASE)
_LED_IN = re.compile(r"(?=.*(?:\d{1,2}[:.]\d\d|\d{4}|@)).{3,300}[:：]\s*")
_FORWARD_WORDS = (
    r"forwarded|weitergeleitet|transf[ée]r|reenviad|inoltrat|doorgestuurd|encaminhad|przekazan|přeposlan|vidarebefordra|videresendt"
    r"|välitetty|пересыла|переслан|iletilen|转发|轉寄|転送|전달"
)
_FORWARDED = re.compile(
    rf"\s*(?:-{{2,}} ?.{{0,40}}(?:{_FORWARD_WORDS}).{{0,40}}|.{{0,30}}(?:{_FORWARD_WORDS}).{{0,30}}[:：])\s*", re.IGNORECASE
)
_ORIGINAL = re.compile(r"\s*(?:-{4,} ?[^\W\d_][\w .]{2,40} ?-{4,}|_{20,})\s*")
_FROM = re.compile(
    r"\s*\*?(?:from|von|de|da|van|od|från|fra|lähettäjä|feladó|от|від|kimden|发件人|寄件者|差出人|보낸 ?사람)\s?\*?\s?[:：]", re.IGNORECASE
)
_FIELD = re.compile(r"\s*\*?[^\W\d_][\w \-]{0,24}\*?\s?[:：]\*?\s*\S.*")
_SENT_FROM = re.compile(
    r"(?:sent (?:from|via|with)|get outlook for|gesendet (?:von|mit|aus)|von (?:meinem|unterwegs)|envoyé (?:de|depuis|à partir)"
    r"|enviado (?:desde|do|de|a partir)|inviato da|verzonden (?:vanaf|vanuit|met|via)|skickat från|sendt fra|lähetetty|wysłan[eo] z"
    r"|odesláno z|отправлено (?:с|из)|надіслано з|.{0,20}(?:から送信|에서 보냄)|发自我的|從我的|从我的).{0,60}",
    re.IGNORECASE,
)
_TAG = re.compile(r"""<(/?)([a-zA-Z][\w:-]*)(?:[^>"']++|"[^"]*+"|'[^']*+')*+>""")
_LOOSE_TAG = re.compile(r"<[a-zA-Z/!?]")
_LONGEST_TAG = 2000
_CONTACT = re.compile(r"@|https?:|www\.|\+?\d[\d /().-]{6,}")
_ESCAPED = re.compile(rb"^>(>*From )", re.MULTILINE)
_BLOCKS = frozenset(
    {
        "p",
        "div",
        "li",
        "tr",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "table",
        "blockquote",
        "ul",
        "ol",
        "pre",
        "hr",
        "section",
        "article",
        "header",
        "footer",
        "dl",
        "dt",
        "dd",
    }
)
_APART = frozenset({"p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "table", "blockquote", "pre"})
_HIDDEN = frozenset({"head", "style", "script", "title"})


def body_of(raw: bytes) -> tuple[str, bool]:
    """The text of a mail as its sender's program wrote it, and whether an invitation to a meeting is in it."""
    plain: list[str] = []
    html: list[str] = []
    for part in _inline(message_from_bytes(_ESCAPED.sub(rb"\1", raw))):
        kind = part.get_content_type()
        if kind == "text/calendar":
            return "", True
        if kind == "text/plain":
            text = _decoded(part).replace("\r\n", "\n")
            flowed = str(part.get_param("format", "")).lower() == "flowed"
            plain.append(_unflowed(text, str(part.get_param("delsp", "")).lower() == "yes") if flowed else _unwrapped(text))
        elif kind == "text/html":
            html.append(text_of_html(_decoded(part)))
    return "\n".join(plain if any(text.strip() for text in plain) else html), False


def typed(text: str) -> tuple[str, bool]:
    """What is left of a mail's text without quotes and without what follows `-- `; and whether it passed on another's mail."""
    lines = text.split("\n")
    end, forwarded = next(((at, kind) for at in range(len(lines)) if (kind := _ends(lines, at)) is not None), (len(lines), False))
    kept: list[str] = []
    quoted = False
    for line in lines[:end]:
        if line.startswith(">") and not quoted:
            _drop_lead(kept)
        quoted = line.startswith(">")
        if quoted:
            continue
        if line.rstrip() == "--":
            break
        kept.append(line)
    while kept and (not kept[-1].strip() or _SENT_FROM.fullmatch(kept[-1].strip())):
        kept.pop()
    while kept and not kept[0].strip():
        kept.pop(0)
    return "\n".join(kept), forwarded


def paragraphs(text: str) -> list[str]:
    return [part for part in re.split(r"\n[ \t]*\n", text) if part.strip()]


def signature_like(paragraph: str) -> bool:
    """A signature names a company, a number, an address; "Love, Anna" alone is how somebody says goodbye."""
    return paragraph.count("\n") >= 2 or bool(_CONTACT.search(paragraph)) or len(paragraph) > 120


def without_signature(text: str, known: Sequence[str] | frozenset[str]) -> str:
    """`text` without the paragraphs at its end that are known to stand below many mails of its writer."""
    while (parts := paragraphs(text)) and parts[-1].strip() in known:
        text = text[: text.rindex(parts[-1])].rstrip()
    return text


def text_of_html(html: str) -> str:
    """What a reader sees, a line for a line; quoted blocks get `> ` as they do in plain text."""
    page = _Page()
    for tag, closes, text in _tokens(html[:MAX_HTML]):
        if tag:
            page.take_tag(tag, closes)
        else:
            page.take_text(unescape(text).replace("\xa0", " "))
    return page.text()


def _inline(mail: Message) -> list[Message]:
    """The parts that are the mail itself: not what is attached, nor mails within it."""
    found: list[Message] = []
    waiting = [mail]
    while waiting:
        part = waiting.pop()
        payload = part.get_payload()
        if part.get_content_maintype() == "multipart" and isinstance(payload, list):
            waiting += [one for one in reversed(payload) if isinstance(one, Message)]
        elif part.get_content_type() == "text/calendar" or (
            part.get_content_maintype() == "text" and part.get_content_disposition() != "attachment" and not part.get_filename()
        ):
            found.append(part)
    return found


def _decoded(part: Message) -> str:
    payload = part.get_payload(decode=True)
    raw = payload if isinstance(payload, bytes) else b""
    for charset in (str(part.get_content_charset() or "utf-8"), "utf-8"):
        try:
            return raw.decode(charset)
        except (LookupError, ValueError):
            continue
    return raw.decode("cp1252", "replace")


def _unflowed(text: str, delete_space: bool) -> str:
    """RFC 3676: a line that ends with a space goes on in the next."""
    out: list[str] = []
    open_line = False
    for line in text.split("\n"):
        line = line if line.startswith(">") else line.removeprefix(" ")
        goes_on = line.endswith(" ") and line != "-- "
        if goes_on and delete_space:
            line = line[:-1]
        if open_line and line.startswith(">") == out[-1].startswith(">") and line != "-- ":
            out[-1] += re.sub(r"^[> ]+", "", line) if line.startswith(">") else line
        else:
            out.append(line)
        open_line = goes_on
    return "\n".join(out)


def _unwrapped(text: str) -> str:
    """Takes out breaks at a fixed width: where no line is over 80, and the next word would not have fitted into 72."""
    lines = text.split("\n")
    if any(len(line) > 80 and " " in line for line in lines):
        return text
    out = [lines[:1]]
    for last, line in pairwise(lines):
        word = line.split(" ", 1)[0]
        full = len(last) > 50 and len(last.rstrip()) + 1 + len(word) > 72
        if full and word[:1].isalnum() and last[:1] != ">" and not _FIELD.fullmatch(line) and not word.rstrip(".)").isdecimal():
            out[-1][-1] = last.rstrip(" ")
            out[-1].append(line)
        else:
            out.append([line])
    return "\n".join(" ".join(pieces) for pieces in out)


def _ends(lines: Sequence[str], at: int) -> bool | None:
    """Whether the writer's words end before this line; if so, whether what follows is passed on rather than answered."""
    line = lines[at].strip()
    if len(line) > 500 or line.startswith(">"):
        return None
    if _header_block(lines[at : at + 6]):
        return False
    if not line.endswith((":", "：", "-", "_")):
        return None
    below = _after(lines, at + 1)
    if _header_block(below) and (_FORWARDED.fullmatch(line) or _ORIGINAL.fullmatch(line)):
        return bool(_FORWARDED.fullmatch(line))
    opens = not at or not lines[at - 1].strip()
    return False if opens and below and not below[0].startswith(">") and _WROTE.fullmatch(line) else None


def _after(lines: Sequence[str], at: int) -> Sequence[str]:
    while at < len(lines) and not lines[at].strip(" >"):
        at += 1
    return lines[at : at + 6]


def _header_block(lines: Sequence[str]) -> bool:
    """`From: …` and at least two more fields in the lines below it."""
    bare = [line.lstrip("> ") for line in lines]
    return bool(bare) and bool(_FROM.match(bare[0])) and sum(bool(_FIELD.fullmatch(line[:300])) for line in bare[:5]) >= 3


def _drop_lead(kept: list[str]) -> None:
    """The line, wrapped into two or three at most, that says whose words come next."""
    end = len(kept)
    while end and not kept[end - 1].strip():
        end -= 1
    if not end or not kept[end - 1].rstrip().endswith((":", "：")):
        return
    for size in (1, 2, 3):
        lead = kept[max(0, end - size) : end]
        if len(lead) < size or not lead[0].strip():
            return
        joined = " ".join(lead)
        if len(joined) <= 400 and (_WROTE.fullmatch(joined) or (size == 1 and _LED_IN.fullmatch(joined))):
            del kept[end - size :]
            return


def _tokens(html: str) -> Iterator[tuple[str, bool, str]]:
    """Name of a tag and whether it closes; or "" and text. In time linear in its size, whatever is left open."""
    at = 0
    while (start := html.find("<", at)) >= 0:
        yield "", False, html[at:start]
        tag = _TAG.match(html, start, start + _LONGEST_TAG)
        if html.startswith("<!--", start):
            at = _behind(html, "-->", start)
        elif tag and (name := tag[2].lower()) in _HIDDEN and not tag[1]:
            close = re.compile(rf"</{name}", re.IGNORECASE).search(html, tag.end())
            at = close.start() if close else len(html)
        elif tag:
            yield tag[2].lower(), bool(tag[1]), ""
            at = tag.end()
        elif _LOOSE_TAG.match(html, start):
            at = _behind(html, ">", start)
        else:
            yield "", False, "<"
            at = start + 1
    yield "", False, html[at:]


def _behind(html: str, end: str, at: int) -> int:
    found = html.find(end, at)
    return found + len(end) if found >= 0 else len(html)


class _Page:
    """Lines as they come about. No stack: mails leave half of their tags open."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._line: list[str] = []
        self._quoted = self._as_is = 0

    def take_tag(self, tag: str, closes: bool) -> None:
        if tag == "br" or (tag in _BLOCKS and self._line):
            self._break()
        if tag in _APART and self._lines and self._lines[-1]:
            self._lines.append("")
        step = -1 if closes else 1
        if tag == "blockquote":
            self._quoted = max(0, self._quoted + step)
        elif tag == "pre":
            self._as_is = max(0, self._as_is + step)
        elif tag == "li" and not closes:
            self.take_text("- ")

    def take_text(self, text: str) -> None:
        if not self._as_is:
            text = re.sub(r"[ \t\r\n\f]+", " ", text)
            text = text.lstrip(" ") if not self._line or self._line[-1].endswith(" ") else text
        for number, piece in enumerate(text.split("\n")):
            if number:
                self._break()
            if piece:
                self._line.append(f"> {piece}" if self._quoted and not self._line else piece)

    def text(self) -> str:
        self._break()
        return re.sub(r"\n{3,}", "\n\n", "\n".join(self._lines)).strip("\n")

    def _break(self) -> None:
        self._lines.append("".join(self._line).rstrip(" "))
        self._line = []
