"""Transcripts: their rendering, their way through JSON, and what must never enter them."""

from __future__ import annotations

import base64

import pytest
from cattrs.preconf.json import make_converter
from hypothesis import given, strategies as st

from diag.model.shown import LONGEST_QUOTED
from diag.probes.probe import Impact
from diag.probes.talks import ImapTalk, Pop3Talk, SmtpTalk, Talk
from diag.tls.handshake import AfterHandshake, Handshake, Ticket, TlsEnd, TlsFailure, TlsTrouble
from diag.wire.introduction import leads_with_name, named_host
from diag.wire.redact import Redactor
from diag.wire.transcript import (
    Closed,
    Ending,
    Event,
    Opened,
    Remark,
    Said,
    Secured,
    Transcript,
    Who,
    render,
    render_event,
    visible,
)

TLS = Handshake("TLSv1.3", "TLS_AES_256_GCM_SHA384", "X25519", "mx.example.net")
ALERT = TlsFailure(TlsTrouble.ALERT, "handshake_failure", "sslv3 alert")

RENDERED: list[tuple[Event, str]] = [
    (Opened(12, "2001:db8::1", 25), "   0.012  === connected to [2001:db8::1]:25"),
    (Said(61_234, Who.US, b"QUIT\r\n", False), "  61.234  ->  QUIT"),
    (Said(0, Who.PEER, b"220 mx\r\n", False), "   0.000  <-  220 mx"),
    (Said(0, Who.US, b"EHLO a\r\n", True), "   0.000  ~>  EHLO a"),
    (Said(0, Who.PEER, b"250 mx\r\n", True), "   0.000  <~  250 mx"),
    (Said(0, Who.PEER, b"x\r\n", False, True), "   0.000  <** x"),
    (Said(0, Who.PEER, b"x\r\n", True, True), "   0.000  <~* x"),
    (Said(0, Who.PEER, b"bare\n", False), "   0.000  <-  bare\\n"),
    (Said(0, Who.PEER, b"cut", False), "   0.000  <-  cut [no line end]"),
    (Said(0, Who.PEER, b"\x1b[2J\r\r\n", False), "   0.000  <-  \\x1b[2J\\r"),
    (
        Secured(5, TLS, b""),
        "   0.005  === TLS: TLSv1.3, TLS_AES_256_GCM_SHA384, X25519; server name mx.example.net",
    ),
    (
        Secured(5, ALERT, b"x\r\n"),
        "   0.005  *** TLS failed: alert, handshake_failure, sslv3 alert; in clear before it: x\\r\\n",
    ),
    (Closed(7, Ending.BY_US, ""), "   0.007  === closed"),
    (
        Closed(7, Ending.BY_US, "", AfterHandshake(TlsEnd.NOTIFIED, (Ticket(604_800),))),
        "   0.007  === closed",
    ),
    (
        Closed(
            7,
            Ending.BY_US,
            "",
            AfterHandshake(TlsEnd.TRUNCATED, (Ticket(604_801), Ticket(7200, 9))),
        ),
        "   0.007  === closed; the peer's side without close_notify; session ticket for 604801 s"
        "; session ticket for 7200 s, for 9 octets of early data",
    ),
    (Closed(7, Ending.SILENT, "no reply"), "   0.007  *** the peer is silent: no reply"),
    (Remark(7, "so \x07"), "   0.007  === so \\x07"),
]


@pytest.mark.parametrize(("event", "line"), RENDERED)
def test_the_notation_of_operators(event: Event, line: str) -> None:
    assert render_event(event) == line
    assert render(Transcript((event,))) == [line]


@pytest.mark.parametrize("how", Ending)
def test_every_ending_has_words(how: Ending) -> None:
    assert render_event(Closed(0, how, "")).split()[1] == ("===" if how is Ending.BY_US else "***")


def test_long_lines_are_cut_with_a_mark() -> None:
    line = render_event(Said(0, Who.PEER, b"x" * (LONGEST_QUOTED + 7) + b"\r\n", False))
    assert line.endswith("xxx [7 more characters]")
    assert len(line) < LONGEST_QUOTED + 50


@pytest.mark.parametrize(
    ("octets", "text"),
    [
        ("caf\u00e9 \u20ac".encode(), "caf\u00e9 \u20ac"),
        (b"\xff\xc3", "\\xff\\xc3"),
        ("\u202eevil\u2066\u200b\u2028\u0085".encode(), "\\u202eevil\\u2066\\u200b\\u2028\\x85"),
        (b"\0\x07\x1b\x7f\t", "\\x00\\x07\\x1b\\x7f\\t"),
        (b'it\'s "so"', 'it\'s "so"'),
    ],
)
def test_what_does_not_print_becomes_visible(octets: bytes, text: str) -> None:
    assert visible(octets) == text


@given(st.binary(max_size=200))
def test_nothing_that_is_shown_can_harm_a_terminal(octets: bytes) -> None:
    assert visible(octets).isprintable()
    assert all(line.isprintable() for line in render(Transcript((Said(0, Who.PEER, octets, False),))))


def test_transcripts_survive_json() -> None:
    transcript = Transcript(
        (*(event for event, _ in RENDERED), Secured(1, Handshake("TLSv1", "c", chain=(b"\x30\x82",)), b""))
    )
    converter = make_converter()
    assert converter.loads(converter.dumps(transcript), Transcript) == transcript


