"""Fetching the MTA-STS policy: which addresses are tried, how often, and what counts as having it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import anyio
import pytest

from diag.facts.moment import RunMoment
from diag.facts.mta_sts import StsFetch, StsPolicy, StsRecordFound, StsTrouble
from diag.gather.mta_sts import FIRST_PATIENCE, MOST_ADDRESSES, PATIENCE, sts_fetch, sts_policy, sts_record
from diag.lab.once import Once
from diag.lab.overlay import Overlay
from diag.lab.zone import Zone
from diag.model.knowing import Absent, Unavailable
from diag.model.target import Target
from diag.probes.https import HttpExchange, HttpsGet
from diag.probes.moment import Route, Source
from diag.probes.pause import Pause, Paused
from diag.probes.trust import Anchors, TrustAnchors
from diag.sandbox.certificates import Certificates
from diag.tls.handshake import Handshake, TlsFailure, TlsTrouble

MOMENT = datetime(2026, 11, 21, 9, tzinfo=UTC)
RECORD = '_mta-sts.d.example. TXT "v=STSv1; id=1"\n'
POLICY = b"version: STSv1\nmode: enforce\nmx: mx.d.example\nmax_age: 604800\n"
HOST = "mta-sts.d.example"


@functools.cache
def chain(kind: str) -> tuple[bytes, ...]:
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding

    pem = Certificates(MOMENT).pem(kind, (HOST,))
    return tuple(c.public_bytes(Encoding.DER) for c in x509.load_pem_x509_certificates(pem))


def served(body: bytes = POLICY, kind: str = "valid", **rest: Any) -> HttpExchange:
    """A response under a certificate of that kind."""
    shaken = Handshake("TLSv1.3", "TLS_AES_128_GCM_SHA256", chain=chain(kind))
    return HttpExchange(**{"status": 200, "body": body, "handshake": shaken, **rest})


def troubled(trouble: str) -> HttpExchange:
    return HttpExchange(trouble=trouble)


class Web:
    """A world of one zone and scripted policy hosts; keeps what was asked of them."""

    def __init__(
        self,
        zone: str,
        answer: Callable[[HttpsGet], HttpExchange],
        *,
        routes: tuple[int, ...] = (4, 6),
        store: bool = True,
    ) -> None:
        self.asked: list[HttpsGet] = []
        self.pauses: list[Pause] = []
        self._answer, self._routes, self._store = answer, routes, store
        self._zone = zone

    async def run(self, probe: Any) -> Any:
        match probe:
            case HttpsGet():
                self.asked.append(probe)
                return self._answer(probe)
            case Route(family=family):
                return Source("192.0.2.1" if family in self._routes else "")
            case Pause(seconds=seconds):
                self.pauses.append(probe)
                return Paused(seconds)
            case TrustAnchors():
                from cryptography import x509
                from cryptography.hazmat.primitives.serialization import Encoding

                root = x509.load_pem_x509_certificate(Certificates(MOMENT).root)
                found = (root.public_bytes(Encoding.DER),)
                return Anchors("store", 1, found) if self._store else Anchors("", 0, trouble="no store")
            case _:
                raise AssertionError(probe)

    def fetch(self, **wishes: Any) -> StsFetch | Absent | Unavailable:
        """What the gatherer makes of it."""

        async def go() -> StsFetch | Absent | Unavailable:
            target = Target("d.example", **wishes)
            lab = Once(Overlay(Zone.parse(self._zone, "."), self, whole=True))
            return await sts_fetch.function(target, RunMoment(MOMENT), lab)

        return anyio.run(go)

    def fetched(self, **wishes: Any) -> StsFetch:
        fetch = self.fetch(**wishes)
        assert isinstance(fetch, StsFetch), fetch
        return fetch


def addresses(*values: str) -> str:
    return "".join(f"{HOST}. {'AAAA' if ':' in value else 'A'} {value}\n" for value in values)


def test_one_good_answer_is_one_request_without_redirect_and_within_limits() -> None:
    web = Web(RECORD + addresses("192.0.2.5", "2001:db8::5"), lambda _: served())
    fetch = web.fetched()
    assert fetch.fetched
    assert fetch.file is not None
    assert fetch.file.is_valid
    (probe,) = web.asked
    assert (probe.address, probe.host, probe.path) == ("192.0.2.5", HOST, "/.well-known/mta-sts.txt")
    assert (probe.limit, probe.timeout) == (65536, FIRST_PATIENCE)


def test_the_next_address_is_tried_where_one_does_not_answer() -> None:
    web = Web(
        RECORD + addresses("192.0.2.5", "192.0.2.6", "2001:db8::5"),
        lambda probe: served() if ":" in probe.address else troubled("refused"),
    )
    assert web.fetched().fetched
    assert [probe.address for probe in web.asked] == ["192.0.2.5", "192.0.2.6", "2001:db8::5"]


def test_not_every_address_of_a_large_fleet_is_tried() -> None:
    web = Web(RECORD + addresses(*(f"192.0.2.{at}" for at in range(1, 20))), lambda _: troubled("refused"))
    assert web.fetched().trouble is StsTrouble.REFUSED
    assert len(web.asked) == MOST_ADDRESSES


def test_an_address_that_speaks_decides_whatever_it_says() -> None:
    failed = HttpExchange(trouble="tls", handshake=TlsFailure(TlsTrouble.ALERT, alert="handshake_failure"))
    web = Web(RECORD + addresses("192.0.2.5", "192.0.2.6"), lambda _: failed)
    fetch = web.fetched()
    assert (fetch.trouble, len(web.asked)) == (StsTrouble.TLS, 1)
    assert fetch.detail == "it refuses the TLS handshake (handshake failure)"


@pytest.mark.parametrize("trouble", ["timed-out", "unreachable", "reset", "closed", "failed"])
def test_what_may_be_over_soon_is_looked_at_twice_with_more_patience(trouble: str) -> None:
    web = Web(RECORD + addresses("192.0.2.5"), lambda _: troubled(trouble))
    fetch = web.fetched()
    assert (fetch.looks, fetch.doubtful, fetch.waited) == (2, True, False)
    assert [probe.timeout for probe in web.asked] == [FIRST_PATIENCE, PATIENCE]
    assert web.pauses == []


def test_the_second_look_may_bring_the_policy() -> None:
    web = Web(
        RECORD + addresses("192.0.2.5"),
        lambda probe: served() if probe.timeout > FIRST_PATIENCE else troubled("timed-out"),
    )
    assert web.fetched().fetched


def test_a_pause_makes_the_second_look_certain() -> None:
    web = Web(RECORD + addresses("192.0.2.5"), lambda _: troubled("timed-out"))
    fetch = web.fetched(confirm=True)
    assert (fetch.waited, fetch.doubtful) == (True, False)
    assert len(web.pauses) == 1


@pytest.mark.parametrize("zone", ["", '_mta-sts.d.example. TXT "hello"\n'])
def test_a_policy_that_nobody_announces_is_not_looked_for_twice(zone: str) -> None:
    web = Web(zone + addresses("192.0.2.5"), lambda _: troubled("timed-out"))
    assert web.fetched().looks == 1
    assert len(web.asked) == 1


def test_patience_ends_where_the_user_s_does() -> None:
    web = Web(RECORD + addresses("192.0.2.5"), lambda _: troubled("timed-out"))
    web.fetched(timeout=10.0)
    assert [probe.timeout for probe in web.asked] == [5.0, 10.0]


def test_without_an_address_there_is_no_policy_host() -> None:
    assert isinstance(Web(RECORD, lambda _: served()).fetch(), Absent)


def test_without_a_route_nothing_is_blamed_on_the_policy_host() -> None:
    web = Web(RECORD + addresses("2001:db8::5"), lambda _: served(), routes=(4,))
    assert isinstance(web.fetch(), Unavailable)
    assert web.asked == []


@pytest.mark.parametrize(
    ("exchange", "trouble", "detail"),
    [
        (served(status=301, headers=(("location", "https://d.example/"),)), "redirect", "https://d.example/"),
        (served(status=404, reason="Not Found"), "status", "404 Not Found"),
        (served(status=200, trouble="too-big", truncated=True), "too-big", "65536"),
        (served(status=0, trouble="garbage"), "garbage", "no HTTP"),
        (served(kind="expired"), "certificate", "expired"),
        (served(kind="wrong_name"), "certificate", "other.invalid"),
        (served(kind="self_signed"), "certificate", "self-signed"),
        (served(kind="no_intermediate"), "certificate", "intermediate"),
        (served(kind="untrusted_root"), "certificate", "root"),
        (served(kind="expired", status=301), "certificate", "expired"),
    ],
)
def test_each_trouble_has_its_name_and_words(exchange: HttpExchange, trouble: str, detail: str) -> None:
    fetch = Web(RECORD + addresses("192.0.2.5"), lambda _: exchange).fetched()
    assert fetch.trouble == trouble
    assert detail in fetch.detail
    assert not fetch.fetched


def test_a_cut_body_is_no_policy_file() -> None:
    fetch = Web(RECORD + addresses("192.0.2.5"), lambda _: served(trouble="closed", truncated=True)).fetched()
    assert (fetch.trouble, fetch.file) == (StsTrouble.BROKEN_OFF, None)


def test_without_a_trust_store_nothing_is_said_of_trust_but_names_and_dates_still_count() -> None:
    zone = RECORD + addresses("192.0.2.5")
    fetch = Web(zone, lambda _: served(), store=False).fetched()
    assert (fetch.trouble, fetch.undecided, fetch.fetched) == (None, "no store", False)
    late = Web(zone, lambda _: served(kind="expired"), store=False).fetched()
    assert (late.trouble, late.undecided) == (StsTrouble.CERTIFICATE, "")


def policy_of(zone: str, web: Web) -> StsPolicy | Absent | Unavailable:
    async def go() -> StsPolicy | Absent | Unavailable:
        record = await sts_record.function(
            Target("d.example"), Once(Overlay(Zone.parse(zone, "."), web, whole=True))
        )
        return await sts_policy.function(record, fetch)

    fetch = web.fetch()
    return anyio.run(go)


def test_a_policy_needs_a_valid_record() -> None:
    web = Web(RECORD + addresses("192.0.2.5"), lambda _: served())
    assert isinstance(policy_of(RECORD, web), StsPolicy)
    assert isinstance(policy_of('_mta-sts.d.example. TXT "v=STSv1;"', web), Absent)
    assert isinstance(policy_of("d.example. A 192.0.2.1", web), Absent)


def test_a_policy_host_that_may_answer_later_leaves_the_policy_unknown() -> None:
    zone = RECORD + addresses("192.0.2.5")
    assert isinstance(policy_of(RECORD, Web(zone, lambda _: troubled("timed-out"))), Unavailable)
    assert isinstance(policy_of(RECORD, Web(zone, lambda _: troubled("refused"))), Absent)


def test_records_that_were_meant_are_kept_apart_from_those_that_count() -> None:
    async def go(text: str) -> Any:
        lab = Once(
            Overlay(
                Zone.parse(f'_mta-sts.d.example. TXT "{text}"', "."), Web("", lambda _: served()), whole=True
            )
        )
        return await sts_record.function(Target("d.example"), lab)

    near = anyio.run(go, "v=stsv1; id=1")
    assert isinstance(near, StsRecordFound)
    assert (near.records, near.near, near.valid) == ((), ("v=stsv1; id=1",), None)
    assert type(anyio.run(go, "hello")) is Absent


def test_a_host_that_breaks_off_after_the_handshake_has_answered() -> None:
    web = Web(
        RECORD + addresses("192.0.2.5", "192.0.2.6"), lambda _: served(status=0, trouble="reset", body=b"")
    )
    assert web.fetched().trouble is StsTrouble.BROKEN_OFF
    assert {probe.address for probe in web.asked} == {"192.0.2.5"}
