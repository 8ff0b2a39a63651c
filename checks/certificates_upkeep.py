"""Certificates that are accepted today: when they end, how long they last, and how they are sent."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from diag.api import (
    CHAIN,
    Absent,
    Cause,
    Certificate,
    DaneHost,
    Finding,
    InboundCertificate,
    Many,
    OurClock,
    Rfc,
    ServedCertificate,
    Severity,
    StsPolicy,
    Surplus,
    Trust,
    Unavailable,
    Undecided,
    Verdict,
    asks,
    by_other_clocks,
    check,
    clock_doubt,
    of_host,
    refusal,
    rule,
)

from .certificates import BR
from .certificates_reasons import chain_settings, cure

LEAST_LEFT = timedelta(hours=24)
"""So much should be left of the shortest certificate: a renewal that failed once must be noticed."""
TENTH = 10
"""A renewal is late when less than this part of the lifetime is left; most clients of CAs renew at a third."""


@rule("certificates/expires-soon", Severity.WARNING, Rfc(5280, "4.1.2.5"), since="1.0")
class ExpiresSoon(Finding):
    """A certificate is about to expire, and nothing has renewed it.

    ## Why it matters
    Less than a tenth of its life is left. Automatic renewal happens much earlier, so it has probably
    failed, or nobody takes care of it.

    ## How to fix
    Renew the certificate now, find out why that did not happen by itself, and let renewals reload the
    mail server.
    """

    message = "The certificate at {subject} expires on {when}: {left} of its {lifetime} days are left."
    when: str
    left: str
    lifetime: int


@check
def the_certificate_does_not_expire_soon(
    served: ServedCertificate,
    dane: Many[DaneHost] | Absent | Unavailable,
    sts: StsPolicy | Absent | Unavailable,
    clock: OurClock | Absent | Unavailable,
) -> Iterator[Verdict]:
    """The certificate was renewed in time."""
    leaf, moment = served.leaf, served.verdict.moment
    ours, theirs = _late(leaf, moment), _late(leaf, by_other_clocks(moment, clock))
    if not (ours or theirs):
        return
    # What has expired, or is to be replaced for another reason, is told already.
    told = {reason.cause for reason in refusal(served, clock).reasons}
    if told - CHAIN or _date_is_ignored(served, dane, sts):
        return
    if ours != theirs:
        yield Undecided(f"the certificate expires on {_day(leaf)}; {clock_doubt(clock)}", served.cites)
        return
    left = leaf.not_after - moment
    yield ExpiresSoon(
        subject=served.subject,
        when=_day(leaf),
        left=_days(left),
        lifetime=round(leaf.lifetime / timedelta(days=1)),
        evidence=served.cites,
        fix=cure(served, Cause.EXPIRED),
    )


def _late(leaf: Certificate, moment: datetime) -> str:
    """Whether a renewal is late at a moment, or too late; empty where neither."""
    left = leaf.not_after - moment
    if left > max(leaf.lifetime / TENTH, LEAST_LEFT):
        return ""
    return "late" if left >= timedelta() else "too late"


def _day(leaf: Certificate) -> str:
    return f"{leaf.not_after:%Y-%m-%d %H:%M} UTC"


def _date_is_ignored(
    served: ServedCertificate,
    dane: Many[DaneHost] | Absent | Unavailable,
    sts: StsPolicy | Absent | Unavailable,
) -> bool:
    """Whether those who verify go by DANE-EE records alone (RFC 7672 section 3.1.1)."""
    if not isinstance(served, InboundCertificate) or (isinstance(sts, StsPolicy) and asks(sts, served)):
        return False
    known = of_host(dane, served)
    return (
        isinstance(known, DaneHost)
        and known.authenticates
        and all(record.usage == 3 for record in known.usable)
    )


def _days(left: timedelta) -> str:
    days = left / timedelta(days=1)
    return f"{days:.0f}" if days >= 2 else f"{days:.1f}"


@rule("certificates/wrong-order", Severity.NOTICE, Rfc(8446, "4.4.2"), Rfc(5246, "7.4.2"), since="1.0")
class WrongOrder(Finding):
    """A server sends its certificates in the wrong order.

    ## Why it matters
    Each certificate should be followed by that of its issuer. Modern clients sort them out; old ones,
    and small devices such as printers, give up.

    ## How to fix
    Put the server's own certificate first into the file, then its issuer, then that one's issuer.
    """

    message = "The certificates at {subject} are sent in the order {order}."
    order: str


@check
def certificates_are_sent_in_order(served: ServedCertificate) -> Iterator[Finding]:
    """Certificates are sent in order, each before its issuer."""
    if served.verdict.wrong_order:
        order = ", ".join(certificate.label for certificate in served.chain)
        yield WrongOrder(
            subject=served.subject, order=order, evidence=served.cites, fix=chain_settings(served)
        )


@rule("certificates/extra-certificates", Severity.INFO, Rfc(8446, "4.4.2"), Rfc(7672, "3.1.2"), since="1.0")
class ExtraCertificates(Finding):
    """A server sends certificates that nobody needs.

    ## Why it matters
    They cost every connection some packets. Clients pass over them, as they should; old ones gave up on a chain
    when one of its certificates had expired, needed or not.

    ## How to fix
    Serve what the CA delivers, once: the server's own certificate, then its intermediates. A root need not be sent,
    except where a TLSA record with usage 2 names it.
    """

    message = "The server at {subject} sends {which}, which nobody needs."
    which: str


@check
def no_certificate_is_sent_for_nothing(
    served: ServedCertificate, dane: Many[DaneHost] | Absent | Unavailable
) -> Iterator[Finding]:
    """Every certificate that is sent is needed."""
    if served.verdict.trust is not Trust.TRUSTED:  # then nobody knows what is needed
        return
    extras = [extra for extra in served.verdict.extras if not _anchors(served, dane, extra.surplus)]
    if extras:
        yield ExtraCertificates(
            subject=served.subject,
            which=" and ".join(f"{_SURPLUS[extra.surplus]} ({extra.label[:80]})" for extra in extras[:3]),
            evidence=served.cites,
            fix=chain_settings(served),
        )


_SURPLUS = {
    Surplus.DUPLICATE: "a certificate twice",
    Surplus.ROOT: "a root",
    Surplus.UNRELATED: "a certificate that leads nowhere",
}


def _anchors(
    served: ServedCertificate, dane: Many[DaneHost] | Absent | Unavailable, surplus: Surplus
) -> bool:
    """Whether senders under DANE may need it as the trust anchor of a TLSA record (RFC 7672 section 3.1.2)."""
    if surplus is not Surplus.ROOT or not isinstance(served, InboundCertificate):
        return False
    known = of_host(dane, served)
    if isinstance(known, DaneHost):
        return bool(known.trouble) or any(record.usage == 2 for record in known.records)
    return isinstance(known, Unavailable)


@rule("certificates/lifetime-too-long", Severity.NOTICE, BR, since="1.0")
class LifetimeTooLong(Finding):
    """A certificate of a public CA lasts longer than public CAs may let it.

    ## Why it matters
    Some clients refuse certificates that break the limits they know; mail servers do not look. A CA
    that notices has to revoke the certificate within days.

    ## How to fix
    Have it reissued for a shorter time, and renew it automatically: the limit goes down to 47 days.
    """

    message = (
        "The certificate at {subject} lasts {days} days; for one issued on {issued}, {limit} are allowed."
    )
    days: str
    issued: str
    limit: int


@check
def the_certificate_lasts_no_longer_than_allowed(served: ServedCertificate) -> Iterator[Finding]:
    """The certificate of a public CA lasts no longer than it may."""
    verdict, leaf = served.verdict, served.leaf
    if served.public and verdict.lifetime_too_long:  # private CAs may set any
        assert verdict.lifetime_limit is not None
        yield LifetimeTooLong(
            subject=served.subject,
            days=f"{leaf.lifetime / timedelta(days=1):.5f}".rstrip("0").rstrip("."),
            issued=f"{leaf.not_before:%Y-%m-%d}",
            limit=verdict.lifetime_limit.days,
            evidence=served.cites,
            fix=cure(served, Cause.EXPIRED),
        )
