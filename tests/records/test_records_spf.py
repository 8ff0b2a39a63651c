"""SPF records: version selection, grammar, positions and edits (RFC 7208)."""

from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings, strategies as st

from diag.records.spf import (
    MOST_SUGGESTIONS,
    Mechanism,
    Modifier,
    SpfError,
    SpfProblem,
    SpfRecord,
    is_spf,
    looks_like_spf,
)


@pytest.mark.parametrize("text", ["v=spf1", "v=spf1 ", "v=spf1 -all", "V=sPf1 +all", "v=spf1  a"])
def test_version_is_selected(text: str) -> None:
    assert is_spf(text)
    assert not looks_like_spf(text)


@pytest.mark.parametrize(
    "text",
    [
        "v=spf1;",
        "v=spf1mx",
        "v=spf 1 a",
        "spf1 a -all",
        " v=spf1 -all",
        '"v=spf1 -all"',
        "\ufeffv=spf1 -all",
        "v=spf1\ta",
        "v = spf1 -all",
        "V:SPF1 a",
        "v=spf1,a",
        "“v=spf1 a",
    ],
)
def test_near_records_are_not_selected_but_recognised(text: str) -> None:
    assert not is_spf(text)
    assert looks_like_spf(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "v=spf10",
        "v=spf10 a",
        "spf2.0/pra -all",
        "v=DMARC1; p=none",
        "google-site-verification=spf1",
        "v=spf3",
    ],
)
def test_other_records_are_neither(text: str) -> None:
    assert not is_spf(text)
    assert not looks_like_spf(text)


GOOD = {
    "a": ("+", "a", None, None, 32, 128),
    "-all": ("-", "all", None, None, 32, 128),
    "?ALL": ("?", "all", None, None, 32, 128),
    "~Include:_spf.p.example": ("~", "include", "_spf.p.example", None, 32, 128),
    "a/24": ("+", "a", None, None, 24, 128),
    "a//64": ("+", "a", None, None, 32, 64),
    "mx/24//64": ("+", "mx", None, None, 24, 64),
    "a:foo.example.com/24": ("+", "a", "foo.example.com", None, 24, 128),
    "a:h.example//0": ("+", "a", "h.example", None, 32, 0),
    "a:foo:bar/baz.example.com": ("+", "a", "foo:bar/baz.example.com", None, 32, 128),
    "a:foo/24.example.com": ("+", "a", "foo/24.example.com", None, 32, 128),
    "a:mail.example...com": ("+", "a", "mail.example...com", None, 32, 128),
    "a:foo.example.xn--zckzah": ("+", "a", "foo.example.xn--zckzah", None, 32, 128),
    "a:h.1a": ("+", "a", "h.1a", None, 32, 128),
    "a:h.1-1": ("+", "a", "h.1-1", None, 32, 128),
    "ptr": ("+", "ptr", None, None, 32, 128),
    "ptr:example.com.": ("+", "ptr", "example.com.", None, 32, 128),
    "exists:%{ir}.%{l1r+-}._spf.%{d}": ("+", "exists", "%{ir}.%{l1r+-}._spf.%{d}", None, 32, 128),
    "a:%{d}/24": ("+", "a", "%{d}", None, 24, 128),
    "a:a%%b%_c%-.example.com": ("+", "a", "a%%b%_c%-.example.com", None, 32, 128),
    "ip4:192.0.2.9/24": ("+", "ip4", None, "192.0.2.0/24", 32, 128),
    "IP4:192.0.2.9": ("+", "ip4", None, "192.0.2.9/32", 32, 128),
    "ip4:1.1.1.1/0": ("+", "ip4", None, "0.0.0.0/0", 32, 128),
    "ip6:::1.1.1.1/0": ("+", "ip6", None, "::/0", 32, 128),
    "ip6:Cafe:Babe:8000::/33": ("+", "ip6", None, "cafe:babe:8000::/33", 32, 128),
    "-ip6:2001:db8::1": ("-", "ip6", None, "2001:db8::1/128", 32, 128),
}


