"""Command injection at STARTTLS of IMAP and ManageSieve and STLS of POP3: the dialogues that show it, and their reading.

What stands behind the command in one write belongs to the plain text and must be forgotten when TLS begins
(RFC 9051 section 6.2.1; RFC 2595 section 4 and RFC 5804 section 2.2 only forbid clients to send it). As on port 25
nothing is waited for: an answer under TLS to what was said before it shows by its tag in IMAP and ManageSieve, and in
POP3 because it has many lines, which that to QUIT has not.
"""

from __future__ import annotations

from collections.abc import Iterator

from .actions import REPLY_LIMIT, Dialogue, Say, Secure, Steps, greeting_limit, hear
from .imap import CommandEnd, ResponseEnd, parse_response, parse_responses
from .injection import Injection, Obeyed
from .lines import content
from .pop3 import PopEnd, parse_response as parse_pop3
from .reach import quote
from .sieve import Answer, SieveEnd, parse_answer
from .transcript import Ending, Said, Secured, Transcript, Who, quoted_line

LOGOUT = b"a9 LOGOUT\r\n"
QUIT = b"QUIT\r\n"
SIEVE_LOGOUT = b"LOGOUT\r\n"
TAG = "before-tls"
"""What a ManageSieve server is to say again when it answers NOOP (RFC 5804 section 2.13): nothing else does."""
LATE = 5.0
"""Seconds given to the rest of an answer that seems to be one too many."""


def imap_injection_dialogue(host: str, *, timeout: float) -> Dialogue:
    """Greeting, STARTTLS with a NOOP behind it, and LOGOUT under TLS."""
    return Dialogue(_imap(host, greeting_limit(timeout)), LOGOUT)


def _imap(host: str, patience: float) -> Steps[None]:
    if parse_response((yield from hear(ResponseEnd(), patience))).word == "OK":
        yield Say(b"a1 STARTTLS\r\na2 NOOP\r\n")
        answers = parse_responses((yield from hear(CommandEnd(b"a1"), REPLY_LIMIT)))
        if answers[-1].word == "OK":
            yield Secure(host)
    yield Say(LOGOUT)
    yield from hear(CommandEnd(b"a9"), REPLY_LIMIT)


def pop3_injection_dialogue(host: str, *, timeout: float) -> Dialogue:
    """Greeting, STLS with a CAPA behind it, and under TLS no more than QUIT."""
    return Dialogue(_pop3(host, greeting_limit(timeout)), QUIT)


def _pop3(host: str, patience: float) -> Steps[None]:
    secure = False
    if parse_pop3((yield from hear(PopEnd(many=False), patience)), many=False).ok:
        yield Say(b"STLS\r\nCAPA\r\n")
        if parse_pop3((yield from hear(PopEnd(many=False), REPLY_LIMIT)), many=False).ok:
            yield Secure(host)
            secure = True
    yield Say(QUIT)
    yield from hear(PopEnd(many=False), REPLY_LIMIT)
    # Where this began the answer to CAPA, the rest of it follows, and the answer to QUIT; else the peer closes.
    if secure and (yield from hear(_LoneDot(), LATE, may_be_silent=True)):
        yield from hear(PopEnd(many=False), LATE, may_be_silent=True)


def sieve_injection_dialogue(host: str, *, timeout: float) -> Dialogue:
    """Capabilities, STARTTLS with a NOOP behind it, and LOGOUT under TLS."""
    return Dialogue(_sieve(host, greeting_limit(timeout)), SIEVE_LOGOUT)


def _sieve(host: str, patience: float) -> Steps[None]:
    if parse_answer((yield from hear(SieveEnd(), patience))).ok:
        yield Say(f'STARTTLS\r\nNOOP "{TAG}"\r\n'.encode("ascii"))
        if parse_answer((yield from hear(SieveEnd(), REPLY_LIMIT))).ok:
            yield Secure(host)
    yield Say(SIEVE_LOGOUT)
    within = REPLY_LIMIT
    for _ in range(_MOST_ANSWERS):
        # Before the answer to LOGOUT come the capabilities, unasked, and that to NOOP where there is one.
        heard = yield from hear(SieveEnd(), within, may_be_silent=within < REPLY_LIMIT)
        answer = parse_answer(heard)
        if not heard or not (answer.lines or _tagged(answer) or answer.status == "NO"):
            return
        within = LATE if answer.status == "NO" else REPLY_LIMIT


