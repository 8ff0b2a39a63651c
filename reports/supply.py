"""Whom a domain relies on: who can send and sign as it, takes its mail, serves its policies, reads its reports,
issues its certificates and hosts its DNS; each with the record that says so.

Derived from the facts alone. A provider has its name from a dated table; whoever is not in it is shown by the
registered domain of the name in the record, and nothing is guessed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from diag.api import Absent, DnsAnswer, DnsQuery, Many, Report, Routing, Unavailable, is_below
from diag.facts.dkim import Below, DkimKeyFound, DkimSelectors
from diag.facts.dmarc import DmarcDiscovery, DmarcPolicy
from diag.facts.mta_sts import StsFetch, StsRecordFound
from diag.facts.providers import providers
from diag.facts.spf import Outcome, SpfEvaluation, SpfNode, SpfStep
from diag.facts.tlsrpt import TlsrptFound
from diag.facts.zone import ZoneDelegation
from diag.names.domain import normal
from diag.names.registered import registrable
from diag.records.report_uri import ReportUri
from diag.records.spf import Mechanism

from .certificates import presented

ITSELF = "the domain itself"
ANYBODY = "anybody at all"
ADDRESSES = "addresses of nobody named"
KEY_HOLDER = "whoever holds the key"
PER_MESSAGE = "decided message by message"
_MOST = 60
"""Links told of one job."""


@dataclass(frozen=True, slots=True)
class Link:
    """One party that has a hand in a job, and the record that gives it that hand."""

    party: str
    """The provider by name, a registered domain, or one of the words of this module."""
    name: str
    """The DNS name that led there; empty where the record holds none."""
    record: str
    """What says so, short: "include:_spf.google.com in the SPF record"."""
    known: bool = False
    """Whether the table of providers knows the party."""


@dataclass(frozen=True, slots=True)
class Job:
    """One thing that somebody can do for the domain, or as it."""

    id: str
    title: str
    """A heading: "Sends as it"."""
    does: str
    """The same of the domain itself, as the end of a sentence: "sends"."""
    links: tuple[Link, ...]
    silence: str
    """Why there is no link: nobody does it, or nobody could find out."""

    @property
    def parties(self) -> tuple[str, ...]:
        """Each once."""
        return tuple(dict.fromkeys(link.party for link in self.links))

    def records(self, party: str) -> tuple[str, ...]:
        """What gives that party its hand in this."""
        return tuple(dict.fromkeys(link.record for link in self.links if link.party == party))


@dataclass(frozen=True, slots=True)
class Supply:
    """The jobs in their order, and who does them."""

    as_of: str
    """The date of the table of providers."""
    jobs: tuple[Job, ...]

    @property
    def parties(self) -> tuple[str, ...]:
        """Each once, in the order of what they do, so that a picture has few lines that cross."""
        doing: dict[str, list[int]] = {}
        for number, job in enumerate(self.jobs):
            for party in job.parties:
                doing.setdefault(party, []).append(number)
        return tuple(sorted(doing, key=lambda party: sum(doing[party]) / len(doing[party])))

    def jobs_of(self, party: str) -> tuple[Job, ...]:
        """What a party does."""
        return tuple(job for job in self.jobs if party in job.parties)


def supply(report: Report) -> Supply | None:
    """The chain; None where none of it was looked at."""
    links = _Links(report)
    made = (
        ("send", "Sends as it", "sends", links.senders()),
        ("sign", "Signs as it", "signs", links.signers()),
        ("receive", "Takes its mail", "takes its mail", links.receivers()),
        ("policies", "Serves its policies", "serves its policies", links.policies()),
        ("reports", "Reads its reports", "reads its reports", links.reports()),
        ("certificates", "Issues certificates", "issues its certificates", links.issuers()),
        ("dns", "Hosts its DNS", "hosts its DNS", links.name_servers()),
    )
    jobs = tuple(
        Job(name, title, does, tuple(dict.fromkeys(found))[:_MOST], "" if found else silence)
        for name, title, does, (found, silence) in made
        if found or silence
    )
    if not any(job.links for job in jobs):
        return None
    return Supply(providers().as_of, jobs)


@lru_cache(maxsize=4096)
def _party(name: str) -> tuple[str, bool]:
    """Whoever a name belongs to, and whether the table knows them: the domains of a list rely on the same few."""
    provider = providers().of(name)
    return provider or registrable(name), bool(provider)


Found = tuple[list[Link], str]


class _Links:
    """The links of one report, job by job: each gives them and, where there are none, why."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._domain = report.target.domain
        walk = report.fact(DmarcDiscovery)
        self._own = (walk.organizational if isinstance(walk, DmarcDiscovery) else "") or self._domain

    def _link(self, name: str, record: str) -> Link:
        """Whoever a DNS name belongs to."""
        name = normal(name)
        if name == self._own or is_below(name, self._own):
            return Link(ITSELF, name, record)
        party, is_known = _party(name)
        return Link(party, name, record, is_known)

    def senders(self) -> Found:
        """Whom SPF lets pass (RFC 7208 section 5)."""
        spf = self._report.fact(SpfEvaluation)
        if not isinstance(spf, SpfEvaluation):
            return [], _silence(spf, "no SPF record says who may")
        return list(self._passing(spf.root, "")), "SPF lets nobody pass"

    def _passing(self, node: SpfNode, through: str) -> Iterator[Link]:
        for step in node.steps:
            if not step.reached:
                continue
            if not isinstance(step.term, Mechanism):
                if step.inner is not None:  # redirect: the other record stands in place of this one
                    yield self._link(step.target, f"{step.text}{through}")
                    yield from self._passing(step.inner, f", by redirect to {step.target}")
            elif step.term.qualifier == "+":
                yield from self._mechanism(node, step, step.term, through)

    def _mechanism(self, node: SpfNode, step: SpfStep, term: Mechanism, through: str) -> Iterator[Link]:
        record = f"{step.text}{through}"
        if term.name == "all":
            yield Link(ANYBODY, "", record)
        elif step.outcome is Outcome.PER_MESSAGE or term.name in ("exists", "ptr"):
            # What stands behind the last macro is the same for every message.
            fixed = _BEHIND_MACROS.search(step.text)
            yield self._link(fixed[1], record) if fixed else Link(PER_MESSAGE, "", record)
        elif term.name == "include":
            # Whose record is included is trusted with all that it includes in turn: told where that is somebody else.
            own = self._link(step.target, record)
            yield own
            if step.inner is not None:
                within = f", which {step.target} includes"
                deeper = self._passing(step.inner, within)
                told = (ITSELF, own.party)
                yield from (
                    each for each in deeper if each.party == ANYBODY or (each.name and each.party not in told)
                )
        elif term.name == "mx" and step.names:
            yield from (self._link(name, f"{record}: {name}") for name in step.names)
        elif term.name in ("a", "mx"):
            yield self._link(step.target or node.domain, record)
        elif not through:
            yield Link(ADDRESSES, "", record)

    def signers(self) -> Found:
        """Who holds the keys: whoever has the name at which a key really lives."""
        keys = self._report.fact(DkimKeyFound)
        if not isinstance(keys, Many):
            return [], _silence(keys, "")
        below = self._report.fact(DkimSelectors)
        if isinstance(below, DkimSelectors) and below.below is Below.NONE:
            return [], "nobody: no key can exist"
        links = [self._signer(key) for key in keys.values() if key.keys]
        return links, "no key was found; there may be some all the same"

    def _signer(self, key: DkimKeyFound) -> Link:
        """Whoever publishes a key signs with it; one in the domain's own zone may have been made by anybody."""
        if key.owner != key.name:
            return self._link(key.owner, f"key {key.selector.name}, an alias to {key.owner}")
        named = f", as {key.selector.provider} names it" if key.selector.provider else ""
        return Link(KEY_HOLDER, key.name, f"key {key.selector.name}{named}")

    def receivers(self) -> Found:
        """The MX hosts (RFC 5321 section 5.1)."""
        routing = self._report.fact(Routing)
        if not isinstance(routing, Routing):
            return [], _silence(routing, "it has neither MX nor address")
        how = "no MX record: the domain itself" if routing.implicit else "MX"
        links = [
            self._link(each.name, how if routing.implicit else f"MX {each.preference} {each.name}")
            for each in routing.exchanges
            if each.name != "."
        ]
        return links, "a null MX: nobody"

    def policies(self) -> Found:
        """Who has the names at which the policies really live, aliases followed."""
        links: list[Link] = []
        dmarc = self._report.fact(DmarcPolicy)
        if isinstance(dmarc, DmarcPolicy):
            links.append(self._at("DMARC record", f"_dmarc.{dmarc.found_at}", dmarc.owner))
        sts = self._report.fact(StsRecordFound)
        if isinstance(sts, StsRecordFound):
            links.append(self._at("MTA-STS record", sts.name, sts.owner))
        fetch = self._report.fact(StsFetch)
        if isinstance(fetch, StsFetch):
            links.append(self._at("MTA-STS policy", fetch.host, self._end_of_aliases(fetch.host)))
        tlsrpt = self._report.fact(TlsrptFound)
        if isinstance(tlsrpt, TlsrptFound):
            links.append(self._at("TLS-RPT record", tlsrpt.name, tlsrpt.owner))
        return links, ""

    def _at(self, what: str, name: str, owner: str) -> Link:
        return self._link(owner, what if normal(owner) == normal(name) else f"{what}, an alias to {owner}")

    def _end_of_aliases(self, host: str) -> str:
        """Where the addresses of a host really live, by the answers that were seen."""
        for rdtype in ("A", "AAAA"):
            answer = self._report.evidence.get(DnsQuery(host, rdtype))
            for line in answer.lines() if isinstance(answer, DnsAnswer) else ():
                owner, _, _, kind, data = (*line.split(maxsplit=4), "", "", "", "", "")[:5]
                if kind == "CNAME" and normal(owner) == host:
                    host = normal(data)
        return host

    def reports(self) -> Found:
        """Where reports go (RFC 9989 section 4.6, RFC 8460 section 3)."""
        links: list[Link] = []
        dmarc = self._report.fact(DmarcPolicy)
        if isinstance(dmarc, DmarcPolicy):
            links += self._to("DMARC rua", dmarc.record.rua)
            links += self._to("DMARC ruf", dmarc.record.ruf)
        tlsrpt = self._report.fact(TlsrptFound)
        if isinstance(tlsrpt, TlsrptFound) and tlsrpt.valid is not None:
            links += self._to("TLS-RPT rua", tlsrpt.valid.rua)
        return links, "nobody is sent any" if dmarc is not None else ""

    def _to(self, what: str, uris: Iterable[ReportUri]) -> Iterator[Link]:
        for uri in uris:
            if uri.is_usable and uri.host:
                yield self._link(uri.host, f"{what} {uri.text.removeprefix('mailto:')}")

    def issuers(self) -> Found:
        """Who issued the certificates for the domain's own names, and whom CAA lets (RFC 8659 section 4)."""
        links = []
        for seen in presented(self._report):
            own = [
                name
                for name in seen.names
                if name == self._domain or is_below(name.removeprefix("*."), self._domain)
            ]
            if own and seen.organization:
                links.append(Link(seen.organization, "", f"the certificate of {own[0]}", True))
        links += [self._link(name, f"CAA {text}") for name, text in self._authorities()]
        return links, ""

    def _authorities(self) -> Iterator[tuple[str, str]]:
        for query, answer in self._report.evidence.items():
            if isinstance(query, DnsQuery) and query.rdtype == "CAA" and isinstance(answer, DnsAnswer):
                for line in answer.lines():
                    if said := _CAA.search(line):
                        yield said[2], f"{said[1]} {said[2]}"

    def name_servers(self) -> Found:
        """The name servers of the zone, by the zone's own word or else by its parent's."""
        zone = self._report.fact(ZoneDelegation)
        if not isinstance(zone, ZoneDelegation):
            return [], ""
        return [self._link(host, f"NS {host}") for host in zone.by_child or zone.by_parent], ""


_BEHIND_MACROS = re.compile(r"}\.((?:[a-z0-9_-]+\.)+[a-z0-9-]+)\.?$", re.IGNORECASE)
_CAA = re.compile(r' CAA \d+ (issue|issuewild|issuemail) "([^";\s]+)', re.IGNORECASE)


def _silence(fact: object, absent: str) -> str:
    if isinstance(fact, Unavailable):
        return f"could not be determined: {fact.because}"
    return absent if isinstance(fact, Absent) else ""
