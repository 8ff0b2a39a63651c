"""Working out what the domain does with mail from what it publishes; nothing is asked for it."""

from __future__ import annotations

from diag.facts.dkim import DkimKeyFound
from diag.facts.mx import Routing
from diag.facts.roles import ReceivingDomain, Roles, SendingDomain
from diag.facts.spf import Outcome, SpfEvaluation, SpfNode
from diag.model.knowing import Absent, Cite, Many, Unavailable
from diag.model.plugin import fact
from diag.model.target import Target
from diag.records.spf import Mechanism

_BROKEN = (Outcome.NO_RECORD, Outcome.MANY_RECORDS, Outcome.LOOP)


@fact
async def roles(
    target: Target,
    routing: Routing | Absent | Unavailable,
    spf: SpfEvaluation | Absent | Unavailable,
    keys: Many[DkimKeyFound] | Unavailable,
) -> Roles:
    """What the records say; the user's word on sending wins."""
    sends, why = sending_role(target, routing, spf, keys)
    receives, because = receiving_role(routing)
    asked = tuple(cite for known in (routing, spf) for cite in _evidence(known))
    return Roles(target.domain, sends, why, receives, because, asked)


@fact
async def sending(roles: Roles) -> SendingDomain | Absent | Unavailable:
    """The domain as one that sends: a handle for checks that apply to no other."""
    if roles.sends is None:
        return Unavailable(
            f"whether {roles.domain} sends mail is not known: {roles.sends_because}", roles.asked
        )
    if not roles.sends:
        return Absent(f"{roles.domain} sends no mail: {roles.sends_because}", roles.asked)
    return SendingDomain(roles.domain, roles.sends_because, roles.asked)


@fact
async def receiving(roles: Roles) -> ReceivingDomain | Absent | Unavailable:
    """The domain as one that takes mail: a handle for checks that apply to no other."""
    if roles.receives is None:
        why = f"whether {roles.domain} takes mail is not known: {roles.receives_because}"
        return Unavailable(why, roles.asked)
    if not roles.receives:
        return Absent(f"{roles.domain} takes no mail: {roles.receives_because}", roles.asked)
    return ReceivingDomain(roles.domain, roles.receives_because, roles.asked)


def sending_role(
    target: Target,
    routing: Routing | Absent | Unavailable,
    spf: SpfEvaluation | Absent | Unavailable,
    keys: Many[DkimKeyFound] | Unavailable,
) -> tuple[bool | None, str]:
    """Whether the domain sends, None where a look-up that would decide failed; and why."""
    if target.sends is not None:
        return target.sends, "you said so"
    if isinstance(routing, Routing) and routing.null:
        return False, "its MX is null"  # RFC 7505 section 4.2
    if isinstance(spf, SpfEvaluation) and says_nobody(spf.root):
        return False, "its SPF record lets nobody pass"
    for unknown in (routing, spf):
        if isinstance(unknown, Unavailable):
            return None, unknown.because
    if isinstance(routing, Routing) and not routing.implicit:
        return True, "it has an MX"
    if isinstance(spf, SpfEvaluation) and spf.passes_somebody:
        return True, "its SPF record lets somebody pass"
    if isinstance(keys, Unavailable):
        return None, keys.because
    if any(found.usable for found in keys.values()):
        return True, "it publishes a DKIM key"
    return False, "it has no MX, no SPF record that lets anybody pass, and no DKIM key that we know of"


def receiving_role(routing: Routing | Absent | Unavailable) -> tuple[bool | None, str]:
    """Whether the domain takes mail, None where its MX could not be looked up; and why."""
    if isinstance(routing, Unavailable):
        return None, routing.because
    if isinstance(routing, Absent):
        return False, routing.because
    if routing.null:
        return False, "its MX is null"
    if routing.implicit:
        return True, "it has no MX but addresses, which take its place"
    return True, "it has an MX"


def says_nobody(node: SpfNode) -> bool:
    """Whether a record says that nobody may pass.

    A term that names somebody but is void, or that a reader cannot make out, is a mistake of somebody who
    sends; and a record that ends in neither `-all` nor `~all` says nothing at all.
    """
    final = ""
    for step in node.steps:
        if not step.reached:
            continue
        if step.outcome in _BROKEN:
            return False
        if isinstance(step.term, Mechanism) and step.term.name == "all":
            final = step.term.qualifier
        elif isinstance(step.term, Mechanism) and step.term.qualifier == "+":
            if step.inner is None or not says_nobody(step.inner):
                return False
        elif not isinstance(step.term, Mechanism) and step.inner is not None:
            return says_nobody(step.inner)
    return final in ("-", "~") and node.record is not None and not node.record.errors


def _evidence(known: Routing | SpfEvaluation | Absent | Unavailable) -> tuple[Cite, ...]:
    return known.evidence if isinstance(known, Absent | Unavailable) else known.asked
