"""Bad input and bad luck: what hostile or broken records, servers and networks do, each with the worlds that show it.

The worlds of fixtures/ are held to their heads by tests/test_scenarios.py; here each kind of bad luck is held to
the verdict and the statuses that it calls for, and every run to bounds in what it asks and keeps. Records too
long to be kept as files are made here, over the healthy world.
"""

from __future__ import annotations

import itertools
import string
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

import anyio
import dns.rrset
import pytest
from test_scenarios import FIXTURES, diagnosed

from diag.facts.spf import SpfEvaluation
from diag.gather.dns import Found, NoRecord, look_up
from diag.lab.limited import Limited
from diag.lab.live import dns as live_dns
from diag.lab.live.live import Live, Means
from diag.lab.live.network import Network, Sockets, Trouble, Wire, WireError
from diag.lab.reroute import Reroute
from diag.model.knowing import Unavailable
from diag.model.report import Report, Status
from diag.model.target import Target
from diag.probes.dns import DnsAnswer, DnsQuery, build_answer
from diag.probes.https import HttpExchange
from diag.probes.probe import E, Probe
from diag.run.diagnose import Diagnosis
from diag.run.registry import Registry, load
from diag.sandbox import world as worlds
from diag.sandbox.serve import played
from diag.sandbox.staged import DOCUMENTATION, Staged
from diag.sandbox.world import World

MOST_QUESTIONS = 600
"""Of a run on any of these worlds; the healthy one takes about 120."""
MOST_STEPS = 40_000
"""Terms of the SPF tree."""
MOST_KEPT = 4 << 20
"""Octets of answers and documents in its evidence."""

_LETTERS = string.ascii_lowercase
NAMES = [f"{a}{b}.{c}" for a, b, c in itertools.product(_LETTERS, repeat=3)]
"""The shortest names of which there are more than ten thousand."""
_ROOM = 64_500
"""Octets of a TXT record that fits, in strings of 255, into the largest message there is."""


def txt(owner: str, text: str) -> str:
    """A TXT record in strings of 255 octets."""
    strings = " ".join(f'"{text[at : at + 255]}"' for at in range(0, len(text), 255))
    return f"{owner}. TXT ( {strings} )\n"


def spf(terms: Iterator[str]) -> str:
    """An SPF record of as many terms as there is room for."""
    text = "v=spf1 " + " ".join(terms)
    return txt("lantern.example", text[:_ROOM].rsplit(" ", 1)[0])


def fanning_out() -> str:
    """Twenty includes of ten `mx` terms each, every one of them with ten hosts: 4,200 questions if all are asked."""
    names = [f"s{at}.lantern.example" for at in range(20)]
    text = txt("lantern.example", f"v=spf1 {' '.join(f'include:{name}' for name in names)} -all")
    for name in names:
        served = [f"m{at}.{name}" for at in range(10)]
        text += txt(name, "v=spf1 " + " ".join(f"mx:{each}" for each in served) + " -all")
        text += "".join(f"{each}. MX 10 h{at}.{each}.\n" for each in served for at in range(10))
    return text


@dataclass(frozen=True)
class Luck:
    """What a world calls for."""

    raises: tuple[str, ...] = ()
    statuses: dict[str, Status] = field(default_factory=dict)
    """By check: the status of its result, or of one of them where it has several; none of them has failed."""
    text: Callable[[], str] | None = None
    """The zone text of a world that is made here."""


_TOO_LONG = ("spf/long-record", "zone/large-answer")
_LONG = ("spf/open-ended", "spf/too-many-lookups", *_TOO_LONG)
_UNKNOWN = Status.INCONCLUSIVE
_NO_POLICY = Luck(("mta-sts/policy-unreachable",))
_TEN = "spf_stays_within_ten_lookups"

