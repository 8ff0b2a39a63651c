"""The performers of a round trip."""

from __future__ import annotations

from diag.model.plugin import performs
from diag.probes.round_trip import ImapAwait, Pop3Look, SubmitTalk
from diag.wire.actions import Dialogue
from diag.wire.await_imap import await_imap_dialogue
from diag.wire.await_pop3 import await_pop3_dialogue
from diag.wire.login import Account
from diag.wire.login_imap import read_imap_login
from diag.wire.login_pop3 import read_pop3_login
from diag.wire.login_smtp import Door, read_smtp_login
from diag.wire.submit import submit_dialogue
from diag.wire.transcript import Transcript

from .live import Means
from .logins import entered, imap_talk, pop3_talk, smtp_talk


@performs(SubmitTalk)
async def submit_talk(probe: SubmitTalk, means: Means) -> Transcript:
    """A conversation with a submission server with a message in it."""

    def dialogue(account: Account) -> Dialogue:
        door = Door(probe.host, probe.port, probe.helo, probe.tls == "implicit")
        return submit_dialogue(
            door, account, probe.sender, probe.recipient, probe.lines, timeout=probe.timeout
        )

    return await entered(probe, smtp_talk(probe, probe.helo), dialogue, read_smtp_login, means)


@performs(ImapAwait)
async def imap_await(probe: ImapAwait, means: Means) -> Transcript:
    """A conversation with a mailbox, as long as is waited."""

    def dialogue(account: Account) -> Dialogue:
        return await_imap_dialogue(
            probe.host,
            probe.port,
            account,
            probe.message_id,
            probe.subject,
            implicit_tls=probe.tls == "implicit",
            patience=probe.patience,
            timeout=probe.timeout - probe.patience,
        )

    return await entered(probe, imap_talk(probe), dialogue, read_imap_login, means)


@performs(Pop3Look)
async def pop3_look(probe: Pop3Look, means: Means) -> Transcript:
    """A conversation with a maildrop."""

    def dialogue(account: Account) -> Dialogue:
        return await_pop3_dialogue(
            probe.host,
            probe.port,
            account,
            probe.message_id,
            implicit_tls=probe.tls == "implicit",
            timeout=probe.timeout,
        )

    return await entered(probe, pop3_talk(probe), dialogue, read_pop3_login, means)
