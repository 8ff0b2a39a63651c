"""CHUNKING (RFC 3030): the dialogue that begins a message in chunks and takes it back, and its reading.

Nothing is delivered: RSET before the last chunk clears all that was sent (section 2), and so does QUIT.
"""

from __future__ import annotations

import enum

from diag.model.frozen import frozen

from .actions import REPLY_LIMIT, Dialogue, Say, Steps, greeting_limit, hear
from .blame import blamed
from .exchanges import exchanges
from .opening import QUIT, addressed, begun, command, stopped_at
from .reach import quote
from .smtp import SmtpEnd, parse_reply
from .transcript import Transcript

CHUNK = b"\r\n"
"""What is sent as a chunk: to a host that does not know BDAT it is an empty command, which does nothing."""
UNKNOWN_COMMAND = (500, 502, 503)
"""The host does not know the command, or not here, after a recipient it has taken."""


class Chunks(enum.StrEnum):
    """What a host does with the chunks that it says it takes."""

    TAKEN = "taken"
    REFUSED = "refused"
    BROKEN = "broken"
    """It closed the connection instead of replying."""
    UNKNOWN = "unknown"
    """The conversation did not come so far, or what was said is about us."""


@frozen
class Chunking:
    """A transcript of chunking_dialogue, read."""

    outcome: Chunks
    event: int | None
    because: str = ""
    """Why it is unknown, or how it broke."""


def chunking_dialogue(host: str, helo: str, tls: str, recipient: str, *, timeout: float) -> Dialogue:
    """One chunk that is not the last, and RSET. `tls` is as in RelayTalk."""
    return Dialogue(_talk(host, helo, tls, recipient, greeting_limit(timeout)), QUIT)


def _talk(host: str, helo: str, tls: str, recipient: str, patience: float) -> Steps[None]:
    offer = yield from begun(host, helo, tls, patience)
    if offer is not None and offer.offers("CHUNKING") and (yield from addressed(offer, recipient)):
        yield Say(b"BDAT %d\r\n" % len(CHUNK))
        yield Say(CHUNK, content=True)
        if parse_reply((yield from hear(SmtpEnd(), REPLY_LIMIT))).positive:
            yield from command(b"RSET")
    yield from command(b"QUIT")


def read_chunking(transcript: Transcript) -> Chunking:
    """Read a transcript of chunking_dialogue. Never raises."""
    steps = exchanges(transcript, lambda _: SmtpEnd(), lambda _, lines: parse_reply(lines))
    bdat = next((step for step in steps if step.verb == "BDAT"), None)
    if bdat is None:
        why, event = stopped_at(transcript, steps)
        return Chunking(Chunks.UNKNOWN, event, why)
    if bdat.reply is None or not bdat.reply.complete:
        return Chunking(Chunks.BROKEN, bdat.asked, "BDAT got no reply")
    if bdat.reply.positive:
        return Chunking(Chunks.TAKEN, bdat.last)
    policy = bdat.reply.enhanced.startswith("5.7.") or blamed(bdat.reply) is not None
    if bdat.reply.code in UNKNOWN_COMMAND and not policy:
        return Chunking(Chunks.REFUSED, bdat.last)
    return Chunking(Chunks.UNKNOWN, bdat.last, "the chunk was not taken:" + quote(transcript, bdat.last))
