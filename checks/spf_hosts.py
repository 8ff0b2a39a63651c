"""SPF and the hosts it is about: whom the record forgets, names for nothing, or lets in with others."""

from __future__ import annotations

from collections.abc import Iterator

from diag.api import (
    Absent,
    Certainty,
    Configure,
    DmarcPolicy,
    Document,
    Finding,
    Many,
    MxHost,
    Policy,
    Publish,
    Rfc,
    Roles,
    Routing,
    SendingDomain,
    Severity,
    SpfEvaluation,
    SpfExplanation,
    SpfHost,
    SpfProviders,
    SpfPublished,
    SpfSharedRange,
    SpfType99,
    Unavailable,
    Undecided,
    Verdict,
    Withdraw,
    check,
    rule,
)

from .spf_mend import in_its_place, rewritten


@rule("spf/type99", Severity.NOTICE, Rfc(7208, "3.1"), since="1.0")
class Type99(Finding):
    """Records of the old type SPF are still published.

    ## Why it matters
    Receivers ask for TXT records only. Whoever changes SPF may change the wrong one.

    ## How to fix
    Remove the records of type SPF (99); keep the TXT record.
    """

    message = "{subject} publishes records of the old type SPF ({count}), for which nobody asks."
    count: int


@check
def spf_stands_in_txt_records_alone(old: SpfType99) -> Iterator[Finding]:
    """SPF is published in a TXT record alone."""
    away = Withdraw(old.domain, "SPF")
    yield Type99(subject=old.domain, count=len(old.texts), evidence=old.asked, fix=(away,))


@rule("spf/exp-broken", Severity.NOTICE, Rfc(7208, "6.2"), since="1.0")
class ExpBroken(Finding):
    """The explanation that the SPF record promises cannot be used.

    ## Why it matters
    The result stays the same. Senders whose mail is refused are not told why in your words.

    ## How to fix
    Publish one TXT record in ASCII at that name, or remove `exp=`.
    """

    message = "SPF for {subject}: the explanation at {name} cannot be used: {why}."
    name: str
    why: str


@check
def spf_explanation_can_be_given(spf: SpfEvaluation, explanation: SpfExplanation) -> Iterator[Finding]:
    """The explanation that SPF promises can be given."""
    if explanation.fault and spf.record.exp is not None:
        yield ExpBroken(
            subject=spf.domain,
            name=explanation.name,
            why=explanation.fault,
            evidence=spf.root.evidence + explanation.asked,
            fix=rewritten(spf, [(spf.record.exp, "")]),
        )


@rule("spf/helo-without-record", Severity.NOTICE, Rfc(7208, "2.3"), Rfc(7208, "10.1.3"), since="1.0")
class HeloWithoutRecord(Finding):
    """Your own mail host has no SPF record under its own name.

    ## Why it matters
    Bounces and other mail without a sender are judged by the name in EHLO. Without a record there,
    strangers can send such mail by the name of your host.

    ## How to fix
    Publish `v=spf1 a -all` at the name of the host.
    """

    message = "The mail host {subject} has no SPF record of its own."


@check
def own_mail_hosts_have_spf_records(host: SpfHost, sending: SendingDomain) -> Iterator[Finding]:
    """The domain's own mail hosts have SPF records, by which bounces are judged."""
    if host.mail_host and host.has_record is False and host.name != sending.domain:
        yield HeloWithoutRecord(
            subject=host.name,
            certainty=Certainty.LIKELY,  # what it says in EHLO when it sends is not heard from here
            evidence=host.asked,
            fix=(Publish(host.name, "TXT", "v=spf1 a -all"),),
        )


@rule("spf/own-host-not-authorised", Severity.NOTICE, Rfc(7208, "10.1"), since="1.0")
class OwnHostNotAuthorised(Finding):
    """The SPF record lets one of your own mail hosts pass, and not the other.

    ## Why it matters
    When mail leaves by this host, its bounces and what it forwards among it, SPF fails.

    ## How to fix
    Add `a:` and the name of the host to the record, or use `mx`; nothing, if it only takes mail.
    """

    message = "SPF for {subject} lets {others} pass, but not {host}."
    host: str
    others: str


@check
def spf_forgets_no_own_mail_host(
    spf: SpfEvaluation, hosts: Many[MxHost], senders: Many[SpfHost], sending: SendingDomain
) -> Iterator[Finding]:
    """SPF lets all of the domain's own mail hosts pass, or none."""
    passing = [host.name for host in senders.values() if host.mail_host]
    if not passing:
        return  # mail leaves elsewhere
    home = {name.partition(".")[2] for name in passing}
    for host in hosts.values():
        beside = host.canonical.partition(".")[2] in home and host.canonical not in passing
        if beside and host.addresses and all(spf.passes(address) is False for address in host.addresses):
            added = spf.record.with_terms(f"a:{host.canonical}")
            yield OwnHostNotAuthorised(
                subject=spf.domain,
                host=host.canonical,
                others=", ".join(passing),
                certainty=Certainty.LIKELY,
                evidence=spf.root.evidence + host.asked,
                fix=in_its_place(spf, added),
            )


