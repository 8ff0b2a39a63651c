"""What is said of logos and records of BIMI."""

from __future__ import annotations

import pytest

from checks.bimi import bimi_logo_is_svg_tiny_ps, bimi_record_names_a_kind_of_avatar
from diag.facts.bimi import BimiFound, BimiLogo, Fetched
from diag.records.bimi import BimiRecord
from diag.records.svg import SvgDefect, SvgImage, SvgProblem

URL = "https://d.example/logo.svg"


def found(text: str) -> BimiFound:
    name = "default._bimi.d.example"
    return BimiFound("d.example", "d.example", name, name, (BimiRecord.parse(text),), (), ())


@pytest.mark.parametrize(
    ("problems", "may"),
    [
        ((), ""),
        ((SvgProblem.NOT_SQUARE,), "may not be shown"),
        ((SvgProblem.DOCTYPE, SvgProblem.TOO_LARGE), "may not be shown"),
        ((SvgProblem.NOT_SQUARE, SvgProblem.SCRIPT), "will not be shown"),
        ((SvgProblem.EFFECT,), "will not be shown"),
    ],
)
def test_a_logo_that_some_show_is_told_so(problems: tuple[SvgProblem, ...], may: str) -> None:
    image = SvgImage(b"", "", tuple(SvgDefect(problem, 0, "x") for problem in problems))
    logo = BimiLogo(Fetched(URL, URL, None, "", False, "", False, ()), image)
    said = [each.text() for each in bimi_logo_is_svg_tiny_ps.function(found("v=BIMI1"), logo)]
    assert len(said) == bool(problems)
    assert all(may in text for text in said)


def test_a_kind_of_avatar_that_does_not_exist_is_left_out() -> None:
    record = f"v=BIMI1; l={URL}; a=; avp=logo"
    (finding,) = bimi_record_names_a_kind_of_avatar.function(found(record))
    assert [str(fix) for fix in finding.fix] == [
        f'default._bimi.d.example. 3600 IN TXT "v=BIMI1; l={URL}; a="'
    ]
    assert not list(bimi_record_names_a_kind_of_avatar.function(found(f"v=BIMI1; l={URL}; avp=Brand")))
