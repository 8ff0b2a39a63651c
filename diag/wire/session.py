"""What every conversation shows, whatever its protocol: how far it came, its TLS and its end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from diag.tls.handshake import Handshake, TlsFailure

from .exchanges import Exchange, bare_lf, unasked
from .reach import Doubt, Reached, leftover_of
from .transcript import Ending, Secured, Transcript

R = TypeVar("R")


@dataclass(frozen=True, slots=True, kw_only=True)
class Session(Generic[R]):
    """One talk, read. Steps that did not take place are None; indexes are those of the events."""

    state: Reached
    exchanges: tuple[Exchange[R], ...]
    """All of them in order, the greeting first."""
    greeting: Exchange[R] | None
    starttls: Exchange[R] | None
    """STARTTLS, or STLS in POP3; where CAPA is not supported that was tried without having been offered."""
    implicit_tls: bool
    """TLS came with the first octet."""
    secured: int | None
    """The event of the handshake that was tried."""
    handshake: Handshake | TlsFailure | None
    leftover: bytes
    """What came in clear between the go-ahead for TLS and the handshake (RFC 3207 section 4.2)."""
    closed: Ending
    closed_event: int | None
    unasked: tuple[int, ...]
    bare_lf: tuple[int, ...]
    inconclusive: str
    """Why nothing can be concluded about what the server offers; empty where it can."""
    because: int | None
    """The event that shows why."""


def greeting_of(steps: Sequence[Exchange[R]]) -> Exchange[R] | None:
    """The exchange that no command began."""
    return next((step for step in steps if not step.command), None)


def common(
    transcript: Transcript,
    steps: tuple[Exchange[R], ...],
    starttls: Exchange[R] | None,
    state: Reached,
    doubt: Doubt,
) -> dict[str, Any]:
    """The fields of Session."""
    secured = next((at for at, each in enumerate(transcript.events) if isinstance(each, Secured)), None)
    tls = transcript.secured
    return {
        "state": state,
        "exchanges": steps,
        "greeting": greeting_of(steps),
        "starttls": starttls,
        "implicit_tls": secured is not None
        and not any(step.command and step.asked < secured for step in steps),
        "secured": secured,
        "handshake": tls.handshake if tls else None,
        "leftover": leftover_of(tls) if starttls else b"",
        "closed": transcript.closed.how,
        "closed_event": len(transcript.events) - 1 if transcript.events else None,
        "unasked": unasked(transcript),
        "bare_lf": bare_lf(transcript),
        "inconclusive": doubt.because,
        "because": doubt.event,
    }
