"""What came of a script: the replies it heard, what was kept of them, and where it stopped.

To read it, the script is spoken once more, to the recording in the peer's place: so the two can never disagree.
"""

from __future__ import annotations

from collections.abc import Mapping

from diag.model.frozen import frozen
from diag.tls.handshake import TlsFailure

from .actions import End, Hear, Outcome, Say, Secure, Steps, greeting_limit
from .lines import split
from .reach import broken_off
from .script import Given, Script
from .script_dialogue import Progress, spoken_steps
from .transcript import Said, Secured, Transcript, Who


@frozen
class ScriptReply:
    """One reply that was heard."""

    command: str
    """What it answers; empty for a greeting."""
    lines: tuple[str, ...]
    """Without line endings, safe to show; IMAP's tags left out, and SMTP's hyphens for spaces."""
    event: int
    """The event of its last line."""


@frozen
class ScriptRead:
    """A transcript of script_dialogue, read."""

    done: bool
    """It was spoken to its end, and every reply was as expected."""
    kept: Mapping[str, str]
    """What was kept of replies, by name."""
    replies: tuple[ScriptReply, ...]
    """Of the script itself, its usual opening not among them."""
    because: str
    """Why it was not spoken to its end; empty where it was."""
    event: int | None
    """What shows that."""
    unexpected: bool
    """It stopped because a reply was none of those expected: then the peer decided, and not the way to it."""


def read_script(
    transcript: Transcript,
    script: Script,
    given: Given,
    *,
    tls: str,
    may_intrude: bool = False,
    timeout: float,
) -> ScriptRead:
    """Read a transcript of script_dialogue. Never raises."""
    progress = Progress()
    steps = spoken_steps(script, given, tls, may_intrude, greeting_limit(timeout), progress)
    ended, replies = _walked(steps, transcript)
    last = len(transcript.events) - 1 if transcript.events else None
    because, event = (
        progress.failed,
        replies[progress.heard - 1] if 0 < progress.heard <= len(replies) else last,
    )
    if not because and not ended:
        because, event = (
            broken_off(transcript) or transcript.closed.detail or str(transcript.closed.how),
            last,
        )
    return ScriptRead(
        done=not because,
        kept=dict(progress.kept),
        replies=tuple(
            ScriptReply(command, lines, replies[number - 1]) for command, lines, number in progress.replies
        ),
        because=because,
        event=event,
        unexpected=progress.unexpected,
    )


def _walked(steps: Steps[None], transcript: Transcript) -> tuple[bool, list[int]]:
    """Play steps against a recording: whether they came to their end, and the events that end the replies heard."""
    events = transcript.events
    replies: list[int] = []
    at = 0
    outcome: Outcome = None
    while True:
        try:
            action = steps.send(outcome)
        except StopIteration:
            return True, replies
        outcome = None
        match action:
            case Hear():
                lines, at, whole = _reply(transcript, at, action.end)
                if whole:
                    replies.append(at - 1)
                    outcome = tuple(lines)
                elif lines or not action.may_be_silent or at >= len(events) - 1:
                    break
                else:
                    outcome = ()
            case Say(octets):
                for _ in split(octets):
                    at = _next(transcript, at, Who.US)
            case Secure():
                at = next((n for n in range(at, len(events)) if isinstance(events[n], Secured)), len(events))
                made = events[at] if at < len(events) else None
                if not isinstance(made, Secured) or isinstance(made.handshake, TlsFailure):
                    break
                outcome, at = made.handshake, at + 1
    steps.close()
    return False, replies


def _reply(transcript: Transcript, at: int, end: End) -> tuple[list[bytes], int, bool]:
    """The lines of one reply from an event on, where the next begins, and whether it ended."""
    lines: list[bytes] = []
    while at < len(transcript.events):
        event = transcript.events[at]
        if isinstance(event, Secured) or (isinstance(event, Said) and event.who is Who.US):
            break
        at += 1
        if isinstance(event, Said) and not event.unexpected:
            lines.append(event.octets)
            if end.feed(event.octets):
                return lines, at, True
    return lines, at, False


def _next(transcript: Transcript, at: int, who: Who) -> int:
    """Past the next line of one side."""
    while at < len(transcript.events):
        event = transcript.events[at]
        at += 1
        if isinstance(event, Said) and event.who is who:
            return at
    return at
