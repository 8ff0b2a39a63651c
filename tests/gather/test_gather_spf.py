"""The survey of an SPF tree: how much is asked of the largest there are, and what is said of the rest."""

from __future__ import annotations

import pytest
from zoned_lab import ZonedLab, gathered

from checks.spf_limits import spf_stays_within_ten_lookups
from diag.facts.spf import LOOKUP_LIMIT, MX_LIMIT, Outcome, SpfEvaluation
from diag.gather.spf import MOST_ASKED, MOST_EXCHANGES, MOST_RECORDS, Survey
from diag.gather.spf_tree import MOST_LOOKUPS, Tree
from diag.model.finding import Finding

SOA = ". SOA a.example. h.example. 1 7200 3600 1209600 300\n"


def txt(owner: str, terms: list[str]) -> str:
    text = f"v=spf1 {' '.join(terms)} -all"
    strings = " ".join(f'"{text[at : at + 255]}"' for at in range(0, len(text), 255))
    return f"{owner}. TXT {strings}\n"


def fan(records: int, terms: int, kind: str = "mx", hosts: int = 10) -> str:
    """So many includes with so many terms each, of which every `mx` has so many hosts."""
    names = [f"s{at}.d.example" for at in range(records)]
    text = SOA + txt("d.example", [f"include:{name}" for name in names])
    for name in names:
        below = [f"m{at}.{name}" for at in range(terms)]
        text += txt(name, [f"{kind}:{each}" for each in below])
        if kind == "mx":
            text += "".join(f"{each}. MX 10 h{at}.{each}.\n" for each in below for at in range(hosts))
    return text


def surveyed(zone: str) -> tuple[SpfEvaluation, ZonedLab]:
    lab = ZonedLab(zone)
    answers = gathered(lab, lambda once: Survey(once).everything("d.example"))
    return SpfEvaluation("d.example", Tree(answers).node("d.example"), ()), lab


@pytest.mark.parametrize(
    ("zone", "most"),
    [
        (fan(20, 10), 1 + MOST_LOOKUPS + 2 * MX_LIMIT * MOST_EXCHANGES),
        (fan(1, 250), 2 + MOST_LOOKUPS + 2 * MX_LIMIT * MOST_EXCHANGES),
        (fan(20, 10, hosts=0), 21 + 2 * (MOST_LOOKUPS - 20)),
        (fan(20, 10, "a"), 21 + 2 * (MOST_LOOKUPS - 20)),
        (fan(20, 10, "include"), MOST_RECORDS * 2),
        (fan(250, 1), MOST_RECORDS * 2),
    ],
    ids=[
        "mx-over-includes",
        "mx-in-one",
        "mx-of-nobody",
        "a-over-includes",
        "includes-over-includes",
        "includes",
    ],
)
def test_the_largest_trees_cost_a_bounded_number_of_questions(zone: str, most: int) -> None:
    spf, lab = surveyed(zone)
    assert spf.lookups > LOOKUP_LIMIT
    assert len(lab.asked) <= most <= MOST_ASKED


def test_hosts_of_mx_terms_that_no_receiver_comes_to_are_left_open() -> None:
    spf, _ = surveyed(
        fan(4, 5, hosts=2)
        + "".join(f"h0.m{a}.s{b}.d.example. A 192.0.2.1\n" for a in range(5) for b in range(4))
    )
    steps = [step for _, step in spf.walk() if step.term.text.startswith("mx")]
    assert [bool(step.networks) for step in steps] == [True] * 10 + [False] * 10
    assert [bool(step.partly) for step in steps] == [False] * 10 + [True] * 10
    assert {step.outcome for step in steps} == {Outcome.FOUND}
    assert spf.lookups == 24
    assert spf.passes("192.0.2.1") is True
    assert spf.passes("192.0.2.2") is None


@pytest.mark.parametrize(
    ("zone", "said"),
    [
        (fan(4, 5), "takes 24 DNS"),
        (fan(20, 10), "takes more than 210 DNS"),
        (fan(70, 0), "takes more than 70 DNS"),
    ],
)
def test_a_tree_that_is_not_followed_to_its_end_takes_more_than_was_counted(zone: str, said: str) -> None:
    spf, _ = surveyed(zone)
    (finding,) = spf_stays_within_ten_lookups.function(spf)
    assert isinstance(finding, Finding)
    assert said in finding.text()
