"""ManageSieve: answers, the dialogue over a scripted wire, and what its transcript means."""

from __future__ import annotations

import time

import anyio
import pytest
import trio.testing
from hypothesis import given, settings, strategies as st
from wire_peers import HANDSHAKE, End, Heard, Pause, ScriptedNetwork, Step, Tls
from wire_said import noted

from diag.lab.live.talks import talk
from diag.probes.talks import SieveTalk
from diag.tls.handshake import TlsFailure, TlsTrouble
from diag.wire.actions import Hear, Outcome, Present, Say
from diag.wire.lines import split
from diag.wire.offer import offer_dialogue
from diag.wire.reading import Reached, SieveSession, read_sieve
from diag.wire.sieve import Answer, Problem, SieveEnd, parse_answer
from diag.wire.transcript import Ending, Said, Transcript, Who

ANSWERS: dict[str, tuple[bytes, Answer]] = {
    "capabilities": (
        b'"IMPLEMENTATION" "Dovecot \\"x\\" Pigeonhole"\r\n"SASL" "PLAIN LOGIN"\r\n"STARTTLS"\r\nOK "ready."\r\n',
        Answer(
            "OK",
            text="ready.",
            lines=(("IMPLEMENTATION", 'Dovecot "x" Pigeonhole'), ("SASL", "PLAIN LOGIN"), ("STARTTLS",)),
        ),
    ),
    "literals": (
        b'"SIEVE" {11}\r\nfile"into x\r\nNO (QUOTA/MAXSIZE) {6}\r\na\r\n\\b)\r\n',
        Answer("NO", "QUOTA/MAXSIZE", r"a\r\n\b)", (("SIEVE", 'file"into x'),)),
    ),
    "an OK inside a literal is no end": (
        b'"X" {6+}\r\nOK y\r\n\r\nOK\r\n',
        Answer("OK", lines=(("X", r"OK y\r\n"),)),
    ),
    "a tag": (b'ok (TAG "a)b") "NOOP done"\r\n', Answer("OK", 'TAG "a)b"', "NOOP done")),
    "leave": (b"BYE (TRYLATER) \"busy\"\r\n", Answer("BYE", "TRYLATER", "busy")),
    "cut": (b'"SASL" "PL', Answer("", problems=(Problem.NO_STATUS, Problem.INCOMPLETE))),
    "cut within a literal": (b"OK {9}\r\nab", Answer("OK", "", '"ab', (), (Problem.INCOMPLETE,))),
    "line ends": (b'"S\rASL"\nOK\r\n', Answer("OK", lines=((r"S\rASL",),), problems=(Problem.BARE_LF, Problem.BARE_CR))),
    "another protocol": (
        b"220 mx ESMTP\r\n",
        Answer("", problems=(Problem.NO_STATUS, Problem.UNQUOTED, Problem.INCOMPLETE)),
    ),
    "nothing": (b"", Answer("", problems=(Problem.NO_STATUS, Problem.INCOMPLETE))),
}  # fmt: skip


@pytest.mark.parametrize("name", ANSWERS)
def test_answers(name: str) -> None:
    octets, expected = ANSWERS[name]
    found = parse_answer(split(octets))
    if name.startswith("cut") or name == "another protocol":
        found = Answer(found.status, found.code, found.text, (), found.problems)
    assert found == expected


def test_capabilities_by_name() -> None:
    answer = parse_answer(split(b'"sasl" "PLAIN"\r\n"SASL" "LOGIN"\r\n"StartTLS"\r\nOK\r\n'))
    assert dict(answer.capabilities) == {"SASL": "PLAIN", "STARTTLS": ""}
    assert str(parse_answer([b'NO (A) "b"\r\n'])) == "NO (A) b"


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from([b'"a', b'"', b"\\", b"{2}", b"\r\n", b"OK", b"(", b")", b" ", b"x\n"])))
def test_nothing_raises_and_every_answer_ends_once(pieces: list[bytes]) -> None:
    said = split(b"".join(pieces))
    answer = parse_answer(said)
    end = SieveEnd()
    ends = [end.feed(line) for line in said]
    assert answer.complete == (bool(ends) and ends[-1] and said[-1].endswith(b"\n"))
    str(answer), answer.capabilities


