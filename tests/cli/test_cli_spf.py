"""`maildiag spf`: one check with its trace, the tree with its cost, and what cannot be asked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import NOBODY, Player, Reachable, Run

from diag.sandbox import world as worlds

FIXTURES = Path(__file__).parent.parent.parent / "fixtures" / "spf"

PROPOSED = """
@ TXT "v=spf1 include:_spf.google.com include:_spf.lantern.example exp=why.lantern.example -all"
_spf TXT "v=spf1 ip4:192.0.2.0/24 a:mail.lantern.example include:deep.lantern.example ~all"
deep TXT "v=spf1 ip6:2001:db8:77::/48 -all"
why TXT "%{i} is not ours; ask %{s}"
_spf.google.com. TXT "v=spf1 ip4:203.0.113.0/24 ~all"
"""


@pytest.fixture
def proposed(tmp_path: Path) -> Path:
    path = tmp_path / "proposed.zone"
    path.write_text(PROPOSED)
    return path


def played(player: Player, slug: str) -> Reachable:
    return player.play(worlds.load(FIXTURES / slug))


PASSED = """\
pass for 2001:db8:77::1 sending as anna@lantern.example
  decided by include:_spf.lantern.example
  4 of 10 look-ups, void 0 of 2

look-ups  void
                lantern.example
       1     0  ├─ include:_spf.google.com (_spf.google.com says softfail)
       1     0  │  ├─ ip4:203.0.113.0/24 (does not match)
       1     0  │  └─ ~all (matches)
       2     0  └─ include:_spf.lantern.example (_spf.lantern.example says pass)
       2     0     ├─ ip4:192.0.2.0/24 (does not match)
       3     0     ├─ a:mail.lantern.example (does not match)
       4     0     └─ include:deep.lantern.example (deep.lantern.example says
                      pass)
       4     0        └─ ip6:2001:db8:77::/48 (matches)
"""


def test_a_pass_by_include_is_told_term_by_term(maildiag: Run, lantern: Reachable, proposed: Path) -> None:
    done = maildiag(
        "spf", "Lantern.Example", "--ip", "2001:db8:77::1", "--from", "anna@lantern.example",
        "--zone", proposed, "-n", lantern.resolver,
    )  # fmt: skip
    assert (done.code, done.err, done.out) == (0, "", PASSED)


TOO_MANY = """\
permerror for 192.0.2.9 sending as postmaster@lantern.example
  over 10 look-ups, the last for include:s11.p.example
  11 of 10 look-ups, void 0 of 2

look-ups  void
                lantern.example
"""
EACH = """\
{n:8}     0  ├─ include:s{n}.p.example (s{n}.p.example says fail)
{n:8}     0  │  ├─ ip4:203.0.113.{n} (does not match)
{n:8}     0  │  └─ -all (matches)
"""
END = """\
      11     0  └─ include:s11.p.example (permerror: the evaluation ends here)
"""


def test_a_permerror_names_the_look_up_that_was_one_too_many(maildiag: Run, player: Player) -> None:
    world = played(player, "too-many-lookups")
    done = maildiag("spf", world.domain, "--ip", "192.0.2.9", "-n", world.resolver)
    assert done.out == TOO_MANY + "".join(EACH.format(n=n) for n in range(1, 11)) + END
    assert (done.code, done.err) == (0, "")


TREE = """\
lantern.example: 4 of 10 look-ups, void 0 of 2 (IPv4) and 0 of 2 (IPv6)
  v=spf1 include:_spf.google.com include:_spf.lantern.example
  exp=why.lantern.example -all

look-ups
       4  lantern.example
       1  ├─ include:_spf.google.com
          │  ├─ ip4:203.0.113.0/24
          │  └─ ~all
       3  ├─ include:_spf.lantern.example
          │  ├─ ip4:192.0.2.0/24
       1  │  ├─ a:mail.lantern.example
       1  │  ├─ include:deep.lantern.example
          │  │  ├─ ip6:2001:db8:77::/48
          │  │  └─ -all
          │  └─ ~all
          ├─ exp=why.lantern.example
          └─ -all

