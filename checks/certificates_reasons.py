"""What findings about refused certificates have in common: their sentence, and what cures each cause."""

from __future__ import annotations

import shlex

from diag.api import Cause, Configure, Finding, Form, Reason, ServedCertificate, Undecided

from .tls_settings import MAILBOX_PORTS


class CertificateFinding(Finding):
    """What all rules about refused certificates say and hold."""

    message = "The certificate at {subject} {what}{also}."
    what: str
    """The cause, as a predicate of the certificate."""
    also: str = ""
    """What else is wrong with it, as the end of the sentence; empty where nothing is."""


def unknown_issuer(served: ServedCertificate, reason: Reason) -> Undecided:
    """Clients refuse, and which of two causes it is could not be found out."""
    which = "whether an intermediate was left out or its CA is one that nobody knows is open"
    return Undecided(
        f"the certificate {reason.what}; clients that verify refuse it, and {which}", served.cites
    )


def cure(served: ServedCertificate, cause: Cause) -> tuple[Configure, ...]:
    """What to do at the host, in the words of certbot and of the mail servers that are met most."""
    host = served.endpoint.host
    name = next((one for one in served.references if one == host), host)
    reload = _reload(served.endpoint.port)
    match cause:
        case Cause.MISSING_INTERMEDIATE:
            return (*_append(served), *chain_settings(served))
        case Cause.EXPIRED:
            command = f'certbot renew --cert-name {name} --deploy-hook "{reload}"'
            return (Configure(host, command, "certbot"),)
        case Cause.NOT_YET_VALID:
            return (Configure(host, "timedatectl set-ntp true", "systemd"), _issue(host, reload))
        case Cause.WEAK_KEY | Cause.KNOWN_KEY:
            return reissued(served, "--new-key --key-type ecdsa --force-renewal ")
        case _:
            return (_issue(host, reload), *chain_settings(served))


def reissued(served: ServedCertificate, options: str = "--force-renewal ") -> tuple[Configure, ...]:
    """A new certificate for the host's name alone; by itself, certbot makes a new key for it."""
    host = served.endpoint.host
    return (_issue(host, _reload(served.endpoint.port), options),)


def _append(served: ServedCertificate) -> tuple[Configure, ...]:
    """How the intermediate that was found gets into the file that is sent. What it says is remote, and is quoted."""
    lacking = served.lacks
    if lacking is None or lacking.certificate is None:
        return ()
    reads = "pkcs7 -print_certs" if lacking.form is Form.PKCS7 else "x509"
    subject = "".join(c if c.isprintable() else "?" for c in lacking.certificate.subject[:200])
    command = f"curl -s {shlex.quote(lacking.url)} | openssl {reads} -inform {_INFORM[lacking.form]} >> fullchain.pem"
    return (Configure(served.endpoint.host, f"# {shlex.quote(subject)}\n{command}", "openssl"),)


_INFORM = {Form.DER: "DER", Form.PEM: "PEM", Form.PKCS7: "DER"}


def _issue(host: str, reload: str, options: str = "") -> Configure:
    command = f'certbot certonly --standalone --cert-name {host} {options}-d {host} --deploy-hook "{reload}"'
    return Configure(host, command, "certbot")


def chain_settings(served: ServedCertificate) -> tuple[Configure, ...]:
    """Where the mail servers take the certificate with all its intermediates from."""
    host = served.endpoint.host
    folder = f"/etc/letsencrypt/live/{host}"
    return tuple(
        Configure(host, setting.format(folder=folder), product)
        for product, setting in _SETTINGS
        if product.startswith("Dovecot") == (served.endpoint.port in MAILBOX_PORTS)
    )


_SETTINGS = (
    ("Postfix", "smtpd_tls_chain_files = {folder}/privkey.pem, {folder}/fullchain.pem"),
    ("Exim", "tls_certificate = {folder}/fullchain.pem\ntls_privatekey = {folder}/privkey.pem"),
    ("Dovecot 2.3", "ssl_cert = <{folder}/fullchain.pem\nssl_key = <{folder}/privkey.pem"),
    (
        "Dovecot 2.4",
        "ssl_server_cert_file = {folder}/fullchain.pem\nssl_server_key_file = {folder}/privkey.pem",
    ),
)
"""Key before certificates in Postfix; the leaf before its issuers in every such file.

A new certificate has a new key: both are named, or the server has a pair that does not fit."""


def _reload(port: int) -> str:
    return f"systemctl reload {'dovecot' if port in MAILBOX_PORTS else 'postfix'}"