@pytest.mark.parametrize(
    "octets", [b'("' * 30000, b"OK (" + b'"\\' * 30000, b"OK " + b'("a' * 20000, b'"a\\' * 20000]
)
def test_hostile_answers_are_read_in_linear_time(octets: bytes) -> None:
    begun = time.process_time()
    parse_answer([octets + b"\r\n"])
    assert time.process_time() - begun < 2


GREETING = b'"IMPLEMENTATION" "Sieve 1"\r\n"SASL" ""\r\n"STARTTLS"\r\n"VERSION" "1.0"\r\nOK "hello"\r\n'
AGAIN = b'"IMPLEMENTATION" "Sieve 1"\r\n"SASL" "PLAIN LOGIN"\r\nOK "TLS"\r\n'
WHOLE: tuple[Step, ...] = (
    GREETING, Heard(b"STARTTLS\r\n"), b"OK\r\n", Tls(HANDSHAKE), AGAIN, Heard(b"LOGOUT\r\n"), b"OK\r\n", End(),
)  # fmt: skip


def held(*steps: Step, tls: str = "starttls") -> Transcript:
    network = ScriptedNetwork(*steps)
    probe = SieveTalk("192.0.2.30", 4190, "mail.example.net", tls)  # type: ignore[arg-type]

    async def run() -> Transcript:
        return await talk(probe, network, secured_by=network.secured)

    clock = trio.testing.MockClock(autojump_threshold=0)
    return anyio.run(run, backend="trio", backend_options={"clock": clock})


def ours(transcript: Transcript) -> list[bytes]:
    return [e.octets for e in transcript.events if isinstance(e, Said) and e.who is Who.US]


def read(*steps: Step) -> SieveSession:
    return read_sieve(held(*steps))


def test_a_whole_talk() -> None:
    transcript = held(*WHOLE)
    assert ours(transcript) == [b"STARTTLS\r\n", b"LOGOUT\r\n"]
    assert not [each for each in transcript.events if isinstance(each, Said) and each.unexpected]
    session = read_sieve(transcript)
    assert (session.state, session.inconclusive, session.resent) == (Reached.OPEN, "", True)
    assert session.capabilities is not None
    assert session.capabilities_tls is not None
    assert session.capabilities.mechanisms == ()
    assert session.capabilities.offers("starttls")
    assert session.capabilities_tls.mechanisms == ("PLAIN", "LOGIN")
    assert transcript.events[session.capabilities_tls.event].octets == b'OK "TLS"\r\n'  # type: ignore[union-attr]
    assert session.closed is Ending.BY_US
    assert session.exchanges[-1].command == "LOGOUT"
    assert session.exchanges[-1].reply is not None


def test_capabilities_that_are_not_resent_are_asked_for() -> None:
    transcript = held(
        GREETING, Heard(b"STARTTLS\r\n"), b"OK\r\n", Tls(HANDSHAKE), Heard(b"CAPABILITY\r\n"), AGAIN,
        Heard(b"LOGOUT\r\n"), b"OK\r\n",
    )  # fmt: skip
    session = read_sieve(transcript)
    assert ours(transcript) == [b"STARTTLS\r\n", b"CAPABILITY\r\n", b"LOGOUT\r\n"]
    assert (session.resent, session.inconclusive) == (False, "")
    assert session.capabilities_tls is not None
    assert session.capabilities_tls.offers("IMPLEMENTATION")


def test_a_server_that_is_silent_under_tls_shows_nothing() -> None:
    session = read(GREETING, Heard(b"STARTTLS\r\n"), b"OK\r\n", Tls(HANDSHAKE))
    assert (session.resent, session.capabilities_tls) == (None, None)
    assert "fell silent" in session.inconclusive


