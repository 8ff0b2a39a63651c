"""DMARC records: recognition, tags, what applies (RFC 9989 sections 4.7, 4.8, 4.10.1)."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from diag.names.organizational import walk_names
from diag.records.dmarc import (
    MOST_SUGGESTIONS,
    DmarcProblem,
    DmarcRecord,
    Kind,
    Policy,
    is_dmarc,
    looks_like_dmarc,
    nearest_tag,
)

P = DmarcProblem


@pytest.mark.parametrize(
    "text",
    [
        "v=DMARC1",
        "v=DMARC1;",
        "v=DMARC1; p=none",
        "v = DMARC1 ; p = reject",
        "v\t=\tDMARC1\t;",
        "v=DMARC1 ",
        "V=DMARC1;p=none",
    ],
)
def test_recognised(text: str) -> None:
    assert is_dmarc(text)
    assert not looks_like_dmarc(text)


@pytest.mark.parametrize(
    "text",
    [
        "v=dmarc1; p=none",
        "p=none; v=DMARC1",
        "v=DMARC1 p=none",
        " v=DMARC1; p=none",
        "v=DMARC1, p=none",
        "v=DMARC2; p=none",
        "v=DMARC; p=none",
        '"v=DMARC1; p=none"',
        "DMARC1; p=none",
        "p=reject; rua=mailto:a@example.com",
        "vDMARC1; p=none",
        "v=DMARC1\n",
    ],
)
def test_meant_but_not_recognised(text: str) -> None:
    assert not is_dmarc(text)
    assert looks_like_dmarc(text)


@pytest.mark.parametrize(
    "text", ["", "v=spf1 -all", "v=DKIM1; p=AAAA", "we do dmarc reports here", "v=STSv1; id=1"]
)
def test_other_records(text: str) -> None:
    assert not is_dmarc(text)
    assert not looks_like_dmarc(text)


@pytest.mark.parametrize(
    "text",
    [
        "v = DMARC1 ; p = reject",
        "v=DMARC1;p=ReJect",
        "v=DMARC1; p=quarantine ;",
        "v=DMARC1; p=none; sp=quarantine; np=reject; adkim=S; aspf=r; fo=d:s; psd=u; t=n; rua=mailto:a@example.com",
        "v=DMARC1; rua=mailto:a@example.com; p=none",
        "v=DMARC1; P=none; RUA=mailto:a@example.com",
    ],
)
def test_nothing_to_say(text: str) -> None:
    assert DmarcRecord.parse(text).defects == ()


@pytest.mark.parametrize(
    ("rest", "problem", "text", "applies"),
    [
        ("p=none; words", P.MALFORMED, "words", ""),
        ("p=none; rua=mailto:a@b.example;mailto:c@d.example", P.URI_SEPARATOR, "mailto:c@d.example", ""),
        ("p=none; p=reject", P.TAG_TWICE, "reject", "none"),
        ("p=none; rau=mailto:a@b.example", P.UNKNOWN_TAG, "mailto:a@b.example", ""),
        ("p=none; pct=50", P.REMOVED_TAG, "50", ""),
        ("p=none; ri=86400", P.REMOVED_TAG, "86400", ""),
        ("sp=none", P.POLICY_ABSENT, "", "none"),
        ("p=rejected", P.POLICY_INVALID, "rejected", "none"),
        ("p=", P.POLICY_INVALID, "", "none"),
        ("p=none; sp=all", P.POLICY_INVALID, "all", "none"),
        ("p=none; np=x", P.POLICY_INVALID, "x", "none"),
        ("p=none; adkim=strict", P.VALUE_INVALID, "strict", "r"),
        ("p=none; aspf=x", P.VALUE_INVALID, "x", "r"),
        ("p=none; psd=yes", P.VALUE_INVALID, "yes", "u"),
        ("p=none; t=1", P.VALUE_INVALID, "1", "n"),
        ("p=none; fo=0:1", P.VALUE_INVALID, "0:1", "0"),
        ("p=none; fo=0:1:d:s", P.VALUE_INVALID, "0:1:d:s", "0"),
        ("p=none; fo=d:d", P.VALUE_INVALID, "d:d", "0"),
        ("p=none; fo=1:x", P.VALUE_INVALID, "1:x", "0"),
        ("p=none; fo=1:", P.VALUE_INVALID, "1:", "0"),
        ("p=none; fo=", P.VALUE_INVALID, "", "0"),
        ("p=none; rua=", P.REPORT_URI, "", ""),
        ("p=none; rua=a@b.example", P.REPORT_URI, "a@b.example", ""),
        ("p=none; ruf=mailto:@b.example", P.REPORT_URI, "mailto:@b.example", ""),
    ],
)
def test_one_defect(rest: str, problem: DmarcProblem, text: str, applies: str) -> None:
    record = DmarcRecord.parse(f"v=DMARC1; {rest}")
    (defect,) = record.defects
    assert (defect.problem, defect.text, defect.applies) == (problem, text, applies)
    assert record.text.startswith(text, defect.position) or problem in (
        P.TAG_TWICE,
        P.UNKNOWN_TAG,
        P.REMOVED_TAG,
    )


@pytest.mark.parametrize(
    ("name", "near"),
    [("rau", "rua"), ("RUAA", "rua"), ("aspf1", "aspf"), ("dkim", "adkim"), ("zzz", None), ("x" * 99, None)],
)
def test_nearest_tag(name: str, near: str | None) -> None:
    assert nearest_tag(name) == near
    if near:
        (defect,) = DmarcRecord.parse(f"v=DMARC1; p=none; {name}=x").defects
        assert defect.nearest == near


def effect(text: str) -> list[str]:
    record = DmarcRecord.parse(text)
    return [str(record.policy_for(kind)) for kind in Kind]


@pytest.mark.parametrize(
    ("rest", "expected"),
    [
        ("p=reject", ["reject"] * 3),
        ("p=reject; sp=none", ["reject", "none", "none"]),
        ("p=none; np=reject", ["none", "none", "reject"]),
        ("p=reject; sp=quarantine; np=none", ["reject", "quarantine", "none"]),
        ("p=reject; sp=quarantine; t=y", ["quarantine", "none", "none"]),
        ("p=none; t=y", ["none"] * 3),
        ("p=REJECT; t=Y", ["quarantine"] * 3),
        ("rua=mailto:a@b.example", ["none"] * 3),
        ("p=reject; sp=oops; rua=mailto:a@b.example", ["none"] * 3),
    ],
)
def test_effective_policy(rest: str, expected: list[str]) -> None:
    assert effect(f"v=DMARC1; {rest}") == expected
    assert DmarcRecord.parse(f"v=DMARC1; {rest}").is_in_force


@pytest.mark.parametrize(
    "rest", ["", "p=oops", "sp=none", "p=none; sp=oops; rua=nowhere", "rua=; ruf=mailto:a@b.example"]
)
def test_without_policy_and_without_reports_dmarc_is_off(rest: str) -> None:
    assert not DmarcRecord.parse(f"v=DMARC1; {rest}").is_in_force


def test_empty_report_lists_leave_the_policy_alone() -> None:
    record = DmarcRecord.parse("v=DMARC1; p=reject; rua=; ruf=;")
    assert record.p is Policy.REJECT
    assert [defect.problem for defect in record.defects] == [P.REPORT_URI, P.REPORT_URI]


@pytest.mark.parametrize(
    "value",
    ["0", "1", "d", "s", "d:s", "s:d", "0:d", "1:s", "1:d:s", "1:s:d", "d:1", "d:0:s", "s:d:1", "D:S:1"],
)
def test_failure_options(value: str) -> None:
    """dmarc-fo of RFC 9989 section 4.8."""
    record = DmarcRecord.parse(f"v=DMARC1; p=none; fo={value}")
    assert record.defects == ()
    assert record.fo == tuple(value.lower().split(":"))


def test_tag_values() -> None:
    record = DmarcRecord.parse("v=DMARC1; p=none; adkim=S; aspf=X; psd=Y; t=y; fo= D : s ; pct=20; rf=afrf")
    assert (record.adkim, record.aspf, record.psd, record.is_testing, record.fo) == (
        "s",
        "r",
        "y",
        True,
        ("d", "s"),
    )
    assert record.pct == 20
    assert [tag.name for tag in record.removed] == ["pct", "rf"]
    plain = DmarcRecord.parse("v=DMARC1; p=none; fo=x")
    assert (plain.adkim, plain.psd, plain.is_testing, plain.fo, plain.pct) == ("r", "u", False, ("0",), None)


@pytest.mark.parametrize(
    ("value", "pct"), [("0", 0), ("100", 100), ("101", None), ("-1", None), ("٣", None), ("", None)]
)
def test_pct(value: str, pct: int | None) -> None:
    assert DmarcRecord.parse(f"v=DMARC1; p=none; pct={value}").pct == pct


def test_strength_orders_policies() -> None:
    assert sorted(Policy, key=lambda policy: policy.strength) == [
        Policy.NONE,
        Policy.QUARANTINE,
        Policy.REJECT,
    ]


def test_nine_strings_make_one_record() -> None:
    strings = [
        "v=DMARC1;",
        "p=reject;",
        "sp=none;",
        "rua=mailto:",
        "a@b.example",
        ";ri=",
        "86400",
        ";fo=",
        "1",
    ]
    record = DmarcRecord.parse("".join(strings))
    assert [(defect.problem, defect.tag) for defect in record.defects] == [(P.REMOVED_TAG, "ri")]


@settings(max_examples=100)
@given(st.text() | st.text("vDMARC1=;psnratuo: ,!@").map("v=DMARC1;".__add__))
def test_nothing_raises(text: str) -> None:
    is_dmarc(text)
    looks_like_dmarc(text)
    record = DmarcRecord.parse(text)
    for kind in Kind:
        assert record.policy_for(kind).strength <= record.published_policy(kind).strength
    assert all(0 <= defect.position <= len(text) for defect in record.defects)


@pytest.mark.parametrize("unit", ["; ", "p=", "rua=mailto:a@b,", ",", " ", "rua=mailto:", "!1", "x=y;"])
def test_very_long_records(unit: str) -> None:
    text = "v=DMARC1; rua=" + unit * (65536 // len(unit))
    DmarcRecord.parse(text)
    looks_like_dmarc(" " + text)


def value_of(record: DmarcRecord, name: str, start: str, found_at: str) -> Any:
    """What that suite's result object holds under a name, from our record."""
    if name == "isOrgRecord":
        return start != found_at
    if name == "rr":
        return record.text
    value = record.tags.get(name)
    return int(value) if name == "pct" and value and value.isdigit() else value


