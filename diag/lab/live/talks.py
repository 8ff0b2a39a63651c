"""Holds conversations over a wire: plays a dialogue, keeps to every limit, records every event."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Protocol

import anyio

from diag.probes.talks import AnyTalk, ImapTalk, Pop3Talk, SieveTalk, SmtpTalk
from diag.silence import SILENCE, Silence
from diag.tls.handshake import Handshake, TlsFailure, TlsTrouble
from diag.wire.actions import (
    CONNECT_LIMIT,
    REPLY_LIMIT,
    Action,
    Bind,
    Dialogue,
    Hear,
    Hide,
    Note,
    Outcome,
    Present,
    Renegotiate,
    Rest,
    Say,
    Secure,
    Stop,
)
from diag.wire.imap_dialogue import imap_dialogue
from diag.wire.lines import MOST_LINES, MOST_OCTETS, Lines, is_whole, split
from diag.wire.pop3_dialogue import pop3_dialogue
from diag.wire.redact import Redactor
from diag.wire.sieve_dialogue import sieve_dialogue
from diag.wire.silence import BESIDE, EXPLAINED
from diag.wire.smtp_dialogue import smtp_dialogue
from diag.wire.transcript import (
    Answered,
    Closed,
    Ending,
    Event,
    Opened,
    Outcome as Renegotiation,
    Remark,
    Renegotiated,
    Said,
    Secured,
    Transcript,
    Who,
)

from .network import Network, Trouble, Wire, WireError
from .tls import TlsWire, secure

CHUNK = 4096
"""Octets read at a time."""
MOST_HEARD = 1 << 18
"""Octets that a peer may say in one conversation."""
PARTING = 1.0
"""Seconds given to taking leave of a peer that may have stopped reading, beyond the talk's own time."""
MOST_PARTING = 16
"""Pieces of what a peer may say after its goodbye, before we close all the same."""


class Place(Protocol):
    """What a conversation needs to know of a probe."""

    @property
    def address(self) -> str: ...
    @property
    def port(self) -> int: ...
    @property
    def timeout(self) -> float: ...


class Watched(list[Event]):
    """Events, told to somebody as they come."""

    def __init__(self, tell: Callable[[Event], None]) -> None:
        super().__init__()
        self._tell = tell

    def append(self, event: Event) -> None:
        """See list."""
        super().append(event)
        self._tell(event)


class SecureCall(Protocol):
    """How TLS is put on a wire; diag.lab.live.tls.secure, or a test's own."""

    async def __call__(
        self, wire: Wire, sni: str, *, within: float, alpn: tuple[str, ...] = ()
    ) -> tuple[Wire, Handshake] | TlsFailure: ...


async def talk(
    probe: AnyTalk,
    network: Network,
    events: list[Event] | None = None,
    *,
    secured_by: SecureCall = secure,
) -> Transcript:
    """The conversation that a probe asks for. Never raises for what the peer or the system does.

    `events` is filled as the talk goes on, for a caller that wants to keep what was heard before a
    cancellation: that propagates, after the connection was closed.
    """
    conversation = Conversation(probe, network, secured_by, [] if events is None else events)
    return await conversation.hold(dialogue_of(probe))


def dialogue_of(probe: AnyTalk) -> Dialogue:
    """The steps of a probe's conversation."""
    implicit = probe.tls == "implicit"
    match probe:
        case SmtpTalk():
            return smtp_dialogue(
                probe.host,
                probe.helo,
                implicit_tls=implicit,
                mail_from=probe.mail_from,
                recipients=probe.recipients,
                timeout=probe.timeout,
            )
        case ImapTalk():
            return imap_dialogue(probe.host, implicit_tls=implicit, timeout=probe.timeout)
        case Pop3Talk():
            return pop3_dialogue(probe.host, implicit_tls=implicit, timeout=probe.timeout)
        case SieveTalk():
            return sieve_dialogue(probe.host, implicit_tls=implicit, timeout=probe.timeout)


class _OverError(Exception):
    """The conversation cannot go on."""

    def __init__(self, how: Ending, detail: str = "") -> None:
        super().__init__(detail)
        self.how = how
        self.detail = detail


