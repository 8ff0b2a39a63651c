"""Where reports are to go: the URIs of `rua` and `ruf` (RFC 9989 section 4.6, RFC 8460 section 3)."""

from __future__ import annotations

import enum
import re
from urllib.parse import unquote

from diag.model.frozen import frozen

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_SIZE = re.compile(r"!([0-9]+)([kmgt]?)", re.IGNORECASE | re.ASCII)
_URI_CHARACTERS = re.compile(r"[\x21\x23-\x3b\x3d\x3f-\x5b\x5d\x5f\x61-\x7a\x7e]*")
_HOST = re.compile(r"[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})*\.?")
_WSP = " \t\r\n"


class UriProblem(enum.StrEnum):
    """Why a report cannot be sent to an entry."""

    EMPTY = "empty"
    NO_SCHEME = "no-scheme"
    NO_MAILBOX = "no-mailbox"
    BAD_HOST = "bad-host"
    BAD_CHARACTER = "bad-character"
    """A space, a control or non-ASCII character, or an unencoded `!` (it must be written %21)."""


@frozen
class ReportUri:
    """One entry of the list. Where `problem` is set, the other fields hold what could be read."""

    text: str
    position: int
    scheme: str = ""
    """Lower case."""
    mailbox: str = ""
    """For mailto: local-part@domain, percent-encoding undone."""
    host: str = ""
    """The domain of the mailbox or the host of the URL, lower case, without port."""
    size_suffix: str = ""
    """`!10m`: obsolete since RFC 9989 (section 4.8), ignored by its readers."""
    problem: UriProblem | None = None

    @property
    def bare(self) -> str:
        """The entry without its size."""
        return self.text.removesuffix(self.size_suffix)

    @property
    def is_usable(self) -> bool:
        """Whether the entry is a well-formed URI."""
        return self.problem is None


def parse_report_uris(value: str, position: int, *, sizes: bool) -> tuple[ReportUri, ...]:
    """The comma-separated entries of a value that begins at `position`.

    `sizes` says whether an entry may end in a size (`!10m`), as in DMARC records before RFC 9989.
    """
    entries = []
    start = position
    for part in value.split(","):
        body = part.strip(_WSP)
        entries.append(_entry(body, start + (part.index(body[0]) if body else 0), sizes))
        start += len(part) + 1
    return tuple(entries)


def _entry(text: str, position: int, sizes: bool) -> ReportUri:
    if not text:
        return ReportUri(text, position, problem=UriProblem.EMPTY)
    uri, suffix = text, ""
    bang = text.rfind("!")
    if sizes and bang >= 0 and _SIZE.fullmatch(text, bang):
        uri, suffix = text[:bang], text[bang:]
    found = _SCHEME.match(uri)
    if not found:
        return ReportUri(text, position, size_suffix=suffix, problem=UriProblem.NO_SCHEME)
    scheme, rest = found[1].lower(), uri[found.end() :]
    mailbox, host, problem = _mailto(rest) if scheme == "mailto" else _url(rest)
    if "!" in uri or not _URI_CHARACTERS.fullmatch(uri):
        problem = UriProblem.BAD_CHARACTER
    return ReportUri(text, position, scheme, mailbox, host, suffix, problem)


def _mailto(rest: str) -> tuple[str, str, UriProblem | None]:
    mailbox = unquote(rest.partition("?")[0])
    local, at, host = mailbox.rpartition("@")
    if not at or not local:
        return mailbox, host.lower() if at else "", UriProblem.NO_MAILBOX
    return mailbox, host.lower().removesuffix("."), None if _HOST.fullmatch(host) else UriProblem.BAD_HOST


def _url(rest: str) -> tuple[str, str, UriProblem | None]:
    authority = re.split(r"[/?#]", rest.removeprefix("//"), maxsplit=1)[0] if rest.startswith("//") else ""
    host = authority.rpartition("@")[2].partition(":")[0]
    return "", host.lower().removesuffix("."), None if _HOST.fullmatch(host) else UriProblem.BAD_HOST
