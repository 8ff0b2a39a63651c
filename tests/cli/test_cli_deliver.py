"""`maildiag deliver`: who gets through, step by step, and what scripts may rely on."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from conftest import NOBODY, Player, Reachable, Run
from referencing import Registry, Resource

from diag.sandbox import world as worlds

ROOT = Path(__file__).parent.parent.parent
SCHEMAS = [json.loads((ROOT / "docs" / f"{name}.schema.json").read_text()) for name in ("delivery", "report")]
REGISTRY = Registry().with_resources((schema["$id"], Resource.from_contents(schema)) for schema in SCHEMAS)

TOLD = """\
Senders with       IPv4 and IPv6      IPv4 only          IPv6 only
opportunistic TLS  clear text         clear text         clear text
MTA-STS            clear text         clear text         clear text
DANE               deferred           deferred           deferred

MX: 10 mx1.lantern.example, 20 mx2.lantern.example (signed)
"""
STEPS = """\
Senders with DANE
  10 mx1.lantern.example
     198.51.100.10: offers no STARTTLS; passed over
     2001:db8:10::10: offers no STARTTLS; passed over
  20 mx2.lantern.example
     198.51.100.20: offers no STARTTLS; passed over
     2001:db8:10::20: offers no STARTTLS; passed over
  = deferred: tried again for some days, then returned
"""


@pytest.fixture(scope="module")
def bare(player: Player) -> Reachable:
    """A world without TLS on port 25."""
    return player.play(worlds.load(ROOT / "fixtures" / "delivery" / "starttls-missing-everywhere"))


def test_mail_that_is_kept_out_is_told_step_by_step_and_by_the_exit_code(
    maildiag: Run, bare: Reachable, profile: Path
) -> None:
    done = maildiag("deliver", bare.domain, *bare.arguments(profile), "-q")
    # Of the policy nothing is to be had here: its certificate is the sandbox's.
    assert TOLD in done.out
    assert STEPS in done.out
    assert "Senders with opportunistic TLS and MTA-STS\n" in done.out
    assert max(map(len, done.out.splitlines())) <= 80
    assert (done.code, done.err) == (1, "")


def test_who_gets_through_everywhere_exits_with_0(maildiag: Run, lantern: Reachable, profile: Path) -> None:
    done = maildiag("deliver", lantern.domain, *lantern.arguments(profile), "-q")
    assert (done.code, done.err) == (0, "")
    assert "= delivered over authenticated TLS" in done.out
    assert "20 mx2.lantern.example\n     198" not in done.out
    more = maildiag("deliver", lantern.domain, *lantern.arguments(profile), "-q", "-v")
    assert "20 mx2.lantern.example\n     198.51.100.20: taken over" in more.out


def test_the_message_may_be_too_large_or_ask_for_too_much(
    maildiag: Run, lantern: Reachable, profile: Path
) -> None:
    arguments = ("deliver", lantern.domain, *lantern.arguments(profile), "-q")
    large = maildiag(*arguments, "--size", "9" * 12)
    assert large.code == 1
    assert "octets at most" in large.out
    wanting = maildiag(*arguments, "--requiretls")
    assert wanting.code == 1
    assert "does not offer REQUIRETLS" in wanting.out


def test_json_keeps_to_the_schema(maildiag: Run, lantern: Reachable, profile: Path) -> None:
    done = maildiag("deliver", lantern.domain, *lantern.arguments(profile), "-q", "-f", "json", "--size", "5")
    told = json.loads(done.out)
    assert (told["schema"], told["message"]) == ("urn:maildiag:delivery:1", {"size": 5, "requiretls": False})
    jsonschema.Draft202012Validator(SCHEMAS[0], registry=REGISTRY).validate(told)
    assert len(told["delivery"]["paths"]) == 9


def test_a_tape_of_it_is_replayed_as_any_other(
    maildiag: Run, bare: Reachable, profile: Path, tmp_path: Path
) -> None:
    tape = tmp_path / "delivery.tape"
    assert maildiag("deliver", bare.domain, *bare.arguments(profile), "-q", "--save", tape).code == 1
    again = maildiag("replay", tape, "-q")
    assert again.code == 1
    assert "delivery/dane-senders-defer" in again.out
    assert "Who gets through" in again.out


def test_where_nobody_can_be_asked_nothing_is_known(maildiag: Run, profile: Path) -> None:
    done = maildiag("deliver", "lantern.example", "-n", NOBODY, "--profile", profile, "-q", "--timeout", "2")
    assert done.code in (1, 3)
    assert "the MX look-up fails" in done.out
    told = maildiag(
        *("deliver", "lantern.example", "-n", NOBODY, "--profile", profile, "-q", "--timeout", "2"),
        *("-f", "json"),
    )
    jsonschema.Draft202012Validator(SCHEMAS[0], registry=REGISTRY).validate(json.loads(told.out))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("a b",), "a b"),
        (("lantern.example", "-f", "html"), "html"),
        (("lantern.example", "--size", "-5"), "expected octets"),
        (("lantern.example", "--size", "²"), "expected octets"),
        (("lantern.example", "--helo", "a b"), "--helo"),
        (("lantern.example", "--save", "nowhere/x.tape"), "nowhere"),
    ],
)
def test_what_cannot_be_meant_is_refused(maildiag: Run, arguments: tuple[str, ...], said: str) -> None:
    done = maildiag("deliver", *arguments)
    assert done.code == 2
    assert said in done.err
