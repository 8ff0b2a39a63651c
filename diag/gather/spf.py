"""Surveying a domain's SPF record: every name its tree asks for, asked at the same time."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import partial

from diag.facts.spf import LOOKUP_LIMIT, MX_LIMIT, SpfEvaluation, SpfPublished
from diag.model.knowing import Absent, Unavailable
from diag.model.plugin import fact
from diag.model.target import Target
from diag.names.parsed import plain
from diag.probes.probe import Lab
from diag.records.spf import SpfRecord, is_spf, looks_like_spf
from diag.together import Tasks, all_of, task_group

from .compact import unless_gone
from .dns import Found, Looked, NoRecord, look_up, unless_contradicted
from .spf_tree import MOST_LOOKUPS, Answers, Tree, the_record

MOST_RECORDS = 60
"""SPF records followed in one survey: six times what a receiver can evaluate."""

MOST_EXCHANGES = LOOKUP_LIMIT
"""`mx` terms whose hosts are asked for their addresses: no receiver comes to more (RFC 7208 section 4.6.4)."""
MOST_ASKED = 2 * MOST_RECORDS + 2 * MOST_LOOKUPS + 2 * MX_LIMIT * MOST_EXCHANGES
"""Questions of one survey: records and terms, each once more where a name is denied or has addresses of two
families, and the hosts of `mx` terms in both families."""

_LOOKS_UP = {"include": ("TXT",), "a": ("A", "AAAA"), "mx": ("MX",), "exists": ("A",)}
"""What mechanisms ask for whose name is known; `ptr` asks about a client's address."""
_BESIDE = {"TXT": "MX", "MX": "TXT", "A": "AAAA", "AAAA": "A"}
"""What else is asked of a name that is said not to exist: of most, what the tree asks for anyway."""


@fact
async def spf_published(target: Target, lab: Lab) -> SpfPublished | Unavailable:
    """The domain's TXT records, sorted into SPF, nearly SPF and others (RFC 7208 section 4.5)."""
    txt = await unless_contradicted(lab, await look_up(lab, target.domain, "TXT"), target.domain, "MX")
    txt = await unless_gone(lab, txt, "TXT")
    if isinstance(txt, Unavailable):
        return txt
    texts = txt.texts() if isinstance(txt, Found) else ()
    records = tuple(text for text in texts if is_spf(text))
    near = tuple(text for text in texts if looks_like_spf(text))
    return SpfPublished(
        domain=target.domain,
        records=records,
        near=near,
        aliases=txt.aliases,
        other=tuple(text for text in texts if text not in records and text not in near),
        name_exists=isinstance(txt, Found) or txt.name_exists,
        asked=txt.evidence,
    )


@fact
async def spf_evaluation(published: SpfPublished, lab: Lab) -> SpfEvaluation | Absent:
    """The tree of the domain's one SPF record; Absent where it has none, or several (permerror)."""
    if len(published.records) != 1:
        count = len(published.records)
        return Absent(f"{published.domain} publishes {count if count else 'no'} SPF records", published.asked)
    answers = await Survey(lab).everything(published.domain)
    root = Tree(answers).node(published.domain)
    asked = dict.fromkeys(cite for node in root.nodes() for cite in node.evidence)
    return SpfEvaluation(published.domain, root, tuple(asked))


class Survey:
    """Collects every answer that evaluating a record can need, whoever the client is.

    What is followed depends on what was answered and not on who answered first, so that the same is asked
    wherever the run is played again: names are followed level by level, each in the order of its terms.
    """

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._answers: dict[tuple[str, str], Looked] = {}
        self._begun: set[tuple[str, str]] = set()
        self._followed = 0
        self._exchanged = 0

    async def everything(self, domain: str) -> Answers:
        """All look-ups of the tree below a domain, by name and type; bounded by MOST_RECORDS and MOST_LOOKUPS."""
        records = 0
        async with task_group() as tasks:
            level = [domain]
            while level:
                names = [name for name in dict.fromkeys(level) if (name, "TXT") not in self._begun]
                names = names[: MOST_RECORDS - records]
                records += len(names)
                self._begun.update((name, "TXT") for name in names)
                found = await self._texts(names)
                level = [below for name in names for below in self._below(name, found[name], tasks)]
        return self._answers

    async def _texts(self, names: Collection[str]) -> dict[str, Looked]:
        found = await all_of(lambda name: look_up(self._lab, name, "TXT"), names)
        doubted = [name for name, looked in found.items() if isinstance(looked, NoRecord)]
        found |= await all_of(
            lambda name: unless_contradicted(self._lab, found[name], name, _BESIDE["TXT"]), doubted
        )
        self._answers |= {(name, "TXT"): looked for name, looked in found.items()}
        return found

    def _below(self, domain: str, txt: Looked, tasks: Tasks) -> Iterator[str]:
        """The names of the records below one record; what else its terms ask for is begun."""
        record = the_record(txt)
        if not isinstance(record, SpfRecord):
            return
        for mechanism in record.tested:
            name = domain if mechanism.domain_spec is None else mechanism.domain_spec.name
            if mechanism.name not in _LOOKS_UP or not name:
                continue  # it asks nothing, or a macro decides per message
            if self._followed == MOST_LOOKUPS:
                return
            self._followed += 1
            if mechanism.name == "include":
                yield name
            else:
                self._mechanism(mechanism.name, name, tasks)
        redirect = record.honoured_redirect
        if redirect is not None and redirect.macros.name:
            yield redirect.macros.name

    def _mechanism(self, kind: str, name: str, tasks: Tasks) -> None:
        for rdtype in _LOOKS_UP[kind]:
            if (name, rdtype) not in self._begun:
                self._begun.add((name, rdtype))
                self._exchanged += rdtype == "MX"
                whole = rdtype == "MX" and self._exchanged <= MOST_EXCHANGES
                tasks.start_soon(self._exchanges if whole else self._ask, name, rdtype)

    async def _exchanges(self, name: str, rdtype: str) -> None:
        mx = await self._ask(name, rdtype)
        if isinstance(mx, Found) and len(mx.rdatas) <= MX_LIMIT:
            hosts = (plain(rdata.exchange) for rdata in mx.rdatas)  # type: ignore[attr-defined]
            names = [host for host in hosts if host != "."]
            await all_of(self._addresses, names)

    async def _addresses(self, host: str) -> None:
        await all_of(partial(self._ask, host), ("A", "AAAA"))

    async def _ask(self, name: str, rdtype: str) -> Looked:
        looked = await unless_contradicted(
            self._lab, await look_up(self._lab, name, rdtype), name, _BESIDE[rdtype]
        )
        self._answers[name, rdtype] = looked
        return looked
