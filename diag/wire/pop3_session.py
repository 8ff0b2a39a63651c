"""What a POP3 transcript means: everything a check needs, each with the event that shows it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from diag.model.frozen import frozen

from .exchanges import Exchange, exchanges
from .pop3 import PopEnd, Response, parse_response
from .reach import Doubt, Reached, broken_off, doubt_about, quote, way
from .session import Session, common, greeting_of
from .transcript import Transcript

Pop3Exchange = Exchange[Response]


@frozen
class Capa:
    """The complete positive answer to CAPA (RFC 2449 section 5)."""

    capabilities: Mapping[str, tuple[str, ...]]
    """Parameters by capability in upper case."""
    event: int
    """The event of its last line."""

    def offers(self, name: str) -> bool:
        """Whether a capability is there, in whatever case."""
        return name.upper() in self.capabilities

    @property
    def mechanisms(self) -> tuple[str, ...]:
        """SASL mechanisms in upper case (RFC 5034 section 3)."""
        return tuple(each.upper() for each in self.capabilities.get("SASL", ()))

    @property
    def plain_logins(self) -> tuple[str, ...]:
        """USER, and the SASL mechanisms that show the password to whoever listens."""
        user = ("USER",) if self.offers("USER") else ()
        return (*user, *(each for each in self.mechanisms if each in ("PLAIN", "LOGIN")))


@dataclass(frozen=True, slots=True, kw_only=True)
class Pop3Session(Session[Response]):
    """One POP3 talk, read."""

    timestamp: str
    """The greeting's APOP timestamp with its brackets (RFC 1939 section 7); empty without one."""
    capa_supported: bool | None
    """False where CAPA was answered -ERR; None where it was not answered."""
    capa: Capa | None
    """In clear."""
    capa_tls: Capa | None
    """Under TLS, however that came about."""
    capa_unterminated: int | None
    """The event at which an answer to CAPA broke off that never ended in a lone dot."""


def read_pop3(transcript: Transcript) -> Pop3Session:
    """Read a transcript of pop3_dialogue. Never raises, whatever was heard."""
    steps = exchanges(transcript, lambda command: PopEnd(_many(command)), _parse)
    greeting = greeting_of(steps)
    asked = [step for step in steps if step.verb == "CAPA"]
    stls = next((step for step in steps if step.verb == "STLS"), None)
    state, event = _state(transcript, greeting)
    doubt = _doubt(transcript, state, event, asked)
    return Pop3Session(
        **common(transcript, steps, stls, state, doubt),
        timestamp=greeting.reply.timestamp if greeting and greeting.reply else "",
        capa_supported=next(
            (step.reply.status == "+OK" for step in asked if step.reply and step.reply.status), None
        ),
        capa=_capa([step for step in asked if not step.secure]),
        capa_tls=_capa([step for step in asked if step.secure]),
        capa_unterminated=next((step.last for step in asked if step.reply and not step.reply.complete), None),
    )


def _many(command: bytes) -> bool:
    return command.strip().upper() == b"CAPA"


def _parse(command: bytes, lines: Sequence[bytes]) -> Response:
    return parse_response(lines, many=_many(command))


def _capa(steps: Sequence[Pop3Exchange]) -> Capa | None:
    step = next(iter(steps), None)
    if step is None or step.reply is None or step.last is None or not step.reply.ok:
        return None
    return Capa(step.reply.capabilities, step.last)


def _state(transcript: Transcript, greeting: Pop3Exchange | None) -> tuple[Reached, int | None]:
    reply = greeting.reply if greeting else None
    whole = reply is not None and reply.complete
    seen = way(transcript, greeted=whole, begins=lambda octets: octets[:1] in (b"+", b"-"))
    if seen.state is not None or greeting is None or reply is None:
        return seen.state or Reached.SILENT, seen.event
    if reply.status == "-ERR":
        if _TOO_MANY.search(reply.text[:2000]):
            return Reached.THROTTLED, greeting.last
        passing = _PASSING.search(f"{reply.code} {reply.text[:2000]}") is not None
        return (Reached.DEFERRED if passing else Reached.REFUSED_SERVICE), greeting.last
    return (Reached.OPEN if reply.status else Reached.MALFORMED), greeting.last


def _doubt(transcript: Transcript, state: Reached, event: int | None, asked: Sequence[Pop3Exchange]) -> Doubt:
    if state is not Reached.OPEN:
        return doubt_about(transcript, state, event)
    for step in asked:
        if step.reply is None or not step.reply.complete:
            how = broken_off(transcript) or "the conversation ended"
            return Doubt(f"{how} after CAPA", len(transcript.events) - 1)
        if not step.reply.status:
            return Doubt(f"the answer to CAPA cannot be read:{quote(transcript, step.last)}", step.last)
    return Doubt("", None)


_TOO_MANY = re.compile(r"too many|connection limit|maximum.{0,30}connections", re.IGNORECASE)
# RFC 2449 section 8.1, RFC 3206 section 4, and the words for the same.
_PASSING = re.compile(r"IN-USE|SYS/TEMP|LOGIN-DELAY|try again|later|temporar|unavailable|busy", re.IGNORECASE)
