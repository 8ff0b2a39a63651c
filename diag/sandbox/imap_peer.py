"""A scripted IMAP host; a healthy one talks much as Dovecot does."""

from __future__ import annotations

import re

from .hosts import HostSpec, Tls
from .imap_mailbox import ImapMailbox
from .logins import Login
from .mail import Mail
from .speaker import Reply, Then, reply

AFTER_LOGIN = ("UIDPLUS", "NAMESPACE", "LIST-EXTENDED", "SPECIAL-USE", "QUOTA")
CAPABILITIES = ("IMAP4rev1", "SASL-IR", "LOGIN-REFERRALS", "ID", "ENABLE", "IDLE", "LITERAL+")
"""What is offered before and after TLS alike."""


class ImapSpeaker:
    """One IMAP session (RFC 9051 section 3)."""

    def __init__(self, host: HostSpec, mail: Mail | None = None) -> None:
        self._host = host
        self._mail = mail or Mail()
        self._mailbox: ImapMailbox | None = None
        self._tls = host.tls is Tls.IMPLICIT
        self.binding: tuple[bytes, ...] = ()
        """The channel binding of the TLS connection."""
        self._login: tuple[str, Login] | None = None

    def greeting(self) -> Reply:
        """The host's own, or OK with the capabilities as a response code."""
        lines = self._host.greeting or (f"* OK [CAPABILITY {self._capabilities()}] Dovecot ready.",)
        return Reply(lines, Then.CLOSE if lines[-1].upper().startswith("* BYE") else Then.STAY)

    def verb(self, line: str) -> str:
        """The command without its tag."""
        within = self._login or (self._mailbox is not None and self._mailbox.storing)
        return "" if within else line.partition(" ")[2].upper()

    def secured(self) -> None:
        """RFC 9051 section 6.2.1: capabilities are asked for again."""
        self._tls = True

    def scripted(self, line: str, lines: tuple[str, ...]) -> Reply:
        """Scripted lines; what usually follows does so only where their last is a success as usual."""
        tag = line.partition(" ")[0]
        usual = self.hear(line)
        self._login = None
        said = tuple(text.replace("{tag}", tag) for text in lines)
        agrees = bool(said and usual.lines) and _success(said[-1]) == _success(usual.lines[-1])
        return Reply(said, usual.then if agrees else Then.STAY)

    def hear(self, line: str) -> Reply:
        """The reply to one command."""
        if self._login:
            return self._answered(*self._login, line)
        if self._mailbox is not None and self._mailbox.storing:
            return self._mailbox.content(line)
        tag, _, rest = line.partition(" ")
        command, _, arguments = rest.partition(" ")
        if self._mailbox is not None and (said := self._mailbox.hear(tag, command.upper(), arguments)):
            return said
        match command.upper():
            case "":
                return reply("* BAD Error in IMAP command received by server.")
            case "CAPABILITY":
                return reply(f"* CAPABILITY {self._capabilities()}", f"{tag} OK Capability completed.")
            case "ID":
                return reply('* ID ("name" "Dovecot")', f"{tag} OK ID completed.")
            case "NOOP":
                return reply(f"{tag} OK NOOP completed.")
            case "STARTTLS" if self._tls or self._host.tls is not Tls.STARTTLS:
                return reply(f"{tag} BAD TLS is already active or not available.")
            case "STARTTLS":
                return reply(f"{tag} OK Begin TLS negotiation now.", then=Then.SECURE)
            case "LOGOUT":
                return reply("* BYE Logging out", f"{tag} OK Logout completed.", then=Then.CLOSE)
            case "LOGIN" | "AUTHENTICATE" if "LOGINDISABLED" in self._capabilities():
                return reply(f"{tag} NO [PRIVACYREQUIRED] Plaintext authentication disallowed without TLS.")
            case "AUTHENTICATE":
                mechanism, _, initial = arguments.partition(" ")
                login = Login(mechanism, self._host.logins, self.binding)
                if initial:
                    return self._answered(tag, login, initial)
                self._login = tag, login
                return reply(f"+ {login.challenge}")
            case "LOGIN":
                words = re.findall(r'"((?:[^"\\]|\\.)*)"|(\S+)', arguments)
                name, secret = (
                    _unescaped(quoted) or plain for quoted, plain in [*words, ("", ""), ("", "")][:2]
                )
                return self._entered(tag, Login("PLAIN", self._host.logins).known(name, secret))
            case unknown:
                return reply(f"{tag} BAD Error in IMAP command {unknown}: Unknown command.")

    def _answered(self, tag: str, login: Login, line: str) -> Reply:
        name = login.answer(line)
        self._login = (tag, login) if name is None else None
        return reply(f"+ {login.challenge}") if name is None else self._entered(tag, name)

    def _entered(self, tag: str, name: str) -> Reply:
        if not name:
            return reply(f"{tag} NO [AUTHENTICATIONFAILED] Authentication failed.")
        self._mailbox = ImapMailbox(self._mail, name, extended=self._rev2_alone)
        return reply(f"{tag} OK Logged in")

    @property
    def _rev2_alone(self) -> bool:
        given = self._host.keywords_tls or ()
        return "IMAP4rev2" in given and "IMAP4rev1" not in given

    def _capabilities(self) -> str:
        if self._mailbox is not None:
            spoken = ("IMAP4rev2",) if self._rev2_alone else CAPABILITIES
            return " ".join((*spoken, *AFTER_LOGIN))
        given = self._host.keywords_tls if self._tls else self._host.keywords
        if given is not None:
            return " ".join(given)
        if self._tls:
            return " ".join((*CAPABILITIES, "AUTH=PLAIN", "AUTH=LOGIN"))
        if self._host.tls is Tls.STARTTLS:
            # RFC 9051 section 6.2.3: no login in clear text.
            return " ".join((*CAPABILITIES, "STARTTLS", "LOGINDISABLED"))
        return " ".join((*CAPABILITIES, "AUTH=PLAIN"))


def _success(line: str) -> bool:
    return line.split(" ")[1:2] == ["OK"]


def _unescaped(quoted: str) -> str:
    """RFC 9051 section 4.3."""
    return re.sub(r"\\(.)", r"\1", quoted)
