"""What a domain does with mail, from what it publishes."""

from __future__ import annotations

import anyio
import pytest
from zoned_lab import ZonedLab, gathered

from diag.facts.roles import ReceivingDomain, Roles, SendingDomain
from diag.gather.dkim import keys, selectors
from diag.gather.mx import routing
from diag.gather.roles import receiving, roles, sending
from diag.gather.spf import spf_evaluation, spf_published
from diag.lab.once import Once
from diag.model.knowing import Absent, Unavailable
from diag.model.target import Target

KEY = '\ns1._domainkey.d.example. TXT "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="'
MX = "d.example. MX 10 mx.d.example.\nmx.d.example. A 192.0.2.1"
NULL = "d.example. MX 0 ."
WEB = "d.example. A 192.0.2.1"


def spf(text: str) -> str:
    return f'\nd.example. TXT "{text}"'


def judged(zone: str, sends: bool | None = None, fails: dict[tuple[str, str], str] | None = None) -> Roles:
    async def run(once: Once) -> Roles:
        target = Target("d.example", sends=sends)
        published = await spf_published.function(target, once)
        tree = (
            published
            if isinstance(published, Unavailable)
            else await spf_evaluation.function(published, once)
        )
        search = await selectors.function(target, once)
        known = search if isinstance(search, Unavailable) else await keys.function(search, once)
        found: Roles = await roles.function(target, await routing.function(target, once), tree, known)
        return found

    return gathered(ZonedLab(zone, fails=fails), run)


@pytest.mark.parametrize(
    ("zone", "sends", "receives"),
    [
        (MX, True, True),
        (MX + spf("v=spf1 mx -all"), True, True),
        (MX + spf("v=spf1 -all"), False, True),
        (MX + spf("v=spf1 ~all"), False, True),
        (MX + spf("v=spf1 ?all"), True, True),  # says nothing
        (MX + spf("v=spf1 +all"), True, True),
        (MX + spf("v=spf1 include:none.d.example -all"), True, True),  # meant somebody
        (MX + spf("v=spf1 a:gone.d.example -all"), True, True),
        (MX + spf("v=spf1 ip:192.0.2.1 -all"), True, True),  # a mistake of somebody who sends
        (MX + spf("v=spf1 include:no.d.example -all") + '\nno.d.example. TXT "v=spf1 -all"', False, True),
        (MX + spf("v=spf1 redirect=no.d.example") + '\nno.d.example. TXT "v=spf1 -all"', False, True),
        (
            MX + spf("v=spf1 redirect=yes.d.example") + '\nyes.d.example. TXT "v=spf1 ip4:192.0.2.1 -all"',
            True,
            True,
        ),
        (NULL, False, False),
        (NULL + spf("v=spf1 ip4:192.0.2.1 -all"), False, False),
        (WEB, False, True),
        (WEB + spf("v=spf1 a -all"), True, True),
        (WEB + KEY, True, True),
        ('d.example. TXT "nothing"', False, False),
        ("other.example. A 192.0.2.1", False, False),
    ],
)
def test_roles(zone: str, sends: bool, receives: bool) -> None:
    found = judged(zone)
    assert (found.sends, found.receives) == (sends, receives), found


@pytest.mark.parametrize("word", [True, False])
@pytest.mark.parametrize("zone", [MX + spf("v=spf1 -all"), MX + spf("v=spf1 mx -all"), NULL])
def test_the_word_of_the_user_wins(word: bool, zone: str) -> None:
    found = judged(zone, sends=word)
    assert (found.sends, found.sends_because) == (word, "you said so")


@pytest.mark.parametrize(
    ("zone", "fails", "sends", "receives"),
    [
        (MX, ("d.example", "MX"), None, None),
        (MX + spf("v=spf1 -all"), ("d.example", "MX"), False, None),
        (MX, ("d.example", "TXT"), None, True),
        (NULL, ("d.example", "TXT"), False, False),
        (WEB, ("_domainkey.d.example", "TXT"), None, True),
    ],
)
def test_a_look_up_that_decides_and_fails_leaves_it_open(
    zone: str, fails: tuple[str, str], sends: bool | None, receives: bool | None
) -> None:
    found = judged(zone, fails={fails: "servfail"})
    assert (found.sends, found.receives) == (sends, receives), found


@pytest.mark.parametrize(("value", "kind"), [(True, "value"), (False, Absent), (None, Unavailable)])
def test_the_handles_apply_only_to_what_is_so(value: bool | None, kind: object) -> None:
    found = Roles("d.example", value, "why", value, "why not", ())
    for handle, wanted in ((sending, SendingDomain), (receiving, ReceivingDomain)):
        given = anyio.run(handle.function, found)
        assert isinstance(given, wanted if kind == "value" else kind)  # type: ignore[arg-type]
