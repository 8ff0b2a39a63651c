"""Names that mail depends on and that nobody has registered: a stranger could."""

from __future__ import annotations

from diag.facts.mx import MxHost, MxRegistration
from diag.facts.spf import Outcome, SpfEvaluation, SpfRegistration
from diag.model.knowing import Many
from diag.model.plugin import fact
from diag.names.domain import is_below, looks_like_address
from diag.probes.probe import Lab
from diag.records.spf import Mechanism
from diag.together import all_of

from .dns import NoRecord, look_up
from .registration import claimable, is_free

_VERIFYING = ("invalid", "mx-verification.google.com")
_ASKED_FOR = {"a": "A", "exists": "A", "mx": "MX"}
"""The type a term asks for; include and redirect ask for TXT."""


@fact
async def mx_registrations(hosts: Many[MxHost], lab: Lab) -> Many[MxRegistration]:
    """Of MX hosts that do not exist: whether their domain could be registered by anybody."""

    async def registration(name: str) -> MxRegistration:
        free, asked = await is_free(lab, name)
        return MxRegistration(name, claimable(name), free, asked)

    gone = [host.name for host in hosts.values() if not host.exists and _was_meant_as_host(host.name)]
    return Many(await all_of(registration, gone))


@fact
async def spf_registrations(spf: SpfEvaluation, lab: Lab) -> Many[SpfRegistration]:
    """Of names in SPF that do not exist: whether their domain could be registered by anybody."""
    terms: dict[str, str] = {}
    types: dict[str, str] = {}
    for _, step in spf.walk():
        if step.outcome in (Outcome.VOID, Outcome.NO_RECORD) and step.target:
            terms.setdefault(step.target, step.text)
            name = step.term.name if isinstance(step.term, Mechanism) else ""
            types.setdefault(step.target, _ASKED_FOR.get(name, "TXT"))

    async def registration(name: str) -> SpfRegistration | None:
        looked = await look_up(lab, name, types[name])
        if not isinstance(looked, NoRecord) or looked.name_exists:
            return None
        free, asked = await is_free(lab, name)
        return SpfRegistration(name, terms[name], claimable(name), free, looked.evidence + asked)

    found = await all_of(registration, terms)
    return Many({name: value for name, value in found.items() if value is not None})


def _was_meant_as_host(name: str) -> bool:
    """No address, and none of the names providers put there to verify a domain."""
    return not looks_like_address(name) and not any(is_below(name, above) for above in _VERIFYING)
