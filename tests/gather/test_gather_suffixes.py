"""What the Public Suffix List says of a domain, and when it is asked at all."""

from __future__ import annotations

import anyio
import pytest

from diag.facts.dmarc import DmarcPolicy, SuffixListDomain
from diag.gather.suffixes import suffix_list_domain
from diag.model.knowing import Absent
from diag.records.dmarc import DmarcRecord, Kind


def listed(domain: str) -> SuffixListDomain | Absent:
    record = DmarcRecord.parse("v=DMARC1; p=none")
    applies = DmarcPolicy(domain, domain, f"_dmarc.{domain}", record, Kind.DOMAIN, domain, ())
    return anyio.run(suffix_list_domain.function, applies)


@pytest.mark.parametrize(
    ("domain", "is_suffix"),
    [
        ("github.io", True),  # a line of its own
        ("club.ck", True),  # *.ck
        ("anything.nom.br", True),  # *.nom.br
        ("www.ck", False),  # !www.ck
    ],
)
def test_a_registered_name_that_the_list_has_is_looked_up(domain: str, is_suffix: bool) -> None:
    found = listed(domain)
    assert isinstance(found, SuffixListDomain)
    assert (found.organizational, found.is_suffix) == ("" if is_suffix else domain, is_suffix)


def test_for_any_other_the_list_is_not_read() -> None:
    assert isinstance(listed("d.example"), Absent)
