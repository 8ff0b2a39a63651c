"""What was said in one conversation: frozen events with times, and their rendering for people."""

from __future__ import annotations

import enum
import re
from typing import TYPE_CHECKING

from diag.model.frozen import frozen
from diag.model.shown import shortened
from diag.tls.handshake import AfterHandshake, Handshake, TlsEnd, TlsFailure

if TYPE_CHECKING:
    from diag.tls.answer import Answer

_PUT_OFF = re.compile(
    rb"421|([45][0-9][0-9]|\* BYE|-ERR).{0,200}?(too many|rate limit|connection (rate|limit|count))",
    re.IGNORECASE,
)

NO_END = "no line end"
"""What is said of a line that was cut by the end of the conversation or by a limit."""


class Who(enum.StrEnum):
    """Which side spoke."""

    US = "us"
    PEER = "peer"


class Ending(enum.StrEnum):
    """How a conversation came to its end."""

    BY_US = "by-us"
    """We took our leave (QUIT, LOGOUT) and closed."""
    BY_PEER = "by-peer"
    """The peer closed before we took our leave."""
    RESET = "reset"
    """The peer tore the connection down."""
    REFUSED = "refused"
    """The port is closed."""
    FILTERED = "filtered"
    """Nothing answered the connection request in the time allowed."""
    UNREACHABLE = "unreachable"
    """No way there: no route, or a router said so. May be about our own end."""
    SILENT = "silent"
    """The peer said nothing more in the time allowed for one reply."""
    TOO_MUCH = "too-much"
    """The peer said more than a limit of ours allows."""
    TLS_FAILED = "tls-failed"
    """The TLS handshake failed; nothing is said in clear after that."""
    TIME_UP = "time-up"
    """The time allowed for the whole conversation ran out."""
    HELD_BACK = "held-back"
    """We did not connect: the run had asked this service as often as one run may."""
    FAILED = "failed"
    """Anything else the system reports."""


@frozen
class Opened:
    """The connection stands. All times are whole milliseconds since we began to connect."""

    at_ms: int
    address: str
    port: int


@frozen
class Said:
    """One line, as it went over the wire with its own line ending, except that secrets are redacted.

    `secure` tells whether it was said under TLS; `unexpected`, that the peer spoke unasked; `content`,
    that we said it as no command: a message's text, a chunk, the answer to a challenge within a command.
    A line without a line ending was cut by the end of the conversation or by a limit.
    """

    at_ms: int
    who: Who
    octets: bytes
    secure: bool
    unexpected: bool = False
    content: bool = False


@frozen
class Secured:
    """A TLS handshake was made or failed.

    `leftover` holds octets that the peer sent in clear after its go-ahead for STARTTLS and before the
    handshake (RFC 3207 section 4.2: they must not be used).
    """

    at_ms: int
    handshake: Handshake | TlsFailure
    leftover: bytes


@frozen
class Answered:
    """A ClientHello of our own making was sent, and nothing after it.

    `octets` is what came back, as it came: it is read by diag.tls.answer_reader. `how` tells why no more of it was
    read: BY_US, where there was all we wanted.
    """

    at_ms: int
    sent: int
    """How many octets the ClientHello had."""
    octets: bytes
    how: Ending

    @property
    def answer(self) -> Answer:
        """What the octets mean."""
        from diag.tls.answer_reader import Ended, read_answer

        ended = {Ending.BY_PEER: Ended.CLOSED, Ending.BY_US: Ended.ENOUGH, Ending.TOO_MUCH: Ended.ENOUGH}
        return read_answer(self.octets, ended.get(self.how, Ended.BROKEN), _UNANSWERED.get(self.how, ""))

    @property
    def told(self) -> str:
        """The same in a few words, safe to show."""
        from diag.tls.answer_reader import told

        return visible(told(self.answer))


class Outcome(enum.StrEnum):
    """What became of a try to negotiate anew."""

    DONE = "done"
    """A second handshake was completed within the first one's connection."""
    REFUSED = "refused"
    """An alert said no (RFC 5246 section 7.2.2)."""
    UNKNOWN = "unknown"
    """The peer closed, broke off or said nothing, or our library did not let us."""


@frozen
class Renegotiated:
    """As a client of TLS 1.2 at most, we asked to negotiate anew (RFC 5246 section 7.4.1.2)."""

    at_ms: int
    outcome: Outcome
    detail: str
    """What the peer or the library said; for readers, not for decisions."""


@frozen
class Closed:
    """The conversation is over; the last event of every transcript."""

    at_ms: int
    how: Ending
    detail: str
    tls: AfterHandshake | None = None
    """What TLS showed until then; None where there was none, and on older tapes."""


@frozen
class Remark:
    """Something we did or noticed that no octets show."""

    at_ms: int
    text: str


Event = Opened | Said | Secured | Answered | Renegotiated | Closed | Remark


