"""Does a refusal speak about us? Then it tells of our vantage, and nothing of the domain looked at."""

from __future__ import annotations

import enum
import ipaddress
import re

from .smtp import Reply

LONGEST_JUDGED = 2000
"""Characters of a reply that are searched for words: more is no sentence, and the search stays cheap."""


class Blame(enum.StrEnum):
    """What of ours a negative reply names."""

    BLOCKLIST = "blocklist"
    """Our address is said to be on a list."""
    DYNAMIC = "dynamic"
    """Our address is said to be dynamic or residential."""
    REVERSE_DNS = "reverse-dns"
    """Our address is said to have no PTR record, or a wrong one."""
    HELO_NAME = "helo-name"
    """The name we give in EHLO is disliked."""
    ADDRESS = "address"
    """Our address is named without a reason that we know."""


def blamed(reply: Reply, *, helo: str = "", peer: str = "", ours: tuple[str, ...] = ()) -> Blame | None:
    """What of ours a 4yz or 5yz reply names; None where it does not, or the reply is positive.

    `helo` is the name we gave, `peer` the address we talk to (servers do name themselves), `ours` are
    addresses known to be ours; behind a translator they are not known, so that any address counts that
    is not the peer's.
    """
    if reply.kind not in (4, 5):
        return None
    text = reply.text[:LONGEST_JUDGED]
    for blame, pattern in _WORDS:
        if pattern.search(text):
            return blame
    # 500 and 502 speak of the command, not of its argument.
    if reply.code not in (500, 502) and (_HELO.search(text) or _names(text, helo)):
        return Blame.HELO_NAME
    return Blame.ADDRESS if _names_address(text, peer, ours) else None


def _names(text: str, helo: str) -> bool:
    bare = helo.strip("[]").lower()
    return bool(bare) and re.search(rf"(?<![\w.-]){re.escape(bare)}(?![\w-])", text.lower()) is not None


def _names_address(text: str, peer: str, ours: tuple[str, ...]) -> bool:
    named = {address for word in _ADDRESS.findall(text) if (address := _address(word)) is not None}
    if ours:
        return bool(named & {_address(each) for each in ours})
    return bool(named - {_address(peer)})


def _address(word: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(word.strip(".,;:"))
    except ValueError:
        return None


_WORDS = (
    (
        Blame.DYNAMIC,
        re.compile(
            r"\b(dynamic|residential|dial-?up|consumer|generic)\b.{0,40}\b(address|ip|range|host|pool|rdns|ptr)|\bdul\b|\bpbl\b",
            re.I,
        ),
    ),
    (
        Blame.REVERSE_DNS,
        re.compile(
            r"\brdns\b|\bfcrdns\b|\bptr\b|reverse[- ](dns|lookup|hostname|mapping|name)|"
            r"cannot find your (reverse )?hostname|no (valid )?reverse|client host rejected: cannot",
            re.I,
        ),
    ),
    (
        Blame.BLOCKLIST,
        re.compile(
            r"\b(dns)?[bdr]?(bl|wl)s?\b(?=.*(list|block|reject|found))|spamhaus|spamcop|barracudacentral|sorbs|"
            r"block[- ]?list|black[- ]?list|deny[- ]?list|\b(is |are |was |been )?listed (in|on|by|at)\b|"
            r"(ip|address|host|client|sender|network|range)\b.{0,60}\b(is |was |been )?(blocked|banned|blacklisted)|"
            r"\bblocked using\b|(bad|poor|low) (ip )?reputation|reputation of (your|the sending)",
            re.I,
        ),
    ),
)
_HELO = re.compile(
    r"syntactically invalid|"
    r"\b(helo|ehlo)\b.{0,60}(reject|invalid|argument|name|host|resolv|match|domain|fqdn|fully|forged|bad)|"
    r"(invalid|bad|forged|need|require|fully).{0,40}\b(helo|ehlo)\b",
    re.I,
)
_ADDRESS = re.compile(
    r"(?<![\w.:])(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7})(?![\w:])"
)
