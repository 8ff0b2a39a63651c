"""Scripted hosts as data: what listens at an address and port, how it replies and how it misbehaves."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from .tls_script import TlsScript


class Kind(enum.StrEnum):
    """The protocol a host speaks."""

    SMTP = "smtp"
    IMAP = "imap"
    POP3 = "pop3"
    SIEVE = "sieve"
    HTTPS = "https"


class Tls(enum.StrEnum):
    """How a host comes to speak TLS (RFC 8314 section 3)."""

    STARTTLS = "starttls"
    """Upgraded by the client's command: STARTTLS, or STLS in POP3."""
    IMPLICIT = "implicit"
    """From the first octet on."""
    NONE = "none"
    """Never; on a port of implicit TLS this is a host that talks plain text there."""


class State(enum.StrEnum):
    """What a connection request meets."""

    OPEN = "open"
    REFUSED = "refused"
    """A TCP reset: nothing listens."""
    FILTERED = "filtered"
    """Nothing at all: the request is dropped on the way."""
    UNREACHABLE = "unreachable"
    """A router says that there is no way."""


class Handshake(enum.StrEnum):
    """How the server's side of a TLS handshake goes."""

    GOOD = "good"
    STALL = "stall"
    """It reads the ClientHello and never answers."""
    CLOSE = "close"
    """It reads the ClientHello and closes."""
    RESET = "reset"
    """It reads the ClientHello and tears the connection down."""
    ALERT = "alert"
    """It answers the ClientHello with a fatal handshake_failure (RFC 8446 section 6.2)."""
    NAME = "unrecognized-name"
    """It answers the ClientHello with a fatal unrecognized_name (RFC 6066 section 3)."""
    PLAIN = "plain"
    """It answers the ClientHello with text."""
    PUT_OFF = "put-off"
    """It answers the ClientHello with a 421 in clear."""


@dataclass(frozen=True)
class CertificateSpec:
    """Which certificate a host serves: a kind of the authority's, and names (default: the host's own)."""

    kind: str = "valid"
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class MarkSpec:
    """A mark certificate: a kind of `diag.sandbox.marks`, its domains, and the path of the logo in it."""

    kind: str = "valid"
    names: tuple[str, ...] = ()
    logo: str = ""


@dataclass(frozen=True)
class Document:
    """What an HTTPS host answers for one path."""

    body: str = ""
    status: int = 200
    type: str = "text/plain"
    location: str = ""
    """Sent as Location where it is not empty."""
    date: str = ""
    """Sent as Date; empty: the moment of the world."""
    length: int = 0
    """Octets announced; 0: as many as there are, and none where the reply is endless."""
    revoked: tuple[str, ...] | None = None
    """In place of the body comes the intermediate's list of revoked certificates, with those of the kind
    `listed` that these hosts serve."""
    issuer: str = ""
    """In place of the body comes a certificate of the authority's: "intermediate" or "root", in DER, or "pkcs7"."""
    mark: MarkSpec | None = None
    """In place of the body comes a mark certificate."""
    list_fault: str = ""
    """What is wrong with that list: "stale", "forged"; empty: nothing."""


@dataclass(frozen=True)
class Quirks:
    """How a host misbehaves. Verbs are upper case; GREETING stands for the moment of the greeting."""

    greeting_delay_ms: int = 0
    delay_ms: int = 0
    """Before every reply."""
    drip_ms: int = 0
    """Octets are sent one by one with this pause between them."""
    silent_after: int | None = None
    """After so many replies (the greeting is the first) it listens and never speaks again."""
    close_on: str = ""
    """It closes instead of replying to this verb."""
    close_after: str = ""
    """It closes once it has replied to this verb."""
    reset_on: str = ""
    """It tears the connection down instead of replying to this verb."""
    endless_line: str = ""
    """In place of the reply to this verb comes a line that never ends."""
    endless_reply: str = ""
    """In place of the reply to this verb come lines without end."""
    inject: str = ""
    """Clear text sent in one write with the reply that begins TLS (RFC 3207 section 6)."""
    keeps_clear_text: bool = False
    """Commands read before the handshake are obeyed after it (CVE-2011-0411)."""
    tls_alone: bool = False
    """It refuses to begin TLS where anything came together with the command, and closes, as Exim does."""
    one_at_a_time: bool = False
    """What came together with a command is lost when that is answered (RFC 2920 section 3.2)."""
    truncates: bool = False
    """It closes without close_notify (RFC 8446 section 6.1)."""
    line_end: str = "\r\n"
    takes_bare_lf: bool = False
    """Commands may end in LF alone (RFC 5321 section 2.3.8)."""
    handshake: Handshake = Handshake.GOOD
    hello_limit: int = 0
    """The handshake goes wrong, in the manner of `handshake`, only for a ClientHello of more octets."""
    tls13_intolerant: bool = False
    """The handshake goes wrong, in the manner of `handshake`, only for a ClientHello that offers TLS 1.3."""


