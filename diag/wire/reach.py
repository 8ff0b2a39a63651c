"""How far a conversation came, the same for every protocol: from the closed port to the usable greeting."""

from __future__ import annotations

import enum
from collections.abc import Callable
from itertools import pairwise

from diag.model.frozen import frozen
from diag.tls.handshake import Handshake, TlsFailure, TlsTrouble

from .lines import is_whole
from .transcript import Ending, Event, Opened, Remark, Said, Secured, Transcript, Who, quoted_line


class Reached(enum.StrEnum):
    """What became of the attempt to talk, up to and including the greeting."""

    OPEN = "open"
    """A usable greeting: the conversation took place."""
    CLOSED = "closed"
    """The port is closed."""
    FILTERED = "filtered"
    """Nothing answered the connection request."""
    UNREACHABLE = "unreachable"
    """No way there; perhaps about our end."""
    HELD_BACK = "held-back"
    """We did not try: one run may ask a service only so often."""
    FAILED = "failed"
    """The system reports something else."""
    SILENT = "silent"
    """Connected, and no greeting came in the time we waited; TLS is not spoken there either."""
    SLOW = "slow"
    """The greeting had begun, or came at last, when our patience ended."""
    THROTTLED = "throttled"
    """421, or words that there are too many connections: at the greeting or later."""
    DEFERRED = "deferred"
    """A greeting that says "not now": another 4yz, or `-ERR` with a passing reason."""
    REFUSED_SERVICE = "refused-service"
    """A greeting that says no: 554, 521 or another 5yz, `* BYE`, `-ERR`."""
    SPEAKS_TLS = "speaks-tls"
    """TLS is spoken where plain text belongs."""
    SPEAKS_TEXT = "speaks-text"
    """Plain text is spoken where TLS belongs."""
    TLS_FAILED = "tls-failed"
    """The handshake that comes before the greeting failed otherwise."""
    CLOSED_EARLY = "closed-early"
    """The peer closed or reset the connection before a whole greeting."""
    MALFORMED = "malformed"
    """What came is no greeting of this protocol, or never ends."""

    @property
    def wrong_protocol(self) -> bool:
        """Whether TLS and plain text are mixed up."""
        return self in (Reached.SPEAKS_TLS, Reached.SPEAKS_TEXT)

    @property
    def connected(self) -> bool:
        """Whether something answered on the port."""
        return self not in _UNCONNECTED


_UNCONNECTED = frozenset(
    {Reached.CLOSED, Reached.FILTERED, Reached.UNREACHABLE, Reached.HELD_BACK, Reached.FAILED}
)


@frozen
class Doubt:
    """Why nothing can be concluded, and the event that shows it."""

    because: str
    event: int | None


@frozen
class Way:
    """How far it came before the greeting could be judged; `state` is None where there is a whole greeting."""

    state: Reached | None
    event: int | None


def way(transcript: Transcript, *, greeted: bool, begins: Callable[[bytes], bool]) -> Way:
    """How far a talk came; `greeted` if a whole greeting was heard, `begins` knows the start of one."""
    events = transcript.events
    last = len(events) - 1 if events else None
    if not any(isinstance(event, Opened) for event in events):
        return Way(_UNOPENED.get(transcript.closed.how, Reached.FAILED), last)
    said = [(at, event) for at, event in enumerate(events) if isinstance(event, Said)]
    heard = [(at, event) for at, event in said if event.who is Who.PEER]
    tried = next((at for at, event in enumerate(events) if isinstance(event, Secured)), None)
    if tried is not None and not any(event.who is Who.US and at < tried for at, event in said):
        handshake = _secured(events[tried]).handshake
        shown = heard[0][0] if heard and heard[0][0] < tried else tried
        # A remark before the handshake says that it was the last act after a silence.
        if any(isinstance(event, Remark) for event in events[:tried]):
            return Way(_silent(handshake, begins), shown)
        if isinstance(handshake, TlsFailure):
            return Way(_failed(handshake), shown)
    return Way(None, None) if greeted else _unfinished(transcript, heard, last)


