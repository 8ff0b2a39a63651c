"""Asking public lists for the addresses that send, and for the domain: each list only once its test points agree."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import field
from functools import cache, partial
from typing import TypeVar

from diag.facts.blocklists import AddressOnLists, Listing, ListState, NameOnLists, OnLists, SendingAddresses
from diag.facts.reverse import ReverseName
from diag.facts.roles import SendingDomain
from diag.facts.spf import SpfEvaluation
from diag.model.frozen import frozen
from diag.model.knowing import Absent, Many, Unavailable
from diag.model.plugin import fact
from diag.model.tables import table as read_table
from diag.probes.probe import Lab
from diag.together import all_of

from .dns import Found, Looked, look_up, reverse_name

O = TypeVar("O", bound=OnLists)  # noqa: E741

MOST_ADDRESSES = 8
"""Addresses asked for: a list is a guest's house."""
LONGEST_TEXT = 300
"""Characters of a list's own words that are kept."""
_LISTED = ipaddress.ip_network("127.0.0.0/8")
_REFUSED = ipaddress.ip_network("127.255.255.0/24")


@frozen
class Blocklist:
    """One entry of the table, `data/blocklists.toml`."""

    name: str
    zone: str
    holds: str
    """ "addresses" or "names"."""
    ipv6: bool
    listed: str
    unlisted: str
    manual: str
    removal: str
    terms: str
    codes: Mapping[str, str] = field(default_factory=dict)
    policy: Mapping[str, str] = field(default_factory=dict)
    refusals: Mapping[str, str] = field(default_factory=dict)

    def name_of(self, subject: str) -> str:
        """The name to ask for: an address backwards, or a domain as it is (RFC 5782 sections 2.1, 2.4 and 3)."""
        if self.holds == "addresses":
            subject = reverse_name(subject).removesuffix(".in-addr.arpa").removesuffix(".ip6.arpa")
        return f"{subject}.{self.zone}"

    def refusal(self, looked: Looked) -> str:
        """Why an answer says nothing of what was asked for; empty where it does."""
        if isinstance(looked, Unavailable):
            return looked.because
        for code in _codes(looked):
            if code in self.refusals:
                return f"{self.name} answers {code}: {self.refusals[code]}"
            if ipaddress.ip_address(code) in _REFUSED or ipaddress.ip_address(code) not in _LISTED:
                return f"{self.name} answers {code}, which is no entry of a list but a refusal"
        return ""


@cache
def table() -> tuple[Blocklist, ...]:
    """The lists as packaged."""
    return tuple(Blocklist(**entry) for entry in read_table("diag.gather", "blocklists")["list"])


@fact
async def sending_addresses(
    reverse: Many[ReverseName], sending: SendingDomain, spf: SpfEvaluation | Absent
) -> SendingAddresses | Absent:
    """The public addresses of the domain's own MX hosts that its SPF record names.

    An address that only takes mail may stand on any list, and nobody minds.
    """
    networks = [network for _, _, network in spf.networks()] if isinstance(spf, SpfEvaluation) else []
    named = tuple(
        address
        for address in reverse.items
        if any(ipaddress.ip_address(address) in network for network in networks)
    )
    asked = sending.asked + (spf.evidence if isinstance(spf, Absent) else spf.asked)
    if not named:
        return Absent(f"{sending.domain} names no address of a mail host of its own that sends", asked)
    return SendingAddresses(sending.domain, named[:MOST_ADDRESSES], asked)


@fact
async def list_states(
    sending: SendingDomain, addresses: SendingAddresses | Absent | Unavailable, lab: Lab
) -> Many[ListState]:
    """The test points of the lists that there is something to ask for."""
    wanted = {"names", "addresses"} if isinstance(addresses, SendingAddresses) else {"names"}
    lists = {each.zone: each for each in table() if each.holds in wanted}
    return Many(await all_of(lambda zone: _state(lists[zone], lab), lists))


@fact
async def addresses_on_lists(
    addresses: SendingAddresses, states: Many[ListState], lab: Lab
) -> Many[AddressOnLists]:
    """Each address that sends, on each list that works."""
    ask = partial(_on_lists, AddressOnLists, states=states, lab=lab)
    return Many(await all_of(ask, addresses.addresses))


@fact
async def name_on_lists(sending: SendingDomain, states: Many[ListState], lab: Lab) -> NameOnLists:
    """The domain on each list of names that works."""
    return await _on_lists(NameOnLists, sending.domain, states, lab)


async def _state(each: Blocklist, lab: Lab) -> ListState | Unavailable:
    looked = await all_of(lambda point: look_up(lab, each.name_of(point), "A"), (each.listed, each.unlisted))
    asked = tuple(cite for answer in looked.values() for cite in answer.evidence)
    for answer in looked.values():
        if refusal := each.refusal(answer):
            return Unavailable(refusal, asked)
    dead = ""
    if _codes(looked[each.unlisted]):
        dead = f"it lists {each.unlisted}, which stands on no list that works: it lists everything"
    elif not _codes(looked[each.listed]):
        dead = f"it does not list {each.listed}, its test point: it lists nothing, or tells us nothing"
    return ListState(each.name, each.zone, each.manual, dead, asked)


async def _on_lists(make: type[O], subject: str, states: Many[ListState], lab: Lab) -> O:
    lists = {
        each.zone: each
        for each in table()
        if each.holds == ("names" if make is NameOnLists else "addresses")
        and (each.ipv6 or ":" not in subject)
    }
    found = await all_of(lambda zone: _asked(lists[zone], subject, states.get(zone), lab), lists)
    listings = tuple(each for each in found.values() if isinstance(each, Listing))
    unknown = tuple((each.because, each.evidence) for each in found.values() if isinstance(each, Unavailable))
    asked = tuple(
        cite
        for each in found.values()
        for cite in (each.asked if isinstance(each, Listing) else each.evidence)
    )
    return make(subject, listings, unknown, asked)


async def _asked(
    each: Blocklist, subject: str, state: ListState | Absent | Unavailable | None, lab: Lab
) -> Listing | Absent | Unavailable:
    """One list for one thing; its own words only where it lists the thing."""
    if not isinstance(state, ListState):
        return state if isinstance(state, Unavailable) else Unavailable(f"{each.name} was not tested")
    if state.dead:
        return Unavailable(f"{each.name} does not work: {state.dead}", state.asked)
    name = each.name_of(subject)
    looked = await look_up(lab, name, "A")
    if refusal := each.refusal(looked):
        return Unavailable(refusal, looked.evidence)
    codes = _codes(looked)
    if not codes:
        return Absent(f"{subject} is not on {each.name}", looked.evidence)
    told = await look_up(lab, name, "TXT")
    return Listing(
        list=each.name,
        removal=each.removal,
        codes=tuple((code, each.codes.get(code, "")) for code in codes if code not in each.policy),
        policy=tuple((code, each.policy[code]) for code in codes if code in each.policy),
        text=" ".join(" / ".join(told.texts()).split())[:LONGEST_TEXT] if isinstance(told, Found) else "",
        asked=looked.evidence + told.evidence,
    )


def _codes(looked: Looked) -> tuple[str, ...]:
    return tuple(sorted(str(rdata) for rdata in looked.rdatas)) if isinstance(looked, Found) else ()
