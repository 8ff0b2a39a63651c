"""Judgements on signatures where a day or a word decides."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from checks.dnssec import (
    denials_are_proved,
    ds_records_fit_keys,
    signatures_have_begun,
    signatures_hold,
    signatures_hold_at_every_server,
    signatures_last,
    zone_is_signed_and_its_parent_says_so,
)
from checks.dnssec_upkeep import digests_are_current, hashing_is_cheap, keys_are_long_enough
from diag.facts.dnssec import (
    DeniedSet,
    DsSeen,
    KeySeen,
    ServerSignatures,
    ServerSigned,
    SignedSet,
    Word,
    ZoneSignatures,
    ZoneTrust,
)
from diag.facts.moment import RunMoment
from diag.facts.vantage import OurClock, Witness
from diag.model.finding import Certainty, Finding, Undecided
from diag.model.fix import Configure, Publish, Replace, Withdraw
from diag.model.knowing import Absent, Cite
from diag.model.plugin import Check
from diag.probes.dns import DnsQuery
from diag.records.dnssec import Signature, Standing

AT = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def signature(
    standing: Standing = Standing.GOOD, start: timedelta = -DAY, end: timedelta = 20 * DAY, ttl: int = 3600
) -> Signature:
    return Signature(1, 13, AT + start, AT + end, ttl, "d.example", standing)


def judged(
    *signatures: Signature, rdtype: str = "MX", word: Word = Word.VOUCHES, needed: bool = True
) -> SignedSet:
    return SignedSet("d.example", rdtype, signatures, word, needed)


KEYS = judged(signature(), rdtype="DNSKEY")
KEY = KeySeen(1, 13, 0, True, "1 13 2 AA")
DS = DsSeen(1, 13, 2, "1 13 2 AA", True, 0)
TRUST = ZoneTrust("d.example", "d.example", (DS,), (KEY,), True, True, True, KEYS, ())


UNTOLD = Absent("no web server told us the time")


def clock(*ahead: float) -> OurClock:
    cite = Cite(DnsQuery("d.example", "A"))
    return OurClock(
        tuple(Witness(f"w{n}.example", f"192.0.2.{n}", each, cite) for n, each in enumerate(ahead))
    )


def zone(*sets: SignedSet, denials: tuple[DeniedSet, ...] = (), iterations: int = 0) -> ZoneSignatures:
    return ZoneSignatures("d.example", (KEYS, *sets), denials, iterations, "", AT, ())


NOW = RunMoment(AT)
BY_TIME = (signatures_hold, signatures_hold_at_every_server, signatures_have_begun, signatures_last)
"""The checks that are told of the moment beside the rest."""


def found(check: Check, *facts: object, moment: RunMoment = NOW) -> list[Finding | Undecided]:
    more = (moment,) if check in BY_TIME else ()
    return list(check.function(*facts, *more))


def ids(check: Check, *facts: object) -> list[str]:
    return [each.id if isinstance(each, Finding) else "undecided" for each in found(check, *facts)]


@pytest.mark.parametrize(
    ("changes", "raised"),
    [
        ({"ds": (), "keys": (), "vouched": False}, ["dnssec/unsigned"]),
        ({"ds": (), "keys": (), "vouched": False, "parent_signed": False}, []),
        (
            {"ds": (), "keys": (), "vouched": False, "parent_signed": False, "validating": False},
            ["undecided"],
        ),
        ({"ds": (), "keys": ()}, []),  # the resolver vouches that there is none: something above secures it
        ({"ds": (), "vouched": False}, ["dnssec/island"]),
        ({}, []),
    ],
)
def test_signed_or_not(changes: dict[str, Any], raised: list[str]) -> None:
    assert ids(zone_is_signed_and_its_parent_says_so, replace(TRUST, **changes)) == raised


@pytest.mark.parametrize(
    ("word", "standing", "raised", "certainty"),
    [
        (Word.REFUSES, Standing.WRONG, ["dnssec/bogus"], Certainty.CERTAIN),
        (Word.NONE, Standing.WRONG, ["dnssec/bogus"], Certainty.LIKELY),
        (Word.VOUCHES, Standing.WRONG, ["undecided"], None),
        (Word.PASSES, Standing.WRONG, [], None),
        (Word.REFUSES, Standing.NOT_YET, ["dnssec/bogus"], Certainty.CERTAIN),
        (Word.NONE, Standing.NOT_YET, [], None),
        (Word.REFUSES, Standing.UNSUPPORTED, [], None),
        (Word.REFUSES, Standing.NOT_TRIED, [], None),
    ],
)
def test_a_signature_that_does_not_hold_and_the_resolver_s_word(
    word: Word, standing: Standing, raised: list[str], certainty: Certainty | None
) -> None:
    signed = zone(judged(signature(standing), word=word))
    assert ids(signatures_hold, TRUST, signed, UNTOLD) == raised
    for each in found(signatures_hold, TRUST, signed, UNTOLD):
        assert not isinstance(each, Finding) or each.certainty is certainty


def test_one_good_signature_is_enough() -> None:
    signed = zone(
        judged(signature(Standing.WRONG), signature(), signature(Standing.EXPIRED), word=Word.REFUSES)
    )
    assert found(signatures_hold, TRUST, signed, UNTOLD) == []


@pytest.mark.parametrize(
    ("word", "needed", "bogus"),
    [
        (Word.REFUSES, False, True),
        (Word.NONE, True, True),
        (Word.NONE, False, False),
        (Word.PASSES, True, False),
    ],
)
def test_a_missing_signature(word: Word, needed: bool, bogus: bool) -> None:
    assert judged(word=word, needed=needed).bogus is bogus


def test_one_reason_is_one_finding() -> None:
    wrong = [
        judged(signature(Standing.WRONG), rdtype=each, word=Word.REFUSES) for each in ("MX", "TXT", "SOA")
    ]
    missing = judged(rdtype="A", word=Word.REFUSES)
    texts = [
        each.text()
        for each in found(signatures_hold, TRUST, zone(*wrong, missing), UNTOLD)
        if isinstance(each, Finding)
    ]
    assert texts == [
        "Validating resolvers refuse MX d.example, TXT d.example, SOA d.example: "
        "the signature by key 1 does not fit the records.",
        "Validating resolvers refuse A d.example: there is no signature.",
    ]


@pytest.mark.parametrize(
    ("start", "end", "ttl", "raised"),
    [
        (-12 * DAY, 2 * DAY, 3600, ["dnssec/signature-expiring"]),
        (-12 * DAY, 3 * DAY + HOUR, 3600, []),
        (-4 * DAY, 2 * DAY, 3600, []),  # made for less than a week
        (-14 * DAY, HOUR / 2, 3600, ["dnssec/signature-outlived-by-ttl"]),
        (-DAY, DAY, 172_800, []),  # made anew with every answer
        (-3 * DAY, HOUR / 2, 3600, ["dnssec/signature-outlived-by-ttl"]),
    ],
)
def test_when_a_signature_ends(start: timedelta, end: timedelta, ttl: int, raised: list[str]) -> None:
    assert ids(signatures_last, zone(judged(signature(start=start, end=end, ttl=ttl))), UNTOLD) == raised


def test_the_signature_that_lasts_longest_counts() -> None:
    ending = signature(start=-14 * DAY, end=HOUR / 2)
    assert found(signatures_last, zone(judged(ending, signature())), UNTOLD) == []


@pytest.mark.parametrize(
    ("start", "word", "raised"),
    [
        (2 * HOUR, Word.VOUCHES, ["dnssec/signature-not-yet-valid"]),
        (2 * HOUR, Word.NONE, ["dnssec/signature-not-yet-valid"]),
        (2 * HOUR, Word.REFUSES, []),  # then it is bogus
        (HOUR / 20, Word.VOUCHES, []),
    ],
)
def test_when_a_signature_begins(start: timedelta, word: Word, raised: list[str]) -> None:
    early = judged(signature(Standing.NOT_YET, start=start), word=word)
    assert ids(signatures_have_begun, zone(early), UNTOLD) == raised


@pytest.mark.parametrize(
    ("ahead", "raised"), [((), True), ((200.0, 299.0), True), ((-9e3,), False), ((301.0, 4e3, 4e3), False)]
)
def test_nothing_is_judged_by_a_clock_that_differs_from_those_of_others(
    ahead: tuple[float, ...], raised: bool
) -> None:
    told = clock(*ahead) if ahead else UNTOLD
    ended = judged(signature(Standing.EXPIRED), word=Word.NONE)
    early = judged(signature(Standing.NOT_YET, start=2 * HOUR))
    expiring = judged(signature(start=-10 * DAY, end=2 * DAY))
    for check, facts in (
        (signatures_hold, (TRUST, zone(ended))),
        (signatures_have_begun, (zone(early),)),
        (signatures_last, (zone(expiring),)),
    ):
        (verdict,) = found(check, *facts, told)
        assert isinstance(verdict, Finding) is raised
    servers = (ServerSigned("ns1", (KEYS,)), ServerSigned("ns2", (replace(ended, word=Word.NONE),)))
    (verdict,) = found(signatures_hold_at_every_server, TRUST, ServerSignatures("d", servers, False), told)
    assert isinstance(verdict, Finding) is raised
    broken = zone(judged(signature(Standing.WRONG), word=Word.NONE))
    assert ids(signatures_hold, TRUST, broken, told) == ["dnssec/bogus"]


def test_signatures_that_end_before_a_moment_of_choice_will_have_been_renewed() -> None:
    later = RunMoment(AT, ran=AT - 90 * DAY)
    ended = zone(judged(signature(Standing.EXPIRED), word=Word.NONE))
    (verdict,) = found(signatures_hold, TRUST, ended, UNTOLD, moment=later)
    assert isinstance(verdict, Undecided)
    assert "ended on 2026-12-11" in verdict.because
    for check, signed in (
        (signatures_have_begun, zone(judged(signature(Standing.NOT_YET, start=2 * HOUR)))),
        (signatures_last, zone(judged(signature(start=-10 * DAY, end=2 * DAY)))),
    ):
        assert ids(check, signed, UNTOLD) not in ([], ["undecided"])
        (verdict,) = found(check, signed, UNTOLD, moment=later)
        assert isinstance(verdict, Undecided)
        assert verdict.because.endswith("at the moment chosen, there are others")
    refused = zone(judged(signature(Standing.EXPIRED), word=Word.REFUSES))
    (verdict,) = found(signatures_hold, TRUST, refused, UNTOLD, moment=later)
    assert isinstance(verdict, Finding)


def test_a_moment_of_choice_owes_nothing_to_our_clock() -> None:
    ended = zone(judged(signature(Standing.WRONG), word=Word.NONE))
    off = replace(clock(4e3, 4e3), decides=False)
    assert ids(signatures_hold, TRUST, ended, off) == ["dnssec/bogus"]
    early = judged(signature(Standing.NOT_YET, start=2 * HOUR))
    assert ids(signatures_have_begun, zone(early), off) == ["dnssec/signature-not-yet-valid"]


def test_no_ds_record_is_proposed_for_keys_whose_signatures_do_not_hold() -> None:
    island = replace(TRUST, ds=(), vouched=False, key_set=None, island=KEYS)
    (told,) = found(zone_is_signed_and_its_parent_says_so, island)
    assert isinstance(told, Finding)
    assert told.fix == (Publish("d.example", "DS", "1 13 2 AA"),)
    ended = replace(island, island=judged(signature(Standing.EXPIRED), rdtype="DNSKEY", word=Word.NONE))
    (told,) = found(zone_is_signed_and_its_parent_says_so, ended)
    assert isinstance(told, Finding)
    assert [type(fix) for fix in told.fix] == [Configure]


def test_ds_records_and_their_fixes() -> None:
    severed = replace(TRUST, ds=(replace(DS, key=None),), vouched=False)
    (gone,) = found(ds_records_fit_keys, severed)
    assert isinstance(gone, Finding)
    assert (gone.id, gone.fix) == ("dnssec/ds-matches-no-key", (Replace("d.example", "DS", "1 13 2 AA"),))
    assert ids(ds_records_fit_keys, replace(severed, vouched=True)) == ["undecided"]
    (bare,) = found(ds_records_fit_keys, replace(severed, keys=()))
    assert isinstance(bare, Finding)
    assert bare.fix == (Withdraw("d.example", "DS"),)
    assert "no keys at all" in bare.text()
    old = replace(DS, key_tag=7, key=None, text="7 13 2 BB")
    (orphan,) = found(ds_records_fit_keys, replace(TRUST, ds=(DS, old)))
    assert isinstance(orphan, Finding)
    (advice,) = orphan.fix
    assert (orphan.id, isinstance(advice, Configure)) == ("dnssec/ds-orphaned", True)
    assert "unless its key is to come: remove d.example. DS 7 13 2 BB" in str(advice)
    unheeded = replace(DS, algorithm=200, supported=False, key=None)
    assert found(ds_records_fit_keys, replace(TRUST, ds=(unheeded,))) == []


def test_a_retired_digest_alone_is_told_with_the_record_that_cures_it() -> None:
    sha1 = replace(DS, digest_type=1)
    (told,) = found(digests_are_current, replace(TRUST, ds=(sha1,)))
    assert isinstance(told, Finding)
    assert told.fix == (Publish("d.example", "DS", "1 13 2 AA"),)
    assert found(digests_are_current, replace(TRUST, ds=(sha1, DS))) == []


@pytest.mark.parametrize(
    ("bits", "raised"),
    [
        ((0,), []),
        ((2048, 4096), []),
        ((2047,), ["dnssec/key-small"]),
        ((1024, 2048), ["dnssec/key-small"]),
        ((1023, 1024), ["dnssec/key-breakable"]),
    ],
)
def test_the_length_of_keys(bits: tuple[int, ...], raised: list[str]) -> None:
    keys = tuple(replace(KEY, bits=each) for each in bits)
    assert ids(keys_are_long_enough, replace(TRUST, keys=keys)) == raised
    assert ids(keys_are_long_enough, replace(TRUST, keys=keys, key_set=None)) == []


@pytest.mark.parametrize(
    ("iterations", "raised"),
    [(0, []), (1, ["dnssec/nsec3-cost"]), (50, ["dnssec/nsec3-cost"]), (51, ["dnssec/nsec3-disregarded"])],
)
def test_what_hashing_costs(iterations: int, raised: list[str]) -> None:
    assert ids(hashing_is_cheap, zone(iterations=iterations)) == raised
    assert ids(hashing_is_cheap, replace(zone(), salt="ab")) == ["dnssec/nsec3-cost"]


@pytest.mark.parametrize(
    ("word", "trouble", "raised"),
    [
        (Word.REFUSES, "amiss", ["dnssec/denial-broken"]),
        (Word.NONE, "amiss", ["dnssec/denial-broken"]),
        (Word.VOUCHES, "amiss", []),
        (Word.PASSES, "amiss", []),
        (Word.REFUSES, "", []),
    ],
)
def test_a_denial_and_the_resolver_s_word(word: Word, trouble: str, raised: list[str]) -> None:
    denial = DeniedSet("mx.d.example", "AAAA", trouble, word, ())
    assert ids(denials_are_proved, TRUST, zone(denials=(denial,))) == raised
    bogus = judged(signature(Standing.WRONG), word=Word.REFUSES)
    assert ids(denials_are_proved, TRUST, zone(bogus, denials=(denial,))) == []


def test_servers_are_blamed_only_where_another_does_better() -> None:
    sound = ServerSigned("ns1 [192.0.2.1]", (judged(signature(), word=Word.NONE),))
    stale = ServerSigned("ns2 [192.0.2.2]", (judged(signature(Standing.EXPIRED), word=Word.NONE),))
    silent = ServerSigned("ns3 [192.0.2.3]", ())
    for servers, raised in (((sound, stale), 1), ((stale, silent), 0), ((sound, silent), 0), ((stale,), 0)):
        assert (
            len(found(signatures_hold_at_every_server, TRUST, ServerSignatures("d", servers, False), UNTOLD))
            == raised
        )
