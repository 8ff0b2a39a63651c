"""Readers of what hosts say."""

from __future__ import annotations

from fuzz_target import Target

from diag.tls.handshake import Handshake
from diag.wire import imap, pop3, script_text, sieve, smtp
from diag.wire.await_imap import read_imap_arrival
from diag.wire.await_pop3 import read_pop3_arrival
from diag.wire.chunking import read_chunking
from diag.wire.clear_login import read_clear_login
from diag.wire.client_injection import read_imap_injection, read_pop3_injection, read_sieve_injection
from diag.wire.collect import read_collection
from diag.wire.drafts import read_append
from diag.wire.end_of_data import read_message
from diag.wire.injection import read_injection
from diag.wire.lines import split
from diag.wire.login_smtp import read_smtp_login, read_stranger
from diag.wire.pipelining import read_pipelining
from diag.wire.reading import read_imap, read_pop3, read_sieve, read_smtp
from diag.wire.redact import Redactor
from diag.wire.relay import read_relay
from diag.wire.script import BadScript, Given
from diag.wire.script_read import read_script
from diag.wire.submit import read_submission
from diag.wire.transcript import (
    Closed,
    Ending,
    Event,
    Opened,
    Said,
    Secured,
    Transcript,
    Who,
    render,
    visible,
)
from diag.wire.visit_imap import read_imap_visit
from diag.wire.visit_pop3 import read_pop3_visit


def transcript(octets: bytes) -> Transcript:
    """A conversation from lines: those that begin with `> ` are ours, `TLS` is a handshake, all else the peer's."""
    events: list[Event] = [Opened(0, "192.0.2.1", 25)]
    secure = False
    for at, line in enumerate(split(octets)):
        if line.startswith(b"TLS"):
            events.append(
                Secured(at, Handshake("TLSv1.3", "TLS_AES_256_GCM_SHA384", "X25519", "mx.example"), line[3:])
            )
            secure = True
        elif line.startswith(b"> "):
            events.append(Said(at, Who.US, line[2:], secure))
        else:
            events.append(Said(at, Who.PEER, line, secure, unexpected=line.startswith(b"!")))
    return Transcript((*events, Closed(9, Ending.BY_PEER, "")))


SCRIPT = script_text.parse(
    "S: 220\nC: EHLO a\nS: 250 {a}\nC: STARTTLS\nTLS\nC: MAIL FROM:<>\nC: RCPT TO:<{a}>", "smtp"
)
GIVEN = Given("a", "b", "c", "d")


def _conversation(octets: bytes) -> object:
    found = transcript(octets)
    render(found)
    return [
        read(found)
        for read in (
            read_smtp,
            read_imap,
            read_pop3,
            read_sieve,
            lambda each: read_script(each, SCRIPT, GIVEN, tls="none", timeout=60.0),
            read_injection,
            read_imap_injection,
            read_pop3_injection,
            read_sieve_injection,
            read_pipelining,
            read_chunking,
            read_clear_login,
            read_relay,
            lambda each: read_message(each, "crlf"),
            lambda each: read_collection(each, ("1", "2")),
            read_smtp_login,
            read_stranger,
            read_submission,
            read_imap_visit,
            read_append,
            read_imap_arrival,
            read_pop3_visit,
            read_pop3_arrival,
        )
    ]


def _smtp(octets: bytes) -> object:
    reply = smtp.parse_reply(split(octets))
    return reply, smtp.parse_ehlo(reply)


def _imap(octets: bytes) -> object:
    lines = split(octets)
    for end in (imap.ResponseEnd(), imap.CommandEnd(b"a1")):
        for line in lines:
            if end.feed(line):
                break
    return imap.parse_responses(lines), imap.parse_response(lines)


def _pop3(octets: bytes) -> object:
    return pop3.parse_response(split(octets), many=True), pop3.parse_response(split(octets), many=False)


def _sieve(octets: bytes) -> object:
    lines = split(octets)
    end = sieve.SieveEnd()
    for line in lines:
        if end.feed(line):
            break
    answer = sieve.parse_answer(lines)
    return answer, dict(answer.capabilities), str(answer)


def _script(octets: bytes) -> object:
    try:
        return script_text.parse(octets.decode("utf-8", "replace"), "imap")
    except BadScript as error:
        return str(error)


def _redacted(octets: bytes) -> object:
    redactor = Redactor(b"secret")
    for line in split(octets):
        redactor.ours(line)
    return [redactor.theirs(line) for line in split(octets)]


