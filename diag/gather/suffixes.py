"""What receivers of the old standard take for the Organizational Domain: by the Public Suffix List."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from diag.facts.dmarc import DmarcPolicy, SuffixListDomain
from diag.model.knowing import Absent
from diag.model.plugin import fact
from diag.names.registered import registrable

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList


@fact
async def suffix_list_domain(policy: DmarcPolicy) -> SuffixListDomain | Absent:
    """The domain by the list that is installed; Absent where the list could not say otherwise than the walk.

    The list takes a tenth of a second to read, so it is consulted only where the domain is no plain registered name
    or stands in the list, the walk ended elsewhere than at the domain itself, or the domain says `psd=y`.
    """
    domain = policy.domain
    plain = policy.organizational == domain == registrable(domain) and policy.record.psd != "y"
    if plain and not _stands_there(domain):
        return Absent(f"{domain} is registered as it stands", policy.asked)
    listed = _suffixes().privatesuffix(domain, accept_unknown=False)
    return SuffixListDomain(domain, listed or "", is_suffix(domain), policy.asked)


def is_suffix(name: str) -> bool:
    """Whether the list has a name as one below which others register names; top-level domains always are."""
    return bool(_suffixes().is_public(name))


def _stands_there(name: str) -> bool:
    """Whether a line of the list may be about a name: to have its lines takes a twentieth of understanding them."""
    above = name.partition(".")[2]
    return "xn--" in name or not _lines().isdisjoint((name.encode(), f"*.{above}".encode()))


@cache
def _lines() -> frozenset[bytes]:
    from publicsuffixlist import PSLFILE

    return frozenset(Path(PSLFILE).read_bytes().splitlines())


@cache
def _suffixes() -> PublicSuffixList:
    from publicsuffixlist import PublicSuffixList  # most runs do without

    return PublicSuffixList()
