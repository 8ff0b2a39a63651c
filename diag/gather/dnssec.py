"""Whether answers are secured by DNSSEC: by the word of our resolver, and by verifying the signatures."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from diag.facts.dnssec import (
    DeniedSet,
    DnssecStatus,
    DsSeen,
    KeySeen,
    Security,
    SignedSet,
    Word,
    ZoneSignatures,
    ZoneTrust,
    why,
)
from diag.facts.moment import RunMoment
from diag.model.frozen import frozen
from diag.model.knowing import Absent, Cite, Unavailable
from diag.model.plugin import fact
from diag.model.target import Target
from diag.names.domain import is_below
from diag.names.parsed import plain
from diag.probes.dns import DnsAnswer, DnsEvidence, DnsQuery
from diag.probes.probe import Lab
from diag.records.denial import Proof, denied, is_gone
from diag.records.dnssec import (
    ENTRY_POINT,
    MOST_RECORDS,
    Sections,
    Work,
    ds_text,
    fits,
    key_tag,
    rsa_bits,
    sections,
    verified,
)
from diag.records.dnssec_numbers import VERIFIED_ALGORITHMS, VERIFIED_DIGESTS
from diag.together import all_of, task_group

from .dns import explained, look_up
from .registration import one_address
from .validating import ROOT, validates
from .zone import PARENTS_ASKED, zone_above

MOST_HOSTS = 8
"""MX hosts whose signatures are looked at."""


@fact
async def zone_trust(target: Target, lab: Lab, moment: RunMoment) -> ZoneTrust | Absent | Unavailable:
    """DS records and keys at the cut above the domain: two questions where nothing is signed."""
    zone = target.domain
    keys = await _ask(lab, zone, "DNSKEY")
    if isinstance(keys, Unavailable):
        return keys
    if is_gone(keys.said, zone):
        return Absent(f"{zone} does not exist", keys.asked)
    asked = keys.asked
    above = keys.said.denying
    if keys.said.find(zone, "DNSKEY") is None and above not in ("", ".") and is_below(zone, above):
        zone = above  # who denies it names the apex (RFC 2308 section 3)
        keys = await _ask(lab, zone, "DNSKEY")
        if isinstance(keys, Unavailable):
            return keys
        asked += keys.asked
    parent = await _ask(lab, zone, "DS")
    if isinstance(parent, Unavailable):
        return parent
    asked += (*parent.asked, Cite(ROOT))
    validating = await validates(lab)
    key_set, ds_set = keys.said.find(zone, "DNSKEY"), parent.said.find(zone, "DS")
    records, delegations = _records(key_set), _records(ds_set)
    ds = tuple(
        DsSeen(
            each.key_tag, int(each.algorithm), int(each.digest_type), each.to_text(),
            each.algorithm in VERIFIED_ALGORITHMS and each.digest_type in VERIFIED_DIGESTS,
            next((at for at, key in enumerate(records) if fits(zone, each, key)), None),
        )
        for each in delegations
    )  # fmt: skip
    trust = ZoneTrust(
        domain=target.domain,
        zone=zone,
        ds=ds,
        keys=tuple(
            KeySeen(
                key_tag(key),
                int(key.algorithm),
                rsa_bits(key),
                bool(key.flags & ENTRY_POINT),
                ds_text(zone, key),
            )
            for key in records
        ),
        vouched=keys.answer.authenticated and validating and not keys.refused,
        parent_signed=parent.answer.authenticated or parent.said.signed,
        validating=validating,
        key_set=None,
        asked=asked,
    )
    if key_set is not None and not ds and not keys.proposed:
        signatures = verified(key_set, keys.said.answer, zone, records, moment.at, Work())
        own = SignedSet(zone, "DNSKEY", signatures, Word.NONE, asked=asked)
        server, more = await _on_its_way(target, lab, zone)
        return dataclasses.replace(trust, island=own, on_its_way=server, asked=asked + more)
    linked = [records[each.key] for each in trust.supported if each.key is not None]
    if key_set is None or not linked or keys.proposed:
        return trust
    signatures = verified(key_set, keys.said.answer, zone, linked, moment.at, Work())
    judged = SignedSet(zone, "DNSKEY", signatures, keys.word(validating), asked=asked)
    return dataclasses.replace(trust, key_set=judged)


async def _on_its_way(target: Target, lab: Lab, zone: str) -> tuple[str, tuple[Cite, ...]]:
    """A server of the parent that has a DS record, where our resolver has heard of none: denials are remembered."""
    if target.authoritative is False:
        return "", ()
    above = await zone_above(lab, zone)
    if isinstance(above, Unavailable):
        return "", above.evidence
    hosts = sorted(plain(each.target) for each in above.rdatas)[:PARENTS_ASKED]  # type: ignore[attr-defined]
    at = await one_address(lab, hosts)
    queries = {host: DnsQuery(zone, "DS", address) for host, address in at.items()}
    said = await all_of(lambda host: lab.run(queries[host]), queries)
    asked = tuple(map(Cite, queries.values()))
    for host, answer in said.items():
        if isinstance(answer, DnsAnswer) and answer.authoritative and answer.rrset(zone, "DS") is not None:
            return host, asked
    return "", asked


@fact
async def zone_signatures(
    lab: Lab, moment: RunMoment, trust: ZoneTrust | Absent | Unavailable
) -> ZoneSignatures | Absent | Unavailable:
    """The signatures over what mail needs, verified; nothing is asked where no DS record leads to a key."""
    if not isinstance(trust, ZoneTrust):
        return trust
    if trust.key_set is None:
        return Absent(f"no DS record leads to a key of {trust.zone}", trust.asked)
    if not trust.trusted:  # all else hangs on the keys
        return ZoneSignatures(trust.zone, (trust.key_set,), (), 0, "", moment.at, trust.asked)
    keys = await _ask(lab, trust.zone, "DNSKEY")
    if isinstance(keys, Unavailable):
        return keys
    records = _records(keys.said.find(trust.zone, "DNSKEY"))
    return await _Survey(trust, trust.key_set, records, lab, moment.at).go()


class _Survey:
    """The questions about one signed zone, and what they gave."""

    def __init__(self, trust: ZoneTrust, key_set: SignedSet, keys: list[Any], lab: Lab, at: datetime) -> None:
        self._trust, self._key_set, self._keys, self._lab, self._at = trust, key_set, keys, lab, at
        self._work = Work()

    async def go(self) -> ZoneSignatures:
        """Ask for what mail needs, then for what the MX hosts of the zone need."""
        domain, zone = self._trust.domain, self._trust.zone
        parameters = (zone, "NSEC3PARAM")
        texts = tuple((f"{label}{domain}", "TXT") for label in ("", "_dmarc.", "_mta-sts."))
        heard = await self._heard(((domain, "MX"), *texts, (zone, "SOA"), parameters))
        iterations, salt = 0, ""
        if (looked := heard.pop(parameters, None)) is not None:
            found = _records(looked.said.find(*parameters))
            iterations, salt = max(((each.iterations, each.salt.hex()) for each in found), default=(0, ""))
        heard |= await self._heard(
            question
            for host in self._hosts(heard.get((domain, "MX")))
            for question in ((host, "A"), (host, "AAAA"), (f"_25._tcp.{host}", "TLSA"))
        )
        sets, denials, asked = [self._key_set], [], self._trust.asked
        for (name, rdtype), looked in heard.items():
            asked += looked.asked
            judged = await self._judged(name, rdtype, looked)
            if isinstance(judged, SignedSet):
                sets.append(judged)
            elif judged is not None:
                denials.append(judged)
        return ZoneSignatures(
            zone, tuple(dict.fromkeys(sets)), tuple(denials), iterations, salt, self._at, asked
        )

    async def _heard(self, questions: Iterable[tuple[str, str]]) -> dict[tuple[str, str], _Looked]:
        """The answers as they are, unchecked: a look at what a resolver refuses."""
        heard: dict[tuple[str, str], _Looked] = {}

        async def one(name: str, rdtype: str) -> None:
            query = DnsQuery(name, rdtype, dnssec=True, unchecked=True)
            looked = _read(await self._lab.run(query), query)
            if isinstance(looked, _Looked) and not looked.proposed:
                heard[name, rdtype] = looked

        questions = tuple(questions)
        async with task_group() as tasks:
            for question in questions:
                tasks.start_soon(one, *question)
        return {question: heard[question] for question in questions if question in heard}

    def _hosts(self, mx: _Looked | None) -> list[str]:
        found = _records(mx.said.find(self._trust.domain, "MX")) if mx is not None else []
        names = dict.fromkeys(plain(each.exchange) for each in found)
        return [name for name in names if _within(name, self._trust.zone)][:MOST_HOSTS]

    async def _judged(self, name: str, rdtype: str, looked: _Looked) -> SignedSet | DeniedSet | None:
        """One answer verified; None for what another zone says."""
        zone = self._trust.zone
        rrset = looked.said.find(name, rdtype) or looked.said.find(name, "CNAME")
        if rrset is None:
            if looked.said.denying != zone:
                return None
            proof, trouble = denied(looked.said, name, rdtype, zone, self._keys, self._at, self._work)
            word, asked = Word.VOUCHES, looked.asked
            if proof is Proof.BROKEN:
                word, asked = await self._word(name, rdtype, asked)
            return DeniedSet(name, rdtype, trouble if proof is Proof.BROKEN else "", word, asked)
        signatures = verified(rrset, looked.said.answer, zone, self._keys, self._at, self._work)
        if signatures and not any(each.signer == zone for each in signatures):
            return None
        judged = SignedSet(
            name,
            dns.rdatatype.to_text(rrset.rdtype),
            signatures,
            Word.VOUCHES,
            needed=name == zone,  # an unsigned zone may begin at any name below
            asked=looked.asked,
        )
        if judged.good is not None:
            return judged
        word, asked = await self._word(name, rdtype, looked.asked)
        return dataclasses.replace(judged, word=word, asked=asked)

    async def _word(self, name: str, rdtype: str, asked: tuple[Cite, ...]) -> tuple[Word, tuple[Cite, ...]]:
        """What the resolver makes of an answer that we find fault with."""
        query = DnsQuery(name, rdtype)
        answer = await self._lab.run(query)
        return _word(answer, self._trust.validating), (*asked, Cite(query))


@fact
async def dnssec_status(
    target: Target,
    lab: Lab,
    trust: ZoneTrust | Absent | Unavailable,
    signatures: ZoneSignatures | Absent | Unavailable,
) -> DnssecStatus | Unavailable:
    """Whether the domain's MX records, or there being none, are secured: the resolver's word and ours."""
    looked = await look_up(lab, target.domain, "MX")
    asked = (*looked.evidence, Cite(ROOT))
    if (broken := _broken(target.domain, trust, signatures)) is not None:
        return DnssecStatus(target.domain, Security.BOGUS, broken, (*asked, *_asked(trust)))
    if isinstance(looked, Unavailable):
        return looked
    security = security_of(looked.authenticated, await validates(lab))
    mx = signatures.set_of(target.domain, "MX") if isinstance(signatures, ZoneSignatures) else None
    if mx is not None and mx.failing and security is Security.SECURE:
        doubt = f"the resolver vouches for the answer, and of what we see {why(mx)}"
        return DnssecStatus(target.domain, Security.INDETERMINATE, doubt, (*asked, *mx.asked))
    because = {
        Security.SECURE: "the resolver vouches for the answer",
        Security.INSECURE: _unsigned(trust),
        Security.INDETERMINATE: "our resolver does not validate",
    }[security]
    return DnssecStatus(target.domain, security, because, asked)


def _broken(
    domain: str, trust: ZoneTrust | Absent | Unavailable, signatures: ZoneSignatures | Absent | Unavailable
) -> str | None:
    """What breaks the chain to the domain's own records, in half a sentence."""
    if isinstance(trust, ZoneTrust) and trust.severed:
        return f"no DS record fits a key of {trust.zone}"
    if isinstance(signatures, ZoneSignatures):
        for each in signatures.bogus:
            if each.rdtype == "DNSKEY" or (each.name, each.rdtype) == (domain, "MX"):
                return f"of {each.label} {why(each)}"
    return None


