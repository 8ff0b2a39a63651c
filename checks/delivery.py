"""What comes of mail for the domain as a whole: who gets through, who has to wait, and who is read on the way.

Other areas speak of a host, an address, a record. These speak where the whole domain suffers, and are silent where one
finding of another area already says the same of it (docs/decisions/0850).
"""

from __future__ import annotations

from collections.abc import Iterator

from diag.api import (
    Configure,
    Delivery,
    DeliveryAttempt,
    DeliveryCause,
    DeliveryOutcome,
    DeliveryPath,
    Families,
    Finding,
    Rfc,
    Routing,
    Sender,
    Severity,
    Undecided,
    Verdict,
    check,
    rule,
)

CONNECT_PATIENCE = 30
"""Seconds that senders commonly wait for a connection (Postfix: smtp_connect_timeout)."""
MOST_DEAD = 2
"""Silent addresses before the first that answers which are no reason to speak: those of one host."""


@rule("delivery/undeliverable-now", Severity.CRITICAL, Rfc(5321, "5.1"), since="1.0")
class UndeliverableNow(Finding):
    """No mail reaches the domain, whoever sends it.

    ## Why it matters
    The mail hosts are there and take no mail. What people write is returned to them, or waits in the queues of
    other servers and is returned after some days.

    ## How to fix
    Look at what each host answers. A host must know that it is responsible for this domain (Postfix:
    `mydestination`, `virtual_mailbox_domains` or `relay_domains`), and no rule may refuse every client.
    """

    message = "Mail for {subject} is {fate} by every mail host: {why}."
    fate: str
    why: str


@check
def mail_reaches_the_domain(delivery: Delivery, routing: Routing) -> Iterator[Verdict]:
    """Mail for the domain can be delivered."""
    paths = [delivery.path(sender) for sender in Sender]
    if routing.null or any(path.outcome.delivered for path in paths):
        return
    unknown = next((path for path in paths if path.unsure), None)
    if unknown is not None:
        yield _undecided(unknown)
        return
    plain = paths[0]
    if not any(attempt.answered for attempt in plain.attempts):
        return  # that nobody has an address, or answers, is told by the areas mx and smtp
    bounced = plain.outcome is DeliveryOutcome.BOUNCED
    yield UndeliverableNow(
        subject=delivery.domain,
        fate="refused" if bounced else "put off",
        why=_reasons(plain.attempts),
        evidence=plain.cites,
        certainty=plain.certainty,
    )


@rule("delivery/dane-senders-defer", Severity.CRITICAL, Rfc(7672, "2.2"), Rfc(7672, "2.1.2"), since="1.0")
class DaneSendersDefer(Finding):
    """Senders that honour DANE cannot deliver to the domain.

    ## Why it matters
    The TLSA records ask them to insist on a certificate or on encryption that no mail host gives. Large providers,
    among them Microsoft and GMX, keep such mail back and return it after some days; all others
    deliver, so that nobody notices.

    ## How to fix
    Make at least one mail host meet its TLSA records: publish `3 1 1` for the key in use, offer STARTTLS, and let the
    name servers answer questions for TLSA. If that takes long, remove the records.
    """

    message = "Mail of senders that honour DANE does not reach {subject}: {why}."
    why: str


@check
def senders_that_honour_dane_get_through(delivery: Delivery) -> Iterator[Verdict]:
    """Mail of senders that honour DANE is delivered."""
    if not delivery.path(Sender.PLAIN).outcome.delivered:
        return
    path = delivery.path(Sender.DANE)
    if path.outcome is DeliveryOutcome.UNKNOWN:
        yield _undecided(path)
    elif path.outcome is DeliveryOutcome.DEFERRED and not _one_host_misfits(path):
        yield DaneSendersDefer(
            subject=delivery.domain,
            why=_reasons(path.attempts),
            evidence=path.cites,
            certainty=path.certainty,
        )


@rule("delivery/sts-senders-defer", Severity.CRITICAL, Rfc(8461, "5"), since="1.0")
class StsSendersDefer(Finding):
    """Senders that honour MTA-STS cannot deliver to the domain.

    ## Why it matters
    The domain's own policy says `enforce`, and no mail host meets it. Gmail, Outlook.com and others keep such mail
    back and return it after some days; all others deliver, so that nobody notices.

    ## How to fix
    Give at least one mail host that the policy names STARTTLS and a valid certificate in its own name. If that takes
    long, set the policy's mode to `testing` and change the `id` of the record.
    """

    message = "Mail of senders that honour MTA-STS does not reach {subject}: {why}."
    why: str


@rule("delivery/sts-senders-would-defer", Severity.ERROR, Rfc(8461, "5"), since="1.0")
class StsSendersWouldDefer(Finding):
    """Senders that honour MTA-STS could not deliver to the domain, were its policy enforced.

    ## Why it matters
    The policy is under test, and no mail host meets it: the test fails for all mail. Senders report it, and set to
    `enforce` the policy would keep out the largest of them.

    ## How to fix
    Give the mail hosts that the policy names STARTTLS and a valid certificate in their own names before you set the
    mode to `enforce`.
    """

    message = "Under the policy that {subject} is testing no mail host could be delivered to: {why}."
    why: str


@check
def senders_that_honour_mta_sts_get_through(delivery: Delivery) -> Iterator[Verdict]:
    """Mail of senders that honour MTA-STS is delivered, and would be if the policy under test were enforced."""
    if not delivery.path(Sender.PLAIN).outcome.delivered:
        return
    tested = delivery.would_be
    path = tested or delivery.path(Sender.MTA_STS)
    if path.outcome is DeliveryOutcome.UNKNOWN:
        yield _undecided(path)
    elif path.outcome is DeliveryOutcome.DEFERRED and not _none_is_covered(path):
        kind = StsSendersDefer if tested is None else StsSendersWouldDefer
        yield kind(
            subject=delivery.domain,
            why=_reasons(path.attempts),
            evidence=path.cites,
            certainty=path.certainty,
        )


