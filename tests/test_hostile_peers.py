"""Hostile peers: what hosts do that mean harm or are beyond repair, on the port of mail and on those of its programs.

One endpoint of the healthy world is hostile in each of these runs. The run on it has its exact findings and statuses,
nothing rests on what was not heard, and there are bounds on the octets that are read of it, on those that are kept,
on the time that it takes by a clock that jumps over every wait, and on how often it is asked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import pytest
from hostile_peers import HOSTILE, PORTS, Bulky, Hostile, HostileNetwork
from test_scenarios import diagnosed, passed_unheard, rest_on_nothing_heard, too_long

from diag.model.finding import Finding
from diag.model.report import Report, Status
from diag.model.target import Depth
from diag.probes.talks import TalkProbe
from diag.run.registry import Registry, load
from diag.sandbox import staged, world as worlds
from diag.sandbox.world import World
from diag.tls.handshake import Handshake, TlsFailure
from diag.wire.transcript import Answered, Said, Secured, Transcript

WITNESSES = {
    25: (
        "mx_host_greets_well",
        "starttls_is_offered",
        "starttls_handshake_succeeds",
        "senders_accept_the_certificate",
    ),
    587: (
        "submission_port_speaks_its_protocol",
        "submission_offers_starttls",
        "submission_port_sets_up_tls",
        "mail_programs_accept_the_certificate",
    ),
    143: (
        "imap_port_speaks_its_protocol",
        "imap_offers_a_way_to_a_login",
        "imap_port_sets_up_tls",
        "mail_programs_accept_the_certificate",
    ),
    993: (
        "imap_port_speaks_its_protocol",
        "imap_says_that_it_is_imap",
        "imap_port_sets_up_tls",
        "mail_programs_accept_the_certificate",
    ),
}
"""Checks whose statuses are told: of the greeting, of what is offered, of the handshake, of the certificate."""
LETTERS = {
    Status.PASSED: "P",
    Status.FAILED: "F",
    Status.INCONCLUSIVE: "?",
    Status.NOT_APPLICABLE: "-",
}

MOST_CONNECTIONS = 4
"""To one endpoint; where TLS is looked into fully, MOST_OFFERS."""
MOST_OFFERS = 24
LONGEST_TALK = 61
"""Seconds of one conversation with the leave-taking, by the clock that jumps."""
MOST_SECONDS = 125
"""Of the whole run: two conversations with the same endpoint, one after the other."""
MOST_READ = 70_000
"""Octets of one connection: a chain of a hundred certificates has 44,000, and of an answer to an offer 64 KiB are read."""
MOST_KEPT = 1 << 17
"""Octets of one endpoint's in the evidence; where TLS is looked into fully, so many of every connection."""


@dataclass(frozen=True)
class Met:
    """What is made of it."""

    statuses: str
    """Of the four witnesses of the port, in order: passed, failed, inconclusive (?) or not applicable (-)."""
    raises: tuple[str, ...] = ()
    talks: dict[str, int] = field(default_factory=dict)
    """How the conversations with the endpoint ended, and how many of them."""


@dataclass(frozen=True)
class Run:
    report: Report
    network: HostileNetwork
    endpoint: tuple[str, int]

    @property
    def talks(self) -> list[Transcript]:
        """The conversations with the hostile endpoint."""
        return [
            kept
            for probe, kept in self.report.evidence.items()
            if isinstance(probe, TalkProbe)
            and isinstance(kept, Transcript)
            and (probe.address, probe.port) == self.endpoint
        ]

    @property
    def met(self) -> Met:
        witnesses = WITNESSES[self.endpoint[1]]
        place = f"[{self.endpoint[0]}]:{self.endpoint[1]}"
        found = {
            result.check: LETTERS[result.status] for result in self.report.results if place in result.subject
        }
        ends = Counter(str(talk.closed.how) for talk in self.talks)
        raised = tuple(sorted({finding.id for finding in self.report.findings}))
        return Met("".join(found.get(each, "!") for each in witnesses), raised, dict(ends))


