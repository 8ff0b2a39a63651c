"""MTA-STS and TLSRPT: the fixes, and judgements that worlds do not reach."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from checks.mta_sts import (
    sts_policy_covers_mx_hosts,
    sts_policy_is_announced,
    sts_policy_is_enforced,
    sts_policy_lasts,
    sts_record_can_be_used,
)
from checks.mta_sts_mend import INVALID, PATTERN_WORDS, RECORD_WORDS, new_policy
from checks.tlsrpt import tlsrpt_addresses_can_be_used, tlsrpt_record_can_be_used
from diag.facts.certificates import InboundCertificate, Role
from diag.facts.moment import RunMoment
from diag.facts.mta_sts import StsFetch, StsPolicy, StsRecordFound
from diag.facts.mx import MailExchange, Routing
from diag.facts.tlsrpt import TlsrptFound
from diag.model.fix import Configure, Replace, Withdraw
from diag.model.knowing import Absent, Many, Unavailable
from diag.model.target import Endpoint
from diag.probes.https import HttpExchange, HttpsGet
from diag.records.mta_sts import INVALIDATING, Mode, PatternProblem, StsPolicyFile, StsRecord
from diag.records.tlsrpt import TlsrptRecord
from diag.sandbox.authority import Authority
from diag.tls.chain import judge
from diag.tls.handshake import Handshake

MOMENT = RunMoment(datetime(2026, 11, 21, 9, tzinfo=UTC))
FRESH = "v=STSv1; id=20261121T090000"


def routing(*hosts: str) -> Routing:
    return Routing("d.example", tuple(MailExchange(10, host) for host in hosts), False, True, ())


def policy(*lines: str) -> StsPolicy:
    file = StsPolicyFile.parse("\n".join(lines).encode())
    return StsPolicy("d.example", "mta-sts.d.example", "1", file, ())


def proposed(given: StsPolicy, to: Routing, **wishes: bool) -> StsPolicyFile:
    file, record = new_policy(given, to, MOMENT, **wishes)
    assert isinstance(file, Configure)
    assert isinstance(record, Configure)
    assert FRESH in record.setting
    return StsPolicyFile.parse(file.setting.encode())


@pytest.mark.parametrize(
    "given",
    [
        policy(),
        policy("version: STSv2", "mode: off", "max_age: long", "what"),
        policy("version: STSv1", "mode: enforce", "mx: 192.0.2.1", "mx: mx.d.example.", "max_age: 60"),
        policy("version: STSv1", "mode: enforce", "mx: old.example", "max_age: 999999999"),
        policy("version: STSv1", "mode: testing", "mx: *.d.example", "max_age: 86400"),
    ],
)
def test_the_policy_proposed_is_valid_and_covers_every_host(given: StsPolicy) -> None:
    made = proposed(given, routing("mx.d.example", "b.mx.d.example"))
    assert made.defects == ()
    assert made.covers("mx.d.example")
    assert made.covers("b.mx.d.example")
    assert made.mode == (given.mode or Mode.TESTING)


def test_names_that_no_pattern_can_match_are_not_proposed() -> None:
    made = proposed(policy(), routing("mx.d.example", "mx_2.d.example", "192.0.2.1"))
    assert made.mx == ("mx.d.example",)


def test_enforcing_keeps_the_policy_for_weeks() -> None:
    given = policy("version: STSv1", "mode: testing", "mx: *.d.example", "max_age: 86400")
    made = proposed(given, routing("mx.d.example"), enforce=True)
    assert (made.mode, made.max_age) == (Mode.ENFORCE, 2_419_200)


def test_every_fault_has_its_words() -> None:
    assert set(INVALID) | set(RECORD_WORDS) == INVALIDATING
    assert set(PATTERN_WORDS) == set(PatternProblem)


@pytest.mark.parametrize(
    ("mode", "hosts", "raised"),
    [
        ("enforce", ("mx.d.example",), []),
        ("enforce", ("MX.D.Example",), []),
        ("enforce", ("mx.d.example", "other.example"), ["mta-sts/mx-not-covered"]),
        ("enforce", ("a.other.example", "other.example"), ["mta-sts/no-mx-covered"]),
        ("enforce", (), []),
        ("enforce", ("mx.d.example", "abc.mx-verification.google.com"), []),
        ("enforce", ("mx.d.example", "192.0.2.1"), []),
        ("testing", ("other.example",), ["mta-sts/refused-once-enforced"]),
        ("none", ("other.example",), []),
        ("bogus", ("other.example",), []),
    ],
)
def test_which_hosts_must_be_covered(mode: str, hosts: tuple[str, ...], raised: list[str]) -> None:
    given = policy("version: STSv1", f"mode: {mode}", "mx: mx.d.example", "max_age: 604800")
    found = sts_policy_covers_mx_hosts.function(given, routing(*hosts), MOMENT)
    assert [each.id for each in found] == raised


def sts(*texts: str, near: tuple[str, ...] = ()) -> StsRecordFound:
    records = tuple(StsRecord.parse(text) for text in texts)
    return StsRecordFound("d.example", "_mta-sts.d.example", "owner.example", records, near, ())


@pytest.mark.parametrize(
    ("found", "fix"),
    [
        (sts("v=STSv1; id=1"), None),
        (sts("v=STSv1; id=1", near=("v=stsv1; id=1",)), None),
        (sts("v=STSv1; id=1", "v=STSv1; id=2"), (Withdraw("owner.example", "TXT", "v=STSv1; id=2"),)),
        (sts("v=STSv1;", "v=STSv1; id=2"), (Withdraw("owner.example", "TXT", "v=STSv1;"),)),
        (
            sts("v=STSv1;", "v=STSv1; id=a-b"),
            (
                Withdraw("owner.example", "TXT", "v=STSv1; id=a-b"),
                Replace("owner.example", "TXT", FRESH, old="v=STSv1;"),
            ),
        ),
        (sts(near=("v=stsv1; id=1",)), (Replace("owner.example", "TXT", FRESH, old="v=stsv1; id=1"),)),
        (
            sts("v=STSv1; id=" + "a" * 33),
            (Replace("owner.example", "TXT", FRESH, old="v=STSv1; id=" + "a" * 33),),
        ),
    ],
)
def test_what_is_kept_of_several_records(found: StsRecordFound, fix: tuple[object, ...] | None) -> None:
    raised = list(sts_record_can_be_used.function(found, MOMENT))
    assert [each.fix for each in raised] == ([] if fix is None else [fix])


def tlsrpt(*texts: str, near: tuple[str, ...] = ()) -> TlsrptFound:
    records = tuple(TlsrptRecord.parse(text) for text in texts)
    return TlsrptFound("d.example", "_smtp._tls.d.example", "_smtp._tls.d.example", records, near, ())


@pytest.mark.parametrize(
    ("found", "made"),
    [
        (tlsrpt("v=TLSRPTv1; rua=mailto:a@d.example"), []),
        (tlsrpt("v=TLSRPTv1; rua=mailto:a@d.example; junk"), ["v=TLSRPTv1; rua=mailto:a@d.example"]),
        (tlsrpt("v=TLSRPTv1; rua=mailto:a@d.example; rua=x"), []),  # within the grammar
        (tlsrpt("v=TLSRPTv1;"), ["v=TLSRPTv1; rua=mailto:tls-reports@d.example"]),
        (
            tlsrpt(near=("v=tlsrptv1; rua=mailto:a@d.example",)),
            ["v=TLSRPTv1; rua=mailto:tls-reports@d.example"],
        ),
    ],
)
def test_invalid_tlsrpt_records_are_mended(found: TlsrptFound, made: list[str]) -> None:
    fixes = [fix for each in tlsrpt_record_can_be_used.function(found) for fix in each.fix]
    assert [fix.value for fix in fixes if isinstance(fix, Replace)] == made


@pytest.mark.parametrize(
    ("rua", "made"),
    [
        ("mailto:a@d.example,https://d.example/r", None),
        ("a@d.example", "mailto:a@d.example"),
        ("mailto:a!b@d.example,https://d.example/r", "mailto:a%21b@d.example,https://d.example/r"),
        ("http://d.example/r,mailto:a@d.example", "mailto:a@d.example"),
        ("ftp://d.example/", "mailto:tls-reports@d.example"),
        ("mailto:", "mailto:tls-reports@d.example"),
        ("mailto:a@d.example; rua=mailto:b@d.example", None),
        ("mailto:a@d.example; rua=b@d.example", "mailto:a@d.example,mailto:b@d.example"),
    ],
)
def test_addresses_of_tls_reports_are_mended(rua: str, made: str | None) -> None:
    found = list(tlsrpt_addresses_can_be_used.function(tlsrpt(f"v=TLSRPTv1; rua={rua}")))
    values = [fix.value for each in found for fix in each.fix if isinstance(fix, Replace)]
    assert values == ([] if made is None else [f"v=TLSRPTv1; rua={made}"])


@pytest.mark.parametrize(("age", "raised"), [(604_799, 1), (604_800, 0)])
def test_a_week_is_long_enough(age: int, raised: int) -> None:
    given = policy("version: STSv1", "mode: enforce", "mx: mx.d.example", f"max_age: {age}")
    assert len(list(sts_policy_lasts.function(given, routing("mx.d.example"), MOMENT))) == raised


def test_what_senders_discard_is_not_enforced() -> None:
    lines = ("version: STSv1", "mode: enforce", "mx: mx.d.example")
    assert policy(*lines, "max_age: 604800").enforced
    assert not policy(*lines).enforced


CA = Authority(MOMENT.at)


def certificate(name: str, host: str = "mx.d.example") -> InboundCertificate:
    chain = CA.valid(name).chain
    return InboundCertificate(
        endpoint=Endpoint(host, "198.51.100.10", 25),
        role=Role.INBOUND,
        handshake=Handshake("TLSv1.3", "TLS_AES_256_GCM_SHA384", chain=chain),
        references=(host,),
        verdict=judge(chain, (host,), (CA.root,), MOMENT.at),
        store="a test's store",
        distrust="",
        cites=(),
    )


GOOD, BAD = certificate("mx.d.example"), certificate("other.example")
FOUR, SIX = "mx.d.example [198.51.100.10]:25", "mx.d.example [2001:db8::10]:25"


@pytest.mark.parametrize(
    ("served", "ready"),
    [
        (Many({FOUR: GOOD, SIX: GOOD}), True),
        (Many({FOUR: GOOD, SIX: BAD}), False),
        (Many({FOUR: GOOD, SIX: Absent("no STARTTLS")}), False),
        (Many({FOUR: GOOD, SIX: Unavailable("no IPv6 here")}), False),
        (Many({"other.example [198.51.100.10]:25": GOOD}), False),
        (Many(), False),
        (Unavailable("nobody was talked to"), False),
    ],
)
def test_enforcing_is_proposed_only_where_it_keeps_no_mail_away(served: object, ready: bool) -> None:
    given = policy("version: STSv1", "mode: testing", "mx: mx.d.example", "max_age: 604800")
    (told,) = sts_policy_is_enforced.function(given, routing("mx.d.example"), MOMENT, served)
    assert bool(told.fix) is ready


@pytest.mark.parametrize(
    ("to", "proposed"),
    [
        (routing("mx.d.example"), True),
        (routing("mx.d.example", "b.example"), False),
        (Unavailable("?"), False),
    ],
)
def test_a_policy_that_leaves_hosts_out_is_not_announced(to: object, proposed: bool) -> None:
    file = policy("version: STSv1", "mode: enforce", "mx: mx.d.example", "max_age: 604800").file
    probe = HttpsGet("mta-sts.d.example", "198.51.100.40", "/.well-known/mta-sts.txt")
    fetch = StsFetch(
        host=probe.host, probe=probe, exchange=HttpExchange(status=200), certificate=None, certificate_faults=(),
        undecided="", trouble=None, detail="", looks=1, waited=False, file=file, asked=(),
    )  # fmt: skip
    (told,) = sts_policy_is_announced.function(Absent("none"), fetch, to, MOMENT)
    assert bool(told.fix) is proposed
