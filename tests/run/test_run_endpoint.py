"""Judging one conversation by itself."""

from __future__ import annotations

import anyio
import pytest

from diag.model.report import Result
from diag.probes.talks import SmtpTalk
from diag.run.endpoint import judged
from diag.run.registry import load
from diag.wire.transcript import Closed, Ending, Event, Opened, Said, Transcript, Who

REGISTRY = load()


def results(probe: SmtpTalk, *lines: str) -> dict[str, Result]:
    """What is made of a conversation, by check; `lines` are ours and the peer's, marked C: and S:."""
    events: list[Event] = [Opened(1, probe.address, probe.port)]
    for at, line in enumerate(lines, 2):
        who = Who.US if line.startswith("C: ") else Who.PEER
        events.append(Said(at, who, f"{line[3:]}\r\n".encode(), False))
    transcript = Transcript((*events, Closed(99, Ending.BY_US, "")))
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
