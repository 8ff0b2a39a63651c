"""Findings the reader has accepted until a date, with a reason."""

from __future__ import annotations

import dataclasses
from datetime import datetime

from diag.model.finding import Finding
from diag.model.report import Result, Status, Waiver


def waive(
    results: tuple[Result, ...], waivers: tuple[Waiver, ...], moment: datetime
) -> tuple[tuple[Result, ...], tuple[tuple[Finding, Waiver], ...]]:
    """Set aside what a waiver covers that has not ended; an ended waiver covers nothing."""
    live = [waiver for waiver in waivers if waiver.until >= moment.date().isoformat()]
    if not live:
        return results, ()
    aside: list[tuple[Finding, Waiver]] = []
    left: list[Result] = []
    for result in results:
        kept: list[Finding] = []
        for finding in result.findings:
            waiver = next(
                (w for w in live if w.rule == finding.id and w.subject in ("", finding.subject)), None
            )
            if waiver is None:
                kept.append(finding)
            else:
                aside.append((finding, waiver))
        if len(kept) == len(result.findings):
            left.append(result)
        elif kept:
            left.append(dataclasses.replace(result, findings=tuple(kept)))
        else:
            because = "; ".join(
                f"waived until {w.until}: {w.reason}" for f, w in aside if f in result.findings
            )
            left.append(
                dataclasses.replace(result, findings=(), status=Status.NOT_APPLICABLE, because=because)
            )
    return tuple(left), tuple(aside)