SAID = (
    Target(
        "smtp-reply",
        _smtp,
        (
            b"250-",
            b"250 ",
            b"\r\n",
            b"\n",
            b"AUTH PLAIN LOGIN",
            b"SIZE 1000",
            b"STARTTLS",
            b"5.7.1 ",
            b"9",
            b"25",
            b" ",
            b"-",
            b"=",
        ),
        (b"250-mx.orchard.example\r\n250-SIZE 1000\r\n250 STARTTLS\r\n",),
    ),
    Target(
        "imap-response",
        _imap,
        (
            b"* ",
            b"OK ",
            b"CAPABILITY ",
            b"IMAP4rev1 ",
            b"[",
            b"]",
            b"{3}\r\n",
            b"{999999999}\r\n",
            b"abc",
            b"\r\n",
            b"a1 OK",
            b'"',
            b"(",
            b")",
            b"\\",
        ),
        (b"* CAPABILITY IMAP4rev1 STARTTLS\r\na1 OK done\r\n", b"* 1 FETCH (BODY[] {3}\r\nabc)\r\n"),
    ),
    Target(
        "pop3-response",
        _pop3,
        (b"+OK ", b"-ERR ", b"\r\n", b".", b"..", b"SASL PLAIN\r\n", b"<1.2@a>", b"<", b"[SYS/TEMP] "),
        (b"+OK\r\nSTLS\r\nSASL PLAIN\r\n.\r\n",),
    ),
    Target(
        "sieve-answer",
        _sieve,
        (
            b"OK",
            b"NO ",
            b"BYE",
            b"(TAG ",
            b")",
            b'"',
            b"\\",
            b"{3}\r\n",
            b"{99999999999}\r\n",
            b"abc",
            b"\r\n",
            b"\n",
            b" ",
        ),
        (b'"SASL" "PLAIN"\r\n"X" {3}\r\na"b\r\nOK (TAG {2}\r\nxy) "done"\r\n',),
    ),
    Target(
        "script",
        _script,
        (
            b"S: ",
            b"C: ",
            b"TLS\n",
            b"PAUSE ",
            b"1",
            b"{a}",
            b"{tag}",
            b"\n",
            b" | ",
            b"LOGIN",
            b"[[step]]\n",
            b"say = ",
            b'"x"',
        ),
        (b"S: * OK\nC: {tag} NOOP\nS: OK {a}\n", b"[[step]]\nsay = 'NOOP'\n[[step]]\npause = 1\n"),
    ),
    Target(
        "conversation",
        _conversation,
        (
            b"220 mx ESMTP\r\n",
            b"> EHLO a\r\n",
            b"250-mx\r\n",
            b"250 STARTTLS\r\n",
            b"> STARTTLS\r\n",
            b"TLS",
            b"\r\n",
            b"> MAIL FROM:<>\r\n",
            b"> RCPT TO:<a@b>\r\n",
            b"250 2.1.5 ok\r\n",
            b"421 4.7.0 try later\r\n",
            b"550 5.1.1 no\r\n",
            b"> DATA\r\n",
            b"354 go\r\n",
            b"> .\r\n",
            b"> QUIT\r\n",
            b"* OK [CAPABILITY IMAP4rev1] hi\r\n",
            b"> a1 CAPABILITY\r\n",
            b"a1 OK\r\n",
            b"* BAD\r\n",
            b"{9}\r\n",
            b"+OK <1@a>\r\n",
            b"> CAPA\r\n",
            b".\r\n",
            b"-ERR no\r\n",
            b"!250 unasked\r\n",
            b"> AUTH PLAIN [redacted]\r\n",
            b"> BDAT 5 LAST\r\n",
            b"\n",
        ),
        (
            b"220 mx\r\n> EHLO a\r\n250-mx\r\n250 STARTTLS\r\n> STARTTLS\r\n220 go\r\n"
            b"TLS\r\n> EHLO a\r\n250 mx\r\n> QUIT\r\n221 bye\r\n",
        ),
    ),
    Target(
        "redact",
        _redacted,
        (
            b"AUTH PLAIN ",
            b"AGEAc2VjcmV0",
            b"PASS ",
            b"a1 LOGIN ",
            b'"',
            b"\\",
            b"secret",
            b" ",
            b"\r\n",
            b"APOP a ",
        ),
        (b"a1 LOGIN anna secret\r\nPASS secret\r\n",),
    ),
    Target("visible", visible, (b"a", b"\x1b[31m", "\u202e".encode(), b"\xff", b"\\"), (b"abc",)),
)
