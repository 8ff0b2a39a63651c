"""Fixes of SPF records say the same however name servers turn their records round."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from checks.spf_mend import by_address
from diag.facts.spf import SpfEvaluation
from diag.gather.spf import spf_evaluation, spf_published
from diag.lab.overlay import Nothing, Overlay
from diag.lab.zone import Zone
from diag.model.target import Target

RECORD = '$TTL 60\nd.example. TXT "v=spf1 a -all"\n'
ADDRESSES = ("A 198.51.100.9", "A 192.0.2.1", "AAAA 2001:db8::1")


@pytest.mark.parametrize("turn", range(3))
def test_addresses_stand_in_order(turn: int) -> None:
    turned = ADDRESSES[turn:] + ADDRESSES[:turn]
    lab: Any = Overlay(
        Zone.parse(RECORD + "".join(f"d.example. {each}\n" for each in turned), "."), Nothing(), whole=True
    )

    async def run() -> Any:
        published: Any = await spf_published.function(Target("d.example"), lab)
        return await spf_evaluation.function(published, lab)

    evaluated = anyio.run(run)
    assert isinstance(evaluated, SpfEvaluation)
    (change,) = by_address(evaluated)
    assert change.value == "v=spf1 ip4:192.0.2.1 ip4:198.51.100.9 ip6:2001:db8::1 -all"