_MOST_ANSWERS = 4


def _tagged(answer: Answer) -> bool:
    """Whether it answers NOOP, and says that it was done."""
    return answer.status == "OK" and answer.code.upper() == f'TAG "{TAG}"'.upper()


class _LoneDot:
    """Finds the end of an answer that has begun (RFC 1939 section 3)."""

    def feed(self, line: bytes) -> bool:
        """See End."""
        return content(line) == b"."


def read_imap_injection(transcript: Transcript) -> Injection:
    """Read a transcript of imap_injection_dialogue. Never raises."""
    for at, said in _under_tls(transcript):
        # a2 BAD says that the server would have nothing of it.
        if content(said.octets).split(b" ")[:2] == [b"a2", b"OK"]:
            return Injection(Obeyed.YES, at, quoted_line(said.octets))
    return _not_obeyed(transcript, b"a1 STARTTLS")


def read_pop3_injection(transcript: Transcript) -> Injection:
    """Read a transcript of pop3_injection_dialogue. Never raises."""
    heard = _under_tls(transcript)
    ends = [at for at, said in heard if content(said.octets) == b"."]
    if len(ends) > _asked_again(transcript):
        return Injection(Obeyed.YES, ends[0], quoted_line(heard[0][1].octets))
    return _not_obeyed(transcript, b"STLS")


def read_sieve_injection(transcript: Transcript) -> Injection:
    """Read a transcript of sieve_injection_dialogue. Never raises."""
    refused: tuple[int, str] | None = None
    answers = list(_answers(_under_tls(transcript)))
    for number, (at, answer, line) in enumerate(answers):
        if _tagged(answer):
            return Injection(Obeyed.YES, at, line)
        if answer.status == "NO" and number < len(answers) - 1:
            refused = at, line
    if refused is not None:
        # It is one answer too many, and what a server says that kept the command and does not know it.
        because = f'under TLS, the server refuses what was said before it: "{refused[1]}"'
        return Injection(Obeyed.UNKNOWN, refused[0], because=because)
    return _not_obeyed(transcript, b"STARTTLS")


def _answers(heard: list[tuple[int, Said]]) -> Iterator[tuple[int, Answer, str]]:
    """Whole answers of ManageSieve, each with the event that ends it and its last line."""
    end, lines = SieveEnd(), list[bytes]()
    for at, said in heard:
        lines.append(said.octets)
        if end.feed(said.octets):
            yield at, parse_answer(lines), quoted_line(said.octets)
            end, lines = SieveEnd(), []


def _asked_again(transcript: Transcript) -> int:
    """How many lists of capabilities were asked for under TLS: none today, one on tapes of earlier talks."""
    said = (event for event in transcript.events if isinstance(event, Said) and event.who is Who.US)
    return sum(event.secure and content(event.octets) == b"CAPA" for event in said)


def _under_tls(transcript: Transcript) -> list[tuple[int, Said]]:
    """What the peer said under TLS, with the events."""
    said = ((at, event) for at, event in enumerate(transcript.events) if isinstance(event, Said))
    return [(at, event) for at, event in said if event.secure and event.who is Who.PEER]


def _not_obeyed(transcript: Transcript, command: bytes) -> Injection:
    """What a transcript shows in which no answer gives the server away."""
    events = transcript.events
    last = len(events) - 1 if events else None
    heard: int | None = None
    asked = False
    for at, event in enumerate(events):
        if isinstance(event, Said) and event.who is Who.PEER:
            heard = at
        asked = asked or (
            isinstance(event, Said) and event.who is Who.US and content(event.octets) == command
        )
    if not asked:
        said = quote(transcript, heard) if heard is not None else ""
        word = command.split(b" ")[-1].decode("ascii")
        return Injection(Obeyed.UNKNOWN, last, because=f"the conversation did not come to {word}{said}")
    waited = transcript.closed.how in (Ending.SILENT, Ending.TIME_UP, Ending.FAILED)
    if waited and not _under_tls(transcript):
        made = any(isinstance(event, Secured) for event in events)
        when = "under TLS" if made else "when it was asked for TLS"
        return Injection(Obeyed.UNKNOWN, last, because=f"the peer fell silent {when}")
    return Injection(Obeyed.NO, last)