LUCK: dict[str, dict[str, Luck]] = {
    "records of 64 KiB": {
        "spf-of-networks": Luck(
            ("spf/open-ended", *_TOO_LONG),
            {_TEN: Status.PASSED, "spf_terms_are_well_formed": Status.PASSED},
            lambda: spf(f"ip4:5.{at >> 8}.{at & 255}.1" for at in range(5000)),
        ),
        "spf-of-one-network-again": Luck(
            ("spf/open-ended", "spf/overlap", *_TOO_LONG), {}, lambda: spf(iter(["ip4:5.1.1.1"] * 6000))
        ),
        "spf-of-one-term": Luck(
            ("spf/open-ended", "spf/syntax", *_TOO_LONG),
            {},
            lambda: txt("lantern.example", f"v=spf1 {'z' * 64000}"),
        ),
        "dkim-key": Luck(
            ("dkim/key-unusable",),
            {},
            lambda: txt("default._domainkey.lantern.example", f"v=DKIM1; p={'M' * 64000}"),
        ),
        "dmarc-of-report-addresses": Luck(
            ("dmarc/report-domain-cannot-receive", "dmarc/report-not-authorised"),
            {"dmarc_policies_exist": Status.PASSED},
            lambda: txt(
                "_dmarc.lantern.example",
                "v=DMARC1; p=reject; rua=" + ",".join(f"mailto:a@{name}" for name in NAMES[:3500]),
            ),
        ),
        "mta-sts-of-fields": Luck(
            (), {}, lambda: txt("_mta-sts.lantern.example", f"v=STSv1; id=1; {'x=1;' * 15000}")
        ),
    },
    "SPF of 10,000 terms": {
        "spf-of-bare-a": Luck(
            ("spf/too-many-lookups", *_TOO_LONG), {}, lambda: spf(iter(["a"] * 9999 + ["-all", ""]))
        ),
        "spf-of-a": Luck(("spf/too-many-voids", *_LONG), {}, lambda: spf(f"a:{name}" for name in NAMES)),
        "spf-of-mx": Luck(("spf/too-many-voids", *_LONG), {}, lambda: spf(f"mx:{name}" for name in NAMES)),
        "spf-of-includes": Luck(
            ("spf/include-without-record", *_LONG), {}, lambda: spf(f"include:{name}" for name in NAMES)
        ),
        "spf-of-one-long-include": Luck(
            ("spf/duplicate-include", *_LONG),
            {},
            lambda: (
                spf(iter(["include:x.y"] * 5000))
                + txt("x.y", " ".join(("v=spf1", *(f"ip4:5.{at >> 8}.{at & 255}.1" for at in range(4000)))))
            ),
        ),
        "spf-of-junk": Luck(("spf/syntax", *_TOO_LONG), {}, lambda: spf(iter(["x"] * 9999 + ["-all", ""]))),
        "spf-of-modifiers": Luck(
            ("spf/unknown-modifier", *_TOO_LONG), {}, lambda: spf(iter(["x=y"] * 9999 + ["-all", ""]))
        ),
        "spf-of-redirects": Luck(
            ("spf/include-without-record", "spf/modifier-twice", *_TOO_LONG),
            {},
            lambda: spf(iter(["redirect=x.y"] * 4000)),
        ),
    },
    "SPF trees that fan out": {
        "two-hundred-mx-over-includes": Luck(
            ("spf/long-record", "spf/too-many-lookups"),
            {"spf_terms_are_well_formed": Status.PASSED},
            fanning_out,
        ),
    },
    "include loops through CNAME loops": {
        "spf/loop": Luck(("spf/loop",)),
        "bad-luck/include-through-alias": Luck(("spf/loop",)),
        "bad-luck/include-through-alias-loop": Luck(("spf/include-without-record",)),
        "ten-times-ten-includes": Luck(
            ("spf/loop", "spf/too-many-lookups"),
            {},
            lambda: (
                "".join(
                    txt(
                        name, "v=spf1 " + " ".join(f"include:{digit}.{name}" for digit in range(10)) + " -all"
                    )
                    for name in ("lantern.example", *(f"{a}.lantern.example" for a in range(10)))
                )
                + "".join(
                    txt(f"{a}.{b}.lantern.example", f"v=spf1 include:{a}.lantern.example -all")
                    for a in range(10)
                    for b in range(10)
                )
            ),
        ),
    },
    "wildcard everything": {
        "bad-luck/wildcard-everything": Luck(("autoconfig/autodiscover-certificate", "mx/wildcard")),
        "dkim/wildcard": Luck(("autoconfig/autodiscover-certificate", "dkim/wildcard")),
    },
    "NXDOMAIN liars": {
        "bad-luck/nxdomain-for-one-type": Luck((), {"an_spf_record_is_published": _UNKNOWN, _TEN: _UNKNOWN}),
        "bad-luck/nxdomain-for-mail": Luck(
            (),
            {
                "a_domain_used_for_mail_has_a_mail_host": _UNKNOWN,
                "spf_lookups_find_something": _UNKNOWN,
                "dmarc_report_domain_takes_mail": _UNKNOWN,
                "tlsrpt_mailboxes_can_receive": _UNKNOWN,
            },
        ),
        "zone/nxdomain-above-names": Luck(("zone/nxdomain-above-names",)),
    },
    "answers with other questions' names": {
        "bad-luck/server-with-other-names": Luck(
            ("zone/lame-server",), {"some_name_server_answers": Status.PASSED}
        ),
        "bad-luck/all-servers-with-other-names": Luck(("zone/no-server-answers",)),
    },
    "servers that hate EDNS": {
        "zone/no-edns": Luck(("zone/no-edns",), {"every_name_server_answers": Status.PASSED})
    },
    "truncated without TCP": {
        "zone/no-tcp": Luck(("spf/long-record", "zone/large-answer", "zone/no-tcp")),
        "zone/no-tcp-anywhere": Luck(("zone/no-tcp-yet-unneeded",)),
    },
    "a resolver that rewrites NXDOMAIN": {
        "vantage/resolver-invents": Luck(
            ("vantage/nxdomain-rewritten",), {"sending_addresses_are_on_no_blocklist": _UNKNOWN}
        ),
        "vantage/resolver-invents-a-policy-host": Luck(("vantage/nxdomain-rewritten",)),
    },
    "one authoritative server of four dead": {
        "bad-luck/one-of-four-dead": Luck(
            ("zone/lame-server",),
            {
                "some_name_server_answers": Status.PASSED,
                "every_name_server_has_the_same_records": Status.PASSED,
            },
        ),
        "zone/silent-server": Luck(("zone/lame-server",)),
    },
    "lists that answer refusal codes": {
        "blocklists/refuses-public-resolvers": Luck((), {"sending_addresses_are_on_no_blocklist": _UNKNOWN}),
        "blocklists/refuses-after-a-while": Luck((), {"sending_addresses_may_send_directly": _UNKNOWN}),
        "blocklists/name-list-asked-wrongly": Luck(),
    },
    "policy hosts that send a gigabyte": {
        "bad-luck/policy-of-a-gigabyte": _NO_POLICY,
        "mta-sts/policy-endless": _NO_POLICY,
    },
    "policy hosts that redirect": {"mta-sts/policy-redirects": _NO_POLICY},
    "policy hosts that stall": {
        "mta-sts/policy-host-stalls": replace(_NO_POLICY, statuses={"sts_policy_covers_mx_hosts": _UNKNOWN}),
        "mta-sts/policy-host-slow": Luck(),
    },
    "policy hosts with a wrong certificate": {
        "mta-sts/policy-certificate-for-others": _NO_POLICY,
        "mta-sts/policy-certificate-expired": _NO_POLICY,
        "mta-sts/policy-certificate-self-signed": _NO_POLICY,
    },
}