def test_late_capabilities_are_no_answer_in_time_but_count() -> None:
    session = read(
        GREETING, Heard(b"STARTTLS\r\n"), b"OK\r\n", Tls(HANDSHAKE), Pause(6), AGAIN, Heard(b"LOGOUT\r\n"), b"OK\r\n"
    )  # fmt: skip
    assert session.resent is False
    assert session.capabilities_tls is not None


STATES: dict[str, tuple[tuple[Step, ...], Reached]] = {
    "busy": ((b'BYE (TRYLATER) "Too many connections"\r\n',), Reached.THROTTLED),
    "leave": ((b'BYE "go away"\r\n', End()), Reached.REFUSED_SERVICE),
    "smtp": ((b"220 mx ESMTP\r\n", End()), Reached.CLOSED_EARLY),
    "no capabilities": ((b"OK\r\n",), Reached.MALFORMED),
    "silent": ((Pause(100),), Reached.SILENT),
    "closed early": ((b'"SASL" "PLAIN"\r\n', End()), Reached.CLOSED_EARLY),
    "tls first": ((Tls(HANDSHAKE),), Reached.SPEAKS_TLS),
}


@pytest.mark.parametrize("name", STATES)
def test_states(name: str) -> None:
    steps, state = STATES[name]
    session = read(*steps)
    assert session.state is state
    assert session.inconclusive
    assert session.capabilities is None


def test_a_failed_handshake_ends_the_talk() -> None:
    failed = TlsFailure(TlsTrouble.ALERT, "handshake_failure")
    session = read(GREETING, Heard(b"STARTTLS\r\n"), b"OK\r\n", Tls(failed))
    assert (session.handshake, session.resent, session.state) == (failed, None, Reached.OPEN)


def test_starttls_only_where_it_is_offered() -> None:
    transcript = held(b'"SASL" "PLAIN"\r\nOK\r\n', Heard(b"LOGOUT\r\n"), b"OK\r\n")
    assert ours(transcript) == [b"LOGOUT\r\n"]
    assert read_sieve(transcript).handshake is None


def test_tls_first() -> None:
    transcript = held(Tls(HANDSHAKE), AGAIN, Heard(b"LOGOUT\r\n"), b"OK\r\n", tls="implicit")
    session = read_sieve(transcript)
    assert session.implicit_tls
    assert session.capabilities is None
    assert session.capabilities_tls is not None
    assert session.resent is None


@pytest.mark.parametrize(
    ("greeting", "begun"),
    [
        (b'"SIEVE" {7}\r\nOK then\r\nOK\r\n', True),  # the first OK belongs to a string
        (b'"SASL" ""\r\nOK(TAG "x")\r\n', True),
        (b'"SASL" ""\r\nNO "closed"\r\n', False),
        (b'BYE (TRYLATER) "busy"\r\n', False),
    ],
)
def test_a_client_hello_follows_a_whole_greeting_and_nothing_else(greeting: bytes, begun: bool) -> None:
    steps = offer_dialogue("sieve", b"hello", "", implicit_tls=False, timeout=60).steps
    did: list[object] = []
    heard = [greeting, b'OK "go"\r\n']
    outcome: Outcome = None
    for _ in range(9):
        try:
            action = steps.send(outcome)
        except StopIteration:
            break
        did.append(action)
        outcome = None
        if isinstance(action, Hear):
            lines = split(heard.pop(0))
            ends = [action.end.feed(line) for line in lines]
            if not ends[-1] or any(ends[:-1]):
                break
            outcome = tuple(lines)
    assert any(isinstance(action, Present) for action in did) is begun
    assert (Say(b"STARTTLS\r\n") in did) is begun


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            ["> STARTTLS", "> LOGOUT", "> CAPABILITY", '< "STARTTLS"', "< OK", '! "x"', "< BYE", HANDSHAKE, "< {3}"]
        ),
        max_size=12,
    )
)  # fmt: skip
def test_no_transcript_raises(said: list[str]) -> None:
    session = read_sieve(noted(*said))
    assert session.state in Reached
