"""Every world of fixtures/ raises exactly what its head says: anything more or less is a failure."""

from __future__ import annotations

import re
from pathlib import Path

import anyio
import pytest
import trio.testing

from diag.model.finding import Finding
from diag.model.fix import Configure
from diag.model.report import Report, Status
from diag.model.target import Depth, Target
from diag.run.diagnose import Diagnosis
from diag.run.registry import Registry, load
from diag.sandbox import world as worlds
from diag.sandbox.staged import DOCUMENTATION, in_memory
from diag.sandbox.world import World
from diag.tls.answer import Accepted
from diag.tls.handshake import Handshake
from diag.wire.transcript import Answered, Ending, Said, Secured, Transcript, Who
from reports.quoting import quoted

FIXTURES = Path(__file__).parent.parent / "fixtures"
WORLDS = sorted(
    {path.with_suffix("") for path in FIXTURES.glob("*/*.zone")}
    | {path.parent for path in FIXTURES.glob("*/*/hosts.toml")}
)


@pytest.fixture(scope="session")
def registry() -> Registry:
    return load()


def diagnosed(world: World, registry: Registry, **wishes: object) -> Report:
    """The report on a world, on a clock that jumps over every wait."""

    async def run() -> Report:
        asked = {
            "helo": world.helo,
            "tls_profile": world.tls_profile,
            "inventory": world.inventory,
            **wishes,
        }
        if world.tls:
            asked.setdefault("tls", Depth(world.tls))
        target = Target(world.domain, public=DOCUMENTATION, **asked)  # type: ignore[arg-type]
        async with in_memory(world, registry.performers) as lab:
            return await Diagnosis(registry, target, lab).run()

    clock = trio.testing.MockClock(autojump_threshold=0)
    return anyio.run(run, backend="trio", backend_options={"clock": clock})


def undecided(report: Report) -> set[str]:
    """The checks that came out inconclusive, by area/check-name."""
    return {f"{r.area}/{r.check}" for r in report.results if r.status is Status.INCONCLUSIVE}


LONGEST_SENTENCE = 1500
"""Characters of a finding, of why something is open, or of what to type: nobody reads more, whatever a peer said."""


def too_long(report: Report) -> list[str]:
    """The beginnings of what is told at such a length. Records to publish are as long as they have to be."""
    fixes = (fix for finding in report.findings for fix in finding.fix if isinstance(fix, Configure))
    told = (
        *(finding.text() for finding in report.findings),
        *(result.because for result in report.results),
        *(fix.setting for fix in fixes),
    )
    return [each[:200] for each in told if len(each) > LONGEST_SENTENCE]


SILENCE_ITSELF = frozenset(
    {
        # nobody answers, while another address does, or a port that the domain publishes
        "smtp/address-unreachable",
        "smtp/no-mx-answers",
        "submission/unreachable",
        "imap/unreachable",
        "pop3/unreachable",
        "delivery/ipv6-only-path-fails",
        "delivery/slow-path",
        "consistency/ipv6-broken",
        # silent until a ClientHello comes
        "smtp/implicit-tls-on-25",
        "submission/587-speaks-tls",
        "imap/tls-on-143",
        "pop3/tls-on-110",
        "managesieve/tls-on-4190",
        # turned away, in words that say what for
        "smtp/client-cert-demanded",
        # a reply that was promised, or begun, and never ends
        "smtp/pipelining-broken",
        "pop3/multiline-unterminated",
    }
)
"""Rules that say of a peer that it is silent, or what it turns us away for. Nothing else rests on what was not heard."""
NOT_HEARD = frozenset({Ending.FILTERED, Ending.TIME_UP, Ending.SILENT, Ending.UNREACHABLE, Ending.HELD_BACK})


def rest_on_nothing_heard(report: Report) -> list[Finding]:
    """The findings that cite conversations, all of which were put off, filtered or out of time."""

    def unheard(talk: Transcript) -> bool:
        return talk.throttled or talk.closed.how in NOT_HEARD

    found = []
    for finding in report.findings:
        cited = [report.evidence.get(cite.probe) for cite in finding.evidence]
        talks = [each for each in cited if isinstance(each, Transcript)]
        if talks and all(map(unheard, talks)) and finding.id not in SILENCE_ITSELF:
            found.append(finding)
    return found


PORT = re.compile(r"\[([0-9a-f.:]+)\]:([0-9]+)$")
GREETED = re.compile(rb"220[ -]|\* (OK|PREAUTH) |\+OK|OK\b")
KNOWN_WITHOUT_A_GREETING = re.compile(
    # who answers, and with what
    r"every_mx_address_answers|mx_host_(greets_well|offers_service)|port_25_begins_in_plain_text|"
    r"\w+_port_speaks_its_protocol|"
    # where TLS comes first, or TLS and its certificate were seen as the last act
    r"\w+_port_sets_up_tls|managesieve_sets_up_tls|\w*hello\w*"
)
"""Checks that may pass where nobody greeted us: what they claim was heard in another way."""


