"""What a server makes of the names in a ClientHello: the host's own, none, and names of application protocols."""

from __future__ import annotations

from collections.abc import Iterator

from diag.api import (
    TLS12,
    Finding,
    FullTls,
    Rfc,
    ServerName,
    Severity,
    TlsFailure,
    Undecided,
    Verdict,
    WeakTls,
    check,
    rule,
)

from .tls_settings import tls_settings

UNRECOGNIZED_NAME, NO_APPLICATION_PROTOCOL = 112, 120
"""Alerts (RFC 6066 section 9, RFC 7301 section 3.2)."""


class NameRequired(Finding):
    """What both rules say."""

    message = "{subject} takes TLS with a server name, and refuses it without one."


@rule("tls/sni-required-on-25", Severity.ERROR, Rfc(7672, "8.1"), Rfc(6066, "3"), since="1.0")
class SniRequiredOn25(NameRequired):
    """An MX host gives TLS only to senders that say which name they mean.

    ## Why it matters
    Many mail servers say that name only where a policy (DANE, MTA-STS) makes them verify. The others deliver to
    this host in plain text, or not at all.

    ## How to fix
    Give the server a certificate for whoever names none: that of the MX host.
    """


@rule("tls/sni-required", Severity.WARNING, Rfc(6066, "3"), since="1.0")
class SniRequired(NameRequired):
    """A server for mail programs gives TLS only to those that say which name they mean.

    ## Why it matters
    Programs of today do. Scanners, telephones and old programs that do not cannot connect.

    ## How to fix
    Give the server a certificate for whoever names none.
    """


DEFAULT_CERTIFICATE = {
    "Postfix": "smtpd_tls_chain_files = <private key, then certificate chain>",
    "Exim": "# without ${if … $tls_in_sni} around them\ntls_certificate = <chain>\ntls_privatekey = <key>",
    "Dovecot 2.4": "# outside all local_name { } blocks\nssl_server_cert_file = CHAIN\nssl_server_key_file = KEY",
    "Dovecot 2.3": "# outside all local_name { } blocks\nssl_cert = <CHAIN\nssl_key = <KEY",
}


@check
def tls_is_given_without_a_server_name(asked: FullTls) -> Iterator[Verdict]:
    """A client that names no host is given TLS, too."""
    if not asked.survey.version(TLS12).yes or asked.answers(
        lambda offer, _: offer.server_name is ServerName.NONE
    ):
        return
    refused = asked.refusals(lambda offer, _: offer.server_name is ServerName.NONE)
    cites = tuple(tried.cite for tried in refused)
    if len(refused) == 1 and not asked.client_port:
        yield Undecided("TLS was refused once without a server name; a second look decided nothing", cites)
    elif refused:
        kind = SniRequired if asked.client_port else SniRequiredOn25
        fix = tls_settings(asked.survey.endpoint, **DEFAULT_CERTIFICATE)
        yield kind(subject=asked.subject, evidence=cites, fix=fix)


@rule("tls/sni-refused", Severity.ERROR, Rfc(6066, "3"), Rfc(7672, "8.1"), since="1.0")
class SniRefused(Finding):
    """A server refuses TLS to whoever calls it by its own name.

    ## Why it matters
    Senders and programs that say which host they mean are turned away with "unrecognized name"; those that
    verify always say it.

    ## How to fix
    Give the server a certificate for this name, or let it serve its usual one to names it does not know.
    """

    message = "{subject} refuses TLS when it is called {host}, and gives it to whoever calls it nothing."
    # Every hello of ours that is meant to succeed says the name.
    instead_of = (
        "smtp/starttls-handshake-fails",
        "submission/tls-fails",
        "imap/tls-fails",
        "pop3/tls-fails",
        "managesieve/tls-fails",
    )
    host: str


@check
def the_host_knows_its_own_name(asked: WeakTls) -> Iterator[Verdict]:
    """A server name that is the host's own is no reason to refuse."""
    made = asked.survey.handshake
    if not isinstance(made, TlsFailure) or made.alert != "unrecognized_name":
        return
    nameless = asked.answers(lambda offer, _: offer.server_name is ServerName.NONE)
    again = asked.refusals(
        lambda offer, answer: (
            offer.server_name is ServerName.HOST and answer.alert in (UNRECOGNIZED_NAME, None)
        )
    )
    cites = (asked.survey.shown, *(tried.cite for tried in (*again[:1], *nameless[:1])))
    if nameless and again:
        endpoint = asked.survey.endpoint
        fix = tls_settings(endpoint, **DEFAULT_CERTIFICATE)
        yield SniRefused(subject=asked.subject, host=endpoint.host, evidence=cites, fix=fix)
    elif not nameless:
        yield Undecided("the server name was refused, and what is given without one was not found out", cites)


@rule("tls/default-certificate-differs", Severity.INFO, Rfc(7672, "8.1"), since="1.0")
class DefaultCertificateDiffers(Finding):
    """Whoever names no host is shown another certificate.

    ## Why it matters
    Those who verify name the host and are judged by what they see, so this may be as it should. It explains why
    testers that do not name it report another certificate, and senders without a name see that one.

    ## How to fix
    Nothing has to be done. Where the other certificate is a leftover, make that of the MX host the usual one.
    """

    message = "{subject} shows a certificate for {names} to clients that name no host."
    names: str


@check
def the_certificate_is_the_same_without_a_name(asked: FullTls) -> Iterator[Finding]:
    """A client that names no host is shown the same certificate."""
    if shown := asked.unnamed_certificate:
        tried, leaf = shown
        names = ", ".join(leaf.dns_names[:3]) or leaf.label
        yield DefaultCertificateDiffers(subject=asked.subject, names=names, evidence=(tried.cite,))


@rule("tls/alpn-refused", Severity.WARNING, Rfc(7301, "3.2"), since="1.0")
class AlpnRefused(Finding):
    """A server refuses clients that say which application protocol they speak, although they speak the right one.

    ## Why it matters
    Clients may name it ("imap", "pop3"), to be safe from being led to another service. They cannot connect here.

    ## How to fix
    Have the server, or the proxy that takes TLS for it, know the name of its protocol or ignore such names.
    """

    message = "{subject} breaks off when a client says that it speaks {offered}."
    offered: str


OWN_PROTOCOL = {110: "pop3", 143: "imap", 993: "imap", 995: "pop3", 4190: "managesieve"}
"""As registered (TLS ALPN Protocol IDs). To refuse what one does not speak is right (RFC 7301 section 3.2)."""


@check
def the_name_of_its_protocol_does_no_harm(asked: FullTls) -> Iterator[Finding]:
    """A client that names the application protocol is not refused for it."""
    own = OWN_PROTOCOL.get(asked.survey.endpoint.port, "")
    if not asked.survey.version(TLS12).yes or asked.answers(lambda offer, _: own in offer.alpn):
        return
    for tried in asked.refusals(
        lambda offer, answer: own in offer.alpn and answer.alert == NO_APPLICATION_PROTOCOL
    )[:1]:
        yield AlpnRefused(subject=asked.subject, offered=own, evidence=(tried.cite,))
