"""ClientHellos of our own making, as a library and as scripted servers read them, and what is read from the answers."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings, strategies as st
from OpenSSL import SSL

from diag.sandbox.authority import Authority
from diag.sandbox.tls_script import TlsScript, answer, tls_script
from diag.sandbox.tls_server import TlsServer
from diag.tls import offers
from diag.tls.answer import Accepted, Answer, CertificateRequest, Declined, Unheard
from diag.tls.answer_reader import Ended, read_answer, told
from diag.tls.client_hello import client_hello, share
from diag.tls.flight import MOST_OCTETS, Flight
from diag.tls.offer import SSL2, SSL3, TLS10, TLS11, TLS12, TLS13, TLS13_SUITES, Offer, ServerName
from diag.tls.suites import suite

HOST = "mx.orchard.example"
CA = Authority(datetime(2026, 11, 21, 9, 0, tzinfo=UTC))
SERVED = CA.valid(HOST)
LIBRARY = TlsServer(SERVED.pem, newest="TLSv1.3", oldest="TLSv1")
LEAF, OTHER = b"a leaf", b"another leaf"


def of_the_library(offer: Offer) -> Answer:
    """What OpenSSL answers."""
    connection = SSL.Connection(LIBRARY._context, None)
    connection.set_accept_state()
    connection.bio_write(client_hello(offer, HOST))
    with pytest.raises(SSL.Error):
        connection.do_handshake()
    heard = b""
    while True:
        try:
            heard += connection.bio_read(1 << 16)
        except SSL.WantReadError:
            return read_answer(heard, Ended.CLOSED)


def scripted(offer: Offer, **described: object) -> Answer:
    """What a scripted server answers."""
    script = dataclasses.replace(TlsScript(), **described)  # type: ignore[arg-type]
    return read_answer(answer(script, client_hello(offer, HOST), (LEAF,), (OTHER,)), Ended.CLOSED)


def accepted(seen: Answer) -> Accepted:
    assert isinstance(seen, Accepted), seen
    return seen


@pytest.mark.parametrize(
    ("offer", "version"),
    [(offers.old(), TLS11), (offers.usual_12(), TLS12), (offers.usual_13(), TLS13), (offers.mixed(), TLS13)],
    ids=lambda value: getattr(value, "name", ""),
)
def test_a_library_takes_the_newest_version_of_a_hello(offer: Offer, version: int) -> None:
    seen = accepted(of_the_library(offer))
    assert seen.version == version
    assert seen.suite in offer.suites


@pytest.mark.parametrize("offer", [offers.no_name(), offers.padded(), offers.other_name("imap")])
def test_a_library_minds_neither_names_nor_size_nor_protocols(offer: Offer) -> None:
    assert accepted(of_the_library(offer)).version == TLS12


def test_a_library_refuses_ssl2_and_a_fallback() -> None:
    assert isinstance(of_the_library(offers.ssl2()), Declined)
    assert of_the_library(offers.fallback(TLS12)) == Declined(86)


@pytest.mark.parametrize("group", [0x17, 0x18, 0x19, 0x1D, 0x1E, 0x100, 0x101, 0x11EC, 0x11EB])
def test_a_library_agrees_on_a_key_by_every_share(group: int) -> None:
    asked = Offer("", (TLS13,), TLS13_SUITES, (group,))
    assert accepted(of_the_library(asked)).retry
    sent = accepted(of_the_library(dataclasses.replace(asked, shares=(group,))))
    assert (sent.group, sent.retry) == (group, False)


def test_what_follows_a_library_s_server_hello_is_read_where_it_is_in_clear() -> None:
    seen = accepted(of_the_library(offers.usual_12()))
    assert seen.complete
    assert seen.certificates == SERVED.chain
    assert (seen.group, seen.scheme is not None, seen.compression) == (0x1D, True, 0)
    assert (seen.secure_renegotiation, seen.extended_master_secret, seen.session_ticket) == (True, True, True)
    assert not seen.heartbeat


def test_the_name_is_sent_as_wanted() -> None:
    assert HOST.encode() in client_hello(offers.usual_12(), HOST)
    other = client_hello(Offer("", server_name=ServerName.OTHER), HOST)
    none = client_hello(Offer("", server_name=ServerName.NONE), HOST)
    assert (HOST.encode() in other, b".invalid" in other, HOST.encode() in none) == (False, True, False)
    assert client_hello(Offer(""), "") == none


def test_a_hello_is_padded_to_the_octet() -> None:
    assert len(client_hello(offers.padded(), HOST)) == 5 + offers.LARGE_HELLO
    assert len(client_hello(offers.weak(), HOST)) < 1400


def test_no_hello_of_older_versions_has_more_suites_than_every_server_reads() -> None:
    made = (offers.old(), offers.weak(), offers.usual_12(), offers.mixed(), offers.fallback(TLS12))
    assert max(len(offer.suites) for offer in made) + 2 <= 128


def test_weak_and_modern_suites_are_all_there_are() -> None:
    assert {*offers.weak().suites, *offers.usual_12().suites} == set(offers.suites_of(TLS12))
    assert {suite(n).made.kx for n in offers.usual_12().suites} == {"ECDHE"}
    faults = set().union(*(offers.faults(suite(n)) for n in offers.weak().suites))
    assert faults == {"NULL", "EXPORT", "DES", "3DES", "RC4", "anonymous", "RSA", "DHE", "ECDH"}


DHE_12 = {"versions": (TLS12,), "suites": (0x9E,)}


def test_an_old_version_is_chosen() -> None:
    seen = accepted(scripted(offers.old(), versions=(SSL3,), suites=(0x05, 0x0A)))
    assert (seen.version, seen.suite, seen.extensions) == (SSL3, 5, ())
    assert scripted(offers.old()) == Declined(70)


def test_a_prime_is_measured() -> None:
    seen = accepted(scripted(offers.weak(), dh_bits=1023, **DHE_12))
    assert (seen.dh_bits, seen.scheme, seen.group) == (1023, 0x0403, None)


def test_an_export_key_and_anonymous_keys_are_read_over() -> None:
    export = accepted(scripted(offers.old(), versions=(TLS10,), suites=(0x03,)))
    assert (export.complete, export.dh_bits, export.certificates) == (True, None, (LEAF,))
    anonymous = accepted(scripted(offers.weak(), versions=(TLS12,), suites=(0xA6,), dh_bits=768))
    assert (anonymous.dh_bits, anonymous.scheme, anonymous.certificates) == (768, None, ())


def test_what_a_server_lacks_and_has_shows() -> None:
    plain = accepted(scripted(offers.usual_12()))
    assert (plain.secure_renegotiation, plain.extended_master_secret, plain.heartbeat) == (True, True, False)
    lacks = ("renegotiation_info", "extended_master_secret")
    seen = accepted(scripted(offers.usual_12(), lacks=lacks, heartbeat=True, compression=True))
    assert (seen.secure_renegotiation, seen.extended_master_secret) == (False, False)
    assert (seen.heartbeat, seen.compression) == (True, 1)


def test_authorities_are_counted() -> None:
    seen = accepted(scripted(offers.usual_12(), authorities=3))
    assert seen.asks_certificate == CertificateRequest(3, 126, (0x0804, 0x0401))
    assert accepted(scripted(offers.usual_12())).asks_certificate is None


def test_server_names_are_minded_or_not() -> None:
    no_name, other = offers.no_name(), offers.other_name("imap")
    assert scripted(no_name, server_name="required") == Declined(40)
    assert scripted(offers.usual_12(), server_name="refused") == Declined(112)
    assert accepted(scripted(offers.usual_12(), server_name="warned")).warnings == (112,)
    for offer in (no_name, other):
        assert accepted(scripted(offer)).certificates == (OTHER,)
    assert accepted(scripted(offers.usual_12())).certificates == (LEAF,)


def test_protocols_signatures_and_fallbacks_are_minded() -> None:
    assert scripted(offers.own_protocol("imap"), refuses_alpn=True) == Declined(120)
    sha1 = offers.sha1_only()
    assert scripted(sha1) == Declined(40)
    assert accepted(scripted(sha1, schemes=(0x0201,))).scheme == 0x0201
    stubborn = accepted(scripted(offers.usual_12(), schemes=(0x0201, 0x0401), stubborn=True))
    assert stubborn.scheme == 0x0201
    assert scripted(offers.fallback(TLS12)) == Declined(86)
    assert accepted(scripted(offers.fallback(TLS12), fallback_scsv=False)).version == TLS12


def test_who_orders_the_suites() -> None:
    order = {"versions": (TLS12,), "suites": (0xC02F, 0xC030)}
    assert accepted(scripted(offers.usual_12(), **order)).suite == 0xC02F
    assert accepted(scripted(offers.usual_12(), client_order=True, **order)).suite == 0xC030


def test_a_group_is_asked_for_that_no_share_was_sent_for() -> None:
    seen = accepted(scripted(offers.usual_13(), groups=(0x18, 0x1D)))
    assert (seen.version, seen.group, seen.retry) == (TLS13, 0x18, True)
    sent = accepted(scripted(Offer("", (TLS13,), shares=(0x1D,)), groups=(0x1D,)))
    assert (sent.group, sent.retry) == (0x1D, False)


def test_ssl2_is_read() -> None:
    seen = accepted(scripted(offers.ssl2(), versions=(SSL2,), suites=(0x010080, 0x0700C0)))
    assert (seen.ssl2, seen.kinds, seen.certificates) == (True, (0x010080, 0x0700C0), (LEAF,))
    none = accepted(scripted(offers.ssl2(), versions=(SSL2,), suites=(0x05,)))
    assert (none.kinds, none.certificates, none.suite) == ((), (), 0)
    assert scripted(offers.ssl2()) == Declined(None)


def test_an_error_of_ssl2_is_a_refusal() -> None:
    assert read_answer(b"\x80\x03\x00\x00\x01", Ended.CLOSED) == Declined(None)


@pytest.mark.parametrize(
    ("octets", "ended", "seen"),
    [
        (b"", Ended.CLOSED, Declined(None)),
        (b"", Ended.BROKEN, Unheard("there was no answer to our ClientHello")),
        (b"\x15\x03\x01\0\x02\x02\x28", Ended.BROKEN, Declined(40)),
        (b"\x15\x03\x01\0\x02\x01\x70", Ended.CLOSED, Declined(None, (112,))),
        (b"\x15\x03\x01\0\x02\x01\0", Ended.ENOUGH, Declined(0)),
        (b"\x15\x03\x01\0\x02\x02", Ended.CLOSED, Unheard("the answer to our ClientHello breaks off")),
        (
            b"421 4.3.2 later\r\n",
            Ended.ENOUGH,
            Unheard('what came in answer to our ClientHello is not TLS: "421 4.3.2 later"'),
        ),
        (b"\x17\x03\x03\0\x01x", Ended.ENOUGH, Unheard("what came in answer to our ClientHello is not TLS")),
        (
            b"\x16\x03\x03\0\0",
            Ended.ENOUGH,
            Unheard("a record of the answer has a length that none can have"),
        ),
        (
            b"\x16\x03\x03\0\x04\x0e\0\0\0",
            Ended.ENOUGH,
            Unheard("the answer begins with something other than a ServerHello"),
        ),
        (b"\x16\x03\x03\0\x05\x02\0\0\x01\x03", Ended.ENOUGH, Unheard("its ServerHello cannot be read")),
        (b"\x80\x0b\x04", Ended.CLOSED, Unheard("the answer to our ClientHello breaks off")),
    ],
)
def test_what_is_no_acceptance_is_told_apart(octets: bytes, ended: Ended, seen: Answer) -> None:
    assert read_answer(octets, ended) == seen
    assert told(seen)


def test_a_flight_that_breaks_off_is_accepted_and_incomplete() -> None:
    script = TlsScript(versions=(TLS12,))
    whole = answer(script, client_hello(offers.usual_12(), HOST), (LEAF * 40,), ())
    hello, rest = whole[5:9], whole[9:]
    cut = b"\x16\x03\x03" + (len(whole) - 5 - 4).to_bytes(2) + hello + rest[:-4]
    seen = accepted(read_answer(cut, Ended.CLOSED))
    assert (seen.complete, seen.certificates) == (False, (LEAF * 40,))


FLIGHTS = [
    answer(
        TlsScript(versions=(SSL2, SSL3, version), suites=(0xC030, 0x9E, 0x05, 0x010080, 0x1301)),
        hello,
        (LEAF,),
        (),
    )
    for version in (TLS10, TLS12, TLS13)
    for hello in (
        client_hello(offer, HOST)
        for offer in (offers.usual_12(), offers.weak(), offers.usual_13(), offers.ssl2())
    )
]


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(FLIGHTS), st.binary(max_size=40), st.integers(0, 400), st.lists(st.integers(1, 60)))
def test_nothing_raises_and_cuts_do_not_matter(whole: bytes, noise: bytes, at: int, cuts: list[int]) -> None:
    octets = whole[:at] + noise + whole[at + len(noise) :]
    piecemeal = Flight()
    start = 0
    for length in cuts:
        piecemeal.feed(octets[start : start + length])
        start += length
    piecemeal.feed(octets[start:])
    together = Flight()
    together.feed(octets)
    for name in ("messages", "warnings", "fatal", "ssl2", "broken", "done"):
        assert getattr(piecemeal, name) == getattr(together, name)
    for ended in Ended:
        told(read_answer(octets, ended))


def test_a_flood_is_bounded() -> None:
    assert Flight().feed(b"\x15\x03\x01\0\x02\x01\x70" * 100)
    assert read_answer(b"\x16\x03\x03\x40\0" + b"\0" * MOST_OCTETS, Ended.ENOUGH)


def test_a_script_is_read_from_its_table() -> None:
    made = tls_script(
        {"versions": ["SSLv3"], "suites": ["RC4-SHA"], "groups": ["secp224r1"], "schemes": ["rsa_pkcs1_sha1"]}
    )
    assert made == TlsScript(versions=(SSL3,), suites=(5,), groups=(21,), schemes=(0x0201,))


@pytest.mark.parametrize(
    "table",
    [{"suites": ["RC5"]}, {"versions": ["TLS9"]}, {"lacks": ["x"]}, {"server_name": "x"}, {"colour": 1}],
    ids=str,
)
def test_a_script_with_a_mistake_is_refused(table: dict[str, object]) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        tls_script(table)


def test_a_share_of_an_unknown_group_is_a_bug_of_ours() -> None:
    with pytest.raises(KeyError):
        share(1)
