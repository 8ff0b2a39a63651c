"""The performers of logins under TLS.

Only performers read a secret, and it goes no further than the wire: the transcript has it redacted.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable

from diag.model.plugin import performs
from diag.probes.logins import (
    DraftTrial,
    ImapVisit,
    LoginProbe,
    MechanismTrial,
    Pop3Visit,
    StrangerTrial,
    SubmissionLogin,
)
from diag.probes.talks import ImapTalk, Pop3Talk, SmtpTalk, Talk
from diag.wire.actions import Dialogue
from diag.wire.drafts import append_dialogue
from diag.wire.login import Account, LoginRead
from diag.wire.login_imap import read_imap_login
from diag.wire.login_pop3 import read_pop3_login
from diag.wire.login_smtp import Door, read_smtp_login, smtp_login_dialogue
from diag.wire.transcript import Closed, Ending, Transcript
from diag.wire.visit_imap import imap_visit_dialogue
from diag.wire.visit_pop3 import pop3_visit_dialogue

from .live import Means
from .secrets import BadReference
from .talks import Conversation
from .tls import secure

NONCE_OCTETS = 18
"""Of SCRAM: as long as those in the examples of RFC 7677."""


@performs(SubmissionLogin)
async def submission_login(probe: SubmissionLogin, means: Means) -> Transcript:
    """A conversation with a submission server."""
    return await _by_smtp(probe, probe.helo, means)


@performs(MechanismTrial)
async def mechanism_trial(probe: MechanismTrial, means: Means) -> Transcript:
    """The same by one mechanism."""
    return await _by_smtp(probe, probe.helo, means, mechanism=probe.mechanism)


@performs(StrangerTrial)
async def stranger_trial(probe: StrangerTrial, means: Means) -> Transcript:
    """The same with a message begun."""
    return await _by_smtp(probe, probe.helo, means, envelope=(probe.stranger, probe.recipient))


@performs(ImapVisit)
async def imap_visit(probe: ImapVisit, means: Means) -> Transcript:
    """A conversation with a mailbox."""

    def dialogue(account: Account) -> Dialogue:
        return imap_visit_dialogue(
            probe.host, probe.port, account, implicit_tls=probe.tls == "implicit", timeout=probe.timeout
        )

    return await entered(probe, imap_talk(probe), dialogue, read_imap_login, means)


@performs(Pop3Visit)
async def pop3_visit(probe: Pop3Visit, means: Means) -> Transcript:
    """A conversation with a maildrop."""

    def dialogue(account: Account) -> Dialogue:
        return pop3_visit_dialogue(
            probe.host, probe.port, account, implicit_tls=probe.tls == "implicit", timeout=probe.timeout
        )

    return await entered(probe, pop3_talk(probe), dialogue, read_pop3_login, means)


@performs(DraftTrial)
async def draft_trial(probe: DraftTrial, means: Means) -> Transcript:
    """A conversation with a mailbox in which something is put there."""
    message = "".join(f"{line}\r\n" for line in probe.lines).encode()

    def dialogue(account: Account) -> Dialogue:
        return append_dialogue(
            probe.host,
            probe.port,
            account,
            probe.message_id,
            message,
            implicit_tls=probe.tls == "implicit",
            timeout=probe.timeout,
        )

    return await entered(probe, imap_talk(probe), dialogue, read_imap_login, means)


async def _by_smtp(
    probe: LoginProbe,
    helo: str,
    means: Means,
    *,
    mechanism: str = "",
    envelope: tuple[str, str] | None = None,
) -> Transcript:
    def dialogue(account: Account) -> Dialogue:
        door = Door(probe.host, probe.port, helo, probe.tls == "implicit")
        return smtp_login_dialogue(door, account, timeout=probe.timeout, envelope=envelope)

    return await entered(probe, smtp_talk(probe, helo), dialogue, read_smtp_login, means, mechanism=mechanism)


async def entered(
    probe: LoginProbe,
    usual: Talk,
    dialogue: Callable[[Account], Dialogue],
    read: Callable[[Transcript], LoginRead],
    means: Means,
    *,
    mechanism: str = "",
) -> Transcript:
    """Hold a conversation that begins with a login, one at a time; after one that failed there is no other."""
    async with means.secrets.turn():
        try:
            secret = means.secrets.of(probe.secret)
        except BadReference as error:
            return untried(error)
        nonce = secrets.token_urlsafe(NONCE_OCTETS)
        account = Account(probe.login, secret, probe.certificate, nonce, probe.token, mechanism)
        conversation = Conversation(usual, means.network, secure, [], secrets=(secret,))
        transcript = await conversation.hold(dialogue(account))
        if read(transcript).end.failed:
            means.secrets.failed()
        return transcript


def untried(error: BadReference) -> Transcript:
    """No connection was made: there is no password to log in with, or it has failed before."""
    return Transcript((Closed(0, Ending.FAILED, str(error)),))


def smtp_talk(probe: LoginProbe, helo: str) -> SmtpTalk:
    """The usual conversation with that host."""
    return SmtpTalk(probe.address, probe.port, probe.host, helo, timeout=probe.timeout)


def imap_talk(probe: LoginProbe) -> ImapTalk:
    """The same over IMAP."""
    return ImapTalk(probe.address, probe.port, probe.host, timeout=probe.timeout)


def pop3_talk(probe: LoginProbe) -> Pop3Talk:
    """The same over POP3."""
    return Pop3Talk(probe.address, probe.port, probe.host, timeout=probe.timeout)
