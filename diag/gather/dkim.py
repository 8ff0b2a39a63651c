"""Looking for the domain's DKIM keys: whether any can exist, then the selectors worth asking for."""

from __future__ import annotations

from collections.abc import Iterable

from diag.facts.dkim import Below, DkimKeyFound, DkimLegacyPolicy, DkimSelectors, Selector
from diag.model.knowing import Absent, Cite, Many, Unavailable
from diag.model.plugin import fact
from diag.model.target import Target
from diag.names.domain import parents
from diag.names.parsed import plain
from diag.probes.dns import DnsAnswer, DnsQuery
from diag.probes.moment import Nonce
from diag.probes.probe import Lab
from diag.records.dkim import DkimKey, looks_like_key
from diag.records.dkim_keys import Ed25519Key, RsaKey
from diag.records.spf import SpfRecord, is_spf
from diag.records.tags import TagList
from diag.together import all_of

from .compact import unless_gone
from .dns import Found, Looked, NoRecord, look_up
from .known_keys import list_of
from .selectors import of_habit, of_providers, of_user, worth_asking

MOST_SERVERS = 6
"""Name servers asked one by one before we believe that no key exists."""
_TRIED_ANYWAY = 4
"""Common selectors asked for although `_domainkey` does not exist: some name servers deny the names above
those they hold (against RFC 8020 section 2), and a key found shows it."""


@fact
async def selectors(target: Target, lab: Lab) -> DkimSelectors | Unavailable:
    """Two rounds: what `_domainkey` is like and who the providers are, then all selectors at once."""
    domain = target.domain
    apex = f"_domainkey.{domain}"
    nobody = f"{(await lab.run(Nonce())).text}.{apex}"
    first = {"mx": (domain, "MX"), "txt": (domain, "TXT"), "above": (apex, "TXT"), "nobody": (nobody, "TXT")}
    looked = await all_of(lambda what: look_up(lab, *first[what]), first)
    above, wild = looked["above"], looked["nobody"]
    for answer in (above, wild):
        if isinstance(answer, Unavailable):
            return answer
    assert not isinstance(above, Unavailable)
    assert not isinstance(wild, Unavailable)

    below = _below(above, wild)
    known = worth_asking(
        of_user(target.selectors), of_providers(_targets(looked["mx"]), _handed_to(looked["txt"]))
    )
    everything = worth_asking(known, of_habit())
    tried = {
        Below.WILDCARD: known,
        Below.NONE: worth_asking(known, of_habit()[:_TRIED_ANYWAY]),
    }.get(below, everything)
    answers = await ask_for(lab, domain, tried)
    if isinstance(above, NoRecord) and above.authenticated and not any(map(_is_found, answers.values())):
        # Compact denial is looked for last: most signed domains have keys.
        above = await unless_gone(lab, above, "TXT")
        below = _below(above, wild)
    asked = above.evidence + wild.evidence
    agree = False
    if below is Below.NONE:
        agree = isinstance(above, NoRecord) and above.authenticated
        if any(map(_is_found, answers.values())):
            below, agree = Below.CONTRADICTED, False
            answers = await ask_for(lab, domain, everything)
        elif not agree:
            said, servers = await _name_servers_say(lab, domain, apex)
            agree, asked = said == {"NXDOMAIN"}, asked + servers
            below = Below.CONTRADICTED if "NOERROR" in said else below
    wildcard = _texts(wild)
    return DkimSelectors(
        domain=domain,
        below=below,
        wildcard=wildcard or tuple(f"CNAME {alias}" for alias in wild.aliases[-1:]),
        wildcard_is_key=any(looks_like_key(text) for text in wildcard),
        tried=tuple(answers),
        found=tuple(s.name for s, answer in answers.items() if _own(answer, wildcard)),
        servers_agree=agree,
        asked=asked,
    )


@fact
async def keys(selectors: DkimSelectors, lab: Lab) -> Many[DkimKeyFound]:
    """What is published at each selector that has anything of its own, by `selector._domainkey.domain`."""
    items: dict[str, DkimKeyFound | Absent | Unavailable] = {}
    # Asked a moment ago: the lab remembers.
    for selector, looked in (await ask_for(lab, selectors.domain, selectors.tried)).items():
        name = f"{selector.name}._domainkey.{selectors.domain}"
        if isinstance(looked, Unavailable):
            items[name] = looked
        elif isinstance(looked, Found) and _own(looked, selectors.wildcard):
            texts = looked.texts()
            published = tuple(DkimKey.parse(text) for text in texts if looks_like_key(text))
            lists = [await list_of(_number(key), lab) for key in published]
            items[name] = DkimKeyFound(
                domain=selectors.domain,
                selector=selector,
                name=name,
                owner=looked.owner,
                aliases=looked.aliases,
                texts=texts,
                keys=published,
                asked=looked.evidence,
                listed=next(filter(None, lists), ""),
            )
    return Many(items)


