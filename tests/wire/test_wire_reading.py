"""What transcripts mean: the states, the traps that others fell into, and that nothing raises."""

from __future__ import annotations

import pytest
from hypothesis import given, settings, strategies as st
from wire_said import noted, unopened

from diag.model.shown import LONGEST_QUOTED
from diag.tls.handshake import Handshake, TlsFailure, TlsTrouble
from diag.wire.reading import Blame, Reached, greylists, read_imap, read_pop3, read_smtp
from diag.wire.smtp import Problem, parse_reply
from diag.wire.transcript import Closed, Ending, Event, Opened, Remark, Said, Secured, Transcript, Who

TLS = Handshake("TLSv1.3", "TLS_AES_256_GCM_SHA384", "X25519", "mx.example.net")
ALERT = TlsFailure(TlsTrouble.ALERT, "handshake_failure")
NOT_TLS = TlsFailure(TlsTrouble.NOT_TLS, octets=b"220 mx\r\n")
HELO = "> EHLO probe.example.com"
SECURED = (
    "< 220 mx.example.net ESMTP",
    HELO,
    "< 250-mx.example.net",
    "< 250 STARTTLS",
    "> STARTTLS",
    "< 220 go",
)
LAST_ACT = Remark(0, "no greeting")


def test_a_whole_session_and_where_each_step_stands() -> None:
    transcript = noted(
        *SECURED,
        TLS,
        HELO,
        "< 250-mx.example.net",
        "< 250-PIPELINING",
        "< 250 8BITMIME",
        "> MAIL FROM:<>",
        "> RCPT TO:<postmaster@example.net>",
        "> RCPT TO:<abuse@example.net>",
        "> RSET",
        "> QUIT",
        100,
        "< 250 2.1.0 ok",
        "< 250 2.1.5 ok",
        "< 550 5.1.1 unknown",
        "< 250 2.0.0 ok",
        "< 221 2.0.0 bye",
    )
    session = read_smtp(transcript)
    assert session.state is Reached.OPEN
    assert (session.inconclusive, session.because) == ("", None)
    assert session.offer is not None
    assert session.offer_tls is not None
    assert session.offer.offers("STARTTLS")
    assert not session.offer_tls.offers("STARTTLS")
    assert session.best_offer is session.offer_tls
    assert session.handshake == TLS
    assert session.leftover == b""
    assert not session.implicit_tls
    assert session.mail is not None
    assert session.mail.reply is not None
    assert (session.mail.reply.code, session.mail.waited_ms, session.mail.secure) == (250, 100, True)
    found = [(mailbox, each.reply.code if each.reply else 0) for mailbox, each in session.recipients]
    assert found == [("postmaster@example.net", 250), ("abuse@example.net", 550)]
    refused = transcript.events[session.rcpts[1].cited]
    assert isinstance(refused, Said)
    assert refused.octets == b"550 5.1.1 unknown\r\n"
    assert session.blame is None
    assert session.unanswered is None
    assert [each.verb for each in session.exchanges][-1] == "QUIT"


