"""What could authenticate the domain's mail: its own keys and SPF, and those of names that align with it."""

from __future__ import annotations

from dataclasses import replace

from diag.facts.dkim import Below, DkimSelectors
from diag.facts.dmarc import DmarcAlignment, DmarcDiscovery, DmarcPolicy, SignsAndSends
from diag.facts.spf import SpfEvaluation
from diag.model.knowing import Absent, Cite, Unavailable
from diag.model.plugin import fact
from diag.probes.moment import Nonce
from diag.probes.probe import Lab
from diag.records.dmarc import is_dmarc
from diag.records.spf import SpfRecord, is_spf
from diag.together import all_of

from .compact import unless_gone
from .dns import Found, Looked, NoRecord, look_up

SUBDOMAINS = ("bounce", "bounces", "em", "email", "mg", "news", "newsletter", "send")
"""Names that bulk senders are commonly given below a domain."""


@fact
async def alignment(
    discovery: DmarcDiscovery,
    policy: DmarcPolicy | Absent | Unavailable,
    dkim: DkimSelectors | Absent | Unavailable,
    spf: SpfEvaluation | Absent | Unavailable,
    lab: Lab,
) -> DmarcAlignment:
    """Other names are looked at only where they could matter.

    That is where no key can exist at the domain itself, or where an alignment mode is strict and shuts
    them out.
    """
    domain = discovery.domain
    own = SignsAndSends(domain, _signs(dkim), _sends(spf))
    record = policy.record if isinstance(policy, DmarcPolicy) else None
    strict = record is not None and "s" in (record.adkim, record.aspf)
    others: tuple[SignsAndSends, ...] = ()
    asked: tuple[Cite, ...] = tuple(cite for known in (dkim, spf) for cite in _evidence(known))
    if own.dkim is False or strict:
        names = [f"{label}.{domain}" for label in SUBDOMAINS]
        if discovery.organizational not in ("", domain):
            names.insert(0, discovery.organizational)
        others, looked = await _survey(lab, names, f"{(await lab.run(Nonce())).text}.{domain}")
        asked += looked
    return DmarcAlignment(domain, own, others, asked)


async def _survey(
    lab: Lab, names: list[str], nobody: str
) -> tuple[tuple[SignsAndSends, ...], tuple[Cite, ...]]:
    """Whether keys may exist below each name, and whether its SPF record names anybody.

    What a wildcard gives to a name that nobody has (RFC 4592) says nothing of any other.
    """
    keys = {name: f"_domainkey.{name}" for name in (*names, nobody)}
    asked = (*keys, *keys.values())
    looked = await all_of(lambda name: look_up(lab, name, "TXT"), asked)
    if _hidden(looked[nobody]) and not _hidden(await unless_gone(lab, looked[nobody], "TXT")):
        looked = await all_of(lambda name: unless_gone(lab, looked[name], "TXT"), asked)
    wild = {kind: _said(looked[name]) for kind, name in (("dkim", keys[nobody]), ("spf", nobody))}
    found = tuple(
        SignsAndSends(
            name,
            None
            if _said(looked[keys[name]]) == wild["dkim"] != _NOBODY
            else _may_hold_keys(looked[keys[name]]),
            None if _said(looked[name]) == wild["spf"] != _NOBODY else _names_somebody(looked[name]),
        )
        for name in names
    )
    used = {each.name: f"_dmarc.{each.name}" for each in found if each.dkim or each.spf}
    looked |= await all_of(lambda name: look_up(lab, name, "TXT"), used.values())
    found = tuple(
        replace(each, own_policy=each.name in used and _is_policy(looked[used[each.name]])) for each in found
    )
    return found, tuple(cite for answer in looked.values() for cite in answer.evidence)


def _hidden(looked: Looked) -> bool:
    """Whether a name that nobody has is said to be there, without any record: by a wildcard, or compact denial."""
    return isinstance(looked, NoRecord) and looked.name_exists


_NOBODY = ("nothing",)


def _said(looked: Looked) -> tuple[str, ...]:
    """What a look-up brought, to be compared; empty where there is no record but the name."""
    if isinstance(looked, Unavailable) or (isinstance(looked, NoRecord) and not looked.name_exists):
        return _NOBODY
    return tuple(sorted(looked.texts())) if isinstance(looked, Found) else ()


def _signs(dkim: DkimSelectors | Absent | Unavailable) -> bool | None:
    return dkim.below is not Below.NONE if isinstance(dkim, DkimSelectors) else None


def _sends(spf: SpfEvaluation | Absent | Unavailable) -> bool | None:
    if isinstance(spf, SpfEvaluation):
        return spf.passes_somebody
    return None if isinstance(spf, Unavailable) else False


def _may_hold_keys(looked: Looked) -> bool | None:
    if isinstance(looked, NoRecord):
        return looked.name_exists
    return None if isinstance(looked, Unavailable) else True


def _names_somebody(looked: Looked) -> bool | None:
    """A first look at another name's SPF: its tree is not followed."""
    if isinstance(looked, Unavailable):
        return None
    records = [SpfRecord.parse(t) for t in looked.texts() if is_spf(t)] if isinstance(looked, Found) else []
    return any(
        record.redirect is not None or any(m.qualifier == "+" for m in record.mechanisms)
        for record in records
    )


def _is_policy(looked: Looked) -> bool:
    return isinstance(looked, Found) and any(is_dmarc(text) for text in looked.texts())


def _evidence(known: DkimSelectors | SpfEvaluation | Absent | Unavailable) -> tuple[Cite, ...]:
    return known.evidence if isinstance(known, Absent | Unavailable) else known.asked
