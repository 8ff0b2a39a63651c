"""What came back proves something where a host of the domain says that it could not deliver this very message."""

from __future__ import annotations

import pytest

from diag.facts.inbound import Look
from diag.facts.intrusive import InboundReturn, InboundStrangers
from diag.gather.backscatter import _judged, _Sent
from diag.model.knowing import Cite, Unavailable
from diag.model.target import Endpoint, Target
from diag.probes.intrusive import ReturnedTalk
from diag.probes.talks import SmtpTalk
from diag.wire.smtp_session import read_smtp
from diag.wire.transcript import Closed, Ending, Transcript

NOBODY = "qzxr0@lantern.example"
AT = Endpoint("mx1.provider.example", "198.51.100.10", 25)
PROBE = ReturnedTalk(
    address="198.51.100.30",
    port=993,
    host="mail.lantern.example",
    tls="implicit",
    certificate="",
    login="anna@lantern.example",
    secret="env:X",
    token=False,
    mailboxes=(NOBODY,),
)


def sent() -> _Sent:
    heard = Transcript((Closed(0, Ending.BY_US, ""),))
    look = Look(SmtpTalk(AT.address, 25, AT.host, "probe.example"), heard, read_smtp(heard))
    strangers = InboundStrangers(endpoint=AT, taken=True, mailboxes=("a@x", "b@x"), look=look, cites=())
    return _Sent(strangers, NOBODY, Cite("sent"))


def report(reporter: str, recipient: str = NOBODY, action: str = "failed") -> bytes:
    return (
        "Content-Type: multipart/report; report-type=delivery-status\r\n\r\n"
        f"Reporting-MTA: dns; {reporter}\r\n\r\nFinal-Recipient: rfc822; {recipient}\r\nAction: {action}\r\n"
    ).encode()


def judged(octets: bytes | None) -> InboundReturn | Unavailable:
    found = None if octets is None else (octets, 7)
    return _judged(sent(), found, PROBE, Target("lantern.example"))


@pytest.mark.parametrize(
    "reporter", ["mx1.provider.example", "inside.lantern.example", "out.PROVIDER.example"]
)
def test_a_host_of_the_domain_or_of_its_provider_proves_it(reporter: str) -> None:
    found = judged(report(reporter))
    assert isinstance(found, InboundReturn)
    assert (found.reporter, found.mailbox) == (reporter.lower(), NOBODY)
    assert found.cites == (Cite("sent"), Cite(PROBE, 7))


@pytest.mark.parametrize(
    ("octets", "because"),
    [
        (None, "nothing was returned within 60 s"),
        (report("mx.elsewhere.example"), "returned by mx.elsewhere.example, not by a host of the domain"),
        (report(""), "returned by a host without a name"),
        (report("localhost"), "returned by localhost"),
        (report("mx1.provider.example", action="delayed"), "no notification of a failure"),
        (report("mx1.provider.example", "someone.else@lantern.example"), "no notification of a failure"),
        (b"Subject: a copy of the message itself\r\n\r\nhello", "no notification of a failure"),
    ],
)
def test_everything_less_leaves_it_open(octets: bytes | None, because: str) -> None:
    found = judged(octets)
    assert isinstance(found, Unavailable)
    assert because in found.because
