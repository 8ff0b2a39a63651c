"""Surveying a domain's SPF record: every name its tree asks for, asked at the same time."""

from __future__ import annotations

import anyio
import anyio.abc

from diag.facts.spf import MX_LIMIT, SpfEvaluation, SpfPublished
from diag.model.knowing import Absent, Unavailable
from diag.model.plugin import fact
from diag.model.target import Target
from diag.probes.probe import Lab
from diag.records.spf import Mechanism, SpfRecord, is_spf, looks_like_spf

from .dns import Found, Looked, look_up, plain
from .spf_tree import Answers, Tree, the_record

MOST_RECORDS = 60
"""SPF records followed in one survey: six times what a receiver can evaluate."""


@fact
async def spf_published(target: Target, lab: Lab) -> SpfPublished | Unavailable:
    """The domain's TXT records, sorted into SPF, nearly SPF and others (RFC 7208 section 4.5)."""
    txt = await look_up(lab, target.domain, "TXT")
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
    """Collects every answer that evaluating a record can need, whoever the client is."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._answers: dict[tuple[str, str], Looked] = {}
        self._begun: set[tuple[str, str]] = set()
        self._records = 0

    async def everything(self, domain: str) -> Answers:
        """All look-ups of the tree below a domain, by name and type; bounded by MOST_RECORDS."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._record, domain, tasks)
        return self._answers

    async def _record(self, domain: str, tasks: anyio.abc.TaskGroup) -> None:
        if (domain, "TXT") in self._begun or self._records == MOST_RECORDS:
            return
        self._records += 1
        record = the_record(await self._ask(domain, "TXT"))
        if not isinstance(record, SpfRecord):
            return
        for mechanism in record.tested:
            self._mechanism(mechanism, domain, tasks)
        redirect = record.honoured_redirect
        if redirect is not None and redirect.macros.name:
            tasks.start_soon(self._record, redirect.macros.name, tasks)

    def _mechanism(self, mechanism: Mechanism, domain: str, tasks: anyio.abc.TaskGroup) -> None:
        spec = mechanism.domain_spec
        name = domain if spec is None else spec.name
        if not name:
            return  # a macro decides per message
        match mechanism.name:
            case "include":
                tasks.start_soon(self._record, name, tasks)
            case "a":
                tasks.start_soon(self._ask, name, "A")
                tasks.start_soon(self._ask, name, "AAAA")
            case "exists":
                tasks.start_soon(self._ask, name, "A")
            case "mx":
                tasks.start_soon(self._exchanges, name, tasks)
            case _:
                pass

    async def _exchanges(self, name: str, tasks: anyio.abc.TaskGroup) -> None:
        mx = await self._ask(name, "MX")
        if isinstance(mx, Found) and len(mx.rdatas) <= MX_LIMIT:
            for rdata in mx.rdatas:
                host = plain(rdata.exchange)  # type: ignore[attr-defined]
                if host != ".":
                    tasks.start_soon(self._ask, host, "A")
                    tasks.start_soon(self._ask, host, "AAAA")

    async def _ask(self, name: str, rdtype: str) -> Looked:
        self._begun.add((name, rdtype))
        looked = self._answers[name, rdtype] = await look_up(self._lab, name, rdtype)
        return looked
