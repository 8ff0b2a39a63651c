"""Probes that hold a conversation: SMTP, IMAP, POP3 and ManageSieve, each over one connection, none sends mail."""

from __future__ import annotations

import ipaddress
from typing import Any, ClassVar, Literal

from diag.model.frozen import frozen
from diag.wire.transcript import Transcript

from .probe import Impact, Probe

Tls = Literal["starttls", "implicit"]
"""How TLS comes about: after a command that asks for it, where it is offered; or with the first octet."""


@frozen
class TalkProbe(Probe[Transcript]):
    """A conversation over one connection. `host` is the name sent as SNI and never resolved here."""

    impact: ClassVar[Impact] = Impact.POLITE
    evidence: ClassVar[tuple[type[Any], ...]] = (Transcript,)

    address: str
    port: int
    host: str

    @property
    def peer(self) -> str:
        """The address we connect to."""
        return self.address


@frozen
class SmtpTalk(TalkProbe):
    """What an SMTP server says to a polite client, up to RSET; never DATA.

    With `mail_from` (empty for the null reverse-path) a transaction is begun, every recipient named, and
    all of it reset. `timeout` is the most seconds the whole conversation may take.
    """

    kind: ClassVar[str] = "smtp"

    helo: str
    tls: Tls = "starttls"
    mail_from: str | None = None
    recipients: tuple[str, ...] = ()
    timeout: float = 60.0
    look: int = 1
    """Which look it is: a second one is a conversation of its own."""

    def command(self) -> str:
        """swaks where a transaction is wanted, openssl otherwise."""
        if self.mail_from is None or not self.recipients:
            return openssl_command(
                self.address, self.port, self.host, "smtp" if self.tls == "starttls" else ""
            )
        tls = "--tls-optional" if self.tls == "starttls" else "--tls-on-connect"
        sender = quoted(self.mail_from or "<>")
        return (
            f"swaks --server {bracketed(self.address)} --port {self.port} --ehlo {quoted(self.helo)} {tls}"
            f" --tls-sni {quoted(self.host)} --from {sender} --to {quoted(','.join(self.recipients))}"
            " --quit-after RCPT"
        )


@frozen
class MailboxTalk(TalkProbe):
    """What a server says before anyone logs in: greeting and capabilities, in clear and under TLS."""

    tls: Tls = "starttls"
    timeout: float = 60.0
    look: int = 1
    """Which look it is: a second one is a conversation of its own."""

    def command(self) -> str:
        """openssl opens the same conversation; it calls the protocols by the names that our kinds have."""
        return openssl_command(
            self.address, self.port, self.host, self.kind if self.tls == "starttls" else ""
        )


@frozen
class ImapTalk(MailboxTalk):
    """What an IMAP server says."""

    kind: ClassVar[str] = "imap"


@frozen
class Pop3Talk(MailboxTalk):
    """What a POP3 server says."""

    kind: ClassVar[str] = "pop3"


@frozen
class SieveTalk(MailboxTalk):
    """What a ManageSieve server says."""

    kind: ClassVar[str] = "sieve"


Talk = SmtpTalk | ImapTalk | Pop3Talk
AnyTalk = Talk | SieveTalk


def openssl_command(address: str, port: int, host: str, starttls: str) -> str:
    """`openssl s_client` to an address with a server name; `starttls` names the protocol, or is empty."""
    upgrade = f" -starttls {starttls}" if starttls else ""
    return f"openssl s_client -crlf{upgrade} -connect {bracketed(address)}:{port} -servername {quoted(host)}"


def bracketed(address: str) -> str:
    """An address as it stands before a colon and a port (RFC 3986 section 3.2.2)."""
    try:
        return f"[{address}]" if ipaddress.ip_address(address).version == 6 else address
    except ValueError:
        return quoted(address)


def quoted(text: str) -> str:
    """A word for a POSIX shell, single quoted unless it is plain; control characters are dropped."""
    safe = "".join(char for char in text if char.isprintable())
    if safe and all((char.isalnum() and char.isascii()) or char in "-._@:/%+=," for char in safe):
        return safe
    return "'" + safe.replace("'", "'\\''") + "'"
