"""Fetching what a BIMI record names: public hosts only, redirects counted, limits kept, compressed files."""

from __future__ import annotations

import functools
import gzip
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import anyio
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from diag.facts.bimi import BimiCertificate, BimiFound, BimiLogo, Fetched
from diag.facts.moment import RunMoment
from diag.gather.bimi import MOST_LOGO_OCTETS, bimi_certificate, bimi_logo, bimi_record
from diag.gather.bimi_fetch import MOST_ADDRESSES, MOST_REDIRECTS, fetch
from diag.lab.once import Once
from diag.lab.overlay import Overlay
from diag.lab.zone import Zone
from diag.model.knowing import Absent, Unavailable
from diag.model.target import Target
from diag.probes.dns import DnsQuery
from diag.probes.https import HttpExchange, HttpsGet
from diag.probes.marks import MarkAnchors
from diag.probes.moment import Route, Source
from diag.probes.trust import Anchors, TrustAnchors
from diag.sandbox.certificates import Certificates
from diag.tls.handshake import Handshake, TlsFailure, TlsTrouble

MOMENT = datetime(2026, 11, 21, 9, tzinfo=UTC)
CERTIFICATES = Certificates(MOMENT)
HOST = "logo.d.example"
URL = f"https://{HOST}/logo.svg"
ZONE = f'$TTL 60\n{HOST}. A 93.184.0.5\ndefault._bimi.d.example. TXT "v=BIMI1; l={URL}; a=https://{HOST}/m.pem"\n'
LOGO = (
    b'<svg xmlns="http://www.w3.org/2000/svg" version="1.2" baseProfile="tiny-ps" viewBox="0 0 1 1">'
    b"<title>D</title></svg>"
)


def ders(pem: bytes) -> tuple[bytes, ...]:
    return tuple(each.public_bytes(Encoding.DER) for each in x509.load_pem_x509_certificates(pem))


@functools.cache
def chain(kind: str) -> tuple[bytes, ...]:
    return ders(CERTIFICATES.pem(kind, (HOST,)))


def served(body: bytes = LOGO, kind: str = "valid", **rest: Any) -> HttpExchange:
    shaken = Handshake("TLSv1.3", "TLS_AES_128_GCM_SHA256", chain=chain(kind))
    return HttpExchange(**{"status": 200, "body": body, "handshake": shaken, **rest})


def moved(to: str, status: int = 302) -> HttpExchange:
    return served(b"", status=status, headers=(("location", to),))


class Web:
    """A world of one zone and scripted web hosts; keeps what was asked."""

    def __init__(self, answer: Callable[[HttpsGet], HttpExchange], zone: str = ZONE, **stores: bool) -> None:
        self.asked: list[HttpsGet] = []
        self._answer, self._stores = answer, stores
        self._dns = Overlay(Zone.parse(zone, "."), self, whole=True)
        self.questions: list[str] = []

    async def run(self, probe: Any) -> Any:
        match probe:
            case DnsQuery():
                self.questions.append(str(probe.name))
                return await self._dns.run(probe)
            case HttpsGet():
                self.asked.append(probe)
                return self._answer(probe)
            case Route():
                return Source("192.0.2.1")
            case TrustAnchors():
                which = "marks" if isinstance(probe, MarkAnchors) else "store"
                known = self._stores.get(which, True)
                return (
                    Anchors(which, 1, ders(CERTIFICATES.root)) if known else Anchors("", 0, trouble="no list")
                )
            case _:
                raise AssertionError(probe)

    def fetch(self, url: str = URL, **wishes: Any) -> Fetched:
        async def go() -> Fetched:
            return await fetch(url, 1000, Target("d.example", **wishes), RunMoment(MOMENT), Once(self))

        return anyio.run(go)

    def found(self, domain: str = "d.example") -> Any:
        async def go() -> Any:
            return await bimi_record.function(Target(domain), Once(self))

        return anyio.run(go)

    def gathered(self, gather: Any) -> Any:
        async def go() -> Any:
            target, lab = Target("d.example"), Once(self)
            found = await bimi_record.function(target, lab)
            assert isinstance(found, BimiFound)
            return await gather.function(found, target, RunMoment(MOMENT), lab)

        return anyio.run(go)


def test_one_good_answer_is_one_request() -> None:
    web = Web(lambda _: served())
    fetched = web.fetch()
    assert fetched.whole
    assert fetched.body == LOGO
    (probe,) = web.asked
    assert (probe.host, probe.address, probe.port, probe.path, probe.limit) == (
        HOST, "93.184.0.5", 443, "/logo.svg", 1000,
    )  # fmt: skip


def test_port_and_query_of_the_address_are_kept() -> None:
    web = Web(lambda _: served())
    web.fetch(f"https://{HOST}:8443?x=1#part")
    assert (web.asked[0].port, web.asked[0].path) == (8443, "/?x=1")