@pytest.mark.parametrize(("text", "expected"), GOOD.items(), ids=list(GOOD))
def test_directive(text: str, expected: tuple[object, ...]) -> None:
    record = SpfRecord.parse(f"v=spf1 {text}")
    assert record.errors == ()
    (term,) = record.mechanisms
    spec = term.domain_spec.text if term.domain_spec else None
    network = str(term.network) if term.network else None
    assert (term.qualifier, term.name, spec, network, term.cidr4, term.cidr6) == expected
    assert (term.position, term.text) == (7, text)


BAD = {
    "moo": (SpfProblem.UNKNOWN_MECHANISM, 0),
    "-all.": (SpfProblem.UNKNOWN_MECHANISM, 1),
    "ipv4:1.2.3.4": (SpfProblem.UNKNOWN_MECHANISM, 0),
    "=all": (SpfProblem.UNKNOWN_MECHANISM, 0),
    "1up=foo": (SpfProblem.UNKNOWN_MECHANISM, 0),
    "-": (SpfProblem.UNKNOWN_MECHANISM, 1),
    "--all": (SpfProblem.UNKNOWN_MECHANISM, 1),
    "redirect:t2.example.com": (SpfProblem.UNKNOWN_MECHANISM, 0),
    "moo.cow/far_out=man:dog/cat": (SpfProblem.UNKNOWN_MECHANISM, 0),
    "\u0430:example.com": (SpfProblem.UNKNOWN_MECHANISM, 0),
    "\x96all": (SpfProblem.UNKNOWN_MECHANISM, 0),
    "a,mx": (SpfProblem.UNKNOWN_MECHANISM, 0),
    "a\tmx": (SpfProblem.UNKNOWN_MECHANISM, 0),
    "+redirect=a.example": (SpfProblem.QUALIFIED_MODIFIER, 0),
    "-all:foobar": (SpfProblem.UNEXPECTED_ARGUMENT, 4),
    "all/8": (SpfProblem.UNEXPECTED_ARGUMENT, 3),
    "ptr/0": (SpfProblem.UNEXPECTED_ARGUMENT, 3),
    "include": (SpfProblem.MISSING_ARGUMENT, 7),
    "include:": (SpfProblem.MISSING_ARGUMENT, 8),
    "exists": (SpfProblem.MISSING_ARGUMENT, 6),
    "a:": (SpfProblem.MISSING_ARGUMENT, 2),
    "a:/24": (SpfProblem.MISSING_ARGUMENT, 2),
    "ptr:": (SpfProblem.MISSING_ARGUMENT, 4),
    "ip4": (SpfProblem.MISSING_ARGUMENT, 3),
    "ip6:": (SpfProblem.MISSING_ARGUMENT, 3),
    "exp=": (SpfProblem.MISSING_ARGUMENT, 4),
    "redirect=": (SpfProblem.MISSING_ARGUMENT, 9),
    "a/33": (SpfProblem.BAD_PREFIX_LENGTH, 1),
    "a//129": (SpfProblem.BAD_PREFIX_LENGTH, 1),
    "a/024": (SpfProblem.BAD_PREFIX_LENGTH, 1),
    "a/24/64": (SpfProblem.BAD_PREFIX_LENGTH, 4),
    "a/24/16": (SpfProblem.BAD_PREFIX_LENGTH, 1),
    "a/x": (SpfProblem.BAD_PREFIX_LENGTH, 1),
    "a/": (SpfProblem.BAD_PREFIX_LENGTH, 1),
    "ip4:1.2.3.4/33": (SpfProblem.BAD_PREFIX_LENGTH, 11),
    "ip4:1.2.3.4/032": (SpfProblem.BAD_PREFIX_LENGTH, 11),
    "ip4:1.2.3.4//32": (SpfProblem.BAD_PREFIX_LENGTH, 11),
    "ip4:1.2.3.4/": (SpfProblem.BAD_PREFIX_LENGTH, 11),
    "ip4:1.2.3.4/\u0663": (SpfProblem.BAD_PREFIX_LENGTH, 11),
    "ip6:::1/129": (SpfProblem.BAD_PREFIX_LENGTH, 7),
    "ip4:mail.example": (SpfProblem.BAD_ADDRESS, 4),
    "ip4:1.2.3.04": (SpfProblem.BAD_ADDRESS, 4),
    "ip4:1.2.3": (SpfProblem.BAD_ADDRESS, 4),
    "ip4:1.2.3.4:8080": (SpfProblem.BAD_ADDRESS, 4),
    "ip4:192.0.2.5\n": (SpfProblem.BAD_ADDRESS, 4),
    "ip4:2001:db8::1": (SpfProblem.BAD_ADDRESS, 4),
    "ip6:1.2.3.4": (SpfProblem.BAD_ADDRESS, 4),
    "ip6::CAFE::BABE": (SpfProblem.BAD_ADDRESS, 4),
    "ip6:fe80::1%eth0": (SpfProblem.BAD_ADDRESS, 4),
    "a:foo-bar": (SpfProblem.BAD_DOMAIN, 2),
    "a:museum": (SpfProblem.BAD_DOMAIN, 2),
    "a:museum.": (SpfProblem.BAD_DOMAIN, 2),
    "a:111.222.33.44": (SpfProblem.BAD_DOMAIN, 13),
    "a:abc.123": (SpfProblem.BAD_DOMAIN, 6),
    "a:example.-com": (SpfProblem.BAD_DOMAIN, 10),
    "a:example.com:8080": (SpfProblem.BAD_DOMAIN, 10),
    "a:example.com/24/16": (SpfProblem.BAD_DOMAIN, 10),
    "include:ip5.example.com/24": (SpfProblem.BAD_DOMAIN, 20),
    "exists:%{d}com": (SpfProblem.BAD_DOMAIN, 11),
    "exists:%{d}.": (SpfProblem.BAD_DOMAIN, 11),
    "exp=-all": (SpfProblem.BAD_DOMAIN, 4),
    "a:\u00efgarbage.example.net": (SpfProblem.BAD_DOMAIN, 2),
    "a:foo.example.com\x00": (SpfProblem.BAD_DOMAIN, 17),
    "a:ctrl.example.com\rptr": (SpfProblem.BAD_DOMAIN, 18),
    "exists:%(ir).sbl.example.com": (SpfProblem.BAD_MACRO, 7),
    "exists:foo%(ir).sbl.example.com": (SpfProblem.BAD_MACRO, 10),
    "exists:foo%.sbl.example.com": (SpfProblem.BAD_MACRO, 10),
    "exists:a.%{a}.example.com": (SpfProblem.BAD_MACRO, 9),
    "exists:a.%{d0}.example.com": (SpfProblem.BAD_MACRO, 9),
    "exists:a.%{d": (SpfProblem.BAD_MACRO, 9),
    "exp=%{ir}.%{c}.example.com": (SpfProblem.BAD_MACRO, 10),
    "foo=%abc": (SpfProblem.BAD_MACRO, 4),
    "foo=b\u00e4r": (SpfProblem.BAD_MACRO, 5),
}


