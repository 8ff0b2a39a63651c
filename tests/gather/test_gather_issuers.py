"""Which certificates are fetched for a chain that lacks one, and what comes of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import anyio
import pytest

from diag.facts.certificates import InboundCertificate, Role
from diag.facts.refusal import Cause, refusal
from diag.gather.issuers import Completed, completed
from diag.lab.overlay import Overlay
from diag.lab.zone import Zone
from diag.model.knowing import Absent, Cite
from diag.model.target import Endpoint, Target
from diag.probes.dns import DnsQuery
from diag.probes.https import HttpExchange, HttpsGet
from diag.probes.moment import Route, Source
from diag.probes.probe import NotRecorded
from diag.probes.trust import Anchors, TrustAnchors
from diag.sandbox.authority import DAY, Authority, key_of
from diag.tls.chain import Trust, issuers_of, judge
from diag.tls.handshake import Handshake

MOMENT = datetime(2026, 11, 21, 9, tzinfo=UTC)
CA, OTHER = Authority(MOMENT), Authority(MOMENT, "Sandbox Private")
HOST = "mx.d.example"
TARGET = Target("d.example", public=("192.0.2.0/24",))
WHERE = "http://ca.sandbox.test/intermediate.der"
ABOVE = "http://ca.sandbox.test/root.der"
ZONE = "ca.sandbox.test. A 192.0.2.81\ninside.example. A 10.0.0.1\n"


class Web:
    """A lab of some DNS, a trust store and what is served at URLs, which remembers what it was asked."""

    def __init__(self, served: Mapping[str, HttpExchange], *, recorded: bool = True) -> None:
        self._dns = Overlay(Zone.parse("$TTL 60\n" + ZONE, "."), self, whole=True)
        self._served, self._recorded = served, recorded
        self.asked: list[str] = []

    async def run(self, probe: Any) -> Any:
        match probe:
            case DnsQuery() if self._recorded:
                return await self._dns.run(probe)
            case Route():
                return Source("192.0.2.1")
            case TrustAnchors(issuers=issuers):
                return Anchors("a store", 1, (CA.root,) if set(issuers_of((CA.root,))) & set(issuers) else ())
            case HttpsGet():
                self.asked.append(probe.url)
                return self._served.get(probe.url, HttpExchange(404, "Not Found"))
        raise NotRecorded(probe)


def leaf(*, by: Authority = CA, ca_issuers: str = WHERE) -> bytes:
    return by.issue(
        HOST,
        key_of(HOST),
        issuer=f"{by.name} Intermediate",
        by=by.intermediate_key,
        names=(HOST,),
        ca_issuers=ca_issuers,
    )


def found(
    chain: tuple[bytes, ...], served: Mapping[str, bytes | HttpExchange], **wishes: Any
) -> tuple[Completed, Web]:
    web = Web(
        {
            u: each if isinstance(each, HttpExchange) else HttpExchange(200, body=each)
            for u, each in served.items()
        },
        **wishes,
    )
    verdict = judge(chain, (HOST,), (CA.root,), MOMENT)

    async def run() -> Completed:
        return await completed(chain, (HOST,), verdict, MOMENT, TARGET, web)

    return anyio.run(run), web


def causes(chain: tuple[bytes, ...], made: Completed) -> list[tuple[Cause, str]]:
    seen = InboundCertificate(
        endpoint=Endpoint(HOST, "192.0.2.10", 25),
        role=Role.INBOUND,
        handshake=Handshake("TLSv1.3", "TLS_AES_256_GCM_SHA384", chain=chain),
        references=(HOST,),
        verdict=judge(chain, (HOST,), (CA.root,), MOMENT),
        store="a store",
        distrust="",
        cites=(),
        fetched=made.fetched,
        completed=made.verdict,
    )
    return [(reason.cause, reason.what) for reason in refusal(seen, Absent("no clock")).reasons]


def test_the_intermediate_that_is_missing_is_found_and_named() -> None:
    made, web = found((leaf(),), {WHERE: CA.intermediate})
    assert made.verdict is not None
    assert made.verdict.good
    assert web.asked == [WHERE]
    assert [type(cite) for cite in made.cites] == [Cite] * len(made.cites)
    assert isinstance(made.cites[-1].probe, HttpsGet)
    ((cause, what),) = causes((leaf(),), made)
    assert cause is Cause.MISSING_INTERMEDIATE
    assert what == f"is sent without that of its issuer, CN=Sandbox Intermediate, to be had at {WHERE}"


def test_nothing_is_asked_for_a_chain_that_lacks_nothing() -> None:
    for chain in (
        (leaf(), CA.intermediate),
        (leaf(ca_issuers=""),),
        CA.self_signed(HOST).chain,
        CA.untrusted_root(HOST).chain,
    ):
        made, web = found(chain, {})
        assert (made, web.asked) == (Completed(), [])


def test_several_are_fetched_one_above_the_other() -> None:
    upper, lower = key_of("upper"), key_of("lower")
    second = CA.issue("upper", upper, ca=True)
    first = CA.issue("lower", lower, issuer="upper", by=upper, ca=True, ca_issuers=ABOVE)
    served = CA.issue(HOST, key_of(HOST), issuer="lower", by=lower, names=(HOST,), ca_issuers=WHERE)
    made, web = found((served,), {WHERE: first, ABOVE: second})
    assert web.asked == [WHERE, ABOVE]
    assert [cause for cause, _ in causes((served,), made)] == [Cause.MISSING_INTERMEDIATE]


def test_an_authority_whose_certificates_lead_in_circles_is_left_at_last() -> None:
    names = ["a", "b", "c", "d", "e"]
    served: dict[str, bytes | HttpExchange] = {}
    for name, above in pairwise(names):
        served[f"http://ca.sandbox.test/{name}"] = CA.issue(
            name,
            key_of(name),
            issuer=above,
            by=key_of(above),
            ca=True,
            ca_issuers=f"http://ca.sandbox.test/{above}",
        )
    chain = (CA.issue(HOST, key_of(HOST), issuer="a", by=key_of("a"), ca_issuers="http://ca.sandbox.test/a"),)
    made, web = found(chain, served)
    assert len(web.asked) == 3
    assert causes(chain, made)[0][0] is Cause.UNTRUSTED_ROOT


def test_what_leads_to_a_root_that_nobody_knows_is_untrusted() -> None:
    chain = (leaf(by=OTHER),)
    lower = OTHER.issue(
        f"{OTHER.name} Intermediate", OTHER.intermediate_key, ca=True, ca_issuers=ABOVE, lasts=900 * DAY
    )
    made, _ = found(chain, {WHERE: lower, ABOVE: OTHER.root})
    assert made.verdict is not None
    assert made.verdict.trust is Trust.UNTRUSTED_ROOT
    ((cause, what),) = causes(chain, made)
    assert cause is Cause.UNTRUSTED_ROOT
    assert what == "comes from Sandbox Private Root, which is not in the trust store (a store)"


@pytest.mark.parametrize(
    ("answer", "cause", "trouble"),
    [
        (HttpExchange(404, "Not Found"), Cause.UNTRUSTED_ROOT, "answers with status 404 Not Found"),
        (b"<html>", Cause.UNTRUSTED_ROOT, "serves no certificate"),
        (CA.root, Cause.UNTRUSTED_ROOT, "serves another certificate"),
        (OTHER.intermediate, Cause.UNTRUSTED_ROOT, "serves another certificate"),
        (
            HttpExchange(200, trouble="too-big"),
            Cause.UNTRUSTED_ROOT,
            "holds more than 64 KiB, which is not read",
        ),
        (HttpExchange(302, headers=(("location", "http://10.0.0.1/"),)), Cause.UNTRUSTED_ROOT, "not public"),
        (HttpExchange(503, "Busy"), Cause.UNKNOWN_ISSUER, "answers with status 503 Busy"),
        (HttpExchange(429, "Slow"), Cause.UNKNOWN_ISSUER, "answers with status 429 Slow"),
        (HttpExchange(trouble="timed-out"), Cause.UNKNOWN_ISSUER, "does not answer in time"),
        (HttpExchange(trouble="refused"), Cause.UNKNOWN_ISSUER, "refuses the connection"),
        (
            HttpExchange(200, trouble="reset", truncated=True),
            Cause.UNKNOWN_ISSUER,
            "breaks the connection off",
        ),
    ],
)
def test_what_is_not_had_is_untrusted_or_open(
    answer: bytes | HttpExchange, cause: Cause, trouble: str
) -> None:
    made, _ = found((leaf(),), {WHERE: answer})
    assert made.verdict is None
    ((told, what),) = causes((leaf(),), made)
    assert told is cause
    assert WHERE in what
    assert trouble in what


def test_a_private_address_is_never_asked() -> None:
    chain = (leaf(ca_issuers="http://inside.example/i.der"),)
    made, web = found(chain, {})
    assert web.asked == []
    assert causes(chain, made)[0][0] is Cause.UNTRUSTED_ROOT


def test_a_tape_from_before_anybody_asked_leaves_it_open() -> None:
    made, _ = found((leaf(),), {}, recorded=False)
    ((cause, what),) = causes((leaf(),), made)
    assert cause is Cause.UNKNOWN_ISSUER
    assert "was not asked in this run" in what


def test_an_expired_intermediate_that_is_fetched_is_told_too() -> None:
    old = CA.issue("Sandbox Intermediate", CA.intermediate_key, ca=True, since=900 * DAY, lasts=800 * DAY)
    made, _ = found((leaf(),), {WHERE: old})
    assert [cause for cause, _ in causes((leaf(),), made)] == [Cause.MISSING_INTERMEDIATE, Cause.EXPIRED]


def test_a_lone_certificate_that_says_nothing_of_its_issuer_is_untrusted() -> None:
    chain = (leaf(ca_issuers=""),)
    made, _ = found(chain, {})
    ((cause, what),) = causes(chain, made)
    assert cause is Cause.UNTRUSTED_ROOT
    assert what == "comes from CN=Sandbox Intermediate, which is neither sent nor in the trust store"
