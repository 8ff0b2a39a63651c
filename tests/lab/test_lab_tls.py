"""What TLS real servers speak, found by offers of our own: Postfix and Dovecot, one of them older than any library likes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from lab import world

MAILDIAG = Path(sys.executable).parent / "maildiag"


def spoken(lab: world.World, domain: str, depth: str) -> dict[tuple[str, int], dict[str, Any]]:
    """What `check` tells of every endpoint, by host and port."""
    command = [
        *(str(MAILDIAG), "check", domain, "-q", "-4", "-f", "json", "--tls", depth, "-n", lab.resolver),
        *("--ca-file", str(lab.root_ca), "--public", "127.0.0.0/8"),
    ]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)
    return {(each["host"], each["port"]): each for each in json.loads(done.stdout)["tls"]}


@pytest.mark.lab
def test_a_modern_postfix_and_dovecot_are_found_to_be_that(lab: world.World) -> None:
    found = spoken(lab, "sound.test", "full")
    for place in (("mx.sound.test", 25), ("imap.lab.test", 993), ("imap.lab.test", 110)):
        versions = found[place]["versions"]
        assert [name for name, known in versions.items() if known == "yes"] == ["TLS 1.2", "TLS 1.3"]
        assert "unknown" not in versions.values()
        assert all(suites["all"] for suites in found[place]["suites"])
        assert found[place]["left"] == ""
        assert found[place]["offers"] <= 16


@pytest.mark.lab
def test_a_postfix_with_nothing_but_tls10_is_found_to_have_eight_suites(lab: world.World) -> None:
    found = spoken(lab, "tls10.test", "full")["mx.tls10.test", 25]
    assert [name for name, known in found["versions"].items() if known == "yes"] == ["TLS 1.0"]
    (suites,) = found["suites"]
    assert (suites["version"], len(suites["names"]), suites["all"]) == ("TLS 1.0", 8, True)


SSL3_ALONE, SSL3_TOO = ["SSL 3.0"], ["SSL 3.0", "TLS 1.0", "TLS 1.1", "TLS 1.2"]


@pytest.mark.lab
@pytest.mark.parametrize(
    ("domain", "place", "versions"),
    [
        ("ssl3.test", ("mx.ssl3.test", 25), SSL3_ALONE),
        ("ssl3-too.test", ("mx.ssl3-too.test", 25), SSL3_TOO),
        ("ssl3-993.test", ("mail.ssl3-993.test", 993), SSL3_TOO),
    ],
)
def test_ssl3_is_heard_where_it_is_spoken_and_what_is_newer_where_it_is(
    lab: world.World, domain: str, place: tuple[str, int], versions: list[str]
) -> None:
    found = spoken(lab, domain, "standard")[place]
    assert [name for name, known in found["versions"].items() if known == "yes"] == versions
    assert set(found["versions"].values()) == {"yes", "no"}


@pytest.mark.lab
def test_by_default_three_connections_show_the_versions(lab: world.World) -> None:
    found = spoken(lab, "sound.test", "standard")
    assert {each["offers"] for each in found.values()} == {3}
    assert found["mx.sound.test", 25]["versions"]["TLS 1.1"] == "no"