STATES: list[tuple[Transcript, Reached]] = [
    (unopened(Ending.REFUSED), Reached.CLOSED),
    (unopened(Ending.FILTERED), Reached.FILTERED),
    (unopened(Ending.UNREACHABLE), Reached.UNREACHABLE),
    (unopened(Ending.FAILED), Reached.FAILED),
    (Transcript(()), Reached.FAILED),
    (noted("< 220 mx", HELO, "< 250 mx", "> QUIT", "< 221 bye"), Reached.OPEN),
    (noted("< 421 4.3.2 not now", "> QUIT", "< 221 bye"), Reached.THROTTLED),
    (noted("< 450 too many connections", "> QUIT", "< 221 bye"), Reached.THROTTLED),
    (noted("< 220 mx", HELO, "< 421 too busy"), Reached.THROTTLED),
    (
        noted("< 220 mx", HELO, "< 250 mx", "> MAIL FROM:<>", "< 451 Too many concurrent connections"),
        Reached.THROTTLED,
    ),
    (noted("< 450 4.3.2 later", "> QUIT", "< 221 bye"), Reached.DEFERRED),
    (noted("< 554 5.7.1 no", "> QUIT", "< 221 bye"), Reached.REFUSED_SERVICE),
    (noted("< 521 no mail here", Ending.BY_PEER), Reached.REFUSED_SERVICE),
    (noted("< SSH-2.0-OpenSSH_9.2", "> QUIT", Ending.BY_PEER), Reached.MALFORMED),
    (noted("< 354 go on", "> QUIT", Ending.BY_PEER), Reached.MALFORMED),
    (noted("< 220-a", "< 220-b", Ending.SILENT), Reached.MALFORMED),
    (noted("< 220-a", "< 220-b", Ending.TOO_MUCH), Reached.MALFORMED),
    (noted("< 220-a", b"220 m", Ending.SILENT), Reached.SLOW),
    (noted(b"2", Ending.TIME_UP), Reached.SLOW),
    (noted(Ending.BY_PEER), Reached.CLOSED_EARLY),
    (noted(Ending.RESET), Reached.CLOSED_EARLY),
    (noted("< 220-a", Ending.RESET), Reached.CLOSED_EARLY),
    (noted(Ending.TIME_UP), Reached.SILENT),
    (noted(LAST_ACT, Ending.TIME_UP), Reached.SILENT),
    (noted(LAST_ACT, TLS, Ending.SILENT), Reached.SPEAKS_TLS),
    (noted(LAST_ACT, ALERT, Ending.SILENT), Reached.SPEAKS_TLS),
    (noted(LAST_ACT, TlsFailure(TlsTrouble.TIMED_OUT), Ending.SILENT), Reached.SILENT),
    (noted(LAST_ACT, TlsFailure(TlsTrouble.CLOSED), Ending.SILENT), Reached.SILENT),
    (noted(LAST_ACT, "! 220 mx", NOT_TLS, Ending.SILENT), Reached.SLOW),
    (
        noted(LAST_ACT, "! 500 what", TlsFailure(TlsTrouble.NOT_TLS, octets=b"500 what\r\n"), Ending.SILENT),
        Reached.SILENT,
    ),
    (noted(b"\x15\x03\x01\x00\x02\x02\x46", Ending.BY_PEER), Reached.SPEAKS_TLS),
    (noted("! 220 mx", NOT_TLS, Ending.TLS_FAILED), Reached.SPEAKS_TEXT),
    (noted(ALERT, Ending.TLS_FAILED), Reached.TLS_FAILED),
    (noted(TLS, Ending.SILENT), Reached.SILENT),
    (noted(TLS, "< 220 mx", HELO, "< 250 mx", "> QUIT", "< 221 x"), Reached.OPEN),
]


@pytest.mark.parametrize(("transcript", "state"), STATES)
def test_how_far_a_talk_came(transcript: Transcript, state: Reached) -> None:
    session = read_smtp(transcript)
    assert session.state is state
    if state is Reached.OPEN:
        assert session.inconclusive == ""
    else:
        assert session.inconclusive
        assert session.because is None or 0 <= session.because < len(transcript.events)
        assert not session.lacks_starttls


def test_what_is_in_doubt_is_quoted() -> None:
    session = read_smtp(noted("< 421 4.7.0 mx \x1b[31mbusy", "> QUIT", "< 221 bye"))
    assert session.inconclusive == 'the server turns us away for now "421 4.7.0 mx \\x1b[31mbusy"'
    assert session.because == 1


def test_trap_1_a_teaser_is_one_greeting() -> None:
    session = read_smtp(noted("< 220-mx ESMTP", 6000, "< 220 mx", HELO, "< 250 mx", "> QUIT", "< 221 x"))
    assert session.greeting is not None
    assert session.greeting.reply is not None
    assert session.greeting.reply.lines == ("mx ESMTP", "mx")
    assert session.greeting.waited_ms == 6000
    assert session.offer is not None
    assert session.unasked == ()


def test_trap_2_a_bare_last_line_ends_the_greeting() -> None:
    session = read_smtp(
        noted("< 220-Protected by", "< 220-x", "< 220", HELO, "< 250 mx", "> QUIT", "< 221 x")
    )
    assert session.state is Reached.OPEN
    assert session.offer is not None


