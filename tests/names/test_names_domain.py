"""Domain names: one form for comparing, clear words for what is no name."""

import itertools

import pytest
from hypothesis import given, settings, strategies as st

from diag.names.domain import (
    BadDomain,
    domain,
    is_below,
    is_hostname,
    labels,
    looks_like_address,
    normal,
    parents,
    to_unicode,
)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("example.com", "example.com"),
        (" Example.COM. ", "example.com"),
        ("_dmarc.Example.com", "_dmarc.example.com"),
        ("_25._tcp.mx.example", "_25._tcp.mx.example"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("Bücher.example", "xn--bcher-kva.example"),
        ("bu\u0308cher.example", "xn--bcher-kva.example"),
        ("straße.example", "xn--strae-oqa.example"),
        ("bücher\u3002example", "xn--bcher-kva.example"),
        ("ＥＸＡＭＰＬＥ．com", "example.com"),
        ("com", "com"),
        ("1.2.example", "1.2.example"),
        (f"{'a' * 63}.example", f"{'a' * 63}.example"),
        (".".join(["a" * 49] * 5) + ".xyz", ".".join(["a" * 49] * 5) + ".xyz"),
    ],
)
def test_names(text: str, name: str) -> None:
    assert domain(text) == name
    assert domain(name) == name


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no domain name was given"),
        ("  ", "no domain name was given"),
        (".", "root"),
        ("a..example", "empty label"),
        (".example", "empty label"),
        ("example..", "empty label"),
        ("user@Example.com", "give the part after the @: example.com"),
        ("user@", "e-mail address; give the part after the @"),
        ("https://www.example.com:8443/path?x#y", "URL; give the domain name alone: www.example.com"),
        ("https://user:pw@example.com/", "alone: example.com"),
        ("example.com/path", "slash; give the domain name alone: example.com"),
        ("example.com:25", "port; give the domain name alone: example.com"),
        ("two words.example", "white space"),
        ("192.0.2.1", "IP address"),
        ("[192.0.2.1]", "IP address"),
        ("2001:db8::1", "IP address"),
        ("*.example.com", "'*'"),
        ("a,b.example", "'a,b'"),
        (f"{'a' * 64}.example", "64 octets; at most 63"),
        (f"{'ü' * 63}.example", "IDNA"),
        (".".join(["a" * 50] * 5), "254 octets"),
        ("a." * 5000, "too long"),
        ("\N{SNOWMAN}.example", "IDNA"),
        ("ab\u202ecd.example", "character"),
    ],
)
def test_what_is_no_name(text: str, said: str) -> None:
    with pytest.raises(BadDomain) as caught:
        domain(text)
    message = str(caught.value)
    assert said in message
    assert message.isprintable()
    assert len(message) < 250


@settings(max_examples=100)
@given(st.text() | st.text("a.-_@:/[]\\üß\u3002 ") | st.lists(st.text("aZ0-_ü", min_size=1)).map(".".join))
def test_only_bad_domain_is_raised_and_the_result_is_stable(text: str) -> None:
    for ask in (normal, to_unicode, labels, parents, is_hostname, looks_like_address):
        ask(text)
    try:
        name = domain(text)
    except BadDomain as bad:
        message = str(bad)
    else:
        message = ""
    assert message.isprintable()
    if message:
        return
    assert name.isascii()
    assert domain(name) == name
    assert len(name) <= 253


def test_labels_and_parents() -> None:
    assert labels("a.b.example.") == ("a", "b", "example")
    assert labels(".") == ()
    assert labels(r"first\.last.example") == (r"first\.last", "example")
    assert parents("A.b.Example.") == ("b.example", "example")
    assert parents("example") == ()


@pytest.mark.parametrize(
    ("name", "ancestor", "below"),
    [
        ("a.example", "example", True),
        ("a.example.", "EXAMPLE", True),
        ("example", "example", False),
        ("badexample.com", "example.com", False),
        ("com", "example.com", False),
        ("example", ".", True),
        (".", ".", False),
        (".example", "example", False),
        ("a..example", "example", True),
        ("x.a.example", "a..example", True),
        ("x.example", "example..", True),
        (r"a\.example", "example", False),
        (r"a\\.example", "example", True),
        (r"x.a\.example", r"A\.EXAMPLE", True),
        ("x.ä", "Ä", False),
    ],
)
def test_below(name: str, ancestor: str, below: bool) -> None:
    assert is_below(name, ancestor) is below


PIECES = (".", "..", "a", "A", "b", "\\", "\\.", "\\\\", "-", "_", "1", "Ä", "ä", "\n")
NAMES = st.lists(st.sampled_from(PIECES), max_size=8).map("".join)


@given(NAMES, NAMES, NAMES)
@settings(max_examples=100, deadline=None)
def test_below_is_what_the_labels_say(name: str, ancestor: str, more: str) -> None:
    """Whichever way it is found out, and whatever a server or a file writes for a name."""
    for below in (name, f"{more}.{ancestor}", f"{more}{ancestor}", ancestor):
        own, above = labels(normal(below)), labels(normal(ancestor))
        assert is_below(below, ancestor) is (len(own) > len(above) and own[len(own) - len(above) :] == above)


@given(NAMES)
@settings(max_examples=100, deadline=None)
def test_a_name_is_below_each_of_its_parents_and_none_is_below_itself(name: str) -> None:
    assert not is_below(name, name)
    above = parents(name)
    assert len(above) == max(len(labels(normal(name))) - 1, 0)
    for nearer, farther in itertools.pairwise((name, *above)):
        assert is_below(nearer, farther)
        assert labels(normal(nearer))[1:] == labels(farther)


@pytest.mark.parametrize(
    ("name", "bare"),
    [
        (".", ""),
        ("", ""),
        ("A.Example.", "a.example"),
        (r"first\.last.example.", r"first\.last.example"),
        (r"a\.", r"a\."),
        (r"a\\.", r"a\\"),
        (r"a\\\.", r"a\\\."),
    ],
)
def test_a_name_has_one_form(name: str, bare: str) -> None:
    assert normal(name) == bare
    assert normal(bare) == bare


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("xn--bcher-kva.example", "bücher.example"),
        ("XN--BCHER-KVA.example", "bücher.example"),
        ("xn--zzzzzzzz-.example", "xn--zzzzzzzz-.example"),
        ("xn--\N{SNOWMAN}.example", "xn--\N{SNOWMAN}.example"),
        ("plain.example", "plain.example"),
    ],
)
def test_u_labels(name: str, shown: str) -> None:
    assert to_unicode(name) == shown


@pytest.mark.parametrize(
    "name", ["mx.example", "10.mx.example", "xn--bcher-kva.example.", "a-b.c", "localhost"]
)
def test_host_names(name: str) -> None:
    assert is_hostname(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "a_b.example",
        "-a.example",
        "a-.example",
        "a b.example",
        "bücher.example",
        "a..b",
        "192.0.2.1",
        "a.1",
        "a" * 64 + ".example",
        "a." * 127 + "com",
        "\u212aelvin.example",
        "a\n.example",
    ],
)
def test_no_host_names(name: str) -> None:
    assert not is_hostname(name)


@pytest.mark.parametrize(
    "name", ["192.0.2.1", "300.1.1.1.", "::1", "2001:db8::1", "[192.0.2.1]", "[IPv6:::1]"]
)
def test_address_lookalikes(name: str) -> None:
    assert looks_like_address(name)


@pytest.mark.parametrize("name", ["10.mx.example", "1.2.3", "1.2.3.4.5", "mx.example:25", "", "a"])
def test_no_address_lookalikes(name: str) -> None:
    assert not looks_like_address(name)