@rule("spf/ipv6-missing", Severity.WARNING, Rfc(7208, "5.6"), since="1.0")
class Ipv6Missing(Finding):
    """A host that may send over IPv4 has an IPv6 address that the SPF record leaves out.

    ## Why it matters
    Servers prefer IPv6 where the receiver has it, as Gmail and Microsoft do: that part of the mail fails
    SPF.

    ## How to fix
    Add the address as `ip6:`, or keep the server from sending over IPv6.
    """

    message = "SPF for {subject} lets {host} pass at {ipv4}, but not at {ipv6}."
    host: str
    ipv4: str
    ipv6: str


@check
def spf_lets_hosts_pass_over_both_families(
    spf: SpfEvaluation, hosts: Many[SpfHost], sending: SendingDomain
) -> Iterator[Finding]:
    """A host that passes over IPv4 passes over IPv6, too."""
    missing = {
        host: [address for address in host.ipv6 if spf.passes(address) is False] for host in hosts.values()
    }
    added = dict.fromkeys(f"ip6:{address}" for addresses in missing.values() for address in addresses)
    for host, addresses in missing.items():
        if addresses:
            yield Ipv6Missing(
                subject=spf.domain,
                host=host.name,
                ipv4=", ".join(host.ipv4),
                ipv6=", ".join(addresses),
                certainty=Certainty.LIKELY,  # whether it sends over IPv6 is not seen from here
                evidence=spf.root.evidence + host.asked,
                fix=in_its_place(spf, spf.record.with_terms(*added)),
            )


@rule("spf/mx-term-idle", Severity.NOTICE, Rfc(7208, "4.6.4"), since="1.0")
class MxTermIdle(Finding):
    """The SPF record lets the MX hosts of a provider pass, whose senders it names already.

    ## Why it matters
    Such hosts only take mail. The term costs one of ten look-ups, and lets machines pass that are not
    yours for nothing.

    ## How to fix
    Remove `mx`; what the provider sends passes by its `include:`.
    """

    message = "SPF for {subject}: {term} adds only the MX hosts of {provider}, whose senders are included."
    term: str
    provider: str


@check
def spf_mx_term_names_hosts_that_send(
    spf: SpfEvaluation, routing: Routing, providers: SpfProviders
) -> Iterator[Finding]:
    """An `mx` term in SPF names hosts that send."""
    known = providers.by_host
    if not routing.hosts or any(known.get(host) not in providers.spf for host in routing.hosts):
        return
    for step in spf.root.steps:
        term = step.term
        if step.reached and step.names and step.target == spf.domain and step.text[:1] not in "-~?":
            yield MxTermIdle(
                subject=spf.domain,
                term=step.text,
                provider=", ".join(dict.fromkeys(known[host] for host in routing.hosts)),
                certainty=Certainty.LIKELY,
                evidence=spf.root.evidence + routing.asked,
                fix=rewritten(spf, [(term, "")]),
            )


@rule(
    "spf/shared-range",
    Severity.INFO,
    Rfc(9989, "11.1"),
    Document("MailChannels: Domain Lockdown", "https://docs.mailchannels.com/outbound/domain-lockdown"),
    since="1.0",
)
class SharedRange(Finding):
    """The SPF record includes a provider whose other customers can send as this domain.

    ## Why it matters
    The provider does not mind which domain a customer writes into the envelope. Whoever has an account
    there passes your SPF, and with it DMARC.

    ## How to fix
    Publish the record by which the provider keeps to your own accounts; ask it for their names.
    """

    message = "SPF for {subject} includes {target}: any customer of {provider} may send as the domain."
    target: str
    provider: str


@check
def spf_lets_no_other_customers_pass(spf: SpfEvaluation, shared: SpfSharedRange) -> Iterator[Verdict]:
    """SPF lets no other customers of a provider pass."""
    if shared.locked is None:
        yield Undecided(f"{shared.lock} could not be looked up", shared.asked)
    elif not shared.locked:
        lock = Configure(spf.domain, f'{shared.lock}. 3600 IN TXT "{shared.setting}"', shared.provider)
        yield SharedRange(
            subject=spf.domain,
            target=shared.target,
            provider=shared.provider,
            evidence=spf.root.evidence + shared.asked,
            fix=(lock,),
        )


@rule("spf/parked-open", Severity.WARNING, Rfc(7208, "10.1.2"), since="1.0")
class ParkedOpen(Finding):
    """The domain neither sends nor takes mail, and does not say so in SPF.

    ## Why it matters
    Every message in its name is forged, and neither SPF nor DMARC tells receivers to refuse it.

    ## How to fix
    Publish `v=spf1 -all`, and `v=DMARC1; p=reject` beside it.
    """

    message = "{subject} neither sends nor takes mail, but publishes no SPF record that says so."


@check
def domain_without_mail_lets_nobody_send(
    published: SpfPublished, roles: Roles, policy: DmarcPolicy | Absent | Unavailable
) -> Iterator[Verdict]:
    """A domain without mail says in SPF that nobody sends."""
    idle = roles.sends is False and roles.receives is False and published.name_exists
    if not idle or published.records or published.near:
        return
    if isinstance(policy, Unavailable):
        yield Undecided(policy.because, policy.evidence)
    elif isinstance(policy, Absent) or policy.policy is not Policy.REJECT:
        nobody = Publish(published.owner, "TXT", "v=spf1 -all")
        yield ParkedOpen(subject=published.domain, evidence=published.asked + roles.asked, fix=(nobody,))
