"""Report URIs (RFC 9989 section 4.6, RFC 8460 section 3)."""

import pytest
from hypothesis import given, settings, strategies as st

from diag.records.report_uri import UriProblem, parse_report_uris

U = UriProblem


@pytest.mark.parametrize(
    ("text", "scheme", "mailbox", "host", "suffix"),
    [
        ("mailto:dmarc@Example.com", "mailto", "dmarc@Example.com", "example.com", ""),
        ("MAILTO:a@b.example", "mailto", "a@b.example", "b.example", ""),
        ("mailto:a%2Cb%21@b.example?subject=x", "mailto", "a,b!@b.example", "b.example", ""),
        ("mailto:a@b.example!10m", "mailto", "a@b.example", "b.example", "!10m"),
        ("mailto:a@b.example!50", "mailto", "a@b.example", "b.example", "!50"),
        ("https://r.example:8443/x?y", "https", "", "r.example", ""),
        ("http://u@r.example", "http", "", "r.example", ""),
    ],
)
def test_good_entries(text: str, scheme: str, mailbox: str, host: str, suffix: str) -> None:
    (uri,) = parse_report_uris(text, 5, sizes=True)
    assert uri.is_usable
    assert (uri.scheme, uri.mailbox, uri.host, uri.size_suffix, uri.position) == (
        scheme,
        mailbox,
        host,
        suffix,
        5,
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", U.EMPTY),
        ("a@b.example", U.NO_SCHEME),
        ("//r.example/", U.NO_SCHEME),
        ("mailto:", U.NO_MAILBOX),
        ("mailto:@b.example", U.NO_MAILBOX),
        ("mailto:a.example", U.NO_MAILBOX),
        ("mailto:a@", U.BAD_HOST),
        ("mailto:a@b..example", U.BAD_HOST),
        ("mailto:a@-!x", U.BAD_CHARACTER),
        ("mailto:a!b@c.example", U.BAD_CHARACTER),
        ("mailto:a@b.example!10x", U.BAD_CHARACTER),
        ("mailto: a@b.example", U.BAD_CHARACTER),
        ("mailto:ä@b.example", U.BAD_CHARACTER),
        ("https:r.example", U.BAD_HOST),
        ("https:///x", U.BAD_HOST),
    ],
)
def test_bad_entries(text: str, problem: UriProblem) -> None:
    (uri,) = parse_report_uris(text, 0, sizes=True)
    assert uri.problem is problem
    assert not uri.is_usable


def test_sizes_are_not_for_everyone() -> None:
    (uri,) = parse_report_uris("mailto:a@b.example!10m", 0, sizes=False)
    assert uri.problem is U.BAD_CHARACTER


def test_lists_keep_positions_and_empty_entries() -> None:
    uris = parse_report_uris("mailto:a@b.example , mailto:c@d.example,", 10, sizes=True)
    assert [(uri.text, uri.position) for uri in uris] == [
        ("mailto:a@b.example", 10),
        ("mailto:c@d.example", 31),
        ("", 50),
    ]


@settings(max_examples=100)
@given(st.text() | st.text("mailto:@,!10k. %"), st.booleans())
def test_nothing_raises(text: str, sizes: bool) -> None:
    for uri in parse_report_uris(text, 0, sizes=sizes):
        assert text.startswith(uri.text, uri.position)
