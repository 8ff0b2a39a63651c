"""From a transcript to exchanges: each command with the reply it got, and where both stand in the events."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from diag.model.frozen import frozen
from diag.tls.handshake import Handshake

from .actions import End
from .lines import content, has_bare_lf, is_whole
from .transcript import Opened, Said, Secured, Transcript, Who, visible

R = TypeVar("R")


@frozen
class Exchange(Generic[R]):
    """A command and its reply; the greeting is one without a command. Indexes are those of the events."""

    command: str
    """As sent, without its line ending; empty for the greeting."""
    asked: int
    """The event of the command; for the greeting, of the connection or handshake before it."""
    reply: R | None
    """None where the peer said nothing to it."""
    first: int | None
    """The event of the reply's first line."""
    last: int | None
    """The event in which the reply's last line begins."""
    waited_ms: int
    """From the command to the end of the reply, or to the end of the conversation where none came."""
    secure: bool
    """Whether the command was said (or the greeting heard) under TLS."""

    @property
    def verb(self) -> str:
        """The command's first word in upper case; for IMAP this is the tag."""
        return self.command.partition(" ")[0].upper()

    @property
    def cited(self) -> int:
        """The event that shows best what came of it: the end of the reply, or the command."""
        return self.asked if self.last is None else self.last


@dataclass(slots=True)
class _Pending:
    """A command that waits for its reply."""

    line: bytes
    asked: int
    at_ms: int
    secure: bool


def exchanges(
    transcript: Transcript,
    end_of: Callable[[bytes], End],
    parse: Callable[[bytes, Sequence[bytes]], R],
    *,
    greets_again: bool = False,
) -> tuple[Exchange[R], ...]:
    """Pair commands and replies in order, as RFC 2920 section 3.1 has them under pipelining too.

    `end_of` gives the end of the reply to a command, `parse` reads it; the greeting's command is b"".
    Lines that came unasked answer nothing. With `greets_again` the server greets a second time once TLS stands
    (RFC 5804 section 2.2); where it did not before the next command, that greeting has no reply.

    A line that a limit of ours cut into pieces is one line here, and answers one command: where we cut it, the peer
    did not begin another.
    """
    found: list[Exchange[R]] = []
    waiting: deque[_Pending] = deque([_Pending(b"", 0, 0, False)])
    lines: list[bytes] = []
    first = line_at = 0
    end, ended = end_of(b""), False
    ended_ms = transcript.events[-1].at_ms if transcript.events else 0

    def settle(last: int, at_ms: int) -> None:
        pending = waiting.popleft()
        found.append(_exchange(pending, parse(pending.line, lines), first, last, at_ms))
        lines.clear()

    for at, event in enumerate(transcript.events):
        match event:
            case Opened() | Secured() if not found and not lines:
                waiting[0] = _Pending(b"", at, event.at_ms, isinstance(event, Secured))
            case Secured(handshake=Handshake()) if greets_again and not waiting:
                waiting.append(_Pending(b"", at, event.at_ms, True))
            case Said(who=Who.US, content=True):
                pass
            case Said(who=Who.US):
                if found and waiting and not waiting[0].line and not lines:
                    found.append(_exchange(waiting.popleft(), None, None, None, event.at_ms))
                waiting.append(_Pending(content(event.octets), at, event.at_ms, event.secure))
            case Said(unexpected=False) if waiting:
                if lines and not is_whole(lines[-1]):
                    lines[-1] += event.octets
                else:
                    if not lines:
                        first, end = at, end_of(waiting[0].line)
                    lines.append(event.octets)
                    ended, line_at = end.feed(event.octets), at
                if ended and is_whole(lines[-1]):
                    settle(line_at, event.at_ms)
            case _:
                pass
    if lines:
        settle(line_at, max(event.at_ms for event in transcript.events if _is_reply(event)))
    for pending in waiting:
        if pending.line or transcript.events:
            found.append(_exchange(pending, None, None, None, ended_ms))
    return tuple(found)


def reply_lines(transcript: Transcript, step: Exchange[R]) -> list[tuple[int, bytes]]:
    """The lines of a reply, each with the event in which it begins; empty where there was no reply.

    What a limit of ours cut into pieces is one line again.
    """
    if step.first is None or step.last is None:
        return []
    found: list[tuple[int, bytes]] = []
    for at, event in enumerate(transcript.events[step.first :], step.first):
        if not isinstance(event, Said) or not _is_reply(event):
            continue
        if found and not is_whole(found[-1][1]):
            found[-1] = (found[-1][0], found[-1][1] + event.octets)
        elif at <= step.last:
            found.append((at, event.octets))
        else:
            break
    return found


def bare_lf(transcript: Transcript) -> tuple[int, ...]:
    """The events in which the peer ended a line by LF alone."""
    said = ((at, event) for at, event in enumerate(transcript.events) if isinstance(event, Said))
    return tuple(at for at, event in said if event.who is Who.PEER and has_bare_lf(event.octets))


def unasked(transcript: Transcript) -> tuple[int, ...]:
    """The events in which the peer spoke unasked."""
    return tuple(
        at for at, event in enumerate(transcript.events) if isinstance(event, Said) and event.unexpected
    )


def _is_reply(event: object) -> bool:
    return isinstance(event, Said) and event.who is Who.PEER and not event.unexpected


def _exchange(
    pending: _Pending, reply: R | None, first: int | None, last: int | None, at_ms: int
) -> Exchange[R]:
    return Exchange(
        visible(pending.line),
        pending.asked,
        reply,
        first,
        last,
        max(0, at_ms - pending.at_ms),
        pending.secure,
    )
