"""Who accepts each certificate that mail hosts present, and why the others do not, in words."""

from __future__ import annotations

from dataclasses import dataclass

from diag.api import CertificatePeers, Many, Peer, PeerVerdict, Report, Severity

from . import states

WHO = {
    Peer.OPPORTUNISTIC: "senders that take any",
    Peer.MTA_STS: "senders under MTA-STS",
    Peer.DANE: "senders under DANE",
    Peer.MAIL_PROGRAM: "mail programs",
}
"""Each kind of peer, for people."""
_MOST_PLACES = 4


@dataclass(frozen=True, slots=True)
class PeerLine:
    """What one kind of peer makes of one certificate."""

    shown: states.Shown
    """The peer, after the words "accepted by"."""
    why: str
    """Why it does not accept it, or why that is not known; empty where it accepts."""
    places: tuple[str, ...]
    """The endpoints where that is so; none where it is so wherever it meets the certificate."""


def seen_by(report: Report) -> tuple[CertificatePeers, ...]:
    """What was made of every certificate, endpoint by endpoint."""
    known = report.fact(CertificatePeers)
    return tuple(known.values()) if isinstance(known, Many) else ()


def peer_lines(report: Report) -> dict[bytes, tuple[PeerLine, ...]]:
    """By end-entity certificate in DER: what every peer makes of it, in the order of `Peer`."""
    met: dict[bytes, dict[Peer, dict[PeerVerdict, list[str]]]] = {}
    for each in seen_by(report):
        of_leaf = met.setdefault(each.served.leaf.der, {})
        for verdict in each.peers:
            of_leaf.setdefault(verdict.peer, {}).setdefault(verdict, []).append(each.subject)
    return {
        der: tuple(
            _line(verdict, places if len(verdicts) > 1 else [])
            for peer in Peer
            for verdicts in (of_leaf.get(peer, {}),)
            for verdict, places in verdicts.items()
        )
        for der, of_leaf in met.items()
    }


def _line(verdict: PeerVerdict, places: list[str]) -> PeerLine:
    who = WHO[verdict.peer]
    more = [f"{len(places) - _MOST_PLACES} more"] if len(places) > _MOST_PLACES else []
    where = (*places[:_MOST_PLACES], *more)
    if verdict.accepts:
        return PeerLine(states.good(who), "", where)
    if verdict.accepts is None:
        return PeerLine(states.unknown(f"{who}: not known"), verdict.undecided, where)
    why = "it " + "; it ".join(verdict.reasons)
    if not verdict.enforced:
        return PeerLine(states.short(Severity.WARNING, f"{who}: accepted, and reported"), why, where)
    return PeerLine(states.short(Severity.ERROR, f"not by {who}"), why, where)
