"""Exit codes: what scripts may rely on. The first that fits, over all domains of a run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from diag.model.finding import Severity
from diag.model.report import Report, Result, Status
from diag.probes.dns import DnsAnswer, DnsQuery

OK, FOUND, USAGE, UNDETERMINED, CRASHED, INTERRUPTED = 0, 1, 2, 3, 4, 130
_ORDER = (INTERRUPTED, USAGE, FOUND, CRASHED, UNDETERMINED, OK)

DNS_AREAS = ("mx", "spf", "dmarc")
"""What `dns` stands for among the required areas."""


def first(codes: Iterable[int]) -> int:
    """The one that goes before the others."""
    given = set(codes)
    return next((code for code in _ORDER if code in given), OK)


def code_of(report: Report, threshold: Severity | None) -> int:
    """What one report exits with; a `threshold` of None means that no finding counts."""
    worst = report.worst
    if threshold is not None and worst is not None and worst >= threshold:
        return FOUND
    if report.with_status(Status.CRASHED):
        return CRASHED
    if undetermined(report):
        return UNDETERMINED
    return OK


def undetermined(report: Report) -> tuple[str, ...]:
    """The required areas that could not be determined.

    An area is not determined where one of its checks is inconclusive. For `dns` those of MX, SPF and DMARC
    count that are inconclusive because the DNS did not answer.
    """

    def is_open(area: str) -> bool:
        if area == "dns":
            return any(_for_want_of_dns(report, r) for each in DNS_AREAS for r in _open(report, each))
        return any(_open(report, area))

    return tuple(area for area in report.required if is_open(area))


def _open(report: Report, area: str) -> Iterator[Result]:
    return (each for each in report.in_area(area) if each.status is Status.INCONCLUSIVE)


def _for_want_of_dns(report: Report, result: Result) -> bool:
    """Whether a cited question has no usable answer, or nothing at all could be asked."""
    questions = [cite.probe for cite in result.evidence if isinstance(cite.probe, DnsQuery)]
    return not result.evidence or not all(_answered(report, question) for question in questions)


def _answered(report: Report, question: DnsQuery) -> bool:
    answer = report.evidence.get(question)
    return isinstance(answer, DnsAnswer) and answer.usable


def nobody_answers(report: Report) -> tuple[str, ...]:
    """The servers tried, where not one question of a run was answered; empty where one was."""
    answers = [evidence for probe, evidence in report.evidence.items() if isinstance(probe, DnsQuery)]
    if not answers or any(isinstance(answer, DnsAnswer) and answer.usable for answer in answers):
        return ()
    tried = [s for a in answers for s in ((a.server,) if isinstance(a, DnsAnswer) else a.tried)]
    return tuple(dict.fromkeys(tried)) or ("none known",)
