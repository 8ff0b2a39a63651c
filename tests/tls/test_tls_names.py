"""Names in certificates against names meant to be reached."""

import pytest

from diag.tls.names import address_matches, matches, misused_wildcard, nearly_matches


@pytest.mark.parametrize(
    ("pattern", "reference", "wanted"),
    [
        ("mx.example.org", "mx.example.org", True),
        ("MX.Example.ORG", "mx.example.org.", True),
        ("mx.example.org", "example.org", False),
        ("*.example.org", "mx.example.org", True),
        ("*.example.org", "a.mx.example.org", False),
        ("*.example.org", "example.org", False),
        ("*.example.org", ".example.org", False),
        ("*.example.org", "xn--mx-8ka.example.org", True),
        ("*.xn--bcher-kva.example", "mx.xn--bcher-kva.example", True),
        ("m*.example.org", "mx.example.org", False),
        ("*x.example.org", "mx.example.org", False),
        ("xn--*.example.org", "xn--mx.example.org", False),
        ("mx.*.org", "mx.example.org", False),
        ("*.*.org", "mx.example.org", False),
        ("*.org", "example.org", False),
        ("*", "org", False),
        ("mx.example.org.", "mx.example.org", False),
        ("bücher.example", "xn--bcher-kva.example", False),
        ("192.0.2.1", "192.0.2.1", False),
        ("", "", False),
    ],
)
def test_host_names(pattern: str, reference: str, wanted: bool) -> None:
    assert matches(pattern, reference) is wanted


@pytest.mark.parametrize(
    ("given", "reference", "wanted"),
    [
        ("192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("2001:db8::1", "2001:DB8:0:0::1", True),
        ("2001:db8::1", "[2001:db8::1]", True),
        ("192.0.2.1", "mx.example.org", False),
    ],
)
def test_addresses(given: str, reference: str, wanted: bool) -> None:
    assert address_matches(given, reference) is wanted


@pytest.mark.parametrize(
    ("pattern", "misused"),
    [
        ("*.example.org", False),
        ("mx.example.org", False),
        ("*.org", True),
        ("*", True),
        ("m*.example.org", True),
    ],
)
def test_wildcards_in_the_wrong_place(pattern: str, misused: bool) -> None:
    assert misused_wildcard(pattern) is misused


@pytest.mark.parametrize(
    ("pattern", "reference", "nearly"),
    [
        ("mx*.example.org", "mx1.example.org", True),
        ("m*1.Example.org", "MX1.example.org.", True),
        ("*1*x*.example.org", "a1bx.example.org", True),
        ("mx.*.org", "mx.example.org", True),
        ("*.*.org", "a.b.org", True),
        ("*.org", "example.org", True),
        ("mx*.example.org", "imap.example.org", False),
        ("mx*x.example.org", "mx.example.org", False),
        ("a*b*b.example.org", "ab.example.org", False),
        ("*.org", "mx.example.org", False),
        ("a.*.org", "mx.example.org", False),
        ("*", "mx.example.org", False),
        ("*.*.*.*", "192.0.2.1", False),
    ],
)
def test_what_a_wildcard_was_to_cover(pattern: str, reference: str, nearly: bool) -> None:
    assert nearly_matches(pattern, reference) is nearly
