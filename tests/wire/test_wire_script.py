"""Scripted dialogues: read from text, spoken by one engine within its limits, and read back from the recording."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import anyio
import pytest
import trio.testing
from hypothesis import given, settings, strategies as st
from wire_peers import HANDSHAKE, End, Heard, Pause, ScriptedNetwork, Step, Tls

from diag.lab.live.talks import Conversation
from diag.lab.tape import Tape
from diag.probes.probe import Impact
from diag.probes.script import IntrusiveScriptTalk, ScriptTalk
from diag.tls.handshake import TlsFailure, TlsTrouble
from diag.wire import script_text
from diag.wire.script import BadScript, Expect, Line, Protocol, Script, Upgrade, Wait, matched, script, verb
from diag.wire.script_dialogue import script_dialogue
from diag.wire.script_read import ScriptRead
from diag.wire.transcript import Ending, Remark, Said, Transcript, Who

LINES = """
# an example
S: 220 {banner}
C: EHLO {helo}
S: 250 STARTTLS | 250
C: STARTTLS
S: 220
TLS
C: EHLO {helo}
S: 250
PAUSE 3
"""
TOML = """
protocol = "smtp"
[[step]]
expect = "220 {banner}"
[[step]]
say = "EHLO {helo}"
[[step]]
expect = ["250 STARTTLS", "250"]
[[step]]
say = "STARTTLS"
[[step]]
expect = "220"
[[step]]
tls = true
[[step]]
say = "EHLO {helo}"
[[step]]
expect = "250"
[[step]]
pause = 3
"""
STEPS = (
    Expect(("220 {banner}",)), Line("EHLO {helo}"), Expect(("250 STARTTLS", "250")), Line("STARTTLS"), Expect(("220",)),
    Upgrade(), Line("EHLO {helo}"), Expect(("250",)), Wait(3.0),
)  # fmt: skip


def test_both_forms_say_the_same() -> None:
    assert script_text.parse(LINES, "smtp") == Script("smtp", STEPS)
    assert script_text.parse(TOML) == Script("smtp", STEPS)
    assert script_text.parse("⏸6s\ns: a|b", "smtp").steps == (Wait(6.0), Expect(("a|b",)))
    assert script_text.parse('protocol = "imap"\nopens = true').opens


BAD: dict[str, tuple[str, str]] = {
    "no such line": ("X: y", "line 1: 'X: y' begins with none of C:, S:, TLS, PAUSE, #"),
    "a login": ("C: AUTH PLAIN AGEAYg==", "step 1: AUTH would put a password into the script"),
    "a login in small letters": ("C:  auth plain x", "step 1: AUTH would"),
    "a control character": ("C: NOOP\x0bDATA", "step 1: a control character"),
    "a name nobody knows": ("C: RCPT TO:<{who}>", "nothing is known as {who}"),
    "too long a pause": ("PAUSE 601", "a pause of 601 seconds"),
    "too long a line": ("C: " + "x" * 999, "more than 998 octets"),
    "too many steps": ("TLS\n" * 201, "more than 200 steps"),
    "too long": ("#" * 70000, "more than 65536"),
    "unknown key": ("[[step]]\nsays = 'x'", "step 1: unknown key 'says'"),
    "two keys": ("[[step]]\nsay = 'x'\ntls = true", "step 1: one of"),
    "no text": ("[[step]]\nsay = 1", "step 1: one of"),
    "broken TOML": ("[[step]]\nsay = ", "Invalid value"),
    "another protocol": ("protocol = 'imap'", "it is for imap, not for smtp"),
    "no protocol of ours": ("protocol = 'http'", "unknown protocol 'http'"),
    "steps that are none": ("protocol = 'smtp'\nstep = 3", "steps are tables"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_spoken_is_refused_and_says_where(name: str) -> None:
    text, said = BAD[name]
    with pytest.raises(BadScript) as refused:
        script_text.parse(text, "smtp")
    assert said in str(refused.value)
    assert "AGEAYg" not in str(refused.value)


SECRET: dict[Protocol, tuple[str, ...]] = {
    "smtp": ("AUTH PLAIN x", "auth login"),
    "imap": ("a1 LOGIN a b", "{tag} AUTHENTICATE PLAIN", "LOGIN a b"),
    "pop3": ("PASS x", "APOP a b", "AUTH PLAIN"),
    "sieve": ('AUTHENTICATE "PLAIN" "x"',),
}


@pytest.mark.parametrize(("spoken", "line"), [(p, line) for p, lines in SECRET.items() for line in lines])
def test_logins_are_never_part_of_a_script(spoken: Protocol, line: str) -> None:
    with pytest.raises(BadScript, match="password"):
        script(spoken, (Line(line),))


@pytest.mark.parametrize(
    ("spoken", "line", "intrusive"),
    [
        ("smtp", "DATA", True),
        ("smtp", "vrfy postmaster", True),
        ("smtp", "RSET", False),
        ("pop3", "USER x", True),
        ("imap", "NOOP", False),
    ],
)
def test_what_is_no_ordinary_use_is_known(spoken: Protocol, line: str, intrusive: bool) -> None:
    assert script(spoken, (Line(line),)).intrusive is intrusive
    assert verb(line, spoken) == line.split()[0].upper()


@pytest.mark.parametrize(
    ("pattern", "line", "found"),
    [
        ("250", "250 ok", {}),
        ("ok (tag {tag})", 'OK (TAG "x") done', {"tag": '"x"'}),
        ("{all}", "anything", {"all": "anything"}),
        ("250 {a} as {b}", "250 queued as 4AB", {"a": "queued", "b": "4AB"}),
        ("250 {a} as {b}", "250 queued", None),
        ("354", "250 ok", None),
    ],
)
def test_patterns(pattern: str, line: str, found: dict[str, str] | None) -> None:
    assert matched(pattern, line) == found


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=80))
def test_no_text_breaks_the_reader_of_scripts(text: str) -> None:
    try:
        found = script_text.parse(text, "smtp")
    except BadScript:
        return
    assert found.spoken == "smtp"


USUAL = ScriptTalk(
    "192.0.2.1", 25, "mx.example.net", Script("smtp", ()), "me.example", "example.net", "n0nce"
)


def held(probe: ScriptTalk, *steps: Step) -> Transcript:
    network = ScriptedNetwork(*steps)

    async def run() -> Transcript:
        conversation = Conversation(probe, network, network.secured, [])
        dialogue = script_dialogue(
            probe.script, probe.given, tls=probe.tls, may_intrude=probe.may_intrude, timeout=probe.timeout
        )
        return await conversation.hold(dialogue)

    clock = trio.testing.MockClock(autojump_threshold=0)
    return anyio.run(run, backend="trio", backend_options={"clock": clock})


def spoken(
    text: str, *steps: Step, protocol: Protocol = "smtp", **more: object
) -> tuple[Transcript, ScriptRead]:
    opens = bool(more.pop("opens", False))
    found = dataclasses.replace(script_text.parse(text, protocol), opens=opens)
    probe = dataclasses.replace(USUAL, script=found, **more)  # type: ignore[arg-type]
    transcript = held(probe, *steps)
    return transcript, probe.read(transcript)


def ours(transcript: Transcript) -> list[str]:
    said = (event for event in transcript.events if isinstance(event, Said) and event.who is Who.US)
    return [event.octets.decode().removesuffix("\r\n") for event in said]


GREETED: tuple[Step, ...] = (
    b"220 mx ESMTP\r\n",
    Heard(b"EHLO me.example\r\n"),
    b"250-mx\r\n250 STARTTLS\r\n",
)
BYE: tuple[Step, ...] = (Heard(b"QUIT\r\n"), b"221 bye\r\n", End())


def test_a_whole_script() -> None:
    transcript, read = spoken(
        LINES, *GREETED, Heard(b"STARTTLS\r\n"), b"220 go\r\n", Tls(HANDSHAKE), Heard(b"EHLO me.example\r\n"),
        b"250 mx\r\n", Pause(1), b"250 unasked\r\n", Pause(4), *BYE,
    )  # fmt: skip
    assert ours(transcript) == ["EHLO me.example", "STARTTLS", "EHLO me.example", "QUIT"]
    assert (read.done, read.because, dict(read.kept)) == (True, "", {"banner": "mx ESMTP"})
    assert [reply.lines for reply in read.replies][:2] == [("220 mx ESMTP",), ("250 mx", "250 STARTTLS")]
    assert [reply.command for reply in read.replies] == ["", "EHLO me.example", "STARTTLS", "EHLO me.example"]
    for reply in read.replies:
        event = transcript.events[reply.event]
        assert isinstance(event, Said)
        assert event.octets.decode()[:3] == reply.lines[-1][:3]
    (unasked,) = [each for each in transcript.events if isinstance(each, Said) and each.unexpected]
    assert unasked.octets == b"250 unasked\r\n"


def test_lines_that_stand_together_go_out_together_and_are_answered_in_order() -> None:
    transcript, read = spoken(
        "C: RSET\nC: NOOP\nS: 250 first\nS: 250 second {id}\nC: HELP {id}", b"220 mx\r\n", Heard(b"RSET\r\nNOOP\r\n"),
        b"250 first\r\n250 second x1\r\n", Heard(b"HELP x1\r\n"), b"214 no\r\n", *BYE,
    )  # fmt: skip
    assert ours(transcript) == ["RSET", "NOOP", "HELP x1", "QUIT"]
    assert (read.done, read.kept["id"]) == (True, "x1")
    assert [reply.command for reply in read.replies] == ["", "RSET", "NOOP", "HELP x1"]


def test_a_command_waits_for_the_reply_before() -> None:
    transcript, read = spoken("S: 220\nC: NOOP\nS: 250\nC: RSET\nPAUSE 1", b"220 mx\r\n", Heard(b"NOOP\r\n"), b"250 a\r\n",
                              Heard(b"RSET\r\n"), b"250 b\r\n", Pause(2), *BYE)  # fmt: skip
    assert ours(transcript) == ["NOOP", "RSET", "QUIT"]
    assert read.done


def test_another_reply_than_expected_ends_it_politely() -> None:
    transcript, read = spoken(
        "S: 220\nC: NOOP\nS: 251 | 252\nC: RSET", b"220 mx\r\n", Heard(b"NOOP\r\n"), b"250 ok\r\n", *BYE
    )
    assert ours(transcript) == ["NOOP", "QUIT"]
    assert (read.done, read.unexpected, read.because) == (
        False,
        True,
        'expected 251 or 252, and heard "250 ok"',
    )
    assert read.event is not None
    assert transcript.events[read.event].octets == b"250 ok\r\n"  # type: ignore[union-attr]
    assert [each.text for each in transcript.events if isinstance(each, Remark)] == [read.because]


@pytest.mark.parametrize(
    ("steps", "because"),
    [
        ((b"220 mx\r\n", End()), "the peer closed the connection"),
        ((b"220 mx\r\n", Heard(b"NOOP\r\n")), "the peer fell silent"),
        ((Pause(100),), "the peer fell silent"),
        ((b"220-", End()), "the peer closed the connection"),
    ],
)
def test_a_peer_that_goes_away_decides_nothing(steps: tuple[Step, ...], because: str) -> None:
    _, read = spoken("S: 220\nC: NOOP\nS: 250", *steps)
    assert (read.done, read.unexpected, read.because) == (False, False, because)


def test_what_a_peer_said_cannot_be_made_a_login_or_a_message() -> None:
    for words in ("AUTH PLAIN eA==", "DATA"):
        transcript, read = spoken("S: 220 {x}\nC: {x}", b"220 " + words.encode() + b"\r\n", *BYE)
        assert ours(transcript) == ["QUIT"]
        assert not read.done
        assert "said" in read.because


def test_a_message_is_said_only_where_that_is_asked_for() -> None:
    text = "S: 220\nC: DATA\nS: 354\nC: Subject: x\nC: \nC: text\nC: .\nS: 250 {id}"
    peer: tuple[Step, ...] = (
        b"220 mx\r\n",
        Heard(b"DATA\r\n"),
        b"354 go\r\n",
        Heard(b"\r\n.\r\n"),
        b"250 id1\r\n",
        *BYE,
    )
    transcript, read = spoken(text, *peer)
    assert ours(transcript) == ["QUIT"]
    assert "--intrusive" in read.because
    probe = IntrusiveScriptTalk("192.0.2.1", 25, "mx.example.net", script_text.parse(text, "smtp"))
    assert probe.impact is Impact.INTRUSIVE
    assert probe.announcement().startswith("says DATA, Subject: x")
    transcript = held(probe, *peer)
    read = probe.read(transcript)
    assert (read.done, dict(read.kept)) == (True, {"id": "id1"})
    content = [event.octets for event in transcript.events if isinstance(event, Said) and event.content]
    assert content == [b"Subject: x\r\n", b"\r\n", b"text\r\n"]


def test_commands_before_tls_are_not_awaited() -> None:
    transcript, read = spoken(
        "S: 220\nC: STARTTLS\nC: NOOP\nS: 220\nTLS\nPAUSE 3", b"220 mx\r\n", Heard(b"STARTTLS\r\nNOOP\r\n"), b"220 go\r\n",
        Tls(HANDSHAKE), b"250 obeyed\r\n", Pause(4), *BYE,
    )  # fmt: skip
    assert read.done
    assert [e.octets for e in transcript.events if isinstance(e, Said) and e.unexpected] == [
        b"250 obeyed\r\n"
    ]


def test_tls_after_starttls_hears_the_go_ahead_by_itself() -> None:
    transcript, read = spoken(
        "S: 220\nC: STARTTLS\nTLS", b"220 mx\r\n", Heard(b"STARTTLS\r\n"), b"454 no\r\n", *BYE
    )
    assert (read.done, read.because) == (False, 'expected 220, and heard "454 no"')
    failed = TlsFailure(TlsTrouble.ALERT, "handshake_failure")
    transcript, read = spoken(
        "S: 220\nC: STARTTLS\nTLS", b"220 mx\r\n", Heard(b"STARTTLS\r\n"), b"220 go\r\n", Tls(failed)
    )
    assert transcript.closed.how is Ending.TLS_FAILED
    assert not read.done
    _, read = spoken("TLS", Tls(HANDSHAKE), b"220 mx\r\n", *BYE, tls="implicit")
    assert "TLS stands already" in read.because


OPENED: dict[Protocol, tuple[tuple[Step, ...], list[str]]] = {
    "smtp": (
        (*GREETED, Heard(b"STARTTLS\r\n"), b"220 go\r\n", Tls(HANDSHAKE), Heard(b"EHLO me.example\r\n"), b"250 mx\r\n",
         Heard(b"NOOP\r\n"), b"250 ok\r\n", *BYE),
        ["EHLO me.example", "STARTTLS", "EHLO me.example", "NOOP", "QUIT"],
    ),
    "imap": (
        (b"* OK hi\r\n", Heard(b"a1 CAPABILITY\r\n"), b"* CAPABILITY IMAP4rev1 STARTTLS\r\na1 OK\r\n",
         Heard(b"a2 STARTTLS\r\n"), b"a2 OK\r\n", Tls(HANDSHAKE), Heard(b"a3 CAPABILITY\r\n"),
         b"* CAPABILITY IMAP4rev1\r\na3 OK\r\n",
         Heard(b"s1 NOOP\r\n"), b"s1 OK done\r\n", Heard(b"a9 LOGOUT\r\n"), b"* BYE\r\na9 OK\r\n"),
        ["a1 CAPABILITY", "a2 STARTTLS", "a3 CAPABILITY", "s1 NOOP", "a9 LOGOUT"],
    ),
    "pop3": (
        (b"+OK hi\r\n", Heard(b"CAPA\r\n"), b"+OK\r\nSTLS\r\n.\r\n", Heard(b"STLS\r\n"), b"+OK\r\n", Tls(HANDSHAKE),
         Heard(b"CAPA\r\n"), b"+OK\r\nUIDL\r\n.\r\n", Heard(b"NOOP\r\n"), b"+OK\r\n", Heard(b"QUIT\r\n"), b"+OK\r\n"),
        ["CAPA", "STLS", "CAPA", "NOOP", "QUIT"],
    ),
    "sieve": (
        (b'"STARTTLS"\r\nOK\r\n', Heard(b"STARTTLS\r\n"), b"OK\r\n", Tls(HANDSHAKE), b'"SASL" "PLAIN"\r\nOK\r\n',
         Heard(b"NOOP\r\n"), b"OK\r\n", Heard(b"LOGOUT\r\n"), b"OK\r\n"),
        ["STARTTLS", "NOOP", "LOGOUT"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("protocol", OPENED)
def test_a_script_may_begin_as_usual(protocol: Protocol) -> None:
    steps, lines = OPENED[protocol]
    probe = dataclasses.replace(USUAL, script=script_text.said(protocol, ["NOOP"]))
    transcript = held(probe, *steps)
    read = probe.read(transcript)
    assert ours(transcript) == lines
    assert (read.done, read.because) == (True, "")
    (reply,) = read.replies
    assert reply.command.split()[-1] == "NOOP"
    assert reply.lines[-1][:3] in ("250", "OK ", "OK", "+OK")


def test_where_nobody_lets_us_in_nothing_is_said() -> None:
    transcript, read = spoken("C: NOOP", b"554 go away\r\n", *BYE, opens=True)
    assert ours(transcript) == ["QUIT"]
    assert (read.done, read.because) == (False, "the conversation did not come to the script")


def test_the_leave_may_be_part_of_the_script() -> None:
    transcript, read = spoken(
        "C: LOGOUT\nS: * BYE",
        b"* OK\r\n",
        Heard(b"a9 LOGOUT\r\n"),
        b"* BYE\r\na9 OK\r\n",
        End(),
        protocol="imap",
    )
    assert ours(transcript) == ["a9 LOGOUT"]
    assert read.done


def test_continuations_and_listings_end_where_they_end() -> None:
    _, read = spoken(
        "C: CAPA\nS: UIDL",
        b"+OK\r\n",
        Heard(b"CAPA\r\n"),
        b"+OK\r\nUIDL\r\n.\r\n",
        Heard(b"QUIT\r\n"),
        b"+OK\r\n",
        protocol="pop3",
    )
    assert read.done
    _, read = spoken(
        "C: {tag} IDLE\nS: +", b"* OK\r\n", Heard(b"s1 IDLE\r\n"), b"+ idling\r\n", protocol="imap"
    )
    assert read.replies[-1].lines == ("+ idling",)


def test_a_script_goes_on_tape_and_comes_back(tmp_path: Path) -> None:
    probe = dataclasses.replace(USUAL, script=script_text.parse(LINES, "smtp"), certificate="me.pem", look=2)
    transcript = held(probe, *GREETED, End())
    Tape({probe: transcript}, {}).save(tmp_path / "t.tape")
    back = Tape.load(tmp_path / "t.tape", {"script": ScriptTalk}).exchanges
    assert back == {probe: transcript}
    (again,) = back
    assert isinstance(again, ScriptTalk)
    assert again.read(back[again]) == probe.read(transcript)
    assert again.command().startswith("openssl s_client")


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.sampled_from([b"220 x\r\n", b"250-a\r\n", b"250 b\r\n", b"354 \r\n", b"x", b"\n", b"* OK\r\n"]),
        max_size=8,
    )
)
def test_no_peer_breaks_a_script(said: list[bytes]) -> None:
    transcript, read = spoken("S: 220 {a}\nC: EHLO {a}\nC: NOOP\nS: 250 {b}\nPAUSE 1\nC: RSET", *said, End())
    assert read.done == (not read.because)
    assert transcript.closed