@pytest.mark.parametrize(
    "greeting",
    ["421-4.7.0 mx Error: too many connections from x|421 4.7.0 bye", "421 #4.4.5 Too many connections"],
)
def test_traps_3_and_4_throttling_proves_nothing(greeting: str) -> None:
    session = read_smtp(noted(*(f"< {line}" for line in greeting.split("|")), "> QUIT", "< 221 x"))
    assert session.state is Reached.THROTTLED
    assert session.throttled is not None
    assert not session.lacks_starttls


def test_trap_5_a_tarpit_proves_nothing() -> None:
    session = read_smtp(noted(10_000, "< 220 mx ESMTP", HELO, "< 250 mx", "> QUIT", "< 221 x"))
    assert session.tarpit == 3
    assert session.inconclusive.startswith("a tarpit answers")
    assert not session.lacks_starttls
    scorn = read_smtp(noted("< 220 mx spamd IP-based SPAM blocker", HELO, "< 250 Hello", "> QUIT", "< 221 x"))
    assert scorn.tarpit is not None


def test_a_slow_or_a_small_offer_alone_is_no_tarpit() -> None:
    slow = read_smtp(noted(15_000, "< 220 mx ESMTP", HELO, "< 250-mx", "< 250 SIZE", "> QUIT", "< 221 x"))
    small = read_smtp(noted("< 220 mx ESMTP", HELO, "< 250 mx", "> QUIT", "< 221 x"))
    assert slow.tarpit is small.tarpit is None
    assert slow.lacks_starttls
    assert small.lacks_starttls


@pytest.mark.parametrize("last", ["250 STARTTLS", "250 starttls", "250-StartTLS|250 SIZE"])
def test_traps_6_and_7_starttls_in_any_place_and_case(last: str) -> None:
    lines = [f"< {line}" for line in last.split("|")]
    session = read_smtp(noted("< 220 mx", HELO, "< 250-mx", *lines, "> QUIT", "< 221 x"))
    assert session.offer is not None
    assert session.offer.offers("STARTTLS")
    assert not session.lacks_starttls


def test_a_cut_ehlo_reply_proves_nothing() -> None:
    session = read_smtp(noted("< 220 mx", HELO, "< 250-mx", "< 250-SIZE 1", Ending.RESET))
    assert session.offer is None
    assert not session.lacks_starttls
    assert session.inconclusive == "the peer reset the connection after EHLO probe.example.com"
    assert session.unanswered is not None
    assert session.unanswered.verb == "EHLO"


def cut(*pieces: bytes, farewell: bytes = b"QUIT\r\n") -> Transcript:
    """What follows EHLO, as it is kept of a peer that says too much: we take leave, and hear nothing more."""
    return Transcript(
        (
            Opened(0, "192.0.2.10", 25),
            Said(1, Who.PEER, b"220 mx.example.net ESMTP\r\n", secure=False),
            Said(2, Who.US, b"EHLO probe.example.com\r\n", secure=False),
            *(Said(3, Who.PEER, piece, secure=False) for piece in pieces),
            Said(4, Who.US, farewell, secure=False),
            Closed(5, Ending.TOO_MUCH, ""),
        )
    )


@pytest.mark.parametrize(
    "pieces",
    [
        (b"250-" + b"x" * 4092, b"no code of theirs"),
        (b"250 " + b"x" * 4092, b"no code of theirs"),
        (b"250-" + b"x" * 4092, b"999 no code of theirs", b"\r\n"),
        (b"250-mx\r\n", b"2"),
        (b"250-mx\r\n", b"25"),
        (b"250-mx\r\n", b"250"),
    ],
)
def test_where_we_cut_a_line_the_peer_began_no_other(pieces: tuple[bytes, ...]) -> None:
    session = read_smtp(cut(*pieces))
    (_, ehlo, leave) = session.exchanges
    assert ehlo.reply is not None
    assert set(ehlo.reply.problems) <= {Problem.LONG_LINE, Problem.INCOMPLETE}
    assert (ehlo.reply.code, ehlo.reply.complete) == (250, False)
    assert session.offer is None
    assert leave.reply is None


