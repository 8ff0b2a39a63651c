"""Verdict, receiver table and policies in plain words: what is said, and that nothing unknown is called bad."""

from __future__ import annotations

import base64
import dataclasses
import functools
import ipaddress
from typing import Any

import pytest
import sample
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from diag.facts.dkim import Below, DkimKeyFound, DkimSelectors, Selector, Source
from diag.facts.dmarc import DmarcPolicy
from diag.facts.moment import VantagePoint
from diag.facts.roles import Roles
from diag.facts.spf import SpfEvaluation
from diag.model.finding import Certainty, Severity
from diag.model.knowing import Absent, Many, Unavailable
from diag.model.report import Report
from diag.records.dkim import DkimKey
from diag.records.dmarc import DmarcRecord, Kind
from reports import verdict, words
from reports.receivers import Audience, State, receiver_table


def report(*results: Any, **changes: Any) -> Report:
    return dataclasses.replace(sample.healthy(), results=results, **changes)


def small(subject: str = "x.example", **fields: Any) -> Any:
    return sample.Small(subject=subject, **fields)


ONE = sample.passed("x.example")


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (
            report(ONE),
            "Nothing is wrong with the mail of lantern.example, as far as anyone can see from outside.",
        ),
        (report(), "Nothing could be said about the mail of lantern.example."),
        (
            report(ONE, sample.undecided("mx", "silent"), sample.undecided("mx", "slow")),
            "Nothing wrong was found with the mail of lantern.example, but 2 checks could not be decided.",
        ),
        (
            report(ONE, partial="Ctrl-C"),
            "Nothing wrong was found with the mail of lantern.example in the part that was looked at.",
        ),
        (
            report(sample.failed(small())),
            "Mail of lantern.example works; it departs from recommended practice: x.example is small.",
        ),
        (
            report(sample.failed(sample.StrangerMayWrite(subject="a"), small())),
            "Mail of lantern.example is lost, or others can send or read as it, now: Anybody can write as a, "
            "and 1 lesser finding.",
        ),
        (
            report(sample.failed(*(sample.TreeTooLarge(subject=name, lookups=12) for name in "abc"))),
            "Some receivers reject, defer or distrust mail of lantern.example: SPF of a takes 12 look-ups; "
            "receivers stop at 10, and 2 more errors.",
        ),
    ],
)
def test_the_verdict_is_one_sentence(given: Report, sentence: str) -> None:
    assert verdict.sentence(given) == sentence


def test_a_long_finding_gives_way_to_its_rule_and_nothing_hidden_gets_in() -> None:
    long = sample.LineSaid(subject="mx", said="x" * 200)
    assert verdict.clause(long) == "A host says what it should not"
    assert verdict.clause(sample.LineSaid(subject="mx", said="\x1b[31m\u202e")) == r"mx says \x1b[31m\u202e"


def test_what_is_certain_and_concerns_the_domain_is_mended_first() -> None:
    likely = small("lantern.example", certainty=Certainty.LIKELY)
    host, domain = small("a.example"), small("lantern.example")
    grave = sample.TreeTooLarge(subject="z.example", lookups=11)
    given = report(sample.failed(likely, host, domain, grave))
    assert verdict.by_consequence(given) == (grave, domain, host, likely)


def test_the_grade_is_explained_by_the_rules_that_decided() -> None:
    both = report(
        sample.failed(sample.TreeTooLarge(subject="a", lookups=11)),
        sample.failed(sample.LineSaid(subject="b", said="c")),
    )
    assert verdict.grade_line(both) == (
        "C: the worst finding decides, and it is an error (sample/line-said and 1 more rule)."
    )
    early = dataclasses.replace(both, partial="Ctrl-C")
    assert "the run ended early (Ctrl-C), which may hide something worse." in verdict.grade_line(early)
    open_one = dataclasses.replace(both, results=(*both.results, sample.undecided("m", "silent")))
    assert "; the question mark: what 1 undecided check may hide would be worse." in verdict.grade_line(
        open_one
    )


def seen(
    ipv4: str, ipv6: str, port_25: bool | None, validating: bool | None, honest: bool | None
) -> VantagePoint:
    return VantagePoint(ipv4, ipv6, port_25, validating, honest, (), ())


