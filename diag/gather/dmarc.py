"""Finding the DMARC record that applies (RFC 9989 section 4.10): the whole walk is asked at once."""

from __future__ import annotations

from diag.facts.dmarc import DmarcDiscovery, DmarcPolicy, DmarcStep, Misplaced
from diag.model.knowing import Absent, Unavailable
from diag.model.plugin import fact
from diag.model.target import Target
from diag.names.organizational import ends_walk, organizational_domain, walk_names
from diag.probes.probe import Lab
from diag.records.dmarc import DmarcRecord, Kind, is_dmarc, looks_like_dmarc
from diag.together import all_of

from .compact import unless_gone
from .dns import Found, Looked, NoRecord, look_up, unless_contradicted


@fact
async def discovery(target: Target, lab: Lab) -> DmarcDiscovery:
    """The walk, and a look where records are put by mistake."""
    domain = target.domain
    steps, looked = await _walk_and(lab, domain, (domain,))  # SPF asks for its TXT records anyway
    here = await unless_contradicted(lab, looked[domain], domain, "MX")
    if not any(step.records or step.unknown for step in steps if step.reached):
        here = await unless_gone(lab, here, "TXT")
        # Nothing applies: where panels put it that add the zone's name, and where people forget the underscore.
        elsewhere = (f"dmarc.{domain}", f"_dmarc.{domain}.{domain}")
        looked |= await all_of(lambda name: look_up(lab, name, "TXT"), elsewhere)
    organizational, unknown = organizational_of(domain, steps)
    asked = [cite for step in steps for cite in step.asked]
    asked += [cite for answer in looked.values() for cite in answer.evidence]
    return DmarcDiscovery(
        domain=domain,
        steps=steps,
        organizational=organizational,
        unknown=unknown,
        misplaced=tuple(
            Misplaced(name, text)
            for name, answer in looked.items()
            if isinstance(answer, Found) and not answer.aliases
            for text in answer.texts()
            if is_dmarc(text)
        ),
        name_exists=not isinstance(here, NoRecord) or here.name_exists,
        asked=tuple(dict.fromkeys(asked)),
    )


@fact
async def policy(discovery: DmarcDiscovery, lab: Lab) -> DmarcPolicy | Absent | Unavailable:
    """The record that applies: the domain's own, else the Organizational Domain's, else the suffix's.

    Absent where none does; Unavailable where a look-up that could have found it failed.
    """
    domain, own = discovery.domain, discovery.steps[0]
    applies: DmarcStep | None = own
    if own.record is None:
        if (failed := next((step for step in discovery.walked if step.unknown), None)) is not None:
            return Unavailable(failed.unknown, failed.asked)
        applies = inherited_from(discovery)
    if applies is None or applies.record is None:
        return Absent(
            f"no DMARC record applies to {domain}", tuple(c for s in discovery.walked for c in s.asked)
        )
    kind = Kind.DOMAIN
    asked = applies.asked
    if applies is not own:
        mx = await unless_gone(lab, await look_up(lab, domain, "MX"), "MX")  # asked for the routing, too
        if isinstance(mx, Unavailable):
            return mx
        exists = isinstance(mx, Found) or mx.name_exists
        kind = Kind.SUBDOMAIN if exists else Kind.NONEXISTENT
        asked = own.asked + applies.asked + (mx.evidence if not exists else ())
    return DmarcPolicy(
        domain, applies.name, applies.owner, applies.record, kind, discovery.organizational, asked
    )


def inherited_from(discovery: DmarcDiscovery) -> DmarcStep | None:
    """The step whose record a domain without one inherits (RFC 9989 section 4.10.1): None where nobody's."""
    with_record = [step for step in discovery.walked[1:] if step.record is not None]
    for step in with_record:
        if step.name == discovery.organizational:
            return step
    # Only a public suffix's record can stand above the Organizational Domain.
    return next((step for step in with_record if step.psd == "y"), None)


async def walk(lab: Lab, name: str) -> tuple[DmarcStep, ...]:
    """What is published at `_dmarc` below each name of the tree walk, all asked at the same time."""
    return (await _walk_and(lab, name, ()))[0]


async def _walk_and(
    lab: Lab, name: str, also: tuple[str, ...]
) -> tuple[tuple[DmarcStep, ...], dict[str, Looked]]:
    """The walk and, at the same time, the TXT records of other names."""
    names = walk_names(name)
    owners = [f"_dmarc.{each}" for each in names]
    looked = await all_of(lambda owner: look_up(lab, owner, "TXT"), (*owners, *also))
    steps = []
    reached = True
    for each, owner in zip(names, owners, strict=True):
        step = _step(each, looked.pop(owner), reached)
        steps.append(step)
        reached = reached and not ends_walk(step.psd)
    return tuple(steps), looked


def _step(name: str, looked: Looked, reached: bool) -> DmarcStep:
    texts = looked.texts() if isinstance(looked, Found) else ()
    records = tuple(text for text in texts if is_dmarc(text))
    return DmarcStep(
        name=name,
        owner=_lives(name, looked),
        records=records,
        near=tuple(text for text in texts if looks_like_dmarc(text)),
        record=DmarcRecord.parse(records[0]) if len(records) == 1 else None,
        unknown=looked.because if isinstance(looked, Unavailable) else "",
        reached=reached,
        asked=looked.evidence,
    )


def _lives(name: str, looked: Looked) -> str:
    if isinstance(looked, Found):
        return looked.owner
    return looked.name if isinstance(looked, NoRecord) and looked.aliases else f"_dmarc.{name}"


def organizational_of(name: str, steps: tuple[DmarcStep, ...]) -> tuple[str, str]:
    """The Organizational Domain of a name by its walk; or empty, and why it is not known."""
    walked = [step for step in steps if step.reached]
    for step in walked:
        if step.unknown:
            return "", step.unknown
    return organizational_domain(name, [(step.name, step.psd) for step in walked]), ""
