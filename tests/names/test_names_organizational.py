"""The DNS tree walk and the Organizational Domain (RFC 9989 section 4.10)."""

import pytest
from hypothesis import given, settings, strategies as st

from diag.names.organizational import MOST_QUERIES, ends_walk, organizational_domain, walk_names


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("example.com", ["example.com", "com"]),
        ("COM.", ["com"]),
        (".", []),
        ("a.mail.example.com", ["a.mail.example.com", "mail.example.com", "example.com", "com"]),
        ("7.6.5.4.3.2.1", ["7.6.5.4.3.2.1", "6.5.4.3.2.1", "5.4.3.2.1", "4.3.2.1", "3.2.1", "2.1", "1"]),
        (
            "8.7.6.5.4.3.2.1",
            ["8.7.6.5.4.3.2.1", "7.6.5.4.3.2.1", "6.5.4.3.2.1", "5.4.3.2.1", "4.3.2.1", "3.2.1", "2.1", "1"],
        ),
        (
            "a.b.c.d.e.8.7.6.5.4.3.2.1",
            [
                "a.b.c.d.e.8.7.6.5.4.3.2.1",
                "7.6.5.4.3.2.1",
                "6.5.4.3.2.1",
                "5.4.3.2.1",
                "4.3.2.1",
                "3.2.1",
                "2.1",
                "1",
            ],
        ),
    ],
)
def test_names_of_a_walk(name: str, asked: list[str]) -> None:
    assert list(walk_names(name)) == asked


@pytest.mark.parametrize(
    ("start", "steps", "expected"),
    [
        ("a.mail.example.com", {}, "a.mail.example.com"),
        ("a.mail.example.com", {"mail.example.com": "u", "example.com": "u"}, "example.com"),
        ("a.mail.example.com", {"mail.example.com": "n", "example.com": "u"}, "mail.example.com"),
        ("mail.example.com", {"mail.example.com": "n"}, "mail.example.com"),
        ("a.b.example.co.x", {"b.example.co.x": "u", "co.x": "y"}, "example.co.x"),
        ("a.b.example.co.x", {"example.co.x": "u", "co.x": "y", "x": "y"}, "example.co.x"),
        ("d.example", {"d.example": "y"}, "d.example"),
        ("sub.d.example", {"d.example": "y"}, "sub.d.example"),
        ("co.x", {"co.x": "y", "x": "u"}, "co.x"),
        ("Sub.D.Example.", {"D.example.": "Y"}, "sub.d.example"),
        ("a.example", {"a.example": "u", "example": None}, "a.example"),
        ("a.b.c.d.e.f.g.h.i", {"g.h.i": "y"}, "f.g.h.i"),
        ("a.b.c.d.e.f.g.h.i", {"c.d.e.f.g.h.i": "y"}, "b.c.d.e.f.g.h.i"),
    ],
)
def test_organizational_domain(start: str, steps: dict[str, str | None], expected: str) -> None:
    assert organizational_domain(start, list(steps.items())) == expected
    assert organizational_domain(start, list(reversed(steps.items()))) == expected


@pytest.mark.parametrize(
    ("psd", "ends"), [("n", True), ("y", True), ("Y", True), ("u", False), ("?", False), (None, False)]
)
def test_where_a_walk_ends(psd: str | None, ends: bool) -> None:
    assert ends_walk(psd) is ends


@settings(max_examples=100)
@given(st.text(), st.lists(st.tuples(st.text(), st.none() | st.sampled_from("ynuYN?"))))
def test_nothing_raises(start: str, steps: list[tuple[str, str | None]]) -> None:
    organizational_domain(start, steps)
    assert len(walk_names(start)) <= MOST_QUERIES