@rule("delivery/clear-text-path", Severity.ERROR, Rfc(5321, "5.1"), Rfc(7435), since="1.0")
class ClearTextPath(Finding):
    """Mail travels without encryption, although another mail host of the domain would encrypt it.

    ## Why it matters
    Senders go by the preference of the MX records and never look for the host with the better encryption. All that
    comes by this one can be read on the way.

    ## How to fix
    Make STARTTLS work at this host, as at the others; until it does, give those the better preference.
    """

    message = "Mail for {subject} comes in clear text by {host}, which {why}; {others} would encrypt it."
    host: str
    why: str
    others: str


@check
def mail_takes_an_encrypted_path(delivery: Delivery) -> Iterator[Finding]:
    """No mail comes in clear text where another mail host would encrypt it."""
    path = delivery.path(Sender.PLAIN)
    bare = [way for way in path.ways if way.outcome is DeliveryOutcome.CLEAR]
    shut = {way.host for way in bare}
    others = dict.fromkeys(
        each.host for each in delivery.plain if each.outcome is DeliveryOutcome.TLS and each.host not in shut
    )
    if bare and others:
        first = bare[0]
        yield ClearTextPath(
            subject=delivery.domain,
            host=first.where,
            why=first.because,
            others=", ".join(others),
            evidence=first.cites,
            certainty=path.certainty,
            fix=(Configure(first.host, "Offer STARTTLS with a certificate that every client can use."),),
        )


@rule("delivery/ipv6-only-path-fails", Severity.WARNING, Rfc(5321, "5.1"), Rfc(3974), since="1.0")
class Ipv6OnlyPathFails(Finding):
    """Senders that have only IPv6 cannot deliver, although the mail hosts have IPv6 addresses.

    ## Why it matters
    The addresses promise what the hosts do not keep. Senders without IPv4 never get through, and those with both lose
    time at each attempt over IPv6.

    ## How to fix
    Let the mail server listen on its IPv6 addresses and the firewall pass port 25, or remove the AAAA records.
    """

    message = "Mail over IPv6 does not reach {subject}: {why}."
    why: str


@check
def mail_over_ipv6_is_delivered(delivery: Delivery) -> Iterator[Verdict]:
    """Where mail hosts have IPv6 addresses, mail over IPv6 is delivered."""
    path = delivery.path(Sender.PLAIN, Families.IPV6)
    tried = [attempt for attempt in path.attempts if attempt.address]
    if path.outcome.delivered or not tried or not delivery.path(Sender.PLAIN).outcome.delivered:
        return
    if path.outcome is DeliveryOutcome.UNKNOWN:
        yield _undecided(path)
    elif len(tried) > 1 or tried[0].answered:  # of one dead address the area smtp tells
        yield Ipv6OnlyPathFails(
            subject=delivery.domain,
            why=_reasons(tried),
            evidence=path.cites,
            certainty=path.certainty,
        )


@rule("delivery/slow-path", Severity.NOTICE, Rfc(5321, "4.5.4.1"), Rfc(5321, "5.1"), since="1.0")
class SlowPath(Finding):
    """Senders wait for many addresses that do not answer before they come to one that does.

    ## Why it matters
    Each message may take minutes longer, and senders with little patience give up first.

    ## How to fix
    Remove the records of hosts that are gone, or give the hosts that answer the better preference.
    """

    message = (
        "{count} addresses that do not answer come before the first that takes mail for {subject}: "
        "senders may wait {seconds} seconds."
    )
    count: int
    seconds: int


@check
def the_first_hosts_answer(delivery: Delivery) -> Iterator[Finding]:
    """Senders soon come to a mail host that answers."""
    path = delivery.path(Sender.PLAIN)
    taker = path.decided_by
    if taker is None or not path.outcome.delivered:
        return
    dead = [each for each in path.attempts if each.waits and each.preference < taker.preference]
    if len(dead) > MOST_DEAD:
        yield SlowPath(
            subject=delivery.domain,
            count=len(dead),
            seconds=len(dead) * CONNECT_PATIENCE,
            evidence=tuple(cite for each in dead for cite in each.cites),
            certainty=path.certainty,
        )


def _undecided(path: DeliveryPath) -> Undecided:
    """The first attempt of which nothing is known decides nothing."""
    first = path.unsure[0]
    return Undecided(f"{first.where} {first.because}".strip(), first.cites)


def _one_host_misfits(path: DeliveryPath) -> bool:
    """Whether all is said by dane/mismatch, which is as grave: one host, and its records fit nothing."""
    return len({each.host for each in path.attempts}) == 1 and _all(path, DeliveryCause.TLSA)


def _none_is_covered(path: DeliveryPath) -> bool:
    """Whether all is said by the area mta-sts: the policy names none of the hosts."""
    return _all(path, DeliveryCause.NOT_COVERED)


def _all(path: DeliveryPath, cause: DeliveryCause) -> bool:
    return all(each.cause is cause for each in path.attempts)


def _reasons(attempts: tuple[DeliveryAttempt, ...] | list[DeliveryAttempt]) -> str:
    """What each address does, those of a host that do the same taken together."""
    by_host: dict[tuple[str, str], list[str]] = {}
    for each in attempts:
        by_host.setdefault((each.host, each.because), []).append(each.address)
    return "; ".join(f"{host} {because}" for host, because in list(by_host)[:_MOST_REASONS])


_MOST_REASONS = 4
