"""Where in a complete reply something is offered: the very line that holds it, not the one that ends the reply."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

from .exchanges import Exchange, reply_lines
from .imap import parse_response, responses
from .imap_session import Capabilities
from .pop3 import parse_response as parse_pop3
from .pop3_session import Capa
from .sieve import parse_answer
from .sieve_session import SieveCapabilities
from .smtp import EhloReply, Reply, parse_ehlo, parse_reply
from .transcript import Transcript

AnyOffer = EhloReply | Capabilities | Capa | SieveCapabilities

MOST_LINES = 4
"""Lines of one reply that are pointed at, of however many a peer offers the same in."""


def offering(
    transcript: Transcript,
    steps: Sequence[Exchange[Any]],
    ends: int | None,
    offer: AnyOffer,
    holds: Callable[[Any], bool],
) -> tuple[int, ...]:
    """The events of the lines that by themselves offer what is looked for; empty where none does.

    `offer` is what was read from the reply that ends at the event `ends`. Each of its lines is read as that was, so
    that a word counts only where it is an offer: not in the host's name, nor within a literal. `holds` is asked of
    offers of the same kind.
    """
    step = next((each for each in steps if ends is not None and each.last == ends), None)
    if step is None:
        return ()
    found = (at for at, line in _read(offer, reply_lines(transcript, step)) if holds(line))
    return tuple(islice(found, MOST_LINES))


def with_keyword(*names: str) -> Callable[[AnyOffer], bool]:
    """Whether a line offers one of these keywords or capabilities."""
    return lambda line: any(map(line.offers, names))


def with_login(*mechanisms: str) -> Callable[[AnyOffer], bool]:
    """Whether a line offers a login by one of these mechanisms, given in upper case."""
    return lambda line: not frozenset(mechanisms).isdisjoint(line.mechanisms)


def _read(offer: AnyOffer, lines: Sequence[tuple[int, bytes]]) -> Iterator[tuple[int, AnyOffer]]:
    """Every line of a reply as if it were all that is offered."""
    match offer:
        case EhloReply():  # its first line names the host (RFC 5321 section 4.1.1.1)
            for at, line in lines[1:]:
                yield at, parse_ehlo(Reply(250, ("", *parse_reply([line]).lines)))
        case Capa():  # its first line is +OK and any text
            for at, line in lines[1:]:
                yield at, Capa(parse_pop3([b"+OK\r\n", line], many=True).capabilities, at)
        case Capabilities():
            for at, whole in responses(lines):  # or, where no line is one, the code of the tagged OK
                told = parse_response(whole)
                untagged = told.tag == "*" and told.word == "CAPABILITY"
                if untagged or not offer.untagged:
                    yield at, Capabilities(told.capabilities, at, untagged)
        case SieveCapabilities():
            for at, whole in responses(lines):
                yield at, SieveCapabilities(parse_answer(whole).capabilities, at)