@pytest.mark.parametrize(
    ("exchange", "trouble"),
    [
        (served(status=404, reason="Not Found"), "status 404"),
        (served(kind="expired"), "refused (expired)"),
        (served(kind="self_signed"), "refused (self signed)"),
        (HttpExchange(handshake=TlsFailure(TlsTrouble.ALERT)), "makes no TLS handshake"),
        (served(trouble="garbage", status=0), "no HTTP"),
        (HttpExchange(trouble="refused"), "refuses the connection"),
        (moved("http://logo.d.example/a"), "not HTTPS"),
        (moved("https://10.0.0.1/a"), "no address of a public web server"),
        (moved("https://[::1]/a"), "no address of a public web server"),
        (moved("file:///etc/passwd"), "not HTTPS"),
        (moved("//["), "to //[, which is no URL"),
        (moved("https://a]/"), "no URL"),
        (moved("https://gone.d.example/a"), "gone.d.example has no address"),
    ],
)
def test_what_keeps_receivers_from_it(exchange: HttpExchange, trouble: str) -> None:
    fetched = Web(lambda _: exchange).fetch()
    assert trouble in fetched.trouble
    assert fetched.undecided == ""
    assert fetched.body == b""


@pytest.mark.parametrize(
    "exchange",
    [
        *(HttpExchange(trouble=trouble) for trouble in ("timed-out", "unreachable", "reset", "closed")),
        served(status=503),
        served(status=429),
        HttpExchange(handshake=TlsFailure(TlsTrouble.TIMED_OUT)),
        HttpExchange(handshake=TlsFailure(TlsTrouble.RESET)),
    ],
)
def test_what_may_be_over_in_a_minute_is_not_known(exchange: HttpExchange) -> None:
    fetched = Web(lambda _: exchange).fetch()
    assert fetched.undecided
    assert fetched.trouble == ""


def test_without_a_trust_store_only_the_store_is_missing() -> None:
    assert Web(lambda _: served(), store=False).fetch().undecided == "no list"
    assert "expired" in Web(lambda _: served(kind="expired"), store=False).fetch().trouble


def test_robots_turned_away_are_doubtful() -> None:
    assert Web(lambda _: served(status=403)).fetch().doubtful
    assert not Web(lambda _: served(status=404)).fetch().doubtful


def test_a_redirect_is_asked_for_in_octets_that_http_can_carry() -> None:
    to = f"https://{HOST}/\xe9 l?a=%20&b=["
    web = Web(lambda probe: moved(to) if probe.path == "/logo.svg" else served())
    assert web.fetch().body == LOGO
    assert web.asked[-1].path == "/%E9%20l?a=%20&b=%5B"


def test_redirects_end() -> None:
    web = Web(lambda probe: moved(f"{probe.path}x"))
    assert f"more than {MOST_REDIRECTS} times" in web.fetch().trouble
    assert len(web.asked) == MOST_REDIRECTS + 1


def test_a_redirect_into_a_private_network_is_not_followed() -> None:
    web = Web(lambda _: moved("https://inside.d.example/"), ZONE + "inside.d.example. A 10.0.0.1\n")
    assert "no public address" in web.fetch().trouble
    assert len(web.asked) == 1


def test_not_every_address_of_a_large_fleet_is_tried() -> None:
    zone = "$TTL 60\n" + "".join(f"{HOST}. A 93.184.0.{at}\n" for at in range(1, 20))
    web = Web(lambda _: HttpExchange(trouble="refused"), zone)
    assert web.fetch().trouble
    assert len(web.asked) == MOST_ADDRESSES


def test_a_compressed_logo_is_judged_after_inflating() -> None:
    logo = Web(lambda _: served(gzip.compress(LOGO))).gathered(bimi_logo)
    assert isinstance(logo, BimiLogo)
    assert logo.image is not None
    assert (logo.image.octets, logo.image.defects) == (LOGO, ())
    assert logo.fetched.exchange is not None


def test_what_is_cut_is_not_judged() -> None:
    web = Web(lambda _: served(LOGO, trouble="too-big", truncated=True))
    logo = web.gathered(bimi_logo)
    assert (logo.image, logo.fetched.oversized) == (None, True)
    assert web.asked[0].limit == MOST_LOGO_OCTETS


def mark(logo: bytes = LOGO, kind: str = "valid") -> bytes:
    return CERTIFICATES.mark(kind, ("d.example",), logo)


def test_the_logo_in_the_certificate_is_inflated() -> None:
    found = Web(lambda _: served(mark())).gathered(bimi_certificate)
    assert isinstance(found, BimiCertificate)
    assert found.verdict is not None
    assert (found.verdict.faults, found.logo, found.distrust) == ((), LOGO, "")


def test_a_bomb_in_the_certificate_is_no_logo() -> None:
    assert Web(lambda _: served(mark(b" " * (1 << 20)))).gathered(bimi_certificate).logo is None


def test_without_the_list_of_mark_authorities_trust_is_open() -> None:
    assert Web(lambda _: served(mark()), marks=False).gathered(bimi_certificate).distrust == "no list"


def test_the_organizational_domain_is_asked_only_where_the_domain_has_none() -> None:
    dmarc = '_dmarc.d.example. TXT "v=DMARC1; p=reject"\n'
    web = Web(lambda _: served(), ZONE + dmarc)
    assert web.found("d.example").domain_of_record == "d.example"
    assert web.questions == ["default._bimi.d.example"]
    assert web.found("news.d.example").domain_of_record == "d.example"
    assert isinstance(Web(lambda _: served(), "$TTL 60\n" + dmarc).found("news.d.example"), Absent)


def test_a_walk_that_failed_leaves_it_open() -> None:
    web = Web(lambda _: served())
    web._dns = Overlay(
        Zone.parse("$TTL 60\n", "."), web, whole=True, fails={("_dmarc.news.d.example", "TXT"): "servfail"}
    )
    assert isinstance(web.found("news.d.example"), Unavailable)
