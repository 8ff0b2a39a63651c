"""Who lives where: every host name of the laboratory and its loopback address.

Addresses are PREFIX.0.x and PREFIX.1.x, all within 127/8, so that several worlds can stand side by side with
different prefixes.  Ports are the standard ones.  One address has one name, except where a row says so.
"""

# One MX each, `mx.NAME.test`, which differs from a sound one in its certificate.
CERTIFICATE_FAULTS = (
    "no-intermediate",
    "expired",
    "not-yet-valid",
    "self-signed",
    "wrong-name",
    "weak-key",
    "untrusted-root",
    "revoked",
)

# Name servers: the first two are one server, which has every zone. The last has what it should have taken over
# from the first, as it was before the latest change.
AUTHORITIES = ("ns1.lab.test", "ns2.lab.test")
SECONDARY = "ns3.lab.test"

# Where the authority says that its list of revoked certificates is.
LIST_HOST = "crl.lab.test"

# One MX each, `mx.NAME.test`, with these settings over the sound ones.  `{dir}` and `{net}` are filled in.
WEAK_OPENSSL = "tls_config_file = {dir}/postfix/openssl-weak.cnf"
HABITS: dict[str, tuple[str, ...]] = {
    "sound": (),
    "no-tls": ("smtpd_tls_security_level = none",),
    "tls10": ("smtpd_tls_protocols = TLSv1", "tls_high_cipherlist = ALL:@SECLEVEL=0", WEAK_OPENSSL),
    "anon": (
        "smtpd_tls_chain_files =",
        "smtpd_tls_cert_file = none",
        "smtpd_tls_protocols = TLSv1.2",
        "tls_high_cipherlist = aNULL:@SECLEVEL=0",
        WEAK_OPENSSL,
    ),
    "clear-auth": ("smtpd_sasl_auth_enable = yes", "smtpd_tls_auth_only = no"),
    "throttle": ("smtpd_client_connection_rate_limit = 3", "smtpd_client_event_limit_exceptions ="),
    "busy": (
        "smtpd_client_restrictions = check_client_access static:{{421 4.3.2 Too busy, come back later}}",
        "smtpd_delay_reject = no",
    ),
    "greylist": ("smtpd_recipient_restrictions = check_policy_service inet:{net}.0.12:10023",),
    "helo-only": ("smtpd_command_filter = pcre:{dir}/postfix/helo-only",),
    "blocked": ("smtpd_client_restrictions = reject_rbl_client all.bl.test", "smtpd_delay_reject = no"),
    "blocked-rcpt": ("smtpd_client_restrictions = reject_rbl_client all.bl.test",),
    "postscreen": (),
    "bare-newline": ("smtpd_forbid_bare_newline = no",),
    "slow": ("smtpd_client_restrictions = sleep 3", "smtpd_delay_reject = no"),
    # sound servers whose fault is in the DNS
    "mx-alias": (),
    "dane-mismatch": (),
    "dane-bogus": (),
    "unsigned": (),
    "lame-ptr": (),
    "no-ptr": (),
}

# Hosts of MTA-STS policies, all at one address: certificates are chosen by SNI.
POLICY_DOMAINS = (
    "lab.test",
    "sts-partial.test",
    "sts-uncovered.test",
    "sts-missing.test",
    "sts-expired.test",
)

_FIXED = {
    "ns1.lab.test": "0.53",
    "ns2.lab.test": "1.53",
    SECONDARY: "1.54",
    "resolver.lab.test": "0.54",
    LIST_HOST: "0.11",
    "greylister.lab.test": "0.12",
    "mx1.lab.test": "0.21",
    "mx2.lab.test": "1.23",
    "imap.lab.test": "0.31",
    "mail.submission-clear.test": "0.22",
    "mail.imap-clear.test": "0.32",
    "mail.pop3-clear.test": "0.33",
}


def hosts(net: str) -> dict[str, str]:
    """Every host name and its address below `net`, two octets such as `127.25`."""
    places = dict(_FIXED)
    places |= {f"mta-sts.{domain}": "0.10" for domain in POLICY_DOMAINS}
    places |= {f"mx.{name}.test": f"0.{61 + at}" for at, name in enumerate(CERTIFICATE_FAULTS)}
    places |= {f"mx.{name}.test": f"0.{101 + at}" for at, name in enumerate(HABITS)}
    return {name: f"{net}.{place}" for name, place in places.items()}


def pointers(net: str) -> dict[str, str]:
    """What the reverse zone says: an address and its PTR name, forward-confirmed but for the planted two."""
    named: dict[str, str] = {}
    for host, address in hosts(net).items():
        named.setdefault(address, host)
    named.pop(hosts(net)["mx.no-ptr.test"])
    named[hosts(net)["mx.lame-ptr.test"]] = "elsewhere.lame-ptr.test"
    return named
