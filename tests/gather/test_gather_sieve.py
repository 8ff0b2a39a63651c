"""Which ManageSieve servers are talked to, how often, and that a tape gives the same again."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest
import trio.testing

from diag.facts.clients import SieveSurvey
from diag.facts.matrix import Matrix
from diag.lab.tape import Tape
from diag.model.finding import Certainty
from diag.model.knowing import Absent, Many
from diag.model.report import Report
from diag.model.target import Depth, Target
from diag.probes.client_injection import SieveInjectionTalk
from diag.probes.dns import DnsQuery
from diag.probes.talks import SieveTalk
from diag.run.diagnose import Diagnosis, Options
from diag.run.registry import Registry, load
from diag.sandbox import world as worlds
from diag.sandbox.staged import DOCUMENTATION, in_memory
from diag.tls.offer import TLS10

FIXTURES = Path(__file__).parents[2] / "fixtures" / "managesieve"
ONLY = Options(only=("managesieve",))


@pytest.fixture(scope="module")
def registry() -> Registry:
    return load()


def seen(name: str, registry: Registry, options: Options = ONLY, **wishes: object) -> Report:
    world = worlds.load(FIXTURES / name)
    target = Target(world.domain, public=DOCUMENTATION, **{"tls": Depth.BASIC, **wishes})  # type: ignore[arg-type]

    async def run() -> Report:
        async with in_memory(world, registry.performers) as lab:
            return await Diagnosis(registry, target, lab, options).run()

    clock = trio.testing.MockClock(autojump_threshold=0)
    return anyio.run(run, backend="trio", backend_options={"clock": clock})


def talks(report: Report) -> list[SieveTalk]:
    return [probe for probe in report.evidence if isinstance(probe, SieveTalk)]


@pytest.mark.parametrize(
    ("name", "connections"), [("not-published", 0), ("declined", 0), ("published", 2), ("no-starttls", 4)]
)
def test_nobody_is_talked_to_who_was_not_named_and_nobody_twice_for_nothing(
    name: str, connections: int, registry: Registry
) -> None:
    assert len(talks(seen(name, registry))) == connections


def test_a_host_that_the_user_names_is_tried(registry: Registry) -> None:
    report = seen("not-published", registry, hosts=("mail.lantern.example",))
    assert len(report.findings) == 2
    assert {(each.id, each.certainty) for each in report.findings} == {
        ("managesieve/no-starttls", Certainty.LIKELY)
    }
    assert {talk.port for talk in talks(report)} == {4190}


def test_two_looks_with_a_pause_are_certain(registry: Registry) -> None:
    found = seen("no-starttls", registry, confirm=True).findings
    assert [each.certainty for each in found] == [Certainty.CERTAIN] * 2


def test_without_dialogues_not_even_the_record_is_asked_for(registry: Registry) -> None:
    report = seen("published", registry, dialogues=False)
    assert not [
        each for each in report.evidence if isinstance(each, DnsQuery) and each.name.startswith("_sieve")
    ]
    assert talks(report) == []


def test_where_nobody_names_a_server_there_is_none(registry: Registry) -> None:
    assert isinstance(seen("declined", registry).facts[SieveSurvey], Absent)
    closed = seen("closed", registry).facts[SieveSurvey]
    assert isinstance(closed, Many)
    assert all(isinstance(each, Absent) for each in closed.items.values())


def test_a_command_is_slipped_in_once_a_host_and_only_where_tls_begins(registry: Registry) -> None:
    def tries(name: str) -> list[str]:
        asked = seen(name, registry).evidence
        return [probe.address for probe in asked if isinstance(probe, SieveInjectionTalk)]

    assert tries("published") == ["198.51.100.30"]
    assert tries("tls-refused") == tries("closed") == tries("not-published") == []


AT = "mail.lantern.example [198.51.100.30]:4190"


def test_it_stands_in_the_matrix_with_its_tls_and_certificate(registry: Registry) -> None:
    known = seen("old-tls", registry, Options(only=("consistency",)), tls=Depth.STANDARD).fact(Matrix)
    cell = next(cell for cell in known.cells if cell.subject == AT)
    assert (cell.service, cell.meant, cell.published, cell.heard) == ("managesieve", True, True, True)
    assert (cell.greeting, str(cell.software)) == ("Dovecot ready.", "Dovecot")
    assert cell.clear is not None
    assert "STARTTLS" in cell.clear.keywords
    assert cell.best is not None
    assert cell.best.logins == ("PLAIN", "LOGIN")
    assert cell.survey is not None
    assert TLS10 in cell.survey.versions
    assert cell.certificate is not None
    assert cell.certificate.references == ("mail.lantern.example", "lantern.example")
    assert cell.samples


def test_where_nobody_names_one_it_stands_nowhere(registry: Registry) -> None:
    known = seen("not-published", registry, Options(only=("consistency",))).fact(Matrix)
    assert not [cell for cell in known.cells if cell.endpoint.port == 4190]


def test_a_tape_gives_the_same_again(registry: Registry, tmp_path: Path) -> None:
    report = seen("plaintext-auth", registry)
    Tape(report.evidence, {}).save(tmp_path / "t.tape")
    tape = Tape.load(tmp_path / "t.tape", registry.probes)

    async def again() -> Report:
        return await Diagnosis(registry, report.target, tape, ONLY).run()

    replayed = anyio.run(again)
    assert replayed.findings == report.findings != ()
    assert replayed.facts[SieveSurvey] == report.facts[SieveSurvey]
