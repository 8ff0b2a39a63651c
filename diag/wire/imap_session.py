"""What an IMAP transcript means: everything a check needs, each with the event that shows it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from diag.model.frozen import frozen

from .actions import End
from .exchanges import Exchange, exchanges, reply_lines
from .imap import CommandEnd, Problem, Response, ResponseEnd, parse_response, parse_responses, responses
from .reach import Doubt, Reached, broken_off, doubt_about, quote, way
from .session import Session, common, greeting_of
from .transcript import Transcript

Responses = tuple[Response, ...]
ImapExchange = Exchange[Responses]


@frozen
class Capabilities:
    """The capabilities of a completed CAPABILITY command (RFC 9051 section 6.1.1)."""

    names: tuple[str, ...]
    """As sent."""
    event: int
    """The event of the tagged response."""
    untagged: bool
    """Whether the untagged CAPABILITY response was there, without which the tagged OK says nothing."""

    def offers(self, name: str) -> bool:
        """Whether a capability is there, in whatever case."""
        return name.upper() in {each.upper() for each in self.names}

    @property
    def mechanisms(self) -> tuple[str, ...]:
        """SASL mechanisms in upper case (AUTH=…)."""
        return tuple(each[5:].upper() for each in self.names if each.upper().startswith("AUTH="))

    @property
    def speaks_imap4(self) -> bool:
        """One of the two that a mail program needs: IMAP4rev1, IMAP4rev2 (RFC 9051 section 7.2.2)."""
        return self.offers("IMAP4REV1") or self.offers("IMAP4REV2")

    @property
    def login_disabled(self) -> bool:
        """LOGINDISABLED (RFC 9051 section 6.2.3)."""
        return self.offers("LOGINDISABLED")


@dataclass(frozen=True, slots=True, kw_only=True)
class ImapSession(Session[Responses]):
    """One IMAP talk, read."""

    greeting_word: str
    """OK, PREAUTH or BYE; empty where the greeting is none of them."""
    capabilities: Capabilities | None
    """In clear: only what the CAPABILITY command gave counts, not the greeting's code."""
    capabilities_tls: Capabilities | None
    """Under TLS, however that came about."""
    bye: int | None
    """The event of the exchange that holds an untagged BYE."""
    identity: Mapping[str, str]
    """What the server says of itself in answer to ID (RFC 2971), by field in lower case."""
    identity_event: int | None
    """The event of the line that says it."""
    logout: ImapExchange | None
    """LOGOUT, where it was said."""
    strange_tag: int | None
    """The event that ends an answer with a tag in it that no command of ours had, or not in these very letters."""

    @property
    def left_without_bye(self) -> bool:
        """LOGOUT was answered to its end, and no untagged BYE was in it (RFC 9051 section 6.1.3)."""
        step = self.logout
        done = _completed(step) if step is not None else None
        if step is None or done is None or done.word != "OK":
            return False
        return not any(_is_bye(each) for each in step.reply or ())

    @property
    def preauth(self) -> bool:
        """Whether a stranger is let in without a login (RFC 9051 section 7.1.4)."""
        return self.greeting_word == "PREAUTH"


def read_imap(transcript: Transcript) -> ImapSession:
    """Read a transcript of imap_dialogue. Never raises, whatever was heard."""
    steps = exchanges(transcript, _end, lambda _, lines: tuple(parse_responses(lines)))
    greeting = greeting_of(steps)
    first = greeting.reply[0] if greeting and greeting.reply else None
    word = first.word if first and first.tag == "*" and first.word in _GREETINGS else ""
    state, event = _state(transcript, greeting, word)
    asked = [step for step in steps if _command(step) == "CAPABILITY"]
    starttls = next((step for step in steps if _command(step) == "STARTTLS"), None)
    doubt = _doubt(transcript, state, event, asked)
    told = [(step, each) for step in steps if _command(step) == "ID" for each in step.reply or ()]
    return ImapSession(
        **common(transcript, steps, starttls, state, doubt),
        greeting_word=word,
        capabilities=_capabilities([step for step in asked if not step.secure]),
        capabilities_tls=_capabilities([step for step in asked if step.secure]),
        bye=next((step.last for step in steps if any(_is_bye(each) for each in step.reply or ())), None),
        identity=next((each.identity for _, each in told if each.identity), {}),
        identity_event=next((_identified(transcript, step) for step, each in told if each.identity), None),
        logout=next((step for step in steps if _command(step) == "LOGOUT"), None),
        strange_tag=_strange_tag(steps),
    )


