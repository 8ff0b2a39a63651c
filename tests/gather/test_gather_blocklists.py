"""Asking blocklists: test points first, refusals never count, and only what sends is asked for."""

from __future__ import annotations

import ipaddress
from typing import Any

import anyio
import pytest
from zoned_lab import ZonedLab

from diag.facts.blocklists import AddressOnLists, ListState, NameOnLists, SendingAddresses
from diag.facts.reverse import ReverseName
from diag.facts.roles import SendingDomain
from diag.gather import blocklists
from diag.gather.blocklists import Blocklist, table
from diag.gather.dns import NOBODY, look_up
from diag.lab.once import Once
from diag.model.knowing import Absent, Many, Unavailable

POINTS = """
2.0.0.127.zen.spamhaus.org. A 127.0.0.2
2.0.0.127.zen.spamhaus.org. A 127.0.0.10
2.0.0.127.bl.spamcop.net. A 127.0.0.2
2.0.0.127.psbl.surriel.com. A 127.0.0.2
dbltest.com.dbl.spamhaus.org. A 127.0.1.2
"""
SENDING = SendingDomain("org.example", "it has an MX", ())
TWO = SendingAddresses("org.example", ("192.0.2.10", "2001:db8::10"), ())
SIX = "0.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2"


def asked(
    zone: str, addresses: SendingAddresses | Absent = TWO, **world: Any
) -> tuple[Many[ListState], Many[AddressOnLists], NameOnLists, ZonedLab]:
    lab = ZonedLab(POINTS + zone, **world)

    async def run() -> Any:
        once = Once(lab)
        states = await blocklists.list_states.function(SENDING, addresses, once)
        on = Many[AddressOnLists]()
        if isinstance(addresses, SendingAddresses):
            on = await blocklists.addresses_on_lists.function(addresses, states, once)
        return states, on, await blocklists.name_on_lists.function(SENDING, states, once)

    return (*anyio.run(run), lab)


def of_lists(lab: ZonedLab) -> list[str]:
    """The names asked for, without the one by which a made-up answer is known, which every run asks for."""
    return [query.name for query in lab.asked if query.name != NOBODY]


def of(found: Many[AddressOnLists], address: str) -> AddressOnLists:
    value = found.get(address)
    assert isinstance(value, AddressOnLists)
    return value


def test_one_question_a_list_and_two_for_its_test_points() -> None:
    states, on, name, lab = asked("")
    assert [state.dead for state in states.values()] == [""] * 4
    assert all(not each.listings and not each.unknown for each in (*on.values(), name))
    # ZEN alone holds IPv6 addresses.
    assert len(of_lists(lab)) == 2 * 4 + 3 + 1 + 1
    assert f"{SIX}.zen.spamhaus.org" in lab.names("A")
    assert f"{SIX}.bl.spamcop.net" not in lab.names("A")
    assert lab.names("TXT") == []


def test_lists_of_addresses_are_left_in_peace_where_there_is_none() -> None:
    states, _, name, lab = asked("", Absent("none"))
    assert list(states.items) == ["dbl.spamhaus.org"]
    assert not name.unknown
    assert len(of_lists(lab)) == 3


def test_codes_their_meaning_and_the_list_s_own_words() -> None:
    _, on, _, _ = asked("""
10.2.0.192.zen.spamhaus.org. A 127.0.0.4
10.2.0.192.zen.spamhaus.org. A 127.0.0.11
10.2.0.192.zen.spamhaus.org. TXT "why" " so"
""")
    (listing,) = of(on, "192.0.2.10").listings
    assert listing.list == "Spamhaus ZEN"
    assert [code for code, _ in listing.codes] == ["127.0.0.4"]
    assert [code for code, _ in listing.policy] == ["127.0.0.11"]
    assert listing.text == "why so"
    assert of(on, "2001:db8::10").listings == ()


def test_a_policy_code_alone_is_no_other() -> None:
    _, on, _, _ = asked("10.2.0.192.zen.spamhaus.org. A 127.0.0.10")
    (listing,) = of(on, "192.0.2.10").listings
    assert listing.codes == ()
    assert listing.policy


