"""One message's way from submission to the mailbox, as it was seen at both ends and told by the hosts between."""

from __future__ import annotations

from diag.message.auth_results import Found
from diag.message.trace import Hop
from diag.model.frozen import frozen
from diag.model.knowing import Cite
from diag.model.target import Endpoint

USUAL_WAIT = 900.0
"""Seconds after which a message that was taken counts as lost."""


@frozen(kw_only=True)
class MessageSubmitted:
    """A message of ours, and what the submission server said to the login and to it.

    Absent where the user wants no round trip; Unavailable where the login or the message was put off.
    """

    mailbox: str
    endpoint: Endpoint
    mechanism: str
    message_id: str
    """Without angle brackets."""
    subject: str
    """Words of the subject that no other message has."""
    lines: tuple[str, ...]
    accepted: bool
    """The server took it; False too where its answer is missing."""
    rejected: bool
    """The login failed: name and password are said to be wrong. Then nothing was sent."""
    line: str
    """What the server said in the end."""
    cite: Cite


@frozen(kw_only=True)
class Signature:
    """One DKIM signature of the message as it was fetched (RFC 6376), verified by ourselves."""

    domain: str
    selector: str
    valid: bool | None
    """None where its key could not be had."""
    because: str = ""


@frozen(kw_only=True)
class Arrival:
    """The message as it was found in the mailbox."""

    folder: str
    junk: bool
    seconds: float
    """From its being taken to its being found, at most."""
    hops: tuple[Hop, ...]
    authserv_id: str
    """Under which the receiver's own results stand; empty where it wrote none."""
    results: tuple[Found, ...]
    """Those, of every field under that id."""
    signatures: tuple[Signature, ...]
    changes: tuple[str, ...]
    """What is not as it was written: fields by name, "the text"."""
    broken: tuple[str, ...]
    """Signing domains whose signature the receiver found good, and which is broken in the mailbox."""
    greylisted: bool
    """A header says that it was made to wait on purpose."""
    listed: bool
    """It came through a mailing list, which may change it."""
    removed: bool
    cite: Cite


@frozen(kw_only=True)
class RoundTrip:
    """One message's way.

    Absent where the user wants none; Unavailable where it was not sent, or its mailbox could not be watched.
    """

    sent: MessageSubmitted
    reading: Endpoint
    """Where it was looked for."""
    arrival: Arrival | None
    """None where it was not found."""
    waited: float
    """Seconds until the last look."""
    everywhere: bool
    """Whether the last look went into every folder, as far as there are any."""
    cites: tuple[Cite, ...]

    @property
    def subject(self) -> str:
        """The mailbox."""
        return self.sent.mailbox
