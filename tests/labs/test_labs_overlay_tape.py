"""Zones laid over the world, and tapes that replay it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio
import dns.name
import dns.rdatatype
import pytest

from diag.lab import files
from diag.lab.files import write_whole
from diag.lab.overlay import Nothing, Overlay
from diag.lab.tape import BadTape, Tape
from diag.lab.zone import BadZone, Zone, with_fixes
from diag.model.fix import Publish, Replace, Withdraw
from diag.probes.dns import DnsAnswer, DnsQuery, DnsSilence, Silent
from diag.probes.moment import Moment, Now
from diag.probes.probe import NotRecorded, Probe
from diag.probes.talks import SmtpTalk
from diag.run.registry import load
from diag.tls.handshake import AfterHandshake, Handshake, Ticket, TlsEnd
from diag.wire.transcript import Closed, Ending, Opened, Outcome, Renegotiated, Said, Secured, Transcript, Who

LIVE = """
@        TXT  "v=spf1 -all"
@        TXT  "unrelated"
@        MX   10 mx
mx       A    192.0.2.1
www      CNAME host.other.example.
*.wild   TXT  "covered"
deep.ent.wild A 192.0.2.9
"""


def live(text: str = LIVE, **how: Any) -> Overlay:
    return Overlay(Zone.parse(text, "d.example"), Nothing(), whole=True, **how)


def ask(lab: Any, name: str, rdtype: str) -> Any:
    return anyio.run(lab.run, DnsQuery(name, rdtype))


@pytest.mark.parametrize(
    ("name", "rdtype", "rcode", "lines"),
    [
        ("d.example", "MX", "NOERROR", ["d.example. 3600 IN MX 10 mx.d.example."]),
        (
            "d.example",
            "TXT",
            "NOERROR",
            ['d.example. 3600 IN TXT "v=spf1 -all"', 'd.example. 3600 IN TXT "unrelated"'],
        ),
        ("d.example", "AAAA", "NOERROR", []),
        ("no.d.example", "A", "NXDOMAIN", []),
        ("www.d.example", "A", "NOERROR", ["www.d.example. 3600 IN CNAME host.other.example."]),
        ("a.wild.d.example", "TXT", "NOERROR", ['a.wild.d.example. 3600 IN TXT "covered"']),
        ("a.b.wild.d.example", "TXT", "NOERROR", ['a.b.wild.d.example. 3600 IN TXT "covered"']),
        ("a.wild.d.example", "A", "NOERROR", []),
        ("ent.wild.d.example", "TXT", "NOERROR", []),
        ("x.ent.wild.d.example", "TXT", "NXDOMAIN", []),
        ("elsewhere.example", "A", "NXDOMAIN", []),
    ],
)
def test_a_whole_zone_answers_as_its_authority_would(
    name: str, rdtype: str, rcode: str, lines: list[str]
) -> None:
    answer = ask(live(), name, rdtype)
    assert (answer.rcode, list(answer.lines())) == (rcode, lines)


def test_a_patch_replaces_rrsets_and_leaves_the_rest_to_the_world() -> None:
    patch = Zone.parse('@ TXT "v=spf1 mx -all"\nsel._domainkey TXT "p="\nwww TXT "own"\n', "d.example")
    lab = Overlay(patch, live())
    assert list(ask(lab, "d.example", "TXT").lines()) == ['d.example. 3600 IN TXT "v=spf1 mx -all"']
    assert list(ask(lab, "d.example", "MX").lines()) == ["d.example. 3600 IN MX 10 mx.d.example."]
    assert list(ask(lab, "www.d.example", "TXT").lines()) == ['www.d.example. 3600 IN TXT "own"']
    assert ask(lab, "_domainkey.d.example", "A").rcode == "NOERROR", (
        "the name will exist: something is below it"
    )
    assert ask(lab, "_domainkez.d.example", "A").rcode == "NXDOMAIN"


def test_a_proposed_record_is_signed_where_the_world_is() -> None:
    patch = Zone.parse("mx A 192.0.2.7\n", "d.example")
    assert ask(Overlay(patch, live(secure=("d.example",))), "mx.d.example", "A").authenticated
    assert not ask(Overlay(patch, live()), "mx.d.example", "A").authenticated
    assert not ask(Overlay(patch, Nothing()), "mx.d.example", "A").authenticated


def test_single_questions_can_fail() -> None:
    lab = live(
        fails={
            ("d.example", "MX"): "servfail",
            ("d.example", "TXT"): "timeout",
            ("mx.d.example", "ANY"): "refused",
        }
    )
    assert ask(lab, "d.example", "MX").rcode == "SERVFAIL"
    assert ask(lab, "d.example", "TXT") == DnsSilence(Silent.TIMED_OUT, ("zone",))
    assert ask(lab, "mx.d.example", "A").rcode == "REFUSED"


@pytest.mark.parametrize(
    ("fixes", "texts"),
    [
        ((Publish("d.example", "TXT", "new"),), {"v=spf1 -all", "unrelated", "new"}),
        ((Replace("d.example", "TXT", "new", old="v=spf1 -all"),), {"unrelated", "new"}),
        ((Replace("d.example", "TXT", "new"),), {"new"}),
        ((Withdraw("d.example", "TXT", "v=spf1 -all"),), {"unrelated"}),
        ((Withdraw("d.example", "TXT"),), set()),
        (
            (
                Withdraw("d.example", "TXT", "unrelated"),
                Replace("d.example", "TXT", "x" * 300, old="v=spf1 -all"),
            ),
            {"x" * 300},
        ),
    ],
)
def test_fixes_change_what_they_name_and_nothing_else(fixes: Any, texts: set[str]) -> None:
    answer = ask(Overlay(with_fixes(fixes, Zone.parse(LIVE, "d.example")), live()), "d.example", "TXT")
    rrset = answer.rrset("d.example", "TXT")
    assert {b"".join(rdata.strings).decode() for rdata in (rrset.rdatas if rrset else ())} == texts


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("@ TXT ok\n@ NONSENSE 1\n", "zone:2: no record type 'NONSENSE'"),
        ("@ A 300.1.1.1\n", "zone:1"),
        ("$INCLUDE other\n", "zone:1: $INCLUDE is not supported here"),
        ('@ TXT "open\n', "zone:1"),
        ("@ TYPE16 \\# 5 zz\n", "zone:1"),
    ],
)
def test_a_bad_zone_is_refused_with_its_line(text: str, says: str) -> None:
    with pytest.raises(BadZone, match=says.replace("$", r"\$")):
        Zone.parse(text, "d.example")


def test_a_signed_zone_can_be_brought_and_its_signatures_count_for_nothing() -> None:
    signature = "8 2 60 20270101000000 20260101000000 1 d.example. AAAA"
    text = f"@ MX 10 mx\n@ RRSIG MX {signature}\n@ TXT ok\n@ RRSIG TXT {signature}\n"
    zone = Zone.parse(text, "d.example")
    assert set(zone.rrsets[dns.name.from_text("d.example")]) == {dns.rdatatype.MX, dns.rdatatype.TXT}


@pytest.mark.parametrize(
    ("before", "value"),
    [("", "a" * 300), ("txt 300 IN ", "v=DKIM1; p=" + "A" * 700), ("", "é" * 130 + '"\\'), ("", "a b " * 90)],
)
def test_a_text_that_is_too_long_is_refused_with_the_record_that_would_do(before: str, value: str) -> None:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    with pytest.raises(BadZone, match=r"^zone:2: a string of a TXT record has at most 255 octets") as refused:
        Zone.parse(f'@ TXT ok\n{before or "@ "}TXT ( "start "\n "{escaped}" )\n@ TXT ok\n', "d.example")
    _, _, cure = str(refused.value).partition("its own: ")
    cured = Zone.parse(f"@ {cure}\n", "d.example").ask(dns.name.from_text("d.example"), dns.rdatatype.TXT)
    assert [b"".join(r.strings).decode() for r in cured.rrset or ()] == [f"start {value}"]


@pytest.mark.parametrize(
    "record", ['TXT "' + "a" * 9000 + '"', "TXT \\# 2 00", 'TXT ( "a"', f"A {'a' * 300}"]
)
def test_no_record_is_shown_that_nobody_should_paste(record: str) -> None:
    with pytest.raises(BadZone, match=r"^zone:1: ") as refused:
        Zone.parse(f"@ {record}\n", "d.example")
    assert ": TXT (" not in str(refused.value)


QUERY = DnsQuery("d.example", "TXT")
TALK = SmtpTalk(
    "192.0.2.1", 25, "mx.d.example", "probe.example", mail_from="", recipients=("postmaster@d.example",)
)
HANDSHAKE = Handshake(
    "TLSv1.3", "TLS_AES_128_GCM_SHA256", "x25519", "mx.d.example", "", (b"\x30\x82\x00",), "", b""
)
CONVERSATION = Transcript(
    (
        Opened(0, "192.0.2.1", 25),
        Said(3, Who.PEER, b"220 mx \xff\x00\r\n", False),
        Secured(9, HANDSHAKE, b""),
        Renegotiated(10, Outcome.REFUSED, "no renegotiation"),
        Closed(12, Ending.BY_US, "", AfterHandshake(TlsEnd.NOTIFIED, (Ticket(7200, 9),))),
    )
)


def recorded() -> Tape:
    answer = anyio.run(live(secure=("d.example",)).run, QUERY)
    exchanges: dict[Probe[Any], Any] = {
        Now(): Moment(datetime(2026, 11, 21, tzinfo=UTC)),
        QUERY: answer,
        DnsQuery("x.example", "A"): DnsSilence(Silent.TIMED_OUT, ("192.0.2.53",), 9000),
        DnsQuery("y.example", "A"): DnsAnswer(b"\x00garbage", "192.0.2.53"),
        TALK: CONVERSATION,
    }
    return Tape(exchanges, {"target": {"domain": "d.example"}})


def test_an_older_tape_leaves_out_what_came_after_the_handshake(tmp_path: Path) -> None:
    path = tmp_path / "d.tape"
    recorded().save(path)
    told = ', "tls": {"end": "notified", "tickets": [{"lifetime": 7200, "early_data": 9}]}'
    text = path.read_text()
    assert told in text
    path.write_text(text.replace(told, ""))
    found = Tape.load(path, load().probes).exchanges[TALK]
    assert found.closed == Closed(12, Ending.BY_US, "")


def test_what_is_saved_comes_back_the_same(tmp_path: Path) -> None:
    path = tmp_path / "d.tape"
    recorded().save(path)
    again = Tape.load(path, load().probes)
    assert again.header == {"target": {"domain": "d.example"}}
    assert again.exchanges[TALK] == CONVERSATION
    answer = anyio.run(again.run, QUERY)
    assert isinstance(answer, DnsAnswer)
    assert answer.authenticated
    assert list(answer.lines()) == list(recorded().exchanges[QUERY].lines())
    again.save(tmp_path / "e.tape")
    assert path.read_bytes() == (tmp_path / "e.tape").read_bytes()


def test_a_tape_knows_what_it_does_not_hold() -> None:
    with pytest.raises(NotRecorded, match=r"MX d\.example"):
        anyio.run(recorded().run, DnsQuery("d.example", "MX"))


def test_a_tape_is_text_that_a_person_can_read(tmp_path: Path) -> None:
    recorded().save(tmp_path / "d.tape")
    lines = (tmp_path / "d.tape").read_text().splitlines()
    assert json.loads(lines[2])["evidence"]["answer"][0] == 'd.example. 3600 IN TXT "v=spf1 -all"'
    assert json.loads(lines[5])["probe"]["host"] == "mx.d.example"


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda lines: [], ":1: this is no maildiag tape"),
        (lambda lines: ['{"maildiag-tape": 99}'], ":1: tape version 99"),
        (lambda lines: lines[:-1], ":6: the tape is cut short"),
        (lambda lines: [*lines[:3], lines[3][:20], *lines[4:]], ":4: "),
        (lambda lines: [*lines[:2], "[]", *lines[3:]], ":3: not an object"),
        (lambda lines: [*lines[:2], "[" * 100_000, *lines[3:]], ":3: nested too deeply"),
        (lambda lines: [*lines[:2], lines[2].replace('"dns"', '"telepathy"'), *lines[3:]], ":3: "),
        (lambda lines: [*lines[:2], lines[2].replace("DnsAnswer", "Moment"), *lines[3:]], ":3: "),
    ],
)
def test_a_damaged_tape_is_refused_with_its_line(tmp_path: Path, damage: Any, says: str) -> None:
    path = tmp_path / "d.tape"
    recorded().save(path)
    path.write_text("\n".join(damage(path.read_text().splitlines())) + "\n")
    with pytest.raises(BadTape, match=f"{path}{says}"):
        Tape.load(path, load().probes)


def test_what_is_half_written_goes_where_the_process_ends_in_the_middle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left: list[list[Path]] = []

    def ended(_: int) -> None:
        left.append(list(tmp_path.iterdir()))
        files.drop_unfinished()
        left.append(list(tmp_path.iterdir()))

    monkeypatch.setattr("os.fsync", ended)
    with pytest.raises(FileNotFoundError):
        write_whole(tmp_path / "report", b"half")
    assert [len(each) for each in left] == [1, 0]
    files.drop_unfinished()


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "report.html"
    write_whole(target, b"first")
    with pytest.raises(TypeError):
        write_whole(target, "no octets")  # type: ignore[arg-type]
    assert target.read_bytes() == b"first"
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
    assert target.stat().st_mode & 0o777 == 0o644


def test_a_zone_that_holds_more_than_a_message_can_say_fails_as_a_server_would() -> None:
    text = "".join(f'@ TXT "{number} {"x" * 200}"\n' for number in range(400))
    lab = Overlay(Zone.parse(text, "d.example"), Nothing())
    answer = anyio.run(lab.run, DnsQuery("d.example", "TXT"))
    assert isinstance(answer, DnsAnswer)
    assert (answer.rcode, answer.usable) == ("SERVFAIL", False)