@pytest.mark.parametrize(("text", "expected"), BAD.items(), ids=[ascii(text) for text in BAD])
def test_broken_term(text: str, expected: tuple[SpfProblem, int]) -> None:
    record = SpfRecord.parse(f"v=spf1 a {text} -all")
    (error,) = record.errors
    assert (error.kind, error.position - 9, error.text) == (*expected, text)
    assert error.reason
    assert "\n" not in error.reason
    assert record.terms[1] == error  # it keeps its place
    assert [term.name for term in record.mechanisms] == ["a", "all"]


def test_modifiers() -> None:
    record = SpfRecord.parse(
        "v=spf1 -all EXP=e.%{d2}.example ra=postmaster moo.cow-far_out=man:dog/cat include=p.example"
    )
    assert record.errors == ()
    assert [term.name for term in record.modifiers] == ["exp", "ra", "moo.cow-far_out", "include"]
    assert [(term.name, term.meant) for term in record.unknown_modifiers] == [
        ("moo.cow-far_out", None),
        ("include", "include"),
    ]
    assert record.exp is not None
    assert record.exp.macros.letters == {"d"}
    assert record.redirect is None


def test_unknown_modifiers_may_use_every_macro_letter() -> None:
    assert SpfRecord.parse("v=spf1 x=%{c}%{r}%{t} default=+ y=").errors == ()


