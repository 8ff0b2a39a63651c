"""What an SMTP transcript means: everything a check needs, each with the event that shows it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .blame import LONGEST_JUDGED, Blame, blamed
from .exchanges import Exchange, exchanges
from .introduction import named_host
from .reach import Doubt, Reached, broken_off, doubt_about, quote, way
from .session import Session, common, greeting_of
from .smtp import EhloReply, Reply, SmtpEnd, parse_ehlo, parse_reply
from .transcript import Ending, Opened, Said, Transcript

SmtpExchange = Exchange[Reply]

TARPIT_GREETING_MS = 8000
"""A greeting this late together with an EHLO reply without keywords is a tarpit's (spamd takes ten seconds)."""
SLOW_REPLY_MS = 5000
"""A reply this late is slow; a look-up now and then takes as long, but not one at each command."""
SLOW_REPLIES = 3
"""Slow replies by which a host that takes its time over everything is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpSession(Session[Reply]):
    """One SMTP talk, read."""

    address: str
    """The address talked to; empty where no connection was made."""
    port: int
    ehlo: SmtpExchange | None
    """The first EHLO: in clear, or under TLS where TLS came first."""
    helo: SmtpExchange | None
    """HELO, said only after EHLO was refused: its reply offers nothing and proves no absence."""
    ehlo_tls: SmtpExchange | None
    """EHLO under TLS, however that came about."""
    mail: SmtpExchange | None
    rcpts: tuple[SmtpExchange, ...]
    """One for each recipient; they mean something only where MAIL was accepted."""
    rset: SmtpExchange | None
    offer: EhloReply | None
    """What a complete 250 reply to EHLO in clear offers."""
    offer_tls: EhloReply | None
    """The same under TLS."""
    blame: Blame | None
    """What of ours a negative reply names: it tells of our vantage (catalogue: law 3)."""
    blame_event: int | None
    throttled: int | None
    """The event of a 421, or of words that there are too many connections."""
    slow: tuple[tuple[SmtpExchange, int], ...]
    """The commands that waited long for their replies, each with the milliseconds, not counting what those before it
    in the same write had to wait."""
    tarpit: int | None
    """The event that gives away a tarpit, which answers everything and means nothing."""
    middlebox: int | None
    """The event in which something between us and the server has masked words."""

    @property
    def recipients(self) -> tuple[tuple[str, SmtpExchange], ...]:
        """The mailboxes named in RCPT, each with its exchange."""
        return tuple((path_of(rcpt.command), rcpt) for rcpt in self.rcpts)

    @property
    def lacks_starttls(self) -> bool:
        """Whether a complete EHLO reply in clear proves that STARTTLS is not offered on this connection."""
        return (
            self.offer is not None
            and not self.offer.offers("STARTTLS")
            and not self.inconclusive
            and self.middlebox is None
        )

    @property
    def best_offer(self) -> EhloReply | None:
        """What is offered in the end: under TLS where there is TLS, in clear otherwise."""
        return self.offer_tls or self.offer

    @property
    def unanswered(self) -> SmtpExchange | None:
        """The command on which the peer closed or reset without a reply (RFC 5321 section 4.1.1.10)."""
        if self.closed not in (Ending.BY_PEER, Ending.RESET) or self.throttled is not None:
            return None
        open_ones = (each for each in self.exchanges if each.reply is None or not each.reply.complete)
        first = next(open_ones, None)
        return first if first is not None and first.verb != "QUIT" else None


def read_smtp(transcript: Transcript) -> SmtpSession:
    """Read a transcript of smtp_dialogue. Never raises, whatever was heard."""
    steps = exchanges(transcript, lambda _: SmtpEnd(), lambda _, lines: parse_reply(lines))
    greeting = greeting_of(steps)
    hellos = [step for step in steps if step.verb == "EHLO"]
    clear = next((step for step in hellos if not step.secure), None)
    under_tls = next((step for step in hellos if step.secure), None)
    connection = next((event for event in transcript.events if isinstance(event, Opened)), None)
    blame = _blame(transcript, steps, connection.address if connection else "")
    throttled = next((step.cited for step in steps if step.reply and throttles(step.reply)), None)
    slow = tuple((step, wait) for step, wait in _waits(transcript, steps) if wait >= SLOW_REPLY_MS)
    tarpit = _tarpit(greeting, hellos, slow)
    state, event = _state(transcript, greeting)
    if state is Reached.OPEN and throttled is not None:
        state, event = Reached.THROTTLED, throttled
    doubt = _doubt(transcript, state, event, steps, blame, tarpit)
    return SmtpSession(
        **common(transcript, steps, _first(steps, "STARTTLS"), state, doubt),
        address=connection.address if connection else "",
        port=connection.port if connection else 0,
        ehlo=hellos[0] if hellos else None,
        helo=_first(steps, "HELO"),
        ehlo_tls=under_tls,
        mail=_first(steps, "MAIL"),
        rcpts=tuple(step for step in steps if step.verb == "RCPT"),
        rset=_first(steps, "RSET"),
        offer=_offer(clear),
        offer_tls=_offer(under_tls),
        blame=blame[0] if blame else None,
        blame_event=blame[1] if blame else None,
        throttled=throttled,
        slow=slow,
        tarpit=tarpit,
        middlebox=_middlebox(transcript, greeting, hellos),
    )


def throttles(reply: Reply) -> bool:
    """Whether a reply turns us away for now: 421 (RFC 5321 section 3.8), or says there are too many of us."""
    return reply.code == 421 or (
        reply.kind in (4, 5) and _TOO_MANY.search(reply.text[:LONGEST_JUDGED]) is not None
    )


def greylists(reply: Reply) -> bool:
    """Whether a reply puts us off as a stranger (RFC 6647): it says nothing of the mailbox."""
    if reply.code not in (450, 451, 452):
        return False
    return (
        reply.enhanced.startswith(("4.7.", "4.2."))
        or _GREYLIST.search(reply.text[:LONGEST_JUDGED]) is not None
    )


def path_of(command: str) -> str:
    """The mailbox between the angle brackets of MAIL or RCPT."""
    return command.partition("<")[2].rpartition(">")[0]


def _first(steps: Sequence[SmtpExchange], verb: str) -> SmtpExchange | None:
    return next((step for step in steps if step.verb == verb), None)


def _offer(hello: SmtpExchange | None) -> EhloReply | None:
    # Only a complete 250 proves what is and what is not offered.
    if hello is None or hello.reply is None or hello.reply.code != 250 or not hello.reply.complete:
        return None
    return parse_ehlo(hello.reply)


def _begins(octets: bytes) -> bool:
    return octets.startswith(b"220")


def _state(transcript: Transcript, greeting: SmtpExchange | None) -> tuple[Reached, int | None]:
    reply = greeting.reply if greeting else None
    whole = reply is not None and reply.complete
    seen = way(transcript, greeted=whole, begins=_begins)
    if seen.state is not None or greeting is None or reply is None:
        return seen.state or Reached.SILENT, seen.event
    if throttles(reply):
        return Reached.THROTTLED, greeting.last
    kinds = {2: Reached.OPEN, 4: Reached.DEFERRED, 5: Reached.REFUSED_SERVICE}
    return kinds.get(reply.kind, Reached.MALFORMED), greeting.last


def _blame(transcript: Transcript, steps: Sequence[SmtpExchange], peer: str) -> tuple[Blame, int] | None:
    hello = next((step for step in steps if step.verb in ("EHLO", "HELO")), None)
    name = hello.command.partition(" ")[2] if hello else ""
    for step in steps:
        found = blamed(step.reply, helo=name, peer=peer) if step.reply else None
        # A disliked name matters only where it was given: a greeting cannot know it.
        if found is not None and step.first is not None and step.last is not None:
            return found, step.last
    return None


def _waits(transcript: Transcript, steps: Sequence[SmtpExchange]) -> Iterator[tuple[SmtpExchange, int]]:
    before = 0
    for step in steps:
        if step.reply is None or step.last is None:
            return
        at = transcript.events[step.last].at_ms
        begun = max(transcript.events[step.asked].at_ms, before)
        before = at
        if step.command:
            yield step, at - begun


def _tarpit(
    greeting: SmtpExchange | None,
    hellos: Sequence[SmtpExchange],
    slow: Sequence[tuple[SmtpExchange, int]],
) -> int | None:
    """A tarpit answers EHLO, slowly or with scorn, and offers nothing of worth."""
    first = next(iter(hellos), None)
    offer = _offer(first)
    if first is None or offer is None or first.reply is None:
        return None
    if offer.offered:
        # Who takes his time over every reply may be playing the part of a mail host: that he does not offer
        # STARTTLS proves nothing.
        return first.last if len(slow) >= SLOW_REPLIES and not _may_secure(hellos, offer) else None
    late = greeting is not None and greeting.waited_ms >= TARPIT_GREETING_MS
    said = f"{greeting.reply if greeting else ''} {first.reply}"
    return first.last if late or _TARPIT.search(said[:LONGEST_JUDGED]) else None


def _may_secure(hellos: Sequence[SmtpExchange], offer: EhloReply) -> bool:
    return offer.offers("STARTTLS") or hellos[0].secure


def _middlebox(
    transcript: Transcript, greeting: SmtpExchange | None, hellos: Sequence[SmtpExchange]
) -> int | None:
    reply = greeting.reply if greeting else None
    if greeting is not None and reply is not None:
        stars, others = reply.text.count("*"), len(reply.text.replace(" ", ""))
        # Stars around the host's own name are there for show.
        if stars >= 4 and 2 * stars >= others and not named_host(reply.text):
            return greeting.last
    for hello in hellos:
        offer = _offer(hello)
        if offer is not None and offer.masked:
            return _where(transcript, hello, offer.masked[0])
    return None


def _where(transcript: Transcript, step: SmtpExchange, word: str) -> int | None:
    """The event of the reply's line that has a word."""
    if step.first is None or step.last is None:
        return None
    for at in range(step.first, step.last):
        said = transcript.events[at]
        if isinstance(said, Said) and word in said.octets.decode("latin-1").upper():
            return at
    return step.last