@pytest.mark.parametrize(
    ("vantage", "said"),
    [
        (None, ""),
        (Unavailable("no clock"), "own position unknown: no clock"),
        (("192.0.2.1", "", True, True, True), "seen from 192.0.2.1, no IPv6, port 25 open"),
        (("", "", None, None, None), "seen from a machine without a route, no IPv4, no IPv6"),
        (
            ("192.0.2.1", "2001:db8::1", False, False, False),
            "seen from 192.0.2.1 and 2001:db8::1, our own port 25 is closed, our resolver does not validate, "
            "our resolver invents answers",
        ),
    ],
)
def test_where_the_run_looked_from_is_said(vantage: Any, said: str) -> None:
    point = seen(*vantage) if isinstance(vantage, tuple) else vantage
    facts = {VantagePoint: point} if point is not None else {}
    assert verdict.seen_from(report(facts=facts)) == said


def decided(facts: dict[type, Any], *results: Any) -> dict[str, State]:
    """The state of each requirement."""
    base = dict(sample.healthy().facts)
    table = receiver_table(report(*results, facts={**base, **facts}))
    assert table is not None
    return {row.name: row.state for row in table.rows}


SPF, DKIM, DMARC = "SPF that can be evaluated", "A DKIM key", "A DMARC policy, none or stricter"


def test_a_healthy_domain_meets_what_can_be_seen() -> None:
    states = decided({}, sample.passed("x", "reverse"))
    reverse = "A reverse name", "A reverse name that leads back"
    assert {states[name] for name in (SPF, DKIM, DMARC, *reverse)} == {State.MET}
    assert states["One-click unsubscribe in bulk mail"] is State.MESSAGE
    assert states["From aligned with SPF or DKIM"] is State.MESSAGE


@pytest.mark.parametrize(
    ("kind", "value", "name", "state"),
    [
        (SpfEvaluation, Absent(""), SPF, State.NOT_MET),
        (SpfEvaluation, Unavailable("SERVFAIL"), SPF, State.UNDETERMINED),
        (DmarcPolicy, Absent(""), DMARC, State.NOT_MET),
        (DmarcPolicy, Unavailable("SERVFAIL"), DMARC, State.UNDETERMINED),
    ],
)
def test_none_and_not_known_stay_apart(kind: type, value: Any, name: str, state: State) -> None:
    assert decided({kind: value})[name] is state


@pytest.mark.parametrize(
    ("below", "state"),
    [(Below.NONE, State.NOT_MET), (Below.POSSIBLE, State.MESSAGE), (Below.WILDCARD, State.MESSAGE)],
)
def test_a_selector_that_was_not_found_proves_nothing(below: Below, state: State) -> None:
    search = DkimSelectors("x", below, (), False, (Selector("a", Source.COMMON),), (), True, ())
    assert decided({DkimSelectors: search, DkimKeyFound: Many({})})[DKIM] is state


@pytest.mark.parametrize(
    ("record", "state"),
    [
        ("p={rsa}", State.MET),
        ("h=sha256; s=email; p={rsa}", State.MET),
        ("h=sha1; p={rsa}", State.MESSAGE),
        ("s=tlsrpt; p={rsa}", State.MESSAGE),
        ("p={short}", State.MESSAGE),
        ("k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=", State.MESSAGE),
    ],
)
def test_a_key_counts_where_large_receivers_take_its_signatures(record: str, state: State) -> None:
    key = DkimKey.parse(record.format(rsa=_public(1024), short=_public(512)))
    found = DkimKeyFound("x", Selector("a", Source.USER), "a._domainkey.x", "", (), (key.text,), (key,), ())
    assert decided({DkimKeyFound: Many({"a": found})})[DKIM] is state


@functools.cache
def _public(bits: int) -> str:
    """By an arithmetic that is good for its length alone: a product of the right size."""
    modulus = (1 << bits) - 1
    der = (
        rsa.RSAPublicNumbers(65537, modulus)
        .public_key()
        .public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    )
    return base64.b64encode(der).decode()


def test_too_many_lookups_are_not_met_although_no_rule_was_run() -> None:
    table = receiver_table(dataclasses.replace(sample.seen("harbour"), results=()))
    assert table is not None
    (spf,) = [row for row in table.rows if row.name == SPF]
    assert spf.state is State.NOT_MET
    assert spf.because == "evaluating it takes 12 of 10 look-ups"
    assert [cell.reply for cell in spf.cells[Audience.BULK]] == ["550 5.7.27", "", "550 5.7.515", ""]


def test_who_does_not_ask_is_said_not_to_ask() -> None:
    table = receiver_table(report(ONE))
    assert table is not None
    wide = next(row for row in table.rows if row.name == "No overly wide SPF")
    assert [cell.state for cell in wide.cells[Audience.EVERYONE]] == [State.MET, *[State.NOT_ASKED] * 3]


