"""What conforming senders do with mail for the domain: whom they try, in what order, and how it ends.

Three kinds of sender are followed (RFC 5321 with RFC 3207, RFC 8461, RFC 7672), each with IPv4, IPv6 or both. Nothing
is sent for it: every step rests on what the dialogues and look-ups of the run have shown.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_address
from itertools import groupby

from diag.model.finding import Certainty
from diag.model.frozen import frozen
from diag.model.knowing import Cite


class Sender(enum.StrEnum):
    """Whose manners are followed."""

    PLAIN = "plain"
    """Takes TLS where it is offered, with any certificate, and goes on without where it is not (RFC 3207)."""
    MTA_STS = "mta-sts"
    """Honours the domain's MTA-STS policy, and is as plain without one (RFC 8461 section 5)."""
    DANE = "dane"
    """Honours TLSA records, and is as plain at hosts without them (RFC 7672 section 2.2)."""


class Families(enum.StrEnum):
    """The addresses that a sender can connect from, and so to."""

    BOTH = "ipv4+ipv6"
    IPV4 = "ipv4"
    IPV6 = "ipv6"

    def reach(self, address: str) -> bool:
        """Whether it can connect to an address; what is no address, a host without one, is looked up by all."""
        if self is Families.BOTH or not address:
            return True
        return ip_address(address).version == (4 if self is Families.IPV4 else 6)


class DeliveryOutcome(enum.StrEnum):
    """How a message fares, from worst to best; `unknown` stands apart."""

    UNKNOWN = "unknown"
    BOUNCED = "bounced"
    """Returned to its author at once."""
    DEFERRED = "deferred"
    """Kept and tried again for days, then returned."""
    CLEAR = "clear-text"
    """Delivered without encryption."""
    TLS = "unauthenticated-tls"
    """Delivered under TLS; nobody made sure who is at the other end."""
    AUTHENTICATED = "authenticated-tls"
    """Delivered under TLS to a host that proved to be the domain's."""

    @property
    def delivered(self) -> bool:
        """Whether it arrives."""
        return self in (DeliveryOutcome.CLEAR, DeliveryOutcome.TLS, DeliveryOutcome.AUTHENTICATED)

    @property
    def rank(self) -> int:
        """The higher, the better."""
        return list(DeliveryOutcome).index(self)


class DeliveryCause(enum.StrEnum):
    """What decided an attempt."""

    TAKEN = "taken"
    NOT_HEARD = "not-heard"
    """What would decide was not heard: the reason and the line stand beside it."""
    NO_HOST = "no-host"
    """The domain has no mail host, or says that it takes no mail (RFC 7505)."""
    LOOK_UP = "look-up-fails"
    NO_ADDRESS = "no-address"
    NOT_PUBLIC = "not-public"
    DEAD = "no-answer"
    GREETING = "greeting-refused"
    PROTOCOL = "no-mail-protocol"
    NO_STARTTLS = "no-starttls"
    TLS_FAILS = "tls-fails"
    NOT_COVERED = "not-in-policy"
    CERTIFICATE = "certificate-refused"
    TLSA = "tlsa-does-not-fit"
    TLSA_LOOK_UP = "tlsa-look-up-fails"
    MAIL_REFUSED = "mail-refused"
    TOO_BIG = "too-big"
    NO_REQUIRETLS = "no-requiretls"


@frozen
class Message:
    """What of a message decides where it can go."""

    size: int = 0
    """Octets; 0 where nobody asks."""
    requiretls: bool = False
    """Its author wants it bounced rather than sent past anybody unauthenticated (RFC 8689)."""


ANY = Message()
"""A message that asks for nothing and fits everywhere."""


@frozen(kw_only=True)
class DeliveryAttempt:
    """What one sender meets at one address of one mail host, or at a host without an address."""

    host: str
    """Empty where there is no host to try at all."""
    preference: int
    address: str = ""
    outcome: DeliveryOutcome
    cause: DeliveryCause
    because: str
    """What was met, as a predicate of the host: `offers no STARTTLS`."""
    cites: tuple[Cite, ...] = ()
    goes_on: bool = False
    """A sender tries the next address: this one is passed over."""
    waits: bool = False
    """Its connection request gets no answer, and so takes all the patience there is."""
    answered: bool = False
    """Somebody spoke there."""
    certain: bool = True
    """Nothing of it rests on one look, or on two without a pause between them, where a fleet may differ."""
    size: int = 0
    """The most octets that the host takes (RFC 1870); 0 where it names no limit."""
    requiretls: bool = False
    """REQUIRETLS is offered under TLS."""
    proven: bool = False
    """The host is named securely, and its certificate is a valid one for it (RFC 8689 section 4.2.1)."""

    @property
    def final(self) -> bool:
        """Whether the message has met its fate here."""
        return not self.goes_on and self.outcome is not DeliveryOutcome.UNKNOWN

    @property
    def where(self) -> str:
        """Host and address, for people."""
        return f"{self.host} [{self.address}]" if self.address else self.host

    def with_message(self, message: Message) -> DeliveryAttempt:
        """The same for a message that asks for more, or is longer, than any."""
        if not self.outcome.delivered:
            return self
        proven = self.proven or self.outcome is DeliveryOutcome.AUTHENTICATED
        if message.requiretls and not (proven and self.requiretls):
            # The host must be named securely, prove who it is, and offer the same (RFC 8689 section 4.2.1).
            lack = "is not authenticated as the domain's" if self.requiretls else "does not offer REQUIRETLS"
            bounced, cause = DeliveryOutcome.BOUNCED, DeliveryCause.NO_REQUIRETLS
            return replace(self, outcome=bounced, cause=cause, because=lack, goes_on=True)
        if 0 < self.size < message.size:
            why = f"takes {self.size:,} octets at most"
            return replace(self, outcome=DeliveryOutcome.BOUNCED, cause=DeliveryCause.TOO_BIG, because=why)
        return self