def met_by(
    name: str, port: int, registry: Registry, patch: pytest.MonkeyPatch, depth: Depth = Depth.BASIC
) -> Run:
    """The run on a world in which that port is hostile like that."""
    hostile = HOSTILE[name]
    healthy = worlds.packaged("healthy")
    endpoint = (PORTS[port], port)
    host = hostile.change(healthy.hosts[endpoint])
    world = replace(
        healthy, hosts={**healthy.hosts, endpoint: host}, certificates=Bulky(healthy.certificates.moment)
    )
    networks: list[HostileNetwork] = []

    def network(world: World) -> HostileNetwork:
        networks.append(HostileNetwork(world, host, hostile.twist))
        return networks[-1]

    patch.setattr(staged, "MemoryNetwork", network)
    report = diagnosed(world, registry, tls=depth)
    return Run(report, networks[0], endpoint)


_MALFORMED = ("smtp/greeting-malformed",)
_CLOSES = ("smtp/closes-without-reply",)
_MX_FAILS = ("smtp/starttls-handshake-fails",)
_SUBMISSION_FAILS = ("submission/tls-fails",)
_IMAP_FAILS = ("imap/tls-fails",)
_IN_CLEAR = ("imap/plaintext-on-993",)
_TOO_MUCH, _TIME_UP, _SILENT, _BY_PEER = {"too-much": 1}, {"time-up": 1}, {"silent": 1}, {"by-peer": 1}
_BESIDE = {"by-us": 1}
"""Where no greeting comes for long, a ClientHello is sent on another connection meanwhile."""
# A failed handshake is looked at again with other ClientHellos where they could fare better, and to make sure.
_FAILED, _TWICE, _THRICE = {"tls-failed": 1}, {"tls-failed": 2}, {"tls-failed": 3}

_WITHOUT_TLS = {
    25: Met("PPF?", _MX_FAILS, _THRICE),
    587: Met("PPF?", _SUBMISSION_FAILS, _TWICE),
    143: Met("PPF?", _IMAP_FAILS, _TWICE),
    993: Met("P-F?", _IMAP_FAILS, _TWICE),
}
"""What comes is no TLS, or none in whole: nobody can get through."""
_NO_TLS = {**_WITHOUT_TLS, 993: Met("?-F?", _IMAP_FAILS, _TWICE)}
"""What comes does not even show what is spoken there."""
_TEXT_FOR_TLS = {**_WITHOUT_TLS, 993: Met("F---", _IN_CLEAR, _FAILED)}

_LONG_GREETING = {
    25: Met("F???", _MALFORMED, _TOO_MUCH),
    587: Met("?-??", (), _TOO_MUCH),
    # A greeting of IMAP is one line: those after it are no part of it.
    143: Met("P???", (), _TOO_MUCH),
    993: Met("P?PP", (), _TOO_MUCH),
}
_LONG_LIST = {
    25: Met("P???", (), _TOO_MUCH),
    587: Met("P???", (), _TOO_MUCH),
    143: Met("P???", (), _TOO_MUCH),
    993: Met("P?PP", (), _TOO_MUCH),
}

