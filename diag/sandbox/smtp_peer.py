"""A scripted SMTP host; a healthy one talks much as Postfix does."""

from __future__ import annotations

import re
from collections.abc import Callable

from .hosts import HostSpec, Tls
from .logins import Login
from .mail import Mail
from .speaker import Reply, Then, reply

SIZE = 52_428_800
"""What a host says it takes, in octets."""

_PATH = re.compile(r"(?:FROM|TO):\s*<([^>]*)>", re.IGNORECASE)
_BAD_SEQUENCE = "503 5.5.1 Error: bad sequence of commands"


class SmtpSpeaker:
    """One SMTP session (RFC 5321)."""

    def __init__(self, host: HostSpec, mail: Mail | None = None) -> None:
        self._host = host
        self._box = mail or Mail()
        self._tls = host.tls is Tls.IMPLICIT
        self._refusing = False
        self.binding: tuple[bytes, ...] = ()
        """The channel binding of the TLS connection."""
        self._start_over()

    def _start_over(self) -> None:
        self._known = False
        self._user = ""
        self._login: Login | None = None
        self._reset()

    def _reset(self) -> None:
        self._sender: str | None = None
        self._recipients: list[str] = []
        self._in_data = False
        self._last_chunk = False

    def greeting(self) -> Reply:
        """The host's own, or a plain 220."""
        lines = self._host.greeting or (f"220 {self._host.name} ESMTP Postfix",)
        self._refusing = lines[-1].startswith("5")
        return Reply(lines, Then.CLOSE if lines[-1].startswith("421") else Then.STAY)

    def verb(self, line: str) -> str:
        """The command as it is, in upper case; a message is "." and the answer to a challenge has no verb."""
        if self._in_data:
            return "."
        return "" if self._login else line.upper()

    def secured(self) -> None:
        """RFC 3207 section 4.2: the session begins anew."""
        self._tls = True
        self._start_over()

    def scripted(self, line: str, lines: tuple[str, ...]) -> Reply:
        """Scripted lines; the session moves on only where they agree with the usual reply about success."""
        if self._in_data and not lines[-1].startswith("2"):
            self._reset()
            return Reply(lines, Then.CLOSE if lines[-1].startswith("421") else Then.STAY)
        usual = self.hear(line)
        if lines[-1].startswith("421"):
            return Reply(lines, Then.CLOSE)
        if not usual.lines or lines[-1][:1] != usual.lines[-1][:1]:
            if self.verb(line).startswith("MAIL"):
                self._sender = None
            self._in_data = False
            self._login = None
            return Reply(lines, octets=usual.octets)
        return Reply(lines, usual.then, usual.octets)

    def hear(self, line: str) -> Reply:
        """The reply to a command, to a whole message, or to a line of a login."""
        if self._in_data:
            return self._message(line)
        if self._login:
            return self._answered(line)
        verb, _, rest = line.strip().partition(" ")
        verb = verb.upper()
        if self._refusing and verb != "QUIT":
            # RFC 5321 section 3.1: having refused the session, a host waits for QUIT.
            return reply("503 5.0.0 Error: no service here")
        answers: dict[str, Callable[[str], Reply]] = {
            "EHLO": self._ehlo,
            "HELO": self._helo,
            "STARTTLS": self._starttls,
            "MAIL": self._mail,
            "RCPT": self._rcpt,
            "DATA": self._data,
            "BDAT": self._bdat,
            "AUTH": self._auth,
            "VRFY": lambda rest: reply(f"252 2.0.0 {rest}" if rest else "501 5.5.4 Syntax: VRFY address"),
            "NOOP": lambda rest: reply("250 2.0.0 Ok"),
            "RSET": self._rset,
            "QUIT": lambda rest: reply("221 2.0.0 Bye", then=Then.CLOSE),
        }
        answer = answers.get(verb)
        if answer is None:
            return reply("502 5.5.2 Error: command not recognized" if verb else "500 5.5.2 Error: bad syntax")
        return answer(rest)

    def _ehlo(self, rest: str) -> Reply:
        if not rest:
            return reply("501 Syntax: EHLO hostname")
        self._known = True
        self._reset()
        words = [self._host.name, *self._keywords()]
        return Reply((*(f"250-{word}" for word in words[:-1]), f"250 {words[-1]}"))

    def _keywords(self) -> tuple[str, ...]:
        given = self._host.keywords_tls if self._tls else self._host.keywords
        if given is not None:
            return given
        words = ["PIPELINING", f"SIZE {SIZE}"]
        if self._can_secure:
            words.append("STARTTLS")
        if self._tls and self._host.submission:
            words.append("AUTH PLAIN LOGIN")
        return (*words, "ENHANCEDSTATUSCODES", "8BITMIME", "SMTPUTF8", "CHUNKING")

    @property
    def _can_secure(self) -> bool:
        return self._host.tls is Tls.STARTTLS and not self._tls

    def _helo(self, rest: str) -> Reply:
        if not rest:
            return reply("501 Syntax: HELO hostname")
        self._known = True
        self._reset()
        return reply(f"250 {self._host.name}")

    def _starttls(self, rest: str) -> Reply:
        if self._tls:
            return reply("554 5.5.1 Error: TLS already active")
        if not self._can_secure:
            return reply("502 5.5.1 Error: command not implemented")
        if rest:
            return reply("501 5.5.4 Syntax: STARTTLS")
        return reply("220 2.0.0 Ready to start TLS", then=Then.SECURE)

    def _mail(self, rest: str) -> Reply:
        path = _PATH.match(rest)
        if self._host.submission and not self._tls:
            return reply("530 5.7.0 Must issue a STARTTLS command first")
        if not self._known:
            return reply("503 5.5.1 Error: send HELO/EHLO first")
        if path is None:
            return reply("501 5.5.4 Syntax: MAIL FROM:<address>")
        if self._sender is not None:
            return reply("503 5.5.1 Error: nested MAIL command")
        if self._user and not self._host.any_sender and path[1].lower() != self._user.lower():
            return reply(f"553 5.7.1 <{path[1]}>: Sender address rejected: not owned by user {self._user}")
        self._sender = path[1]
        return reply("250 2.1.0 Ok")

    def _rcpt(self, rest: str) -> Reply:
        path = _PATH.match(rest)
        if self._sender is None:
            return reply("503 5.5.1 Error: need MAIL command")
        if path is None:
            return reply("501 5.5.4 Syntax: RCPT TO:<address>")
        local, at, domain = path[1].rpartition("@")
        if not at:
            local, domain = domain, next(iter(self._host.domains), "")
        if self._host.submission and not self._user:
            return reply(f"554 5.7.1 <{path[1]}>: Recipient address rejected: Access denied")
        if self._user and domain.lower() not in self._host.domains:
            return self._accepted(path[1])  # it goes elsewhere
        # RFC 5321 section 4.5.1: postmaster without a domain is always a mailbox.
        if not at and local.lower() == "postmaster":
            return self._accepted(f"{local}@{domain}")
        if domain.lower() not in self._host.domains:
            return reply(f"554 5.7.1 <{path[1]}>: Relay access denied")
        if local.lower() not in self._host.mailboxes and "*" not in self._host.mailboxes:
            return reply(f"550 5.1.1 <{path[1]}>: Recipient address rejected: User unknown")
        return self._accepted(path[1])

    def _accepted(self, mailbox: str) -> Reply:
        self._recipients.append(mailbox)
        return reply("250 2.1.5 Ok")

    def _data(self, rest: str) -> Reply:
        if not self._recipients:
            return reply("503 5.5.1 Error: need RCPT command")
        self._in_data = True
        return reply("354 End data with <CR><LF>.<CR><LF>", then=Then.CONTENT)

    def _message(self, text: str) -> Reply:
        if not self._host.keeps_dots:
            text = re.sub(r"(?:\A|(?<=\n))\.", "", text)
        for written, instead in self._host.rewrites.items():
            text = text.replace(written, instead)
        stamped = "".join(f"{line}\r\n" for line in (*self._host.stamps, *text.split("\r\n")))
        if self._host.returns and self._sender:
            unknown = [
                each for each in self._recipients if each.partition("@")[0] not in self._host.mailboxes
            ]
            self._recipients = [each for each in self._recipients if each not in unknown]
            for each in unknown:
                self._box.deliver([self._sender], _returned(self._host.returns, each))
        if self._host.delivers:
            boxes = [Mail.folder(each, "Junk") if self._host.junk else each for each in self._recipients]
            self._box.deliver(boxes, stamped, seconds=self._host.delivers_after)
        self._reset()
        return reply("250 2.0.0 Ok: queued as 4S1A0R0")

    def _bdat(self, rest: str) -> Reply:
        size, _, last = rest.partition(" ")
        if not size.isascii() or not size.isdigit():
            return reply("501 5.5.4 Syntax: BDAT count [LAST]")
        if not self._recipients:
            # RFC 3030 section 2: the octets follow whether or not they are wanted.
            return Reply((_BAD_SEQUENCE,), octets=int(size))
        if last.upper() == "LAST":
            self._reset()
        return Reply((f"250 2.0.0 Ok: {size} bytes",), octets=int(size))

    def _auth(self, rest: str) -> Reply:
        words = self._keywords()
        if not any(word.upper().startswith("AUTH") for word in words):
            return reply("503 5.5.1 Error: authentication not enabled")
        mechanism, _, initial = rest.partition(" ")
        self._login = Login(mechanism, self._host.logins, self.binding)
        return self._answered(initial) if initial else reply(f"334 {self._login.challenge}")

    def _answered(self, line: str) -> Reply:
        assert self._login is not None
        name = self._login.answer(line)
        if name is None:
            return reply(f"334 {self._login.challenge}")
        self._login = None
        self._user = name
        return reply(
            "235 2.7.0 Authentication successful" if name else "535 5.7.8 Error: authentication failed"
        )

    def _rset(self, rest: str) -> Reply:
        self._reset()
        return reply("250 2.0.0 Ok")


def _returned(reporter: str, recipient: str) -> str:
    """A delivery status notification much as Postfix writes it (RFC 3464)."""
    return "\r\n".join(
        (
            "Return-Path: <>",
            f"From: MAILER-DAEMON@{reporter} (Mail Delivery System)",
            "Subject: Undelivered Mail Returned to Sender",
            "Auto-Submitted: auto-replied",
            "MIME-Version: 1.0",
            "Content-Type: multipart/report; report-type=delivery-status;",
            '\tboundary="cut"',
            "",
            "--cut",
            "Content-Type: text/plain; charset=us-ascii",
            "",
            f"<{recipient}>: unknown user",
            "",
            "--cut",
            "Content-Type: message/delivery-status",
            "",
            f"Reporting-MTA: dns; {reporter}",
            "",
            f"Final-Recipient: rfc822; {recipient}",
            "Action: failed",
            "Status: 5.1.1",
            "",
            "--cut--",
            "",
        )
    )