def test_a_line_in_pieces_ends_where_the_peer_ended_it() -> None:
    (_, ehlo, leave) = read_smtp(cut(b"250 " + b"x" * 4092, b"999 no code\r\n", b"221 bye\r\n")).exchanges
    assert ehlo.reply is not None
    assert ehlo.reply.problems == (Problem.LONG_LINE,)
    assert leave.reply is None


def test_of_a_greeting_without_end_its_beginning_is_cited() -> None:
    greeting = (b"220-mx\r\n", b"220 " + b"x" * 4092, b"y" * 100)
    said = (Said(1, Who.PEER, piece, secure=False) for piece in greeting)
    session = read_smtp(Transcript((Opened(0, "192.0.2.10", 25), *said, Closed(5, Ending.TOO_MUCH, ""))))
    assert (session.state, session.because) == (Reached.MALFORMED, 2)
    assert session.greeting is not None
    assert session.greeting.last == 2
    assert session.inconclusive.endswith(f'{"x" * (LONGEST_QUOTED - 4)} [{3_696 + 14} more characters]"')


@pytest.mark.parametrize("piece", [b"x", b"2x", b"250x", b"999 "])
def test_what_no_reply_begins_with_is_none_even_where_it_was_cut(piece: bytes) -> None:
    (_, ehlo, _) = read_smtp(cut(b"250-mx\r\n", piece)).exchanges
    assert ehlo.reply is not None
    assert set(ehlo.reply.problems) & {Problem.NO_CODE, Problem.NO_SPACE, Problem.CODE_RANGE}


def test_trap_9_helo_offers_nothing_and_proves_no_absence() -> None:
    session = read_smtp(
        noted("< 220 mx", HELO, "< 502 unknown", "> HELO probe.example.com", "< 250 mx", "> QUIT", "< 221 x")
    )
    assert session.ehlo is not None
    assert session.helo is not None
    assert session.ehlo.reply is not None
    assert session.ehlo.reply.code == 502
    assert session.offer is None
    assert not session.lacks_starttls
    assert session.blame is None


def test_trap_10_a_disliked_helo_name_is_our_fault() -> None:
    session = read_smtp(
        noted(
            "< 220 mx",
            "> EHLO probe_1",
            "< 501 Syntactically invalid EHLO argument(s)",
            "> HELO probe_1",
            "< 501 Syntactically invalid HELO argument(s)",
            "> QUIT",
            "< 221 x",
        )
    )
    assert session.blame is Blame.HELO_NAME
    assert session.blame_event == 4 - 1
    assert session.inconclusive.startswith("EHLO was refused because of us")


def test_trap_11_masks_are_a_middleboxs() -> None:
    greeting = read_smtp(noted("< 220 *******0*2******", HELO, "< 250 mx", "> QUIT", "< 221 x"))
    keyword = read_smtp(noted("< 220 mx", HELO, "< 250-mx", "< 250 XXXXXXXA", "> QUIT", "< 221 x"))
    among = read_smtp(
        noted("< 220 mx", HELO, "< 250-mx", "< 250-XXXXXXXA", "< 250 CHUNKING", "> QUIT", "< 221 x")
    )
    real = read_smtp(
        noted("< 220 mx", HELO, "< 250-mx", "< 250-X-ANONYMOUSTLS", "< 250 XEXCH50", "> QUIT", "< 221 x")
    )
    assert greeting.middlebox == 1
    assert keyword.middlebox == 4
    assert among.middlebox == 4
    assert real.middlebox is None
    assert not greeting.lacks_starttls
    assert not keyword.lacks_starttls
    assert real.lacks_starttls


def test_traps_15_and_16_a_refusal_is_kept_apart_from_absence() -> None:
    refused = read_smtp(
        noted(*SECURED[:5], "< 554 5.5.1 Error: SMTP protocol synchronization", "> QUIT", "< 221 x")
    )
    assert refused.starttls is not None
    assert refused.starttls.reply is not None
    assert refused.starttls.reply.code == 554
    assert refused.handshake is None
    assert not refused.lacks_starttls
    absent = read_smtp(noted("< 220 mx", HELO, "< 250-mx", "< 250 SIZE", "> QUIT", "< 221 x"))
    assert absent.lacks_starttls
    assert absent.starttls is None