MET: dict[str, dict[int, Met]] = {
    "slow": {
        25: Met("PP??", (), _TIME_UP),
        587: Met("PP??", (), {**_TIME_UP, **_BESIDE}),
        143: Met("PPP-", (), {**_TIME_UP, **_BESIDE}),
        993: Met("PPPP", (), _TIME_UP),
    },
    "slow-to-greet": {
        25: Met("----", ("smtp/address-unreachable",), {**_SILENT, **_BESIDE}),
        587: Met("????", (), {**_SILENT, **_BESIDE}),
        143: Met("????", (), {**_SILENT, **_BESIDE}),
        993: Met("???P", (), _SILENT),
    },
    "silent-after-greeting": {
        25: Met("P???", (), _SILENT),
        587: Met("P???", (), _SILENT),
        143: Met("P???", (), _SILENT),
        993: Met("P?PP", (), _SILENT),
    },
    "dripping": {
        # The greeting comes whole, late and again late; what follows does not come in time.
        25: Met("P???", ("smtp/slow-greeting",), {"time-up": 2}),
        587: Met("P???", (), _TIME_UP),
        143: Met("????", (), _SILENT),
        993: Met("??PP", (), _SILENT),
    },
    "hardly-dripping": {
        25: Met("P???", (), _SILENT),
        587: Met("????", (), _SILENT),
        143: Met("????", (), _SILENT),
        993: Met("??PP", (), _SILENT),
    },
    "endless-line-of-greeting": {
        25: Met("F???", _MALFORMED, _TOO_MUCH),
        587: Met("?-??", (), _TOO_MUCH),
        143: Met("?-??", (), _TOO_MUCH),
        993: Met("?-?P", (), _TOO_MUCH),
    },
    "endless-line-of-list": {
        25: Met("P???", ("smtp/reply-line-too-long",), _TOO_MUCH),
        587: Met("P???", (), _TOO_MUCH),
        143: Met("P???", (), _TOO_MUCH),
        993: Met("P?PP", (), _TOO_MUCH),
    },
    "endless-greeting": _LONG_GREETING,
    "greeting-of-10000-lines": _LONG_GREETING,
    "of-many-words": {
        25: Met(
            "PP??",
            ("smtp/no-8bitmime", "smtp/private-name", "smtp/reply-line-too-long", "smtp/starttls-refused"),
            {"by-us": 2},
        ),
        587: Met("PPF-", _SUBMISSION_FAILS, {"by-us": 2}),
        143: Met("PPF-", ("imap/login-before-tls", *_IMAP_FAILS), {"by-us": 2}),
        993: Met("PPPP", ("imap/starttls-offered-twice",), {"by-us": 1}),
    },
    "endless-list": _LONG_LIST,
    "list-of-10000-lines": _LONG_LIST,
    "half-closing-at-once": {
        25: Met("P???", _CLOSES, _BY_PEER),
        587: Met("P???", (), _BY_PEER),
        143: Met("P???", (), _BY_PEER),
        993: Met("??PP", (), _BY_PEER),
    },
    "half-closing-later": {
        25: Met("PP??", _CLOSES, _BY_PEER),
        587: Met("PP??", (), _BY_PEER),
        143: Met("PPP-", (), _BY_PEER),
        993: Met("??PP", (), _BY_PEER),
    },
    "lying": _TEXT_FOR_TLS,
    "lying-without-end": _TEXT_FOR_TLS,
    "injecting": {
        25: Met("PPPP", ("smtp/starttls-leftover",), {"by-us": 2}),
        587: Met("PPPP", ("submission/starttls-leftover",), {"by-us": 1}),
    },
    "injecting-imap": {143: Met("PPPP", ("imap/starttls-leftover",), {"by-us": 2})},
    # So much that it cannot all have come before the handshake: it stands in the place of the ServerHello.
    "injecting-much": {port: met for port, met in _WITHOUT_TLS.items() if port != 993},
    "noise-for-tls": _NO_TLS,
    "noise-for-tls-without-end": _NO_TLS,
    "half-a-record": _NO_TLS,
    # TLS that breaks its own rules, so that no library can go on with it.
    "junk-record": _WITHOUT_TLS,
    "warnings-without-end": _WITHOUT_TLS,
    # TLS, of a kind that our library does not take: others may, so that nothing is proven.
    "ssl3-alone": {
        25: Met("PP??", (), _THRICE),
        587: Met("PP??", (), _FAILED),
        143: Met("PP??", (), _FAILED),
        993: Met("P-??", (), _FAILED),
    },
    "dripping-record": {
        25: Met("PP??", (), _TWICE),
        587: Met("PP??", (), _FAILED),
        143: Met("PP??", (), _FAILED),
        993: Met("?-??", (), _FAILED),
    },
    # More than the libraries of senders and of mail programs take.
    "records-without-end": _WITHOUT_TLS,
    "certificate-of-a-megabyte": _WITHOUT_TLS,
    # No path of that length is looked for.
    "chain-of-100": {
        25: Met("PPP?", (), {"by-us": 2}),
        587: Met("PPP?", (), {"by-us": 1}),
        143: Met("PPP?", (), {"by-us": 2}),
        993: Met("PPP?", (), {"by-us": 1}),
    },
}
HEARD_LATE = frozenset({"smtp/slow-greeting"})
"""Rules about what was heard, though late, in talks that came to nothing after that."""


