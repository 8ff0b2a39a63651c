"""Sending in bulk: the rules that it turns up, and what undecided checks may then hide."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from diag.facts import receivers
from diag.model.finding import Severity
from diag.model.report import Result

from .registry import Registry


def turned_up(registry: Registry) -> dict[str, Severity]:
    """The severities of those rules that are graver for bulk senders than their own; none is lowered."""
    raised = {rule.id: receivers.turned_up(rule) for rule in registry.rules.values()}
    return {name: severity for name, severity in raised.items() if severity > registry.rules[name].severity}


def could(
    results: tuple[Result, ...], registry: Registry, severities: Mapping[str, Severity]
) -> tuple[Result, ...]:
    """The results with what each check could have raised under these severities, where that is graver."""
    raised = {
        check.name: max(severities.get(rule.id, rule.severity) for rule in check.rules)
        for check in registry.checks
        if any(rule.id in severities for rule in check.rules)
    }
    return tuple(
        dataclasses.replace(result, could=max(result.could or Severity.INFO, raised[result.check]))
        if result.check in raised
        else result
        for result in results
    )
