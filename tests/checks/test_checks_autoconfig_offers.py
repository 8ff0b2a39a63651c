"""What tells mail programs where the servers are."""

from __future__ import annotations

import pytest

from checks.autoconfig_offers import mail_programs_are_told_of_the_servers
from diag.facts.autoconfig import ClientProvider, MxAutoconfig
from diag.facts.dmarc import DmarcDiscovery
from diag.facts.roles import ReceivingDomain
from diag.model.finding import Finding
from diag.model.knowing import Absent, Many

NONE = Absent("")
DISCOVERY = DmarcDiscovery("d.example", (), "d.example", "", (), True, ())


@pytest.mark.parametrize(
    ("by_mx", "provider", "told"),
    [
        (NONE, NONE, False),
        (MxAutoconfig(("autoconfig.hoster.test",), ()), NONE, True),
        (NONE, ClientProvider("Hoster", True, "", ()), True),
        (NONE, ClientProvider("Hoster", False, "", ()), False),
    ],
)
def test_a_hoster_tells_in_the_place_of_the_domain(by_mx: object, provider: object, *, told: bool) -> None:
    receiving = ReceivingDomain("d.example", "", ())
    check = mail_programs_are_told_of_the_servers.function
    found = list(check(receiving, Many({}), NONE, NONE, NONE, by_mx, provider, DISCOVERY))
    assert [each.id for each in found if isinstance(each, Finding)] == ([] if told else ["autoconfig/none"])