def test_leftover_is_kept_with_the_handshake_or_instead_of_it() -> None:
    assert (
        read_smtp(noted(*SECURED, b"250 injected\r\n", TLS, HELO, "< 250 mx")).leftover == b"250 injected\r\n"
    )
    late = TlsFailure(TlsTrouble.NOT_TLS, octets=b"250 late\r\n")
    session = read_smtp(noted(*SECURED, "! 250 late", late, Ending.TLS_FAILED))
    assert session.leftover == b"250 late\r\n"
    assert session.unasked == (7,)
    assert session.inconclusive == ""
    # Text where TLS belongs from the first octet is another matter.
    assert read_smtp(noted("! 220 mx", NOT_TLS, Ending.TLS_FAILED)).leftover == b""


def test_a_deferred_ehlo_or_starttls() -> None:
    ehlo = read_smtp(noted("< 220 mx", HELO, "< 451 4.3.0 later", "> QUIT", "< 221 x"))
    assert ehlo.inconclusive == 'EHLO was put off: "451 4.3.0 later"'
    starttls = read_smtp(noted(*SECURED[:5], "< 454 4.7.0 TLS not available", "> QUIT", "< 221 x"))
    assert starttls.inconclusive == ""
    assert starttls.starttls is not None
    assert starttls.starttls.reply is not None
    assert starttls.starttls.reply.kind == 4


def test_a_peer_that_closes_after_quit_did_nothing_wrong() -> None:
    assert read_smtp(noted("< 220 mx", HELO, "< 250 mx", "> QUIT", Ending.BY_PEER)).unanswered is None
    closes = read_smtp(noted("< 220 mx", HELO, "< 250 mx", "> MAIL FROM:<>", Ending.BY_PEER))
    assert closes.unanswered is not None
    assert closes.unanswered.verb == "MAIL"
    throttled = read_smtp(noted("< 220 mx", HELO, "< 421 bye", "> QUIT", Ending.BY_PEER))
    assert throttled.unanswered is None


def test_bare_line_feeds_are_cited() -> None:
    assert read_smtp(noted(b"220 mx\n", HELO, "< 250 mx", "> QUIT", "< 221 x")).bare_lf == (1,)


@pytest.mark.parametrize(
    ("text", "blame"),
    [
        (
            "554 5.7.1 Service unavailable; Client host [198.51.100.9] blocked using zen.spamhaus.org",
            Blame.BLOCKLIST,
        ),
        ("550 5.7.1 Your IP is listed in our deny list", Blame.BLOCKLIST),
        ("554 5.7.1 poor reputation", Blame.BLOCKLIST),
        ("550 Dynamic IP addresses are not allowed", Blame.DYNAMIC),
        (
            "450 4.7.1 Client host rejected: cannot find your reverse hostname, [198.51.100.9]",
            Blame.REVERSE_DNS,
        ),
        ("550 no PTR record for your host", Blame.REVERSE_DNS),
        ("550 <probe.example.com>: Helo command rejected: Host not found", Blame.HELO_NAME),
        ("550 probe.example.com is not welcome", Blame.HELO_NAME),
        ("550 go away 198.51.100.9", Blame.ADDRESS),
        ("550 go away 2001:db8::9", Blame.ADDRESS),
        ("550 mx at 192.0.2.1 knows no such user", None),
        ("550 5.1.1 User unknown", None),
        ("502 EHLO command not implemented", None),
        ("500 unrecognized command: EHLO probe.example.com", None),
        ("501 syntax error", None),
        ("250 198.51.100.9 is listed in zen.spamhaus.org", None),
        ("550 at 12:30:45 nobody was home", None),
    ],
)
def test_replies_that_name_us(text: str, blame: Blame | None) -> None:
    session = read_smtp(
        noted(
            "< 220 mx",
            HELO,
            "< 250 mx",
            "> MAIL FROM:<>",
            "< 250 ok",
            "> RCPT TO:<a@b>",
            f"< {text}",
            "> QUIT",
        )
    )
    assert session.blame is blame
    assert (session.blame_event == 7) is (blame is not None)