@dataclass(frozen=True)
class HostSpec:
    """What listens at one address and port."""

    address: str
    port: int
    protocol: Kind
    tls: Tls
    name: str
    state: State = State.OPEN
    certificate: CertificateSpec = CertificateSpec()
    staple: str = ""
    """What its stapled OCSP response says of the certificate: "good", "revoked"; empty: none is sent."""
    min_version: str = ""
    """The oldest TLS version spoken, such as "TLSv1.2"; empty for the library's."""
    max_version: str = ""
    ciphers: str = ""
    """The suites up to TLS 1.2, in OpenSSL's words; empty for the recommended ones."""
    curve: str = ""
    """The one curve in which keys are agreed on, such as "secp256r1"; empty for the library's groups."""
    ticket_lifetime: int = 0
    """For how many seconds its session tickets are good; 0: as the library has it."""
    early_data: int = 0
    """How many octets may be sent with such a ticket before the handshake is done."""
    renegotiates: bool = False
    """Clients may negotiate anew, as far as TLS 1.2."""
    script: TlsScript | None = None
    """What it says to ClientHellos of offers, where no library can be made to say that."""
    domains: tuple[str, ...] = ()
    """What an SMTP host receives mail for."""
    mailboxes: tuple[str, ...] = ("postmaster", "abuse")
    """Local parts that exist in those domains; "*" is any."""
    submission: bool = False
    """An SMTP host that wants TLS and a login first (RFC 6409)."""
    logins: Mapping[str, str] = field(default_factory=dict)
    """Who may log in, name and password; a mailbox is shown under its address."""
    any_sender: bool = False
    """An SMTP host that lets whoever has logged in send as anybody."""
    junk: bool = False
    """What an SMTP host takes is put into the folder for junk."""
    stamps: tuple[str, ...] = ()
    """Header lines that an SMTP host puts on top of what it takes."""
    rewrites: Mapping[str, str] = field(default_factory=dict)
    """What an SMTP host puts in place of words of a message."""
    delivers_after: float = 0.0
    """Seconds until what an SMTP host takes shows up in the mailboxes of the world."""
    ends_data: tuple[str, ...] = ()
    """What an SMTP host takes for the end of a message beside CRLF.CRLF, such as "LF.LF"."""
    keeps_dots: bool = False
    """The second dot at the beginning of a line is left there (RFC 5321 section 4.5.2)."""
    returns: str = ""
    """An SMTP host returns what it took for mailboxes that only "*" makes known, and calls itself so while it does."""
    delivers: bool = True
    """What an SMTP host takes shows up in the mailboxes of the world."""
    greeting: tuple[str, ...] | None = None
    keywords: tuple[str, ...] | None = None
    """EHLO keywords or capabilities before TLS, in place of the usual ones."""
    keywords_tls: tuple[str, ...] | None = None
    """The same under TLS."""
    replies: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Replies by the beginning of the command, upper case; the longest that fits wins. `{tag}` is IMAP's tag."""
    replies_tls: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The same, looked at first under TLS."""
    documents: Mapping[str, Document] = field(default_factory=dict)
    """What an HTTPS host serves, by path."""
    quirks: Quirks = Quirks()
    second: HostSpec | None = None
    """What answers every second connection in its place, as where unlike machines share one address."""

    def turn(self, connections: int) -> HostSpec:
        """What answers a connection before which there were so many others."""
        return self.second if self.second is not None and connections % 2 else self

    @property
    def names(self) -> tuple[str, ...]:
        """The names its certificate is for."""
        return self.certificate.names or (self.name,)

    @property
    def endpoint(self) -> tuple[str, int]:
        """Where it is."""
        return self.address, self.port


STANDARD_PORTS: Mapping[int, tuple[Kind, Tls]] = {
    25: (Kind.SMTP, Tls.STARTTLS),
    587: (Kind.SMTP, Tls.STARTTLS),
    2525: (Kind.SMTP, Tls.STARTTLS),
    465: (Kind.SMTP, Tls.IMPLICIT),
    143: (Kind.IMAP, Tls.STARTTLS),
    993: (Kind.IMAP, Tls.IMPLICIT),
    110: (Kind.POP3, Tls.STARTTLS),
    995: (Kind.POP3, Tls.IMPLICIT),
    4190: (Kind.SIEVE, Tls.STARTTLS),
    443: (Kind.HTTPS, Tls.IMPLICIT),
    80: (Kind.HTTPS, Tls.NONE),
}
"""What a description need not say."""

SUBMISSION_PORTS = frozenset({465, 587, 2525})
"""Where an SMTP host wants a login unless it is told otherwise."""
