"""Careless hosts for mail programs, `mail.NAME.test`: where people are sent, and what answers there."""

from dataclasses import dataclass, field

# Postfix, on a port where TLS begins with STARTTLS, and on one where it comes first.
_LOGIN = (
    "smtpd_sasl_auth_enable = yes",
    "smtpd_sender_restrictions = reject_sender_login_mismatch",
    "smtpd_recipient_restrictions = permit_sasl_authenticated, reject",
)
SUBMISSION = ("smtpd_tls_security_level = encrypt", *_LOGIN)
IMPLICIT = ("smtpd_tls_wrappermode = yes", *_LOGIN)

# What Postfix does about TLS unless told otherwise, where sound servers of the world are told.
DEFAULT_TLS = (
    "smtpd_tls_protocols = >=TLSv1",
    "smtpd_tls_mandatory_protocols = >=TLSv1",
    "smtpd_tls_ciphers = medium",
    "smtpd_tls_mandatory_ciphers = medium",
    "tls_ssl_options =",
)

_SUBMISSIONS = "_submissions._tcp SRV 0 1 465 mail"
_SUBMISSION = "_submission._tcp SRV 10 1 587 mail"
_BOTH = (_SUBMISSIONS, _SUBMISSION)
_IMAPS = "_imaps._tcp SRV 0 1 993 mail"
_POP3S = "_pop3s._tcp SRV 10 1 995 mail"
_IMAP = "_imap._tcp SRV 20 1 143 mail"
_POP3 = "_pop3._tcp SRV 20 1 110 mail"
_SIEVE = "_sieve._tcp SRV 0 1 4190 mail"


@dataclass(frozen=True)
class Listener:
    """One port of Dovecot; `tls` says whether TLS comes first."""

    protocol: str
    port: int
    tls: bool


@dataclass(frozen=True)
class Careless:
    """One host: its SRV records, which replace sound ones of the same name, and who listens there with which settings."""

    srv: tuple[str, ...]
    postfix: dict[int, tuple[str, ...]] = field(default_factory=dict)
    exim: tuple[int, ...] = ()
    dovecot: tuple[Listener, ...] = ()
    settings: tuple[str, ...] = ()
    """What Dovecot does differently at this address."""
    without: tuple[str, ...] = ()
    """Sound SRV records that are left out, by owner."""
    relays: dict[int, str] = field(default_factory=dict)
    """Ports where a relay (relay.py) listens, and its habit; it reaches the first listener of Dovecot."""
    expired: bool = False
    """Whether the certificate is one that ended two days ago."""


_ALL_MAILBOX_PORTS = (
    Listener("imap", 143, tls=False),
    Listener("imap", 993, tls=True),
    Listener("pop3", 110, tls=False),
    Listener("pop3", 995, tls=True),
    Listener("managesieve", 4190, tls=False),
)
RELAYED_IMAP = 1143
_CLEAR = "disable_plaintext_auth = no"

CLIENTS: dict[str, Careless] = {
    "submission-clear": Careless(
        _BOTH, {587: ("smtpd_tls_security_level = may", "smtpd_tls_auth_only = no", *_LOGIN), 465: IMPLICIT}
    ),
    "clear-465": Careless(_BOTH, {587: SUBMISSION, 465: SUBMISSION}),
    "tls-587": Careless(_BOTH, {587: IMPLICIT, 465: IMPLICIT}),
    "no-login-587": Careless(
        _BOTH, {587: (SUBMISSION[0], "smtpd_recipient_restrictions = reject"), 465: IMPLICIT}
    ),
    "no-tls-587": Careless(
        _BOTH, {587: ("smtpd_tls_security_level = none", "smtpd_tls_auth_only = no", *_LOGIN), 465: IMPLICIT}
    ),
    "open-587": Careless(_BOTH, {587: SUBMISSION[:2], 465: IMPLICIT}),
    "only-587": Careless((_SUBMISSION,), {587: SUBMISSION}, without=("_submissions._tcp",)),
    "login-only": Careless(
        _BOTH,
        {
            587: (*SUBMISSION, "smtpd_sasl_mechanism_filter = login"),
            465: (*IMPLICIT, "smtpd_sasl_mechanism_filter = login"),
        },
    ),
    "cram-only": Careless(_BOTH, exim=(587, 465)),
    "certificate-587": Careless(_BOTH, {587: (*SUBMISSION, "smtpd_tls_req_ccert = yes"), 465: IMPLICIT}),
    "expired-465": Careless(_BOTH, {587: SUBMISSION, 465: IMPLICIT}, expired=True),
    "default-587": Careless(_BOTH, {587: (*SUBMISSION, *DEFAULT_TLS), 465: (*IMPLICIT, *DEFAULT_TLS)}),
    "imap-clear": Careless((_IMAPS, _IMAP), dovecot=_ALL_MAILBOX_PORTS, settings=(_CLEAR,)),
    "pop3-clear": Careless((_POP3S, _POP3), dovecot=_ALL_MAILBOX_PORTS, settings=(_CLEAR,)),
    "no-tls-143": Careless((_IMAP,), dovecot=_ALL_MAILBOX_PORTS[:1], settings=(_CLEAR, "ssl = no")),
    "no-tls-110": Careless((_POP3,), dovecot=_ALL_MAILBOX_PORTS[2:3], settings=(_CLEAR, "ssl = no")),
    "tls-143": Careless((_IMAP,), dovecot=(Listener("imap", 143, tls=True),)),
    "tls-110": Careless((_POP3,), dovecot=(Listener("pop3", 110, tls=True),)),
    "clear-993": Careless((_IMAPS,), dovecot=(Listener("imap", 993, tls=False),)),
    "clear-995": Careless((_POP3S,), dovecot=(Listener("pop3", 995, tls=False),)),
    "closed-993": Careless((_IMAPS,)),
    "expired-993": Careless((_IMAPS,), dovecot=_ALL_MAILBOX_PORTS[1:2], expired=True),
    "tls10-993": Careless(
        (_IMAPS,),
        dovecot=_ALL_MAILBOX_PORTS[1:2],
        settings=(
            "ssl_min_protocol = TLSv1",
            "ssl_cipher_list = ECDHE+AESGCM:ECDHE+CHACHA20:ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0",
        ),
    ),
    "sieve-clear": Careless((_SIEVE,), dovecot=_ALL_MAILBOX_PORTS[4:], settings=(_CLEAR,)),
    "no-tls-4190": Careless((_SIEVE,), dovecot=_ALL_MAILBOX_PORTS[4:], settings=(_CLEAR, "ssl = no")),
    "expired-4190": Careless((_SIEVE,), dovecot=_ALL_MAILBOX_PORTS[4:], expired=True),
    "tls-4190": Careless((_SIEVE,), dovecot=(Listener("managesieve", 4190, tls=True),)),
    "ssl3-993": Careless(
        (_IMAPS,),
        dovecot=(Listener("imap", RELAYED_IMAP, tls=False),),
        settings=(_CLEAR, "ssl = no"),
        relays={993: "ssl3-first"},
    ),
}
