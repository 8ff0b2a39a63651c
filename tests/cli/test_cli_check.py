"""`maildiag check` and `replay` on worlds played on loopback."""

from __future__ import annotations

import io
import json
import re
import socket
import sys
from pathlib import Path

import pytest
from conftest import Reachable, Run


def told(text: str) -> dict:
    """A JSON report without the tool's own run time."""
    report = json.loads(text)
    del report["seconds"]
    return report


def test_check_tells_the_verdict_and_exits_by_the_worst_finding(
    maildiag: Run, harbour: Reachable, profile: Path
) -> None:
    done = maildiag("check", harbour.domain, *harbour.arguments(profile))
    assert done.code == 1, done.err
    assert done.out.startswith("harbour.example")
    assert "spf/too-many-lookups" in done.out
    assert done.err == ""


def test_a_threshold_above_the_worst_finding_lets_the_run_pass(
    maildiag: Run, harbour: Reachable, profile: Path
) -> None:
    arguments = harbour.arguments(profile)
    only = ("--only", "spf/too-many-lookups")
    assert maildiag("check", harbour.domain, *arguments, *only).code == 1
    assert maildiag("check", harbour.domain, *arguments, *only, "--fail-on", "critical").code == 0
    assert maildiag("check", harbour.domain, *arguments, *only, "--fail-on", "never").code == 0