@pytest.fixture(scope="module")
def registry() -> Registry:
    return load()


def loaded(name: str, luck: Luck, folder: Path) -> World:
    if luck.text is None:
        return worlds.load(FIXTURES / name)
    (folder / "made.zone").write_text(f"; base: healthy\n{luck.text()}")
    return worlds.load(folder / "made")


def kept(report: Report) -> int:
    """Octets that peers made the run keep."""
    answers = [e for e in report.evidence.values() if isinstance(e, DnsAnswer)]
    documents = [e for e in report.evidence.values() if isinstance(e, HttpExchange)]
    return sum(len(answer.wire) for answer in answers) + sum(len(document.body) for document in documents)


def raised(report: Report) -> tuple[str, ...]:
    return tuple(sorted({finding.id for finding in report.findings}))


def crashed(report: Report) -> list[tuple[str, str]]:
    return [(result.check, result.because) for result in report.results if result.status is Status.CRASHED]


def test_no_kind_of_bad_luck_is_without_a_world() -> None:
    assert len(LUCK) == 16
    assert all(LUCK.values())
    named = {name for held in LUCK.values() for name, luck in held.items() if luck.text is None}
    assert {f"bad-luck/{path.stem}" for path in (FIXTURES / "bad-luck").glob("*.zone")} <= named


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, held in LUCK.items() for name in held])
def test_bad_luck_gets_its_verdict_within_bounds(
    kind: str, name: str, registry: Registry, tmp_path: Path
) -> None:
    luck = LUCK[kind][name]
    # Records that are made here are a matter of the DNS alone.
    report = diagnosed(loaded(name, luck, tmp_path), registry, dialogues=luck.text is None)
    assert crashed(report) == []
    assert raised(report) == tuple(sorted(luck.raises))
    for check, status in luck.statuses.items():
        found = {result.status for result in report.results if result.check == check}
        assert status in found, check
        assert Status.FAILED not in found, check
    assert sum(isinstance(probe, DnsQuery) for probe in report.evidence) <= MOST_QUESTIONS
    assert kept(report) <= MOST_KEPT
    assert len(report.findings) <= 60
    tree = report.facts.get(SpfEvaluation)
    assert not isinstance(tree, SpfEvaluation) or sum(1 for _ in tree.root.walk()) <= MOST_STEPS
    assert sum(len(str(finding.fix)) for finding in report.findings) <= MOST_KEPT


