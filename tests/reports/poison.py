"""A report with the same hostile text wherever text comes from elsewhere."""

from __future__ import annotations

import dataclasses

import sample

from diag.facts.dane import DaneHost
from diag.facts.dkim import DkimKeyFound
from diag.facts.dnssec import DnssecStatus
from diag.facts.moment import VantagePoint
from diag.facts.mta_sts import StsPolicy
from diag.facts.mx import MailExchange, MxHost, Routing
from diag.facts.reverse import PointerName, ReverseName
from diag.facts.tlsrpt import TlsrptFound
from diag.model.fix import Configure, Publish
from diag.model.knowing import Absent, Cite, Many, Unavailable
from diag.model.report import Report, Result, Status, Waiver
from diag.probes.talks import SmtpTalk
from diag.records.mta_sts import StsPolicyFile
from diag.wire.transcript import Closed, Ending, Opened, Said, Transcript, Who

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "javascript:alert(1)",
    "\x1b[31mred\x1b[0m",
    "\u202eevil\u2066",
    "a\u200bb\u00adc\ufeff",
    "{{ 7 * 7 }}{% raw %}",
    "</pre></details></main><h1>mine</h1>",
    "\x00\x07\r\n\u2028",
)


def poisoned(bad: str) -> Report:
    """A report with the same text wherever text comes from elsewhere."""
    base = sample.broken()
    octets = bad.encode()
    talk = SmtpTalk("203.0.113.9", 25, bad, "probe.example")
    transcript = Transcript(
        (
            Opened(1, "203.0.113.9", 25),
            Said(2, Who.PEER, octets + b"\r\n", False),
            Said(3, Who.PEER, octets, False, True),
            Closed(4, Ending.FAILED, bad),
        )
    )
    finding = sample.LineSaid(
        subject=bad,
        said=bad,
        evidence=(Cite(talk, 1), Cite(talk)),
        fix=(Publish(bad, "TXT", bad), Configure(bad, bad, bad)),
    )
    host = MxHost(bad, 10, bad, (bad,), True, ("203.0.113.9",), (), bad, False, ())
    name = PointerName(bad, (bad,), False, bad)
    policy = StsPolicyFile.parse(f"version: STSv1\nmode: enforce\nmx: {bad}\nmax_age: 1".encode())
    reverse = ReverseName(bad, (bad,), bad, bad, (name,), bad, False, ())
    return dataclasses.replace(
        base,
        results=(
            sample.failed(finding),
            sample.undecided(bad, bad, Cite(talk, 2)),
            Result("c", bad, bad, bad, Status.CRASHED, because=bad),
        ),
        evidence={**base.evidence, talk: transcript},
        facts={
            **base.facts,
            Routing: Routing(bad, (MailExchange(10, bad),), False, False, ()),
            MxHost: Many({bad: host}),
            VantagePoint: Unavailable(bad),
            ReverseName: Many({bad: reverse, "192.0.2.2": Unavailable(bad), "192.0.2.3": Absent(bad)}),
            DkimKeyFound: Many({bad: Unavailable(bad)}),
            DnssecStatus: Unavailable(bad),
            TlsrptFound: Unavailable(bad),
            DaneHost: Many({bad: Unavailable(bad), "b.example": Absent(bad)}),
            StsPolicy: StsPolicy(bad, bad, bad, policy, ()),
        },
        partial=bad,
        proposed=bad,
        versions={bad: bad},
        waived=((finding, Waiver("a/b", bad, bad)),),
    )