@pytest.mark.parametrize(
    ("line", "greylisted"),
    [
        (b"451 4.7.1 Greylisting in action\r\n", True),  # trap 34
        (b"450 4.2.0 <a@b>: Recipient address rejected\r\n", True),
        (b"450 greylisted, try again in 5 minutes\r\n", True),
        (b"452 4.5.3 too many recipients\r\n", False),
        (b"450 5.1.1 no such user\r\n", False),
        (b"550 5.7.1 greylisted for ever\r\n", False),
    ],
)
def test_trap_34_greylisting_says_nothing_of_the_mailbox(line: bytes, greylisted: bool) -> None:
    assert greylists(parse_reply([line])) is greylisted


def test_trap_32_the_tagged_answer_is_judged_and_not_the_greeting() -> None:
    session = read_imap(
        noted(
            "< * OK [CAPABILITY IMAP4rev1 STARTTLS] ready",
            "> a1 CAPABILITY",
            "< * CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED AUTH=PLAIN",
            "< a1 OK done",
            "> a2 STARTTLS",
            "< a2 OK go",
            b"* leftover\r\n",
            TLS,
            "> a3 CAPABILITY",
            "< * CAPABILITY IMAP4rev1 auth=plain",
            "< a3 OK done",
            "> a9 LOGOUT",
            "< * BYE x",
            "< a9 OK bye",
        )
    )
    assert session.state is Reached.OPEN
    assert session.capabilities is not None
    assert session.capabilities_tls is not None
    assert session.capabilities.login_disabled
    assert session.capabilities.untagged
    assert session.capabilities.event == 4
    assert not session.capabilities_tls.login_disabled
    assert session.capabilities_tls.mechanisms == ("PLAIN",)
    assert session.leftover == b"* leftover\r\n"
    assert (session.inconclusive, session.preauth, session.handshake) == ("", False, TLS)
    assert session.bye == 14 - 1


@pytest.mark.parametrize(
    ("transcript", "state"),
    [
        (
            noted("< * PREAUTH hello", "> a1 CAPABILITY", "< * CAPABILITY IMAP4rev1", "< a1 OK x"),
            Reached.OPEN,
        ),
        (noted("< * BYE Too many connections"), Reached.THROTTLED),
        (noted("< * BYE go away"), Reached.REFUSED_SERVICE),
        (noted("< 220 smtp"), Reached.MALFORMED),
        (noted("< * NO greeting"), Reached.MALFORMED),
        (noted(b"* OK {99}\r\n", Ending.SILENT), Reached.MALFORMED),
        (noted(LAST_ACT, TLS, Ending.SILENT), Reached.SPEAKS_TLS),
        (
            noted("! * OK x", TlsFailure(TlsTrouble.NOT_TLS, octets=b"* OK x\r\n"), Ending.TLS_FAILED),
            Reached.SPEAKS_TEXT,
        ),
        (unopened(Ending.REFUSED), Reached.CLOSED),
    ],
)
def test_imap_states(transcript: Transcript, state: Reached) -> None:
    session = read_imap(transcript)
    assert session.state is state
    assert bool(session.inconclusive) is (state is not Reached.OPEN)


@pytest.mark.parametrize(
    ("answer", "because"),
    [
        (("< a1 BAD what",), "CAPABILITY was not taken"),
        (("< * BYE shutting down", Ending.BY_PEER), "the server takes leave"),
        ((Ending.RESET,), "the peer reset the connection after CAPABILITY"),
        (("< * CAPABILITY IMAP4rev1", Ending.SILENT), "the peer fell silent after CAPABILITY"),
    ],
)
def test_an_unfinished_capability_proves_nothing(answer: tuple[str | Ending, ...], because: str) -> None:
    session = read_imap(noted("< * OK ready", "> a1 CAPABILITY", *answer))
    assert session.capabilities is None
    assert session.inconclusive.startswith(because)


def test_a_tagged_ok_without_the_untagged_response() -> None:
    session = read_imap(noted("< * OK ready", "> a1 CAPABILITY", "< a1 OK [CAPABILITY IMAP4rev1] done"))
    assert session.capabilities is not None
    assert not session.capabilities.untagged
    assert session.capabilities.offers("imap4REV1")


