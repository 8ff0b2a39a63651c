"""Profiles: every key reaches its place, every mistake is named with file, key and what was expected."""

from __future__ import annotations

from pathlib import Path

import pytest

from diag.lab.limited import Limits
from diag.model.finding import Severity
from diag.model.report import Waiver
from diag.model.target import Depth
from diag.run.profile import BadProfile, Profile, load

FULL = """
selectors = ["S1", "s2"]
hosts = ["imap.a.example."]
helo = "me.a.example"
mailbox = "Anna@A.example"
tls = "full"
tls_profile = "bsi-2026"
inventory = true
nameservers = ["127.0.0.1:5353", "::1"]
public = ["192.0.2.0/24"]
references = []
require = ["smtp"]
fail_on = "never"

[limits]
connections = 1
server_connections = 2
web_connections = 3
network_connections = 4
operator_connections = 5
all_connections = 6
questions = 9
pause = 0
timeout = 5
deadline = 60.5
domains = 3
processes = 2
offers = 40

[severity]
"spf/too-many-lookups" = "notice"

[[waiver]]
rule = "mx/implicit"
subject = "a.example"
reason = "it is meant"
until = 2027-01-31

[[waiver]]
rule = "mx/implicit"
reason = "everywhere"
until = "2027-02-01"
"""


def test_every_key_reaches_its_place(tmp_path: Path) -> None:
    path = tmp_path / "p.toml"
    path.write_text(FULL)
    assert load(path) == Profile(
        place=str(path),
        selectors=("s1", "s2"),
        hosts=("imap.a.example",),
        helo="me.a.example",
        mailbox="Anna@a.example",
        tls=Depth.FULL,
        tls_profile="bsi-2026",
        inventory=True,
        nameservers=("127.0.0.1:5353", "::1"),
        public=("192.0.2.0/24",),
        references=(),
        require=("smtp",),
        fail_on="never",
        limits=Limits(1, 2, 3, 4, 5, 6, 9, 0.0),
        timeout=5.0,
        deadline=60.5,
        domains=3,
        processes=2,
        offers=40,
        severities={"spf/too-many-lookups": Severity.NOTICE},
        waivers=(
            Waiver("mx/implicit", "it is meant", "2027-01-31", "a.example"),
            Waiver("mx/implicit", "everywhere", "2027-02-01"),
        ),
    )


def test_an_empty_profile_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "p.toml"
    path.write_bytes(b"\xef\xbb\xbf")
    assert load(path) == Profile(place=str(path))


MISTAKES = {
    "selector = []": "unknown key 'selector'; did you mean 'selectors'?",
    "[limit]": "unknown key 'limit'; did you mean 'limits'?",
    "[limits]\ntimeuot = 1": "limits: unknown key 'timeuot'; did you mean 'timeout'?",
    "[[waiver]]\nrul = 'a/b'": "waiver 1: unknown key 'rul'; did you mean 'rule'?",
    "selectors = 'a'": "selectors: expected an array of strings, found a string",
    "selectors = ['a', 1]": "selectors[1]: expected a string, found an integer",
    "selectors = ['a b']": "selectors: ",
    "helo = ''": "helo: expected a string, found an empty string",
    "tls = 'deep'": "tls: expected one of basic, standard, full, found 'deep'",
    "tls_profile = 'ncsc'": "tls_profile: unknown profile 'ncsc'; did you mean 'ncsc-nl-2025'?",
    "inventory = 'yes'": "inventory: expected true or false, found a string",
    "mailbox = 'anna'": "mailbox: 'anna': expected a mailbox such as anna@example.org",
    "helo = true": "helo: expected a string, found a boolean",
    "public = ['10.0.0.1/8']": "public: expected networks such as 10.0.0.0/8",
    "fail_on = 'eror'": "fail_on: expected one of info, notice, warning, error, critical, found 'eror'",
    "limits = 1": "limits: expected a table, found an integer",
    "[limits]\ntimeout = 0": "limits.timeout: expected seconds, a number above 0, found 0",
    "[limits]\ntimeout = inf": "limits.timeout: expected seconds, a number above 0, found inf",
    "[limits]\ntimeout = true": "limits.timeout: expected seconds, a number above 0, found a boolean",
    "[limits]\nconnections = 1.5": "limits.connections: expected a whole number from 1, found 1.5",
    "[limits]\npause = -1": "limits.pause: expected seconds",
    "[severity]\n'a/b' = 4": "severity.'a/b': expected one of info, notice, warning, error, critical, found an integer",
    "waiver = {}": "waiver: expected tables [[waiver]], found a table",
    "[[waiver]]\nrule = 'a/b'": "waiver 1: 'reason' is missing",
    "[[waiver]]\nrule = 'a/b'\nreason = 'x'\nuntil = 'soon'": "until: expected a day such as 2027-01-31, found 'soon'",
    "[[waiver]]\nrule = 'a/b'\nreason = 'x'\nuntil = 2027-01-31T00:00:00": "waiver 1: until: expected a day",
    "= 1": "at line 1",
}


@pytest.mark.parametrize(("text", "words"), MISTAKES.items(), ids=MISTAKES.values())
def test_a_mistake_is_named_with_its_place(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "p.toml"
    path.write_text(text)
    with pytest.raises(BadProfile) as caught:
        load(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_cannot_be_read_is_said_so(tmp_path: Path) -> None:
    for path, words in ((tmp_path / "none", "no such file"), (tmp_path, "is a directory")):
        with pytest.raises(BadProfile, match=words):
            load(path)
    large = tmp_path / "large"
    large.write_bytes(b"#" * ((1 << 20) + 1))
    with pytest.raises(BadProfile, match="larger than"):
        load(large)


def test_rules_nobody_offers_are_refused_with_the_nearest_one(tmp_path: Path) -> None:
    path = tmp_path / "p.toml"
    path.write_text(FULL)
    profile = load(path)
    profile.refuse_unknown_rules(["spf/too-many-lookups", "mx/implicit"])
    with pytest.raises(BadProfile, match=r"severity: unknown rule .* did you mean 'spf/too-many-lookup'\?"):
        profile.refuse_unknown_rules(["spf/too-many-lookup", "mx/implicit"])
    with pytest.raises(BadProfile, match="waiver 1: unknown rule 'mx/implicit'"):
        profile.refuse_unknown_rules(["spf/too-many-lookups"])