def _unsigned(trust: ZoneTrust | Absent | Unavailable) -> str:
    """Why nothing secures the domain, as far as it is known."""
    because = "the resolver validates and does not vouch for the answer"
    if not isinstance(trust, ZoneTrust):
        return because
    if trust.ds and not trust.supported:
        return f"{because}: the DS records use nothing but algorithms that are not heeded"
    if not trust.ds and trust.keys:
        return f"{because}: the zone has keys, and its parent has no DS record for them"
    return f"{because}: the zone is not signed" if not trust.ds else because


def _asked(trust: ZoneTrust | Absent | Unavailable) -> tuple[Cite, ...]:
    return trust.asked if isinstance(trust, ZoneTrust) else trust.evidence


def security_of(authenticated: bool, validating: bool) -> Security:
    """What the AD bit says, given whether the resolver validates at all (RFC 4035 section 3.2.3)."""
    if not validating:
        return Security.INDETERMINATE
    return Security.SECURE if authenticated else Security.INSECURE


@frozen
class _Looked:
    """An answer with its signatures."""

    said: Sections
    answer: DnsAnswer
    refused: bool
    """Whether it was given only unchecked."""
    asked: tuple[Cite, ...]

    @property
    def proposed(self) -> bool:
        """Whether these records are a fix on trial: nothing has signed them yet."""
        return self.answer.server == "proposed"

    def word(self, validating: bool) -> Word:
        """What the resolver makes of it."""
        return Word.REFUSES if self.refused and validating else _word(self.answer, validating)


