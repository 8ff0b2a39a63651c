"""Which certificates are judged, against which names and roots, and what is left open."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from typing import Any

import anyio

from diag.facts.access_hosts import Offer, Origin, Service
from diag.facts.certificates import InboundCertificate, Role
from diag.facts.clients import ClientContact
from diag.facts.hellos import InboundHandshake
from diag.facts.inbound import InboundTls, Look
from diag.facts.moment import RunMoment
from diag.gather.certificates import client_certificates, inbound_certificates, served_certificates
from diag.model.finding import Certainty
from diag.model.knowing import Absent, Cite, Many, Unavailable
from diag.model.target import Endpoint, Target
from diag.probes.hello import SmtpHelloTalk
from diag.probes.known_keys import KeyListing, KnownKey
from diag.probes.probe import NotRecorded
from diag.probes.talks import ImapTalk
from diag.probes.trust import Anchors, TrustAnchors
from diag.sandbox.authority import Authority
from diag.tls.chain import Trust, issuers_of
from diag.tls.handshake import Handshake, TlsFailure, TlsTrouble
from diag.tls.key_number import key_number
from diag.wire.reading import read_imap, read_smtp
from diag.wire.transcript import Closed, Ending, Event, Opened, Said, Secured, Transcript, Who

MOMENT = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
CA = Authority(MOMENT)
DOMAIN, HOST = "d.example", "mx.d.example"
AT = Endpoint(HOST, "192.0.2.10", 25)
TALK = ImapTalk("192.0.2.10", 993, HOST, "implicit")
CITE = Cite(TALK, 1)


class Store:
    """A lab that knows nothing but a trust store."""

    def __init__(self, anchors: Anchors | None = None) -> None:
        self.anchors = anchors or Anchors("/etc/store.pem", 1, (CA.root,))
        self.asked: list[TrustAnchors] = []
        self.known: dict[bytes, str] | None = {}

    async def run(self, probe: Any) -> Any:
        if isinstance(probe, KnownKey):
            if self.known is None:
                raise NotRecorded(probe)
            return KeyListing(True, self.known.get(probe.number, ""))
        assert isinstance(probe, TrustAnchors)
        self.asked.append(probe)
        return self.anchors


def shaken(kind: str = "valid", host: str = HOST) -> Handshake:
    return Handshake("TLSv1.3", "TLS_AES_256_GCM_SHA384", chain=CA.kinds()[kind](host).chain)


def tls(outcome: Handshake | TlsFailure | None, small: Look | None = None) -> InboundHandshake:
    return InboundHandshake(InboundTls(AT, outcome, CITE, (), Certainty.LIKELY), small=small)


def inbound(seen: InboundHandshake | Absent | Unavailable, store: Store | None = None) -> Any:
    async def run() -> Any:
        return await inbound_certificates.function(
            Many({str(AT): seen}), Target(DOMAIN), RunMoment(MOMENT), store or Store()
        )

    return anyio.run(run).items[str(AT)]


def contact(
    *events: Event,
    origins: tuple[Origin, ...] = (Origin.SRV,),
    offered: Origin | None = Origin.SRV,
    ends: Ending = Ending.BY_US,
) -> ClientContact:
    transcript = Transcript((*events, Closed(9, ends, "")))
    session = read_imap(transcript)
    offer = Offer(Service.IMAP, HOST, 993, "implicit", offered, "there", ()) if offered else None
    return ClientContact(
        endpoint=Endpoint(HOST, "192.0.2.10", 993),
        service=Service.IMAP,
        tls="implicit",
        origins=origins,
        offers=(offer,) if offer else (),
        probe=TALK,
        transcript=transcript,
        state=session.state,
        session=session,
    )


def spoken(outcome: Handshake | TlsFailure) -> tuple[Event, ...]:
    greeting = Said(2, Who.PEER, b"* OK ready\r\n", secure=True)
    opened = Opened(0, "192.0.2.10", 993)
    return (opened, Secured(1, outcome, b""), *((greeting,) if isinstance(outcome, Handshake) else ()))


def client(seen: ClientContact | Absent | Unavailable) -> Any:
    async def run() -> Any:
        return await client_certificates.function(
            Many({"there": seen}), Absent("none"), Target(DOMAIN), RunMoment(MOMENT), Store()
        )

    return anyio.run(run).items.get("there")


def test_an_mx_host_is_judged_by_its_own_name_alone_and_only_its_issuers_are_asked_for() -> None:
    store = Store()
    seen = inbound(tls(shaken("valid", DOMAIN)), store)
    assert isinstance(seen, InboundCertificate)
    assert (seen.role, seen.references, seen.cites) == (Role.INBOUND, (HOST,), (CITE,))
    assert seen.verdict.moment == MOMENT
    assert seen.verdict.trust is Trust.TRUSTED
    assert not seen.verdict.name_matched
    assert store.asked == [TrustAnchors(issuers_of(seen.handshake.chain))]


def test_what_was_not_seen_is_not_judged() -> None:
    missing, unknown = Absent("STARTTLS is not offered"), Unavailable("421")
    assert inbound(missing) is missing
    assert inbound(unknown) is unknown
    failed = tls(TlsFailure(TlsTrouble.ALERT, "handshake_failure"))
    seen = inbound(failed)
    assert isinstance(seen, Unavailable)
    assert "handshake_failure" in seen.because
    assert seen.evidence == (CITE,)
    assert isinstance(inbound(tls(None)), Unavailable)
    assert isinstance(inbound(tls(Handshake("TLSv1.2", "AECDH"))), Absent)


def test_a_store_that_cannot_be_read_is_told() -> None:
    seen = tls(shaken())
    assert inbound(seen).distrust == ""
    assert "empty" in inbound(seen, Store(Anchors("/etc/store.pem", 0))).distrust
    assert "denied" in inbound(seen, Store(Anchors("/etc/store.pem", 0, trouble="denied"))).distrust


def test_the_mail_domain_will_do_only_where_an_srv_record_led_there() -> None:
    by_srv = client(contact(*spoken(shaken("valid", DOMAIN))))
    assert (by_srv.role, by_srv.references) == (Role.CLIENT, (HOST, DOMAIN))
    assert by_srv.verdict.good
    assert by_srv.cites == (Cite(TALK, 1),)
    by_document = client(
        contact(*spoken(shaken("valid", DOMAIN)), origins=(Origin.AUTOCONFIG,), offered=Origin.AUTOCONFIG)
    )
    assert by_document.references == (HOST,)
    assert not by_document.verdict.name_matched


def test_what_nobody_told_of_is_a_guess_unless_the_user_did() -> None:
    assert client(contact(*spoken(shaken()), origins=(Origin.NAME,), offered=None)).role is Role.GUESSED
    assert client(contact(*spoken(shaken()), origins=(Origin.USER,), offered=None)).role is Role.CLIENT


def test_silence_matters_only_where_somebody_was_told_to_come() -> None:
    filtered = contact(ends=Ending.FILTERED)
    assert isinstance(client(filtered), Unavailable)
    refused = contact(ends=Ending.REFUSED)
    assert isinstance(client(refused), Absent)
    assert isinstance(client(dataclasses.replace(refused, shut=True)), Unavailable)
    assert client(contact(ends=Ending.FILTERED, origins=(Origin.NAME,), offered=None)) is None
    assert isinstance(client(contact(ends=Ending.FILTERED, origins=(Origin.USER,), offered=None)), Absent)
    failed = contact(*spoken(TlsFailure(TlsTrouble.CLOSED)), ends=Ending.TLS_FAILED)
    assert isinstance(client(failed), Unavailable)


def test_one_kind_that_could_not_be_looked_at_does_not_hide_the_other() -> None:
    found = inbound(tls(shaken()))
    no_clients, no_inbound = Unavailable("not gathered"), Absent("no MX host")

    async def run(first: Any, second: Any) -> Any:
        return await served_certificates.function(first, second)

    one = anyio.run(run, Many({str(AT): found}), no_clients)
    assert dict(one.items) == {str(AT): found}
    two = anyio.run(run, Many({str(AT): found}), Many({"there": no_inbound}))
    assert list(two.items) == [str(AT), "there"]
    assert anyio.run(run, no_inbound, no_clients) is no_clients
    assert anyio.run(run, no_inbound, Many()) is no_inbound


def test_a_key_that_strangers_know_is_told_by_its_list() -> None:
    store, made = Store(), shaken()
    store.known = {key_number(made.chain[0]): "debianssl"}
    assert inbound(tls(made), store).listed == "debianssl"
    assert inbound(tls(shaken("self_signed")), store).listed == ""


def test_a_tape_that_knows_of_no_list_loses_nothing_else() -> None:
    store = Store()
    store.known = None
    assert inbound(tls(shaken()), store).listed == ""


def test_a_host_that_minds_our_hello_shows_its_certificate_to_another() -> None:
    heard = Transcript((Opened(0, AT.address, 25), Secured(6, shaken(), b""), Closed(7, Ending.BY_US, "")))
    small = Look(SmtpHelloTalk(AT.address, 25, HOST, "me"), heard, read_smtp(heard))
    seen = inbound(tls(TlsFailure(TlsTrouble.TIMED_OUT), small))
    assert isinstance(seen, InboundCertificate)
    assert seen.verdict.good
    assert seen.cites == (Cite(small.probe, 1),)
