"""A scripted ManageSieve host; a healthy one talks much as Pigeonhole does."""

from __future__ import annotations

from .hosts import HostSpec, Tls
from .speaker import Reply, Then, reply

CAPABILITIES = ('"IMPLEMENTATION" "Dovecot Pigeonhole"', '"SIEVE" "fileinto reject envelope vacation"')
"""What is offered before and after TLS alike."""
VERSION = '"VERSION" "1.0"'


class SieveSpeaker:
    """One ManageSieve session (RFC 5804 section 1.6), up to the login."""

    def __init__(self, host: HostSpec, mail: object = None) -> None:
        self._host = host
        self._tls = host.tls is Tls.IMPLICIT

    def greeting(self) -> Reply:
        """The host's own, or the capabilities."""
        lines = self._host.greeting or (*self._capabilities(), 'OK "Dovecot ready."')
        return Reply(lines, Then.CLOSE if lines[-1].upper().startswith("BYE") else Then.STAY)

    def again(self) -> Reply:
        """What is said unasked once TLS stands (RFC 5804 section 2.2)."""
        return Reply((*self._capabilities(), 'OK "TLS negotiation successful."'))

    def verb(self, line: str) -> str:
        """The command as it is, in upper case."""
        return line.upper()

    def secured(self) -> None:
        """RFC 5804 section 2.2: what was known before is forgotten."""
        self._tls = True

    def scripted(self, line: str, lines: tuple[str, ...]) -> Reply:
        """Scripted lines; what usually follows does so only where their last is a success as usual."""
        usual = self.hear(line)
        agrees = bool(usual.lines and lines) and lines[-1][:2].upper() == usual.lines[-1][:2].upper()
        return Reply(lines, usual.then if agrees else Then.STAY)

    def hear(self, line: str) -> Reply:
        """The reply to one command."""
        command, _, arguments = line.strip().partition(" ")
        match command.upper():
            case "CAPABILITY":
                return reply(*self._capabilities(), "OK")
            case "STARTTLS" if self._tls or self._host.tls is not Tls.STARTTLS:
                return reply('NO "TLS is already active or not available."')
            case "STARTTLS":
                return reply('OK "Begin TLS negotiation now."', then=Then.SECURE)
            case "NOOP":  # RFC 5804 section 2.13
                return reply(f'OK (TAG {arguments}) "Done"' if arguments else 'OK "Done"')
            case "LOGOUT":
                return reply('OK "Logout completed."', then=Then.CLOSE)
            case _:
                return reply('NO "Unknown command."')

    def _capabilities(self) -> tuple[str, ...]:
        given = self._host.keywords_tls if self._tls else self._host.keywords
        if given is not None:
            return given
        if self._tls or self._host.tls is Tls.NONE:
            return (*CAPABILITIES, '"SASL" "PLAIN LOGIN"', VERSION)
        return (*CAPABILITIES, '"SASL" ""', '"STARTTLS"', VERSION)