@fact
async def legacy_policy(selectors: DkimSelectors, lab: Lab) -> DkimLegacyPolicy | Absent | Unavailable:
    """Policies at `_domainkey` and `_adsp._domainkey`; asked for only where names below `_domainkey` exist."""
    if selectors.below in (Below.NONE, Below.WILDCARD):
        return Absent(f"nothing of its own exists below _domainkey.{selectors.domain}", selectors.asked)
    apex = f"_domainkey.{selectors.domain}"
    names = {apex: "o", f"_adsp.{apex}": "dkim"}  # the tag without which it is no policy
    looked = await all_of(lambda name: look_up(lab, name, "TXT"), names)
    asked = tuple(cite for answer in looked.values() for cite in answer.evidence)
    for answer in looked.values():
        if isinstance(answer, Unavailable):
            return answer
    records = tuple(
        (name, answer.owner, text)
        for name, answer in looked.items()
        if isinstance(answer, Found)
        for text in answer.texts()
        if TagList.parse(text).first(names[name]) is not None
    )
    return DkimLegacyPolicy(records, asked) if records else Absent("no policy of the past is left", asked)


async def ask_for(lab: Lab, domain: str, tried: Iterable[Selector]) -> dict[Selector, Looked]:
    """The TXT records at each of these selectors, all asked at the same time."""
    by_name = {f"{selector.name}._domainkey.{domain}": selector for selector in tried}
    looked = await all_of(lambda name: look_up(lab, name, "TXT"), by_name)
    return {by_name[name]: answer for name, answer in looked.items()}


def _number(key: DkimKey) -> bytes:
    """What identifies the key on lists of known ones; empty where there is no key that a verifier could use."""
    match key.key:
        case RsaKey(modulus=modulus) if modulus > 0:
            return modulus.to_bytes((modulus.bit_length() + 7) // 8)
        case Ed25519Key(octets=octets):
            return octets.lstrip(b"\0")
        case _:
            return b""


def _is_found(looked: Looked) -> bool:
    return isinstance(looked, Found)


def _own(looked: Looked, wildcard: tuple[str, ...]) -> bool:
    """Whether there are records which are not those of the wildcard."""
    return isinstance(looked, Found) and (not wildcard or looked.texts() != wildcard)


def _below(above: Found | NoRecord, wild: Found | NoRecord) -> Below:
    if isinstance(wild, Found) or wild.aliases:
        return Below.WILDCARD
    if isinstance(above, NoRecord) and not above.name_exists and not above.aliases:
        return Below.NONE
    return Below.POSSIBLE


async def _name_servers_say(lab: Lab, domain: str, apex: str) -> tuple[set[str], tuple[Cite, ...]]:
    """The response codes with which the zone's own name servers answer for a name; the silent are left out."""
    hosts: tuple[str, ...] = ()
    for zone in (domain, *parents(domain)[:-1]):
        ns = await look_up(lab, zone, "NS")
        if isinstance(ns, Found) and ns.owner == zone:
            hosts = tuple(sorted(plain(rdata.target) for rdata in ns.rdatas))[:MOST_SERVERS]  # type: ignore[attr-defined]
            break
    found = await all_of(lambda host: look_up(lab, host, "A"), hosts)
    addresses = [str(looked.rdatas[0]) for looked in found.values() if isinstance(looked, Found)]
    queries = {address: DnsQuery(apex, "TXT", address) for address in addresses}
    answers = await all_of(lambda address: lab.run(queries[address]), addresses)
    said = {answer.rcode for answer in answers.values() if isinstance(answer, DnsAnswer) and answer.usable}
    return said, tuple(Cite(query) for query in queries.values())


def _targets(mx: Looked) -> tuple[str, ...]:
    return tuple(plain(rdata.exchange) for rdata in mx.rdatas) if isinstance(mx, Found) else ()  # type: ignore[attr-defined]


def _handed_to(txt: Looked) -> tuple[str, ...]:
    """The names that the domain's own SPF record includes or redirects to; deeper ones are not needed here."""
    names = []
    for text in _texts(txt):
        if is_spf(text):
            record = SpfRecord.parse(text)
            names += [m.domain_spec.name for m in record.mechanisms if m.name == "include" and m.domain_spec]
            names += [m.macros.name for m in record.modifiers if m.name == "redirect"]
    return tuple(name for name in names if name)


def _texts(looked: Looked) -> tuple[str, ...]:
    return looked.texts() if isinstance(looked, Found) else ()
