"""Everything that was said, folded: each line that a finding cites has an id and is marked."""

from __future__ import annotations

from dataclasses import dataclass

from diag.api import DnsAnswer, Severity
from diag.probes.https import HttpExchange, HttpsGet
from diag.probes.talks import TalkProbe
from diag.wire.transcript import Answered, Transcript, render_event, visible
from reports import states
from reports.mentions import Mention

from .anchors import Anchors, Held, place
from .cells import opened_at_all
from .endpoints import state

MOST_CHARACTERS = 2_000_000
"""Of all dialogues together: those that findings cite come first, the rest stays on the tape."""
_MOST_LINES = 400
_MOST_BODY = 4_000


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a dialogue. `id` and `words` are set where something points at it."""

    text: str
    id: str
    words: tuple[str, ...]
    css: str


@dataclass(frozen=True, slots=True)
class Dialogue:
    """One conversation or exchange."""

    id: str
    title: str
    shown: states.Shown
    seconds: str
    rules: tuple[str, ...]
    command: str
    lines: tuple[Line, ...]
    cut: int
    """Lines that are not shown."""
    quiet: bool = False
    """No connection came about, and nothing points at it."""


@dataclass(frozen=True, slots=True)
class Question:
    """One DNS question and what came back."""

    id: str
    text: str
    answer: tuple[str, ...]
    words: tuple[str, ...]
    css: str


def dialogues(anchors: Anchors) -> tuple[Dialogue, ...]:
    """Every talk, those that findings cite first, within the limit in characters."""
    order = sorted(anchors.talks, key=lambda talk: _weight(anchors, talk))
    left = MOST_CHARACTERS
    shown = []
    for talk in order:
        lines, cut = _lines(talk, anchors.talks[talk], anchors, left)
        left -= sum(len(line.text) for line in lines)
        found = anchors.findings_at(talk)
        shown.append(
            Dialogue(
                id=anchors.id_of(talk),
                title=place(talk) + (f", {again}look" if (again := anchors.ordinal(talk)) else ""),
                shown=state(talk, anchors),
                seconds=f"{anchors.talks[talk].closed.at_ms / 1000:.2f} s",
                rules=tuple(mention.rule for mention in found),
                command=talk.command(),
                lines=lines,
                cut=cut,
                quiet=not anchors.mentions(talk) and not opened_at_all(anchors.talks[talk]),
            )
        )
    return tuple(shown)


def offered(anchors: Anchors) -> tuple[Dialogue, ...]:
    """The ClientHellos of our own making that something points at, each with its answer."""
    found = []
    for offer, transcript in anchors.offers.items():
        rules = anchors.findings_at(offer)
        answered = next((event.told for event in transcript.events if isinstance(event, Answered)), "")
        word = answered.partition(",")[0] or "unknown"
        worst = max((each.severity or Severity.INFO for each in rules), default=None)
        found.append(
            Dialogue(
                id=anchors.id_of(offer),
                title=f"{place(offer)}, ClientHello: {offer.offer.name}",
                shown=states.unknown(word) if worst is None else states.short(worst, word),
                seconds=f"{transcript.closed.at_ms / 1000:.2f} s",
                rules=tuple(each.rule for each in rules),
                command=offer.command(),
                lines=_lines(offer, transcript, anchors, MOST_CHARACTERS)[0],
                cut=0,
            )
        )
    return tuple(found)


def _weight(anchors: Anchors, talk: Held) -> int:
    found = anchors.findings_at(talk)
    if found:
        return -int(found[0].severity or 0)
    return 0 if anchors.left_open(talk) else 1


def _lines(
    talk: TalkProbe, transcript: Transcript, anchors: Anchors, room: int
) -> tuple[tuple[Line, ...], int]:
    """The lines to show and how many are left out; a line that is cited is always shown."""
    target, mentions = anchors.id_of(talk), anchors.mentions(talk)
    shown = []
    last = len(transcript.events) - 1
    for at, event in enumerate(transcript.events):
        # What points at a dialogue as a whole is shown where it ended.
        cited = [*mentions.get(at, []), *(mentions.get(None, []) if at == last else [])]
        if cited or (at < _MOST_LINES and room > 0):
            text = render_event(event)
            shown.append(Line(text, f"{target}-{at}" if cited else "", _words(cited), _css(cited)))
            room -= len(text)
    return tuple(shown), len(transcript.events) - len(shown)


def _words(mentions: list[Mention]) -> tuple[str, ...]:
    return tuple(mention.words for mention in mentions)


def _css(mentions: list[Mention]) -> str:
    severities = [mention.severity for mention in mentions if mention.severity is not None]
    if severities:
        return states.SEVERITIES[max(severities)].css
    return "unk" if mentions else ""


def questions(anchors: Anchors) -> tuple[Question, ...]:
    """Every DNS question with its answer, in the order asked."""
    found = []
    for query, seen in anchors.questions.items():
        mentions = [each for places in anchors.mentions(query).values() for each in places]
        if isinstance(seen, DnsAnswer):
            flags = " (validated)" if seen.authenticated else ""
            records = tuple(seen.lines())
            said = f"{seen.rcode}{'' if records or seen.rcode != 'NOERROR' else ', no record'}{flags}"
            answer = (said, *records)
        else:
            answer = (str(seen),)
        found.append(Question(anchors.id_of(query), str(query), answer, _words(mentions), _css(mentions)))
    return tuple(found)


def fetched(anchors: Anchors) -> tuple[Dialogue, ...]:
    """Every HTTP exchange: what was asked, status, headers and the beginning of the body."""
    return tuple(_exchange(get, seen, anchors) for get, seen in anchors.fetched.items())


def _exchange(get: HttpsGet, seen: HttpExchange, anchors: Anchors) -> Dialogue:
    target = anchors.id_of(get)
    mentions = [each for places in anchors.mentions(get).values() for each in places]
    if seen.status:
        body = seen.body[:_MOST_BODY].decode("utf-8", "backslashreplace").splitlines()
        lines = [
            f"{seen.status} {seen.reason}",
            *(f"{name}: {value}" for name, value in seen.headers),
            "",
            *body,
        ]
        word = str(seen.status)
        # That a file is not there is an answer too (RFC 9110 section 15.5.5).
        gone = seen.status in (404, 410)
        shown = states.good(word) if seen.status == 200 else (states.mute if gone else states.unknown)(word)
    else:
        lines = [f"*** {seen.trouble}: {seen.detail}".rstrip(": ")]
        shown = states.unknown(seen.trouble or "failed")
    found = anchors.findings_at(get)
    if found:
        shown = states.short(found[0].severity or Severity.INFO, shown.word)
    told = [Line(visible(line), "", (), "") for line in lines[:_MOST_LINES]]
    if mentions:
        told[0] = Line(told[0].text, f"{target}-0", _words(mentions), _css(mentions))
    return Dialogue(
        target,
        f"{get.url} at {get.address}",
        shown,
        f"{seen.took_ms / 1000:.2f} s",
        tuple(mention.rule for mention in found),
        get.command(),
        tuple(told),
        max(len(lines) - len(told), 0),
    )
