"""Logos by the SVG Tiny PS profile: what is refused, and that nothing a stranger sends does harm."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from diag.records.svg import MOST_INFLATED, MOST_OCTETS, SvgImage, SvgProblem, inflated

P = SvgProblem
ROOT = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
GOOD = 'version="1.2" baseProfile="tiny-ps" viewBox="0 0 64 64"'
TITLE = "<title>Lantern</title>"
CIRCLE = '<circle cx="32" cy="32" r="30" fill="url(#dawn)"/>'


def svg(attributes: str = GOOD, body: str = TITLE + CIRCLE, before: str = "") -> bytes:
    return f"{before}<svg {ROOT} {attributes}>{body}</svg>".encode()


def problems(octets: bytes) -> list[SvgProblem]:
    return [defect.problem for defect in SvgImage.parse(octets).defects]


@pytest.mark.parametrize(
    "octets",
    [
        svg(),
        svg(before='<?xml version="1.0" encoding="UTF-8"?>\n<!-- a logo -->\n'),
        svg(GOOD.replace("0 0 64 64", "0,0,64.0,64")),
        svg('version="1.2" baseProfile="tiny-ps" width="64px" height="64"'),
        svg(body=TITLE + '<use xlink:href="#lamp"/><g style="fill:red"/>'),
        svg(body="<g><title>Inside</title></g>" + TITLE),
        gzip.compress(svg()),
        svg()
        .replace(b"<circle", b"<s:circle")
        .replace(b"xmlns=", b'xmlns:s="http://www.w3.org/2000/svg" xmlns='),
    ],
)
def test_good_logos(octets: bytes) -> None:
    image = SvgImage.parse(octets)
    assert image.defects == ()
    assert image.title == "Lantern"


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        (b"", [P.NOT_SVG]),
        (b"GIF89a", [P.NOT_SVG]),
        (b"<html/>", [P.NOT_SVG]),
        (b"<svg/>", [P.NOT_SVG]),  # outside the namespace it is only called so
        (svg()[:-4], [P.NOT_SVG]),
        (svg().replace(b"<svg", b'<?xml version="1.0" encoding="klingon"?><svg'), [P.NOT_SVG]),
        (svg(GOOD.replace("1.2", "1.1")), [P.VERSION]),
        (svg(GOOD.replace("tiny-ps", "tiny")), [P.PROFILE]),
        (svg('viewBox="0 0 1 1"'), [P.VERSION, P.PROFILE]),
        (svg(GOOD + ' x="0"'), [P.POSITIONED]),
        (svg(GOOD + ' y="1"'), [P.POSITIONED]),
        (svg(GOOD.replace("64 64", "64 32")), [P.NOT_SQUARE]),
        (svg('version="1.2" baseProfile="tiny-ps" width="64" height="32"'), [P.NOT_SQUARE]),
        (svg(body=CIRCLE), [P.TITLE_MISSING]),
        (svg(body="<title> </title>"), [P.TITLE_MISSING]),
        (svg(body=f"<g>{TITLE}</g>"), [P.TITLE_MISSING]),
        (svg(body=TITLE + "<g><g><script>alert(1)</script></g></g>"), [P.SCRIPT]),
        (svg(body=TITLE + '<rect onclick="alert(1)"/>'), [P.SCRIPT]),
        (svg(body=TITLE + "<rect><animateMotion/></rect>"), [P.ANIMATION]),
        (svg(body=TITLE + '<set attributeName="x"/>'), [P.ANIMATION]),
        (svg(body=TITLE + '<image xlink:href="data:image/png;base64,AA=="/>'), [P.RASTER, P.EXTERNAL]),
        (svg(body=TITLE + "<foreignObject/>"), [P.RASTER]),
        (svg(body=TITLE + '<filter id="a"><feGaussianBlur/></filter>'), [P.EFFECT]),
        (svg(body=TITLE + '<use xlink:href="https://cdn.example/logo.svg#a"/>'), [P.EXTERNAL]),
        (svg(body=TITLE + '<rect fill="url( https://cdn.example/a )"/>'), [P.EXTERNAL]),
        (svg(before='<?xml-stylesheet href="https://cdn.example/a.css"?>'), [P.EXTERNAL]),
        (svg(before='<!DOCTYPE svg SYSTEM "https://cdn.example/svg.dtd">'), [P.DOCTYPE]),
        (svg(body="<g>" * 200 + "</g>" * 200), [P.TOO_DEEP]),
        (b"\x1f\x8b nothing", [P.NOT_INFLATABLE]),
        (gzip.compress(svg())[:-12], [P.NOT_INFLATABLE]),
    ],
)  # fmt: skip
def test_problems(octets: bytes, expected: list[SvgProblem]) -> None:
    assert problems(octets) == expected


def test_entities_are_not_expanded() -> None:
    bomb = '<!DOCTYPE svg [<!ENTITY a "ha"><!ENTITY b "&a;&a;"><!ENTITY c SYSTEM "file:///etc/passwd">]>'
    image = SvgImage.parse(svg(body="<title>&b;&c;</title>", before=bomb))
    assert [defect.problem for defect in image.defects] == [P.DOCTYPE]
    assert image.title == ""


def test_size_is_that_after_inflating() -> None:
    padding = " " * (MOST_OCTETS - len(svg()))
    assert problems(svg(body=TITLE + CIRCLE + padding)) == []
    assert problems(svg(body=TITLE + CIRCLE + padding + " ")) == [P.TOO_LARGE]
    assert problems(gzip.compress(svg(body=TITLE + CIRCLE + padding + " "))) == [P.TOO_LARGE]


def test_a_bomb_is_inflated_only_so_far() -> None:
    bomb = gzip.compress(b"<" + b" " * (50 << 20))
    plain = inflated(bomb)
    assert plain is not None
    assert len(plain) == MOST_INFLATED + 1
    assert problems(bomb) == [P.TOO_LARGE]


def test_defects_do_not_grow_without_end() -> None:
    assert len(SvgImage.parse(svg(body=TITLE + "<script/>" * 1000)).defects) == 20


def cases() -> list[Any]:
    data = Path(os.environ.get("MAILDIAG_DATA", Path(__file__).parents[3] / "shared" / "data"))
    suite = data / "bimi-mailauth" / "validate-svg.json"
    return json.loads(suite.read_text()) if suite.exists() else []


CASES = cases()


@pytest.mark.skipif(not CASES, reason="the cases of mailauth are not there (MAILDIAG_DATA)")
def test_the_cases_of_mailauth() -> None:
    for case in CASES:
        for call in case["calls"]:
            # mailauth does not look at the version that the profile demands.
            refused = bool(set(problems(call["args"][0].encode())) - {P.VERSION})
            expected = any(each["op"] == "must-reject" for each in case["expect"])
            if any(each["op"] in ("must-reject", "true") for each in case["expect"]):
                assert refused == expected, case["name"]


@settings(max_examples=100)
@given(
    st.binary()
    | st.text('<svg/>"=! ?xmlns&;').map(lambda body: svg(body=body))
    | st.binary().map(gzip.compress)
)
def test_nothing_raises(octets: bytes) -> None:
    image = SvgImage.parse(octets)
    assert len(image.defects) <= 21
    assert len(image.octets) <= MOST_INFLATED
