"""Conversations with another ClientHello than the usual one, for hosts on which that fails."""

from __future__ import annotations

from typing import ClassVar, overload

from diag.model.frozen import frozen
from diag.tls.hello import Hello

from .talks import AnyTalk, ImapTalk, Pop3Talk, SieveTalk, SmtpTalk, Talk

_OPENSSL = {Hello.USUAL: "", Hello.SMALL: " -groups P-256", Hello.CLASSICAL: " -tls1_2"}


@frozen
class SmtpHelloTalk(SmtpTalk):
    """An SMTP conversation whose handshake begins with the given ClientHello."""

    kind: ClassVar[str] = "smtp-hello"

    hello: Hello = Hello.CLASSICAL

    def command(self) -> str:
        """openssl, told to offer the same."""
        return SmtpTalk.command(self) + _OPENSSL[self.hello]


@frozen
class ImapHelloTalk(ImapTalk):
    """An IMAP conversation whose handshake begins with the given ClientHello."""

    kind: ClassVar[str] = "imap-hello"

    hello: Hello = Hello.CLASSICAL

    def command(self) -> str:
        """openssl, told to offer the same."""
        return ImapTalk.command(self) + _OPENSSL[self.hello]


@frozen
class Pop3HelloTalk(Pop3Talk):
    """A POP3 conversation whose handshake begins with the given ClientHello."""

    kind: ClassVar[str] = "pop3-hello"

    hello: Hello = Hello.CLASSICAL

    def command(self) -> str:
        """openssl, told to offer the same."""
        return Pop3Talk.command(self) + _OPENSSL[self.hello]


@frozen
class SieveHelloTalk(SieveTalk):
    """A ManageSieve conversation whose handshake begins with the given ClientHello."""

    kind: ClassVar[str] = "sieve-hello"

    hello: Hello = Hello.CLASSICAL

    def command(self) -> str:
        """openssl, told to offer the same."""
        return SieveTalk.command(self) + _OPENSSL[self.hello]


HelloTalk = SmtpHelloTalk | ImapHelloTalk | Pop3HelloTalk
AnyHelloTalk = HelloTalk | SieveHelloTalk


@overload
def with_hello(talk: SmtpTalk, hello: Hello) -> SmtpHelloTalk: ...
@overload
def with_hello(talk: SieveTalk, hello: Hello) -> SieveHelloTalk: ...
@overload
def with_hello(talk: Talk, hello: Hello) -> HelloTalk: ...
@overload
def with_hello(talk: AnyTalk, hello: Hello) -> AnyHelloTalk: ...
def with_hello(talk: AnyTalk, hello: Hello) -> AnyHelloTalk:
    """The same conversation with that ClientHello; of SMTP without a transaction, as the handshake is all that counts."""
    address, port, host = talk.address, talk.port, talk.host
    match talk:
        case SmtpTalk():
            return SmtpHelloTalk(
                address, port, host, talk.helo, talk.tls, timeout=talk.timeout, look=2, hello=hello
            )
        case ImapTalk():
            return ImapHelloTalk(address, port, host, talk.tls, talk.timeout, look=2, hello=hello)
        case Pop3Talk():
            return Pop3HelloTalk(address, port, host, talk.tls, talk.timeout, look=2, hello=hello)
        case SieveTalk():
            return SieveHelloTalk(address, port, host, talk.tls, talk.timeout, look=2, hello=hello)
