"""Who can send and sign as a domain, take its mail, serve its policies: read off the records, and never guessed."""

from __future__ import annotations

import dataclasses
import json
import tomllib
from importlib.resources import files

import jsonschema
import pytest
from test_reports_receivers import SCHEMA, judged
from text_sample import shown

from diag.api import Absent, DnsQuery, Report, Unavailable
from diag.facts.providers import providers
from diag.facts.spf import SpfEvaluation
from diag.probes.dns import build_answer
from reports.html import html
from reports.json import json as as_json
from reports.supply import ANYBODY, ITSELF, KEY_HOLDER, Job, supply


def job(report: Report, name: str) -> Job:
    found = supply(report)
    assert found is not None
    return next(each for each in found.jobs if each.id == name)


@pytest.mark.parametrize(
    ("world", "name", "party", "record"),
    [
        ("real/google-workspace.zone", "send", "Google Workspace", "include:_spf.google.com"),
        ("real/google-workspace.zone", "receive", "Google Workspace", "MX 1 aspmx.l.google.com"),
        ("real/google-workspace.zone", "sign", KEY_HOLDER, "key google, as Google Workspace names it"),
        ("real/microsoft-365.zone", "sign", "Microsoft 365",
         "key selector1, an alias to selector1-willow-example._domainkey.willow.onmicrosoft.com"),
        ("real/fastmail.zone", "sign", "Fastmail", "key fm1, an alias to fm1.willow.example.dkim.fmhosted.com"),
        ("real/dmarc-service.zone", "send", "Valimail", "include:%{i}._ip.%{h}._ehlo.%{d}._spf.vali.email"),
        ("real/dmarc-service.zone", "policies", "service.example",
         "DMARC record, an alias to willow.example._dmarc.dmarc.service.example"),
        ("real/dmarc-service.zone", "reports", "service.example", "DMARC rua agg@reports.service.example"),
        ("harbour", "send", "shop.example", "include:_spf.shop.example"),
        ("harbour", "send", ITSELF, "mx: mx1.harbour.example"),
        ("harbour", "reports", "collector.example", "DMARC rua harbour@collector.example"),
        ("healthy", "policies", ITSELF, "MTA-STS policy"),
        ("healthy", "dns", ITSELF, "NS ns1.lantern.example"),
        ("spf/passes-everyone.zone", "send", ANYBODY, "all"),
        ("spf/passes-everyone-in-include.zone", "send", ANYBODY, "+all, which open.p.example includes"),
    ],
)  # fmt: skip
def test_each_party_stands_beside_the_record_that_names_it(
    world: str, name: str, party: str, record: str
) -> None:
    assert record in job(judged(world), name).records(party)


@pytest.mark.parametrize(
    ("name", "silence"),
    [
        ("send", "SPF lets nobody pass"),
        ("sign", "no key was found; there may be some all the same"),
        ("receive", "a null MX: nobody"),
        ("reports", "nobody is sent any"),
    ],
)
def test_nobody_is_said_to_be_nobody(name: str, silence: str) -> None:
    found = job(judged("real/parked-closed.zone"), name)
    assert (found.links, found.silence) == ((), silence)


@pytest.mark.parametrize(
    ("fact", "silence"),
    [
        (Absent(""), "no SPF record says who may"),
        (Unavailable("SERVFAIL"), "could not be determined: SERVFAIL"),
    ],
)
def test_none_and_not_known_stay_apart(fact: Absent | Unavailable, silence: str) -> None:
    report = judged("healthy")
    changed = dataclasses.replace(report, facts={**report.facts, SpfEvaluation: fact})
    assert job(changed, "send").silence == silence


def test_whom_a_provider_includes_in_turn_is_told_where_it_is_somebody_else() -> None:
    report = judged("harbour")
    spf = report.fact(SpfEvaluation)
    shop = next(step for step in spf.root.steps if step.target == "_spf.shop.example")
    inner = dataclasses.replace(
        shop.inner,
        steps=(*shop.inner.steps, *(s for s in spf.root.steps if s.target == "_spf.letters.example")),
    )
    root = dataclasses.replace(spf.root, steps=(dataclasses.replace(shop, inner=inner),))
    facts = {**report.facts, SpfEvaluation: dataclasses.replace(spf, root=root)}
    found = job(dataclasses.replace(report, facts=facts), "send")
    assert found.records("letters.example")[0] == (
        "include:_spf.letters.example, which _spf.shop.example includes"
    )
    assert found.records("shop.example") == ("include:_spf.shop.example",)


def test_authorities_are_those_that_caa_names() -> None:
    import dns.rrset

    report = judged("healthy")
    query = DnsQuery("lantern.example", "CAA")
    records = dns.rrset.from_text(
        "lantern.example.", 300, "IN", "CAA", '0 issue "letsencrypt.org; validationmethods=dns-01"',
        '0 issuewild ";"', '0 iodef "mailto:x@lantern.example"',
    )  # fmt: skip
    evidence = {**report.evidence, query: build_answer(query, (records,))}
    found = job(dataclasses.replace(report, evidence=evidence), "certificates")
    assert found.records("Let's Encrypt") == ("CAA issue letsencrypt.org",)


def test_nothing_looked_at_is_no_section() -> None:
    bare = dataclasses.replace(judged("healthy"), facts={}, evidence={})
    assert supply(bare) is None
    assert "relies on" not in shown(bare)
    assert json.loads(as_json.function(bare))["supply_chain"] is None
    assert 'id="chain"' not in html.function(bare)


@pytest.mark.parametrize(
    ("name", "provider"),
    [
        ("aspmx.l.google.com", "Google Workspace"),
        ("ns-cloud-a1.googledomains.com", "Google Cloud DNS"),
        ("ns-1711.awsdns-21.co.uk", "Amazon Web Services"),
        ("notgoogle.com", ""),
        ("awsdns.com", ""),
        ("", ""),
    ],
)
def test_a_name_that_is_not_in_the_table_has_no_provider(name: str, provider: str) -> None:
    assert providers().of(name) == provider


def test_a_provider_has_one_name_everywhere() -> None:
    selectors = tomllib.loads(files("diag.gather").joinpath("data/selectors.toml").read_text("utf-8"))
    named = {
        ending: entry["name"]
        for entry in selectors["provider"]
        for ending in (*entry.get("mx", ()), *entry.get("spf", ()))
    }
    assert {ending: providers().of(ending) for ending in named} == {
        ending: name.replace(" (with Resend)", "") for ending, name in named.items()
    }


def test_terminal_page_and_json_tell_the_same() -> None:
    report = judged("real/microsoft-365.zone")
    text = " ".join(shown(report).split())
    assert "Takes its mail Microsoft 365 (MX 0 willow-example.mail.protection.outlook.com)" in text
    assert "By itself it serves its policies, reads its reports and hosts its DNS." in text
    page = html.function(report)
    assert "Takes its mail: Microsoft 365." in page
    assert "<code>include:spf.protection.outlook.com</code>" in page
    told = json.loads(as_json.function(report))
    jsonschema.Draft202012Validator(SCHEMA).validate(told)
    links = {each["id"]: each["links"] for each in told["supply_chain"]["jobs"]}
    assert links["send"] == [
        {
            "party": "Microsoft 365",
            "name": "spf.protection.outlook.com",
            "record": "include:spf.protection.outlook.com",
            "known": True,
        }
    ]


def test_a_healthy_domain_that_does_all_of_it_needs_one_sentence() -> None:
    text = " ".join(shown(judged("healthy")).split())
    assert (
        "By itself it sends, takes its mail, serves its policies, reads its reports and hosts its DNS."
        in text
    )
