"""Dialogues, whose next step hangs on what a host says: it may say anything, at any time."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from hashlib import sha256

from fuzz_target import Target

from diag.tls.handshake import Handshake, TlsFailure, TlsTrouble
from diag.wire import script_text
from diag.wire.actions import Bind, Dialogue, Hear, Outcome, Secure, Stop
from diag.wire.await_imap import await_imap_dialogue
from diag.wire.await_pop3 import await_pop3_dialogue
from diag.wire.chunking import chunking_dialogue
from diag.wire.clear_login import clear_login_dialogue
from diag.wire.client_injection import (
    imap_injection_dialogue,
    pop3_injection_dialogue,
    sieve_injection_dialogue,
)
from diag.wire.collect import collect_dialogue
from diag.wire.drafts import append_dialogue
from diag.wire.end_of_data import message_dialogue
from diag.wire.imap_dialogue import imap_dialogue
from diag.wire.injection import injection_dialogue
from diag.wire.introduction import leads_with_name, named_host
from diag.wire.lines import MOST_LINES, is_whole, split
from diag.wire.login import Account
from diag.wire.login_smtp import Door, smtp_login_dialogue
from diag.wire.offer import offer_dialogue
from diag.wire.pipelining import pipelining_dialogue
from diag.wire.pop3_dialogue import pop3_dialogue
from diag.wire.reach import looks_like_tls
from diag.wire.relay import Attempt, relay_dialogue
from diag.wire.script import Given, Protocol
from diag.wire.script_dialogue import script_dialogue
from diag.wire.sieve_dialogue import sieve_dialogue
from diag.wire.smtp_dialogue import smtp_dialogue
from diag.wire.submit import submit_dialogue
from diag.wire.transcript import line_text
from diag.wire.visit_imap import imap_visit_dialogue
from diag.wire.visit_pop3 import pop3_visit_dialogue

HOST, HELO, LIMIT = "mx.orchard.example", "us.example", 60.0
LEAF = b"a certificate"
SHAKEN = Handshake("TLSv1.3", "TLS_AES_256_GCM_SHA384", "X25519", HOST, chain=(LEAF,))
FAILED = TlsFailure(TlsTrouble.ALERT)
MOST_STEPS = 4000
"""Far more than any dialogue takes where lines come to an end."""


def _dialogues() -> Iterator[Dialogue]:
    for implicit in (False, True):
        for mail_from in (None, ""):
            yield smtp_dialogue(
                HOST, HELO, implicit_tls=implicit, mail_from=mail_from, recipients=("a@b",), timeout=LIMIT
            )
        yield imap_dialogue(HOST, implicit_tls=implicit, timeout=LIMIT)
        yield pop3_dialogue(HOST, implicit_tls=implicit, timeout=LIMIT)
        yield sieve_dialogue(HOST, implicit_tls=implicit, timeout=LIMIT)
        account = Account("anna", b"secret", sha256(LEAF).hexdigest())
        for token in (False, True):
            lent = Account("anna", b"secret", "", token=token)
            door = Door(HOST, 587, HELO, implicit)
            yield smtp_login_dialogue(door, lent, timeout=LIMIT, envelope=("a@b", "c@d"))
            yield imap_visit_dialogue(HOST, 143, lent, implicit_tls=implicit, timeout=LIMIT)
            yield pop3_visit_dialogue(HOST, 110, lent, implicit_tls=implicit, timeout=LIMIT)
            yield submit_dialogue(door, lent, "a@b", "c@d", ("a", "", "."), timeout=LIMIT)
            yield await_imap_dialogue(
                HOST, 143, lent, "1@b", "s", implicit_tls=implicit, patience=5, timeout=LIMIT
            )
            yield await_pop3_dialogue(HOST, 110, lent, "1@b", implicit_tls=implicit, timeout=LIMIT)
        for spoken in ("smtp", "imap", "pop3", "sieve"):
            yield offer_dialogue(spoken, b"hello", HELO, implicit_tls=implicit, timeout=LIMIT)
        yield append_dialogue(HOST, 143, account, "1@b", b"x\r\n", implicit_tls=implicit, timeout=LIMIT)
        yield collect_dialogue(HOST, 143, account, ("<1@b>", "<2@b>"), implicit_tls=implicit, timeout=LIMIT)
    for script in SCRIPTS:
        for tls in ("starttls", "none"):
            yield script_dialogue(script, GIVEN, tls=tls, may_intrude=tls == "none", timeout=LIMIT)
    yield injection_dialogue(HOST, HELO, timeout=LIMIT)
    yield imap_injection_dialogue(HOST, timeout=LIMIT)
    yield pop3_injection_dialogue(HOST, timeout=LIMIT)
    yield sieve_injection_dialogue(HOST, timeout=LIMIT)
    yield pipelining_dialogue(HOST, HELO, timeout=LIMIT)
    yield clear_login_dialogue(HOST, HELO, "anna", b"secret", timeout=LIMIT)
    for tls in ("none", "starttls"):
        yield relay_dialogue(HOST, HELO, tls, (Attempt("a@b", ("c@d",)),), "e@orchard.example", timeout=LIMIT)
        yield chunking_dialogue(HOST, HELO, tls, "e@orchard.example", timeout=LIMIT)
        for ending in ("", "LF.LF"):
            yield message_dialogue(HOST, HELO, tls, "é@orchard.example", ("a", "."), ending, timeout=LIMIT)


SPOKEN: tuple[Protocol, ...] = ("smtp", "imap", "pop3", "sieve")
GIVEN = Given(HELO, "orchard.example", HOST, "nonce")
SCRIPTS = tuple(
    script
    for spoken in SPOKEN
    for script in (
        script_text.said(spoken, ("NOOP", "TLS", "NOOP")),
        script_text.parse(
            "S:\nC: NOOP\nC: NOOP {nonce}\nS: 250 {a} | OK {a} | +OK {a}\nC: DATA\nS:\nC: {a}", spoken
        ),
    )
)


def _played(dialogue: Dialogue, lines: list[bytes]) -> int:
    """Play one as the driver does, to an end that comes where the lines end; the steps it took."""
    waiting = iter(lines)
    outcome: Outcome = None
    for step in range(MOST_STEPS):
        try:
            action = dialogue.steps.send(outcome)
        except StopIteration:
            return step
        outcome = None
        if isinstance(action, Hear):
            outcome = _heard(action, waiting)
            if outcome is None:
                break
        elif isinstance(action, Secure):
            outcome = FAILED if action.last_act else SHAKEN
        elif isinstance(action, Bind):
            outcome = (b"tls-exporter", b"bound")
        elif isinstance(action, Stop):
            break
    else:
        raise AssertionError("it goes on and on")
    dialogue.steps.close()
    return step


def _heard(action: Hear, waiting: Iterator[bytes]) -> tuple[bytes, ...] | None:
    heard: list[bytes] = []
    for line in waiting:
        last = action.end.feed(line)
        heard.append(line)
        if last:
            return tuple(heard)
        if len(heard) == MOST_LINES or not is_whole(line):
            return None
    return () if action.may_be_silent and not heard else None


def _all_played(octets: bytes) -> object:
    lines = split(octets)
    for line in lines[:4]:
        named_host(line_text(line)), leads_with_name(line_text(line)), looks_like_tls(line)
    return [_played(dialogue, lines) for dialogue in _dialogues()]


DIALOGUES = (
    Target(
        "dialogues",
        _all_played,
        (
            b"220 mx.orchard.example ESMTP\r\n",
            b"220 \r\n",
            b"250-mx\r\n",
            b"250-STARTTLS\r\n250-PIPELINING\r\n250-CHUNKING\r\n250-SMTPUTF8\r\n250-AUTH LOGIN PLAIN\r\n250 SIZE\r\n",
            b"250 2.1.0 ok\r\n",
            b"334 VXNlcm5hbWU6\r\n",
            b"235 2.7.0 in\r\n",
            b"250-AUTH SCRAM-SHA-256-PLUS SCRAM-SHA-1 CRAM-MD5 XOAUTH2\r\n",
            b"334 " + base64.b64encode(b"r=maildiagx,s=QUFBQQ==,i=2") + b"\r\n",
            b"354 go\r\n",
            b"421 4.7.0 busy\r\n",
            b"450 4.2.0 greylisted\r\n",
            b"550 5.1.1 <a@b> no\r\n",
            b"* OK [CAPABILITY IMAP4rev1 STARTTLS] hi\r\n",
            b"* PREAUTH hi\r\n",
            b"* BYE\r\n",
            b"a1 OK done\r\n",
            b"a2 OK done\r\n",
            b"a3 NO [AUTHENTICATIONFAILED] no\r\n",
            b"a4 OK done\r\n",
            b"+ go\r\n",
            b"* SEARCH 1 2\r\n",
            b"* 1 FETCH (BODY[] {3}\r\nabc)\r\n",
            b"+OK <1@a>\r\n",
            b"+OK\r\nSTLS\r\n.\r\n",
            b"-ERR no\r\n",
            b'OK "go"\r\n',
            b"NO\r\n",
            b'"STARTTLS"\r\nOK "hi"\r\n',
            b'"SASL" {3}\r\nPLA\r\nOK (TAG {2}\r\nxy) "x"\r\n',
            b"NO (TRYLATER)\r\n",
            b"\r\n",
            b"\n",
            b"\x15\x03\x01\0\x02\x02\x28\r\n",
        ),
        (
            b"220 mx ESMTP\r\n250-mx\r\n250 STARTTLS\r\n220 go\r\n250 mx\r\n250 ok\r\n250 ok\r\n250 ok\r\n221 bye\r\n",
            b"* OK hi\r\n* CAPABILITY IMAP4rev1 STARTTLS\r\na1 OK\r\na2 OK\r\n* CAPABILITY IMAP4rev1\r\na3 OK\r\na4 OK\r\n",
            b"+OK hi\r\n+OK\r\nSTLS\r\n.\r\n+OK\r\n+OK\r\nUSER\r\n.\r\n+OK\r\n",
        ),
    ),
)