def test_a_run_replays_byte_for_byte_without_a_socket(
    maildiag: Run, harbour: Reachable, profile: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tape = tmp_path / "run.tape"
    live = maildiag(
        "check",
        harbour.domain,
        *harbour.arguments(profile),
        "-f",
        "json",
        "--save",
        tape,
        "--selector",
        "mail",
    )

    def refuse(*_: object) -> None:
        raise AssertionError("a replay opened a connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    again = maildiag("replay", tape, "-f", "json")
    assert (again.code, live.code) == (1, 1), again.err + live.err
    without_time = re.compile(r'^  "seconds": [0-9.]+,$', re.MULTILINE)
    assert without_time.sub("", again.out) == without_time.sub("", live.out)
    assert without_time.search(live.out)


def test_what_was_asked_for_is_on_the_tape_and_options_override_it(
    maildiag: Run, harbour: Reachable, profile: Path, tmp_path: Path
) -> None:
    tape = tmp_path / "run.tape"
    maildiag(
        "check",
        harbour.domain,
        *harbour.arguments(profile),
        "--only",
        "spf",
        "--fail-on",
        "never",
        "--save",
        tape,
    )
    again = maildiag("replay", tape, "-f", "json")
    assert again.code == 0
    assert {result["area"] for result in told(again.out)["results"]} == {"spf"}
    assert maildiag("replay", tape, "--fail-on", "error").code == 1


def test_a_zone_is_judged_as_if_it_were_published(
    maildiag: Run, harbour: Reachable, profile: Path, tmp_path: Path
) -> None:
    zone, tape = tmp_path / "new.zone", tmp_path / "run.tape"
    zone.write_text('@ 3600 IN TXT "v=spf1 mx -all"\n')
    only = ("--only", "spf/too-many-lookups")
    arguments = (harbour.domain, *harbour.arguments(profile), *only)
    assert maildiag("check", *arguments, "--save", tape).code == 1
    proposed = maildiag("check", *arguments, "--zone", zone)
    assert proposed.code == 0
    # A path too long for a line is broken within words, so white space says nothing here.
    assert f"Judgedasif{zone}werepublished." in "".join(proposed.out.split())
    replayed = maildiag("replay", tape, "--zone", zone, "-f", "json")
    assert (replayed.code, told(replayed.out)["proposed"]) == (0, str(zone))


def test_domains_from_standard_input_are_told_in_order_a_report_a_line(
    maildiag: Run, harbour: Reachable, profile: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = "\ufeff# ours\r\nharbour.example\r\n\r\n  NoSuch.Harbour.Example. # gone\r\nharbour.example\r\n"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(listed.encode())))
    done = maildiag("check", "-", "shop.example", *harbour.arguments(profile), "--only", "spf", "-f", "json")
    reports = [json.loads(line) for line in done.out.splitlines()]
    assert [report["target"]["domain"] for report in reports] == [
        "harbour.example",
        "nosuch.harbour.example",
        "shop.example",
    ]
    assert [bool(report["counts"]["findings"]) for report in reports] == [True, False, True]


def test_formats_pair_with_outputs_in_order(
    maildiag: Run, harbour: Reachable, profile: Path, tmp_path: Path
) -> None:
    arguments = (harbour.domain, *harbour.arguments(profile), "--only", "spf")
    done = maildiag("check", *arguments, "-f", "json", "-f", "text", "-o", tmp_path / "a.json", "-o", "-")
    assert told((tmp_path / "a.json").read_text())["target"]["domain"] == "harbour.example"
    assert done.out.startswith("harbour.example")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.json", "here", "lab.toml"]


def test_a_folder_takes_a_file_and_a_tape_a_domain(
    maildiag: Run, harbour: Reachable, profile: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "all"
    folder.mkdir()
    maildiag(
        "check", "harbour.example", "shop.example", *harbour.arguments(profile), "--only", "spf",
        "-f", "json", "-o", folder, "--save", folder,
    )  # fmt: skip
    assert sorted(path.name for path in folder.iterdir()) == [
        "harbour.example.json",
        "harbour.example.tape",
        "shop.example.json",
        "shop.example.tape",
    ]


def test_severities_and_waivers_of_the_profile_count(
    maildiag: Run, harbour: Reachable, profile: Path
) -> None:
    only = ("--only", "spf/too-many-lookups")
    milder = '[severity]\n"spf/too-many-lookups" = "notice"\n'
    waiver = '[[waiver]]\nrule = "spf/too-many-lookups"\nreason = "being moved"\nuntil = 9999-01-31\n'
    basis = profile.read_text()
    for addition, words in ((milder, "notice"), (waiver, "being moved")):
        profile.write_text(basis + addition)
        done = maildiag("check", harbour.domain, *harbour.arguments(profile), *only)
        assert done.code == 0
        assert words in done.out


def test_the_profile_of_the_current_folder_is_used_and_named(
    maildiag: Run, harbour: Reachable, profile: Path
) -> None:
    Path("maildiag.toml").write_text(profile.read_text() + 'nameservers = ["' + harbour.resolver + '"]\n')
    # Keys after a table belong to it, so that the servers must stand first.
    text = profile.read_text()
    Path("maildiag.toml").write_text(f'nameservers = ["{harbour.resolver}"]\nfail_on = "never"\n{text}')
    done = maildiag("check", harbour.domain, *harbour.routes, "--only", "spf", "-v")
    assert (done.code, done.err) == (0, "maildiag: profile: maildiag.toml\n")


@pytest.mark.slow
def test_a_dead_resolver_exits_with_3_and_says_what_to_try(maildiag: Run, profile: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as held:
        held.bind(("127.0.0.1", 0))
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as closed:
            closed.bind(("127.0.0.1", 0))
            dead = f"127.0.0.1:{closed.getsockname()[1]}"
            done = maildiag(
                "check", "a.example", "-n", dead, "--profile", profile, "--no-dialogues", "--only", "mx"
            )
    assert done.code == 3
    assert "no name server answers" in done.err
    assert "-n ADDR" in done.err
    assert "?" in done.out.splitlines()[0]


def test_a_required_area_that_stays_open_exits_with_3(
    maildiag: Run, harbour: Reachable, profile: Path
) -> None:
    arguments = (harbour.domain, *harbour.arguments(profile), "--deadline", "0.000001", "--fail-on", "never")
    done = maildiag("check", *arguments)
    assert done.code == 3
    assert "the required area 'dns' could not be determined" in done.err
    assert "Partial report: the deadline of 1e-06 seconds was reached." in done.out


def test_of_the_dns_alone_policies_stay_open_and_nobody_is_connected_to(
    maildiag: Run, harbour: Reachable, profile: Path
) -> None:
    done = maildiag("check", harbour.domain, *harbour.arguments(profile), "--dns-only", "-f", "json")
    report = json.loads(done.out)
    assert report["counts"]["connections"] == 0
    assert report["counts"]["questions"] > 0
    because = {result["because"] for result in report["results"] if result["area"] == "mta-sts"}
    assert "nothing but the DNS is asked in this run (--dns-only)" in because


def test_quiet_says_nothing_beside_the_report(maildiag: Run, harbour: Reachable, profile: Path) -> None:
    done = maildiag("check", harbour.domain, *harbour.arguments(profile), "--deadline", "0.000001", "-q")
    assert done.err == ""


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ((), {"ipv4": True, "ipv6": True, "dialogues": True, "sends": None, "confirm": False, "helo": ""}),
        (("-4",), {"ipv4": True, "ipv6": False}),
        (("-6",), {"ipv4": False, "ipv6": True}),
        (("-4", "-6"), {"ipv4": True, "ipv6": True}),
        (("--no-dialogues",), {"dialogues": False, "dns_only": False}),
        (("--dns-only",), {"dialogues": False, "dns_only": True}),
        (("--receives-only",), {"sends": False}),
        (("--sends",), {"sends": True}),
        (("--confirm", "--helo", "me.example"), {"confirm": True, "helo": "me.example"}),
        (
            ("--selector", "S1", "--host", "imap.a.example."),
            {"selectors": ["s1"], "hosts": ["imap.a.example"]},
        ),
        (("--timeout", "2.5"), {"timeout": 2.5}),
    ],
)
def test_every_option_reaches_the_target(
    maildiag: Run, harbour: Reachable, profile: Path, flags: tuple[str, ...], expected: dict[str, object]
) -> None:
    done = maildiag(
        "check", harbour.domain, *harbour.arguments(profile), "--only", "mx", "-f", "json", *flags
    )
    target = told(done.out)["target"]
    assert {key: target[key] for key in expected} == expected