def test_a_transcript_that_is_cut_short_counts_as_failed() -> None:
    assert Transcript(()).closed.how is Ending.FAILED
    assert Transcript((Opened(0, "192.0.2.1", 25),)).closed.how is Ending.FAILED


SECRET = b"correct horse"
PLAIN = base64.b64encode(b"\0user\0correct horse")
BEARER = base64.b64encode(b"user=a\x01auth=Bearer t0ken-t0ken\x01\x01")


@pytest.mark.parametrize(
    ("ours", "kept", "echo"),
    [
        (b"AUTH PLAIN " + PLAIN + b"\r\n", b"AUTH PLAIN [redacted]\r\n", b"correct horse"),
        (b"auth xoauth2 " + BEARER + b"\r\n", b"auth xoauth2 [redacted]\r\n", b"t0ken-t0ken"),
        (b"PASS correct horse\r\n", b"PASS [redacted]\r\n", base64.b64encode(SECRET)),
        (
            b"APOP user c4c9334bac560ecc979e58001b3e22fb\r\n",
            b"APOP user [redacted]\r\n",
            b"c4c9334bac560ecc979e58001b3e22fb",
        ),
        (b"a1 LOGIN user correct\r\n", b"a1 LOGIN user [redacted]\r\n", b"correct"),
        (b'a1 login "us er" "cor\\"rect"\r\n', b'a1 login "us er" [redacted]\r\n', b'cor"rect'),
        (
            b"a1 AUTHENTICATE PLAIN " + PLAIN + b"\r\n",
            b"a1 AUTHENTICATE PLAIN [redacted]\r\n",
            b"correct horse",
        ),
    ],
)
def test_credentials_are_taken_out_and_so_is_their_echo(ours: bytes, kept: bytes, echo: bytes) -> None:
    redactor = Redactor()
    assert redactor.ours(ours) == kept
    assert redactor.theirs(b"535 bad: " + echo + b"!\r\n") == b"535 bad: [redacted]!\r\n"


def test_a_line_that_is_nothing_but_a_secret() -> None:
    redactor = Redactor()
    assert redactor.ours(PLAIN + b"\r\n", secret=True) == b"[redacted]\r\n"
    assert redactor.theirs(b"you said " + SECRET + b"\r\n") == b"you said [redacted]\r\n"


def test_secrets_known_beforehand_and_one_inside_another() -> None:
    redactor = Redactor(b"horse", b"correct horse")
    assert redactor.theirs(b"correct horse, horse\r\n") == b"[redacted], [redacted]\r\n"


@pytest.mark.parametrize(
    "line", [b"AUTH PLAIN\r\n", b"EHLO pass\r\n", b"a1 AUTHENTICATE PLAIN\r\n", b"RCPT TO:<a@b>\r\n"]
)
def test_lines_without_credentials_stay_as_they_are(line: bytes) -> None:
    assert Redactor().ours(line) == line


@pytest.mark.parametrize(
    ("text", "name", "leads"),
    [
        ("mx.example.net ESMTP Postfix", "mx.example.net", True),
        ("[192.0.2.1] ESMTP", "[192.0.2.1]", True),
        ("localhost ESMTP Postfix", "localhost", False),
        ("ESMTP ready", "", False),
        ("Microsoft ESMTP MAIL Service, Version: 10.0.14393.2608", "", False),
        ("Dovecot ready. <a.b@host.example>", "host.example", False),
        ("server (mail) ready", "mail", False),
        ("", "", False),
        ("*******0*2*****", "", False),
    ],
)
def test_how_greetings_introduce_their_host(text: str, name: str, leads: bool) -> None:
    assert named_host(text) == name
    assert leads_with_name(text) is leads


OPENSSL = "openssl s_client -crlf"


@pytest.mark.parametrize(
    ("probe", "command"),
    [
        (
            SmtpTalk("192.0.2.1", 25, "mx.a", "me"),
            OPENSSL + " -starttls smtp -connect 192.0.2.1:25 -servername mx.a",
        ),
        (
            ImapTalk("2001:db8::1", 993, "mx.a", "implicit"),
            OPENSSL + " -connect [2001:db8::1]:993 -servername mx.a",
        ),
        (
            ImapTalk("192.0.2.1", 143, "mx.a"),
            OPENSSL + " -starttls imap -connect 192.0.2.1:143 -servername mx.a",
        ),
        (
            Pop3Talk("192.0.2.1", 110, "m x"),
            OPENSSL + " -starttls pop3 -connect 192.0.2.1:110 -servername 'm x'",
        ),
        (
            SmtpTalk(
                "2001:db8::1", 25, "mx.a", "me", mail_from="", recipients=("postmaster@d.example", "o'x@d")
            ),
            "swaks --server [2001:db8::1] --port 25 --ehlo me --tls-optional --tls-sni mx.a --from '<>'"
            " --to 'postmaster@d.example,o'\\''x@d' --quit-after RCPT",
        ),
    ],
)
def test_a_reader_can_see_the_same_for_himself(probe: Talk, command: str) -> None:
    assert probe.command() == command
    assert probe.peer == probe.address
    assert probe.impact is Impact.POLITE