class Saying:
    """A lab in which every answer is the same."""

    def __init__(self, rcode: str, *records: str) -> None:
        self._rcode = rcode
        self._records = tuple(
            dns.rrset.from_text(name, 60, "IN", kind, data) for name, kind, data in map(str.split, records)
        )

    async def run(self, probe: Probe[E]) -> E:
        """See Lab."""
        assert isinstance(probe, DnsQuery)
        return cast(E, build_answer(probe, self._records, self._rcode, recursive=True))


OWN, ALIAS, OTHER = "a.example. TXT x", "a.example. CNAME b.example.", "c.example. TXT x"


@pytest.mark.parametrize(
    ("rcode", "records", "kind"),
    [
        ("NOERROR", (OWN,), Found),
        ("NOERROR", (), NoRecord),
        ("NXDOMAIN", (), NoRecord),
        ("NXDOMAIN", (ALIAS,), NoRecord),
        ("NOERROR", (OWN, OTHER), Found),
        ("NXDOMAIN", (OWN,), Unavailable),
        ("NOERROR", (OTHER,), Unavailable),
        ("NXDOMAIN", (OTHER,), Unavailable),
    ],
)
def test_an_answer_that_contradicts_itself_says_nothing(
    rcode: str, records: tuple[str, ...], kind: type
) -> None:
    assert type(anyio.run(look_up, Saying(rcode, *records), "a.example", "TXT")) is kind


SOCKETS = [
    "zone/no-edns",
    "zone/no-tcp",
    "bad-luck/server-with-other-names",
    "bad-luck/one-of-four-dead",
    "bad-luck/policy-of-a-gigabyte",
    "mta-sts/policy-redirects",
    "mta-sts/policy-certificate-for-others",
]
"""Where the transport matters: played on loopback too."""


class WithoutTcp:
    """A network in which one port takes no TCP."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def connect(self, address: str, port: int) -> Wire:
        """See Network."""
        if port == self._port:
            raise WireError(Trouble.REFUSED)
        return await Sockets().connect(address, port)


def over_sockets(world: World, registry: Registry, *, resolver_takes_tcp: bool = True) -> Report:
    """The report on a world that is played on loopback."""

    async def run() -> Report:
        async with played(world) as playing:
            resolver = "#".join(map(str, playing.resolver))
            network: Network = Sockets() if resolver_takes_tcp else WithoutTcp(playing.resolver[1])
            live = Live(registry.performers, Means(network=network, nameservers=(resolver,)))
            inside = Reroute(playing.routes, live, only=True)
            target = Target(world.domain, public=DOCUMENTATION, dialogues=False)
            return await Diagnosis(registry, target, Limited(Staged(world, inside))).run()

    return anyio.run(run)


@pytest.fixture
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_dns, "PATIENCE", (0.5, 0.5))


@pytest.mark.usefixtures("_impatient")
@pytest.mark.filterwarnings("ignore:Passing pyOpenSSL:DeprecationWarning")
@pytest.mark.parametrize("name", SOCKETS)
def test_over_sockets_the_verdict_is_the_same(name: str, registry: Registry) -> None:
    report = over_sockets(worlds.load(FIXTURES / name), registry)
    (luck,) = [held[name] for held in LUCK.values() if name in held]
    assert crashed(report) == []
    assert raised(report) == tuple(sorted(luck.raises))
    assert kept(report) <= MOST_KEPT


@pytest.mark.usefixtures("_impatient")
def test_what_our_resolver_cuts_short_and_does_not_give_over_tcp_is_not_known(registry: Registry) -> None:
    report = over_sockets(worlds.load(FIXTURES / "zone/no-tcp"), registry, resolver_takes_tcp=False)
    assert crashed(report) == []
    statuses = {result.status for result in report.results if result.check == "an_spf_record_is_published"}
    assert statuses == {Status.INCONCLUSIVE}
    assert not [finding for finding in report.findings if finding.id.startswith("spf/")]
