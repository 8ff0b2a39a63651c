"""What a ManageSieve transcript means: everything a check needs, each with the event that shows it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from diag.model.frozen import frozen

from .exchanges import Exchange, exchanges
from .reach import Doubt, Reached, broken_off, doubt_about, quote, way
from .session import Session, common
from .sieve import Answer, SieveEnd, parse_answer
from .transcript import Transcript

SieveExchange = Exchange[Answer]


@frozen
class SieveCapabilities:
    """A complete list of capabilities (RFC 5804 section 1.7)."""

    values: Mapping[str, str]
    """By name in upper case."""
    event: int
    """The event of the OK that ends it."""

    def offers(self, name: str) -> bool:
        """Whether a capability is there, in whatever case."""
        return name.upper() in self.values

    @property
    def mechanisms(self) -> tuple[str, ...]:
        """SASL mechanisms in upper case."""
        return tuple(self.values.get("SASL", "").upper().split())


@dataclass(frozen=True, slots=True, kw_only=True)
class SieveSession(Session[Answer]):
    """One ManageSieve talk, read."""

    capabilities: SieveCapabilities | None
    """In clear."""
    capabilities_tls: SieveCapabilities | None
    """Under TLS, sent unasked or on request."""
    resent: bool | None
    """Whether the server sent its capabilities unasked after STARTTLS; None where TLS did not come about so, or
    where what it sent broke off."""


def read_sieve(transcript: Transcript) -> SieveSession:
    """Read a transcript of sieve_dialogue. Never raises, whatever was heard."""
    steps = exchanges(
        transcript, lambda _: SieveEnd(), lambda _, lines: parse_answer(lines), greets_again=True
    )
    greetings = [step for step in steps if not step.command]
    told = [step for step in steps if step.verb in ("", "CAPABILITY")]
    starttls = next((step for step in steps if step.verb == "STARTTLS"), None)
    greeting = greetings[0] if greetings else None
    state, event = _state(transcript, greeting)
    again = greetings[1] if len(greetings) > 1 else None
    return SieveSession(
        **common(transcript, steps, starttls, state, _doubt(transcript, state, event, told)),
        capabilities=_capabilities([step for step in told if not step.secure]),
        capabilities_tls=_capabilities([step for step in told if step.secure]),
        resent=_resent(again, steps),
    )


def _resent(again: SieveExchange | None, steps: Sequence[SieveExchange]) -> bool | None:
    if again is None:
        return None
    if again.reply is not None:
        return True if again.reply.ok else None
    # Only an answer to the question that followed shows that the server was there and had nothing to say.
    return False if any(step.verb == "CAPABILITY" and step.reply for step in steps) else None


def _capabilities(steps: Sequence[SieveExchange]) -> SieveCapabilities | None:
    for step in steps:
        if step.reply is not None and step.last is not None and step.reply.ok and step.reply.lines:
            return SieveCapabilities(step.reply.capabilities, step.last)
    return None


def _state(transcript: Transcript, greeting: SieveExchange | None) -> tuple[Reached, int | None]:
    reply = greeting.reply if greeting else None
    whole = reply is not None and reply.complete
    seen = way(
        transcript, greeted=whole, begins=lambda octets: octets[:1] == b'"' or octets[:2].upper() == b"OK"
    )
    if seen.state is not None or greeting is None or reply is None:
        return seen.state or Reached.SILENT, seen.event
    if reply.status in ("BYE", "NO"):
        passing = _PASSING.search(f"{reply.code} {reply.text[:2000]}") is not None
        return (Reached.THROTTLED if passing else Reached.REFUSED_SERVICE), greeting.last
    return (Reached.OPEN if reply.capabilities else Reached.MALFORMED), greeting.last


def _doubt(transcript: Transcript, state: Reached, event: int | None, told: Sequence[SieveExchange]) -> Doubt:
    if state is not Reached.OPEN:
        return doubt_about(transcript, state, event)
    for step in told:
        if step.reply is None and not step.command:
            continue  # nothing was sent unasked; what came on request follows
        if step.reply is None or not step.reply.complete:
            how = broken_off(transcript) or "the conversation ended"
            return Doubt(f"{how} amid the capabilities", len(transcript.events) - 1)
        if not step.reply.ok:
            return Doubt(f"the capabilities were not told:{quote(transcript, step.last)}", step.last)
    return Doubt("", None)


# RFC 5804 section 1.3 has TRYLATER; the rest is words for the same.
_PASSING = re.compile(
    r"TRYLATER|too many|try again|later|temporar|unavailable|overload|busy|maximum|limit|shutting|maintenance",
    re.IGNORECASE,
)
