"""What is odd about a single line, for people who watch a dialogue."""

from __future__ import annotations

from .lines import has_bare_cr, has_bare_lf, is_whole
from .script import Protocol
from .transcript import NO_END, Said, Who

LONGEST = {"smtp": 512, "pop3": 512}
"""Octets of a reply line with its CRLF: RFC 5321 section 4.5.3.1.5, RFC 2449 section 4. IMAP and ManageSieve have none."""


def oddities(said: Said, spoken: Protocol) -> tuple[str, ...]:
    """In a few words each; nothing for what we said ourselves."""
    if said.who is Who.US:
        return ()
    found = []
    if said.unexpected:
        found.append("unasked")
    if not is_whole(said.octets):
        found.append(NO_END)
    if has_bare_lf(said.octets):
        found.append("bare LF")
    if has_bare_cr(said.octets):
        found.append("bare CR")
    longest = LONGEST.get(spoken)
    if longest is not None and len(said.octets) > longest:
        found.append(f"{len(said.octets)} octets, {longest} at most")
    return tuple(found)
