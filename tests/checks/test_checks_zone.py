"""The subtle sides of judging a zone: who is blamed, in which words, and what is left alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import pytest

from checks.zone import (
    every_name_server_answers,
    every_name_server_has_an_address,
    name_servers_stand_apart,
    parent_and_child_name_the_same_servers,
    some_name_server_answers,
)
from checks.zone_answers import (
    an_alias_stands_alone,
    every_name_server_has_the_same_records,
    every_name_server_has_the_same_serial,
    every_name_server_takes_tcp,
    records_live_for_a_sensible_time,
)
from checks.zone_names import aliases_lead_somewhere, no_name_has_the_domain_twice
from checks.zone_texts import policies_hold_only_what_can_be_typed, strings_are_not_cut_between_words
from checks.zone_words import listed
from diag.api import (
    Broken,
    BrokenAlias,
    Certainty,
    Check,
    Cite,
    DoubledName,
    Finding,
    Many,
    NameServer,
    NameServerRegistration,
    PolicyText,
    PolicyTexts,
    Replace,
    Standing,
    Target,
    Undecided,
    Verdict,
    ZoneDelegation,
    ZoneServers,
)
from diag.facts.zone import Key, Said
from diag.probes.dns import DnsQuery

APEX = "a.example"
CITE = Cite(DnsQuery(APEX, "SOA"))
MX = (APEX, "MX")


def said(*values: str, ttl: int = 3600, size: int = 100, alias: bool = False) -> Said:
    return Said(frozenset(values), alias, ttl, size, "udp", CITE)


def server(
    number: int,
    standing: Standing = Standing.AUTHORITATIVE,
    *,
    six: bool = False,
    serial: int = 7,
    tcp: bool = True,
    names: tuple[str, ...] = ("ns1.a.example", "ns2.a.example"),
    records: Mapping[Key, Said] | None = None,
    minimum: int = 300,
) -> NameServer:
    address = f"2001:db8:{number}::53" if six else f"198.51.{number}.53"
    why = "" if standing is Standing.AUTHORITATIVE else "REFUSED"
    return NameServer(
        f"ns{number}.a.example", address, standing, why, serial, minimum, names, tcp, True, records or {}, ()
    )


def zone(*servers: NameServer, tcp_open: bool = True, settled: bool = True) -> ZoneServers:
    return ZoneServers(APEX, servers, tcp_open, settled, {}, ())


def delegation(*names: str, addresses: Mapping[str, tuple[str, ...]] | None = None) -> ZoneDelegation:
    return ZoneDelegation(APEX, APEX, True, names, names, addresses or {}, (), ("192.0.2.2",), ())


def told(check: Check, *facts: object) -> list[str]:
    verdicts: Iterator[Verdict] = check.function(*facts)
    return [v.id if isinstance(v, Finding) else f"? {v.because}" for v in verdicts]


def the_one(check: Check, *facts: object) -> Finding:
    (finding,) = check.function(*facts)
    assert isinstance(finding, Finding)
    return finding


FAILS, SILENT = Standing.FAILS, Standing.SILENT


def test_a_server_is_lame_only_while_another_answers() -> None:
    assert told(every_name_server_answers, zone(server(1), server(2, FAILS))) == ["zone/lame-server"]
    dead = zone(server(1, SILENT), server(2, FAILS))
    assert told(every_name_server_answers, dead) == []
    assert told(some_name_server_answers, delegation(), dead) == ["zone/no-server-answers"]


def test_silence_over_ipv6_counts_where_somebody_answers_over_ipv6() -> None:
    alone = zone(server(1), server(1, SILENT, six=True))
    assert told(every_name_server_answers, alone) == []
    beside = zone(server(1), server(1, SILENT, six=True), server(2, FAILS, six=True))
    assert told(every_name_server_answers, beside) == ["zone/lame-server"] * 2


def test_silence_is_less_certain_than_a_refusal() -> None:
    silent = the_one(every_name_server_answers, zone(server(1), server(2, SILENT)))
    refused = the_one(every_name_server_answers, zone(server(1), server(2, FAILS)))
    assert (silent.certainty, refused.certainty) == (Certainty.LIKELY, Certainty.CERTAIN)


def test_a_server_nobody_can_reach_is_lame_and_an_unseen_one_is_not() -> None:
    listed_at = {
        "in.example": ("10.0.0.1",),
        "no.example": (),
        "six.example": (),
        "ns1.a.example": ("198.51.1.53",),
    }
    where = replace(delegation(*listed_at, addresses=listed_at), unseen=("six.example",))
    free: Many[NameServerRegistration] = Many(
        {"no.example": NameServerRegistration("no.example", APEX, "no.example", True, ())}
    )
    lame = every_name_server_has_an_address.function(where, zone(server(1)), free, Target(APEX))
    assert [finding.subject for finding in lame] == ["in.example"]
    lame = every_name_server_has_an_address.function(where, zone(server(1)), Many(), Target(APEX))
    assert [finding.subject for finding in lame] == ["in.example", "no.example"]
    dead = zone(server(1, SILENT))
    assert told(every_name_server_has_an_address, where, dead, Many(), Target(APEX)) == []


def test_where_servers_stand_is_open_while_an_address_is_unknown() -> None:
    near = delegation("a.example", "b.example", addresses={"a.example": ("198.51.1.53",), "b.example": ()})
    assert told(name_servers_stand_apart, near, zone(server(1))) == ["zone/too-few-servers"]
    (open_,) = told(name_servers_stand_apart, replace(near, unseen=("b.example",)), zone(server(1)))
    assert open_ == "? not every address of b.example is known"


def test_silence_of_the_zone_above_says_nothing_of_its_list() -> None:
    alone = replace(delegation("x.example"), above=())
    (open_,) = told(parent_and_child_name_the_same_servers, alone, zone(server(1)))
    assert open_.startswith("? no server of the zone above")


def test_silence_to_one_question_of_a_server_without_tcp_is_an_answer_cut_short() -> None:
    cut = replace(server(1, tcp=False), unheard=((APEX, "TXT"),))
    finding = the_one(every_name_server_takes_tcp, zone(cut, server(2)))
    assert (finding.id, finding.certainty) == ("zone/no-tcp", Certainty.LIKELY)
    assert told(every_name_server_takes_tcp, zone(replace(cut, tcp=True), server(2))) == []


def test_only_the_alias_of_a_policy_is_withdrawn() -> None:
    beside = {"_dmarc.a.example": ("TXT",), "news.a.example": ("MX",), APEX: ("SOA",)}
    found = list(an_alias_stands_alone.function(replace(zone(server(1)), beside_alias=beside)))
    assert [len(finding.fix) for finding in found] == [1, 0, 0]


def test_without_any_address_of_a_server_nothing_is_known() -> None:
    assert told(some_name_server_answers, delegation("ns1.a.example"), zone())[0].startswith("? no address")
    gone = replace(delegation("ns1.a.example"), gone=("ns1.a.example",))
    assert told(some_name_server_answers, gone, zone()) == ["zone/no-server-answers"]


@pytest.mark.parametrize(
    ("parent", "child", "rules"),
    [
        (("ns1.a.example", "ns2.a.example"), ("ns1.a.example", "ns2.a.example"), []),
        ((), ("ns1.a.example",), []),
        (("ns1.a.example",), (), []),
        (("ns1.a.example",), ("ns1.a.example", "ns2.a.example"), ["zone/parent-child-mismatch"]),
        (("ns3.a.example",), ("ns1.a.example", "ns2.a.example"), ["zone/parent-child-disjoint"]),
    ],
)
def test_lists_of_name_servers(parent: tuple[str, ...], child: tuple[str, ...], rules: list[str]) -> None:
    facts = delegation(*parent), zone(server(1, names=child), server(2, names=child))
    assert told(parent_and_child_name_the_same_servers, *facts) == rules


def test_a_list_that_one_server_has_and_another_has_not_is_told() -> None:
    old = server(2, names=("ns1.a.example",))
    finding = the_one(
        parent_and_child_name_the_same_servers,
        delegation("ns1.a.example", "ns2.a.example"),
        zone(server(1), old),
    )
    assert finding.text().endswith("only some of its servers name ns2.a.example.")


@pytest.mark.parametrize(
    ("addresses", "apart"),
    [
        (("198.51.100.1", "198.51.100.200"), False),
        (("198.51.100.1", "198.51.101.1"), True),
        (("198.51.100.1", "198.51.100.2", "2001:db8:1::1"), False),
        (("198.51.100.1", "2001:db8:1::1", "2001:db8:2::1"), True),
        ((), True),
    ],
)
def test_places(addresses: tuple[str, ...], apart: bool) -> None:
    known = delegation("ns1.a.example", "ns2.a.example", addresses={"ns1.a.example": addresses})
    assert told(name_servers_stand_apart, known, zone()) == ([] if apart else ["zone/too-few-servers"])


def test_the_newest_version_is_told_first_and_by_whom() -> None:
    new, old = {MX: said("10 new.")}, {MX: said("10 old.")}
    servers = [server(n, serial=6, records=old) for n in (1, 2, 3)]
    finding = the_one(every_name_server_has_the_same_records, zone(*servers, server(4, records=new)))
    assert finding.text() == (
        "a.example MX is not the same everywhere: the newest version is on 1 of 4 name servers (ns4.a.example), "
        "while ns1.a.example has another, ns2.a.example has another and ns3.a.example has another."
    )


def test_a_record_withdrawn_on_some_servers_is_told_as_such() -> None:
    finding = the_one(
        every_name_server_has_the_same_records,
        zone(server(1, serial=8, records={MX: said()}), server(2, records={MX: said("10 mx.")})),
    )
    assert "the newest version, which is to have none, is on 1 of 2" in finding.text()


def test_times_to_live_and_silence_are_no_difference() -> None:
    same = zone(
        server(1, records={MX: said("10 mx.", ttl=9)}), server(2, records={MX: said("10 mx.")}), server(3)
    )
    assert told(every_name_server_has_the_same_records, same) == []


@pytest.mark.parametrize(("old", "new"), [(7, 8), (2**32 - 5, 3), (0, 2**31 - 1), (2**31 + 9, 2**32 - 1)])
def test_the_newest_version_is_that_of_the_serial_that_comes_after(old: int, new: int) -> None:
    behind, ahead = (
        server(1, serial=old, records={MX: said("10 old.")}),
        server(2, serial=new, records={MX: said("10 new.")}),
    )
    for order in ((behind, ahead), (ahead, behind)):
        (found,) = zone(*order).differences()
        assert [list(values) for values in found.versions] == [["10 new."], ["10 old."]]


@pytest.mark.parametrize(("servers", "rules"), [(2, ["zone/serial-differs"]), (3, [])])
def test_serials_may_differ_where_three_hosts_have_equal_records(servers: int, rules: list[str]) -> None:
    many = zone(*(server(n, serial=n, records={MX: said("10 mx.")}) for n in range(1, servers + 1)))
    assert told(every_name_server_has_the_same_serial, many) == rules


@pytest.mark.parametrize(("size", "rule"), [(1232, "zone/no-tcp-yet-unneeded"), (1233, "zone/no-tcp")])
def test_tcp_is_needed_for_what_does_not_fit(size: int, rule: str) -> None:
    records = {(APEX, "TXT"): said("x", size=size)}
    assert told(every_name_server_takes_tcp, zone(server(1, records=records), server(2, tcp=False))) == [rule]


def test_tcp_that_nobody_takes_may_be_our_own_port() -> None:
    (undecided,) = every_name_server_takes_tcp.function(zone(server(1, tcp=False), tcp_open=False))
    assert isinstance(undecided, Undecided)


@pytest.mark.parametrize(
    ("ttl", "alias", "raised"),
    [
        (59, False, True),
        (60, False, False),
        (604_800, False, False),
        (604_801, False, True),
        (5, True, False),
    ],
)
def test_times_to_live(ttl: int, alias: bool, raised: bool) -> None:
    records = {MX: said("10 mx.", ttl=ttl, alias=alias)}
    found = told(
        records_live_for_a_sensible_time, zone(server(1, records=records), server(2, records=records))
    )
    assert found == (["zone/ttl-extreme"] if raised else [])


@pytest.mark.parametrize(("minimum", "raised"), [(86_400, False), (86_401, True)])
def test_denials_are_remembered_for_a_day_at_most(minimum: int, raised: bool) -> None:
    found = told(records_live_for_a_sensible_time, zone(server(1, minimum=minimum)))
    assert found == (["zone/ttl-extreme"] if raised else [])


@pytest.mark.parametrize(
    ("wanted", "claimable", "rules"),
    [
        (True, "", ["zone/alias-broken"]),
        (False, "", []),
        (True, "nobody has it", ["zone/alias-claimable"]),
        (False, "nobody has it", ["zone/alias-claimable"]),
    ],
)
def test_an_alias_into_nowhere(wanted: bool, claimable: str, rules: list[str]) -> None:
    alias = BrokenAlias("_dmarc.a.example", ("x.example",), Broken.GONE, wanted, claimable, ())
    assert told(aliases_lead_somewhere, alias) == rules


def test_the_cure_of_a_doubled_name_is_the_right_one() -> None:
    doubled = DoubledName(
        APEX, "_mta-sts.a.example", "_mta-sts.a.example.a.example", ("v=STSv1; id=1",), False, ()
    )
    (cure,) = the_one(no_name_has_the_domain_twice, doubled).fix
    assert str(cure) == '_mta-sts.a.example. 3600 IN TXT "v=STSv1; id=1"'
    assert told(no_name_has_the_domain_twice, replace(doubled, right_exists=True)) == [
        "zone/doubled-name-as-well"
    ]


def texts(*strings: str, name: str = APEX) -> PolicyTexts:
    return PolicyTexts(APEX, (PolicyText(name, strings, ()),))


@pytest.mark.parametrize(
    ("strings", "raised"),
    [
        (("v=spf1 a", "mx -all"), True),
        (("v=spf1", "mx -all"), True),
        (("v=spf1 a ", "mx -all"), False),
        (("v=spf1 a:mail.a.ex", "ample -all"), False),
        (("v=spf1 a mx -all",), False),
        (("v=spf1 bogus:", "mx -all"), False),  # broken either way
        (("v=DMARC1; p=none;", "rua=mailto:x@a.example"), False),
    ],
)
def test_where_a_record_is_cut(strings: tuple[str, ...], raised: bool) -> None:
    found = told(strings_are_not_cut_between_words, texts(*strings))
    assert found == (["zone/split-in-word"] if raised else [])


def latin(text: str) -> str:
    return text.encode().decode("latin-1")


@pytest.mark.parametrize(
    ("text", "rules", "cure"),
    [
        ("v=spf1 mx -all", [], ""),
        ('"v=spf1 mx -all"', ["zone/stray-quotes"], "v=spf1 mx -all"),
        ('v=spf1 mx -all"', ["zone/stray-quotes"], "v=spf1 mx -all"),
        (latin("\u201cv=spf1 mx -all\u201d"), ["zone/stray-quotes"], "v=spf1 mx -all"),
        (latin("v=spf1\u00a0mx -all"), ["zone/invisible-characters"], "v=spf1 mx -all"),
        (latin("\ufeffv=spf1 mx -all"), ["zone/invisible-characters"], "v=spf1 mx -all"),
        ("v=spf1\tmx -all", ["zone/invisible-characters"], "v=spf1 mx -all"),
        ("v=DMARC1;\tp=reject", [], ""),  # RFC 9989 section 4.8 allows it
        ("v=spf1 exp=\xff.a.example -all", [], ""),
    ],
)
def test_characters_that_do_not_belong_there(text: str, rules: list[str], cure: str) -> None:
    found = list(policies_hold_only_what_can_be_typed.function(texts(text)))
    assert [finding.id for finding in found] == rules
    for finding in found:
        (change,) = finding.fix
        assert isinstance(change, Replace)
        assert change.value == cure
        assert change.old.encode("utf-8", "surrogateescape") == text.encode("latin-1")


@pytest.mark.parametrize(
    ("items", "words"),
    [((), ""), (("a",), "a"), (("a", "b"), "a and b"), (tuple("abcde"), "a, b, c and 2 more")],
)
def test_lists_in_words(items: tuple[str, ...], words: str) -> None:
    assert listed(items) == words