async def _ask(lab: Lab, name: str, rdtype: str) -> _Looked | Unavailable:
    """The records with their signatures; where a validating resolver refuses them, unchecked."""
    query = DnsQuery(name, rdtype, dnssec=True)
    answer = await lab.run(query)
    if not isinstance(answer, DnsAnswer) or answer.rcode != "SERVFAIL":
        return _read(answer, query)
    unchecked = DnsQuery(name, rdtype, dnssec=True, unchecked=True)
    looked = _read(await lab.run(unchecked), unchecked)
    if isinstance(looked, Unavailable):
        return looked
    return dataclasses.replace(looked, refused=True, asked=(Cite(query), *looked.asked))


def _read(answer: DnsEvidence, query: DnsQuery) -> _Looked | Unavailable:
    if not isinstance(answer, DnsAnswer):
        return Unavailable(f"{query}: {answer}", (Cite(query),))
    if not answer.usable:
        return Unavailable(f"{query}: {explained(answer)}", (Cite(query),))
    said = _denied(answer) or sections(answer.wire)
    if said is None:
        return Unavailable(f"{query}: an answer that is not read here", (Cite(query),))
    return _Looked(said, answer, False, (Cite(query),))


def _denied(answer: DnsAnswer) -> Sections | None:
    """What a zone that is not signed says of what it does not have, which most domains are asked: read at a
    tenth of the cost. None where there is more to read."""
    denying = answer.denied_by
    if not denying or any(rdtype != dns.rdatatype.SOA for _, rdtype in denying):
        return None
    authority = tuple(
        dns.rrset.RRset(dns.name.Name((*owner, b"")), dns.rdataclass.IN, dns.rdatatype.SOA)
        for owner, _ in denying
    )
    return Sections(int(dns.rcode.from_text(answer.rcode)), (), authority)


def _word(answer: DnsEvidence, validating: bool) -> Word:
    if not validating:
        return Word.NONE
    if isinstance(answer, DnsAnswer) and answer.rcode == "SERVFAIL":
        return Word.REFUSES
    return Word.VOUCHES if isinstance(answer, DnsAnswer) and answer.authenticated else Word.PASSES


def _records(rrset: dns.rrset.RRset | None) -> list[Any]:
    """The records in canonical order, and not more than are looked at."""
    return sorted(rrset or ())[:MOST_RECORDS]


def _within(name: str, zone: str) -> bool:
    return name != "." and (name == zone or is_below(name, zone))
