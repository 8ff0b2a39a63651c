"""Looking into a maildrop over POP3 as a mail program does, without taking anything out of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from diag.model.frozen import frozen

from .actions import Dialogue, Steps, greeting_limit
from .login import Account, LoginEnd, LoginRead
from .login_pop3 import QUIT, PopStep, pop3_command, pop3_entered, pop3_steps, read_pop3_login
from .pop3 import Response
from .transcript import Transcript

MOST_LISTED = 200
"""Messages up to which all unique-ids are asked for; of more, only the first and the last."""
LONGEST_ID = 70
"""Characters of a unique-id (RFC 1939 section 7)."""


@frozen
class PopAnswer:
    """What became of one command."""

    ok: bool
    line: str
    code: str
    event: int


@frozen
class PopVisit:
    """A transcript of pop3_visit_dialogue, read. None stands for what was not answered or not asked."""

    login: LoginRead
    stat: PopAnswer | None
    uidl: PopAnswer | None
    offers_uidl: bool
    """Where CAPA was answered, it says so."""
    twice: str
    """A unique-id that more than one message has; empty where none was seen."""
    bad: str
    """One that is too long or empty; empty where none was seen."""
    top: PopAnswer | None


def pop3_visit_dialogue(
    host: str, port: int, account: Account, *, implicit_tls: bool, timeout: float
) -> Dialogue:
    """Log in, STAT, UIDL, the header of the first message, of which nothing is kept; QUIT."""
    return Dialogue(_visit(host, port, account, implicit_tls, greeting_limit(timeout)), QUIT)


def _visit(host: str, port: int, account: Account, implicit_tls: bool, patience: float) -> Steps[None]:
    if (yield from pop3_entered(host, port, account, patience, implicit_tls=implicit_tls)):
        stat = yield from pop3_command(b"STAT")
        count = count_of(stat)
        if stat.ok and count <= MOST_LISTED:
            yield from pop3_command(b"UIDL", many=True)
        elif stat.ok:
            yield from pop3_command(b"UIDL 1")
            yield from pop3_command(b"UIDL %d" % count)
        if count:
            yield from pop3_command(b"TOP 1 0", many=True, keeps=(b"+OK", b"-ERR"))
    yield from pop3_command(b"QUIT")


def count_of(stat: Response) -> int:
    """How many messages STAT tells of; none where it failed."""
    word = stat.text.partition(" ")[0] if stat.ok else ""
    return int(word) if word.isascii() and word.isdigit() and len(word) < 10 else 0


def read_pop3_visit(transcript: Transcript) -> PopVisit:
    """Read a transcript of pop3_visit_dialogue. Never raises."""
    login = read_pop3_login(transcript)
    steps = pop3_steps(transcript) if login.end is LoginEnd.TAKEN else ()
    asked = [step for step in steps if step.verb == "UIDL"]
    ids = _ids(asked)
    capa = [step.reply for step in steps if step.verb == "CAPA" and step.reply is not None and step.reply.ok]
    long = [one for one in ids if not one or len(one) > LONGEST_ID]
    return PopVisit(
        login=login,
        stat=_answer([step for step in steps if step.verb == "STAT"]),
        uidl=_answer(asked),
        offers_uidl=not capa or "UIDL" in capa[-1].capabilities,
        twice=next((one for one, times in Counter(ids).items() if times > 1), ""),
        bad=long[0] or "an empty one" if long else "",
        top=_answer([step for step in steps if step.verb == "TOP"]),
    )


def _answer(steps: Sequence[PopStep]) -> PopAnswer | None:
    """The first that was refused, or the last; None where one was not answered."""
    for step in (*(each for each in steps if each.reply and not each.reply.ok), *steps[-1:]):
        reply = step.reply
        if reply is None or not reply.complete or not reply.status or step.last is None:
            return None
        return PopAnswer(reply.ok, str(reply), reply.known_code, step.last)
    return None


def _ids(steps: Sequence[PopStep]) -> list[str]:
    found: list[str] = []
    for step in steps:
        if step.reply is not None and step.reply.ok:
            lines = step.reply.lines if step.command.upper() == "UIDL" else (step.reply.text,)
            found += [line.partition(" ")[2].strip() for line in lines]
    return found