def test_trap_33_pop3_before_and_after_stls() -> None:
    session = read_pop3(
        noted(
            "< +OK ready <1.2@host>",
            "> CAPA",
            "< +OK list",
            "< USER",
            "< SASL PLAIN login",
            "< STLS",
            "< .",
            "> STLS",
            "< +OK go",
            TLS,
            "> CAPA",
            "< +OK list",
            "< UIDL",
            "< .",
            "> QUIT",
            "< +OK bye",
        )
    )
    assert session.state is Reached.OPEN
    assert session.timestamp == "<1.2@host>"
    assert session.capa_supported is True
    assert session.capa is not None
    assert session.capa_tls is not None
    assert session.capa.offers("user")
    assert session.capa.mechanisms == ("PLAIN", "LOGIN")
    assert session.capa.event == 7
    assert dict(session.capa_tls.capabilities) == {"UIDL": ()}
    assert session.inconclusive == ""
    assert session.handshake == TLS


@pytest.mark.parametrize(
    ("transcript", "state"),
    [
        (noted("< -ERR [IN-USE] busy"), Reached.DEFERRED),
        (noted("< -ERR [SYS/TEMP] x"), Reached.DEFERRED),
        (noted("< -ERR too many connections"), Reached.THROTTLED),
        (noted("< -ERR no"), Reached.REFUSED_SERVICE),
        (noted("< * OK imap"), Reached.MALFORMED),
        (noted("< +OK hi", "> CAPA", "< -ERR what", "> QUIT", "< +OK x"), Reached.OPEN),
    ],
)
def test_pop3_states(transcript: Transcript, state: Reached) -> None:
    assert read_pop3(transcript).state is state


def test_capa_that_is_unknown_and_capa_that_never_ends() -> None:
    unknown = read_pop3(noted("< +OK hi", "> CAPA", "< -ERR what", "> QUIT", "< +OK x"))
    assert unknown.capa_supported is False
    assert unknown.capa is None
    assert unknown.inconclusive == ""
    endless = read_pop3(noted("< +OK hi", "> CAPA", "< +OK list", "< TOP", Ending.SILENT))
    assert endless.capa is None
    assert endless.capa_unterminated == 4
    assert endless.inconclusive == "the peer fell silent after CAPA"


HEARD = "220 mx|220-mx|250 STARTTLS|421 x|* OK x|a1 OK|* X {5}|+OK|.|\xff|".encode().split(b"|")
LINES = st.one_of(
    st.sampled_from(HEARD).map(lambda line: line + b"\r\n"), st.sampled_from([b"\x16\x03\x01", b"\n", b""])
)
OURS = st.sampled_from(
    [b"EHLO a\r\n", b"STARTTLS\r\n", b"RCPT TO:<x\r\n", b"a1 CAPABILITY\r\n", b"CAPA\r\n", b"\r\n"]
)
EVENTS: st.SearchStrategy[Event] = st.one_of(
    st.builds(Said, st.integers(0, 9), st.just(Who.PEER), LINES, st.booleans(), st.booleans()),
    st.builds(Said, st.integers(0, 9), st.just(Who.US), OURS, st.booleans()),
    st.builds(Secured, st.integers(0, 9), st.sampled_from([TLS, ALERT, NOT_TLS]), st.binary(max_size=5)),
    st.builds(Closed, st.integers(0, 9), st.sampled_from(Ending), st.text(max_size=3)),
    st.builds(Opened, st.integers(0, 9), st.just("192.0.2.1"), st.just(25)),
    st.builds(Remark, st.integers(0, 9), st.text(max_size=3)),
)


@settings(max_examples=100, deadline=None)
@given(st.lists(EVENTS, max_size=14))
def test_no_transcript_raises_and_every_index_is_an_event(events: list[Event]) -> None:
    transcript = Transcript(tuple(events))
    for session in (read_smtp(transcript), read_imap(transcript), read_pop3(transcript)):
        assert session.because is None or 0 <= session.because < len(events)
        assert bool(session.inconclusive) >= (session.state is not Reached.OPEN)
        for each in session.exchanges:
            assert 0 <= each.asked < len(events)
            assert 0 <= each.cited < len(events)