@frozen
class Transcript:
    """One conversation from the first packet to the last."""

    events: tuple[Event, ...]

    @property
    def closed(self) -> Closed:
        """How it ended. A transcript that was cut short counts as failed."""
        last = self.events[-1] if self.events else None
        return last if isinstance(last, Closed) else Closed(0, Ending.FAILED, "the transcript ends early")

    @property
    def round_trips(self) -> int:
        """Connecting, the greeting, turns taken and handshakes.

        A greeting comes a round trip after we are connected: the server speaks when it has our last word of the
        opening, which is the third segment (RFC 9293 section 3.5) or the end of the TLS handshake.
        """
        trips, last = 1, Who.US
        for event in self.events:
            if isinstance(event, Said):
                trips += event.who is Who.PEER and last is Who.US
                last = event.who
            elif isinstance(event, Secured):
                trips += event.handshake.round_trips
            elif isinstance(event, Answered):
                trips += 1
        return trips

    @property
    def throttled(self) -> bool:
        """Whether the peer wants us to come later, in no matter which protocol.

        It said 421 (RFC 5321 section 3.8), BYE in place of a greeting (RFC 9051 section 7.1.5), or that there are too
        many of us.
        """
        heard = [event for event in self.events if isinstance(event, Said) and event.who is Who.PEER]
        if heard and heard[0].octets[:5].upper() == b"* BYE":
            return True
        made = self.secured.handshake if self.secured is not None else None
        if isinstance(made, TlsFailure) and made.put_off:
            return True
        return any(not event.content and _PUT_OFF.match(event.octets) for event in heard)

    @property
    def secured(self) -> Secured | None:
        """The first TLS handshake that was tried, if any."""
        return next((event for event in self.events if isinstance(event, Secured)), None)


def render(transcript: Transcript) -> list[str]:
    """One line of safe text for every event, in the same order, with seconds since the beginning.

    `->` we said, `<-` the peer said, `~>` and `<~` the same under TLS, `<**` and `<~*` the peer said
    unasked, `===` information, `***` trouble.
    """
    return [render_event(event) for event in transcript.events]


def render_event(event: Event) -> str:
    """One event as `render` shows it."""
    mark, text = _shown(event)
    return f"{event.at_ms / 1000:8.3f}  {mark:<3} {text}".rstrip()


def visible(octets: bytes | str) -> str:
    """Remote text made harmless: UTF-8 where it is, and every octet or character that does not print
    (controls, escapes, bidirectional overrides, line separators) as a backslash escape."""
    text = octets.decode("utf-8", "backslashreplace") if isinstance(octets, bytes) else octets
    return "".join(char if char.isprintable() else _escaped(char) for char in text)


def line_text(octets: bytes) -> str:
    """One line as text without its CRLF; any other ending, or none, stays visible."""
    if octets.endswith(b"\r\n"):
        return visible(octets[:-2])
    return visible(octets) if octets.endswith(b"\n") else f"{visible(octets)} [{NO_END}]"


def quoted_line(octets: bytes) -> str:
    """The same, no longer than a reader is shown of one line."""
    return shortened(line_text(octets))


def _escaped(char: str) -> str:
    return repr(char)[1:-1]


def _shown(event: Event) -> tuple[str, str]:
    match event:
        case Opened():
            return "===", f"connected to [{visible(event.address)}]:{event.port}"
        case Said():
            return _direction(event), shortened(line_text(event.octets))
        case Secured():
            return _handshake(event)
        case Answered():
            return _answered(event)
        case Renegotiated():
            told = f": {visible(event.detail)}" if event.detail else ""
            return "===", shortened(_OUTCOMES[event.outcome] + told)
        case Closed():
            mark = "===" if event.how is Ending.BY_US else "***"
            detail = f": {visible(event.detail)}" if event.detail else ""
            return mark, shortened(_ENDINGS[event.how] + detail + _after(event.tls))
        case Remark():
            return "===", shortened(visible(event.text))


def _direction(said: Said) -> str:
    if said.who is Who.US:
        return "~>" if said.secure else "->"
    if said.unexpected:
        return "<~*" if said.secure else "<**"
    return "<~" if said.secure else "<-"


def _handshake(event: Secured) -> tuple[str, str]:
    made = event.handshake
    extra = f"; in clear before it: {visible(event.leftover)}" if event.leftover else ""
    if isinstance(made, TlsFailure):
        told = ", ".join(visible(str(part)) for part in (made.reason, made.alert, made.detail) if part)
        return "***", shortened(f"TLS failed: {told}{extra}")
    told = ", ".join(visible(str(part)) for part in (made.version, made.cipher, made.group) if part)
    return "===", shortened(f"TLS: {told}; server name {visible(str(made.sni or 'not sent'))}{extra}")


def _after(tls: AfterHandshake | None) -> str:
    """What is out of the ordinary: a close without close_notify, tickets for too long or for early data, each once."""
    if tls is None:
        return ""
    said = ["the peer's side without close_notify"] if tls.end is TlsEnd.TRUNCATED else []
    for ticket in dict.fromkeys(each for each in tls.tickets or () if each.lasting or each.early_data):
        early = f", for {ticket.early_data} octets of early data" if ticket.early_data else ""
        said.append(f"session ticket for {ticket.lifetime} s{early}")
    return "".join(f"; {each}" for each in said)


def _answered(event: Answered) -> tuple[str, str]:
    return "===", shortened(f"ClientHello of {event.sent} octets: {event.told}")


_OUTCOMES = {
    Outcome.DONE: "asked to negotiate TLS anew, and it was",
    Outcome.REFUSED: "asked to negotiate TLS anew, and that was refused",
    Outcome.UNKNOWN: "asked to negotiate TLS anew, and nothing was made of it",
}
_UNANSWERED = {
    Ending.SILENT: "nothing came in answer to our ClientHello in the time allowed",
    Ending.RESET: "the connection was reset after our ClientHello",
}
_ENDINGS = {
    Ending.BY_US: "closed",
    Ending.BY_PEER: "closed by the peer",
    Ending.RESET: "reset by the peer",
    Ending.REFUSED: "connection refused",
    Ending.FILTERED: "no answer to the connection request",
    Ending.UNREACHABLE: "unreachable",
    Ending.SILENT: "the peer is silent",
    Ending.TOO_MUCH: "the peer says too much",
    Ending.TLS_FAILED: "closed after the failed handshake",
    Ending.TIME_UP: "the time for this conversation is up",
    Ending.HELD_BACK: "not tried",
    Ending.FAILED: "failed",
}
