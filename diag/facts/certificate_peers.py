"""What each kind of peer makes of a served certificate: who accepts it, and why the others do not.

Three peers meet certificates of mail hosts, and look at them in three ways: a sender with neither DANE nor MTA-STS
takes any (RFC 7435), one under MTA-STS and a mail program verify it (RFC 8461 section 4.2, RFC 7817), one under DANE
compares it with the TLSA records (RFC 7672 section 3.1).
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from datetime import datetime

from diag.model.frozen import frozen
from diag.model.knowing import Absent, Many, Unavailable
from diag.records.mta_sts import Mode
from diag.tls.tlsa import Association, TlsaOutcome, TlsaResult, match_all

from .certificates import InboundCertificate, ServedCertificate
from .dane import DaneHost
from .mta_sts import StsPolicy
from .refusal import refusal
from .vantage import OurClock

MOST_REASONS = 8
"""Reasons of one peer that are kept."""


class Peer(enum.StrEnum):
    """Who meets a certificate."""

    OPPORTUNISTIC = "opportunistic"
    """A sender that knows neither DANE nor MTA-STS."""
    MTA_STS = "mta-sts"
    """A sender that honours the domain's policy."""
    DANE = "dane"
    """A sender that honours TLSA records."""
    MAIL_PROGRAM = "mail-program"


@frozen
class PeerVerdict:
    """What one peer makes of a certificate."""

    peer: Peer
    accepts: bool | None
    """None where it could not be found out."""
    reasons: tuple[str, ...] = ()
    """Why it does not, each as a predicate of the certificate: the one to mend first, then all others."""
    undecided: str = ""
    """Why it could not be found out; empty where it could."""
    enforced: bool = True
    """Whether it goes away over a certificate that it does not accept; under MTA-STS in testing it only reports."""


@frozen
class CertificatePeers:
    """One served certificate before every peer that meets it."""

    served: ServedCertificate
    peers: tuple[PeerVerdict, ...]

    @property
    def subject(self) -> str:
        """The endpoint as a subject."""
        return self.served.subject

    def of(self, peer: Peer) -> PeerVerdict | None:
        """What one makes of it; None where it never comes here."""
        return next((each for each in self.peers if each.peer is peer), None)

    @property
    def valid(self) -> bool | None:
        """Whether every peer that looks at all accepts it; None where that is open."""
        said = {each.accepts for each in self.peers if each.peer is not Peer.OPPORTUNISTIC}
        return False if False in said else None if None in said else True


def before_senders(
    served: InboundCertificate,
    dane: Many[DaneHost] | Absent | Unavailable,
    sts: StsPolicy | Absent | Unavailable,
    clock: OurClock | Absent | Unavailable,
) -> CertificatePeers:
    """What senders make of the certificate of an MX host."""
    peers = [PeerVerdict(Peer.OPPORTUNISTIC, True)]  # RFC 7435 section 3: whatever it is, it beats clear text
    peers += _under_policy(served, sts, clock)
    peers += _under_dane(served, of_host(dane, served))
    return CertificatePeers(served, tuple(peers))


def before_programs(served: ServedCertificate, clock: OurClock | Absent | Unavailable) -> CertificatePeers:
    """What mail programs make of the certificate of a server of theirs."""
    return CertificatePeers(served, (_verified(Peer.MAIL_PROGRAM, served, clock),))


def asks(sts: StsPolicy, served: ServedCertificate) -> bool:
    """Whether the policy asks this host for a valid certificate (RFC 8461 section 5)."""
    return sts.usable and sts.mode in (Mode.ENFORCE, Mode.TESTING) and sts.covers(served.endpoint.host)


def of_host(
    dane: Many[DaneHost] | Absent | Unavailable, served: ServedCertificate
) -> DaneHost | Absent | Unavailable | None:
    """What DANE says of the host."""
    return dane.get(served.endpoint.host) if isinstance(dane, Many) else dane


def why_unsure(known: DaneHost | Absent | Unavailable | None) -> str:
    """Why nobody can say whether DANE authenticates the host; empty where it can be said."""
    match known:
        case Unavailable():
            return known.because
        case DaneHost() if known.trouble:
            return known.trouble
        case _:
            return ""


def against_records(host: DaneHost, chain: tuple[bytes, ...], moment: datetime) -> tuple[TlsaResult, ...]:
    """What the usable TLSA records say of a chain (RFC 7672 section 3.1)."""
    records = [Association(each.usage, each.selector, each.matching, each.data) for each in host.usable]
    return tuple(match_all(records, chain, host.names, moment))


def _verified(
    peer: Peer, served: ServedCertificate, clock: OurClock | Absent | Unavailable, *, enforced: bool = True
) -> PeerVerdict:
    found = refusal(served, clock)
    if found.refused:
        reasons = tuple(reason.what for reason in found.refused[:MOST_REASONS])
        return PeerVerdict(peer, False, reasons, enforced=enforced)
    return PeerVerdict(peer, None if found.undecided else True, undecided=found.undecided, enforced=enforced)


def _under_policy(
    served: InboundCertificate,
    sts: StsPolicy | Absent | Unavailable,
    clock: OurClock | Absent | Unavailable,
) -> Iterator[PeerVerdict]:
    if isinstance(sts, Unavailable):
        yield PeerVerdict(Peer.MTA_STS, None, undecided=f"the MTA-STS policy is not known: {sts.because}")
    elif isinstance(sts, StsPolicy) and sts.usable and sts.mode in (Mode.ENFORCE, Mode.TESTING):
        if sts.covers(served.endpoint.host):
            yield _verified(Peer.MTA_STS, served, clock, enforced=sts.enforced)
        else:  # the host is refused before any certificate is seen (RFC 8461 section 5.1)
            reasons = ("is that of a host which the policy does not name",)
            yield PeerVerdict(Peer.MTA_STS, False, reasons, enforced=sts.enforced)


def _under_dane(
    served: InboundCertificate, known: DaneHost | Absent | Unavailable | None
) -> Iterator[PeerVerdict]:
    if unsure := why_unsure(known):
        yield PeerVerdict(Peer.DANE, None, undecided=unsure)
    elif isinstance(known, DaneHost) and known.secure:
        if not known.usable:  # TLS is a must then, and nobody is authenticated (RFC 7672 section 2.2)
            yield PeerVerdict(Peer.DANE, True)
            return
        results = against_records(known, served.handshake.chain, served.verdict.moment)
        fits = any(result.outcome is TlsaOutcome.MATCHED for result in results)
        reasons = tuple(dict.fromkeys(_unfit(result) for result in results))
        yield PeerVerdict(Peer.DANE, fits, () if fits else reasons[:MOST_REASONS])


def _unfit(result: TlsaResult) -> str:
    """Why a record does not authenticate a chain, as a predicate of the certificate."""
    record = f"{result.record.usage} {result.record.selector} {result.record.matching}"
    match result.outcome:
        case TlsaOutcome.NOT_ISSUER:
            return f"was not issued by what the TLSA record {record} names"
        case TlsaOutcome.PATH_FLAWED:
            return (
                f"rests on a path with a fault ({result.detail}), up to what the TLSA record {record} names"
            )
        case TlsaOutcome.NAME_MISMATCH:
            return f"names neither the host nor the mail domain, as the TLSA record {record} asks"
        case _:
            return f"is not what the TLSA record {record} describes"
