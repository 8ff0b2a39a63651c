"""SPF macros: expansion (RFC 7208 section 7)."""

from ipaddress import ip_address
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from diag.records.spf_macros import (
    BadMacro,
    MacroValues,
    Use,
    expand,
    expand_name,
    fit_name,
    parse_domain_spec,
    parse_macro_string,
)


def values(**changes: Any) -> MacroValues:
    usual: dict[str, Any] = {
        "sender": "strong-bad@email.example.com",
        "domain": "email.example.com",
        "ip": ip_address("192.0.2.3"),
        "helo": "mx.example.org",
        "receiver": "here.example",
        "moment": 1700000000,
    }
    return MacroValues(**{**usual, **changes})


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("%{s}", "strong-bad@email.example.com"),
        ("%{o}", "email.example.com"),
        ("%{d}", "email.example.com"),
        ("%{d4}", "email.example.com"),
        ("%{d2}", "example.com"),
        ("%{d1}", "com"),
        ("%{d999999999999999999999}", "email.example.com"),
        ("%{dr}", "com.example.email"),
        ("%{D2R}", "example.email"),
        ("%{l}", "strong-bad"),
        ("%{l-}", "strong.bad"),
        ("%{lr}", "strong-bad"),
        ("%{lr-}", "bad.strong"),
        ("%{l1r-}", "strong"),
        ("%{i}", "192.0.2.3"),
        ("%{ir}.%{v}", "3.2.0.192.in-addr"),
        ("%{c}", "192.0.2.3"),
        ("%{h}", "mx.example.org"),
        ("%{p}", "unknown"),
        ("%{r} at %{t}", "here.example at 1700000000"),
        ("%{S}", "strong-bad%40email.example.com"),
        ("a%%b%_c%-d", "a%b c%20d"),
        ("", ""),
    ],
)
def test_expansion(text: str, expanded: str) -> None:
    assert expand(parse_macro_string(text, Use.EXPLANATION), values()) == expanded


@pytest.mark.parametrize(
    ("changes", "text", "expanded"),
    [
        ({"sender": ""}, "%{s}", "postmaster@mx.example.org"),
        ({"sender": "@example.net"}, "%{l}@%{o}", "postmaster@example.net"),
        ({"sender": "example.net"}, "%{s}", "postmaster@example.net"),
        ({"sender": '"a@b"@example.net'}, "%{l}|%{o}", '"a@b"|example.net'),
        ({"sender": "foo-bar+zip+quux@e.example"}, "%{l2r+-}", "bar.foo"),
        ({"sender": "~jack&jill=up-a_b3.c@e.example"}, "%{L}", "~jack%26jill%3Dup-a_b3.c"),
        ({"ip": ip_address("::ffff:192.0.2.3")}, "%{i} %{v} %{c}", "192.0.2.3 in-addr 192.0.2.3"),
        ({"ip": ip_address("CAFE:BABE::1")}, "%{c} %{v}", "cafe:babe::1 ip6"),
        ({"ip": ip_address("CAFE:BABE::1")}, "%{ir}", "1." + "0." * 23 + "E.B.A.B.E.F.A.C"),
        ({"validated_name": "mx.example.com"}, "%{p}", "mx.example.com"),
        ({"sender": "\ud800@e.example"}, "%{L}", "%3F"),
    ],
)
def test_what_the_letters_stand_for(changes: dict[str, Any], text: str, expanded: str) -> None:
    assert expand(parse_macro_string(text, Use.EXPLANATION), values(**changes)) == expanded


@pytest.mark.parametrize(
    "text", ["a b.example", "%{c}.example", "%{r}", "%{t}", "%{x}", "%{d", "%", "%a", "é.example"]
)
def test_what_a_domain_may_not_hold(text: str) -> None:
    with pytest.raises(BadMacro):
        parse_domain_spec(text)


def test_spaces_stand_only_in_explanations() -> None:
    with pytest.raises(BadMacro) as caught:
        parse_macro_string("two words", Use.MODIFIER)
    assert caught.value.offset == 3
    assert parse_macro_string("two words", Use.EXPLANATION).parts == ("two words",)


def test_names_are_cut_from_the_left() -> None:
    spec = parse_domain_spec("foobar.%{o}.%{o}.%{o}.%{o}.%{o}.%{o}.%{o}.%{o}.example.com.")
    name = expand_name(spec, values(sender="a@somewhat.long.exp.example.com"))
    assert name == ".".join(["somewhat.long.exp.example.com"] * 8 + ["example.com"])


@pytest.mark.parametrize(
    ("name", "fitted"),
    [
        ("a." * 126 + "b", "a." * 126 + "b"),
        ("a." * 126 + "bc", "a." * 125 + "bc"),
        ("bc." + "a." * 126 + "b", "a." * 126 + "b"),
        ("x" * 254, "x" * 254),
        ("y." + "x" * 254, "x" * 254),
        ("example.com.", "example.com"),
        ("", ""),
    ],
)
def test_fitting(name: str, fitted: str) -> None:
    assert fit_name(name) == fitted


def test_a_static_spec_knows_its_name() -> None:
    assert parse_domain_spec("_SPF.p%%.example.").name == "_spf.p%.example"
    assert parse_domain_spec("%{d}.example").name is None


@settings(max_examples=100)
@given(st.text("%{}sldirchptvo0123.-+,/_= ab"), st.sampled_from(Use), st.text(), st.ip_addresses())
def test_what_parses_expands(text: str, use: Use, sender: str, ip: Any) -> None:
    try:
        macros = parse_macro_string(text, use)
    except BadMacro as bad:
        offset = bad.offset
    else:
        offset = -1
    if offset >= 0:
        assert offset < len(text)
        return
    assert "".join(part if isinstance(part, str) else part.text for part in macros.parts) == text
    assert len(expand_name(macros, values(sender=sender, ip=ip)).rpartition(".")[0]) <= 253
