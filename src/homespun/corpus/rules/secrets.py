"""What opens something: keys of services, passwords said as such, one-time codes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from homespun.corpus.rules.network import Hit

_KEY = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]{16,}?-----END [A-Z ]*PRIVATE KEY-----"
    r"|(?<![\w-])(?:"
    r"(?:AKIA|ASIA)[0-9A-Z]{16}|gh[pousr]_\w{36,}|github_pat_\w{36,}|glpat-[\w-]{20,}|xox[abeoprs]-[\w-]{10,}|AIza[\w-]{35}|"
    r"(?:sk|rk|pk)_(?:live|test)_\w{16,}|sk-(?:ant-|proj-|or-)?[\w-]{20,}|hf_[A-Za-z0-9]{30,}|npm_\w{36}|pypi-[\w-]{50,}|dop_v1_[0-9a-f]{64}|"
    r"SG\.[\w-]{16,}\.[\w-]{16,}|SK[0-9a-f]{32}|\d{8,10}:AA[\w-]{33}|eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,}|ya29\.[\w-]{20,}|shpat_[0-9a-f]{32}"
    r")(?![\w-])"
    r"|(?i:\bbearer|\bapi[ _-]?key|\baccess[ _-]?token|\bsecret[ _-]?key|\bauth[ _-]?token)[\"']?(?: is | ist |\s?[:=]\s?|\s)[\"']?"
    r"(?P<said>(?=[\w.+/=-]*\d)(?=[\w.+/=-]*[A-Za-z])[\w.+/=-]{16,})"
)

_PASSWORD = (
    r"(?:pass(?:word|phrase|code|wd)|passwor[td]|kennwort|pwd|pw|mot de passe|mdp|contraseñ?a|clave|senha|"
    r"palavra-passe|parola d'ordine|wachtwoord|"
    r"lösenord(?:et)?|passord(?:et)?|adgangskode|salasana|has[łl]o|пароль|密码|密碼|wi-?fi key|wlan-?(?:schlüssel|key|passwor[td]))"
)
SAID = re.compile(
    rf"(?<![^\W_]){_PASSWORD}(?![^\W_])(?:\s+(?:for|für|de|del|du|to|von|voor|till|til|do)\s[^\s:=]+(?:\s[^\s:=]+)?)?"
    r"(?P<how>\s*[:=：]\s*|\s+(?:is(?: now)?|ist(?: jetzt)?|lautet|war|was|est|es|é|è|är|er|это|(?<=salasana )on)\s*:?\s+|是)"
    r"(?P<quote>[\"'`“„«]?)(?P<password>[^\s\"'`“”„«»]{4,64})",
    re.IGNORECASE,
)
"""`password is hunter2`, `Passwort: …`, `mdp=…`."""
_NOT_A_PASSWORD = re.compile(r"(?:[*•x.…_-]+|[<\[{$%(~/].*|[a-z]*(?:/[a-z]*)+|\w+\(.*|.*(?:://|@\w+\.\w+).*)\Z", re.IGNORECASE)
_URL_PASSWORD = re.compile(r"\w://[^\s/:@]+:(?P<password>[^\s/:@]{3,64})@[\w\[]")

_NO_CODE = (
    r"(?:error|err|exit|status|return|zip|postal|post|area|country|dial|source|byte|machine|colou?r|discount|promo\w*|voucher|coupon|product|bar|qr|"
    r"alarm|dress|program\w*|hex|http|response|morse|fehler|rabatt|gutschein|key|tax|building|penal|civil|article|item|reason|result|signal|"
    r"stop|trouble|op|unicode|ascii|char\w*|function|ticket|dewey|sort|swift|reference|course|class|model|flight|noun|verb|major|mode)"
)
_CODE_WORD = (
    r"(?<!\w)(?<!-)(?:(?P<kind>[^\W\d_]+)[ -]?)?(?:pass)?(?:code|pin|otp|tan|mtan|puk|c[óo]digo|codice|kod(?:en|i|u)?|koodi|код|passcode|"
    r"(?:bestätigungs|sicherheits|verifizierungs|einmal|zugangs|tür)code|verificatiecode|einmalpasswort)(?!\w)"
)
_NUMBER = r"(?:[A-Z]{1,2}-)?(?:\d{3}[ -]\d{3,4}|\d{4,8})(?![\w%€$£°]|[.,:/-]\d|\s?(?:€|eur\b|usd\b|%))"
_GAP, _BLANK = r"[^\S\n]+", r"[^\S\n]*"
_IS = r"(?:is(?: now)?|ist|lautet|est|es|é|è|jest|är|er|on|это)"
_WHOSE = r"(?:your|the|my|dein|ihr|votre|ton|tu|su|seu|il tuo|je|uw|twój|din|sinun|der|le|el)"
_CODES = (
    re.compile(
        rf"{_CODE_WORD}(?P<between>(?:{_GAP}(?:for|für|de|to|von|pour|para|per|zum|zur|di|do|til) [^\n\d:.,;!?]{{1,30}}?)?"
        rf"(?:{_BLANK}[:=：]{_BLANK}|{_GAP}{_IS}{_BLANK}:?{_BLANK}|{_GAP}))(?P<code>{_NUMBER})",
        re.IGNORECASE,
    ),
    re.compile(
        rf"(?<![\w.,:/#-])(?P<code>{_NUMBER})(?P<between>{_GAP}{_IS}{_GAP}{_WHOSE} (?:[\w-]+ ){{0,3}}?){_CODE_WORD}",
        re.IGNORECASE,
    ),
    re.compile(r"(?:验证码|驗證碼|認証コード|인증번호)[^\d\n]{0,6}(?P<code>\d{4,8})(?!\d)"),
)
_SECRET_KINDS = re.compile(
    r"(?:your|my|our|door|gate|entry|login|sign-?in|log-?in|access|security|verification|confirmation|auth\w*|sms|one-time|2fa|card|phone|sim|"
    r"alarmanlage\w*|dein|mein|ihr|code|bank|atm|reset|safe|lock|locker|garage|whatsapp|google|telegram|signal)\Z",
    re.IGNORECASE,
)

_ALWAYS = re.compile(r"(?:otp|tan|puk|pin)\s*\Z", re.IGNORECASE)


def keys(text: str) -> Iterator[Hit]:
    """Keys and tokens of known shapes, and what is called an API key or a token."""
    for found in _KEY.finditer(text):
        group = "said" if found["said"] else 0
        yield found.start(group), found.end(group), found[group]


def passwords(text: str) -> Iterator[Hit]:
    """What is said to be a password: anything after a colon or in quotes, otherwise only what is no plain word."""
    for found in SAID.finditer(text):
        word = found["password"].rstrip(".,;?)")
        plain = word.isalpha() and (word.islower() or word.istitle() or word.isupper())
        asserted = found["quote"] or (found["how"].strip() in (":", "=", "：", "是") and len(word) >= 6 and not word.istitle())
        if len(word) >= 4 and not _NOT_A_PASSWORD.match(word) and (asserted or not plain):
            start = found.start("password")
            yield start, start + len(word), word
    for found in _URL_PASSWORD.finditer(text):
        yield *found.span("password"), found["password"]


def codes(text: str) -> Iterator[Hit]:
    """One-time codes and PINs of four to eight digits."""
    for pattern in _CODES:
        for found in pattern.finditer(text):
            named = found.groupdict()
            kind, said = named.get("kind") or "", named.get("between", ":").strip()
            told = said or _SECRET_KINDS.match(kind) or _ALWAYS.search(found[0][: -len(found["code"])])
            if told and not re.fullmatch(_NO_CODE, kind, re.IGNORECASE):
                yield *found.span("code"), found["code"]
