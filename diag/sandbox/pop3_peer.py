"""A scripted POP3 host; a healthy one talks much as Dovecot does."""

from __future__ import annotations

from .hosts import HostSpec, Tls
from .logins import Login
from .mail import Mail
from .pop3_maildrop import Maildrop
from .speaker import Reply, Then, reply

CAPABILITIES = ("CAPA", "TOP", "UIDL", "RESP-CODES", "PIPELINING", "AUTH-RESP-CODE")
"""What is offered before and after TLS alike."""


class Pop3Speaker:
    """One POP3 session (RFC 1939 section 3)."""

    def __init__(self, host: HostSpec, mail: Mail | None = None) -> None:
        self._host = host
        self._mail = mail or Mail()
        self._maildrop: Maildrop | None = None
        self._tls = host.tls is Tls.IMPLICIT
        self.binding: tuple[bytes, ...] = ()
        """The channel binding of the TLS connection."""
        self._login: Login | None = None
        self._user = ""

    def greeting(self) -> Reply:
        """The host's own, or a plain +OK."""
        lines = self._host.greeting or ("+OK Dovecot ready.",)
        return Reply(lines, Then.CLOSE if lines[-1].startswith("-ERR") else Then.STAY)

    def verb(self, line: str) -> str:
        """The command as it is, in upper case."""
        return "" if self._login else line.upper()

    def secured(self) -> None:
        """RFC 2595 section 4: capabilities are asked for again."""
        self._tls = True

    def scripted(self, line: str, lines: tuple[str, ...]) -> Reply:
        """Scripted lines; what usually follows does so only where their first is a success as usual."""
        usual = self.hear(line)
        self._login = None
        agrees = bool(usual.lines) and lines[0][:1] == usual.lines[0][:1]
        return Reply(lines, usual.then if agrees else Then.STAY)

    def hear(self, line: str) -> Reply:
        """The reply to one command."""
        if self._login:
            return self._answered(self._login, line)
        command, _, arguments = line.strip().partition(" ")
        if self._maildrop is not None and (said := self._maildrop.hear(command.upper(), arguments)):
            return said
        secret = not self._tls and self._host.tls is Tls.STARTTLS
        match command.upper():
            case "CAPA":
                return reply("+OK", *self._capabilities(), ".")
            case "STLS" if self._tls or self._host.tls is not Tls.STARTTLS:
                return reply("-ERR TLS is already active or not available.")
            case "STLS":
                return reply("+OK Begin TLS negotiation now.", then=Then.SECURE)
            case "USER" | "AUTH" if secret:
                return reply("-ERR [AUTH] Plaintext authentication disallowed without TLS.")
            case "USER":
                self._user = arguments
                return reply("+OK")
            case "PASS":
                return self._entered(Login("PLAIN", self._host.logins).known(self._user, arguments))
            case "AUTH":
                mechanism, _, initial = arguments.partition(" ")
                login = Login(mechanism, self._host.logins, self.binding)
                if initial:
                    return self._answered(login, initial)
                self._login = login
                return reply(f"+ {login.challenge}")
            case "QUIT":
                return reply("+OK Logging out", then=Then.CLOSE)
            case _:
                return reply("-ERR Unknown command.")

    def _answered(self, login: Login, line: str) -> Reply:
        name = login.answer(line)
        self._login = login if name is None else None
        return reply(f"+ {login.challenge}") if name is None else self._entered(name)

    def _entered(self, name: str) -> Reply:
        if not name:
            return reply("-ERR [AUTH] Authentication failed.")
        self._maildrop = Maildrop(self._mail.of(name))
        return reply("+OK Logged in.")

    def _capabilities(self) -> tuple[str, ...]:
        given = self._host.keywords_tls if self._tls else self._host.keywords
        if given is not None:
            return given
        if self._tls or self._host.tls is Tls.NONE:
            return (*CAPABILITIES, "USER", "SASL PLAIN LOGIN")
        return (*CAPABILITIES, "STLS", "SASL")