SPF lets 513 IPv4 addresses and 2 IPv6 ranges send; everyone else fails (-all).

include:_spf.google.com [Google Workspace]: 1 look-up, 256 IPv4 addresses
  203.0.113.0/24

include:_spf.lantern.example: 3 look-ups, 257 IPv4 addresses and 2 IPv6 ranges
  192.0.2.0/24, 198.51.100.30/32, 2001:db8:10::30/128, 2001:db8:77::/48
"""


def test_without_a_host_the_tree_its_cost_and_who_may_send(
    maildiag: Run, lantern: Reachable, proposed: Path
) -> None:
    done = maildiag("spf", "lantern.example", "--zone", proposed, "-n", lantern.resolver)
    assert (done.code, done.err, done.out) == (0, "", TREE)
    assert max(map(len, done.out.splitlines())) <= 80


def test_the_explanation_is_told_where_the_check_fails(
    maildiag: Run, lantern: Reachable, proposed: Path
) -> None:
    done = maildiag("spf", "lantern.example", "--ip", "10.1.1.1", "--zone", proposed, "-n", lantern.resolver)
    assert done.out.startswith("fail for 10.1.1.1")
    assert "the domain explains: 10.1.1.1 is not ours; ask postmaster@lantern.example" in done.out


def test_json_has_the_check_and_the_whole_trace(maildiag: Run, lantern: Reachable) -> None:
    done = maildiag(
        "spf", "mail.lantern.example", "--ip", "198.51.100.30", "--from", "", "--helo", "mail.lantern.example",
        "-f", "json", "-n", lantern.resolver,
    )  # fmt: skip
    told = json.loads(done.out)
    assert (told["result"], told["term"], told["mail_from"], told["lookups"]) == ("pass", "a", "", 1)
    assert told["trace"] == [
        {
            "depth": 0,
            "domain": "mail.lantern.example",
            "term": "a",
            "said": "matches",
            "lookups": 1,
            "voids": 0,
        }
    ]


def test_json_has_the_tree_and_every_network(maildiag: Run, lantern: Reachable, proposed: Path) -> None:
    done = maildiag("spf", "lantern.example", "--zone", proposed, "-f", "json", "-n", lantern.resolver)
    told = json.loads(done.out)
    assert (told["lookups"], told["voids"], told["everyone_else"]) == (4, {"ipv4": 0, "ipv6": 0}, "fail")
    assert told["networks"]["ipv4"] == ["192.0.2.0/24", "198.51.100.30/32", "203.0.113.0/24"]
    google, ours, *_ = told["terms"]
    assert (google["provider"], google["lookups"], ours["provider"], ours["lookups"]) == (
        "Google Workspace", 1, "", 3
    )  # fmt: skip
    assert [term["term"] for term in ours["terms"]][-1] == "~all"


@pytest.mark.parametrize(
    ("slug", "code", "said"),
    [
        ("include-fails", 3, "temperror: include:slow.p.example: TXT slow.p.example: SERVFAIL"),
        ("include-without-record", 0, "permerror: include:empty.p.example: no SPF record"),
        ("too-many-voids", 0, "void look-ups for IPv4"),
        ("syntax", 0, "Once that is mended: SPF lets 1 IPv4 address send"),
        ("multiple-records", 0, "lantern.example: permerror: 2 SPF records"),
        ("missing", 0, "lantern.example: none: no SPF record"),
        ("silent", 3, "lantern.example: could not be looked up: TXT lantern.example: "),
    ],
)
def test_what_is_wrong_with_a_record_is_said_at_once(
    maildiag: Run, player: Player, slug: str, code: int, said: str
) -> None:
    world = played(player, slug)
    done = maildiag("spf", world.domain, "-n", world.resolver)
    assert said in done.out.replace("\n    ", " ")
    assert done.code == code


@pytest.mark.parametrize(
    ("slug", "code", "result"), [("include-fails", 3, "temperror"), ("missing", 0, "none")]
)
def test_a_result_of_not_knowing_exits_with_3(
    maildiag: Run, player: Player, slug: str, code: int, result: str
) -> None:
    world = played(player, slug)
    done = maildiag("spf", world.domain, "--ip", "192.0.2.9", "-n", world.resolver)
    assert (done.code, done.out.split()[0]) == (code, result)


BAD = {
    "no address": (["--ip", "10.1.1"], "--ip '10.1.1': expected an IPv4 or IPv6 address"),
    "an address with a zone": (["--ip", "fe80::1%lo"], "--ip 'fe80::1%lo'"),
    "no mailbox": (["--ip", "10.1.1.1", "--from", "anna"], "--from 'anna': expected a mailbox"),
    "another domain": (
        ["--ip", "10.1.1.1", "--from", "a@b.example"],
        "--from a@b.example: SPF is checked at",
    ),
    "no HELO name": (["--ip", "10.1.1.1", "--helo", "a b"], "--helo 'a b'"),
    "null reverse-path, another HELO": (
        ["--ip", "10.1.1.1", "--from", "", "--helo", "b.example"],
        "--helo b.exa",
    ),
    "a sender without a host": (["--from", "anna@a.example"], "--from: --ip is needed too"),
    "a format": (["-f", "jsn"], "unknown format 'jsn'; did you mean 'json'?"),
    "a zone": (["--zone", "none.zone"], "--zone none.zone: cannot be read"),
}


@pytest.mark.parametrize(("options", "said"), BAD.values(), ids=BAD.keys())
def test_bad_input_is_one_clear_line(maildiag: Run, options: list[str], said: str) -> None:
    done = maildiag("spf", "a.example", *options, "-n", NOBODY)
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert said in done.err


def test_the_term_that_ends_the_evaluation_is_told_once_where_it_stands(
    maildiag: Run, lantern: Reachable, tmp_path: Path
) -> None:
    zone = tmp_path / "deep.zone"
    zone.write_text(
        '@ TXT "v=spf1 include:b.lantern.example -all"\nb TXT "v=spf1 include:c.lantern.example -all"\n'
    )
    done = maildiag("spf", "lantern.example", "--ip", "10.1.1.1", "--zone", zone, "-n", lantern.resolver)
    assert done.out.splitlines()[-3:] == [
        "       1     0  └─ include:b.lantern.example (evaluates b.lantern.example)",
        "       2     0     └─ include:c.lantern.example (permerror: the evaluation ends",
        "                      here)",
    ]


def test_remote_text_cannot_reach_the_terminal(maildiag: Run, lantern: Reachable, tmp_path: Path) -> None:
    zone = tmp_path / "hostile.zone"
    zone.write_text('@ TXT "v=spf1 moo\\027[31m -all"\n')
    done = maildiag("spf", "lantern.example", "--zone", zone, "-n", lantern.resolver)
    assert "\x1b" not in done.out
    assert "moo\\x1b[31m" in done.out


@pytest.mark.parametrize("options", [(), ("--ip", "192.0.2.1")])
def test_where_no_server_answers_that_is_said_and_the_exit_code_is_3(
    maildiag: Run, options: tuple[str, ...]
) -> None:
    done = maildiag("spf", "a.example", *options, "-n", NOBODY)
    assert (done.code, done.err) == (3, "")
    assert "TXT a.example: no answer from 127.0.0.1#1: connection refused" in " ".join(done.out.split())


def test_a_domain_beyond_ascii_is_taken(maildiag: Run, player: Player) -> None:
    world = played(player, "missing")
    done = maildiag("spf", "bücher.lantern.example", "-n", world.resolver)
    assert (done.code, done.out) == (0, "xn--bcher-kva.lantern.example: none: the name does not exist\n")
