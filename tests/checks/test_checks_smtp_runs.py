"""Whole runs on port 25: the pause before certainty, its replay, and traps in which other areas have a say too."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import anyio
import pytest
import trio.testing

from diag.lab.tape import Tape
from diag.model.finding import Certainty
from diag.model.report import Report, Status
from diag.model.target import Target
from diag.run.diagnose import Diagnosis, Options
from diag.run.registry import load
from diag.sandbox import world as worlds
from diag.sandbox.staged import DOCUMENTATION, in_memory
from diag.sandbox.world import World

FIXTURES = Path(__file__).parent.parent.parent / "fixtures" / "smtp"
ONLY = Options(only=("smtp",), required=())
REGISTRY = load()


def diagnosed(world: World, tape: Path | None = None, **wishes: Any) -> Report:
    """The report of the area, on a clock that jumps over every wait."""

    async def run() -> Report:
        target = Target(world.domain, public=DOCUMENTATION, **wishes)
        async with in_memory(world, REGISTRY.performers) as lab:
            diagnosis = Diagnosis(REGISTRY, target, lab, ONLY)
            report = await diagnosis.run()
            if tape is not None:
                Tape(dict(diagnosis.lab.seen), {}).save(tape)
            return report

    return on_a_clock_that_jumps(run)


def on_a_clock_that_jumps(run: Callable[[], Coroutine[Any, Any, Report]]) -> Report:
    clock = trio.testing.MockClock(autojump_threshold=0)
    return anyio.run(run, backend="trio", backend_options={"clock": clock})


def described(folder: Path, toml: str, zone: str = "; base: healthy\n") -> World:
    (folder / "hosts.toml").write_text(toml, encoding="utf-8")
    (folder / "world.zone").write_text(zone, encoding="utf-8")
    return worlds.load(folder)


def of(report: Report, check: str) -> set[Status]:
    return {result.status for result in report.results if result.check == check}


@pytest.mark.parametrize(("confirm", "certainty"), [(False, Certainty.LIKELY), (True, Certainty.CERTAIN)])
def test_a_minute_between_two_looks_makes_certain(confirm: bool, certainty: Certainty) -> None:
    report = diagnosed(worlds.load(FIXTURES / "starttls-missing"), confirm=confirm)
    assert [(f.id, f.certainty) for f in report.findings] == [("smtp/starttls-missing", certainty)]
    assert (report.seconds >= 60) is confirm


def test_a_replay_says_the_same_and_does_not_wait(tmp_path: Path) -> None:
    world = worlds.load(FIXTURES / "starttls-missing")
    live = diagnosed(world, tmp_path / "run.tape", confirm=True)
    tape = Tape.load(tmp_path / "run.tape", REGISTRY.probes)

    async def replay() -> Report:
        target = Target(world.domain, public=DOCUMENTATION, confirm=True)
        return await Diagnosis(REGISTRY, target, tape, ONLY).run()

    replayed = on_a_clock_that_jumps(replay)
    assert [f.text() for f in replayed.findings] == [f.text() for f in live.findings]
    assert replayed.seconds == 0


def test_an_expired_certificate_is_no_fault_of_starttls(tmp_path: Path) -> None:
    toml = '[[host]]\naddress = "198.51.100.20"\nport = 25\ncertificate = "expired"\n'
    report = diagnosed(described(tmp_path, toml))
    assert report.findings == ()
    assert of(report, "starttls_handshake_succeeds") == {Status.PASSED}


def test_a_domain_without_mail_hosts_is_never_green(tmp_path: Path) -> None:
    zone = "; base: healthy\n" + "".join(
        f"; without: lantern.example {rdtype}\n" for rdtype in ("MX", "A", "AAAA")
    )
    report = diagnosed(described(tmp_path, "", zone))
    assert {result.status for result in report.results} == {Status.NOT_APPLICABLE}


def test_a_null_mx_has_nothing_to_talk_to(tmp_path: Path) -> None:
    report = diagnosed(described(tmp_path, "", "; base: healthy\nlantern.example. 3600 IN MX 0 .\n"))
    assert {result.status for result in report.results} == {Status.NOT_APPLICABLE}


def test_where_nobody_listens_starttls_does_not_apply() -> None:
    report = diagnosed(worlds.load(FIXTURES / "nolisting"))
    by_host = {
        result.subject.split()[0]: result.status
        for result in report.results
        if result.check == "starttls_is_offered"
    }
    assert by_host == {"mx1.lantern.example": Status.NOT_APPLICABLE, "mx2.lantern.example": Status.PASSED}


def test_without_dialogues_all_is_left_open() -> None:
    report = diagnosed(worlds.packaged("healthy"), dialogues=False)
    assert of(report, "starttls_is_offered") == {Status.INCONCLUSIVE}
    assert report.findings == ()


def test_a_name_of_the_users_is_held_against_nobody_who_takes_it(tmp_path: Path) -> None:
    toml = (
        '[[host]]\naddress = "198.51.100.20"\nport = 25\n'
        'replies = { "MAIL FROM" = "550 5.7.1 HELO name mail.lantern.example does not match your host" }\n'
    )
    report = diagnosed(described(tmp_path, toml), helo="mail.lantern.example")
    assert [f.id for f in report.findings] == ["smtp/helo-verified"]
