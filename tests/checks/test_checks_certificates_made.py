"""How certificates were made: what is said of names, uses and keys, and where nothing is."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID
from test_checks_certificates import (
    CA,
    DAY,
    EE,
    HOST,
    MOMENT,
    NONE,
    client,
    dane,
    inbound,
    judged,
    kind,
    leaf,
    policy,
)

from checks.certificates import mail_programs_accept_the_certificate
from checks.certificates_inbound import senders_accept_the_certificate
from checks.certificates_made import (
    certificates_name_what_clients_look_for,
    every_certificate_has_a_key_of_its_own,
    every_name_stands_once,
    nobody_relies_on_public_certificates_for_clients,
    public_certificates_were_logged,
)
from checks.certificates_upkeep import no_certificate_is_sent_for_nothing
from checks.tls_staple import what_is_stapled_can_be_used
from diag.facts.certificates import ServedCertificate
from diag.facts.moment import RunMoment
from diag.facts.vantage import OurClock, Witness
from diag.model.knowing import Cite, Many, Unavailable
from diag.model.target import Endpoint
from diag.sandbox.authority import key_of

UNTRUSTED = kind("untrusted_root")


@pytest.mark.parametrize(
    ("chain", "said"),
    [
        (kind("address_as_name"), ["address-as-name"]),
        (kind("internal_name"), ["address-as-name"]),
        (leaf(names=(HOST, "mail.office.local")), []),  # a private CA may
        (leaf(names=(HOST, "intranet")), []),
        (kind("public"), []),
    ],
)
def test_names_that_nobody_looks_for(chain: tuple[bytes, ...], said: list[str]) -> None:
    assert judged(certificates_name_what_clients_look_for, client(chain)) == said


def test_a_name_in_two_cases_stands_twice() -> None:
    assert judged(every_name_stands_once, client(kind("name_twice"))) == ["duplicate-san"]
    assert judged(every_name_stands_once, client(leaf(names=(HOST, f"www.{HOST}")))) == []


def test_only_public_certificates_lose_the_use_for_clients() -> None:
    check = nobody_relies_on_public_certificates_for_clients
    assert judged(check, inbound(kind("for_clients_too"))) == ["client-auth-leaving"]
    assert judged(check, inbound(kind("public"))) == []
    assert judged(check, inbound(leaf(also=(ExtendedKeyUsageOID.CLIENT_AUTH,)))) == []  # a private CA's


def test_proof_of_logging_is_asked_of_public_certificates_alone() -> None:
    check = public_certificates_were_logged
    assert judged(check, client(kind("unlogged"))) == ["no-sct"]
    assert judged(check, client(kind("public"))) == []
    assert judged(check, client(kind("valid"))) == []
    unlogged = client(kind("unlogged"))
    stapling = dataclasses.replace(unlogged, handshake=dataclasses.replace(unlogged.handshake, staple=b"x"))
    assert judged(check, stapling) == []


def at(
    host: str, chain: tuple[bytes, ...], address: str = "198.51.100.10", port: int = 25
) -> ServedCertificate:
    return dataclasses.replace(inbound(chain), endpoint=Endpoint(host, address, port))


def shared(*served: ServedCertificate, tlsa: Any = NONE) -> list[str]:
    return judged(every_certificate_has_a_key_of_its_own, Many({each.subject: each for each in served}), tlsa)


def test_one_key_in_certificates_of_several_hosts() -> None:
    one, two = (CA.same_key(host).chain for host in ("a.example", "b.example"))
    assert shared(at("a.example", one), at("b.example", two)) == ["key-reused"]
    assert shared(at("a.example", one), at("b.example", one)) == []  # one certificate for both
    assert shared(at("a.example", one), at("a.example", one, port=465)) == []
    assert shared(at("a.example", one), at("a.example", two, "198.51.100.11")) == []  # its successor
    assert shared(at("a.example", one), at("b.example", CA.valid("b.example").chain)) == []


def test_a_key_that_tlsa_records_name_is_shared_on_purpose() -> None:
    one, two = (CA.same_key(host).chain for host in (HOST, "b.example"))
    hosts = at(HOST, one), at("b.example", two)
    assert shared(*hosts, tlsa=dane("3 1 1 " + "ab" * 32)) == []
    assert shared(*hosts, tlsa=dane("3 0 1 " + "ab" * 32)) == ["key-reused"]
    assert shared(*hosts, tlsa=Unavailable("SERVFAIL")) == []


@pytest.mark.parametrize(
    ("chain", "tlsa", "said"),
    [
        (kind("with_root"), NONE, ["extra-certificates"]),
        (kind("with_root"), dane("2 0 1 " + "ab" * 32), []),
        (kind("with_root"), dane("3 1 1 " + "ab" * 32), ["extra-certificates"]),
        (kind("with_root"), Unavailable("SERVFAIL"), []),
        (kind("cross_signed"), dane("2 0 1 " + "ab" * 32), ["extra-certificates"]),
        ((*kind("valid"), CA.intermediate), NONE, ["extra-certificates"]),
        ((*kind("valid"), *CA.valid("other.example").chain[:1]), NONE, ["extra-certificates"]),
        (kind("long_chain"), NONE, []),
        (UNTRUSTED, NONE, []),
    ],
)
def test_certificates_that_nobody_needs(chain: tuple[bytes, ...], tlsa: Any, said: list[str]) -> None:
    assert judged(no_certificate_is_sent_for_nothing, inbound(chain), tlsa) == said


def test_a_root_is_needed_by_no_mail_program() -> None:
    seen = client(kind("with_root"))
    assert judged(no_certificate_is_sent_for_nothing, seen, dane("2 0 1 " + "ab" * 32)) == [
        "extra-certificates"
    ]


NOW = RunMoment(MOMENT)


def stapling(status: str, certificate: str = "answers_ocsp") -> ServedCertificate:
    seen = client(kind(certificate))
    staple = CA.staple(seen.leaf.der, status) if status else b""
    return dataclasses.replace(seen, handshake=dataclasses.replace(seen.handshake, staple=staple))


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        (stapling("good"), []),
        (stapling("revoked"), []),  # certificates/revoked
        (stapling(""), []),
        (stapling("stale"), ["staple-bad"]),
        (stapling("early"), ["staple-bad"]),
        (stapling("other"), ["staple-bad"]),
        (stapling("stale", "valid"), []),  # it names no OCSP server: there is nothing to staple
        (stapling("stale", "self_signed"), []),
    ],
)
def test_what_is_stapled(seen: ServedCertificate, said: list[str]) -> None:
    assert judged(what_is_stapled_can_be_used, seen, NOW, NONE) == said


def test_when_the_clock_decides_on_a_staple_and_when_it_does_not() -> None:
    def off(days: float) -> OurClock:
        return OurClock((Witness("web.example", "192.0.2.1", days * 86400, Cite("a web server")),))

    (told,) = judged(what_is_stapled_can_be_used, stapling("stale"), NOW, off(3))
    assert told.startswith("? the OCSP response held until")
    (told,) = judged(what_is_stapled_can_be_used, stapling("good"), NOW, off(-30))
    assert told.startswith("? the OCSP response held until")
    assert judged(what_is_stapled_can_be_used, stapling("other"), NOW, off(3)) == ["staple-bad"]
    later = RunMoment(MOMENT + 90 * DAY, ran=MOMENT)
    (told,) = judged(what_is_stapled_can_be_used, stapling("good"), later, NONE)
    assert "by the moment chosen" in told


def test_a_key_that_can_be_factored_is_known_to_strangers_and_refused_by_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen = client((CA.issue("x", key_of("x", 2048), names=(HOST,)), CA.root))
    assert seen.known_key == ""
    assert judged(mail_programs_accept_the_certificate, seen, NONE) == []
    monkeypatch.setattr("diag.facts.certificates.key_number", lambda _: pow(65537, 120).to_bytes(256))
    (finding,) = mail_programs_accept_the_certificate.function(seen, NONE)
    assert finding.id == "certificates/weak-key"
    assert "CVE-2017-15361" in finding.text()
    on_25 = inbound(seen.handshake.chain)
    assert judged(senders_accept_the_certificate, on_25, NONE, policy(), NONE) == ["weak-key-on-25"]
    assert judged(senders_accept_the_certificate, on_25, dane(EE), NONE, NONE) == ["weak-key-on-25"]
