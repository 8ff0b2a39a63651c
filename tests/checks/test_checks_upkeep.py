"""What SPF records come to for one address, how long their answers are, and terms that add nothing."""

from __future__ import annotations

import dns.message
import dns.rrset
import pytest

from checks.spf_upkeep import spf_fits_into_a_small_answer, spf_names_every_address_once
from diag.api import SpfEvaluation, SpfPublished
from diag.gather.dns import Found, Looked, NoRecord
from diag.gather.spf_hosts import _explanation_fault
from diag.gather.spf_tree import Tree
from diag.model.fix import record_line
from diag.model.knowing import Unavailable


def evaluated(record: str, **others: str) -> SpfEvaluation:
    """The tree of a record; `others` are the records of names below `.example`, or "fails"."""
    answers: dict[tuple[str, str], Looked] = {("d.example", "TXT"): _text("d.example", record)}
    for name, text in others.items():
        full = f"{name}.example"
        answers[full, "TXT"] = Unavailable("SERVFAIL", ()) if text == "fails" else _text(full, text)
    answers["gone.example", "A"] = NoRecord("nothing", (), "gone.example", False)
    answers["gone.example", "AAAA"] = NoRecord("nothing", (), "gone.example", False)
    return SpfEvaluation("d.example", Tree(answers).node("d.example"), ())


def _text(name: str, text: str) -> Found:
    rdatas = tuple(dns.rrset.from_text(name, 60, "IN", "TXT", _quoted(text)))
    return Found(name, name, rdatas, (), False, 60, ())


def _quoted(text: str) -> str:
    return record_line("x", None, "TXT", text).partition("TXT ")[2]


@pytest.mark.parametrize(
    ("record", "address", "passes"),
    [
        ("v=spf1 ip4:192.0.2.0/24 -all", "192.0.2.9", True),
        ("v=spf1 ip4:192.0.2.0/24 -all", "198.51.100.9", False),
        ("v=spf1 ip6:2001:db8::/32 -all", "2001:db8::1", True),
        ("v=spf1 ip4:192.0.2.0/24 -all", "2001:db8::1", False),
        ("v=spf1 include:s.example -all", "192.0.2.9", True),
        ("v=spf1 ~include:s.example -all", "192.0.2.9", False),
        ("v=spf1 +all", "192.0.2.9", True),
        ("v=spf1 a:gone.example -all", "192.0.2.9", False),
        ("v=spf1 exists:%{i}.l.example -all", "192.0.2.9", None),
        ("v=spf1 ptr -all", "192.0.2.9", None),
        ("v=spf1 include:f.example -all", "192.0.2.9", None),
        ("v=spf1 include:f.example ip4:192.0.2.9 -all", "192.0.2.9", True),
        ("v=spf1 moo -all", "192.0.2.9", None),
        ("v=spf1 ip4:192.0.2.9 foo:bar -all", "192.0.2.9", None),
        ("v=spf1 -ip4:192.0.2.9 ip4:192.0.2.0/24 -all", "192.0.2.9", False),
        ("v=spf1 ~all ip4:192.0.2.9", "192.0.2.9", False),
        ("v=spf1 -exists:%{i}.l.example ip4:192.0.2.9 -all", "192.0.2.9", None),
        ("v=spf1 redirect=s.example", "192.0.2.9", True),
        ("v=spf1 redirect=s.example ip4:198.51.100.9", "198.51.100.9", True),
        ("v=spf1 redirect=s.example", "198.51.100.9", False),
        ("v=spf1 -include:s.example +all", "192.0.2.9", False),
        ("v=spf1 -include:s.example +all", "198.51.100.9", True),
    ],
)
def test_whether_an_address_passes(record: str, address: str, passes: bool | None) -> None:
    spf = evaluated(record, s="v=spf1 ip4:192.0.2.0/24 -all", f="fails")
    assert spf.passes(address) is passes


@pytest.mark.parametrize(
    ("record", "idle"),
    [
        ("v=spf1 ip4:192.0.2.9 ip4:192.0.2.0/24 -all", ["ip4:192.0.2.9"]),
        ("v=spf1 ip4:192.0.2.0/24 ip4:192.0.2.9 -all", ["ip4:192.0.2.9"]),
        ("v=spf1 ip4:192.0.2.9 ip4:192.0.2.9 ip4:192.0.2.9 -all", ["ip4:192.0.2.9"]),
        ("v=spf1 ip4:192.0.2.9 include:s.example -all", ["ip4:192.0.2.9"]),
        ("v=spf1 ip4:192.0.2.9 ip4:192.0.2.10 -all", []),
        ("v=spf1 ip6:2001:db8::1 ip4:192.0.2.9 -all", []),
        ("v=spf1 -ip4:192.0.2.9 ip4:192.0.2.0/24 -all", []),
        ("v=spf1 ip4:192.0.2.9 -all ip4:192.0.2.0/24", []),
        ("v=spf1 ip4:192.0.2.9 ip4:0.0.0.0/0 -all", []),
    ],
)
def test_ranges_within_others(record: str, idle: list[str]) -> None:
    spf = evaluated(record, s="v=spf1 ip4:192.0.2.0/24 -all")
    found = [finding.inner for finding in spf_names_every_address_once.function(spf)]
    assert sorted(set(found)) == idle


def test_a_fix_for_doubled_ranges_keeps_one() -> None:
    spf = evaluated("v=spf1 ip4:192.0.2.9 ip4:192.0.2.9 -all")
    (finding,) = spf_names_every_address_once.function(spf)
    assert [fix.value for fix in finding.fix] == ["v=spf1 ip4:192.0.2.9 -all"]


@pytest.mark.parametrize("count", [1, 3, 5])
def test_the_length_of_an_answer_is_that_on_the_wire(count: int) -> None:
    record = "v=spf1 " + " ".join(f"ip4:192.0.2.{n}" for n in range(40)) + " -all"
    others = tuple(f"service-{n}=" + "x" * 100 * n for n in range(count))
    query = dns.message.make_query("d.example", "TXT", use_edns=0)
    answer = dns.message.make_response(query)
    written = map(_quoted, (record, *others))
    answer.answer.append(dns.rrset.from_text("d.example.", 60, "IN", "TXT", *written))
    published = SpfPublished("d.example", (record,), (), (), others, True, ())
    (finding,) = spf_fits_into_a_small_answer.function(evaluated(record), published)
    assert finding.answer == len(answer.to_wire(max_size=65535))


@pytest.mark.parametrize(
    ("texts", "fault"),
    [
        (("ask %{s} at postmaster@%{d}",), ""),
        (("one", "two"), "2 TXT records stand there"),
        (("f\xc3\xbcr",), "the text is not in ASCII"),
    ],
)
def test_explanations(texts: tuple[str, ...], fault: str) -> None:
    assert _explanation_fault(texts) == fault


def test_an_explanation_with_a_bad_macro() -> None:
    assert "bad macro" in _explanation_fault(("100% of %{q}",))
