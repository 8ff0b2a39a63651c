"""The main job on real servers: what was planted is what is found, and nothing else."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lab.addresses import SIX
from lab.planted import PLANTED
from lab.world import World

from diag.cli.work import LONG_LIST

pytestmark = pytest.mark.lab

MAILDIAG = Path(sys.executable).parent / "maildiag"

FOUND = {
    "lab.test": set(),
    "sound.test": set(),
    "slow.test": set(),
    "postscreen.test": set(),
    "sieve.test": set(),
    "parked.test": set(),
    "unsigned.test": {
        "dnssec/unsigned",
        "dane/insecure",
    },  # what does not count can fit as little as it likes
    "lagging.test": {"zone/records-differ"},
    "no-intermediate.test": {"certificates/untrusted-root-on-25"},
    "expired.test": {"certificates/expired-on-25"},
    "not-yet-valid.test": {"certificates/not-yet-valid-on-25"},
    "self-signed.test": {"certificates/self-signed-on-25"},
    "wrong-name.test": {"certificates/name-mismatch-on-25"},
    "weak-key.test": {"certificates/weak-key-on-25"},
    "untrusted-root.test": {"certificates/untrusted-root-on-25"},
    "revoked.test": {"certificates/revoked-on-25"},
    "no-tls.test": {"smtp/starttls-missing"},
    "tls10.test": {"tls/nothing-modern"},
    "anon.test": {"smtp/starttls-handshake-fails"},
    "clear-auth.test": {"smtp/auth-before-tls"},
    "busy.test": set(),
    "greylist.test": set(),
    "helo-only.test": {"smtp/ehlo-refused"},
    "blocked.test": set(),
    "blocked-rcpt.test": set(),
    "bare-newline.test": set(),  # only test messages show it
    "submission-clear.test": {"submission/auth-before-tls"},
    "imap-clear.test": {"imap/login-before-tls", "pop3/user-before-tls"},  # one Dovecot serves both
    "pop3-clear.test": {"imap/login-before-tls", "pop3/user-before-tls"},
    "spf-lookups.test": {"spf/too-many-lookups", "spf/voids-for-one-family"},
    "spf-two.test": {"spf/multiple-records"},
    "spf-plus-all.test": {"spf/passes-everyone"},
    "spf-none.test": {"spf/missing"},
    "dmarc-missing.test": {"dmarc/missing"},
    "dmarc-two.test": {"dmarc/multiple-records"},
    "dkim-revoked.test": {"dkim/revoked"},
    "dkim-512.test": {"dkim/key-short"},
    "mx-alias.test": {"mx/target-alias"},
    "mx-no-address.test": {"mx/target-without-address"},
    "dane-mismatch.test": {"dane/mismatch"},
    "dane-bogus.test": {"dnssec/bogus"},
    "bogus.test": {"dnssec/bogus"},
    "stale.test": {"dnssec/bogus"},
    "lame-ptr.test": {"reverse/not-confirmed"},
    "no-ptr.test": {"reverse/missing"},
    "sts-partial.test": {"mta-sts/mx-not-covered"},
    "sts-uncovered.test": {"mta-sts/no-mx-covered"},
    "sts-missing.test": {"mta-sts/policy-unreachable"},
    "sts-expired.test": {"mta-sts/policy-unreachable"},
    "wrong-order.test": {"certificates/wrong-order"},
    "extra-root.test": {"certificates/extra-certificates"},
    "expired-intermediate.test": {"certificates/expired-on-25"},
    "client-only.test": {"certificates/wrong-eku-on-25"},
    "ends-soon.test": {"certificates/expires-soon"},
    "sni-default.test": set(),  # only all of TLS shows it
    "tls12.test": {"tls/no-tls13"},
    "tls11.test": {"tls/tls10-or-11-on-25"},
    "null.test": {"tls/null-or-export"},
    "rsa-exchange.test": {"tls/rsa-key-exchange-on-25"},
    "rsa-only.test": {"tls/no-forward-secrecy", "tls/no-tls13"},
    "dh-1024.test": {"tls/dh-too-small-as-last-resort"},
    "rc4.test": {"tls/rc4"},
    "3des.test": {"tls/3des"},
    "asks-certificate.test": {"tls/client-certificate-requested"},
    "demands-certificate.test": {"smtp/client-cert-demanded"},
    "demands-tls.test": {"smtp/tls-required"},
    "tls-on-25.test": {"delivery/undeliverable-now", "smtp/implicit-tls-on-25"},
    "vrfy.test": set(),  # only what is tried on request shows it
    "no-8bitmime.test": {"smtp/no-8bitmime"},
    "no-smtputf8.test": {"smtp/no-smtputf8"},
    "tiny-size.test": {"smtp/size-below-minimum"},
    "small-size.test": {"smtp/size-small"},
    "xclient.test": {"smtp/xclient-offered"},
    "xforward.test": {"smtp/xforward-offered"},
    "tells-version.test": {"smtp/banner-discloses-version"},
    "other-name.test": {"smtp/name-mismatch"},
    "no-bounces.test": {"smtp/null-reverse-path-refused"},
    "no-postmaster.test": {"smtp/postmaster-refused"},
    "deep.test": set(),
    "open-relay.test": set(),  # likewise
    "half-dead.test": {"smtp/address-unreachable"},
    "half-tls.test": {"smtp/starttls-missing"},
    "backup-clear.test": {"smtp/starttls-missing"},
    "masked.test": {"smtp/inspected-by-middlebox"},
    "injected.test": {"smtp/starttls-command-injection"},
    "default-25.test": {"tls/dhe", "tls/rsa-key-exchange-on-25", "tls/tls10-or-11-on-25"},
    "ssl3.test": {"tls/nothing-modern", "tls/ssl3-on-25"},
    "ssl3-too.test": {"tls/no-tls13", "tls/ssl3-on-25", "tls/tls10-or-11-on-25"},
    "clear-465.test": {"submission/465-speaks-plaintext"},
    "tls-587.test": {"submission/587-speaks-tls"},
    "no-login-587.test": {"submission/no-auth"},
    "no-tls-587.test": {"submission/no-starttls"},
    "open-587.test": set(),  # likewise
    "only-587.test": {"submission/no-implicit-tls"},
    "default-587.test": {"tls/anonymous", "tls/dhe", "tls/rsa-key-exchange", "tls/tls10-or-11"},
    "login-only.test": {"submission/login-only"},
    "cram-only.test": {"submission/weak-mechanisms"},
    "certificate-587.test": set(),
    "expired-465.test": {"certificates/expired"},
    "no-tls-143.test": {"imap/no-starttls"},
    "no-tls-110.test": {"pop3/no-stls"},
    "tls-143.test": {"imap/tls-on-143"},
    "tls-110.test": {"pop3/tls-on-110"},
    "clear-993.test": {"imap/plaintext-on-993"},
    "clear-995.test": {"pop3/plaintext-on-995"},
    "closed-993.test": {"imap/unreachable"},
    "expired-993.test": {"certificates/expired"},
    "tls10-993.test": {"tls/tls10-or-11"},
    "sieve-clear.test": {"managesieve/plaintext-auth"},
    "no-tls-4190.test": {"managesieve/plaintext-auth", "managesieve/tls-fails"},
    "expired-4190.test": {"certificates/expired"},
    "tls-4190.test": {"managesieve/tls-on-4190"},
    "ssl3-993.test": {"tls/no-tls13", "tls/ssl3", "tls/tls10-or-11"},
}
"""Exact sets. `throttle.test` depends on who connected within the last minute; `busy.test` stands for it."""

OPEN = {
    "anon.test": {"smtp", "certificates", "tls"},
    "busy.test": {"smtp", "certificates", "tls", "delivery"},
    "greylist.test": {"smtp", "delivery"},
    "helo-only.test": {"smtp", "certificates", "tls", "delivery"},
    "blocked.test": {"smtp", "certificates", "tls", "delivery"},
    "blocked-rcpt.test": {"smtp", "delivery"},
    "dkim-revoked.test": {"dkim"},
    "dane-bogus.test": {"dane", "delivery"},
    "demands-certificate.test": {"delivery", "smtp", "tls"},
    "tls-on-25.test": {"certificates", "smtp", "tls"},
    "deep.test": {"delivery", "smtp"},
    "masked.test": {"certificates", "delivery", "smtp", "tls"},
    "ssl3.test": {"certificates", "delivery", "smtp", "tls"},
    "tls-587.test": {"submission", "tls"},
    "certificate-587.test": {"consistency", "submission", "tls"},
    "tls-143.test": {"imap", "tls"},
    "tls-110.test": {"pop3", "tls"},
    "tls-4190.test": {"managesieve", "tls"},
    "clear-993.test": {"imap"},
    "clear-995.test": {"pop3"},
}
"""Areas with something that could not be determined; the two zones that do not validate are left out."""

BATCH = LONG_LIST // 2

SILENT = [domain for domain in FOUND if domain.startswith("tls-")]
"""Domains with a server that waits for TLS where it should greet: asked with less patience than a minute."""

BOGUS = {
    "bogus.test": "does not fit the records",
    "stale.test": "everything in the zone: the signature by key ",
}
"""Zones that do not validate, and what is said of their signatures."""

SAID = {
    "lagging.test": {
        "lagging.test TXT is not the same everywhere: the newest version is on 1 of 2 name servers "
        "(ns1.lab.test), while ns3.lab.test has another."
    },
    "unsigned.test": {
        "unsigned.test is not signed: it has neither keys nor a DS record at its parent.",
        "The TLSA records of mx.unsigned.test count for nothing: its addresses are not secured by DNSSEC.",
    },
    "dane-bogus.test": {
        "Validating resolvers refuse TLSA _25._tcp.mx.dane-bogus.test: "
        "the signature by key N does not fit the records."
    },
}
"""What is said of zones that are broken in part or not signed, with certainty; N stands for the tag of a key."""

SECURED = {
    "lab.test": ({"passed"}, {"passed"}),
    "sound.test": ({"passed"}, {"not-applicable"}),
    "dane-mismatch.test": ({"passed"}, {"failed"}),
    "dane-bogus.test": ({"failed"}, {"inconclusive"}),
    "bogus.test": ({"failed"}, {"inconclusive"}),
    "stale.test": ({"failed"}, {"inconclusive"}),
}
"""What became of two claims: that signatures hold, and that TLSA records fit what the mail hosts serve."""


def arguments(lab: World) -> list[str]:
    return [
        *("-n", lab.resolver, "--ca-file", str(lab.root_ca), "--selector", lab.selector),
        *("--public", f"{lab.prefix}.0.0/16", "-q", "--profile", str(Path(lab.folder) / "maildiag.toml")),
    ]


def run(lab: World, *more: str) -> subprocess.CompletedProcess[str]:
    profile = Path(lab.folder) / "maildiag.toml"
    if not profile.exists():
        profile.write_text('references = ["sound.test"]\n')
    command = [str(MAILDIAG), *more]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


def told(text: str) -> Iterator[Any]:
    """The reports in an output, on a line each or over several."""
    decoder, at = json.JSONDecoder(), 0
    while text[at:].strip():
        report, at = decoder.raw_decode(text, len(text) - len(text[at:].lstrip()))
        yield report


@pytest.fixture(scope="module")
def reports(lab: World) -> dict[str, Any]:
    domains, found = [domain for domain in FOUND if domain not in SILENT], list[Any]()
    while domains:  # name servers themselves are asked in short runs
        some, domains = domains[:BATCH], domains[BATCH:]
        done = run(lab, "check", *arguments(lab), "-f", "json", *some)
        found += told(done.stdout)
        assert len(found) + len(domains) + len(SILENT) == len(FOUND), done.stderr
    found += told(run(lab, "check", *arguments(lab), "--timeout", "10", "-f", "json", *SILENT).stdout)
    return {report["target"]["domain"]: report for report in found}


def findings(report: Any) -> Iterator[Any]:
    for result in report["results"]:
        yield from result["findings"]


def test_every_planted_domain_is_expected_to_give_something() -> None:
    of_both_families = {f"{name}.test" for name in SIX}  # test_lab_families.py
    assert set(PLANTED) - set(FOUND) == {"throttle.test"} | of_both_families


@pytest.mark.parametrize("domain", FOUND)
def test_what_was_planted_is_found_and_nothing_else(domain: str, reports: dict[str, Any]) -> None:
    assert {finding["rule"] for finding in findings(reports[domain])} == FOUND[domain]
    assert [result for result in reports[domain]["results"] if result["status"] == "crashed"] == []


@pytest.mark.parametrize("domain", sorted(set(FOUND) - set(BOGUS)))
def test_what_could_not_be_determined_is_said_and_nothing_else(domain: str, reports: dict[str, Any]) -> None:
    undecided = {r["area"] for r in reports[domain]["results"] if r["status"] == "inconclusive"}
    assert undecided == OPEN.get(domain, set())


@pytest.mark.parametrize("domain", BOGUS)
def test_answers_that_do_not_validate_are_explained_and_decide_nothing(
    domain: str, reports: dict[str, Any]
) -> None:
    (found,) = findings(reports[domain])
    assert found["certainty"] == "certain"
    assert BOGUS[domain] in found["message"]
    undecided = [r for r in reports[domain]["results"] if r["status"] == "inconclusive"]
    assert reports[domain]["grade"] == "F"
    assert any("SERVFAIL" in result["because"] for result in undecided)


@pytest.mark.parametrize("domain", SAID)
def test_a_zone_that_is_broken_in_part_is_told_of_in_plain_words(
    domain: str, reports: dict[str, Any]
) -> None:
    found = list(findings(reports[domain]))
    assert {re.sub(r"key \d+", "key N", each["message"]) for each in found} == SAID[domain]
    assert {each["certainty"] for each in found} == {"certain"}


@pytest.mark.parametrize("domain", SECURED)
def test_signatures_are_judged_and_what_they_secure(domain: str, reports: dict[str, Any]) -> None:
    became: dict[str, set[str]] = {}
    for result in reports[domain]["results"]:
        became.setdefault(result["check"], set()).add(result["status"])
    assert (became["signatures_hold"], became["tlsa_records_fit_the_certificate"]) == SECURED[domain]


SIEVES = {
    "sieve.test": "imap.lab.test",
    "sieve-clear.test": "mail.sieve-clear.test",
    "no-tls-4190.test": "mail.no-tls-4190.test",
    "expired-4190.test": "mail.expired-4190.test",
    "tls-4190.test": "mail.tls-4190.test",
}
"""Domains that publish ManageSieve, and the host."""


def test_managesieve_is_asked_where_it_is_published_and_nowhere_else(
    lab: World, reports: dict[str, Any]
) -> None:
    asked = {
        domain: {(place["host"], place["address"]) for place in report["endpoints"] if place["port"] == 4190}
        for domain, report in reports.items()
    }
    assert {domain: places for domain, places in asked.items() if places} == {
        domain: {(host, lab.hosts[host])} for domain, host in SIEVES.items()
    }


def test_the_healthy_domain_grades_a_plus_in_the_terminal(lab: World) -> None:
    done = run(lab, "check", *arguments(lab), "lab.test")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0].split() == ["lab.test", "A+"]


def test_a_turned_away_conversation_quotes_the_line(reports: dict[str, Any]) -> None:
    because = {r["because"] for r in reports["busy.test"]["results"] if r["status"] == "inconclusive"}
    assert any("421" in reason for reason in because)


LENIENT = ("smtp/accepts-bare-lf-command", "info")
"""Postfix and Exim take commands that end in LF alone, unless told otherwise."""


def lent(user: str, domain: str = "lab.test") -> tuple[str, ...]:
    return ("--intrusive", "--consent", domain, "--login", user, "--password", "env:LENT")


def test_sound_servers_stand_what_is_tried_on_request_and_the_login_is_nowhere(
    lab: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    user, secret = next(iter(lab.users.items()))
    monkeypatch.setenv("LENT", secret)
    tape = tmp_path / "x.tape"
    asked = [each for each in arguments(lab) if each != "-q"]
    done = run(
        lab, "check", *asked, *lent(user), "--mailbox", user, "-f", "json", "--save", str(tape), "lab.test"
    )
    report = json.loads(done.stdout)
    assert [(each["rule"], each["severity"]) for each in findings(report)] == [LENIENT] * 2
    assert [result for result in report["results"] if result["status"] == "inconclusive"] == []
    for host in ("mx1.lab.test", "mx2.lab.test"):
        assert (
            f"{host} [{lab.hosts[host]}]:25: sends a test message with LF.CR in it to {user}" in done.stderr
        )
    taped = tape.read_text()
    assert "UID FETCH" in taped, "the login took place"
    plain = base64.b64encode(f"\0{user}\0{secret}".encode()).decode()
    for text in (taped, done.stdout, done.stderr):
        assert secret not in text
        assert plain not in text
    monkeypatch.delenv("LENT")
    again = run(lab, "replay", str(tape), "-q", "-f", "json")
    assert json.loads(again.stdout)["results"] == report["results"]


INTRUSIVE = {
    "bare-newline.test": {"smtp/accepts-nonstandard-eod"},
    "vrfy.test": {"smtp/vrfy-discloses"},
    "open-relay.test": {"smtp/open-relay"},
    "open-587.test": {"submission/unauthenticated-local"},
}
"""What is found only where more is tried than mail servers are asked without consent."""


@pytest.mark.parametrize("domain", INTRUSIVE)
def test_what_is_tried_on_request_is_found(domain: str, lab: World) -> None:
    more = ("--mailbox", f"alice@{domain}") if domain == "bare-newline.test" else ()
    done = run(lab, "check", *arguments(lab), "--intrusive", "--consent", domain, *more, "-f", "json", domain)
    found = {each["rule"] for each in findings(json.loads(done.stdout))}
    assert found == INTRUSIVE[domain] | {LENIENT[0]}


def test_an_exim_that_shows_another_certificate_to_those_who_name_no_host_is_found(lab: World) -> None:
    domain = "sni-default.test"
    done = run(lab, "check", *arguments(lab), "--tls", "full", "--only", "tls", "-f", "json", domain)
    said = {
        each["message"] for each in findings(json.loads(done.stdout)) if each["rule"].endswith("-differs")
    }
    assert said == {
        f"mx.{domain} [{lab.hosts[f'mx.{domain}']}]:25 shows a certificate for mx2.lab.test to clients that name no host."
    }


def test_a_login_that_postfix_takes_in_clear_is_found(lab: World, monkeypatch: pytest.MonkeyPatch) -> None:
    user, secret = next(iter(lab.users.items()))
    monkeypatch.setenv("LENT", secret)
    done = run(
        lab,
        "check",
        *arguments(lab),
        *lent(user, "submission-clear.test"),
        "-f",
        "json",
        "submission-clear.test",
    )
    rules = {finding["rule"] for finding in findings(json.loads(done.stdout))}
    assert rules == {"submission/auth-before-tls", "submission/auth-accepted-in-clear", LENIENT[0]}
    assert secret not in done.stdout


def test_saved_and_replayed_is_the_same_byte_for_byte(lab: World, tmp_path: Path) -> None:
    tape, live, again = tmp_path / "x.tape", tmp_path / "live.json", tmp_path / "again.json"
    domain = "sts-partial.test"
    run(lab, "check", *arguments(lab), "-f", "json", "-o", str(live), "--save", str(tape), domain)
    run(lab, "replay", str(tape), "-q", "-f", "json", "-o", str(again))
    first, second = json.loads(live.read_text()), json.loads(again.read_text())
    for report in (first, second):
        report.pop("seconds")
    assert first == second
    assert {finding["rule"] for finding in findings(first)} == FOUND[domain]


def test_a_zone_is_judged_before_it_is_published(lab: World, tmp_path: Path) -> None:
    zone = tmp_path / "new.zone"
    zone.write_text('@ 3600 IN TXT "v=spf1 mx -all"\n')
    tape = tmp_path / "x.tape"
    before = run(lab, "check", *arguments(lab), "--save", str(tape), "-f", "json", "spf-plus-all.test")
    after = run(lab, "check", *arguments(lab), "--zone", str(zone), "-f", "json", "spf-plus-all.test")
    replayed = run(lab, "replay", str(tape), "--zone", str(zone), "-q", "-f", "json")
    assert {f["rule"] for f in findings(json.loads(before.stdout))} == {"spf/passes-everyone"}
    assert list(findings(json.loads(after.stdout))) == []
    assert list(findings(json.loads(replayed.stdout))) == []
    assert (before.returncode, after.returncode, replayed.returncode) == (1, 0, 0)
