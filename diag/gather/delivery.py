"""What senders do with mail for the domain, out of what the run has seen: nobody is asked for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from diag.facts.certificate_peers import CertificatePeers, before_senders
from diag.facts.certificates import InboundCertificate
from diag.facts.dane import DaneHost
from diag.facts.delivery import (
    Delivery,
    DeliveryAttempt as Attempt,
    DeliveryCause as Cause,
    DeliveryOutcome as Outcome,
    HostAsMet,
    Sender,
)
from diag.facts.delivery_met import Place, attempt_of
from diag.facts.dnssec import Security
from diag.facts.hellos import InboundHandshake
from diag.facts.inbound import MX_PORT, InboundContact, InboundMailbox, InboundOffer
from diag.facts.moment import VantagePoint
from diag.facts.mta_sts import StsPolicy
from diag.facts.mx import MxHost, Routing
from diag.facts.refusal import Refusal, refusal
from diag.facts.vantage import OurClock
from diag.model.knowing import Absent, Many, Unavailable, items_of
from diag.model.plugin import fact
from diag.model.target import Endpoint, Target
from diag.records.mta_sts import Mode

T = TypeVar("T")
Known = Many[T] | Absent | Unavailable


@fact
async def delivery(
    target: Target,
    routing: Routing | Absent | Unavailable,
    hosts: Many[MxHost] | Absent | Unavailable,
    contacts: Many[InboundContact] | Absent | Unavailable,
    handshakes: Many[InboundHandshake] | Absent | Unavailable,
    mailboxes: Many[InboundMailbox] | Absent | Unavailable,
    offers: Many[InboundOffer] | Absent | Unavailable,
    certificates: Many[InboundCertificate] | Absent | Unavailable,
    dane: Many[DaneHost] | Absent | Unavailable,
    policy: StsPolicy | Absent | Unavailable,
    clock: OurClock | Absent | Unavailable,
    vantage: VantagePoint | Absent | Unavailable,
) -> Delivery | Absent | Unavailable:
    """Every attempt of every kind of sender."""
    if not target.dialogues:
        return Unavailable("no conversations are held in this run, only the DNS is asked")
    shown = tuple(certificates.values()) if isinstance(certificates, Many) else ()
    peers = {served.subject: before_senders(served, dane, policy, clock) for served in shown}
    valid = frozenset(served.subject for served in shown if _is_valid(refusal(served, clock)))
    seen = _Seen(
        target, routing, hosts, contacts, handshakes, mailboxes, offers, peers, valid, dane, policy, vantage
    )
    return seen.delivery()


def _is_valid(found: Refusal) -> bool:
    return not found.refused and not found.undecided


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the run has seen of the way to the domain."""

    target: Target
    routing: Routing | Absent | Unavailable
    hosts: Known[MxHost]
    contacts: Known[InboundContact]
    handshakes: Known[InboundHandshake]
    mailboxes: Known[InboundMailbox]
    offers: Known[InboundOffer]
    peers: Mapping[str, CertificatePeers]
    valid: frozenset[str]
    """The endpoints whose certificate nobody refuses who verifies."""
    dane: Known[DaneHost]
    policy: StsPolicy | Absent | Unavailable
    vantage: VantagePoint | Absent | Unavailable

    def delivery(self) -> Delivery:
        """Everything put together."""
        nowhere = self._nowhere()
        steps = list(self._steps()) if nowhere is None else [nowhere]

        def made(sender: Sender, *, enforced: bool = False) -> tuple[Attempt, ...]:
            return tuple(
                step
                if isinstance(step, Attempt)
                else attempt_of(sender, step, self.policy, enforced=enforced)
                for step in steps
            )

        testing = isinstance(self.policy, StsPolicy) and self.policy.usable
        testing = testing and isinstance(self.policy, StsPolicy) and self.policy.mode is Mode.TESTING
        asked = self.routing.asked if isinstance(self.routing, Routing) else self.routing.evidence
        return Delivery(
            domain=self.target.domain,
            mx=self._mx(),
            policy=_told(self.policy),
            hosts=tuple(self._as_met()) if nowhere is None else (),
            plain=made(Sender.PLAIN),
            sts=made(Sender.MTA_STS),
            dane=made(Sender.DANE),
            once_enforced=made(Sender.MTA_STS, enforced=True) if testing else (),
            asked=asked,
        )

    def _nowhere(self) -> Attempt | None:
        """What ends all mail before any host is tried; None where there is one to try."""
        routing = self.routing
        if isinstance(routing, Unavailable):
            # RFC 5321 section 5.1: a look-up that fails for now is tried again; so is one that DNSSEC rejects.
            because = f"the MX look-up fails ({routing.because})"
            return _ending(Outcome.DEFERRED, Cause.LOOK_UP, because)
        if isinstance(routing, Absent):
            return _ending(Outcome.BOUNCED, Cause.NO_HOST, routing.because)
        if routing.null:
            because = f"{routing.domain} takes no mail, as its null MX says (556 5.1.10, RFC 7505)"
            return _ending(Outcome.BOUNCED, Cause.NO_HOST, because)
        return None

    def _mx(self) -> str:
        routing = self.routing
        if not isinstance(routing, Routing):
            return routing.because
        if routing.implicit:
            return f"no MX record; {routing.domain} itself takes the place of one (RFC 5321 section 5.1)"
        told = ", ".join(f"{each.preference} {each.name}" for each in routing.exchanges)
        return f"{told} ({'signed' if routing.authenticated else 'not known to be signed'})"

    def _steps(self) -> Iterator[Attempt | Place]:
        """Every address of every host by preference, and hosts that have none."""
        assert isinstance(self.routing, Routing)
        for exchange in self.routing.exchanges:
            if exchange.name == ".":
                # Beside other records it is no null MX (RFC 7505 section 3), and leads nowhere.
                yield _passed("the name .", exchange.preference, "is no host")
        for host in self._known_hosts():
            yield from self._of_host(host)
        last = max(exchange.preference for exchange in self.routing.exchanges)
        items = items_of(self.hosts)
        for name, known in items.items():
            if isinstance(known, Unavailable):
                preference = next(
                    (each.preference for each in self.routing.exchanges if each.name == name), last
                )
                yield _unknown(name, preference, known)

    def _of_host(self, host: MxHost) -> Iterator[Attempt | Place]:
        if host.unknown:
            yield _unknown(host.name, host.preference, Unavailable(host.unknown, host.asked))
        elif not host.addresses:
            gone = "does not exist" if not host.exists else "has no address"
            yield _passed(host.name, host.preference, gone)
        for address in host.addresses:
            subject = str(Endpoint(host.name, address, MX_PORT))
            contact = self.contacts.get(subject) if isinstance(self.contacts, Many) else self.contacts
            if contact is None:  # more than are talked to, or of a family that the user has left out
                contact = Unavailable("it was not talked to in this run", host.asked)
            yield Place(
                host=host.name,
                address=address,
                preference=host.preference,
                contact=contact,
                handshake=_of(self.handshakes, subject),
                mailbox=_of(self.mailboxes, subject),
                offer=_of(self.offers, subject),
                peers=self.peers.get(subject),
                dane=_of(self.dane, host.name),
                port_25=isinstance(self.vantage, VantagePoint) and self.vantage.port_25 is True,
                signed_mx=isinstance(self.routing, Routing) and self.routing.authenticated,
                proven=subject in self.valid
                and isinstance(self.routing, Routing)
                and self.routing.leads_securely,
            )

    def _known_hosts(self) -> tuple[MxHost, ...]:
        known = tuple(self.hosts.values()) if isinstance(self.hosts, Many) else ()
        return tuple(sorted(known, key=lambda host: host.preference))

    def _as_met(self) -> Iterator[HostAsMet]:
        for host in self._known_hosts():
            yield HostAsMet(
                name=host.name,
                preference=host.preference,
                addresses=host.addresses,
                policy=_named(self.policy, host.name),
                dane=_called_for(_of(self.dane, host.name)),
            )


