"""The page put together: sections in their order, those without facts left out."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import jinja2

from diag.api import Report, Severity
from diag.facts.dmarc import DmarcPolicy
from diag.facts.spf import SpfEvaluation
from reports import cost, dmarc, opinions, receivers, reverse, states, tls, verdict, words
from reports.delivery import who_gets_through
from reports.dkim import keys
from reports.hostile import plain
from reports.supply import supply
from reports.transport import transport

from . import chain
from .anchors import Anchors
from .certificates import time_line
from .dialogues import dialogues, fetched, offered, questions
from .endpoints import SERVICES, matrix
from .fixes import cards
from .results import areas, open_questions
from .route import picture
from .spf import tree

UNFOLDED = 5
"""Cards of what is to be done first that stand open; of the rest only the titles do."""
_GRADES = {"F": "crit", "C": "err", "B": "warn", "A": "good", "A+": "good"}


@dataclass(frozen=True, slots=True)
class Section:
    """A section that this page has: its id, its short name for the navigation, its heading."""

    id: str
    short: str
    title: str


_SECTIONS = (
    Section("first", "Do this first", "Do this first"),
    Section("receivers", "Receivers", "Who accepts this mail"),
    Section("sending", "Senders", "Who can send as this domain"),
    Section("chain", "Chain", "Whom this domain relies on"),
    Section("route", "Route", "The route of a message"),
    Section("delivery", "Delivery", "Who gets through"),
    Section("endpoints", "Endpoints", "Endpoints"),
    Section("tls", "TLS", "What TLS is spoken"),
    Section("spf", "SPF", "SPF"),
    Section("dkim", "DKIM", "DKIM keys"),
    Section("dmarc", "DMARC", "DMARC"),
    Section("reverse", "Reverse", "Reverse names"),
    Section("transport", "Transport", "Policies for transport"),
    Section("certificates", "Certificates", "Certificates"),
    Section("dialogues", "Dialogues", "Dialogues"),
    Section("open", "Unknown", "What could not be determined"),
    Section("opinions", "Opinions", "Second opinions"),
    Section("checks", "Checks", "All checks"),
)


def page(report: Report) -> str:
    """The whole page."""
    anchors = Anchors(report)
    content = _content(report, anchors)
    present = tuple(section for section in _SECTIONS if content.get(section.id))
    found = cards(report, anchors, frozenset(section.id for section in present))
    card_of = {card.rule: card.id for card in reversed(found)}
    values = {
        **content,
        "endpoints": matrix(report, anchors, card_of),
        "sections": {section.id: section for section in present},
        "urgent": [card for card in found if card.severity >= Severity.WARNING],
        "minor": [card for card in found if card.severity < Severity.WARNING],
        "unfolded": UNFOLDED,
        "card_of": card_of,
        "checks": areas(report, card_of),
        **_head(report),
        "versions": dict(report.versions),
        "report": report,
        "waived": report.waived,
    }
    return environment().get_template("page.html").render(values)


@functools.cache
def environment() -> jinja2.Environment:
    """Templates that escape everything, know no undefined value, and are given only plain text."""
    return jinja2.Environment(
        loader=jinja2.PackageLoader("reports", "templates/html"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_harmless,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _harmless(value: Any) -> Any:
    """Whatever is printed: text loses what hides or deceives, its line ends stay; markup of ours passes."""
    if isinstance(value, str) and not hasattr(value, "__html__"):
        if value.isascii() and value.isprintable():
            return value  # most of a page; the rest is looked at character by character
        return "\n".join(map(plain, value.split("\n")))
    return value


def _head(report: Report) -> dict[str, Any]:
    grade = report.grade
    return {
        "domain": report.target.domain,
        "named": verdict.named(report),
        "grade": grade,
        "grade_css": _GRADES[grade.rstrip("?")],
        "verdict": verdict.sentence(report),
        "explanation": verdict.grade_line(report),
        "figures": verdict.figures(report),
        "moment": verdict.moment(report),
        "as_of": verdict.judged_as_of(report),
        "seen_from": verdict.seen_from(report),
        "about_us": verdict.about_us(report),
        "effort": cost.told(report),
        "as_bulk_sender": verdict.AS_BULK_SENDER,
    }


def _content(report: Report, anchors: Anchors) -> dict[str, Any]:
    """What each section shows; nothing where its facts are missing."""
    policy, spf = (report.fact(kind) for kind in (DmarcPolicy, SpfEvaluation))
    talked = (*dialogues(anchors), *offered(anchors))
    asked, got = questions(anchors), fetched(anchors)
    role = words.sending_role(report)
    strangers = words.who_can_send(report)
    others = opinions.heard(report)
    relied_on = supply(report)
    table = receivers.receiver_table(report)
    return {
        "first": True,
        "receivers": table,
        "accepted": receivers.accepted(table) if table is not None else "",
        "audiences": receivers.Audience,
        "met": _met,
        "sending": bool(strangers or role),
        "strangers": strangers,
        "role": role,
        "spf_lets": words.whom_spf_lets_pass(spf) if isinstance(spf, SpfEvaluation) else "",
        "chain": relied_on,
        "chain_picture": chain.picture(relied_on) if relied_on is not None else None,
        "route": picture(report, anchors),
        "endpoints": bool(anchors.talks),
        "delivery": who_gets_through(report),
        "services": SERVICES,
        "tls": tls.rows(report),
        "spf": tree(report),
        "dkim": keys(report),
        "dmarc": dmarc.view(report),
        "dmarc_tags": words.dmarc_tags(policy.record) if isinstance(policy, DmarcPolicy) else None,
        "dmarc_policy": policy if isinstance(policy, DmarcPolicy) else None,
        "reverse": reverse.rows(report),
        "transport": transport(report),
        "certificates": time_line(report, anchors),
        "dialogues": bool(talked or asked or got),
        "talks": talked,
        "questions": asked,
        "fetched": got,
        "open": open_questions(report, anchors),
        "opinions": others,
        "opinions_say": opinions.summary(others) if others is not None else "",
        "checks": bool(report.results),
    }


def _met(cell: receivers.Cell) -> states.Shown:
    """How a cell of the receiver table is shown."""
    advised = cell.asked is receivers.Asked.ADVISED
    match cell.state:
        case receivers.State.MET:
            return states.good("met")
        case receivers.State.NOT_MET if advised:
            return states.short(Severity.WARNING, "not met, advised")
        case receivers.State.NOT_MET:
            return states.short(Severity.ERROR, "not met")
        case receivers.State.MESSAGE:
            return states.Shown("○", "in mail, advised" if advised else "in mail", "mute")
        case receivers.State.NOBODY:
            return states.Shown("○", "unseen", "mute")
        case receivers.State.UNDETERMINED:
            return states.unknown("undetermined")
        case receivers.State.NOT_ASKED:
            return states.mute("not asked")
