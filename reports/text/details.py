"""What stands behind the glance, for whoever asks for all of it: keys, tags, policies, names, certificates."""

from __future__ import annotations

from diag.api import Report
from diag.facts.dmarc import DmarcPolicy
from reports import dkim as dkim_keys, dmarc as dmarc_view, reverse, states, words
from reports.certificates import presented
from reports.hostile import plain
from reports.transport import transport as rows_of_transport

from .page import Page

_TAG = 5
"""Characters of the longest tag in use."""


def dkim(page: Page, report: Report) -> None:
    """Every key found, and what the search for keys is worth."""
    keys = dkim_keys.keys(report)
    if keys is None:
        return
    page.heading("DKIM keys")
    for key in keys.rows:
        page.item(
            key.shown.symbol, f"{plain(key.selector)}: ", plain(_joined(key.kind, key.shown.word)), width=1
        )
        for line in filter(None, (key.flags, key.lives_at and f"lives at {key.lives_at}", key.source)):
            page.item("", (plain(line), "dim"), width=1)
    page.say((f"{_were(keys.tried)} tried. {keys.search}", "dim"))


def _were(tried: int) -> str:
    """How many selectors, as the beginning of a sentence."""
    return "1 selector was" if tried == 1 else f"{tried} selectors were"


def dmarc_walk(page: Page, report: Report, *, verbose: bool) -> None:
    """How receivers find the policy and what it comes to: where asked for, or where receivers differ."""
    found = dmarc_view.view(report)
    if found is None or not (verbose or found.differing or len(found.stops) > 2):
        return
    page.heading("DMARC: how it is found")
    for stop in found.stops:
        marks = f" ({'; '.join(stop.marks)})" if stop.marks else ""
        page.item(stop.shown.symbol, f"{plain(stop.name)} {plain(stop.shown.word)}{plain(marks)}", width=1)
    if not found.fates:
        return
    page.blank()
    differs = any(fate.before for fate in found.fates)
    head = ("Mail from", "Policy", *(["Receivers of RFC 7489"] if differs else []))
    rows = [
        [plain(fate.names), fate.policy, *([fate.before or "the same"] if differs else [])]
        for fate in found.fates
    ]
    page.table(rows, head=head)
    for reason in found.differing:
        page.say((plain(reason), "dim"))


def dmarc(page: Page, report: Report) -> None:
    """The record that applies, tag by tag."""
    policy = report.fact(DmarcPolicy)
    if not isinstance(policy, DmarcPolicy):
        return
    page.heading("DMARC, tag by tag")
    page.say(plain(f"{policy.owner}: {policy.record.text}"))
    page.blank()
    for tag in words.dmarc_tags(policy.record):
        value = plain(tag.value) if tag.published else f"not published; {plain(tag.value) or 'none'} applies"
        page.item(plain(tag.name), (value, "bold"), f". {plain(tag.words)}", width=_TAG)


def reverse_names(page: Page, report: Report) -> None:
    """The addresses of the domain's own mail hosts and their names."""
    rows = reverse.rows(report)
    if not rows:
        return
    page.heading("Reverse names")
    for row in rows:
        said = _told(row.shown, plain(", ".join(row.names)))
        page.item(row.shown.symbol, f"{plain(row.address)} ({plain(', '.join(row.hosts))}): {said}", width=1)


def _told(shown: states.Shown, names: str) -> str:
    return f"{names}, {plain(shown.word)}" if names else plain(shown.word)


def transport(page: Page, report: Report) -> None:
    """MTA-STS, TLS-RPT, DNSSEC and DANE: what is published and what it means."""
    rows = rows_of_transport(report)
    if not rows:
        return
    page.heading("Policies for transport")
    for row in rows:
        title = f"{row.name} {plain(row.subject)}: {plain(row.shown.word)}"
        page.item(row.shown.symbol, (title, "bold"), ". ", plain(row.words), width=1)
        for line in row.lines:
            page.item("", f"| {plain(line)}", width=1)


def certificates(page: Page, report: Report) -> None:
    """Every certificate that was presented, the first to end first."""
    seen = presented(report)
    if not seen:
        return
    page.heading("Certificates")
    for each in seen:
        title = f"{plain(each.name)}: {plain(each.shown.word)}"
        page.item(each.shown.symbol, (title, "bold"), f", {each.begins} to {each.ends}", width=1)
        doors = "; ".join(
            f"{host} on {', '.join(map(str, sorted(ports)))}" for host, ports in each.places.items()
        )
        page.item("", (plain(f"{_joined(each.issuer, each.key)}; presented by {doors}"), "dim"), width=1)
        for number, line in enumerate(each.peers):
            lead = "Accepted by: " if not number else ""
            where = f" (at {', '.join(line.places)})" if line.places else ""
            why = f": {line.why}" if line.why else ""
            page.item("", (lead, "dim"), plain(f"{line.shown.symbol} {line.shown.word}{where}{why}"), width=1)


def _joined(*parts: str) -> str:
    return ", ".join(filter(None, parts))
