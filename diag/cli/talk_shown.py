"""What `maildiag talk` prints: lines as they come, octets as they are, and what is to be said of them at the end."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence

from diag.model.report import Result, Status
from diag.probes.talks import AnyTalk
from diag.wire.oddities import oddities
from diag.wire.script import Protocol
from diag.wire.script_read import ScriptRead
from diag.wire.transcript import NO_END, Event, Said, Secured, Who, render_event

from .counted import counted

WIDTH = 80
UNJUDGED: Iterable[str] = (
    "Not judged: the usual dialogue goes on with TLS here, and this one left it out.",
    "What the host offers under TLS was not heard.",
)
"""What is said of a dialogue that did not come to where the usual one would have."""


def line(event: Event, spoken: Protocol) -> str:
    """One event with its time and marks, and behind it what is odd about it."""
    shown = render_event(event)
    marks = oddities(event, spoken) if isinstance(event, Said) else ()
    # A line without its end is rendered as such already, unless it is too long to be shown to where it breaks off.
    told = (NO_END,) if shown.endswith(f"[{NO_END}]") else ()
    return shown + "".join(f"  [{mark}]" for mark in marks if mark not in told)


def raw(event: Event) -> str:
    """The octets of one line, and nothing else: what is not printable ASCII is escaped. Empty where none were said.

    `C:` stands before what we said and `S:` before what the peer said, as in scripts.
    """
    if isinstance(event, Secured):
        return "TLS"
    if not isinstance(event, Said):
        return ""
    text = event.octets.decode("latin-1").encode("unicode_escape").decode()
    return f"{'C' if event.who is Who.US else 'S'}: {text}"


def verdict(probe: AnyTalk, results: Sequence[Result]) -> Iterator[str]:
    """The sentences of the rules that this one conversation raises, and what it leaves open."""
    findings = [finding for result in results for finding in result.findings]
    passed = sum(result.status is Status.PASSED for result in results)
    found = counted(len(findings), "finding") if findings else "no findings"
    told = f"{found}, {counted(passed, 'check')} passed"
    yield from _wrapped(f"Judged by itself, as {_met(probe)}: {told}.", "")
    for finding in sorted(findings, key=lambda each: -each.severity):
        lines = [cite.event + 1 for cite in finding.evidence if cite.event is not None]
        where = f" (line {lines[0]})" if lines else ""
        yield from _wrapped(f"{finding.severity!s:<9} {finding.id}: {finding.text()}{where}")
    # What one conversation cannot show is no flaw of it, and said all the same.
    open_ones = [result for result in results if result.status in (Status.INCONCLUSIVE, Status.CRASHED)]
    for because in dict.fromkeys(result.because for result in open_ones):
        claims = [result.claim for result in open_ones if result.because == because]
        more = f" and {len(claims) - 1} more" if len(claims) > 1 else ""
        yield from _wrapped(f"{'open':<9} {claims[0].rstrip('.')}{more}: {because}")
    yield "Certificates, the DNS and other hosts were not looked at: maildiag check does."


def outcome(read: ScriptRead) -> Iterator[str]:
    """What came of a script."""
    if read.done:
        yield f"The script was spoken to its end: {counted(len(read.replies), 'reply')}, as expected."
    elif read.unexpected:
        yield from _wrapped(f"The script stopped: {read.because}", "")
    else:
        yield from _wrapped(f"The script was not decided: {read.because}", "")
    for name, value in read.kept.items():
        yield from _wrapped(f"{name} = {value}")


def _wrapped(text: str, indent: str = " " * 10) -> list[str]:
    return textwrap.wrap(text, WIDTH, subsequent_indent=indent, break_long_words=False) or [""]


def _met(probe: AnyTalk) -> str:
    if probe.kind == "smtp":
        return "senders meet it" if probe.port == 25 else "mail programs meet it"
    return "programs that manage filters meet it" if probe.kind == "sieve" else "mail programs meet it"
