"""Whom a run asks about the revocation of certificates, how often, and what is left open."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import anyio
import pytest
from cryptography import x509

from diag.facts.certificates import InboundCertificate, Role
from diag.facts.moment import RunMoment
from diag.facts.revocation import CertificateRevocation, InboundRevocation
from diag.gather.plain_http import fetch
from diag.gather.revocation import LARGEST, inbound_revocations, revocations, short_lived
from diag.lab.once import Once
from diag.lab.overlay import Overlay
from diag.lab.zone import Zone
from diag.model.knowing import Absent, Cite, Many, Unavailable
from diag.model.target import Endpoint, Target
from diag.probes.dns import DnsQuery
from diag.probes.https import HttpExchange, HttpsGet
from diag.probes.moment import Route, Source
from diag.sandbox.authority import DAY, Authority, Credentials
from diag.sandbox.crl import limited, revocation_list
from diag.tls.chain import judge
from diag.tls.handshake import Handshake

MOMENT = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
CA = Authority(MOMENT)
HOST = "mx.d.example"
LEAF = CA.listed(HOST).chain[0]
PUBLIC = ("192.0.2.0/24",)
TARGET = Target("d.example", public=PUBLIC)
ZONE = """
crl.sandbox.test. A 192.0.2.80
two.example. A 192.0.2.80
two.example. A 192.0.2.81
inside.example. A 10.0.0.1
six.example. AAAA 2001:db8::80
"""


class Web:
    """A lab of some DNS and of what is served at addresses, which remembers what it was asked."""

    def __init__(
        self,
        served: Mapping[str, HttpExchange] | None = None,
        fails: Mapping[tuple[str, str], str] | None = None,
    ) -> None:
        self._dns = Overlay(Zone.parse("$TTL 60\n" + ZONE, "."), self, whole=True, fails=fails)
        self._served = dict(served or {})
        self.asked: list[HttpsGet] = []

    async def run(self, probe: Any) -> Any:
        match probe:
            case DnsQuery():
                return await self._dns.run(probe)
            case Route(family=family):
                return Source("192.0.2.1" if family == 4 else "")
            case HttpsGet():
                self.asked.append(probe)
                assert probe.scheme == "http"
                assert probe.limit == LARGEST
                known = (f"{probe.address} {probe.url}", probe.url)
                return next((self._served[url] for url in known if url in self._served), HttpExchange(404))
        raise AssertionError(probe)


def served(*revoked: bytes, **wrong: Any) -> HttpExchange:
    return HttpExchange(200, body=revocation_list(CA, revoked, **wrong))


def to(url: str) -> HttpExchange:
    return HttpExchange(302, headers=(("location", url),))


def certificate(made: Credentials, staple: bytes = b"", address: str = "192.0.2.10") -> InboundCertificate:
    handshake = Handshake("TLSv1.3", "TLS_AES_256_GCM_SHA384", chain=made.chain, staple=staple)
    at = Endpoint(HOST, address, 25)
    return InboundCertificate(
        endpoint=at,
        role=Role.INBOUND,
        handshake=handshake,
        references=(HOST,),
        verdict=judge(handshake.chain, (HOST,), (CA.root,), MOMENT),
        store="a store",
        distrust="",
        cites=(Cite(str(at)),),
    )


def gathered(web: Web, *seen: InboundCertificate | Absent | Unavailable) -> list[Any]:
    items = {str(at): each for at, each in enumerate(seen)}

    async def run() -> Any:
        return await inbound_revocations.function(Many(items), RunMoment(MOMENT), TARGET, Once(web))

    return list(anyio.run(run).items.values())


def test_a_list_that_names_the_certificate_is_believed() -> None:
    web = Web({CA.list_url: served(LEAF)})
    (found,) = gathered(web, certificate(CA.listed(HOST)))
    assert isinstance(found, InboundRevocation)
    assert found.revoked is not None
    assert found.revoked.at == MOMENT - 7 * DAY
    assert found.source == f"the list of its issuer at {CA.list_url}"
    assert found.cites == (*found.served.cites, Cite(web.asked[0]))


def test_a_certificate_at_many_endpoints_is_asked_for_once() -> None:
    web = Web({CA.list_url: served()})
    made = CA.listed(HOST)
    found = gathered(
        web, certificate(made), certificate(made, address="192.0.2.11"), certificate(CA.listed("b"))
    )
    assert [each.revoked for each in found] == [None] * 3
    assert [each.served.endpoint.address for each in found] == ["192.0.2.10", "192.0.2.11", "192.0.2.10"]
    assert len(web.asked) == 1


@pytest.mark.parametrize(
    "made", [CA.valid(HOST), CA.self_signed(HOST), CA.listed_short_lived(HOST), CA.no_intermediate(HOST)]
)
def test_where_there_is_nobody_to_ask_nothing_is_asked_or_left_open(made: Credentials) -> None:
    web = Web()
    (found,) = gathered(web, certificate(made))
    assert isinstance(found, Absent)
    assert web.asked == []


def test_without_the_issuer_nothing_can_be_told() -> None:
    whole = CA.listed(HOST)
    (found,) = gathered(Web(), certificate(Credentials(whole.key, whole.chain[:1])))
    assert isinstance(found, Unavailable)


def test_what_was_not_seen_is_passed_on() -> None:
    seen = (Absent("STARTTLS is not offered"), Unavailable("421"))
    assert gathered(Web(), *seen) == list(seen)


def test_a_staple_that_holds_spares_the_list() -> None:
    made, web = CA.listed(HOST), Web()
    revoked, good = CA.staple(LEAF, "revoked"), CA.staple(LEAF)
    one, other = gathered(web, certificate(made, revoked), certificate(made, good))
    assert (one.source, other.revoked) == ("the OCSP response that comes with it", None)
    assert one.revoked is not None
    assert web.asked == []


def test_a_staple_that_proves_nothing_leaves_it_to_the_list() -> None:
    web = Web({CA.list_url: served(LEAF)})
    (found,) = gathered(web, certificate(CA.listed(HOST), b"junk"))
    assert found.revoked is not None
    (open_one,) = gathered(Web(), certificate(CA.valid(HOST), b"junk"))
    assert isinstance(open_one, Unavailable)


def listed_at(*points: tuple[tuple[str, ...], frozenset[x509.ReasonFlags] | None]) -> InboundCertificate:
    """A certificate with these distribution points."""
    places = [
        x509.DistributionPoint([x509.UniformResourceIdentifier(url) for url in urls], None, reasons, None)
        for urls, reasons in points
    ]
    whole = CA.valid(HOST)
    leaf = CA.issue(
        HOST,
        whole.key,
        issuer="Sandbox Intermediate",
        by=CA.intermediate_key,
        names=(HOST,),
        extensions=((x509.CRLDistributionPoints(places), False),),
    )
    return certificate(Credentials(whole.key, (leaf, CA.intermediate)))


A, B = "http://crl.sandbox.test/a", "http://crl.sandbox.test/b"
SOME = frozenset({x509.ReasonFlags.key_compromise})
REST = frozenset(x509.ReasonFlags) - SOME - {x509.ReasonFlags.unspecified, x509.ReasonFlags.remove_from_crl}


def test_the_second_place_of_a_list_is_asked_where_the_first_has_none() -> None:
    web = Web({B: served()})
    (found,) = gathered(web, listed_at(((A, B), None)))
    assert found.revoked is None
    assert [probe.url for probe in web.asked] == [A, B]


def test_lists_for_some_reasons_clear_only_together() -> None:
    both = {A: served(**_for(SOME)), B: served(**_for(REST))}
    (good,) = gathered(Web(both), listed_at(((A,), SOME), ((B,), REST)))
    assert isinstance(good, CertificateRevocation)
    (half,) = gathered(Web(both), listed_at(((A,), SOME)))
    assert isinstance(half, Unavailable)
    assert "leave some reasons out" in half.because
    (lost,) = gathered(Web({A: both[A]}), listed_at(((A,), SOME), ((B,), REST)))
    assert isinstance(lost, Unavailable)
    assert "404" in lost.because


def _for(reasons: frozenset[x509.ReasonFlags]) -> dict[str, Any]:
    return {"extensions": ((limited(only_some_reasons=reasons), True),)}


def test_a_list_that_is_only_to_be_had_by_ldap_leaves_it_open() -> None:
    (found,) = gathered(Web(), listed_at((("ldap://ca.example/cn=crl",), None)))
    assert isinstance(found, Unavailable)
    assert "plain HTTP" in found.because


@pytest.mark.parametrize(
    ("answer", "because"),
    [
        (HttpExchange(404, "Not Found"), f"{CA.list_url} answers with status 404 Not Found"),
        (HttpExchange(trouble="refused"), "refuses the connection"),
        (HttpExchange(trouble="timed-out"), "does not answer in time"),
        (HttpExchange(200, trouble="too-big", truncated=True), "more than 16 MiB, which is not read"),
        (HttpExchange(200, trouble="closed", truncated=True, body=b"x"), "breaks the connection off"),
        (served(began=30 * DAY), f"the list held until 2026-10-29 only ({CA.list_url})"),
    ],
)
def test_a_list_that_cannot_be_had_leaves_it_open_and_says_why(answer: HttpExchange, because: str) -> None:
    (found,) = gathered(Web({CA.list_url: answer}), certificate(CA.listed(HOST)))
    assert isinstance(found, Unavailable)
    assert because in found.because
    assert isinstance(found.evidence[-1].probe, HttpsGet)


def fetched(url: str, web: Web, target: Target = TARGET) -> Any:
    return anyio.run(lambda: fetch(url, LARGEST, target, web))


GOT = HttpExchange(200, body=b"a list")


@pytest.mark.parametrize(
    ("url", "trouble"),
    [
        ("http://inside.example/a", "not public"),
        ("http://127.0.0.1/a", "not public"),
        ("http://[::1]:8080/a", "not public"),
        ("http://nowhere.example/a", "without address"),
        ("http://six.example/a", "no route"),
        ("http://user:secret@crl.sandbox.test/a", "not fetched"),
        ("http://crl.sandbox.test:0/a", "not fetched"),
        ("http://crl.sandbox.test:99999/a", "not fetched"),
        ("http:///a", "not fetched"),
        ("http://crl.sandbox.test/" + "a" * 3000, "not fetched"),
        ("ftp://crl.sandbox.test/a", "not fetched"),
    ],
)
def test_what_a_certificate_says_leads_nowhere_but_to_public_web_servers(url: str, trouble: str) -> None:
    web = Web({url: GOT})
    target = dataclasses.replace(TARGET, public=(*PUBLIC, "2001:db8::/32"))
    found = fetched(url, web, target)
    assert trouble in found.trouble
    assert (found.octets, web.asked) == (b"", [])


def test_a_look_up_that_fails_is_told() -> None:
    found = fetched(A, Web(fails={("crl.sandbox.test", "ANY"): "servfail"}))
    assert "could not be looked up" in found.trouble
    assert "SERVFAIL" in found.trouble


def test_the_next_address_is_tried_where_one_does_not_answer() -> None:
    url = "http://two.example:8080/a?b=c"
    web = Web({f"192.0.2.80 {url}": HttpExchange(trouble="refused"), f"192.0.2.81 {url}": GOT})
    assert fetched(url, web).octets == b"a list"
    assert [(probe.address, probe.port, probe.path) for probe in web.asked] == [
        ("192.0.2.80", 8080, "/a?b=c"),
        ("192.0.2.81", 8080, "/a?b=c"),
    ]


def test_redirects_are_followed_to_plain_http_and_not_for_ever() -> None:
    web = Web({A: to("/b"), B: to("http://two.example/c"), "http://two.example/c": GOT})
    found = fetched(A, web)
    assert (found.octets, found.url, len(found.cites)) == (b"a list", A, 3)
    assert (
        "https://x.example/, which is not fetched" in fetched(A, Web({A: to("https://x.example/")})).trouble
    )
    assert "not public" in fetched(A, Web({A: to("http://10.0.0.1/")})).trouble
    for nowhere in ("//[", "http://a]/"):
        assert f"leads to {nowhere}, which is no URL" in fetched(A, Web({A: to(nowhere)})).trouble
    loop = Web({A: to(A)})
    assert "redirects more than 3 times" in fetched(A, loop).trouble
    assert len(loop.asked) == 4


def test_one_kind_that_is_not_known_does_not_hide_the_other() -> None:
    (known,) = gathered(Web({CA.list_url: served()}), certificate(CA.listed(HOST)))
    both = anyio.run(lambda: revocations.function(Many({"a": known}), Unavailable("no dialogues")))
    assert both == Many({"a": known})
    nothing = anyio.run(lambda: revocations.function(Absent("none"), Unavailable("no dialogues")))
    assert nothing == Unavailable("no dialogues")


@pytest.mark.parametrize(
    ("issued", "days", "short"),
    [
        ("2026-03-14", 10, True),
        ("2026-03-14", 11, False),
        ("2026-03-15", 7, True),
        ("2026-03-15", 8, False),
    ],
)
def test_what_counts_as_short_lived(issued: str, days: int, *, short: bool) -> None:
    """CA/Browser Forum BR section 1.6.1."""
    began = datetime.fromisoformat(issued).replace(tzinfo=UTC)
    leaf = SimpleNamespace(not_before=began, lifetime=timedelta(days=days))
    assert short_lived(leaf) is short  # type: ignore[arg-type]