@pytest.mark.parametrize("name", ["redirect", "exp"])
def test_a_modifier_twice_is_an_error_at_the_second(name: str) -> None:
    record = SpfRecord.parse(f"v=spf1 {name}=a.example -all {name}=b.example")
    assert [(error.kind, error.position) for error in record.errors] == [
        (SpfProblem.REPEATED_MODIFIER, 7 + len(f"{name}=a.example -all "))
    ]


def test_unknown_modifiers_may_repeat() -> None:
    assert SpfRecord.parse("v=spf1 x=1 x=2").errors == ()


def test_redirect_is_honoured_only_without_all() -> None:
    plain = SpfRecord.parse("v=spf1 redirect=r.example a")
    assert plain.honoured_redirect is not None
    assert plain.honoured_redirect.value == "r.example"
    beside = SpfRecord.parse("v=spf1 redirect=r.example ~all")
    assert beside.redirect is not None
    assert beside.honoured_redirect is None


def test_nothing_after_the_first_all_is_tested() -> None:
    record = SpfRecord.parse("v=spf1 include:p.example ~all include:q.example +all")
    assert [term.text for term in record.tested] == ["include:p.example", "~all"]
    assert [term.text for term in record.untested] == ["include:q.example", "+all"]
    assert record.all is not None
    assert record.all.qualifier == "~"


def test_duplicates_ignore_case_and_qualifier() -> None:
    record = SpfRecord.parse("v=spf1 include:P.example ?include:p.example a a:x.example")
    assert [term.text for term in record.duplicates] == ["?include:p.example"]


def test_positions_count_characters_of_the_record() -> None:
    record = SpfRecord.parse("v=spf1   a   moo  -all  ")
    assert [(term.position, term.text) for term in record.terms] == [(9, "a"), (13, "moo"), (18, "-all")]


def test_editing() -> None:
    record = SpfRecord.parse("v=spf1  a moo ptr ?all exp=e.example")
    assert record.render() == "v=spf1 a moo ptr ?all exp=e.example"
    assert record.without(*record.errors).render() == "v=spf1 a ptr ?all exp=e.example"
    assert record.with_terms("ip4:192.0.2.1").render() == "v=spf1 a moo ptr ip4:192.0.2.1 ?all exp=e.example"
    assert (
        SpfRecord.parse("v=spf1 a redirect=r.example").with_terms("mx").render()
        == "v=spf1 a mx redirect=r.example"
    )
    assert SpfRecord.parse("v=spf1").with_terms("mx", "-all").render() == "v=spf1 mx -all"


def test_lookup_costs() -> None:
    record = SpfRecord.parse("v=spf1 a mx ptr ip4:192.0.2.1 ip6:::1 exists:e.example include:i.example all")
    assert [term.name for term in record.mechanisms if term.costs_lookup] == [
        "a",
        "mx",
        "ptr",
        "exists",
        "include",
    ]


def test_addresses_keep_their_host_bits() -> None:
    (term,) = SpfRecord.parse("v=spf1 ip4:192.0.2.9/24").mechanisms
    assert (term.address, term.network) == (ip_address("192.0.2.9"), ip_network("192.0.2.0/24"))


TERMS = st.sampled_from(
    [*GOOD, *BAD, "exp=a.example", "x=y", "/", ":", "%", "%{", "a:%{d}//", " ", "a/0//0/0"]
)