@frozen
class DeliveryPath:
    """The attempts of one sender in the order of preference, and where they end."""

    sender: Sender
    families: Families
    attempts: tuple[DeliveryAttempt, ...]
    """Up to where the message meets its fate; hosts of equal preference are tried in any order."""
    outcome: DeliveryOutcome
    """The worst that may happen: of equals, any may be the one that is met."""
    decided_by: DeliveryAttempt | None
    """None where there is nothing that this sender could try."""
    unsure: tuple[DeliveryAttempt, ...] = ()
    """Attempts that would come before the one that decides, or may, and of which nothing is known."""

    @property
    def because(self) -> str:
        """Why it ends so, beginning with the host."""
        if self.decided_by is None:
            return f"no mail host has an address for {_NAMES[self.families]}"
        return f"{self.decided_by.where} {self.decided_by.because}".strip()

    @property
    def cites(self) -> tuple[Cite, ...]:
        """What it rests on, each once."""
        return tuple(dict.fromkeys(cite for attempt in self.attempts for cite in attempt.cites))

    @property
    def certainty(self) -> Certainty:
        """Of the end: that of its least certain attempt."""
        return Certainty.CERTAIN if all(each.certain for each in self.attempts) else Certainty.LIKELY

    @property
    def ways(self) -> tuple[DeliveryAttempt, ...]:
        """The attempts any of which may be the one that delivers, or bounces."""
        return tuple(attempt for attempt in self.attempts if attempt.final)


_NAMES = {Families.BOTH: "them", Families.IPV4: "IPv4", Families.IPV6: "IPv6"}


def walked(
    sender: Sender, families: Families, attempts: tuple[DeliveryAttempt, ...], message: Message = ANY
) -> DeliveryPath:
    """Try hosts by preference until one takes the message or refuses it for good (RFC 5321 section 5.1).

    Equals are tried in an order that nobody knows, so that the weakest of those that decide is told.
    """
    wanted = sorted(
        (each.with_message(message) for each in attempts if families.reach(each.address)),
        key=lambda each: each.preference,
    )
    met: list[DeliveryAttempt] = []
    unsure: tuple[DeliveryAttempt, ...] = ()
    for _, group in groupby(wanted, key=lambda each: each.preference):
        equals = tuple(group)
        met += equals
        unsure += tuple(each for each in equals if each.outcome is DeliveryOutcome.UNKNOWN)
        deciding = [each for each in equals if each.final]
        if deciding:
            worst = min(deciding, key=lambda each: each.outcome.rank)
            return DeliveryPath(sender, families, tuple(met), worst.outcome, worst, unsure)
    if unsure:
        return DeliveryPath(sender, families, tuple(met), DeliveryOutcome.UNKNOWN, unsure[0], unsure)
    if not any(each.address or not each.host for each in met) and families is not Families.BOTH:
        return DeliveryPath(sender, families, tuple(met), DeliveryOutcome.DEFERRED, None)
    # What another try may mend is tried again; only where every host refused for good is the message returned.
    passing = [each for each in met if each.outcome is DeliveryOutcome.DEFERRED]
    last = next(iter(passing or met), None)
    return DeliveryPath(
        sender, families, tuple(met), last.outcome if last else DeliveryOutcome.DEFERRED, last
    )


@frozen(kw_only=True)
class HostAsMet:
    """One mail host before any connection: what senders know of it by then."""

    name: str
    preference: int
    addresses: tuple[str, ...]
    policy: str
    """What the MTA-STS policy says of it, as a predicate; empty without a policy."""
    dane: str
    """What its TLSA records call for, as a predicate."""


@frozen(kw_only=True)
class Delivery:
    """Every attempt of every kind of sender.

    Unavailable where no conversations are held.
    """

    domain: str
    mx: str
    """What the MX look-up gave, in a sentence."""
    policy: str
    """What a sender that looks for an MTA-STS policy finds, in a sentence."""
    hosts: tuple[HostAsMet, ...]
    plain: tuple[DeliveryAttempt, ...]
    sts: tuple[DeliveryAttempt, ...]
    dane: tuple[DeliveryAttempt, ...]
    once_enforced: tuple[DeliveryAttempt, ...] = ()
    """What senders would meet that honour the policy, were it enforced; only where it is under test."""
    asked: tuple[Cite, ...] = ()

    def attempts(self, sender: Sender) -> tuple[DeliveryAttempt, ...]:
        """Those of one kind of sender, over both families."""
        return {Sender.PLAIN: self.plain, Sender.MTA_STS: self.sts, Sender.DANE: self.dane}[sender]

    def path(
        self, sender: Sender, families: Families = Families.BOTH, message: Message = ANY
    ) -> DeliveryPath:
        """How a message of one sender fares."""
        return walked(sender, families, self.attempts(sender), message)

    def paths(self, message: Message = ANY) -> Iterator[DeliveryPath]:
        """All of them: sender by sender, with both families first."""
        for sender in Sender:
            for families in Families:
                yield self.path(sender, families, message)

    @property
    def would_be(self) -> DeliveryPath | None:
        """How mail of senders that honour the policy would fare, were it enforced; None where it is not under test."""
        if not self.once_enforced:
            return None
        return walked(Sender.MTA_STS, Families.BOTH, self.once_enforced)
