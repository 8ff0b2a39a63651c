"""What to type where TLS is to be set: the mail servers that are met most, by what a port is for."""

from __future__ import annotations

from diag.api import Configure, Endpoint, Suite

MAILBOX_PORTS = (110, 143, 993, 995, 4190)
"""Where mailboxes are read: Dovecot nearly everywhere."""

OLD = "SSLv2 SSLv3 TLSv1 TLSv1.1"
_NO_OLD = ", ".join(f"!{version}" for version in OLD.split())
POSTFIX_MODERN = f"smtpd_tls_protocols = {_NO_OLD}\nsmtpd_tls_mandatory_protocols = {_NO_OLD}"
"""One setting where TLS is offered, another where it is demanded, as on the ports for mail programs.

Postfix before 3.6 reads only this way of writing it, and later ones still do.
"""
EXIM_OPENSSL, EXIM_GNUTLS = "Exim with OpenSSL", "Exim with GnuTLS"
"""Two products: with a setting of the one in its file, the other does not start. Debian builds it with GnuTLS.

There are no comments behind a value. All that is set of `tls_require_ciphers` belongs into one line.
"""
DOVECOT_MODERN = "ssl_min_protocol = TLSv1.2"
_SCHANNEL = r"HKLM:\SYSTEM\CurrentControlSet\Control\SecurityProviders\SCHANNEL\Protocols"
EXCHANGE_MODERN = (
    "foreach ($old in 'SSL 2.0', 'SSL 3.0', 'TLS 1.0', 'TLS 1.1') {\n"
    f'  New-Item "{_SCHANNEL}\\$old\\Server" -Force |\n'
    "    New-ItemProperty -Name Enabled -Value 0 -PropertyType DWord -Force\n"
    "}    # and restart"
)
MODERN = {
    "Postfix": POSTFIX_MODERN,
    EXIM_OPENSSL: "openssl_options = +no_sslv2 +no_sslv3 +no_tlsv1 +no_tlsv1_1",
    EXIM_GNUTLS: "tls_require_ciphers = NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2",
    "Exchange": EXCHANGE_MODERN,
    "Dovecot": DOVECOT_MODERN,
}
"""Nothing older than TLS 1.2."""


def tls_settings(endpoint: Endpoint, **by_product: str) -> tuple[Configure, ...]:
    """The settings of the products that serve such a port: Dovecot where mailboxes are read, the others elsewhere."""
    mailboxes = endpoint.port in MAILBOX_PORTS
    return tuple(
        Configure(endpoint.host, setting, product)
        for product, setting in by_product.items()
        if product.startswith("Dovecot") == mailboxes
    )


GNUTLS = {"RC4": "-ARCFOUR-128", "3DES": "-3DES-CBC", "kRSA": "-RSA", "kDHE": "-DHE-RSA"}
"""What GnuTLS calls the kinds of suites that it has in NORMAL; the others it never had, or has not by itself."""


def without(endpoint: Endpoint, kinds: tuple[str, ...], suites: tuple[Suite, ...]) -> tuple[Configure, ...]:
    """Suites of some kinds, in OpenSSL's words ("RC4", "kRSA"), taken from whatever else is allowed."""
    listed = ", ".join(kinds)
    mandatory = ", ".join(dict.fromkeys(("aNULL", *kinds)))
    left = ":".join(("HIGH", *(f"!{kind}" for kind in dict.fromkeys(("aNULL", *kinds)))))
    # What Dovecot leaves out by itself must be left out of a list of one's own.
    dovecot = ":".join(("HIGH", *(f"!{kind}" for kind in dict.fromkeys(("aNULL", "kRSA", *kinds)))))
    gnutls = ":".join(("NORMAL", *(GNUTLS[kind] for kind in kinds if kind in GNUTLS)))
    return tls_settings(
        endpoint,
        Postfix=f"smtpd_tls_exclude_ciphers = {listed}\nsmtpd_tls_mandatory_exclude_ciphers = {mandatory}",
        Exchange="\n".join(f"Disable-TlsCipherSuite -Name {suite.name}" for suite in suites),
        Dovecot=f"ssl_cipher_list = {dovecot}",
        **{EXIM_OPENSSL: f"tls_require_ciphers = {left}", EXIM_GNUTLS: f"tls_require_ciphers = {gnutls}"},
    )
