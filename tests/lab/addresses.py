"""Who lives where: every host name of the laboratory and its loopback address.

Addresses are PREFIX.0.x and PREFIX.1.x, all within 127/8, so that several worlds can stand side by side with
different prefixes.  Ports are the standard ones.  One address has one name, except where a row says so.
"""

import itertools

from lab.clients import CLIENTS, DEFAULT_TLS

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
    "wrong-order",
    "extra-root",
    "expired-intermediate",
    "client-only",
    "ends-soon",
)

# Name servers: the first two are one server, which has every zone. The last has what it should have taken over
# from the first, as it was before the latest change.
AUTHORITIES = ("ns1.lab.test", "ns2.lab.test")
SECONDARY = "ns3.lab.test"

# Where the authority says that its list of revoked certificates is.
LIST_HOST = "crl.lab.test"

# One MX each, `mx.NAME.test`, with these settings over the sound ones.  `{dir}` and `{net}` are filled in.
WEAK_OPENSSL = "tls_config_file = {dir}/postfix/openssl-weak.cnf"
MODERN_SUITES = "ECDHE+AESGCM:ECDHE+CHACHA20"
HABITS: dict[str, tuple[str, ...]] = {
    "sound": (),
    "no-tls": ("smtpd_tls_security_level = none",),
    "tls10": ("smtpd_tls_protocols = TLSv1", "tls_high_cipherlist = ALL:@SECLEVEL=0", WEAK_OPENSSL),
    "anon": (
        "smtpd_tls_chain_files =",
        "smtpd_tls_cert_file = none",
        "smtpd_tls_protocols = TLSv1.2",
        "tls_high_cipherlist = aNULL:!eNULL:@SECLEVEL=0",
        WEAK_OPENSSL,
    ),
    "clear-auth": ("smtpd_sasl_auth_enable = yes", "smtpd_tls_auth_only = no"),
    "throttle": ("smtpd_client_connection_rate_limit = 3", "smtpd_client_event_limit_exceptions ="),
    "busy": (
        "smtpd_client_restrictions = check_client_access static:{{421 4.3.2 Too busy, come back later}}",
        "smtpd_delay_reject = no",
    ),
    "greylist": ("smtpd_recipient_restrictions = check_policy_service inet:{net}.0.12:10023",),
    "helo-only": ("smtpd_command_filter = regexp:{dir}/postfix/helo-only",),
    "blocked": ("smtpd_client_restrictions = reject_rbl_client all.bl.test", "smtpd_delay_reject = no"),
    "blocked-rcpt": ("smtpd_client_restrictions = reject_rbl_client all.bl.test",),
    "postscreen": (),
    "bare-newline": ("smtpd_forbid_bare_newline = no",),
    "slow": ("smtpd_client_restrictions = sleep 3", "smtpd_delay_reject = no"),
    "tls12": ("smtpd_tls_protocols = TLSv1.2",),
    "tls11": (
        "smtpd_tls_protocols = >=TLSv1.1",
        f"tls_high_cipherlist = {MODERN_SUITES}:ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0",
        WEAK_OPENSSL,
    ),
    "null": (f"tls_high_cipherlist = {MODERN_SUITES}:ECDHE-ECDSA-NULL-SHA:@SECLEVEL=0", WEAK_OPENSSL),
    "rsa-exchange": (f"tls_high_cipherlist = {MODERN_SUITES}:kRSA+AESGCM",),
    "rsa-only": ("smtpd_tls_protocols = TLSv1.2", "tls_high_cipherlist = kRSA+AESGCM"),
    "dh-1024": (
        f"tls_high_cipherlist = {MODERN_SUITES}:DHE+AESGCM:@SECLEVEL=0",
        "smtpd_tls_dh1024_param_file = {dir}/postfix/dh-1024.pem",
        WEAK_OPENSSL,
    ),
    "asks-certificate": ("smtpd_tls_ask_ccert = yes",),
    "demands-certificate": ("smtpd_tls_security_level = encrypt", "smtpd_tls_req_ccert = yes"),
    "demands-tls": ("smtpd_tls_security_level = encrypt",),
    "tls-on-25": ("smtpd_tls_wrappermode = yes",),
    "vrfy": ("disable_vrfy_command = no",),
    "no-8bitmime": ("smtpd_discard_ehlo_keywords = 8bitmime, smtputf8",),
    "no-smtputf8": ("smtputf8_enable = no",),
    "tiny-size": ("message_size_limit = 60000",),
    "small-size": ("message_size_limit = 5000000",),
    "xclient": ("smtpd_authorized_xclient_hosts = static:all",),
    "xforward": ("smtpd_authorized_xforward_hosts = static:all",),
    "tells-version": ("smtpd_banner = $myhostname ESMTP $mail_name $mail_version",),
    "other-name": ("smtpd_banner = mx.elsewhere.test ESMTP",),
    "no-bounces": ("smtpd_sender_restrictions = check_sender_access regexp:{dir}/postfix/no-bounces",),
    "no-postmaster": (
        "smtpd_recipient_restrictions = check_recipient_access regexp:{dir}/postfix/no-postmaster",
    ),
    "open-relay": (
        "mynetworks = 0.0.0.0/0",
        "smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination",
    ),
    "deep": (),
    "half-dead": (),
    "half-tls": (),
    "default-25": DEFAULT_TLS,
    "both-families": (),
    "dead-ipv6": (),
    "gone-ipv6": (),
    "silent-ipv6": (),
    "half-dead-ipv6": (),
    # sound servers whose fault is in the DNS
    "mx-alias": (),
    "dane-mismatch": (),
    "dane-bogus": (),
    "unsigned": (),
    "lame-ptr": (),
    "no-ptr": (),
}

