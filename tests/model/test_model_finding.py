"""Findings are values: given by keyword, equal where they are, never changed; a rule that cannot be shown is refused."""

from __future__ import annotations

import pytest

from diag.model.finding import Finding, Rfc, Severity, as_cites, rule
from diag.model.knowing import Cite
from diag.model.shown import LONGEST_TOLD


class Base(Finding):
    what: str
    also: str = "nothing"


@rule("orchard/worm", Severity.ERROR, Rfc(1, "2"), since="1.0")
class Worm(Base):
    """There is a worm.

    ## Why it matters
    It eats.

    ## How to fix
    Pick it.
    """

    message = "{subject}: {what}, {also}, {count}"
    count: int = 3


def test_fields_come_from_the_bases_first_and_fill_the_message() -> None:
    assert Worm.fields == ("subject", "evidence", "certainty", "fix", "what", "also", "count")
    assert Worm(subject="apple", what="worm").text() == "apple: worm, nothing, 3"
    assert (Worm(subject="apple", what="worm").area, Worm.page.why) == ("orchard", "It eats.")


def test_no_value_makes_a_sentence_that_nobody_would_read() -> None:
    long = Worm(subject="apple", what="w" * (LONGEST_TOLD + 7), also="a" * LONGEST_TOLD)
    assert long.text() == f"apple: {'w' * LONGEST_TOLD} [7 more characters], {'a' * LONGEST_TOLD}, 3"
    assert len(long.what) == LONGEST_TOLD + 7


def test_equal_values_are_equal_and_hash_alike() -> None:
    one, two = Worm(subject="a", what="w"), Worm(subject="a", what="w", count=3)
    assert one == two
    assert len({one, two, one.replace(count=4)}) == 2
    assert one != one.replace(subject="b")


def test_a_finding_does_not_change() -> None:
    with pytest.raises(AttributeError, match="does not change: count"):
        Worm(subject="a", what="w").count = 5  # type: ignore[misc]


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"subject": "a"}, "Worm needs what="),
        ({"subject": "a", "what": "w", "wat": 1}, "Worm has no field wat"),
    ],
)
def test_missing_and_unknown_fields_are_refused(values: dict[str, object], says: str) -> None:
    with pytest.raises(TypeError, match=says):
        Worm(**values)  # type: ignore[arg-type]


GOOD = "It is so.\n\n## Why it matters\nIt does.\n\n## How to fix\nSo.\n"


@pytest.mark.parametrize(
    ("rule_id", "doc", "message", "says"),
    [
        ("Orchard/Worm", GOOD, "{subject}", "is no rule id"),
        ("orchard", GOOD, "{subject}", "is no rule id"),
        ("orchard/worm", "It is so.", "{subject}", "docstring needs"),
        ("orchard/worm", GOOD, "{size}", "names {size}, which is no field"),
    ],
)
def test_a_rule_that_could_not_be_shown_is_refused(rule_id: str, doc: str, message: str, says: str) -> None:
    bad = type("Bad", (Finding,), {"__doc__": doc, "message": message})
    with pytest.raises(ValueError, match=says):
        rule(rule_id, Severity.ERROR, Rfc(1), since="1.0")(bad)


def test_evidence_is_flattened_and_each_cite_stands_once() -> None:
    assert as_cites("a", (Cite("b", 2), "a")) == (Cite("a"), Cite("b", 2))
