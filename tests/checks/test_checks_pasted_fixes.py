"""What an administrator who pastes a fix gets: never less mail of his own, never more of others'."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest
import trio.testing

from diag.model.fix import Replace
from diag.model.report import Report
from diag.model.target import Target
from diag.run.diagnose import Diagnosis
from diag.run.registry import Registry, load
from diag.sandbox import world as worlds
from diag.sandbox.staged import DOCUMENTATION, in_memory

SPF = "lantern.example. TXT "
DMARC = "_dmarc.lantern.example. TXT "
RUA = "rua=mailto:dmarc-reports@lantern.example"


@pytest.fixture(scope="module")
def registry() -> Registry:
    return load()


def judged(text: str, folder: Path, registry: Registry) -> Report:
    """The report on a zone text laid over the healthy world."""
    (folder / "w.zone").write_text(f"; base: healthy\n{text}\n")
    world = worlds.load(folder / "w")

    async def run() -> Report:
        async with in_memory(world, registry.performers) as lab:
            target = Target(world.domain, public=DOCUMENTATION, helo=world.helo)
            return await Diagnosis(registry, target, lab).run()

    clock = trio.testing.MockClock(autojump_threshold=0)
    return anyio.run(run, backend="trio", backend_options={"clock": clock})


def published(report: Report, rule: str) -> list[str]:
    """What the findings of a rule would have published instead."""
    return [
        f"{fix.name} {fix.value}"
        for finding in report.findings
        if finding.id == rule
        for fix in finding.fix
        if isinstance(fix, Replace)
    ]


@pytest.mark.parametrize(
    ("text", "rule", "fixed"),
    [
        # A term that names somebody is spelt as it was meant, not thrown away with him.
        (f'{SPF}"v=spf1 mx,a:mail.lantern.example -all"', "spf/syntax", "v=spf1 mx a:mail.lantern.example -all"),
        (f'{SPF}"v=spf1 mx ip4:mail.lantern.example -all"', "spf/syntax", "v=spf1 mx a:mail.lantern.example -all"),
        (f'{SPF}"v=spf1 mx ip4:2001:db8:10::30 -all"', "spf/syntax", "v=spf1 mx ip6:2001:db8:10::30 -all"),
        (f'{SPF}"v=spf1 mx 198.51.100.30 -all"', "spf/syntax", "v=spf1 mx ip4:198.51.100.30 -all"),
        (f'{SPF}"v=spf1 mx a:198.51.100.30 -all"', "spf/syntax", "v=spf1 mx ip4:198.51.100.30 -all"),
        (f'{SPF}"v=spf1 mx a:mail.lantern.example -all;"', "spf/syntax", "v=spf1 mx a:mail.lantern.example -all"),
        (f'{SPF}"v=spf1 mx a:mail.lantern.example -al"', "spf/syntax", "v=spf1 mx a:mail.lantern.example -all"),
        (f'{SPF}"v=spf1 mx a:mail.lantern.example all-"', "spf/syntax", "v=spf1 mx a:mail.lantern.example ~all"),
        (f'{SPF}"v=spf1 mx a:mail.lantern.example moo -all"', "spf/syntax", "v=spf1 mx a:mail.lantern.example -all"),
        (f'{SPF}"v=spf1 mx ip4:198.51.100.30/33 -all"', "spf/syntax", ""),
        # Whoever sends by an open door today is not refused for it at once.
        (f'{SPF}"v=spf1 mx a:mail.lantern.example +all"', "spf/passes-everyone", "v=spf1 mx a:mail.lantern.example ~all"),
        (f'{SPF}"v=spf1 +all"', "spf/passes-everyone", "v=spf1 mx ~all"),
        (f'{SPF}"v=spf1 mx ip4:0.0.0.0/0 ip6:::/0 -all"', "spf/passes-everyone", "v=spf1 mx -all"),
        # Merging keeps everybody, and opens nothing.
        (
            f'{SPF}"v=spf1 mx +all"\n{SPF}"v=spf1 a:mail.lantern.example all"',
            "spf/multiple-records",
            "v=spf1 a:mail.lantern.example mx ~all",
        ),
        # Addresses that could not be looked up are not left out.
        (
            f'; fails: mail.lantern.example AAAA servfail\n{SPF}"v=spf1 a:mail.lantern.example'
            + "".join(f" a:mx{1 + n % 2}.lantern.example" for n in range(8))
            + ' -all"',
            "spf/near-lookup-limit",
            "v=spf1 a:mail.lantern.example ip4:198.51.100.10 ip6:2001:db8:10::10 ip4:198.51.100.20"
            " ip6:2001:db8:10::20 -all",
        ),
        # One dead term of several, taken out alone, would cure nothing.
        (
            f'{SPF}"v=spf1 mx a:mail.lantern.example include:n1.lantern.example include:n2.lantern.example -all"',
            "spf/include-without-record",
            "v=spf1 mx a:mail.lantern.example -all",
        ),
        (
            f'{SPF}"v=spf1 mx a:mail.lantern.example include:s.free1.example a:s.free1.example a:free2.example -all"',
            "spf/target-domain-free",
            "v=spf1 mx a:mail.lantern.example -all",
        ),
        # Hosts of others move without telling: they stay names.
        (
            f'{SPF}"v=spf1 a:out.service.example'
            + "".join(f" a:mx{1 + n % 2}.lantern.example" for n in range(8))
            + ' -all"\nout.service.example. A 192.0.2.9\nout.service.example. AAAA 2001:db8:99::9',
            "spf/near-lookup-limit",
            "v=spf1 a:out.service.example ip4:198.51.100.10 ip6:2001:db8:10::10 ip4:198.51.100.20"
            " ip6:2001:db8:10::20 -all",
        ),
        # A null MX beside SPF and keys is the mistake of somebody who sends.
        (f'lantern.example. MX 0 .\n{SPF}"v=spf1 ip4:198.51.100.30 -all"', "mx/null-but-sends", ""),
        # An alias that leads nowhere is no name for an MX record.
        ("mx2.lantern.example. CNAME gone.lantern.example.", "mx/target-alias", ""),
        # An empty sp follows p again, an unreadable np protects as well; pct=0 asked for nothing yet.
        (f'{DMARC}"v=DMARC1; p=reject; sp=; {RUA}"', "dmarc/policy-invalid", f"v=DMARC1; p=reject; {RUA}"),
        (f'{DMARC}"v=DMARC1; p=reject; np=xx; {RUA}"', "dmarc/policy-invalid", f"v=DMARC1; p=reject; {RUA}"),
        (f'{DMARC}"v=DMARC1; p=reject; pct=0; {RUA}"', "dmarc/pct-read-two-ways", f"v=DMARC1; p=reject; {RUA}; t=y"),
        (f'{DMARC}"v=DMARC1; p=none; pct=0; {RUA}"', "dmarc/pct-read-two-ways", f"v=DMARC1; p=none; {RUA}"),
        # Only the mode that shuts a subdomain out is relaxed.
        (
            f'{DMARC}"v=DMARC1; p=reject; adkim=s; aspf=s; {RUA}"\n_domainkey.bounce.lantern.example. TXT "x"',
            "dmarc/strict-with-subdomains",
            f"v=DMARC1; p=reject; aspf=s; {RUA}",
        ),
        # Reports that only bounce are sent elsewhere, not given up.
        (
            f'{DMARC}"v=DMARC1; p=reject; rua=mailto:a@rep.example"\nrep.example. MX 0 .',
            "dmarc/report-domain-cannot-receive",
            "",
        ),
    ],
)  # fmt: skip
def test_what_a_fix_publishes(text: str, rule: str, fixed: str, tmp_path: Path, registry: Registry) -> None:
    report = judged(text, tmp_path, registry)
    assert rule in {finding.id for finding in report.findings}
    assert [line.partition(" ")[2] for line in published(report, rule)] in (
        [[fixed], [fixed] * 2] if fixed else [[]]
    )


def test_one_fix_corrects_every_modifier_that_was_meant_as_a_mechanism(
    tmp_path: Path, registry: Registry
) -> None:
    records = "".join(
        f'{x}.lantern.example. TXT "v=spf1 ip4:192.0.2.{n} -all"\n' for n, x in enumerate("ab", 1)
    )
    report = judged(
        f'{SPF}"v=spf1 mx include=a.lantern.example include=b.lantern.example -all"\n{records}',
        tmp_path,
        registry,
    )
    both = "lantern.example v=spf1 mx include:a.lantern.example include:b.lantern.example -all"
    assert published(report, "spf/unknown-modifier") == [both, both]


def test_records_behind_an_alias_are_changed_where_they_stand(tmp_path: Path, registry: Registry) -> None:
    report = judged(
        "; domain: em.lantern.example\n"
        "em.lantern.example. CNAME u1.lantern.example.\n"
        'u1.lantern.example. TXT "v=spf1 mx ?all"\n'
        "u1.lantern.example. MX 10 relay.lantern.example.\n"
        "relay.lantern.example. CNAME mx1.lantern.example.",
        tmp_path,
        registry,
    )
    assert published(report, "spf/open-ended") == ["u1.lantern.example v=spf1 mx ~all"]
    assert published(report, "mx/target-alias") == ["u1.lantern.example 10 mx1.lantern.example."]


def test_what_stands_at_another_name_is_not_published_where_it_means_other_hosts(
    tmp_path: Path, registry: Registry
) -> None:
    text = '; without: lantern.example TXT\n{}.lantern.example. TXT "v=spf1 {} -all"'
    for label, term, here in (
        ("www", "a", False),
        ("_spf", "mx", False),
        ("_spf", "a:mail.lantern.example", True),
    ):
        report = judged(text.format(label, term), tmp_path, registry)
        (finding,) = (each for each in report.findings if each.id == "spf/wrong-place")
        assert [str(fix) for fix in finding.fix if 'IN TXT "v=spf1 a:mail' in str(fix)] != [] or not here
        assert here or "…" in str(finding.fix[0])


def test_a_term_in_an_included_record_is_named_with_that_record(tmp_path: Path, registry: Registry) -> None:
    report = judged(
        f'{SPF}"v=spf1 mx include:all.lantern.example -all"\nall.lantern.example. TXT "v=spf1 a:old.lantern.example -all"',
        tmp_path,
        registry,
    )
    assert any("in the record of all.lantern.example" in finding.text() for finding in report.findings)


def test_a_parked_subdomain_that_is_closed_goes_on_reporting(tmp_path: Path, registry: Registry) -> None:
    report = judged(
        "; domain: news.lantern.example\n"
        'news.lantern.example. MX 0 .\nnews.lantern.example. TXT "v=spf1 -all"\n'
        f'{DMARC}"v=DMARC1; p=reject; sp=none; {RUA},mailto:a@service.example"',
        tmp_path,
        registry,
    )
    (finding,) = (each for each in report.findings if each.id == "dmarc/parked-open")
    assert [str(fix) for fix in finding.fix] == [
        f'_dmarc.news.lantern.example. 3600 IN TXT "v=DMARC1; p=reject; {RUA}"'
    ]


def test_an_mx_host_under_mta_sts_is_named_in_the_policy_first(tmp_path: Path, registry: Registry) -> None:
    alias = "mx2.lantern.example. CNAME relay.lantern.example.\nrelay.lantern.example. A 198.51.100.20\n"
    for without, first in (
        ("", ["mx: relay.lantern.example"]),
        ("; without: _mta-sts.lantern.example TXT\n", []),
    ):
        report = judged(without + alias, tmp_path, registry)
        (finding,) = (each for each in report.findings if each.id == "mx/target-alias")
        assert [str(fix) for fix in finding.fix] == [
            *first,
            "lantern.example. 3600 IN MX 20 relay.lantern.example.",
        ]


@pytest.mark.parametrize(
    ("there", "rule", "name"),
    [
        ('u1.lantern.example. TXT "v=spf1; mx -all"\nu1.lantern.example. MX 10 mx1.lantern.example.', "near-record", "u1"),
        ('u1.lantern.example. MX 10 mx1.lantern.example.', "missing", "u1"),
        ('u1.lantern.example. HINFO "a" "b"\n_dmarc.em.lantern.example. TXT "v=DMARC1; p=none"', "parked-open", "u1"),
    ],
)  # fmt: skip
def test_spf_of_an_alias_belongs_where_the_alias_leads(
    there: str, rule: str, name: str, tmp_path: Path, registry: Registry
) -> None:
    zone = f"; domain: em.lantern.example\nem.lantern.example. CNAME u1.lantern.example.\n{there}"
    (finding,) = (each for each in judged(zone, tmp_path, registry).findings if each.id == f"spf/{rule}")
    assert [str(fix).split(". ")[0] for fix in finding.fix] == [f"{name}.lantern.example"]


@pytest.mark.parametrize(
    ("text", "rule", "count"),
    [
        (f'{SPF}"v=spf1 mx ~all"\n{SPF}"spf2.0/pra -all"\n{SPF}"spf2.0/mfrom -all"', "spf/senderid-left", 2),
        (f'{SPF}"v=spf1 mx a:mail.lantern.example -all"\n{SPF}"v=spf1; mx"\n{SPF}"v=spf 1 mx"', "spf/near-record-left", 2),
        ("mx1.lantern.example. A 10.0.0.1\nmx1.lantern.example. A 10.0.0.2", "mx/target-not-public", 2),
        (
            "; without: _dmarc.lantern.example TXT\n"
            'lantern.example. TXT "v=DMARC1; p=none"\ndmarc.lantern.example. TXT "v=DMARC1; p=reject"\n'
            f'{SPF}"v=spf1 mx a:mail.lantern.example -all"',
            "dmarc/wrong-place",
            3,
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_several_times_goes_at_once(
    text: str, rule: str, count: int, tmp_path: Path, registry: Registry
) -> None:
    findings = [each for each in judged(text, tmp_path, registry).findings if each.id == rule]
    assert [len(each.fix) for each in findings] == [count, count]
