"""How certificates were made: names that nobody looks for, uses that end, keys that several share."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from diag.api import (
    Absent,
    Certainty,
    ClientCertificate,
    DaneHost,
    Document,
    Finding,
    InboundCertificate,
    Many,
    Rfc,
    ServedCertificate,
    Severity,
    Unavailable,
    check,
    of_host,
    public_key_info,
    rule,
)

from .certificates import BR
from .certificates_reasons import reissued

MOST_TOLD = 3
"""Names that a sentence takes."""
CLIENT_AUTH = "1.3.6.1.5.5.7.3.2"
CHROME = Document("Chrome Root Program Policy", "https://googlechrome.github.io/chromerootprogram/")
_INTERNAL = frozenset(
    {"local", "localdomain", "localhost", "lan", "internal", "intranet", "corp", "home", "private"}
)
"""Last labels of names that are used in offices and at home and exist in no public zone (RFC 6762 appendix G)."""


@rule("certificates/address-as-name", Severity.NOTICE, Rfc(9525, "6.2"), BR, since="1.0")
class AddressAsName(Finding):
    """A certificate holds an IP address as a DNS name, or a name that only an internal network knows.

    ## Why it matters
    It should not be found there: clients look for addresses among addresses, and internal names lead nowhere from outside.
    A public CA may issue neither, and has to revoke the certificate when it notices.

    ## How to fix
    Have the certificate issued again for the names that clients use, and reach servers by those inside as well.
    """

    message = "The certificate at {subject} names {names}: {why}."
    names: str
    why: str


@check
def certificates_name_what_clients_look_for(served: ServedCertificate) -> Iterator[Finding]:
    """Addresses and internal names do not stand among a certificate's DNS names."""
    addresses = served.verdict.addresses_as_names
    inside = tuple(filter(_internal, served.leaf.dns_names)) + tuple(filter(_private, served.leaf.addresses))
    if addresses or (served.public and inside):
        why = (
            "an address among DNS names should be found by nobody"
            if addresses
            else "nobody outside can use it"
        )
        yield AddressAsName(
            subject=served.subject,
            names=_few(addresses or inside),
            why=why,
            evidence=served.cites,
            fix=reissued(served),
        )


def _internal(name: str) -> bool:
    last = name.lower().rpartition(".")[2]
    return last in _INTERNAL or "." not in name


def _private(address: str) -> bool:
    return ipaddress.ip_address(address).is_private


def _few(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - MOST_TOLD} more" if len(names) > MOST_TOLD else ""
    return ", ".join(name[:80] for name in names[:MOST_TOLD]) + more


@rule("certificates/duplicate-san", Severity.INFO, Rfc(5280, "4.2.1.6"), since="1.0")
class DuplicateSan(Finding):
    """A name stands twice in a certificate.

    ## Why it matters
    It does no harm. It shows that a request was put together by hand or by a script that does not look.

    ## How to fix
    Name every host once in the next request; upper and lower case make no difference.
    """

    message = "The certificate at {subject} has {names} more than once."
    names: str


@check
def every_name_stands_once(served: ServedCertificate) -> Iterator[Finding]:
    """A certificate has every name once."""
    if names := served.verdict.duplicate_names:
        yield DuplicateSan(
            subject=served.subject, names=_few(names), evidence=served.cites, fix=reissued(served)
        )


@rule("certificates/client-auth-leaving", Severity.INFO, CHROME, Rfc(5280, "4.2.1.12"), since="1.0")
class ClientAuthLeaving(Finding):
    """The public certificate of an MX host is good for clients too, which its next one will not be.

    ## Why it matters
    Public CAs have stopped or are about to stop issuing for clients, as browsers ask from 15 March 2027 on. It matters
    only if this server shows its certificate when it sends mail itself, and somebody there asks for it.

    ## How to fix
    Nothing, if your server sends without a certificate, as most do. Where a partner asks for one, agree on one of a
    private CA, or on his not asking.
    """

    message = "The certificate at {subject} may be used by clients as well as servers; the next one may not."


@check
def nobody_relies_on_public_certificates_for_clients(served: InboundCertificate) -> Iterator[Finding]:
    """The public certificate of an MX host is for servers alone."""
    if served.public and CLIENT_AUTH in (served.leaf.extended_key_usage or ()):
        yield ClientAuthLeaving(subject=served.subject, evidence=served.cites)


@rule("certificates/no-sct", Severity.INFO, Rfc(6962, "3.3"), since="1.0")
class NoSct(Finding):
    """The certificate of a public CA comes without proof that it was logged.

    ## Why it matters
    Mail programs of Apple, which ask for that proof of public certificates, may refuse to connect. Mail servers do
    not look.

    ## How to fix
    Have it issued again: public CAs put the proof into the certificate unless they are asked not to.
    """

    message = "The certificate at {subject} is a public CA's and holds no signed certificate timestamp."


@check
def public_certificates_were_logged(served: ClientCertificate) -> Iterator[Finding]:
    """The certificate of a public CA proves that it was logged."""
    # A staple may bring it as well (RFC 6962 section 3.3).
    if served.public and not served.leaf.timestamps and not served.handshake.staple:
        yield NoSct(
            subject=served.subject,
            certainty=Certainty.LIKELY,  # a server may hand it over in the handshake to those who ask there
            evidence=served.cites,
            fix=reissued(served),
        )


@rule("certificates/key-reused", Severity.NOTICE, Rfc(5280, "8"), BR, since="1.0")
class KeyReused(Finding):
    """Hosts have certificates of their own for one and the same key.

    ## Why it matters
    Whoever gets the key from one of them can pose as all of them, and all certificates have to be revoked and replaced
    at once.

    ## How to fix
    Make a key on each host, and never copy one. Where all of them are to have the same, one certificate with all
    names says so.
    """

    message = "The certificates of {subject} and {others} are for the same key."
    others: str


@check
def every_certificate_has_a_key_of_its_own(
    served: Many[ServedCertificate], dane: Many[DaneHost] | Absent | Unavailable
) -> Iterator[Finding]:
    """Hosts with certificates of their own have keys of their own."""
    by_key: dict[bytes, dict[str, ServedCertificate]] = {}
    for each in served.values():
        by_key.setdefault(public_key_info(each.leaf.der), {}).setdefault(each.endpoint.host, each)
    for key, hosts in by_key.items():
        own = {each.leaf.der: each for each in reversed(hosts.values())}
        if not key or len(own) < 2 or any(_pinned(each, dane) for each in hosts.values()):
            continue
        first, *others = (each for each in hosts.values() if own[each.leaf.der] is each)
        yield KeyReused(
            subject=first.endpoint.host,
            others=_few(tuple(each.endpoint.host for each in others)),
            evidence=tuple(cite for each in (first, *others) for cite in each.cites[:1]),
            fix=tuple(fix for each in others for fix in reissued(each, "--key-type ecdsa --force-renewal ")),
        )


def _pinned(served: ServedCertificate, dane: Many[DaneHost] | Absent | Unavailable) -> bool:
    """Whether TLSA records may name the key, so that it stays on purpose (RFC 7671 section 8.1)."""
    known = of_host(dane, served)
    if isinstance(known, DaneHost):
        return bool(known.trouble) or any(record.selector == 1 for record in known.records)
    return isinstance(known, Unavailable)