def _unfinished(transcript: Transcript, said: list[tuple[int, Said]], last: int | None) -> Way:
    if not said:
        early = transcript.closed.how in (Ending.BY_PEER, Ending.RESET)
        return Way(Reached.CLOSED_EARLY if early else Reached.SILENT, last)
    _, line = said[-1]
    # Behind a piece without an ending comes the rest of the same line.
    at = [said[0][0], *(at for (_, before), (at, _) in pairwise(said) if is_whole(before.octets))][-1]
    if looks_like_tls(said[0][1].octets):
        return Way(Reached.SPEAKS_TLS, said[0][0])
    match transcript.closed.how:
        case Ending.BY_PEER | Ending.RESET:
            return Way(Reached.CLOSED_EARLY, at)
        case Ending.SILENT | Ending.TIME_UP if not is_whole(line.octets):
            return Way(Reached.SLOW, at)
        case _:
            return Way(Reached.MALFORMED, at)


def looks_like_tls(octets: bytes) -> bool:
    """Whether octets begin a TLS record: alert or handshake, version 3.x (RFC 8446 section 5.1)."""
    return octets[:2] in (b"\x15\x03", b"\x16\x03")


def leftover_of(tls: Secured | None) -> bytes:
    """What came in clear after the go-ahead for TLS: with it, or instead of the handshake's answer."""
    if tls is None:
        return b""
    failed = tls.handshake
    late = failed.octets if isinstance(failed, TlsFailure) and failed.reason is TlsTrouble.NOT_TLS else b""
    return tls.leftover + late


def quote(transcript: Transcript, event: int | None) -> str:
    """A line of the conversation between quotation marks, to tell a reader why; empty for other events."""
    said = transcript.events[event] if event is not None else None
    return f' "{quoted_line(said.octets)}"' if isinstance(said, Said) else ""


def doubt_about(transcript: Transcript, state: Reached, event: int | None) -> Doubt:
    """Why a conversation that did not take place decides nothing."""
    return Doubt(_DOUBTS[state] + quote(transcript, event), event)


def broken_off(transcript: Transcript) -> str:
    """How a conversation ended that was to go on; empty where it did not break off."""
    return _BREAKS.get(transcript.closed.how, "")


def _secured(event: Event) -> Secured:
    assert isinstance(event, Secured)
    return event


def _failed(failure: TlsFailure) -> Reached:
    return Reached.SPEAKS_TEXT if failure.text else Reached.TLS_FAILED


def _silent(failure: TlsFailure | Handshake, begins: Callable[[bytes], bool]) -> Reached:
    """What a peer is that gave no greeting and was then sent a ClientHello as the last act."""
    if not isinstance(failure, TlsFailure) or failure.reason in (TlsTrouble.ALERT, TlsTrouble.PROTOCOL):
        return Reached.SPEAKS_TLS
    # A greeting instead of a ServerHello came too late; `500 what?` shows only that text is spoken.
    return Reached.SLOW if begins(failure.octets) else Reached.SILENT


_UNOPENED = {
    Ending.REFUSED: Reached.CLOSED,
    Ending.RESET: Reached.CLOSED,
    Ending.FILTERED: Reached.FILTERED,
    Ending.TIME_UP: Reached.FILTERED,
    Ending.UNREACHABLE: Reached.UNREACHABLE,
    Ending.HELD_BACK: Reached.HELD_BACK,
}
_DOUBTS = {
    Reached.OPEN: "",
    Reached.CLOSED: "the port is closed",
    Reached.FILTERED: "nothing answers the connection request",
    Reached.UNREACHABLE: "the address cannot be reached from here",
    Reached.HELD_BACK: "this service was asked as often as one run may",
    Reached.FAILED: "the connection could not be made",
    Reached.SILENT: "no greeting came in the time allowed",
    Reached.SLOW: "the greeting was not complete in the time allowed",
    Reached.THROTTLED: "the server turns us away for now",
    Reached.DEFERRED: "the greeting says: not now",
    Reached.REFUSED_SERVICE: "the greeting refuses service",
    Reached.SPEAKS_TLS: "TLS is spoken where plain text belongs",
    Reached.SPEAKS_TEXT: "plain text is spoken where TLS belongs",
    Reached.TLS_FAILED: "the TLS handshake failed",
    Reached.CLOSED_EARLY: "the connection was closed before the greeting",
    Reached.MALFORMED: "what came is no greeting of this protocol",
}
_BREAKS = {
    Ending.BY_PEER: "the peer closed the connection",
    Ending.RESET: "the peer reset the connection",
    Ending.SILENT: "the peer fell silent",
    Ending.TOO_MUCH: "the peer said more than we read",
    Ending.TIME_UP: "the time for the conversation ran out",
    Ending.FAILED: "the connection failed",
}
