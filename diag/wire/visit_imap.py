"""Looking round in a mailbox over IMAP as a mail program does when it starts, and leaving it as it was.

What is private stands on no tape: of the mailbox's size, its messages and its other folders nothing is kept.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from diag.model.frozen import frozen

from .actions import Dialogue, Steps, greeting_limit
from .login import Account, LoginEnd, LoginRead
from .login_imap import LOGOUT, ImapStep, ImapTalker, imap_steps, read_imap_login
from .ours_imap import attributes
from .transcript import Transcript

SPECIAL_USES = (r"\Sent", r"\Drafts", r"\Trash", r"\Junk")
"""What mail programs look for (RFC 6154 section 2)."""


@frozen
class Quota:
    """One resource of one quota root (RFC 9208 section 5.1); storage is counted in units of 1024 octets."""

    root: str
    resource: str
    used: int
    limit: int
    event: int

    @property
    def percent(self) -> int:
        """How full it is, in whole percent; 100 where the limit is nothing."""
        return self.used * 100 // self.limit if self.limit else 100


@frozen
class Answered:
    """What became of one command."""

    ok: bool
    line: str
    code: str
    event: int


@frozen
class ImapVisit:
    """A transcript of imap_visit_dialogue, read. None stands for what was not answered or not asked."""

    login: LoginRead
    capabilities: tuple[str, ...]
    """Those after the login, as sent."""
    listed: Answered | None
    """Whether INBOX is among the mailboxes: `ok` only where it is."""
    selected: Answered | None
    special_uses: tuple[str, ...] | None
    """Attributes of mailboxes that have a special use (RFC 6154); None where that cannot be told."""
    special_event: int | None
    quotas: tuple[Quota, ...]


def imap_visit_dialogue(
    host: str, port: int, account: Account, *, implicit_tls: bool, timeout: float
) -> Dialogue:
    """Log in, look for the namespaces, INBOX and special uses, open INBOX, ask for the quota, log out."""
    talker = ImapTalker(host, port, implicit_tls=implicit_tls)
    return Dialogue(_visit(talker, account, greeting_limit(timeout)), LOGOUT)


def _visit(talker: ImapTalker, account: Account, patience: float) -> Steps[None]:
    offered = yield from talker.entered(account, patience)
    if offered is not None:
        if "NAMESPACE" in offered:
            yield from talker.command(b"NAMESPACE", keeps=(b"* NAMESPACE",))
        yield from talker.command(b'LIST "" INBOX', keeps=(b"* LIST",))
        if {"SPECIAL-USE", "LIST-EXTENDED"} <= offered:
            yield from talker.command(b'LIST (SPECIAL-USE) "" "*"', keeps=(b"* LIST",))
        yield from talker.command(b"SELECT INBOX", keeps=())
        if any(name == "QUOTA" or name.startswith("QUOTA=") for name in offered):
            yield from talker.command(b"GETQUOTAROOT INBOX", keeps=(b"* QUOTA",))
    yield from talker.left()


def read_imap_visit(transcript: Transcript) -> ImapVisit:
    """Read a transcript of imap_visit_dialogue. Never raises."""
    login = read_imap_login(transcript)
    steps = imap_steps(transcript) if login.end is LoginEnd.TAKEN else ()
    found = {
        step.words if step.words != "LIST" else step.command.upper(): step for step in steps if step.done
    }
    capabilities = _capabilities(steps)
    inbox = found.get('LIST "" INBOX')
    special = found.get('LIST (SPECIAL-USE) "" "*"')
    quota = found.get("GETQUOTAROOT")
    return ImapVisit(
        login=login,
        capabilities=capabilities,
        listed=answered(inbox, _lists_inbox(inbox)),
        selected=answered(found.get("SELECT")),
        special_uses=_special_uses(special, capabilities),
        special_event=_last_of(special) or _last_of(found.get("CAPABILITY")),
        quotas=tuple(_quotas(quota)) if quota is not None and quota.ok else (),
    )


def _capabilities(steps: Sequence[ImapStep]) -> tuple[str, ...]:
    last = next((step for step in reversed(steps) if step.words == "CAPABILITY" and step.ok), None)
    return tuple(name for answer in last.answers for name in answer.capabilities) if last else ()


def answered(step: ImapStep | None, wanted: bool = True) -> Answered | None:
    """What became of a command; `ok` only where what was `wanted` came with it."""
    if step is None or step.last is None:
        return None
    code = step.answers[-1].code.partition(" ")[0].upper()
    return Answered(step.ok and wanted, step.line, code, step.last)


def _lists_inbox(step: ImapStep | None) -> bool:
    """The name INBOX is the same in any case (RFC 9051 section 5.1)."""
    lists = [answer for answer in step.answers if answer.word == "LIST"] if step else []
    return any(answer.text.rstrip().rpartition(" ")[2].strip('"').upper() == "INBOX" for answer in lists)


def _special_uses(step: ImapStep | None, capabilities: Sequence[str]) -> tuple[str, ...] | None:
    if step is not None and step.ok:
        marked = [word for answer in step.answers if answer.word == "LIST" for word in attributes(answer)]
        uses = {use.lower(): use for use in SPECIAL_USES}
        return tuple(dict.fromkeys(uses[word] for word in marked if word in uses))
    names = {name.upper() for name in capabilities}
    # IMAP4rev2 has the attributes within it (RFC 9051 section 7.3.1), told in a LIST that would be private.
    return () if names and not names & {"SPECIAL-USE", "IMAP4REV2"} else None


def _quotas(step: ImapStep) -> list[Quota]:
    found: list[Quota] = []
    for answer in step.answers:
        told = _QUOTA.match(answer.text) if answer.word == "QUOTA" else None
        if told is None or step.last is None:
            continue
        words = told["resources"].split()
        for name, used, limit in zip(words[0::3], words[1::3], words[2::3], strict=False):
            if _is_number(used) and _is_number(limit):
                found.append(Quota(told["root"].strip('"'), name.upper(), int(used), int(limit), step.last))
    return found


def _is_number(word: str) -> bool:
    return word.isascii() and word.isdigit() and len(word) < 20


def _last_of(step: ImapStep | None) -> int | None:
    return step.last if step is not None else None


_QUOTA = re.compile(r'(?P<root>"[^"]{0,200}"|[^ ()]{0,200}) ?\((?P<resources>[^()]{0,1000})\)')