def test_there_is_no_table_for_who_sends_nothing_or_was_not_looked_at() -> None:
    silent = Roles("x", False, "its MX is null", False, "its MX is null", ())
    assert receiver_table(report(ONE, facts={Roles: silent})) is None
    assert (
        words.sending_role(report(facts={Roles: silent})) == "lantern.example sends no mail: its MX is null."
    )
    assert receiver_table(report(ONE, facts={})) is None


def policy(text: str, found_at: str = "lantern.example", kind: Kind = Kind.DOMAIN) -> DmarcPolicy:
    return DmarcPolicy(
        "lantern.example", found_at, f"_dmarc.{found_at}", DmarcRecord.parse(text), kind, found_at, ()
    )


@pytest.mark.parametrize(
    ("given", "becomes", "because", "safe"),
    [
        (
            policy("v=DMARC1; p=reject; sp=quarantine; np=none"),
            ["is rejected", "goes to the junk folder", "is delivered like any other mail"],
            ["p=reject", "sp=quarantine", "np=none"],
            [True, None, False],
        ),
        (
            policy("v=DMARC1; p=quarantine; t=y"),
            ["is delivered like any other mail"] * 3,
            ["p=quarantine, lowered one level by t=y"] * 3,
            [False] * 3,
        ),
        (
            policy("v=DMARC1; p=none; sp=reject", "example", Kind.SUBDOMAIN),
            ["is rejected"] * 3,
            ["sp=reject, published at example"] * 3,
            [True] * 3,
        ),
        (
            policy("v=DMARC1; p=rejct"),
            ["is delivered like any other mail"] * 3,
            ["the DMARC record has no valid policy, so it is not in force"] * 3,
            [False] * 3,
        ),
        (Absent(""), ["is delivered like any other mail"], ["there is no DMARC record"], [False]),
        (Unavailable("SERVFAIL"), ["could not be determined"], ["SERVFAIL"], [None]),
    ],
)
def test_what_becomes_of_a_strangers_mail(given: Any, becomes: Any, because: Any, safe: Any) -> None:
    said = words.who_can_send(report(facts={DmarcPolicy: given}))
    assert [each.becomes for each in said] == becomes
    assert [each.because for each in said] == because
    assert [each.safe for each in said] == safe


def test_a_dmarc_record_is_told_tag_by_tag() -> None:
    record = DmarcRecord.parse(
        "v=DMARC1; p=none; ruf=mailto:a@b.example; fo=1:d; t=y; psd=n; pct=50; zz=1; aspf=s"
    )
    rows = {row.name: row for row in words.dmarc_tags(record)}
    assert list(rows) == ["v", "p", "sp", "np", "adkim", "aspf", "rua", "ruf", "fo", "t", "psd", "pct", "zz"]
    assert [name for name, row in rows.items() if not row.published] == ["sp", "np", "adkim", "rua"]
    assert (
        rows["p"].words == "For the domain itself, receivers are asked to do nothing about mail that fails."
    )
    assert rows["aspf"].words.endswith("Strict: the very same domain.")
    assert rows["rua"].words == "Nobody is sent reports, so misuse stays unseen."
    assert rows["ruf"].words == "Reports on single messages go to a@b.example."
    assert rows["fo"].words == (
        "Those are wanted when either of them does not pass aligned; when a DKIM signature fails."
    )
    assert rows["t"].words.startswith("A test")
    assert rows["pct"].words.startswith("Removed by RFC 9989")
    assert rows["zz"].words.startswith("Not read")


def test_failure_reports_for_public_suffixes_are_wanted_in_vain() -> None:
    record = DmarcRecord.parse("v=DMARC1; p=none; ruf=mailto:a@b.example; psd=y")
    rows = {row.name: row.words for row in words.dmarc_tags(record)}
    assert rows["fo"] == "Those are wanted in vain: receivers send none to public suffixes."


def test_whom_spf_lets_pass_is_counted_once() -> None:
    spf = sample.seen("harbour").fact(SpfEvaluation)
    assert words.whom_spf_lets_pass(spf) == (
        "SPF lets 84 IPv4 addresses and 3 IPv6 ranges send; everyone else fails softly (~all)."
    )
    networks = [network for _, _, network in spf.networks() if isinstance(network, ipaddress.IPv4Network)]
    assert sum(n.num_addresses for n in ipaddress.collapse_addresses(networks)) == 84


def test_figures_leave_out_what_is_nought() -> None:
    assert verdict.figures(report(ONE, sample.failed(small()))) == (("1", "notice"), ("1", "passed"))
    assert verdict.plural(2, "critical") == "2 critical"
    assert verdict.counted(report(sample.failed(small(), small("b")))) == {Severity.NOTICE: 2}
