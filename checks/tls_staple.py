"""Stapled OCSP responses that clients cannot use."""

from __future__ import annotations

from collections.abc import Iterator

from diag.api import (
    Absent,
    Configure,
    Finding,
    OurClock,
    Rfc,
    RunMoment,
    ServedCertificate,
    Severity,
    Unavailable,
    Undecided,
    Verdict,
    by_other_clocks,
    check,
    clock_doubt,
    rule,
    staple_fault,
)


@rule("tls/staple-bad", Severity.WARNING, Rfc(6066, "8"), Rfc(6960, "3.2"), since="1.0")
class StapleBad(Finding):
    """A server sends an OCSP response with its certificate that nobody can use.

    ## Why it matters
    Programs that look at it refuse the connection, or ask the CA themselves and tell it whom they talk to. A server
    that staples out of a file does so until somebody sees that the file is old.

    ## How to fix
    Have the server fetch a new response before the old one ends, or send none: no program insists on it unless
    the certificate does.
    """

    message = "The OCSP response that comes with the certificate at {subject} {why}."
    why: str


@check
def what_is_stapled_can_be_used(
    served: ServedCertificate, moment: RunMoment, clock: OurClock | Absent | Unavailable
) -> Iterator[Verdict]:
    """The OCSP response that comes with a certificate can be used."""
    staple, leaf, path = served.handshake.staple, served.leaf, served.whole.path
    # Without an OCSP server in the certificate there is nothing to staple; without its issuer, nobody can tell.
    if not staple or not leaf.ocsp or len(path) < 2:
        return
    ours = staple_fault(staple, leaf.der, path[1].der, moment.at)
    theirs = staple_fault(staple, leaf.der, path[1].der, by_other_clocks(moment.at, clock))
    if ours is not None and ours.by_time and moment.chosen:
        because = f"the OCSP response {ours.what}; by the moment chosen, there will be another one"
        yield Undecided(because, served.cites)
    elif ours != theirs:
        fault = ours or theirs
        assert fault is not None
        yield Undecided(f"the OCSP response {fault.what}; {clock_doubt(clock)}", served.cites)
    elif ours is not None:
        yield StapleBad(
            subject=served.subject,
            why=ours.what,
            evidence=served.cites,
            fix=(Configure(served.endpoint.host, "tls_ocsp_file =", "Exim"),),
        )
