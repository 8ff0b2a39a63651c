"""The performers of what is sent to a mailbox of the user's, and of logins with his name.

Only here a password is read, and it goes no further than the wire: the transcript has it redacted.
"""

from __future__ import annotations

from collections.abc import Callable

from diag.model.plugin import performs
from diag.probes.intrusive import ChunkTalk, ClearLoginTalk, CollectTalk, MessageTalk, ReturnedTalk
from diag.probes.logins import LoginProbe
from diag.probes.talks import SmtpTalk, Talk
from diag.wire.actions import Dialogue
from diag.wire.chunking import chunking_dialogue
from diag.wire.clear_login import Login, Tried, clear_login_dialogue, read_clear_login
from diag.wire.collect import collect_dialogue
from diag.wire.end_of_data import message_dialogue
from diag.wire.login import Account
from diag.wire.login_imap import read_imap_login
from diag.wire.returned import returned_dialogue
from diag.wire.transcript import Transcript

from .live import Means
from .logins import entered, imap_talk, untried
from .secrets import BadReference
from .talks import Conversation
from .tls import secure


@performs(ChunkTalk)
async def chunk_talk(probe: ChunkTalk, means: Means) -> Transcript:
    """The usual conversation with that host, by another dialogue."""
    dialogue = chunking_dialogue(probe.host, probe.helo, probe.tls, probe.recipient, timeout=probe.timeout)
    return await _held(_smtp(probe), dialogue, means)


@performs(MessageTalk)
async def message_talk(probe: MessageTalk, means: Means) -> Transcript:
    """The same with a message in it."""
    dialogue = message_dialogue(
        probe.host,
        probe.helo,
        probe.tls,
        probe.recipient,
        probe.lines,
        probe.ending,
        sender=probe.sender,
        timeout=probe.timeout,
    )
    return await _held(_smtp(probe), dialogue, means)


@performs(ClearLoginTalk)
async def clear_login_talk(probe: ClearLoginTalk, means: Means) -> Transcript:
    """The same with a login in it."""
    try:
        secret = means.secrets.of(probe.password)
    except BadReference as error:
        return untried(error)
    dialogue = clear_login_dialogue(probe.host, probe.helo, probe.login, secret, timeout=probe.timeout)
    transcript = await _held(_smtp(probe), dialogue, means, secret)
    _remember(read_clear_login(transcript), means)
    return transcript


@performs(CollectTalk)
async def collect_talk(probe: CollectTalk, means: Means) -> Transcript:
    """A conversation with a mailbox."""
    return await _read_back(probe, collect_dialogue, probe.message_ids, means)


@performs(ReturnedTalk)
async def returned_talk(probe: ReturnedTalk, means: Means) -> Transcript:
    """The same for messages that are returned."""
    return await _read_back(probe, returned_dialogue, probe.mailboxes, means)


async def _read_back(
    probe: LoginProbe, begin: Callable[..., Dialogue], wanted: tuple[str, ...], means: Means
) -> Transcript:
    def dialogue(account: Account) -> Dialogue:
        implicit = probe.tls == "implicit"
        return begin(probe.host, probe.port, account, wanted, implicit_tls=implicit, timeout=probe.timeout)

    return await entered(probe, imap_talk(probe), dialogue, read_imap_login, means)


def _smtp(probe: ChunkTalk | MessageTalk | ClearLoginTalk) -> SmtpTalk:
    return SmtpTalk(probe.address, probe.port, probe.host, probe.helo, timeout=probe.timeout)


async def _held(usual: Talk, dialogue: Dialogue, means: Means, *secrets: bytes) -> Transcript:
    return await Conversation(usual, means.network, secure, [], secrets=secrets).hold(dialogue)


def _remember(tried: Tried, means: Means) -> None:
    if tried.login is Login.FAILED:
        means.secrets.failed()
