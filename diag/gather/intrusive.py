"""Asking hosts to relay, where the user wants that: one conversation for each address and port."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import TypeVar

from diag.facts.clients import SubmissionSurvey
from diag.facts.inbound import InboundSurvey
from diag.facts.intrusive import InboundRelay, SubmissionRelay
from diag.model.knowing import Absent, Cite, Many, Unavailable
from diag.model.plugin import fact
from diag.model.target import Endpoint, Target
from diag.names.domain import is_below, is_hostname, labels
from diag.probes.moment import Nonce, Route
from diag.probes.probe import Lab
from diag.probes.relay import RelayTalk, RelayTls
from diag.probes.talks import SmtpTalk
from diag.tls.handshake import Handshake
from diag.together import all_of
from diag.wire.reach import Reached
from diag.wire.relay import Attempt, Relaying, Taken, read_relay
from diag.wire.smtp_session import SmtpSession

NOT_ASKED = "relaying is tried only where that is asked for (--intrusive)"
NOBODYS = ("example.org", "example.net")
"""Domains that nobody has (RFC 2606 section 3); the second one for a target that belongs to the first."""
SAME_NETWORK = {4: 24, 6: 48}
"""Prefix lengths within which a host may count us as one of its own."""

S = TypeVar("S", InboundSurvey, SubmissionSurvey)


@fact
async def inbound_relays(
    target: Target, surveys: Many[InboundSurvey], lab: Lab
) -> Many[InboundRelay] | Absent:
    """The MX hosts on port 25."""
    if not target.intrusive:
        return Absent(NOT_ASKED)
    tried = once_an_address(surveys.items)

    async def ask(subject: str) -> InboundRelay | Absent | Unavailable:
        survey = tried[subject]
        if isinstance(survey, Absent | Unavailable):
            return survey
        asked = await _asked(target, survey.endpoint, survey.probe, survey.session, lab, local="")
        if isinstance(asked, Unavailable):
            return asked
        read, cite = asked
        return InboundRelay(
            endpoint=survey.endpoint,
            taken=read.taken,
            sender=read.sender,
            recipient=read.recipient,
            cite=cite,
            look=survey.look,
        )

    return Many(await all_of(ask, tried))


@fact
async def submission_relays(
    target: Target, surveys: Many[SubmissionSurvey], lab: Lab
) -> Many[SubmissionRelay] | Absent:
    """The ports for submission, where recipients of the domain itself are for those logged in, too."""
    if not target.intrusive:
        return Absent(NOT_ASKED)
    tried = once_an_address(surveys.items)
    local = f"postmaster@{target.domain}"

    async def ask(subject: str) -> SubmissionRelay | Absent | Unavailable:
        survey = tried[subject]
        if isinstance(survey, Absent | Unavailable):
            return survey
        asked = await _asked(target, survey.endpoint, survey.probe, survey.session, lab, local=local)
        if isinstance(asked, Unavailable):
            return asked
        read, cite = asked
        return SubmissionRelay(
            endpoint=survey.endpoint,
            taken=read.taken,
            sender=read.sender,
            recipient=read.recipient,
            cite=cite,
            survey=survey,
        )

    return Many(await all_of(ask, tried))


def once_an_address(
    surveys: Mapping[str, S | Absent | Unavailable],
) -> dict[str, S | Absent | Unavailable]:
    """The conversations to go on from: one for each address and port, whatever names lead there.

    What we could not talk to is passed on; where something else than SMTP is spoken, other rules say so.
    """
    chosen: dict[str, S | Absent | Unavailable] = {}
    seen: set[tuple[str, int]] = set()
    for subject, survey in surveys.items():
        if isinstance(survey, Absent | Unavailable):
            chosen[subject] = survey
            continue
        place = (survey.endpoint.address, survey.endpoint.port)
        if survey.session.state is Reached.OPEN and place not in seen:
            seen.add(place)
            chosen[subject] = survey
        elif survey.session.state is Reached.THROTTLED:
            chosen[subject] = Unavailable(survey.session.inconclusive, (Cite(survey.probe),))
    return chosen


async def _asked(
    target: Target, endpoint: Endpoint, usual: SmtpTalk, session: SmtpSession, lab: Lab, *, local: str
) -> tuple[Relaying, Cite] | Unavailable:
    """What the host does with the attempts."""
    ours = await our_address(endpoint, lab)
    if isinstance(ours, Unavailable):
        return ours
    nonce = (await lab.run(Nonce())).text
    probe = RelayTalk(
        address=endpoint.address,
        port=endpoint.port,
        host=endpoint.host,
        helo=usual.helo,
        tls=tls_as_before(session),
        attempts=attempts(target, endpoint, ours, nonce),
        local=local,
        timeout=target.timeout,
        routed=routed(target, endpoint, nonce),
    )
    read = read_relay(await lab.run(probe), local, probe.routed)
    cite = Cite(probe, read.event)
    return Unavailable(read.because, (cite,)) if read.taken is Taken.UNKNOWN else (read, cite)


async def our_address(endpoint: Endpoint, lab: Lab) -> str | Unavailable:
    """Our own address, empty where it is not known; Unavailable where a host may take us for one of its own.

    Many hosts rightly relay for their own network, and spare it their guards: what we see there says
    nothing of strangers.
    """
    ours = (await lab.run(Route(6 if ":" in endpoint.address else 4))).address
    if _neighbours(ours, endpoint.address):
        return Unavailable(f"this machine ({ours}) and {endpoint.address} are in the same network")
    return ours


def tls_as_before(session: SmtpSession) -> RelayTls:
    """TLS as it came about before; a host on which it fails may relay in plain text."""
    if not isinstance(session.handshake, Handshake):
        return "none"
    return "implicit" if session.implicit_tls else "starttls"


def _neighbours(ours: str, theirs: str) -> bool:
    if not ours:
        return False
    address = ipaddress.ip_address(theirs)
    network = ipaddress.ip_network(f"{ours}/{SAME_NETWORK[address.version]}", strict=False)
    return address in network


def attempts(target: Target, endpoint: Endpoint, ours: str, nonce: str) -> tuple[Attempt, ...]:
    """Senders and recipients that show an open relay: only paths that end in a domain elsewhere.

    `ours` is our own address, empty where it is not known.
    """
    away = elsewhere(target, endpoint)
    plain = f"{nonce}@{away}"
    forms = [plain, f"@{target.domain}:{plain}"]  # the second is a source route (RFC 5321 appendix F.2)
    if ours and target.counts_as_public(ours):
        forms.append(f"{nonce}@{_literal(ours)}")
    senders = (
        "",
        f"postmaster@{target.domain}",
        f"postmaster@{_literal(endpoint.address)}",
        f"postmaster@{endpoint.host}",
    )
    return (
        Attempt(f"probe@{away}", tuple(forms)),
        *(Attempt(sender, (plain,)) for sender in senders),
    )


def routed(target: Target, endpoint: Endpoint, nonce: str) -> tuple[str, ...]:
    """Mailboxes of the domain whose local parts lead elsewhere, as hosts of old were told to pass mail on.

    The first one is a mailbox that nobody has, and leads nowhere: a host that takes that as well takes everything,
    and shows nothing by the others.
    """
    domain, away = target.domain, elsewhere(target, endpoint)
    return (
        f"{nonce}@{domain}",
        f"{nonce}%{away}@{domain}",
        f'"{nonce}@{away}"@{domain}',
        f"{nonce}@{away}@{domain}",
        f"{away}!{nonce}@{domain}",
        f"{nonce}%{away}",
        f"{away}!{nonce}",
    )


def elsewhere(target: Target, endpoint: Endpoint) -> str:
    """The user's name for himself, where the host can have nothing to do with it; else a domain of nobody."""
    helo = target.helo.lower().rstrip(".")
    near = {tuple(labels(name)[-2:]) for name in (target.domain, endpoint.host)}
    if len(labels(helo)) > 1 and is_hostname(helo) and tuple(labels(helo)[-2:]) not in near:
        return helo
    return next(name for name in NOBODYS if target.domain != name and not is_below(target.domain, name))


def _literal(address: str) -> str:
    """RFC 5321 section 4.1.3."""
    return f"[IPv6:{address}]" if ":" in address else f"[{address}]"
