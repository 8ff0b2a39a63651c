"""What the user's own login shows: where it may go, what became of it, and what he finds in his mailbox."""

from __future__ import annotations

from typing import Literal

from diag.model.frozen import frozen
from diag.model.knowing import Cite
from diag.model.target import Endpoint
from diag.probes.talks import Tls
from diag.wire.visit_imap import ImapVisit
from diag.wire.visit_pop3 import PopVisit

from .access_hosts import Service

LoginService = Literal[Service.SUBMISSION, Service.IMAP, Service.POP3]
"""What a login is lent for: mail filters are left alone."""


@frozen(kw_only=True)
class LoginPlace:
    """A port where the user's login may be tried; once a host and port.

    Absent where the user lent no login, and for guessed ports with a fault of their own; Unavailable where
    it should be tried and must not: the certificate is not good, or the host is nobody's we know.
    """

    endpoint: Endpoint
    service: LoginService
    tls: Tls
    certificate: str
    """SHA-256 of the certificate that was verified, in hexadecimal; empty where the user wants none verified."""
    mechanisms: tuple[str, ...]
    """Those offered under TLS, in upper case."""

    @property
    def subject(self) -> str:
        """The endpoint as a subject."""
        return str(self.endpoint)


@frozen(kw_only=True)
class LoginTried:
    """What a port said to the user's name and secret.

    Unavailable where it was put off, refused for a reason that lies elsewhere, or not tried: after one
    failed login in a run there is no other.
    """

    place: LoginPlace
    taken: bool
    """False: name and secret are said to be wrong."""
    mechanism: str
    line: str
    """What the server said in the end."""
    cite: Cite

    @property
    def subject(self) -> str:
        """The endpoint as a subject."""
        return self.place.subject


@frozen(kw_only=True)
class _Seen:
    """What was found after a login that was taken."""

    place: LoginPlace
    probe: object

    @property
    def subject(self) -> str:
        """The endpoint as a subject."""
        return self.place.subject

    def cite(self, event: int | None) -> tuple[Cite, ...]:
        """A line of the conversation."""
        return (Cite(self.probe, event),)


@frozen(kw_only=True)
class MailboxSeen(_Seen):
    """The user's mailbox over IMAP."""

    visit: ImapVisit


@frozen(kw_only=True)
class MaildropSeen(_Seen):
    """The user's mailbox over POP3."""

    visit: PopVisit


@frozen(kw_only=True)
class MechanismTried:
    """The mechanisms of a submission server, tried up to the first that fails with a login that another took.

    Absent where the user did not ask (`intrusive`); Unavailable where one was put off.
    """

    place: LoginPlace
    works: str
    fails: str
    """Empty where every one was taken."""
    line: str
    """What the server said to the one that failed."""
    cites: tuple[Cite, ...]


@frozen(kw_only=True)
class StrangerSender:
    """Whether a submission server lets the user begin a message in a stranger's name; once a host.

    Absent where the user did not ask (`intrusive`); Unavailable where that was not decided.
    """

    place: LoginPlace
    login: str
    stranger: str
    accepted: bool
    line: str
    cite: Cite


@frozen(kw_only=True)
class DraftPut:
    """What became of a small message put into the folder for drafts; once a run.

    Absent where the user did not ask (`intrusive`), and where the server has no such folder or could not
    remove it alone; Unavailable where that was not decided.
    """

    place: LoginPlace
    taken: bool
    code: str
    """The response code of a refusal, in upper case."""
    line: str
    folder: str
    cite: Cite
