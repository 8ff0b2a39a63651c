"""Situations on the wire that tools have judged wrongly, each with the world that holds it and the verdict it calls for.

What a world raises stands in its head, and tests/test_scenarios.py holds it to that exactly; here the worlds of a trap are
named, and held to the rules of the areas that the trap is about. Those about certificates have a table of their own
(test_traps_certificates); from 36 on they are about messages and reports, not about the wire.
"""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from test_scenarios import FIXTURES, diagnosed
from test_traps_certificates import TRAPS as OF_CERTIFICATES

from diag.model.finding import Certainty
from diag.model.report import Status
from diag.run.registry import Registry, load
from diag.sandbox import world as worlds, zones

_NONE: tuple[str, ...] = ()
ON_25 = ("smtp",)

TRAPS: dict[str, dict[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "1: a greeting in two lines, six seconds apart": {"smtp/teaser": (ON_25, _NONE)},
    "2: the last line of the greeting is bare": {
        "smtp/bare-last-line": (ON_25, ("smtp/greeting-without-name",)),
    },
    "3: 421, too many connections": {"smtp/throttled": (ON_25, _NONE)},
    "4: the same in other words": {"smtp/throttled-in-other-words": (ON_25, _NONE)},
    "5: a tarpit answers every command alike": {"smtp/tarpit": (ON_25, _NONE)},
    "6: a reply in pieces": {"smtp/dribbled": (ON_25, _NONE)},
    "7: STARTTLS in the last line": {"smtp/starttls-last": (ON_25, _NONE)},
    "8: a greeting without the word ESMTP": {"smtp/without-the-word-esmtp": (ON_25, _NONE)},
    "9: EHLO refused, HELO taken": {"smtp/ehlo-refused": (ON_25, ("smtp/ehlo-refused",))},
    "10: our name is disliked": {"smtp/our-name-disliked": (ON_25, _NONE)},
    "11: a box masks what is said": {"smtp/middlebox": (ON_25, ("smtp/inspected-by-middlebox",))},
    "12: STARTTLS on some connections": {"smtp/starttls-flaps": (ON_25, ("smtp/starttls-flaps",))},
    "14: a reply too many under TLS, and clear text before it": {
        "smtp/command-injection": (ON_25, ("smtp/starttls-command-injection",)),
        "smtp/leftover": (ON_25, ("smtp/starttls-leftover",)),
    },
    "15: STARTTLS refused because more came with it": {"smtp/starttls-stands-alone": (ON_25, _NONE)},
    "16: STARTTLS taken and not offered": {"smtp/starttls-hidden": (ON_25, ("smtp/starttls-missing",))},
    "17: a hello of two segments hangs": {
        "tls/hello-too-large": (("smtp", "tls"), ("tls/hello-size-intolerant",)),
    },
    "18: suites without a certificate, on 25 and elsewhere": {
        "tls/anonymous": (("tls",), ("tls/anonymous",))
    },
    "23: the first choice never answers": {"smtp/nolisting": (ON_25, ("smtp/address-unreachable",))},
    "24: neither MX nor address": {"mx/no-mail-host": (("smtp", "tls", "certificates"), _NONE)},
    "31: RSA and DHE by the guidelines of today": {
        "tls/old-suites": (
            ("tls",),
            ("tls/3des", "tls/rc4", "tls/rsa-key-exchange", "tls/rsa-key-exchange-on-25"),
        ),
        "tls/primes": (
            ("tls",),
            ("tls/dh-too-small", "tls/dh-too-small-as-last-resort", "tls/dhe"),
        ),
    },
    "32: the greeting says less than CAPABILITY": {"imap/greeting-says-less": (("imap",), _NONE)},
    "33: USER before TLS": {"pop3/user-before-tls": (("pop3",), ("pop3/user-before-tls",))},
    "34: greylisting": {"smtp/greylisted": (ON_25, _NONE)},
    "35: a catch-all takes a mailbox with a per cent sign": {
        "intrusive/smtp/catch-all": (ON_25, ("smtp/accepts-unknown-recipient",)),
    },
}
NOTHING_DECIDED = ("smtp/throttled", "smtp/throttled-in-other-words", "smtp/tarpit", "smtp/our-name-disliked")
"""Where not even the offer of STARTTLS may be called missing, or there."""


@pytest.fixture(scope="module")
def registry() -> Registry:
    return load()


def head(name: str) -> dict[str, Any]:
    """What a world says of itself."""
    hosts = FIXTURES / name / "hosts.toml"
    if hosts.exists():
        return tomllib.loads(hosts.read_text())
    return {"raises": zones.read(FIXTURES / f"{name}.zone").head.raises}


def test_every_trap_of_the_wire_has_its_place() -> None:
    numbers = [int(trap.partition(":")[0]) for trap in (*TRAPS, *OF_CERTIFICATES)]
    assert sorted(numbers) == list(range(1, 36))


@pytest.mark.parametrize(("trap", "name"), [(trap, name) for trap, held in TRAPS.items() for name in held])
def test_a_trap_gets_its_verdict(trap: str, name: str) -> None:
    areas, rules = TRAPS[trap][name]
    raised = head(name).get("raises", ())
    assert tuple(sorted(rule for rule in raised if rule.split("/")[0] in areas)) == rules


@pytest.mark.parametrize("name", NOTHING_DECIDED)
def test_who_was_turned_away_says_nothing_of_starttls(name: str, registry: Registry) -> None:
    report = diagnosed(worlds.load(FIXTURES / name), registry)
    (result,) = [
        each
        for each in report.results
        if each.check == "starttls_is_offered" and each.status is not Status.PASSED
    ]
    assert result.status is Status.INCONCLUSIVE
    assert result.because


def test_a_domain_without_a_mail_host_is_never_green(registry: Registry) -> None:
    """Trap 24: what could not be looked at has not passed."""
    report = diagnosed(worlds.load(FIXTURES / "mx/no-mail-host"), registry)
    of_hosts = [each for each in report.results if each.area == "smtp"]
    assert of_hosts
    assert {each.status for each in of_hosts} == {Status.NOT_APPLICABLE}


def test_a_login_that_was_not_tried_is_likely_at_most(registry: Registry) -> None:
    """Trap 33: CAPA lists USER, and nobody has tried whether the server would take it."""
    report = diagnosed(worlds.load(FIXTURES / "pop3/user-before-tls"), registry)
    (finding,) = [each for each in report.findings if each.id == "pop3/user-before-tls"]
    assert finding.certainty is Certainty.LIKELY
