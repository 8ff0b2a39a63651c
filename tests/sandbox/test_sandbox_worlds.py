"""Worlds on disk, and the two that come with the package."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.reversename
import pytest
from cryptography import x509

from diag.sandbox.certificates import Certificates
from diag.sandbox.errors import BadWorld
from diag.sandbox.hosts import HostSpec, Kind, State
from diag.sandbox.resolver import PAYLOAD, Resolver
from diag.sandbox.world import MOMENT, PACKAGED, World, load, packaged


def write(folder: Path, **files: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("_", ".")).write_text(text, encoding="utf-8")
    return folder


def ask(
    world: World, name: str, rdtype: str, *, flags: int = 0, udp: bool = False, **more: Any
) -> dns.message.Message:
    query = dns.message.make_query(name, rdtype, **more)
    query.flags |= flags
    octets = Resolver(world.dns).answer(query.to_wire(), udp=udp)
    assert octets is not None
    return dns.message.from_wire(octets)


def texts(world: World, name: str, rdtype: str) -> list[str]:
    return sorted(str(rdata) for rrset in ask(world, name, rdtype).answer for rdata in rrset)


def zone_world(tmp_path: Path, text: str) -> World:
    (tmp_path / "w.zone").write_text(text, encoding="utf-8")
    return load(tmp_path / "w.zone")


# Descriptions on disk


def test_a_folder_lies_over_the_healthy_world(tmp_path: Path) -> None:
    world = load(
        write(
            tmp_path / "spf-missing",
            world_zone="; base: healthy\n; raises: spf/missing\n; without: lantern.example TXT\n",
            hosts_toml='[[host]]\naddress = "198.51.100.20"\nport = 25\ncertificate = "expired"\n',
        )
    )
    healthy = packaged("healthy")
    assert (world.name, world.domain, world.raises) == ("spf-missing", "lantern.example", ("spf/missing",))
    assert world.hosts["198.51.100.20", 25].certificate.kind == "expired"
    assert world.hosts["198.51.100.10", 25] == healthy.hosts["198.51.100.10", 25]
    assert set(world.hosts) == set(healthy.hosts)
    assert not ask(world, "lantern.example", "TXT").answer
    assert ask(healthy, "lantern.example", "TXT").answer
    assert world.dns.secure == healthy.dns.secure


def test_a_zone_file_alone_is_a_world(tmp_path: Path) -> None:
    world = zone_world(tmp_path, "; domain: a.example\na.example. A 192.0.2.1\n")
    assert (world.name, world.domain, world.moment, dict(world.hosts)) == ("w", "a.example", MOMENT, {})


def test_the_toml_beside_a_zone_file_belongs_to_it(tmp_path: Path) -> None:
    write(tmp_path, w_toml='[[host]]\naddress = "192.0.2.1"\nport = 25\n')
    assert set(zone_world(tmp_path, "a.example. A 192.0.2.1\n").hosts) == {("192.0.2.1", 25)}


def test_hosts_alone_may_name_base_and_moment(tmp_path: Path) -> None:
    write(tmp_path / "below", world_zone="; domain: a.example\na.example. A 192.0.2.1\n")
    toml = 'base = "../below"\nmoment = 2027-01-01T00:00:00Z\nraises = ["a/b"]\n'
    world = load(write(tmp_path / "above", hosts_toml=toml))
    assert (world.domain, world.moment.year, world.raises) == ("a.example", 2027, ("a/b",))


def test_expectations_and_who_looks_are_not_inherited(tmp_path: Path) -> None:
    below = write(
        tmp_path / "below",
        world_zone="; raises: a/b\na.example. A 192.0.2.1\n",
        hosts_toml='helo = "b.example"\n',
    )
    assert load(below).helo == "b.example"
    above = load(write(tmp_path / "above", world_zone="; base: ../below\n"))
    assert (above.raises, above.helo) == ((), "")


@pytest.mark.parametrize(
    ("files", "fault"),
    [
        ({}, "there is no world here"),
        ({"hosts_toml": 'bse = "healthy"\n'}, "unknown key 'bse'"),
        ({"hosts_toml": "[[host]\n"}, "hosts.toml: "),
        ({"hosts_toml": "moment = 2027-01-01T00:00:00\n"}, "moment: "),
        ({"world_zone": "; base: ../loop\n"}, "a loop?"),
        ({"world_zone": "; base: nowhere\n"}, "there is no world here"),
        ({"world_zone": "; domain: a\n", "hosts_toml": 'domain = "b"\n'}, "'domain' is said both"),
        ({"hosts_toml": '[[host]]\naddress = "192.0.2.1"\nport = 25\ncertificate = "odd"\n'}, "called 'odd'"),
        (
            {"hosts_toml": '[[host]]\naddress = "192.0.2.1"\nport = 25\nsecond = { certificate = "odd" }\n'},
            "called 'odd'",
        ),
        ({"world_zone": "a.example. TLSA @TLSA(a,4,1,1)@\n"}, "no certificate fits TLSA 4 1 1"),
    ],
)
def test_a_bad_description_is_refused(tmp_path: Path, files: Mapping[str, str], fault: str) -> None:
    with pytest.raises(BadWorld) as caught:
        load(write(tmp_path / "loop", **files))
    assert fault in str(caught.value)
    assert str(tmp_path) in str(caught.value)


def test_tlsa_follows_the_certificate_that_the_host_serves(tmp_path: Path) -> None:
    weak = load(
        write(
            tmp_path,
            world_zone="; base: healthy\n",
            hosts_toml='[[host]]\naddress = "198.51.100.10"\nport = 25\ncertificate = "self_signed"\n',
        )
    )
    certificates = Certificates(MOMENT)
    names = ("mx1.lantern.example",)
    assert certificates.tlsa("self_signed", names, 3, 1, 1) in texts(
        weak, "_25._tcp.mx1.lantern.example", "TLSA"
    )
    assert certificates.tlsa("valid", names, 3, 1, 1) in texts(
        packaged("healthy"), "_25._tcp.mx1.lantern.example", "TLSA"
    )


def test_a_certificate_may_have_several_names() -> None:
    names = ("a.example", "b.example")
    leaf, *others = x509.load_pem_x509_certificates(Certificates(MOMENT).pem("expired", names))
    held = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert tuple(held.get_values_for_type(x509.DNSName)) == names
    assert leaf.not_valid_after_utc < MOMENT
    assert len(others) == 1
    with pytest.raises(ValueError, match="for one name only"):
        Certificates(MOMENT).pem("wildcard", names)


# The resolver

RESOLVED = """\
; secure: a.example
; bogus: b.a.example
; fails: f.a.example TXT refused, s.a.example ANY servfail
a.example. SOA ns.a.example. x.a.example. 1 2 3 4 5
a.example. MX 10 mx.a.example.
*.w.a.example. TXT "wild"
deep.under.a.example. A 192.0.2.1
www.a.example. CNAME a.c.example.
a.c.example. CNAME b.c.example.
b.c.example. A 192.0.2.2
in.a.example. CNAME deep.under.a.example.
l.a.example. CNAME l.a.example.
b.a.example. A 192.0.2.3
f.a.example. A 192.0.2.4
s.a.example. A 192.0.2.5
"""


@pytest.mark.parametrize(
    ("name", "rdtype", "rcode", "answers", "authentic"),
    [
        ("a.example", "MX", "NOERROR", 1, True),
        ("a.example", "TXT", "NOERROR", 0, True),
        ("x.a.example", "TXT", "NXDOMAIN", 0, True),
        ("x.w.a.example", "TXT", "NOERROR", 1, True),
        ("x.w.a.example", "A", "NOERROR", 0, True),
        ("under.a.example", "A", "NOERROR", 0, True),
        ("in.a.example", "A", "NOERROR", 2, True),
        ("www.a.example", "A", "NOERROR", 3, False),
        ("www.a.example", "CNAME", "NOERROR", 1, True),
        ("b.c.example", "A", "NOERROR", 1, False),
        ("l.a.example", "A", "SERVFAIL", 0, False),
        ("b.a.example", "A", "SERVFAIL", 0, False),
        ("f.a.example", "TXT", "REFUSED", 0, False),
        ("f.a.example", "A", "NOERROR", 1, True),
        ("s.a.example", "A", "SERVFAIL", 0, False),
    ],
)
def test_answers(tmp_path: Path, name: str, rdtype: str, rcode: str, answers: int, authentic: bool) -> None:
    answer = ask(zone_world(tmp_path, RESOLVED), name, rdtype, flags=dns.flags.AD)
    assert dns.rcode.to_text(answer.rcode()) == rcode
    assert len(answer.answer) == answers
    assert bool(answer.flags & dns.flags.AD) == authentic
    assert answer.flags & dns.flags.RA


def test_ad_is_only_for_those_who_ask(tmp_path: Path) -> None:
    world = zone_world(tmp_path, RESOLVED)
    assert not ask(world, "a.example", "MX").flags & dns.flags.AD
    assert ask(world, "a.example", "MX", want_dnssec=True).flags & dns.flags.AD


def test_who_disables_checking_sees_bogus_data(tmp_path: Path) -> None:
    answer = ask(zone_world(tmp_path, RESOLVED), "b.a.example", "A", flags=dns.flags.CD | dns.flags.AD)
    assert len(answer.answer) == 1
    assert not answer.flags & dns.flags.AD


def test_a_negative_answer_carries_the_soa(tmp_path: Path) -> None:
    (soa,) = ask(zone_world(tmp_path, RESOLVED), "x.y.a.example", "A").authority
    assert soa.name == dns.name.from_text("a.example")


@pytest.mark.parametrize(
    ("udp", "more", "whole"),
    [
        (False, {}, True),
        (True, {}, False),
        (True, {"use_edns": 0, "payload": 1232}, True),
        (True, {"use_edns": 0, "payload": 600}, False),
    ],
)
def test_what_does_not_fit_is_truncated(tmp_path: Path, udp: bool, more: dict[str, int], whole: bool) -> None:
    text = " ".join(f'"{"x" * 250}"' for _ in range(3))
    answer = ask(zone_world(tmp_path, f"a.example. TXT {text}\n"), "a.example", "TXT", udp=udp, **more)
    assert bool(answer.answer) is whole
    assert bool(answer.flags & dns.flags.TC) is not whole


def test_no_datagram_is_longer_than_what_passes_everywhere(tmp_path: Path) -> None:
    text = " ".join(f'"{"x" * 250}"' for _ in range(8))
    answer = ask(
        zone_world(tmp_path, f"a.example. TXT {text}\n"),
        "a.example",
        "TXT",
        udp=True,
        use_edns=0,
        payload=4096,
    )
    assert answer.flags & dns.flags.TC
    assert answer.payload == PAYLOAD


def test_garbage_and_answers_get_no_answer(tmp_path: Path) -> None:
    resolver = Resolver(zone_world(tmp_path, RESOLVED).dns)
    query = dns.message.make_query("a.example", "MX")
    assert resolver.answer(b"\x00\x01garbage", udp=True) is None
    assert resolver.answer(dns.message.make_response(query).to_wire(), udp=True) is None


# The worlds of the package


@pytest.mark.parametrize("name", PACKAGED)
def test_every_packaged_world_loads(name: str) -> None:
    world = packaged(name)
    assert world.domain
    assert world.about


def test_every_address_of_the_healthy_world_has_confirmed_names() -> None:
    world = packaged("healthy")
    mail = [host for host in world.hosts.values() if host.protocol is not Kind.HTTPS]
    assert mail
    for host in mail:
        reverse = dns.reversename.from_address(host.address).to_text()
        assert texts(world, reverse, "PTR") == [f"{host.name}."]
        assert host.address in texts(world, host.name, "AAAA" if ":" in host.address else "A")


def test_the_healthy_world_has_every_record_and_answers_them_securely() -> None:
    world = packaged("healthy")
    for name, rdtype in [
        ("lantern.example", "MX"),
        ("lantern.example", "TXT"),
        ("_dmarc.lantern.example", "TXT"),
        ("_mta-sts.lantern.example", "TXT"),
        ("_smtp._tls.lantern.example", "TXT"),
        ("default._domainkey.lantern.example", "TXT"),
        ("mail._domainkey.lantern.example", "TXT"),
        ("_25._tcp.mx1.lantern.example", "TLSA"),
        ("_25._tcp.mx2.lantern.example", "TLSA"),
        ("_submissions._tcp.lantern.example", "SRV"),
    ]:
        answer = ask(world, name, rdtype, flags=dns.flags.AD)
        assert answer.answer, name
        assert answer.flags & dns.flags.AD, name


def test_srv_and_mx_records_lead_to_hosts_that_listen() -> None:
    for world in (packaged("healthy"), packaged("harbour")):
        ports = {(host.name, host.port) for host in world.hosts.values() if host.state is State.OPEN}
        for exchange in texts(world, world.domain, "MX"):
            assert (exchange.split()[1].rstrip("."), 25) in ports
        for service in ("submission", "submissions", "imap", "imaps", "pop3", "pop3s"):
            for record in texts(world, f"_{service}._tcp.{world.domain}", "SRV"):
                _, _, port, target = record.split()
                assert (target.rstrip("."), int(port)) in ports


def test_every_host_name_of_the_packaged_worlds_resolves_to_its_host() -> None:
    def resolves(world: World, host: HostSpec) -> bool:
        return host.address in texts(world, host.name, "AAAA" if ":" in host.address else "A")

    world = packaged("harbour")
    assert [host.endpoint for host in world.hosts.values() if not resolves(world, host)] == []


def test_harbour_lies_over_the_healthy_world() -> None:
    world, healthy = packaged("harbour"), packaged("healthy")
    assert world.domain == "harbour.example"
    assert healthy.hosts.items() <= world.hosts.items()
    assert texts(world, "lantern.example", "MX") == texts(healthy, "lantern.example", "MX")


def test_what_is_broken_in_harbour() -> None:
    world = packaged("harbour")
    hosts = world.hosts
    assert hosts["203.0.113.20", 25].certificate.kind == "expired"
    assert "mode: enforce" in hosts["203.0.113.40", 443].documents["/.well-known/mta-sts.txt"].body
    assert (hosts["2001:db8:20::10", 25].greeting or ("",))[0].startswith("421 ")
    assert "LOGINDISABLED" not in (hosts["203.0.113.30", 143].keywords or ())
    assert not texts(world, "_smtp._tls.harbour.example", "TXT")
    assert not texts(world, dns.reversename.from_address("203.0.113.20").to_text(), "PTR")
    assert not ask(world, "harbour.example", "MX", flags=dns.flags.AD).flags & dns.flags.AD