# What postscreen does: it wants a client to be patient, or tests what it says, and takes no mail on that connection.
POSTSCREEN: dict[str, tuple[str, ...]] = {
    "postscreen": (),
    "deep": ("postscreen_bare_newline_enable = yes", "postscreen_bare_newline_action = enforce"),
}

# MX hosts with a second address, where nobody listens, or a server with these settings.
SECOND: dict[str, tuple[str, ...] | None] = {
    "half-dead": None,
    "half-tls": ("smtpd_tls_security_level = none",),
}

# IPv6 addresses of MX hosts: those where a server listens, and others. They are published everywhere, and there only
# in a network namespace (families.py): loopback has no IPv6 address but ::1.
SIX: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "both-families": (("fd25::21",), ()),
    "dead-ipv6": ((), ("fd25::dead",)),
    "gone-ipv6": ((), ("fd25::90e",)),
    "silent-ipv6": ((), ("fd25::511e",)),
    "half-dead-ipv6": (("fd25::22",), ("fd25::22:dead",)),
}
GONE, SILENT = "fd25::90e", "fd25::511e"
"""The address that nobody has, and the one where nothing is heard; at the other dead ones connections are refused."""

# MX hosts of Exim, and the suites of GnuTLS that each takes over the sound ones.
EXIM_HABITS = {"rc4": "+ARCFOUR-128", "3des": "+3DES-CBC", "sni-default": ""}

# MX hosts that are sound, behind a relay with this habit (relay.py), which reaches them at another port.
RELAYS = {"masked": "mask", "injected": "keep", "ssl3": "ssl3", "ssl3-too": "ssl3-too"}
RELAYED_PORT = 2526

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
}


def hosts(net: str) -> dict[str, str]:
    """Every host name and its address below `net`, two octets such as `127.25`."""
    places = dict(_FIXED)
    places |= {f"mta-sts.{domain}": "0.10" for domain in POLICY_DOMAINS}
    places |= {f"mx.{name}.test": f"0.{61 + at}" for at, name in enumerate(CERTIFICATE_FAULTS)}
    places |= {f"mx.{name}.test": f"0.{101 + at}" for at, name in enumerate(HABITS)}
    for at, name in enumerate((*EXIM_HABITS, *RELAYS)):
        places[f"mx.{name}.test"] = f"1.{101 + at}"
    places |= {f"mail.{name}.test": f"1.{61 + at}" for at, name in enumerate(CLIENTS)}
    places |= {f"second.{name}.test": f"1.{201 + at}" for at, name in enumerate(SECOND)}
    return {name: f"{net}.{place}" for name, place in places.items()}


def pointers(net: str) -> dict[str, str]:
    """What the reverse zone says: an address and its PTR name, forward-confirmed but for the planted two."""
    named: dict[str, str] = {}
    for host, address in hosts(net).items():
        named.setdefault(address, host)
    named |= {hosts(net)[f"second.{name}.test"]: f"mx.{name}.test" for name in SECOND}
    named.pop(hosts(net)["mx.no-ptr.test"])
    named[hosts(net)["mx.lame-ptr.test"]] = "elsewhere.lame-ptr.test"
    named |= {at: f"mx.{name}.test" for name, places in SIX.items() for at in itertools.chain(*places)}
    return named