def _doubt(
    transcript: Transcript,
    state: Reached,
    event: int | None,
    steps: Sequence[SmtpExchange],
    blame: tuple[Blame, int] | None,
    tarpit: int | None,
) -> Doubt:
    """Why what the server offers cannot be told: the first reason in the order of the conversation."""
    if state is not Reached.OPEN:
        return doubt_about(transcript, state, event)
    for step in _opening(steps):
        reply = step.reply
        if reply is None or not reply.complete:
            how = broken_off(transcript) or "the conversation ended"
            return Doubt(f"{how} after {step.command}", len(transcript.events) - 1)
        if reply.kind == 4 and step.verb != "STARTTLS":
            return Doubt(f"{step.verb} was put off:{quote(transcript, step.last)}", step.last)
        if blame is not None and blame[1] == step.last:
            return Doubt(f"{step.verb} was refused because of us:{quote(transcript, step.last)}", step.last)
        if reply.kind == 5 and step.verb == "HELO":
            return Doubt(f"neither EHLO nor HELO was taken:{quote(transcript, step.last)}", step.last)
    if tarpit is not None:
        return Doubt(f"a tarpit answers:{quote(transcript, tarpit)}", tarpit)
    return Doubt("", None)


def _opening(steps: Sequence[SmtpExchange]) -> Iterator[SmtpExchange]:
    """The commands by which a server shows what it offers."""
    for step in steps:
        if step.verb in ("EHLO", "HELO", "STARTTLS"):
            yield step


_TOO_MANY = re.compile(
    r"too many (concurrent |simultaneous )?(smtp )?(connections|sessions|errors|messages)|"
    r"(connection|session)s? (rate|limit|count|frequency)|rate limit|concurrency limit|too frequent",
    re.IGNORECASE,
)
_GREYLIST = re.compile(
    r"gr[ea]y-?\s?list|try again|come back|retry|temporar(il)?y (deferred|rejected|blocked)|deferred",
    re.IGNORECASE,
)
_TARPIT = re.compile(r"spamd|tarpit|teergrube|wasting your time|spam blocker", re.IGNORECASE)
