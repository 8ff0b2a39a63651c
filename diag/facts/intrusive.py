"""What is found out only where the user asks for it, because it is no ordinary use of somebody's server."""

from __future__ import annotations

from collections.abc import Mapping

from diag.model.frozen import frozen
from diag.model.knowing import Cite
from diag.model.target import Endpoint
from diag.wire.inquiry import Trait
from diag.wire.relay import Taken

from .clients import ImapSurvey, SubmissionSurvey
from .inbound import Look


@frozen(kw_only=True)
class RelayTrial:
    """What a host does with recipients elsewhere, asked for by a stranger; once an address and port.

    Absent where the user did not ask; Unavailable where nothing can be concluded, also where we stand in
    the host's own network, which it may well trust.
    """

    endpoint: Endpoint
    taken: Taken
    """Never UNKNOWN."""
    sender: str
    recipient: str
    """What was taken, if anything was: the paths of MAIL and RCPT."""
    cite: Cite
    """The reply that decided."""


@frozen(kw_only=True)
class InboundRelay(RelayTrial):
    """The same of an MX host on port 25, where taking mail for the domain itself is its duty."""

    look: Look
    """The usual conversation with it."""


@frozen(kw_only=True)
class SubmissionRelay(RelayTrial):
    """The same of a port for submission, where nobody logged in (RFC 6409 section 4.3)."""

    survey: SubmissionSurvey
    """The usual conversation with it."""


@frozen(kw_only=True)
class InboundInquiry:
    """What an MX host tells strangers who ask for mailboxes by VRFY and EXPN; once a host.

    Absent where the user did not ask; Unavailable where the host turned us away.
    """

    endpoint: Endpoint
    shown: tuple[tuple[Trait, str, Cite], ...]
    """What was shown: the line that shows it, safe to print, and where it stands."""
    look: Look
    """The usual conversation with it."""
    cite: Cite
    """The last answer."""


@frozen(kw_only=True)
class InboundStrangers:
    """What an MX host does with recipients in the domain that nobody has; once a host.

    Absent where the user did not ask; Unavailable where it put us off.
    """

    endpoint: Endpoint
    taken: bool
    """Both were taken."""
    mailboxes: tuple[str, ...]
    look: Look
    """The usual conversation with it."""
    cites: tuple[Cite, ...]


@frozen(kw_only=True)
class InboundChunking:
    """What an MX host that offers CHUNKING does with a chunk; once an address.

    Absent where CHUNKING is not offered, and where the user did not ask; Unavailable where the host put us
    off, refused us for another reason, or hung up twice.
    """

    endpoint: Endpoint
    works: bool
    """False: the command was refused as unknown on two connections."""
    line: str
    """What the host said to it."""
    look: Look
    """The usual conversation with it."""
    cites: tuple[Cite, ...]


@frozen(kw_only=True)
class InboundEndOfData:
    """What an MX host takes for the end of a message beside CRLF.CRLF; once a host.

    Absent where the user did not ask, or named no mailbox of the domain; Unavailable where the host puts us
    off, takes no test message, or may trust us (Postfix and Exim spare their own networks the guard).
    """

    endpoint: Endpoint
    accepts: str
    """The sequence, such as "LF.LF"; empty where all of them were tried and none ended a message."""
    look: Look
    cites: tuple[Cite, ...]
    """What decided: the reply that came too early, or every conversation."""


@frozen(kw_only=True)
class MailboxAccess:
    """Where the user's mailbox can be read: an IMAP server whose certificate was verified.

    Absent where the user did not ask, or gave no login; Unavailable where no server can be trusted with it.
    """

    survey: ImapSurvey
    certificate: str
    """SHA-256 of the verified certificate, in hexadecimal."""


@frozen(kw_only=True)
class SentMessage:
    """A test message that an MX host took; once a host."""

    endpoint: Endpoint
    message_id: str
    marked: str
    """The line of it that begins with a dot."""
    look: Look
    cite: Cite
    """The reply that took it."""


@frozen(kw_only=True)
class CollectedMessages:
    """What became of the test messages in the mailbox; Unavailable where the login failed or was not tried."""

    bodies: Mapping[str, tuple[str, ...]]
    """By Message-ID the lines of those that were found."""
    cites: Mapping[str, Cite]
    cite: Cite
    """The whole conversation."""


@frozen(kw_only=True)
class InboundReturn:
    """A message that an MX host took for a mailbox that nobody has, and that came back; once a host.

    Absent where the user did not ask, or the recipients are refused at once; Unavailable where nothing came back in
    time, or not from a host of the domain, or nothing was taken in the end.
    """

    endpoint: Endpoint
    reporter: str
    """The host that returned it, as it calls itself (RFC 3464 section 2.2.2)."""
    mailbox: str
    look: Look
    """The usual conversation with it."""
    cites: tuple[Cite, ...]
    """The reply that took the message, and the notification."""


@frozen(kw_only=True)
class InboundDots:
    """What became of a dot at the beginning of a line (RFC 5321 section 4.5.2) on the way to the mailbox.

    Unavailable where the message did not show up in time, or its text was changed beyond that.
    """

    endpoint: Endpoint
    doubled: bool
    """The line has the second dot that is for the way only."""
    line: str
    """As it was found."""
    look: Look
    cites: tuple[Cite, ...]


@frozen(kw_only=True)
class ClearLogin:
    """What a port for submission does with a login without TLS; once a host and port.

    Absent where the user did not ask or gave no login, where none is offered in clear, and where the
    address is not public; Unavailable where the login itself failed, here or before.
    """

    endpoint: Endpoint
    accepted: bool
    survey: SubmissionSurvey
    cite: Cite