@settings(max_examples=100)
@given(
    st.one_of(st.text(), st.lists(TERMS).map(" ".join), st.text("aipv4:/.%{}=-+ 0123").map("v=spf1 ".__add__))
)
def test_nothing_raises_and_rendering_settles(text: str) -> None:
    is_spf(text)
    looks_like_spf(text)
    record = SpfRecord.parse(text)
    for term in record.terms:
        assert text[term.position :].startswith(term.text) or isinstance(term, SpfError)
    for error in record.errors:
        assert 0 <= error.position <= len(text)
    again = SpfRecord.parse(record.render())
    assert [_bare(term) for term in again.terms] == [_bare(term) for term in record.terms]


def _bare(term: Mechanism | Modifier | SpfError) -> tuple[str, type]:
    return term.text, type(term)


@pytest.mark.parametrize(
    "unit",
    [
        "a ",
        "a:",
        "/",
        "//",
        "%",
        "%{d}",
        "a.",
        "ip4:1",
        "0",
        "exists:%{d1234567890r.-+,/_=}",
        "x=%{",
        "a=b ",
        "-",
    ],
)
def test_very_long_records(unit: str) -> None:
    text = "v=spf1 a:" + unit * (65536 // len(unit))
    record = SpfRecord.parse(text)
    assert record.terms
    looks_like_spf(text)


# What the published suite calls permerror for reasons other than the syntax of the record itself.
NOT_SYNTAX = {
    "multitxt1": "two records",
    "multitxt2": "two records",
    "multispf1": "two records",
    "include-permerror": "the fault is in the included record",
    "include-none": "the included name has no record",
    "redirect-none": "the target has no record",
    "redirect-loop": "a processing limit",
    "include-loop": "a processing limit",
    "mx-limit": "a processing limit",
    "mech-over-limit": "a processing limit",
    "include-over-limit": "a processing limit",
    "void-over-limit": "a processing limit",
    "invalid-domain-empty-label": "both results are allowed; the grammar allows the term",
    "invalid-domain-long": "both results are allowed; the grammar allows the term",
    "invalid-domain-long-via-macro": "both results are allowed; the grammar allows the term",
}


def test_the_published_suite_agrees_on_what_is_a_syntax_error(conformance: Path) -> None:
    suite = (conformance / "spf-rfc7208" / "rfc7208-tests.yml").read_text(encoding="utf-8")
    walked, excused = 0, set()
    for scenario in yaml.safe_load_all(suite):
        zone = {name.lower(): records for name, records in scenario["zonedata"].items()}
        for name, case in scenario["tests"].items():
            walked += 1
            domain = case["mailfrom"].rpartition("@")[2] or case["helo"]
            broken = [
                text for text in _published(zone.get(domain.lower(), [])) if SpfRecord.parse(text).errors
            ]
            results = case["result"] if isinstance(case["result"], list) else [case["result"]]
            if name in NOT_SYNTAX:
                excused.add(name)
                assert not broken, name
                assert "permerror" in results, name
            else:
                assert bool(broken) == ("permerror" in results), (name, broken)
    assert walked == 203
    assert excused == set(NOT_SYNTAX)


def _published(records: list[object]) -> list[str]:
    """The SPF records at a name as that file writes them: SPF stands for TXT unless there is a TXT."""
    rrsets: dict[str, list[str]] = {"SPF": [], "TXT": []}
    for entry in records:
        for rdtype, value in entry.items() if isinstance(entry, dict) else ():
            if rdtype in rrsets:
                rrsets[rdtype].append("".join(value) if isinstance(value, list) else value)
    texts = [] if "TIMEOUT" in records and not rrsets["TXT"] else rrsets["TXT"] or rrsets["SPF"]
    return [text for text in texts if is_spf(text)]


def test_of_very_many_unknown_terms_the_nearest_is_told_for_the_first_ones() -> None:
    record = SpfRecord.parse("v=spf1 " + "inclde:a.example " * 1000)
    told = ["is near" in error.reason for error in record.errors]
    assert told == [True] * MOST_SUGGESTIONS + [False] * (1000 - MOST_SUGGESTIONS)
