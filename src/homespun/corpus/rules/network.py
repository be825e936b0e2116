"""Mail and IP addresses in text."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

Hit = tuple[int, int, str]
"""Where something is in a text, and the one spelling that stands for all of its spellings."""

_FILES = "png|jpe?g|gif|svg|webp|bmp|ico|pdf|py|js|ts|css|html?|json|ya?ml|toml|txt|log|zip|gz|deb|rpm|exe|service|local|localdomain|lan|so"
_DOT = r"(?:\.|\s?[\[({]\s?(?:dot|punkt|punto|point)\s?[\])}]\s?)"
_MAIL = re.compile(
    rf"(?<![\w.+%-])(?P<local>\w(?:[\w.+%'-]{{0,62}}[\w+-])?)(?:@|\s?[\[({{]\s?(?:at|ät|@)\s?[\])}}]\s?)(?!openssh\.com|libssh\.org)"
    rf"(?P<domain>(?:[^\W_](?:[\w-]{{0,61}}[^\W_])?{_DOT}){{1,6}}(?!(?:{_FILES})\b)(?:xn--[a-z0-9-]{{2,59}}|[^\W\d_]{{2,24}}))(?![^\W_])",
    re.IGNORECASE,
)
_DOTTED = re.compile(r"\s?[\[({]\s?(?:dot|punkt|punto|point)\s?[\])}]\s?", re.IGNORECASE)

_V4 = re.compile(r"(?<![\w.-])(?<!\d[,/])\d{1,3}(?:\.\d{1,3}){3}(?![\w+~]|[.-]\w)")
_VERSION = re.compile(r"\b(?:v|version|release|build|driver|kernel|firefox|chrom(?:e|ium)|safari|opera)\W{0,3}$", re.IGNORECASE)
_V6 = re.compile(r"(?<![\w:.])(?:[0-9a-f]{0,4}:){2,7}(?:[0-9a-f]{1,4}|(?:\d{1,3}\.){3}\d{1,3})?(?![\w:]|\.\d)", re.IGNORECASE)
_ABOUT_IP = re.compile(
    r"\b(?:ips?|ip-?adress\w*|address|adresse|server|host|ping\w*|dns|ssh|gateway|router|subnet|firewall|proxy|nameserver|inet|whois|ban\w*|"
    r"connect\w*|route|dirección|serveur|telnet|nmap|traceroute)\b|[@/]$",
    re.IGNORECASE,
)


def mails(text: str) -> Iterator[Hit]:
    """Addresses, also written as `anna [at] posteo [dot] de`. A path such as `git@github.com:user/project` is none."""
    for found in _MAIL.finditer(text):
        after = text[found.end() : found.end() + 2]
        if not (len(after) == 2 and after[0] == ":" and (after[1].isalpha() or after[1] in "/~")):
            domain = _DOTTED.sub(".", found["domain"])
            yield found.start(), found.end(), f"{found['local']}@{domain}".lower()


def addresses(text: str) -> Iterator[Hit]:
    """IPv4 and IPv6 addresses of one machine: no loopback, no network mask, no version number of four small parts."""
    for found in _V4.finditer(text) if text.count(".") >= 3 else ():
        parts = [int(part) for part in found[0].split(".")]
        about = _ABOUT_IP.search(text[max(0, found.start() - 30) : found.start()]) or text[found.end() : found.end() + 1] in (":", "/")
        if max(parts) > 255 or parts[0] in (0, 127) or parts[0] >= 224 or parts[3] == 0:
            continue
        if _VERSION.search(text[max(0, found.start() - 12) : found.start()]) or (max(parts) < 100 and not about):
            continue
        yield found.start(), found.end(), ".".join(map(str, parts))
    for found in _V6.finditer(text) if text.count(":") >= 2 else ():
        if (value := _machine(found[0])) is not None:
            yield found.start(), found.end(), value


def _machine(written: str) -> str | None:
    """The IPv6 address, if it is one and has enough digits in it to be somebody's."""
    groups = [group for group in written.split(":") if group]
    if len(groups) < 3 or not any(character.isdecimal() for character in written):
        return None
    try:
        address = ipaddress.IPv6Address(written)
    except ValueError:
        return None
    known = address.is_global or address.is_private or address.is_link_local
    return str(address) if known and (written.count(":") == 7 or int(address) >> 112 >= 0x2000) else None
