"""Judging one conversation by itself."""

from __future__ import annotations

from typing import get_args

import anyio
import pytest

from diag.model.report import Result
from diag.probes.script import ScriptTalk
from diag.probes.talks import AnyTalk, SmtpTalk
from diag.run.endpoint import judged, leaves_tls_out, usual
from diag.run.registry import load
from diag.wire.script import Protocol, script
from diag.wire.script_text import said
from diag.wire.transcript import Closed, Ending, Event, Opened, Said, Transcript, Who

REGISTRY = load()


def heard_of(probe: AnyTalk, *lines: str) -> Transcript:
    """A conversation; `lines` are ours and the peer's, marked C: and S:."""
    events: list[Event] = [Opened(1, probe.address, probe.port)]
    for at, line in enumerate(lines, 2):
        who = Who.US if line.startswith("C: ") else Who.PEER
        events.append(Said(at, who, f"{line[3:]}\r\n".encode(), False))
    return Transcript((*events, Closed(99, Ending.BY_US, "")))


def results(probe: AnyTalk, *lines: str) -> dict[str, Result]:
    """What is made of a conversation, by check."""
    transcript = heard_of(probe, *lines)
    return {each.check: each for each in anyio.run(judged, REGISTRY, probe, transcript)}


def rules(of: dict[str, Result]) -> set[str]:
    return {finding.id for each in of.values() for finding in each.findings}


QUIT = ("C: QUIT", "S: 221 bye")


@pytest.mark.parametrize("address", ["127.0.0.1", "192.168.1.2", "fe80::1%lo", "203.0.113.1"])
def test_whoever_names_a_host_wants_it_judged_wherever_it_is(address: str) -> None:
    lines = (f"S: 220 [{address}] ESMTP", "C: EHLO me.example", f"S: 250-[{address}]", "S: 250 AUTH PLAIN")
    found = rules(results(SmtpTalk(address, 25, address, "me.example"), *lines))
    assert "smtp/auth-before-tls" in found
    assert "smtp/private-name" not in found


REFUSED = (
    *("S: 220 mx.lab.test", "C: EHLO me.example", "S: 250 mx.lab.test", "C: MAIL FROM:<>", "S: 250 ok"),
    *("C: RCPT TO:<x>", "S: 550 5.1.1 nobody here of that name", "C: RSET", "S: 250 ok", *QUIT),
)


@pytest.mark.parametrize(
    ("mail_from", "recipients", "asked"),
    [
        ("", ("postmaster@lab.test",), True),
        ("", ("Postmaster", "nobody@lab.test"), True),
        ("", ("nobody@lab.test",), False),
        ("", ("nobody@lab.test", "postmaster@lab.test"), False),
        ("me@me.example", ("postmaster@lab.test",), False),
        ("", (), False),
        (None, (), False),
    ],
)
def test_the_postmaster_is_judged_only_where_he_was_asked_for(
    mail_from: str | None, recipients: tuple[str, ...], asked: bool
) -> None:
    probe = SmtpTalk("192.168.1.2", 25, "mx", "me.example", mail_from=mail_from, recipients=recipients)
    assert ("postmaster_takes_mail" in results(probe, *REFUSED)) is asked


def test_what_else_a_host_names_is_private_where_it_is() -> None:
    lines = ("S: 220 [10.0.0.1] ESMTP", "C: EHLO me.example", "S: 250 [10.0.0.1]", *QUIT)
    assert "smtp/private-name" in rules(results(SmtpTalk("192.168.1.2", 25, "mx", "me.example"), *lines))


@pytest.mark.parametrize("spoken", get_args(Protocol))
def test_a_script_with_nothing_behind_the_usual_beginning_is_the_usual_conversation(spoken: Protocol) -> None:
    def held(*lines: str, tls: str = "none") -> AnyTalk | None:
        return usual(ScriptTalk("192.0.2.1", 26, "mx", said(spoken, lines), "me.example", tls=tls, timeout=9))

    found, implicit = held(), held(tls="implicit")
    assert found is not None
    assert implicit is not None
    assert (found.kind, found.tls, implicit.tls) == (spoken, "starttls", "implicit")
    assert (found.address, found.port, found.host, found.timeout) == ("192.0.2.1", 26, "mx", 9)
    assert held("NOOP") is None
    assert usual(found) is found


def test_a_script_that_begins_by_itself_is_no_usual_conversation() -> None:
    assert usual(ScriptTalk("192.0.2.1", 25, "mx", script("smtp", ()))) is None


@pytest.mark.parametrize(
    ("spoken", "heard", "tls", "left_out"),
    [
        ("smtp", ("S: 220 mx", "C: EHLO me", "S: 250-mx", "S: 250 starttls"), "none", True),
        ("smtp", ("S: 220 mx", "C: EHLO me", "S: 250 mx"), "none", False),
        ("smtp", ("S: 220 mx", "C: EHLO me", "S: 250-mx", "S: 250 STARTTLS"), "starttls", False),
        (
            "imap",
            ("S: * OK", "C: a1 CAPABILITY", "S: * CAPABILITY IMAP4rev1 STARTTLS", "S: a1 OK"),
            "none",
            True,
        ),
        ("sieve", ('S: "STARTTLS"', "S: OK"), "none", True),
        ("pop3", ("S: +OK", "C: CAPA", "S: +OK", "S: STLS", "S: ."), "none", True),
        ("pop3", ("S: +OK", "C: CAPA", "S: +OK", "S: UIDL", "S: ."), "none", False),
        ("pop3", ("S: +OK", "C: CAPA", "S: -ERR"), "none", True),
        ("pop3", ("S: +OK", "C: CAPA", "S: -ERR"), "starttls", True),
        ("pop3", ("S: +OK", "C: CAPA", "S: -ERR", "C: STLS", "S: -ERR"), "starttls", False),
    ],
)
def test_nothing_is_judged_where_tls_was_offered_and_left_out(
    spoken: Protocol, heard: tuple[str, ...], tls: str, left_out: bool
) -> None:
    probe = ScriptTalk("192.0.2.1", 26, "mx", said(spoken, ()), "me.example", tls=tls)
    asked = usual(probe)
    assert asked is not None
    assert leaves_tls_out(probe, heard_of(asked, *heard)) is left_out
    assert leaves_tls_out(asked, heard_of(asked, *heard)) is False
