"""What other implementations say of the same records, where they were asked."""

from __future__ import annotations

from diag.api import Report
from diag.facts.second_opinion import Opinion, SecondOpinions


def heard(report: Report) -> SecondOpinions | None:
    """What they said; None where nobody asked them."""
    found = report.fact(SecondOpinions)
    return found if isinstance(found, SecondOpinions) else None


def summary(found: SecondOpinions) -> str:
    """How many questions were asked of whom, and how many answers differ: one sentence."""
    if not found.opinions:
        return "The other implementations could not be asked anything: there is no record that they read."
    others = " and ".join(dict.fromkeys(opinion.other for opinion in found.opinions))
    asked, differ = len(found.opinions), len(found.differing)
    questions = f"{asked} question{'s' if asked != 1 else ''} over the same answers"
    if not differ:
        return f"{others} answered {questions}, and agree with this report."
    return f"{others} answered {questions}; {differ} answer{'s differ' if differ != 1 else ' differs'} from ours."


def difference(opinion: Opinion) -> str:
    """What both say, as one sentence."""
    return f"{opinion.question}: we say {opinion.ours}, {opinion.other} says {opinion.theirs}"
