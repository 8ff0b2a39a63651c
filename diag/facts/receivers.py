"""What the large receivers ask of whoever sends them mail: dated knowledge, and nothing about any one domain.

The table itself is `data/receivers.toml`, with the page that says so beside every entry.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from functools import cache
from typing import Any

from diag.model.finding import Document, Finding, Severity
from diag.model.frozen import frozen
from diag.model.tables import table as read_table


class Asked(enum.StrEnum):
    """How firmly a receiver asks for something."""

    REQUIRED = "required"
    ADVISED = "advised"
    NOT = "not asked"


class Audience(enum.StrEnum):
    """Of whom it asks."""

    EVERYONE = "everyone"
    BULK = "bulk"
    """Senders of many messages a day to that receiver: some 5,000 with Gmail and Outlook.com; others name no number."""


class SeenIn(enum.StrEnum):
    """What can show whether a requirement is met."""

    DNS = "dns"
    MESSAGE = "message"
    NOBODY = "nobody"
    """Only the receiver itself."""


@frozen
class Source:
    """A page of a receiver."""

    page: Document
    date: str
    """As printed there or, failing that, as it was seen."""


@frozen
class Receiver:
    """A receiver, and where it says what it asks."""

    id: str
    name: str
    source: Source


@frozen
class Wish:
    """What one receiver asks in one matter."""

    everyone: Asked
    bulk: Asked
    reply: str
    """What it answers where that is not met; empty where it does not say."""
    source: Source | None
    """None where it says nothing about the matter."""

    def of(self, audience: Audience) -> Asked:
        """How firmly it asks that of these senders."""
        return self.bulk if audience is Audience.BULK else self.everyone


@frozen
class Requirement:
    """One matter, and what each receiver asks in it."""

    id: str
    name: str
    seen_in: SeenIn
    broken_by: tuple[str, ...]
    """The rules whose findings break it."""
    wishes: Mapping[str, Wish]
    """By the receiver's id, in the order of the receivers."""

    def required(self, audience: Audience) -> bool:
        """Whether any receiver insists on it."""
        return any(wish.of(audience) is Asked.REQUIRED for wish in self.wishes.values())

    @property
    def weight(self) -> Severity:
        """How grave it is for a bulk sender not to meet it."""
        insist = [wish for wish in self.wishes.values() if wish.bulk is Asked.REQUIRED]
        if not self.required(Audience.EVERYONE) and any(wish.reply.startswith("5") for wish in insist):
            return Severity.CRITICAL
        return Severity.ERROR if insist else Severity.INFO


@frozen
class Receivers:
    """The whole table."""

    as_of: str
    receivers: tuple[Receiver, ...]
    requirements: tuple[Requirement, ...]


_SILENT = Wish(Asked.NOT, Asked.NOT, "", None)


@cache
def table() -> Receivers:
    """The table as packaged."""
    read = read_table("diag.facts", "receivers")
    sources = {
        name: Source(Document(entry["title"], entry["url"]), entry["date"].isoformat())
        for name, entry in read["source"].items()
    }
    receivers = tuple(
        Receiver(each["id"], each["name"], sources[each["source"]]) for each in read["receiver"]
    )
    requirements = tuple(
        Requirement(
            each["id"],
            each["name"],
            SeenIn(each["seen-in"]),
            tuple(each.get("broken-by", ())),
            {receiver.id: _wish(each.get(receiver.id), sources) for receiver in receivers},
        )
        for each in read["requirement"]
    )
    return Receivers(read["as-of"].isoformat(), receivers, requirements)


def _wish(entry: Mapping[str, Any] | None, sources: Mapping[str, Source]) -> Wish:
    if entry is None:
        return _SILENT
    everyone, bulk = (Asked(entry.get(each.value, Asked.NOT)) for each in Audience)
    return Wish(everyone, bulk, entry.get("reply", ""), sources[entry["source"]])


def turned_up(rule: type[Finding]) -> Severity:
    """The severity of a rule for a domain that sends in bulk: never below the rule's own.

    What some receiver asks of bulk senders alone, and refuses all their mail for, loses that mail: critical.
    Whatever else one insists on is an error.
    """
    raised = [each.weight for each in table().requirements if rule.id in each.broken_by]
    return max(rule.severity, *raised) if raised else rule.severity


def answers(rule: str) -> tuple[tuple[Receiver, str], ...]:
    """Who refuses or defers bulk mail because of a finding of this rule, and with which reply."""
    said: dict[str, str] = {}
    for requirement in table().requirements:
        for receiver, wish in requirement.wishes.items() if rule in requirement.broken_by else ():
            if wish.bulk is Asked.REQUIRED and wish.reply:
                said.setdefault(receiver, wish.reply)
    return tuple((each, said[each.id]) for each in table().receivers if each.id in said)
