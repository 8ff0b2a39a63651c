"""Whole talks against scripted peers, under a clock that jumps."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import trio
import trio.testing
from wire_peers import HANDSHAKE, End, Heard, Pause, Reset, ScriptedNetwork, Step, Tls

from diag.lab.live.network import Trouble
from diag.lab.live.talks import talk
from diag.probes.talks import ImapTalk, Pop3Talk, SmtpTalk, Talk
from diag.tls.handshake import TlsFailure, TlsTrouble
from diag.wire.transcript import Ending, Event, Remark, Said, Secured, Transcript, Who, render

SMTP = SmtpTalk("192.0.2.1", 25, "mx.example.net", "probe.example.com")
EHLO = Heard(b"EHLO probe.example.com\r\n")
OFFER = b"250-mx.example.net\r\n250-PIPELINING\r\n250 STARTTLS\r\n"


def held(probe: Talk, network: ScriptedNetwork) -> tuple[Transcript, float]:
    """The transcript, and how many seconds the talk took by its own clock."""

    async def main() -> tuple[Transcript, float]:
        start = trio.current_time()
        transcript = await talk(probe, network, secured_by=network.secured)
        return transcript, trio.current_time() - start

    return trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))


def lines(transcript: Transcript, who: Who) -> list[bytes]:
    return [event.octets for event in transcript.events if isinstance(event, Said) and event.who is who]


def test_a_whole_smtp_talk_under_tls() -> None:
    network = ScriptedNetwork(
        b"220-mx.example.net ESMTP\r\n",
        Pause(6),
        b"220 mx.example.net ready\r\n",
        EHLO,
        OFFER,
        Heard(b"STARTTLS\r\n"),
        b"220 go\r\n",
        Tls(HANDSHAKE),
        EHLO,
        b"250-mx.example.net\r\n250 8BITMIME\r\n",
        Heard(b"MAIL FROM:<>\r\n"),
        b"250 2.1.0 ok\r\n",
        Heard(b"RCPT TO:<postmaster@example.net>\r\n"),
        b"250 2.1.5 ok\r\n",
        Heard(b"RSET\r\n"),
        b"250 2.0.0 ok\r\n",
        Heard(b"QUIT\r\n"),
        b"221 2.0.0 bye\r\n",
        End(),
    )
    probe = SmtpTalk(
        "192.0.2.1",
        25,
        "mx.example.net",
        "probe.example.com",
        mail_from="",
        recipients=("postmaster@example.net",),
    )
    transcript, _ = held(probe, network)
    assert transcript.closed.how is Ending.BY_US
    assert lines(transcript, Who.US) == [
        b"EHLO probe.example.com\r\n",
        b"STARTTLS\r\n",
        b"EHLO probe.example.com\r\n",
        b"MAIL FROM:<>\r\n",
        b"RCPT TO:<postmaster@example.net>\r\n",
        b"RSET\r\n",
        b"QUIT\r\n",
    ]
    assert network.wire.closed
    assert network.connections == 1


GREETING = b"220 mx.example.net ESMTP\r\n"
PLAIN = b"250-mx.example.net\r\n250 8BITMIME\r\n"
LEAVE = (Heard(b"QUIT\r\n"), b"221 2.0.0 bye\r\n")


def mailing(*recipients: str) -> SmtpTalk:
    return SmtpTalk(
        "192.0.2.1", 25, "mx.example.net", "probe.example.com", mail_from="", recipients=recipients
    )


def commands(transcript: Transcript) -> list[str]:
    return [line.decode().strip() for line in lines(transcript, Who.US)]


def test_nothing_is_said_before_the_whole_greeting() -> None:
    transcript, _ = held(SMTP, ScriptedNetwork(b"220-mx\r\n", Pause(7), b"220 mx\r\n", EHLO, PLAIN, *LEAVE))
    ours = next(event for event in transcript.events if isinstance(event, Said) and event.who is Who.US)
    assert ours.at_ms == 7000
    assert transcript.closed.how is Ending.BY_US


def test_helo_only_after_ehlo_is_refused_for_good() -> None:
    refused = ScriptedNetwork(GREETING, EHLO, b"502 what\r\n", Heard(b"HELO"), b"250 mx\r\n", *LEAVE)
    assert commands(held(SMTP, refused)[0]) == ["EHLO probe.example.com", "HELO probe.example.com", "QUIT"]
    for line in (b"421 busy\r\n", b"451 later\r\n"):
        put_off = ScriptedNetwork(GREETING, EHLO, line, *LEAVE)
        assert commands(held(mailing("a@b.example"), put_off)[0]) == ["EHLO probe.example.com", "QUIT"]


@pytest.mark.parametrize("line", [b"421 busy\r\n", b"450 later\r\n", b"554 no\r\n", b"SSH-2.0-x\r\n"])
def test_a_greeting_that_is_no_welcome_is_answered_by_quit(line: bytes) -> None:
    transcript, _ = held(SMTP, ScriptedNetwork(line, *LEAVE))
    assert commands(transcript) == ["QUIT"]
    assert transcript.closed.how is Ending.BY_US


def test_starttls_is_never_tried_blindly() -> None:
    transcript, _ = held(SMTP, ScriptedNetwork(GREETING, EHLO, PLAIN, *LEAVE))
    assert commands(transcript) == ["EHLO probe.example.com", "QUIT"]


def test_a_refused_starttls_leaves_the_rest_in_clear() -> None:
    network = ScriptedNetwork(
        GREETING, EHLO, b"250-mx\r\n250 STARTTLS\r\n", Heard(b"STARTTLS"), b"454 no\r\n", *LEAVE
    )
    assert commands(held(SMTP, network)[0])[-2:] == ["STARTTLS", "QUIT"]
    throttled = ScriptedNetwork(GREETING, EHLO, OFFER, Heard(b"STARTTLS"), b"421 no\r\n", *LEAVE)
    assert commands(held(mailing("a@b.example"), throttled)[0])[-2:] == ["STARTTLS", "QUIT"]


def test_a_failed_handshake_ends_the_talk_without_another_word_in_clear() -> None:
    failure = TlsFailure(TlsTrouble.ALERT, "handshake_failure")
    network = ScriptedNetwork(GREETING, EHLO, OFFER, Heard(b"STARTTLS"), b"220 go\r\n", Tls(failure))
    transcript, _ = held(mailing("a@b.example"), network)
    assert transcript.closed.how is Ending.TLS_FAILED
    assert commands(transcript)[-1] == "STARTTLS"
    assert transcript.secured is not None
    assert transcript.secured.handshake == failure
    assert network.wire.closed


def test_plaintext_injected_after_the_go_ahead_is_kept_and_not_believed() -> None:
    injected = b"250-mx\r\n250 AUTH PLAIN\r\n250 half"
    network = ScriptedNetwork(
        GREETING,
        EHLO,
        OFFER,
        Heard(b"STARTTLS"),
        b"220 go\r\n" + injected,
        Tls(HANDSHAKE),
        EHLO,
        PLAIN,
        *LEAVE,
    )
    transcript, _ = held(SMTP, network)
    assert transcript.secured is not None
    assert transcript.secured.leftover == injected
    assert transcript.closed.how is Ending.BY_US
    assert not any(b"AUTH" in line for line in lines(transcript, Who.PEER))
    under_tls = [event.octets for event in transcript.events if isinstance(event, Said) and event.secure]
    assert under_tls[1:3] == [b"250-mx.example.net\r\n", b"250 8BITMIME\r\n"]


def test_lines_nobody_asked_for_are_marked_and_answer_nothing() -> None:
    network = ScriptedNetwork(
        GREETING + b"250 unasked\r\n", EHLO, PLAIN, Heard(b"QUIT"), b"221 bye\r\nmore\r\nhalf"
    )
    transcript, _ = held(SMTP, network)
    unasked = [event.octets for event in transcript.events if isinstance(event, Said) and event.unexpected]
    assert unasked == [b"250 unasked\r\n", b"more\r\n", b"half"]
    assert commands(transcript) == ["EHLO probe.example.com", "QUIT"]


def test_pipelining_sends_the_transaction_in_one_write_when_offered() -> None:
    network = ScriptedNetwork(
        GREETING,
        EHLO,
        b"250-mx\r\n250 PIPELINING\r\n",
        Heard(b"MAIL FROM:<>\r\nRCPT TO:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nRSET\r\nQUIT\r\n"),
        b"250 ok\r\n250 o",
        Pause(3),
        b"k\r\n550 no\r\n250 ok\r\n221 bye\r\n",
    )
    transcript, _ = held(mailing("a@b.example", "c@d.example"), network)
    assert transcript.closed.how is Ending.BY_US
    assert len(lines(transcript, Who.PEER)) == 8
    assert commands(transcript).count("QUIT") == 1


def test_a_421_amid_a_pipelined_group_ends_the_talk() -> None:
    network = ScriptedNetwork(
        GREETING, EHLO, b"250-mx\r\n250 PIPELINING\r\n", Heard(b"QUIT\r\n"), b"421 busy\r\n"
    )
    transcript, seconds = held(mailing("a@b.example"), network)
    assert seconds == 0
    assert commands(transcript).count("QUIT") == 1


def test_a_refused_mail_is_followed_by_no_rcpt() -> None:
    network = ScriptedNetwork(GREETING, EHLO, PLAIN, Heard(b"MAIL"), b"550 no\r\n", *LEAVE)
    assert commands(held(mailing("a@b.example"), network)[0])[-2:] == ["MAIL FROM:<>", "QUIT"]


def test_recipients_cannot_smuggle_commands() -> None:
    network = ScriptedNetwork(
        GREETING, EHLO, PLAIN, Heard(b"MAIL"), b"250 ok\r\n", Heard(b"RCPT"), b"421 no\r\n", *LEAVE
    )
    transcript, _ = held(mailing("a@b.example>\r\nDATA\r\n"), network)
    assert commands(transcript)[2] == "RCPT TO:<a@b.exampleDATA>"
    assert commands(transcript)[3] == "QUIT"


@pytest.mark.parametrize(
    ("offer", "sent"),
    [
        (
            b"250-mx\r\n250 SMTPUTF8\r\n",
            ["MAIL FROM:<> SMTPUTF8", "RCPT TO:<ünï@b.example>", "RCPT TO:<a@b.example>"],
        ),
        (PLAIN, ["MAIL FROM:<>", "RCPT TO:<a@b.example>"]),
    ],
)
def test_mailboxes_outside_ascii_need_smtputf8(offer: bytes, sent: list[str]) -> None:
    answers = [step for _ in sent for step in (Heard(b"<"), b"250 ok\r\n")]
    network = ScriptedNetwork(GREETING, EHLO, offer, *answers, Heard(b"RSET"), b"250 ok\r\n", *LEAVE)
    transcript, _ = held(mailing("ünï@b.example", "a@b.example"), network)
    assert commands(transcript)[1 : 1 + len(sent)] == sent
    assert transcript.closed.how is Ending.BY_US


def test_implicit_tls_comes_first() -> None:
    probe = SmtpTalk("192.0.2.1", 465, "mx.example.net", "probe.example.com", tls="implicit")
    network = ScriptedNetwork(Tls(HANDSHAKE), GREETING, EHLO, OFFER, *LEAVE)
    transcript, _ = held(probe, network)
    assert commands(transcript) == ["EHLO probe.example.com", "QUIT"]
    assert all(event.secure for event in transcript.events if isinstance(event, Said))


@pytest.mark.parametrize(
    "probe",
    [
        SmtpTalk("192.0.2.1", 465, "mx", "me", tls="implicit"),
        ImapTalk("192.0.2.1", 993, "mx", tls="implicit"),
        Pop3Talk("192.0.2.1", 995, "mx", tls="implicit"),
    ],
)
def test_text_where_tls_belongs_is_shown_as_what_the_peer_said(probe: Talk) -> None:
    transcript, _ = held(probe, ScriptedNetwork(b"220-mx\r\n220 mx\r\n"))
    assert transcript.closed.how is Ending.TLS_FAILED
    assert lines(transcript, Who.PEER) == [b"220-mx\r\n", b"220 mx\r\n"]
    assert lines(transcript, Who.US) == []


@pytest.mark.parametrize("probe", [SMTP, ImapTalk("192.0.2.1", 143, "mx"), Pop3Talk("192.0.2.1", 110, "mx")])
def test_a_silent_port_is_asked_for_tls_last(probe: Talk) -> None:
    transcript, _ = held(probe, ScriptedNetwork(Tls(HANDSHAKE)))
    kinds = [type(event) for event in transcript.events[1:3]]
    assert kinds == [Remark, Secured]
    assert transcript.closed.how is Ending.SILENT
    assert "speaks TLS" in transcript.closed.detail
    silent, seconds = held(probe, ScriptedNetwork())
    assert silent.closed.how is Ending.SILENT
    assert "speaks TLS" not in silent.closed.detail
    assert seconds <= 60
    assert lines(silent, Who.US) == []


@pytest.mark.parametrize(
    ("network", "ending", "seconds"),
    [
        (lambda: ScriptedNetwork(trouble=Trouble.REFUSED), Ending.REFUSED, 0),
        (lambda: ScriptedNetwork(trouble=Trouble.UNREACHABLE), Ending.UNREACHABLE, 0),
        (lambda: ScriptedNetwork(trouble=Trouble.RESET), Ending.RESET, 0),
        (lambda: ScriptedNetwork(trouble=Trouble.FAILED), Ending.FAILED, 0),
        (lambda: ScriptedNetwork(filtered=True), Ending.FILTERED, 6),
        (lambda: ScriptedNetwork(GREETING, EHLO, b"250-mx\r\n", Reset()), Ending.RESET, 0),
        (lambda: ScriptedNetwork(GREETING, EHLO, b"250-mx\r\n25", End()), Ending.BY_PEER, 0),
        (lambda: ScriptedNetwork(End()), Ending.BY_PEER, 0),
        (lambda: ScriptedNetwork(GREETING, EHLO, PLAIN, Heard(b"QUIT"), End()), Ending.BY_PEER, 0),
        (lambda: ScriptedNetwork(GREETING, EHLO, b"250-mx\r\n"), Ending.SILENT, 30),
        (lambda: ScriptedNetwork(*[step for _ in range(99) for step in (b"2", Pause(1))]), Ending.SILENT, 48),
        (lambda: ScriptedNetwork(*[b"220-" + b"x" * 200 + b"\r\n"] * 400), Ending.TOO_MUCH, 0),
        (lambda: ScriptedNetwork(*[b"220-x\r\n"] * 400), Ending.TOO_MUCH, 0),
        (lambda: ScriptedNetwork(*[b"x" * 3000] * 3), Ending.TOO_MUCH, 0),
        (
            lambda: ScriptedNetwork(*[step for _ in range(9) for step in (b"220-x\r\n", Pause(11))]),
            Ending.SILENT,
            48,
        ),
    ],
)
def test_how_talks_end(network: Callable[[], ScriptedNetwork], ending: Ending, seconds: float) -> None:
    made = network()
    transcript, taken = held(SMTP, made)
    assert transcript.closed.how is ending
    assert taken == pytest.approx(seconds)
    assert made.wire.closed is (made.trouble is None and not made.filtered)
    assert render(transcript)


def test_time_up_leaves_politely() -> None:
    steps: list[Step] = [GREETING, EHLO]
    for _ in range(5):
        steps += [b"250-x\r\n", Pause(20)]
    transcript, seconds = held(
        SmtpTalk("192.0.2.1", 25, "mx", "probe.example.com", timeout=25), ScriptedNetwork(*steps)
    )
    assert transcript.closed.how is Ending.TIME_UP
    assert seconds == 25
    assert commands(transcript) == ["EHLO probe.example.com", "QUIT"]


def test_a_peer_that_falls_silent_is_left_politely() -> None:
    transcript, _ = held(SMTP, ScriptedNetwork(GREETING))
    assert transcript.closed.how is Ending.SILENT
    assert commands(transcript) == ["EHLO probe.example.com", "QUIT"]


def test_a_talkative_peer_cannot_fill_the_memory() -> None:
    reply = b"250-" + b"x" * 1000 + b"\r\n"
    network = ScriptedNetwork(GREETING, EHLO, *[reply] * 10_000)
    transcript, _ = held(SMTP, network)
    assert transcript.closed.how is Ending.TOO_MUCH
    assert sum(len(line) for line in lines(transcript, Who.PEER)) < 128 * 1024
    assert commands(transcript)[-1] == "QUIT"


def test_many_long_replies_are_too_much_together() -> None:
    reply = (b"250-" + b"x" * 1000 + b"\r\n") * 60 + b"250 ok\r\n"
    answers = [step for _ in range(9) for step in (Heard(b"<"), reply)]
    network = ScriptedNetwork(GREETING, EHLO, PLAIN, *answers)
    transcript, _ = held(mailing(*(f"a{at}@b.example" for at in range(9))), network)
    assert transcript.closed.how is Ending.TOO_MUCH
    assert sum(len(line) for line in lines(transcript, Who.PEER)) <= 256 * 1024


def test_nothing_is_said_to_a_peer_that_has_reset_the_connection() -> None:
    transcript, _ = held(SMTP, ScriptedNetwork(GREETING, EHLO, b"250-mx\r\n", Reset()))
    assert commands(transcript) == ["EHLO probe.example.com"]
    assert not any(isinstance(event, Remark) for event in transcript.events)


def test_terminal_escapes_are_kept_as_octets_and_shown_harmlessly() -> None:
    transcript, _ = held(SMTP, ScriptedNetwork(b"220 \x1b]0;owned\x07 \xe2\x80\xae\r\n", EHLO, PLAIN, *LEAVE))
    assert b"\x1b]0;owned" in lines(transcript, Who.PEER)[0]
    assert all(line.isprintable() for line in render(transcript))


def test_an_imap_talk() -> None:
    network = ScriptedNetwork(
        b"* OK [CAPABILITY IMAP4rev1 STARTTLS] hi\r\n",
        Heard(b"a1 CAPABILITY\r\n"),
        b"* CAPABILITY IMAP4rev1 StartTLS\r\na1 OK done\r\n",
        Heard(b"a2 STARTTLS\r\n"),
        b"a2 OK go\r\n",
        Tls(HANDSHAKE),
        Heard(b"a3 CAPABILITY\r\n"),
        b"* CAPABILITY IMAP4rev1\r\na3 OK done\r\n",
        Heard(b"a9 LOGOUT\r\n"),
        b"* BYE x\r\na9 OK done\r\n",
    )
    transcript, _ = held(ImapTalk("192.0.2.1", 143, "mx"), network)
    assert transcript.closed.how is Ending.BY_US
    assert commands(transcript) == ["a1 CAPABILITY", "a2 STARTTLS", "a3 CAPABILITY", "a9 LOGOUT"]


@pytest.mark.parametrize(
    ("greeting", "capability", "expected"),
    [
        (b"* PREAUTH hi\r\n", b"* CAPABILITY STARTTLS\r\na1 OK x\r\n", ["a1 CAPABILITY", "a9 LOGOUT"]),
        (b"* OK hi\r\n", b"* CAPABILITY IMAP4rev1\r\na1 OK x\r\n", ["a1 CAPABILITY", "a9 LOGOUT"]),
        (b"* OK hi\r\n", b"a1 BAD what\r\n", ["a1 CAPABILITY", "a9 LOGOUT"]),
        (b"* BYE no\r\n", b"", ["a9 LOGOUT"]),
    ],
)
def test_imap_starttls_only_where_it_is_offered_and_allowed(
    greeting: bytes, capability: bytes, expected: list[str]
) -> None:
    steps = (Heard(b"a1"), capability) if capability else ()
    network = ScriptedNetwork(greeting, *steps, Heard(b"a9 LOGOUT"), b"a9 OK bye\r\n")
    assert commands(held(ImapTalk("192.0.2.1", 143, "mx"), network)[0]) == expected


def test_a_pop3_talk() -> None:
    network = ScriptedNetwork(
        b"+OK hi\r\n",
        Heard(b"CAPA\r\n"),
        b"+OK list\r\nUSER\r\nSTLS\r\n.\r\n",
        Heard(b"STLS\r\n"),
        b"+OK go\r\n",
        Tls(HANDSHAKE),
        Heard(b"CAPA\r\n"),
        b"+OK\r\nUSER\r\n.\r\n",
        Heard(b"QUIT\r\n"),
        b"+OK bye\r\n",
    )
    transcript, _ = held(Pop3Talk("192.0.2.1", 110, "mx"), network)
    assert transcript.closed.how is Ending.BY_US
    assert commands(transcript) == ["CAPA", "STLS", "CAPA", "QUIT"]


def test_pop3_without_capa_is_asked_for_stls_all_the_same() -> None:
    network = ScriptedNetwork(
        b"+OK hi\r\n",
        Heard(b"CAPA"),
        b"-ERR what\r\n",
        Heard(b"STLS"),
        b"-ERR what\r\n",
        Heard(b"QUIT"),
        b"+OK\r\n",
    )
    assert commands(held(Pop3Talk("192.0.2.1", 110, "mx"), network)[0]) == ["CAPA", "STLS", "QUIT"]


def test_cancellation_closes_and_keeps_what_was_heard() -> None:
    network = ScriptedNetwork(GREETING)
    events: list[Event] = []

    async def main() -> bool:
        with trio.move_on_after(5) as scope:
            await talk(SMTP, network, events, secured_by=network.secured)
        return scope.cancelled_caught

    assert trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    assert network.wire.closed
    transcript = Transcript(tuple(events))
    assert lines(transcript, Who.PEER) == [GREETING]
    assert commands(transcript)[-1] == "QUIT"
    assert transcript.closed.detail == "interrupted"
    assert network.wire.written.endswith(b"QUIT\r\n")