@pytest.fixture(scope="module")
def registry() -> Registry:
    return load()


def kept(transcript: Transcript) -> int:
    """Octets of the peer's in a conversation's record."""

    def octets() -> Iterator[int]:
        for event in transcript.events:
            match event:
                case Said() | Answered():
                    yield len(event.octets)
                case Secured(handshake=Handshake() as made, leftover=leftover):
                    yield len(leftover) + len(made.staple) + sum(map(len, made.chain))
                case Secured(handshake=TlsFailure() as failed, leftover=leftover):
                    yield len(leftover) + len(failed.octets)

    return sum(octets())


def rest_on_silence(report: Report) -> list[str]:
    """Findings that rest on what was not heard."""
    found: list[Finding] = rest_on_nothing_heard(report)
    return [finding.text() for finding in found if finding.id not in HEARD_LATE]


def assert_bounds(run: Run, connections: int = MOST_CONNECTIONS, most: int = MOST_KEPT) -> None:
    """What a hostile peer may cost: so many connections, and so many octets kept."""
    assert 0 < len(run.network.wires) <= connections
    assert max(wire.octets for wire in run.network.wires) <= MOST_READ
    assert sum(kept(transcript) for transcript in run.talks) <= most
    assert run.talks
    for transcript in run.talks:
        assert transcript.closed.at_ms <= LONGEST_TALK * 1000
    assert too_long(run.report) == []


def assert_sound(run: Run) -> None:
    """Nothing crashed, and nothing rests on what was not heard."""
    assert [(r.check, r.because) for r in run.report.results if r.status is Status.CRASHED] == []
    assert rest_on_silence(run.report) == []
    assert passed_unheard(run.report) == []


def test_every_kind_is_met_on_every_port_it_is_for() -> None:
    assert {name: set(hostile.ports) for name, hostile in HOSTILE.items()} == {
        name: set(met) for name, met in MET.items()
    }


@pytest.mark.filterwarnings("ignore:Passing pyOpenSSL:DeprecationWarning")
@pytest.mark.parametrize(("name", "port"), [(name, port) for name, met in MET.items() for port in met])
def test_a_hostile_peer_gets_its_verdict_within_bounds(
    name: str, port: int, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = met_by(name, port, registry, monkeypatch)
    assert_sound(run)
    assert run.met == MET[name][port], [finding.text() for finding in run.report.findings]
    assert_bounds(run)
    assert run.network.seconds <= MOST_SECONDS


# What is said in the place of TLS, or with it.
OFFERED = (
    "noise-for-tls-without-end",
    "junk-record",
    "records-without-end",
    "warnings-without-end",
    "half-a-record",
    "dripping-record",
    "lying-without-end",
    "certificate-of-a-megabyte",
    "chain-of-100",
)


@pytest.mark.filterwarnings("ignore:Passing pyOpenSSL:DeprecationWarning")
@pytest.mark.parametrize("port", [25, 993])
@pytest.mark.parametrize("name", OFFERED)
def test_whoever_looks_fully_into_a_hostile_peers_tls_learns_the_same_within_bounds(
    name: str, port: int, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = met_by(name, port, registry, monkeypatch, Depth.FULL)
    assert_sound(run)
    usual = MET[name][port]
    assert (run.met.statuses, run.met.raises) == (usual.statuses, usual.raises)
    assert_bounds(run, MOST_OFFERS, MOST_READ * len(run.network.wires))
    assert run.network.seconds <= MOST_SECONDS


@pytest.mark.filterwarnings("ignore:Passing pyOpenSSL:DeprecationWarning")
def test_a_healthy_peer_passes_all_of_it(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(HOSTILE, "healthy", Hostile())
    for port in PORTS:
        run = met_by("healthy", port, registry, monkeypatch)
        assert_sound(run)
        assert (run.met.statuses, run.met.raises) == ("PPPP", ())
        assert_bounds(run)