DIFFERENT = {
    "Should convert pct to integer": "its second assertion is about a JavaScript type; the number is compared",
    "Should handle invalid pct value as 0": "an invalid pct is None here: RFC 9989 has no such tag",
    "Should handle tags starting with equals": "a part without a name is kept as malformed, not under a key `false`",
}


def test_the_published_record_cases(conformance: Path) -> None:
    cases = json.loads((conformance / "dmarc-mailauth" / "get-dmarc-record.json").read_text(encoding="utf-8"))
    assert len(cases) == 14
    assert {case["name"] for case in cases} >= DIFFERENT.keys()
    for case in cases:
        (call,) = case["calls"]
        (start,) = call["args"]
        found = [
            (name, texts[0])
            for name in walk_names(start)
            if len(texts := dmarc_texts(call["zone"].get(f"_dmarc.{name}", {}))) == 1
        ]
        for expect in case["expect"]:
            subject = expect["subject"] if isinstance(expect["subject"], str) else expect["subject"]["ref"]
            _, _, name = subject.partition(".")
            if not name and expect["op"] == "false":
                assert not found, case["name"]
                continue
            at, text = found[0]
            record = DmarcRecord.parse(text)
            if case["name"] == "Should handle invalid pct value as 0":
                assert record.pct is None
            elif case["name"] == "Should handle tags starting with equals":
                assert [part.text for part in record.tags.malformed] == expect["args"]
            elif subject == "function":
                assert case["name"] in DIFFERENT
            elif name:
                wanted = {"true": True, "false": False}.get(expect["op"], *expect.get("args", [None]))
                assert value_of(record, name, start, at) == wanted, case["name"]


def dmarc_texts(records: dict[str, list[list[str]]]) -> list[str]:
    texts = ["".join(strings) for strings in records.get("TXT", [])]
    return [text for text in texts if is_dmarc(text)]


def test_of_very_many_unknown_tags_the_nearest_is_told_for_the_first_ones() -> None:
    record = DmarcRecord.parse("v=DMARC1; p=none;" + "".join(f"ruaa{number}=x;" for number in range(100)))
    told = [defect.nearest for defect in record.defects if defect.problem is P.UNKNOWN_TAG]
    assert told == ["rua"] * MOST_SUGGESTIONS + [None] * (100 - MOST_SUGGESTIONS)
