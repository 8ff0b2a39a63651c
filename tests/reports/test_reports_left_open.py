"""Many checks that one reason leaves open are one line for people, and stay one by one for programs."""

from __future__ import annotations

import json

import pytest
import sample
from page_reader import Page
from text_sample import made

from diag.api import Report, Result, Status
from reports.areas import left_open
from reports.json import json as as_json
from reports.text import text as as_text

AT = "mx1.a.example [192.0.2.1]:993"
REFUSED = "nobody was reached"


def unreached(tls: int, certificates: int = 0, status: Status = Status.INCONCLUSIVE) -> Report:
    """A report on one endpoint at which so many checks could not be made."""
    areas = ["tls"] * tls + ["certificates"] * certificates
    results = (
        Result(f"c{at}", f"Claim {at} holds", area, AT, status, because=REFUSED)
        for at, area in enumerate(areas)
    )
    return made(results=tuple(results), waived=())


def part(report: Report, *, verbose: bool = False) -> str:
    said = " ".join(as_text.function(report, width=80, verbose=verbose).split())
    return said[said.index("Could not be determined") :]


@pytest.mark.parametrize(
    ("report", "said"),
    [
        (unreached(20), f"so 20 checks of TLS could not be made for {AT} "),
        (unreached(20, 9), f"so 20 checks of TLS and 9 of certificates could not be made for {AT} "),
        (unreached(1, 9), f"so 9 checks of certificates and 1 of TLS could not be made for {AT} "),
        (unreached(3), f"so not known of {AT}: Claim 0 holds; Claim 1 holds; Claim 2 holds"),
    ],
)
def test_in_text_many_are_counted_and_few_are_named(report: Report, said: str) -> None:
    assert said in part(report)
    assert part(report).count(REFUSED) == 1


def test_in_text_all_are_named_where_everything_is_told() -> None:
    assert "could not be made" in part(unreached(20), verbose=True)
    assert part(unreached(20), verbose=True).count(" holds") == 20
    assert " holds" not in part(unreached(20))


def test_a_claim_about_two_subjects_is_counted_once() -> None:
    twice = [Result("c", "It holds", "tls", subject, Status.INCONCLUSIVE) for subject in ("a", "b")]
    assert left_open(twice) == "1 check of TLS"


def section(page: Page, name: str) -> str:
    """The text of one section, on one line."""
    (found,) = [e for e in page.all("section") if e.attributes["aria-labelledby"] == name]
    return " ".join(found.text.split())


def rows(page: Page) -> list[str]:
    return [row.text for row in page.all("tr") if REFUSED in row.text or "for the same reason" in row.text]


def test_on_the_page_they_share_a_row_that_opens() -> None:
    page = sample.page_of(unreached(20, 2))
    shared, *others = sorted(rows(page), key=len, reverse=True)
    assert "20 checks could not be made" in shared
    assert shared.count(" holds") == 20
    assert len(others) == 2
    assert "20 checks of TLS and 2 of certificates could not be made" in section(page, "open")


def test_on_the_page_what_passed_or_does_not_apply_stands_by_itself() -> None:
    page = sample.page_of(unreached(20, status=Status.NOT_APPLICABLE))
    assert "could not be made" not in section(page, "checks")


def test_programs_are_told_of_each() -> None:
    told = json.loads(as_json.function(unreached(20, 9)))
    assert sum(each["status"] == "inconclusive" for each in told["results"]) == 29
