"""DANE judgements that worlds do not reach: what is not known, and what an address alone shows."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import pytest

from checks.dane import (
    every_mail_host_has_tlsa_records,
    mx_records_of_dane_hosts_are_secure,
    tlsa_look_up_is_answered,
    tlsa_records_fit_the_certificate,
)
from checks.dane_match import record_fix, served
from diag.facts.dane import DaneHost, HeededTlsa
from diag.facts.dnssec import DnssecStatus, Security
from diag.facts.inbound import InboundTls
from diag.facts.moment import RunMoment
from diag.facts.mx import MxHost
from diag.model.finding import Certainty, Finding, Undecided
from diag.model.fix import Configure, Publish, Replace
from diag.model.knowing import Absent, Cite, Many, Unavailable
from diag.model.target import Endpoint
from diag.records.tlsa import Tlsa
from diag.sandbox.certificates import Certificates
from diag.tls.certificate import public_key_info
from diag.tls.handshake import Handshake, TlsFailure, TlsTrouble

MOMENT = RunMoment(datetime(2026, 11, 21, 9, tzinfo=UTC))
HOST = "mx.d.example"
WRONG = Tlsa(3, 1, 1, b"\xaa" * 32)


def chain(name: str = HOST) -> tuple[bytes, ...]:
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding

    pem = Certificates(MOMENT.at).pem("valid", (name,))
    return tuple(c.public_bytes(Encoding.DER) for c in x509.load_pem_x509_certificates(pem))


def key_of(der: bytes) -> Tlsa:
    return Tlsa(3, 1, 1, sha256(public_key_info(der) or b"").digest())


def dane(*records: Tlsa, **rest: Any) -> DaneHost:
    whole: dict[str, Any] = {
        "host": HOST,
        "base": HOST,
        "name": f"_25._tcp.{HOST}",
        "owner": f"_25._tcp.{HOST}",
        "records": records,
        "addresses": Security.SECURE,
        "security": Security.SECURE,
        "trouble": "",
        "waited": False,
        "asked": (),
    }
    return DaneHost(**{**whole, **rest})


def tls(address: str, outcome: Handshake | TlsFailure | None) -> InboundTls:
    return InboundTls(Endpoint(HOST, address, 25), outcome, Cite(address), (), Certainty.LIKELY)


def shaken(name: str = HOST) -> Handshake:
    return Handshake("TLSv1.3", "TLS_AES_128_GCM_SHA256", chain=chain(name))


def known(*found: InboundTls, **others: Absent | Unavailable) -> Many[InboundTls]:
    items: dict[str, InboundTls | Absent | Unavailable] = {str(each.endpoint): each for each in found}
    return Many({**items, **{f"{HOST} [{at}]:25": value for at, value in others.items()}})


def judged(host: DaneHost, seen: Many[InboundTls] | Unavailable) -> list[Finding | Undecided]:
    return list(tlsa_records_fit_the_certificate.function(HeededTlsa(host), MOMENT, seen))


def test_a_fitting_key_at_every_address_is_well() -> None:
    fits = key_of(chain()[0])
    seen = known(tls("192.0.2.1", shaken()), tls("2001:db8::1", shaken()))
    assert judged(dane(WRONG, fits), seen) == []


def test_the_same_mismatch_at_two_addresses_is_certain_and_at_one_likely() -> None:
    both = known(tls("192.0.2.1", shaken()), tls("2001:db8::1", shaken()))
    one = known(tls("192.0.2.1", shaken()))
    assert [found.certainty for found in judged(dane(WRONG), both)] == [Certainty.CERTAIN]  # type: ignore[union-attr]
    assert [found.certainty for found in judged(dane(WRONG), one)] == [Certainty.LIKELY]  # type: ignore[union-attr]


def test_what_is_not_known_of_an_address_is_said_where_nothing_is_wrong_elsewhere() -> None:
    fits = key_of(chain()[0])
    seen = known(tls("192.0.2.1", shaken()), **{"2001:db8::1": Unavailable("421 come back later")})
    (undecided,) = judged(dane(fits), seen)
    assert isinstance(undecided, Undecided)
    assert undecided.because == "421 come back later"
    (found,) = judged(dane(WRONG), seen)
    assert isinstance(found, Finding)


def test_hosts_without_starttls_or_handshake_are_the_matter_of_others() -> None:
    failed = tls("192.0.2.1", TlsFailure(TlsTrouble.ALERT))
    assert judged(dane(WRONG), known(failed, **{"2001:db8::1": Absent("no STARTTLS")})) == []


def test_other_hosts_do_not_count() -> None:
    other = replace(
        tls("192.0.2.9", shaken("other.example")), endpoint=Endpoint("x.d.example", "192.0.2.9", 25)
    )
    assert judged(dane(WRONG), Many({"x": other})) == []


def test_the_trust_anchor_may_name_the_mail_domain() -> None:
    anchor = Tlsa(2, 1, 1, sha256(public_key_info(chain("d.example")[-1]) or b"").digest())
    both = dane(anchor, beside=("d.example",))
    assert judged(both, known(tls("192.0.2.1", shaken("d.example")))) == []
    assert judged(both, known(tls("192.0.2.1", shaken("other.example")))) != []
    assert judged(dane(anchor), known(tls("192.0.2.1", shaken("d.example")))) != []


def test_where_nobody_was_talked_to_the_match_is_not_known() -> None:
    (undecided,) = judged(dane(WRONG), Unavailable("only the DNS is asked"))
    assert isinstance(undecided, Undecided)
    assert undecided.because == "only the DNS is asked"


def test_a_failing_look_up_is_certain_only_after_a_pause() -> None:
    failing = dane(trouble="SERVFAIL", security=Security.INDETERMINATE)
    assert [f.certainty for f in tlsa_look_up_is_answered.function(failing)] == [Certainty.LIKELY]
    patient = replace(failing, waited=True)
    assert [f.certainty for f in tlsa_look_up_is_answered.function(patient)] == [Certainty.CERTAIN]


@pytest.mark.parametrize(
    ("security", "raised"),
    [(Security.SECURE, 0), (Security.INSECURE, 1), (Security.INDETERMINATE, 0)],
)
def test_mx_records_matter_where_the_hosts_are_bound(security: Security, raised: int) -> None:
    status = DnssecStatus("d.example", security, "", ())
    check = mx_records_of_dane_hosts_are_secure.function
    assert len(list(check(status, Many({HOST: dane(WRONG)})))) == raised
    assert list(check(status, Many({HOST: dane(WRONG, security=Security.INSECURE)}))) == []


def mx(name: str, authenticated: bool = True, ipv4: tuple[str, ...] = ("192.0.2.2",)) -> MxHost:
    return MxHost(name, 10, name, (), True, ipv4, (), "", authenticated, ())


@pytest.mark.parametrize(
    ("host", "raised"),
    [
        (mx("b.d.example"), 1),
        (mx("b.d.example", authenticated=False), 0),
        (mx("b.d.example", ipv4=()), 0),
    ],
)
def test_only_hosts_whose_records_would_count_are_missed(host: MxHost, raised: int) -> None:
    some: Many[DaneHost] = Many({HOST: dane(WRONG), host.name: Absent("none")})
    found = list(every_mail_host_has_tlsa_records.function(some, Many({host.name: host}), Unavailable("x")))
    assert len(found) == raised


def test_a_host_whose_records_are_unknown_leaves_open_whether_all_have_some() -> None:
    dark, none = Unavailable("SERVFAIL"), Absent("none")
    two = Many({HOST: mx(HOST), "b.d.example": mx("b.d.example")})
    for known, found in (
        ({HOST: dark, "b.d.example": none}, [Undecided]),
        ({HOST: none, "b.d.example": none}, []),
    ):
        said = every_mail_host_has_tlsa_records.function(Many(known), two, Unavailable("x"))
        assert [type(each) for each in said] == found
    alone = every_mail_host_has_tlsa_records.function(
        Many({HOST: dark}), Many({HOST: mx(HOST)}), Unavailable("x")
    )
    assert list(alone) == []


def test_fixes_name_every_key_served_once_and_advise_where_none_is_known() -> None:
    keys = served([tls("192.0.2.1", shaken()), tls("192.0.2.2", shaken()), tls("192.0.2.3", None)])
    assert keys == (str(key_of(chain()[0])),)
    assert record_fix("o", keys) == (Publish("o", "TLSA", keys[0]),)
    assert record_fix("o", (*keys, "x"), instead=True) == (
        Replace("o", "TLSA", keys[0]),
        Publish("o", "TLSA", "x"),
    )
    (advice,) = record_fix("o", ())
    assert isinstance(advice, Configure)