class Conversation:
    """One talk under way: the wire, what was heard and not yet used, and the record."""

    def __init__(
        self,
        probe: Place,
        network: Network,
        secured_by: SecureCall,
        events: list[Event],
        *,
        secrets: tuple[bytes, ...] = (),
    ) -> None:
        self._probe = probe
        self._network = network
        self._secured_by = secured_by
        self._events = events
        self._redactor = Redactor(*secrets)
        self._start = anyio.current_time()
        self._wire: Wire | None = None
        self._secure = False
        self._lines = Lines()
        self._heard = 0
        self._listening = False
        self._in_dialogue = False
        self._leaving = False
        self._private = False
        self._silence = SILENCE.get()

    async def hold(self, dialogue: Dialogue) -> Transcript:
        """Play the dialogue to its end, take leave, close, and give back the record."""
        over = _OverError(Ending.FAILED, "interrupted")
        try:
            with anyio.move_on_after(self._probe.timeout) as whole:
                over = await self._played(dialogue)
            if whole.cancelled_caught:
                over = _OverError(Ending.TIME_UP, f"{self._probe.timeout:g} s for the whole conversation")
            elif over.how is Ending.BY_US:
                await self._let_go()
        finally:
            dialogue.steps.close()
            with anyio.move_on_after(PARTING, shield=True):
                await self._take_leave(dialogue.farewell)
            after = self._wire.after if isinstance(self._wire, TlsWire) else None
            self._add(Closed(self._now(), over.how, over.detail, after))
            if self._wire is not None:
                with anyio.CancelScope(shield=True):
                    await self._wire.close()
        return Transcript(tuple(self._events))

    async def _let_go(self) -> None:
        """After an answered goodbye under TLS, let the peer close first, as it should: what it sends is of no interest."""
        if not (self._leaving and self._in_dialogue and isinstance(self._wire, TlsWire)):
            return
        with anyio.move_on_after(PARTING), contextlib.suppress(WireError):
            for _ in range(MOST_PARTING):
                if not await self._wire.read(CHUNK):
                    return

    async def _played(self, dialogue: Dialogue) -> _OverError:
        try:
            await self._connect()
            outcome: Outcome = None
            while True:
                try:
                    action = dialogue.steps.send(outcome)
                except StopIteration:
                    return _OverError(Ending.BY_US)
                outcome = await self._do(action, dialogue.farewell)
        except _OverError as over:
            return over
        except WireError as error:
            self._in_dialogue = False
            return _OverError(_ENDINGS[error.trouble], error.detail)

    async def _connect(self) -> None:
        limit = min(CONNECT_LIMIT, self._probe.timeout)
        with anyio.move_on_after(limit):
            self._wire = await self._network.connect(self._probe.address, self._probe.port)
        if self._wire is None:
            raise _OverError(Ending.FILTERED, f"no answer within {limit:g} s")
        self._add(Opened(self._now(), self._probe.address, self._probe.port))

    async def _do(self, action: Action, farewell: bytes) -> Outcome:
        match action:
            case Hear():
                return await self._hear(action)
            case Say():
                self._drain()
                self._leaving = self._leaving or action.octets.endswith(farewell)
                await self._say(action)
            case Secure():
                return await self._handshake(action)
            case Bind():
                return self._wire.binding() if isinstance(self._wire, TlsWire) else ()
            case Hide():
                self._redactor.hide(action.octets)
            case Present():
                await self._present(action)
            case Renegotiate():
                await self._renegotiate(action)
            case Rest():
                await self._rest(action.seconds)
            case Note():
                self._add(Remark(self._now(), action.text))
            case Stop():
                self._in_dialogue = False
                raise _OverError(action.how, action.detail)
        return None

    async def _hear(self, wanted: Hear) -> tuple[bytes, ...]:
        lines: list[bytes] = []
        octets = 0
        # Only the first words may be missing for a reason that lies elsewhere.
        silence, self._silence = self._silence if wanted.may_be_silent else None, None
        self._listening = True
        self._private = wanted.keeps is not None
        with anyio.move_on_after(wanted.within) as wait:
            if silence is not None:
                await self._word_of(silence, wait)
            while len(lines) < MOST_LINES and octets <= MOST_OCTETS:
                line = await self._line()
                last = wanted.end.feed(line)
                private = wanted.keeps is not None and not last and not line.startswith(wanted.keeps)
                if wanted.challenge and line.startswith(wanted.challenge):
                    kept = self._redactor.challenge(line, wanted.challenge)
                    self._add(Said(self._now(), Who.PEER, kept, self._secure))
                else:
                    self._record(Who.PEER, line, secret=private)
                if not is_whole(line):
                    raise _OverError(Ending.TOO_MUCH, f"a line of more than {len(line)} octets")
                lines.append(line)
                octets += len(line)
                if last:
                    self._listening = False
                    self._in_dialogue = True
                    return tuple(lines)
            raise _OverError(Ending.TOO_MUCH, f"a reply of more than {len(lines)} lines, {octets} octets")
        if wanted.may_be_silent and not lines and not self._lines:
            self._listening = False
            if silence is not None and silence.explained:
                self._add(Remark(self._now(), EXPLAINED))
            return ()
        raise _OverError(Ending.SILENT, f"no complete reply within {wanted.within:g} s")

    async def _rest(self, seconds: float) -> None:
        """Say nothing, and record what comes unasked."""
        with anyio.move_on_after(seconds):
            while True:
                self._record(Who.PEER, await self._line(), unexpected=True)

    async def _word_of(self, silence: Silence, wait: anyio.CancelScope) -> None:
        """Wait for the first octets; where they do not come, say so to whoever wants to know."""
        with anyio.move_on_after(silence.after):
            await self._more()
            return
        self._add(Remark(self._now(), BESIDE.format(seconds=silence.after)))
        silence.tell(wait)

    async def _line(self) -> bytes:
        while (line := self._lines.next()) is None:
            await self._more()
        return line

    async def _more(self) -> None:
        """Take in what comes next."""
        assert self._wire is not None
        octets = await self._wire.read(CHUNK)
        if not octets:
            self._in_dialogue = False
            raise _OverError(Ending.BY_PEER)
        self._heard += len(octets)
        if self._heard > MOST_HEARD:
            raise _OverError(Ending.TOO_MUCH, f"more than {MOST_HEARD} octets in one conversation")
        self._lines.feed(octets)

    async def _say(self, what: Say) -> None:
        assert self._wire is not None
        # Recorded first: what was under way when the wire broke was said.
        for line in split(what.octets):
            self._record(Who.US, line, secret=what.secret, content=what.content)
        await self._wire.write(what.octets)

    async def _handshake(self, wanted: Secure) -> Handshake | TlsFailure:
        assert self._wire is not None
        leftover = self._redactor.theirs(self._lines.rest())
        self._in_dialogue = False
        remaining = self._start + self._probe.timeout - anyio.current_time()
        # A little before the whole time is up, so that silence is recorded as an answer to the handshake.
        within = min(REPLY_LIMIT, 0.9 * remaining)
        made = await self._secured_by(self._wire, wanted.sni, within=within)
        if isinstance(made, TlsFailure):
            if made.reason is TlsTrouble.NOT_TLS:
                for line in split(made.octets):
                    self._record(Who.PEER, line, unexpected=True)
            self._add(Secured(self._now(), made, leftover))
            if not wanted.last_act:
                raise _OverError(Ending.TLS_FAILED)
            return made
        self._wire, handshake = made
        self._secure = True
        self._add(Secured(self._now(), handshake, leftover))
        return handshake

    async def _renegotiate(self, what: Renegotiate) -> None:
        assert isinstance(self._wire, TlsWire)
        self._in_dialogue = False
        outcome, detail = Renegotiation.UNKNOWN, ""
        try:
            remaining = self._start + self._probe.timeout - anyio.current_time()
            with anyio.move_on_after(min(what.within, 0.9 * remaining)) as scope:
                outcome, detail = await self._wire.renegotiate()
            if scope.cancelled_caught:
                detail = "nothing came in answer in the time allowed"
        except WireError as error:
            detail = error.detail
        self._add(Renegotiated(self._now(), outcome, detail))
        if outcome is not Renegotiation.DONE:
            raise _OverError(Ending.BY_US)

    async def _present(self, what: Present) -> None:
        assert self._wire is not None
        self._in_dialogue = False
        # What came in clear behind the go-ahead can be no answer, and shows as such.
        octets = bytearray(self._lines.rest())
        how = Ending.SILENT
        try:
            # As with any handshake, a little before the whole time is up.
            remaining = self._start + self._probe.timeout - anyio.current_time()
            with anyio.move_on_after(min(what.within, 0.9 * remaining)):
                await self._wire.write(what.hello)
                how = await self._answer(octets)
        except WireError as error:
            how = _ENDINGS[error.trouble]
        self._add(Answered(self._now(), len(what.hello), bytes(octets), how))

    async def _answer(self, octets: bytearray) -> Ending:
        """Read until nothing more is wanted; `octets` gets what came."""
        from diag.tls.flight import MOST_OCTETS, Flight

        assert self._wire is not None
        flight = Flight()
        flight.feed(bytes(octets))
        while not flight.done:
            if len(octets) >= MOST_OCTETS:
                return Ending.TOO_MUCH
            heard = await self._wire.read(CHUNK)
            if not heard:
                return Ending.BY_PEER
            octets += heard
            flight.feed(heard)
        return Ending.BY_US

    async def _take_leave(self, farewell: bytes) -> None:
        """Record what is still held, and say the last word where the peer may still wait for one."""
        self._drain(whole=True)
        if not self._in_dialogue or self._leaving:
            return
        try:
            await self._say(Say(farewell))
        except WireError as error:
            self._add(Remark(self._now(), f"taking leave failed: {error.detail}"))

    def _drain(self, *, whole: bool = False) -> None:
        """Record the lines that nobody waited for; with `whole`, a last one that never ended too."""
        for line in iter(self._lines.next, None):
            self._record(Who.PEER, line, unexpected=not self._listening, secret=self._private)
        if whole and (rest := self._lines.rest()):
            self._record(Who.PEER, rest, unexpected=not self._listening, secret=self._private)

    def _record(
        self,
        who: Who,
        line: bytes,
        *,
        unexpected: bool = False,
        secret: bool = False,
        content: bool = False,
    ) -> None:
        redact = self._redactor.ours if who is Who.US else self._redactor.theirs
        kept = redact(line, secret=secret)
        self._add(Said(self._now(), who, kept, self._secure, unexpected, content))

    def _add(self, event: Event) -> None:
        self._events.append(event)

    def _now(self) -> int:
        return round((anyio.current_time() - self._start) * 1000)


_ENDINGS = {
    Trouble.REFUSED: Ending.REFUSED,
    Trouble.UNREACHABLE: Ending.UNREACHABLE,
    Trouble.RESET: Ending.RESET,
    Trouble.FAILED: Ending.FAILED,
}