def _of(known: Known[Any], subject: str) -> Any:
    """What is known of one subject; where nothing is known of any, why."""
    return known.get(subject) if isinstance(known, Many) else known


def _ending(outcome: Outcome, cause: Cause, because: str) -> Attempt:
    return Attempt(host="", preference=0, outcome=outcome, cause=cause, because=because)


def _passed(host: str, preference: int, because: str) -> Attempt:
    return Attempt(
        host=host,
        preference=preference,
        outcome=Outcome.BOUNCED,
        cause=Cause.NO_ADDRESS,
        because=because,
        goes_on=True,
    )


def _unknown(host: str, preference: int, why: Unavailable) -> Attempt:
    because = f"is not known: {why.because}"
    return Attempt(
        host=host,
        preference=preference,
        outcome=Outcome.UNKNOWN,
        cause=Cause.NOT_HEARD,
        because=because,
        cites=why.evidence,
    )


def _told(policy: StsPolicy | Absent | Unavailable) -> str:
    """What a sender that looks for a policy finds."""
    if isinstance(policy, Unavailable):
        return f"{policy.because}; senders go by one that they have kept, others on without"
    if isinstance(policy, Absent):
        return policy.because or "no policy"
    if not policy.usable or policy.mode is None:
        return "a policy that breaks the rules, so that nobody heeds it"
    return f"mode {policy.mode}, for {', '.join(policy.patterns)}"


def _named(policy: StsPolicy | Absent | Unavailable, host: str) -> str:
    if not isinstance(policy, StsPolicy) or not policy.usable:
        return ""
    return "named by the policy" if policy.covers(host) else "not named by the policy"


def _called_for(known: DaneHost | Absent | Unavailable | None) -> str:
    """What its TLSA records ask of a sender that honours them."""
    match known:
        case Unavailable():
            return f"not known: {known.because}"
        case DaneHost() if known.trouble:
            return f"its TLSA records cannot be looked up ({known.trouble})"
        case DaneHost() if known.security is Security.INSECURE:
            return "TLSA records that DNSSEC does not secure: heeded by nobody"
        case DaneHost() if known.security is not Security.SECURE:
            return "TLSA records; whether they count is not known, as our resolver does not validate"
        case DaneHost() if not known.usable:
            return "TLSA records that cannot be used: TLS is a must, with any certificate"
        case DaneHost():
            number = len(known.usable)
            return f"{number} TLSA record{'s' * (number != 1)}: the certificate must fit one"
        case _:
            return "no TLSA records"
