"""Blocklists: whether public lists that receivers trust hold the domain, or an address it sends from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from diag.api import (
    AddressOnLists,
    Configure,
    Document,
    Finding,
    Listing,
    ListState,
    NameOnLists,
    OnLists,
    Rfc,
    Severity,
    Undecided,
    Verdict,
    check,
    rule,
)

_SPAMHAUS = Document("Spamhaus: DNSBL usage", "https://www.spamhaus.org/faqs/dnsbl-usage/")
_PBL = Document("Spamhaus: Policy Blocklist (PBL)", "https://www.spamhaus.org/blocklists/policy-blocklist/")


Codes = tuple[tuple[str, str], ...]
"""Codes with their meanings."""


class ListedFinding(Finding):
    """What all rules about being listed hold, and how they are told."""

    list: str
    reason: str

    @classmethod
    def told_of(cls, found: OnLists, given: Iterable[tuple[Listing, Codes]]) -> Iterator[Verdict]:
        """A finding for each listing with the codes that count; what a list would not say stays open."""
        for listing, codes in given:
            yield cls(
                subject=found.subject,
                list=listing.list,
                reason=_reason(listing, codes),
                evidence=listing.asked,
                fix=(_removal(listing, found.subject),),
            )
        yield from _unknown(found)


@rule("blocklists/address-listed", Severity.ERROR, Rfc(5782, "2.1"), _SPAMHAUS, since="1.0")
class AddressListed(ListedFinding):
    """An address that you send from is on a list that receivers refuse mail by.

    ## Why it matters
    Receivers everywhere ask such lists before they take a message, and refuse it where the sender is on one.

    ## How to fix
    Find the cause first: an infected machine, a stolen password, a web form that anybody can send through, mail to
    bought addresses. Mend it, and then ask the list for removal; without that you are back on it within days.
    """

    message = "{subject} is on {list}: {reason}."


@check
def sending_addresses_are_on_no_blocklist(found: AddressOnLists) -> Iterator[Verdict]:
    """The address is on no list that receivers refuse mail by."""
    given = [(listing, listing.codes) for listing in found.listings if listing.codes]
    yield from AddressListed.told_of(found, given)


@rule("blocklists/policy-listed", Severity.WARNING, Rfc(5782, "2.1"), _PBL, since="1.0")
class PolicyListed(ListedFinding):
    """An address that you send from is listed as one that should not send mail itself.

    ## Why it matters
    Such lists hold home connections and clouds, from which mail is to go through the provider's servers. Nobody
    says that you sent spam; receivers that ask the list refuse the mail all the same.

    ## How to fix
    Send through a relay of your provider, or take the address off the list: whoever is responsible for it can.
    """

    message = "{subject} is on {list} as an address that should not send mail itself: {reason}."


@check
def sending_addresses_may_send_directly(found: AddressOnLists) -> Iterator[Verdict]:
    """The address is on no list of addresses that should not send mail themselves."""
    given = [(listing, listing.policy) for listing in found.listings if listing.policy]
    yield from PolicyListed.told_of(found, given)


@rule("blocklists/name-listed", Severity.ERROR, Rfc(5782, "3"), _SPAMHAUS, since="1.0")
class NameListed(ListedFinding):
    """Your domain is on a list that receivers refuse mail by.

    ## Why it matters
    Receivers look up the domains of the sender, of signatures and of links. They refuse a message with a
    listed one or treat it as spam, whatever address it comes from.

    ## How to fix
    Find the cause first: a hacked web site, mail to bought addresses, a name that somebody misused before you
    had it. Mend it, and then ask the list for removal.
    """

    message = "{subject} is on {list}: {reason}."


@check
def the_domain_is_on_no_blocklist(found: NameOnLists) -> Iterator[Verdict]:
    """The domain is on no list that receivers refuse mail by."""
    given = [(listing, listing.codes + listing.policy) for listing in found.listings]
    yield from NameListed.told_of(found, given)


@rule("blocklists/list-dead", Severity.INFO, Rfc(5782, "5"), since="1.0")
class ListDead(Finding):
    """A list of senders of spam does not work as it is asked from here.

    ## Why it matters
    A list that holds everything blames everybody, and one that holds nothing clears everybody: what it says
    was not counted. Some lists seem empty to those who ask through a public resolver.

    ## How to fix
    Ask through a resolver of your own (`--nameserver ADDRESS`). Where your mail server uses the list, see
    whether it still exists.
    """

    message = "{subject} ({zone}) says nothing that counts: {why}."
    zone: str
    why: str


@check
def blocklists_work(state: ListState) -> Iterator[Finding]:
    """The list holds its test point, and not everything."""
    if state.dead:
        yield ListDead(subject=state.list, zone=state.zone, why=state.dead, evidence=state.asked)


def _reason(listing: Listing, codes: Codes) -> str:
    """The codes with their meanings, and the list's own words."""
    coded = ", ".join(f"{code} ({meaning})" if meaning else code for code, meaning in codes)
    return f'{coded}; "{listing.text}"' if listing.text else coded


def _removal(listing: Listing, subject: str) -> Configure:
    return Configure(
        listing.removal, f"ask for the removal of {subject}, once the cause is mended", listing.list
    )


def _unknown(found: OnLists) -> Iterator[Undecided]:
    """A list that refuses us has neither listed nor cleared anybody."""
    for because, asked in found.unknown:
        yield Undecided(because, asked, found.subject)