@pytest.mark.parametrize(
    "code",
    ["127.255.255.252", "127.255.255.254", "127.255.255.255", "127.255.255.1", "203.0.113.1", "0.0.0.0"],
)
def test_a_refusal_is_neither_listed_nor_clean(code: str) -> None:
    _, on, _, _ = asked(f"10.2.0.192.bl.spamcop.net. A {code}\n10.2.0.192.bl.spamcop.net. A 127.0.0.2")
    found = of(on, "192.0.2.10")
    assert found.listings == ()
    assert [code in because for because, _ in found.unknown] == [True]


def test_a_list_that_refuses_its_test_point_is_asked_nothing_more() -> None:
    states, on, _, lab = asked(
        "10.2.0.192.zen.spamhaus.org. A 127.0.0.2",
        says={("2.0.0.127.zen.spamhaus.org", ""): "REFUSED"},
    )
    assert isinstance(states.get("zen.spamhaus.org"), Unavailable)
    assert of(on, "192.0.2.10").listings == ()
    assert len(of(on, "192.0.2.10").unknown) == 1
    assert "10.2.0.192.zen.spamhaus.org" not in lab.names("A")


@pytest.mark.parametrize(
    ("zone", "fails", "words"),
    [
        ("1.0.0.127.psbl.surriel.com. A 127.0.0.2", {}, "lists everything"),
        ("", {("2.0.0.127.psbl.surriel.com", "A"): "nxdomain"}, "lists nothing"),
    ],
)
def test_a_list_whose_test_points_are_wrong_is_dead(zone: str, fails: Any, words: str) -> None:
    states, on, _, lab = asked(zone + "\n10.2.0.192.psbl.surriel.com. A 127.0.0.2", fails=fails)
    state = states.get("psbl.surriel.com")
    assert isinstance(state, ListState)
    assert words in state.dead
    assert of(on, "192.0.2.10").listings == ()
    assert "10.2.0.192.psbl.surriel.com" not in lab.names("A")


@pytest.mark.parametrize("how", ["timeout", "servfail", "refused"])
def test_a_list_that_does_not_answer_is_not_dead(how: str) -> None:
    states, _, _, _ = asked("", fails={("2.0.0.127.psbl.surriel.com", "A"): how})
    assert isinstance(states.get("psbl.surriel.com"), Unavailable)


def test_the_domain_is_asked_for_on_lists_of_names() -> None:
    _, on, name, _ = asked("org.example.dbl.spamhaus.org. A 127.0.1.104")
    assert [each.list for each in name.listings] == ["Spamhaus DBL"]
    assert all(not each.listings for each in on.values())
    _, _, name, _ = asked("org.example.dbl.spamhaus.org. A 127.0.1.255")
    assert name.listings == ()
    assert len(name.unknown) == 1


def test_without_spf_no_address_is_known_to_send() -> None:
    reverse = Many({"192.0.2.10": ReverseName("192.0.2.10", (), "", "", (), "", False, ())})

    async def run() -> Any:
        return await blocklists.sending_addresses.function(reverse, SENDING, Absent("no record"))

    assert isinstance(anyio.run(run), Absent)


def test_the_table_says_of_each_list_what_is_needed() -> None:
    assert len({each.zone for each in table()}) == len(table())
    for each in table():
        assert each.holds in ("addresses", "names")
        assert each.terms
        assert each.codes
        assert each.manual.startswith("https://")
        assert each.removal.startswith("https://")
        for code in (*each.codes, *each.policy):
            assert ipaddress.ip_address(code) in ipaddress.ip_network("127.0.0.0/8")
            assert code not in each.refusals
            assert not code.startswith("127.255.255.")
        assert each.listed != each.unlisted
        assert not set(each.codes) & set(each.policy)


@pytest.mark.parametrize(("subject", "name"), [("192.0.2.10", "10.2.0.192"), ("2001:db8::10", SIX)])
def test_addresses_are_asked_for_backwards(subject: str, name: str) -> None:
    zen: Blocklist = next(each for each in table() if each.ipv6)
    assert zen.name_of(subject) == f"{name}.zen.spamhaus.org"


def test_an_answer_with_no_address_is_no_listing() -> None:
    zen = table()[0]

    async def run() -> str:
        lab = ZonedLab("x.zen.spamhaus.org. TXT none")
        return zen.refusal(await look_up(Once(lab), "x.zen.spamhaus.org", "A"))

    assert anyio.run(run) == ""