def passed_unheard(report: Report) -> list[tuple[str, str]]:
    """The checks of an endpoint that passed although what they speak of was not heard.

    That is of protocols where no conversation with it began with a greeting, and of TLS and certificates where no
    handshake succeeded and none of our ClientHellos was accepted.
    """
    greeted: set[tuple[str, str]] = set()
    secured: set[tuple[str, str]] = set()
    talked: set[tuple[str, str]] = set()
    for probe, talk in report.evidence.items():
        if not isinstance(talk, Transcript):
            continue
        place = (probe.address, str(probe.port))
        talked.add(place)
        for event in talk.events:
            match event:
                case Said(who=Who.PEER, octets=octets) if GREETED.match(octets) and octets.endswith(b"\n"):
                    greeted.add(place)
                case Secured(handshake=Handshake()):
                    secured.add(place)
                case Answered(answer=Accepted()):
                    secured.add(place)
                case _:
                    pass
    found = []
    for result in report.results:
        place_named = PORT.search(result.subject)
        if result.status is not Status.PASSED or place_named is None:
            continue
        place = (place_named[1], place_named[2])
        of_tls = result.area in ("tls", "certificates")
        heard = place in secured if of_tls else place in greeted
        if place in talked and not heard and not KNOWN_WITHOUT_A_GREETING.fullmatch(result.check):
            found.append((f"{result.area}/{result.check}", result.subject))
    return found


@pytest.mark.parametrize("path", WORLDS, ids=lambda path: str(path.relative_to(FIXTURES)))
def test_a_world_raises_exactly_what_its_head_says(path: Path, registry: Registry) -> None:
    world = worlds.load(path)
    report = diagnosed(world, registry)
    crashed = [(r.check, r.because) for r in report.results if r.status is Status.CRASHED]
    assert crashed == []
    assert sorted({f.id for f in report.findings}) == sorted(set(world.raises)), [
        f.text() for f in report.findings
    ]
    assert [f.text() for f in rest_on_nothing_heard(report)] == []
    assert too_long(report) == []
    assert passed_unheard(report) == []
    named = set(world.inconclusive)
    seen = undecided(report)
    unexpected = {name for name in seen if not {name, name.split("/")[0], name.split("/")[1]} & named}
    missing = {entry for entry in named if not any(entry in (n, *n.split("/")) for n in seen)}
    assert not unexpected, f"inconclusive, and the world does not say so: {unexpected}"
    assert not missing, f"the world says inconclusive, but all was decided: {missing}"


SHOWN = [
    ("harbour", "submission/auth-before-tls", "AUTH PLAIN LOGIN"),
    ("submission/plus-before-tls", "submission/plus-without-channel-binding", "AUTH SCRAM-SHA-256-PLUS"),
    ("submission/no-starttls", "submission/no-starttls", "AUTH PLAIN"),
    ("submission/no-implicit-tls", "submission/no-implicit-tls", "STARTTLS"),
    ("imap/plain-before-tls", "imap/login-before-tls", "AUTH=PLAIN"),
    ("imap/no-starttls", "imap/no-starttls", "AUTH=PLAIN"),
    ("imap/weak-mechanisms", "imap/weak-mechanisms", "AUTH=CRAM-MD5"),
    ("imap/starttls-offered-twice", "imap/starttls-offered-twice", "STARTTLS"),
    ("imap/logindisabled-under-tls", "imap/logindisabled-under-tls", "LOGINDISABLED"),
    ("imap/id-discloses", "imap/id-discloses", "2.3.19"),
    ("pop3/user-before-tls", "pop3/user-before-tls", "USER"),
    ("pop3/no-stls-sasl", "pop3/no-stls", "SASL PLAIN"),
    ("pop3/stls-offered-twice", "pop3/stls-offered-twice", "STLS"),
    ("pop3/implementation-discloses", "pop3/implementation-discloses", "IMPLEMENTATION"),
    ("managesieve/plaintext-auth", "managesieve/plaintext-auth", '"SASL" "PLAIN'),
    ("managesieve/no-starttls", "managesieve/no-starttls", '"SASL" "PLAIN'),
    ("smtp/auth-in-clear", "smtp/auth-before-tls", "AUTH PLAIN"),
    ("smtp/two-sizes", "smtp/ehlo-duplicate-keyword", "SIZE 30000000"),
    ("smtp/xclient", "smtp/xclient-offered", "XCLIENT"),
    ("smtp/smtputf8-without-8bitmime", "smtp/smtputf8-without-8bitmime", "SMTPUTF8"),
    ("autoconfig/srv-without-pop3s-and-stls", "autoconfig/srv-no-tls", "<-  ."),
    ("autoconfig/srv-without-imaps", "autoconfig/srv-starttls-only", "TLS: TLSv1.3"),
]


@pytest.mark.parametrize(("path", "rule", "word"), SHOWN, ids=lambda value: str(value))
def test_what_is_offered_is_shown_by_the_very_line(
    path: str, rule: str, word: str, registry: Registry
) -> None:
    packaged = "/" not in path
    report = diagnosed(worlds.packaged(path) if packaged else worlds.load(FIXTURES / path), registry)
    found = [finding for finding in report.findings if finding.id == rule]
    assert found
    for finding in found:
        talked = (cite for cite in finding.evidence if isinstance(report.evidence[cite.probe], Transcript))
        (line,) = quoted(next(talked), report.evidence)
        assert word in line


def test_a_handshake_that_fails_is_told_where_nobody_asked_for_the_cause(registry: Registry) -> None:
    world = worlds.load(FIXTURES / "tls" / "own-name")
    basic = {finding.id: finding.text() for finding in diagnosed(world, registry, tls=Depth.BASIC).findings}
    assert "tls/sni-refused" not in basic
    assert "TLS alert unrecognized_name" in basic["smtp/starttls-handshake-fails"]


def test_the_healthy_world_has_nothing_to_report(registry: Registry) -> None:
    report = diagnosed(worlds.packaged("healthy"), registry)
    assert [f.text() for f in report.findings] == []
    assert [
        (r.check, r.subject, r.because)
        for r in report.results
        if r.status in (Status.INCONCLUSIVE, Status.CRASHED)
    ] == []
    assert report.grade == "A+"
