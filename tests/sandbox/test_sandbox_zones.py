"""Zone texts: heads, and how one lies over another."""

from pathlib import Path

import dns.name
import dns.rdatatype
import pytest

from diag.sandbox.errors import BadWorld
from diag.sandbox.zones import Text, head, laid_over

PATH = Path("some/world.zone")

BASE = """\
; secure: a.example
a.example.      MX  10 mx.a.example.
a.example.      TXT "one"
a.example.      TXT "two"
mx.a.example.   A   192.0.2.1
mx.a.example.   AAAA 2001:db8::1
www.a.example.  CNAME a.example.
"""


def text(body: str) -> Text:
    return Text(PATH, head(body, PATH), body)


def records(*bodies: str) -> set[str]:
    zone = laid_over([text(body) for body in bodies]).zone
    return {
        line for types in zone.rrsets.values() for rrset in types.values() for line in str(rrset).splitlines()
    }


def test_a_head_says_what_a_world_is_for() -> None:
    read = head(
        "; A world about SPF:\n"
        "; it has prose, too.\n"
        "\n"
        "; base: healthy\n; domain: a.example\n; moment: 2026-01-02T03:04:05+01:00\n"
        "; raises: spf/missing, spf/loop\n; against: spf/ptr\n; inconclusive: smtp\n"
        "; without: a.example TXT, B.example. MX\n; without: c.example ANY\n"
        "; fails: a.example TXT servfail\n; fails: b.example ANY timeout\n"
        "; secure: a.example, .\n; bogus: B.example\n"
        "a.example. A 192.0.2.1 ; not: a head\n; nor: this\n",
        PATH,
    )
    assert read.about == "A world about SPF: it has prose, too."
    assert (read.base, read.domain) == ("healthy", "a.example")
    assert read.moment is not None
    assert read.moment.isoformat() == "2026-01-02T02:04:05+00:00"
    assert read.raises == ("spf/missing", "spf/loop")
    assert read.against == ("spf/ptr",)
    assert read.inconclusive == ("smtp",)
    assert read.without == (("a.example", "TXT"), ("b.example", "MX"), ("c.example", "ANY"))
    assert read.fails == {("a.example", "TXT"): "servfail", ("b.example", "ANY"): "timeout"}
    assert read.secure == ("a.example", ".")
    assert read.bogus == ("b.example",)


@pytest.mark.parametrize(
    ("body", "line", "fault"),
    [
        ("; raises: a\n; rases: b\n", 2, "unknown key 'rases'"),
        ("; domain: a\n;\n; domain: b\n", 3, "'domain' is said twice"),
        ("; prose\n; fails: a.example TXT sulks\n", 2, "NAME TYPE servfail|timeout|refused"),
        ("; fails: a.example TXT timeout\n; fails: a.example\n; fails: b A timeout\n", 2, "NAME TYPE"),
        ("; without: a.example\n", 1, "NAME TYPE"),
        ("; without: a.example NOPE\n", 1, "without:"),
        ("; moment: 2026-01-02T03:04:05\n", 1, "no offset"),
        ("; secure: a..example\n", 1, "secure:"),
    ],
)
def test_a_bad_head_names_file_and_line(body: str, line: int, fault: str) -> None:
    with pytest.raises(BadWorld) as caught:
        head(body, PATH)
    assert str(caught.value).startswith(f"some/world.zone:{line}: ")
    assert fault in str(caught.value)


def test_a_record_that_cannot_be_read_names_file_and_line() -> None:
    with pytest.raises(BadWorld, match=r"^some/world.zone:2: "):
        records("a.example. A 192.0.2.1\nb.example. A bogus\nc.example. A 192.0.2.1\n")


def test_an_owner_and_type_of_the_patch_replaces_the_whole_rrset() -> None:
    patched = records(BASE, 'a.example. TXT "three"\n')
    assert 'a.example. 3600 IN TXT "three"' in patched
    assert not {line for line in patched if "one" in line or "two" in line}
    assert "a.example. 3600 IN MX 10 mx.a.example." in patched


def test_an_alias_replaces_what_was_there_and_gives_way_to_what_comes() -> None:
    patched = records(BASE, "mx.a.example. CNAME b.example.\nwww.a.example. A 192.0.2.2\n")
    assert {line for line in patched if line.startswith("mx.")} == {"mx.a.example. 3600 IN CNAME b.example."}
    assert {line for line in patched if line.startswith("www.")} == {"www.a.example. 3600 IN A 192.0.2.2"}


def test_without_takes_one_type_or_all_of_an_owner() -> None:
    assert not {line for line in records(BASE, "; without: a.example TXT\n") if "TXT" in line}
    assert "a.example. 3600 IN MX 10 mx.a.example." in records(BASE, "; without: a.example TXT\n")
    assert not {line for line in records(BASE, "; without: mx.a.example ANY\n") if line.startswith("mx.")}


def test_an_owner_without_records_is_gone() -> None:
    zone = laid_over([text(BASE), text("; without: www.a.example CNAME\n")]).zone
    assert zone.ask(dns.name.from_text("www.a.example"), dns.rdatatype.A).rcode == "NXDOMAIN"


def test_without_what_is_not_there_is_a_mistake() -> None:
    with pytest.raises(BadWorld, match=r"there is no TLSA at a\.example"):
        records(BASE, "; without: a.example TLSA\n")


def test_a_patch_leaves_its_base_as_it_was() -> None:
    before = records(BASE)
    records(BASE, "; without: a.example ANY\nmx.a.example. CNAME b.example.\n")
    assert records(BASE) == before


def test_the_last_to_say_which_zones_are_secure_decides() -> None:
    assert laid_over([text(BASE), text("b.example. A 192.0.2.1\n")]).secure == ("a.example",)
    assert laid_over([text(BASE), text("; secure:\n")]).secure == ()


def test_every_owner_of_a_bogus_zone_fails() -> None:
    dns = laid_over([text(BASE), text("; bogus: a.example\nb.example. A 192.0.2.1\n")])
    assert dns.fails == {(name, "ANY"): "servfail" for name in ("a.example", "mx.a.example", "www.a.example")}


def test_macros_are_expanded_before_anything_is_read() -> None:
    body = "_25._tcp.mx.a.example. TLSA @X@\n"
    zone = laid_over([text(body)], lambda text: text.replace("@X@", "3 1 1 " + "ab" * 32)).zone
    (rrset,) = next(iter(zone.rrsets.values())).values()
    assert str(rrset[0]) == "3 1 1 " + "ab" * 32