def _end(command: bytes) -> End:
    return CommandEnd(command.split(b" ", 1)[0]) if command else ResponseEnd()


def _command(step: ImapExchange) -> str:
    return " ".join(step.command.split()[1:2]).upper()


def _identified(transcript: Transcript, step: ImapExchange) -> int | None:
    told = responses(reply_lines(transcript, step))
    return next((at for at, lines in told if parse_response(lines).identity), step.last)


def _is_bye(response: Response) -> bool:
    return response.tag == "*" and response.word == "BYE"


def _completed(step: ImapExchange) -> Response | None:
    """The tagged response that ended a command."""
    last = step.reply[-1] if step.reply else None
    return last if last is not None and last.tag.upper() == step.verb else None


def _strange_tag(steps: Sequence[ImapExchange]) -> int | None:
    """Clients compare tags letter by letter (RFC 9051 section 2.2.1 has them made up by the client)."""
    ours = {step.command.partition(" ")[0] for step in steps if step.command}
    for step in steps:
        for each in step.reply or ():
            if each.tagged and each.word in ("OK", "NO", "BAD") and each.tag not in ours:
                return step.last
    return None


def _capabilities(steps: Sequence[ImapExchange]) -> Capabilities | None:
    step = next(iter(steps), None)
    ended = _completed(step) if step else None
    if step is None or step.last is None or ended is None or ended.word != "OK":
        return None
    untagged = [each for each in step.reply or () if each.tag == "*" and each.word == "CAPABILITY"]
    names = [name for each in (untagged or [ended]) for name in each.capabilities]
    return Capabilities(tuple(dict.fromkeys(names)), step.last, bool(untagged))


def _state(transcript: Transcript, greeting: ImapExchange | None, word: str) -> tuple[Reached, int | None]:
    whole = any(
        Problem.INCOMPLETE not in each.problems for each in (greeting.reply if greeting else None) or ()
    )
    seen = way(transcript, greeted=whole, begins=lambda octets: octets.startswith(b"* "))
    if seen.state is not None or greeting is None or not greeting.reply:
        return seen.state or Reached.SILENT, seen.event
    if word == "BYE":
        passing = _PASSING.search(greeting.reply[0].text[:2000]) is not None
        return (Reached.THROTTLED if passing else Reached.REFUSED_SERVICE), greeting.last
    return (Reached.OPEN if word else Reached.MALFORMED), greeting.last


def _doubt(transcript: Transcript, state: Reached, event: int | None, asked: Sequence[ImapExchange]) -> Doubt:
    if state is not Reached.OPEN:
        return doubt_about(transcript, state, event)
    for step in asked:
        ended = _completed(step)
        if ended is None:
            bye = any(_is_bye(each) for each in step.reply or ())
            if bye:
                return Doubt(f"the server takes leave:{quote(transcript, step.last)}", step.last)
            how = broken_off(transcript) or "the conversation ended"
            return Doubt(f"{how} after CAPABILITY", len(transcript.events) - 1)
        if ended.word != "OK":
            return Doubt(f"CAPABILITY was not taken:{quote(transcript, step.last)}", step.last)
    return Doubt("", None)


_GREETINGS = frozenset({"OK", "PREAUTH", "BYE"})
_PASSING = re.compile(
    r"too many|try again|later|temporar|unavailable|overload|busy|maximum|limit|shutting|starting|maintenance",
    re.IGNORECASE,
)
