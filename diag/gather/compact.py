"""Names that do not exist in zones whose servers say NODATA of them: compact denial of existence (RFC 9824).

Only those who ask for signatures are told apart: NXNAME stands among the types of a name that does not exist
(section 3.1). A resolver may restore NXDOMAIN for the others (section 5), and then nothing is asked here.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from diag.model.knowing import Cite
from diag.probes.dns import DnsAnswer, DnsQuery
from diag.probes.probe import Lab
from diag.records.denial import is_gone
from diag.records.dnssec import sections

from .dns import Looked, NoRecord
from .validating import validates

L = TypeVar("L", Looked, NoRecord)


async def unless_gone(lab: Lab, looked: L, rdtype: str) -> L:
    """What was looked up, with `name_exists` false where NODATA was compact denial of the name.

    One question more, and only where the zone may be signed: the resolver vouches for the denial, or does not
    validate, or an alias leads into another zone.
    """
    if not isinstance(looked, NoRecord) or not looked.name_exists:
        return looked
    if not (looked.authenticated or looked.aliases) and await validates(lab):
        return looked
    query = DnsQuery(looked.name, rdtype, dnssec=True)
    answer = await lab.run(query)
    if not isinstance(answer, DnsAnswer) or not answer.usable or not denies(answer, looked.name):
        return looked
    evidence = (*looked.evidence, Cite(query))
    return replace(looked, name_exists=False, because=f"{looked.name} does not exist", evidence=evidence)


def denies(answer: DnsAnswer, name: str) -> bool:
    """Whether an answer says that a name does not exist, in either manner."""
    if answer.rcode == "NXDOMAIN":
        return True
    said = sections(answer.wire)
    return said is not None and is_gone(said, name)
