"""Which peers meet a certificate, which of them accept it, and why the others do not."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from hashlib import sha256

import pytest
from test_checks_certificates import (
    CA,
    DAY,
    EE,
    HOST,
    MOMENT,
    NONE,
    PKIX,
    client,
    clock,
    dane,
    inbound,
    kind,
    policy,
)

from diag.facts.certificate_peers import (
    CertificatePeers,
    Peer,
    PeerVerdict,
    before_programs,
    before_senders,
)
from diag.facts.dnssec import Security
from diag.facts.mta_sts import StsPolicy
from diag.model.knowing import Absent, Unavailable
from diag.tls.certificate import public_key_info


def fitting(chain: tuple[bytes, ...]) -> str:
    return f"3 1 1 {sha256(public_key_info(chain[0])).hexdigest()}"


def anchor(der: bytes) -> str:
    return f"2 0 1 {sha256(der).hexdigest()}"


def senders(chain: tuple[bytes, ...], tlsa: object = NONE, sts: object = NONE) -> CertificatePeers:
    return before_senders(inbound(chain), tlsa, sts, NONE)  # type: ignore[arg-type]


def said(met: CertificatePeers) -> dict[Peer, bool | None]:
    return {each.peer: each.accepts for each in met.peers}


ANY = {Peer.OPPORTUNISTIC: True}
EXPIRED = kind("expired")


def kind_of(value: object) -> str:
    """What a case is called: its certificates and records are new in each run, and its name must not be."""
    return type(value).__name__


@pytest.mark.parametrize(
    ("chain", "tlsa", "sts", "expected"),
    [
        (EXPIRED, NONE, NONE, ANY),
        (EXPIRED, NONE, policy("none"), ANY),
        (EXPIRED, NONE, policy(), {**ANY, Peer.MTA_STS: False}),
        (kind("valid"), NONE, policy(), {**ANY, Peer.MTA_STS: True}),
        (kind("valid"), NONE, policy("testing"), {**ANY, Peer.MTA_STS: True}),
        (kind("valid"), NONE, policy(mx="other.example"), {**ANY, Peer.MTA_STS: False}),
        (kind("valid"), NONE, Unavailable("SERVFAIL"), {**ANY, Peer.MTA_STS: None}),
        (kind("valid"), NONE, policy("enforced"), ANY),
        (EXPIRED, dane(fitting(EXPIRED)), NONE, {**ANY, Peer.DANE: True}),
        (EXPIRED, dane(EE, fitting(EXPIRED)), NONE, {**ANY, Peer.DANE: True}),  # {old, new} in a roll-over
        (EXPIRED, dane(EE), NONE, {**ANY, Peer.DANE: False}),
        (EXPIRED, dane(PKIX), NONE, {**ANY, Peer.DANE: True}),  # nothing usable: any certificate
        (EXPIRED, dane(EE, security=Security.INSECURE), NONE, ANY),
        (EXPIRED, dane(trouble="SERVFAIL"), NONE, {**ANY, Peer.DANE: None}),
        (EXPIRED, Unavailable("no answer"), NONE, {**ANY, Peer.DANE: None}),
        (kind("wrong_name"), dane(fitting(kind("wrong_name"))), NONE, {**ANY, Peer.DANE: True}),
        (kind("valid"), dane(anchor(CA.intermediate)), NONE, {**ANY, Peer.DANE: True}),
        (EXPIRED, dane(anchor(CA.intermediate)), NONE, {**ANY, Peer.DANE: False}),
        (kind("with_root"), dane(anchor(CA.root)), NONE, {**ANY, Peer.DANE: True}),
        (
            kind("valid"),
            dane(anchor(CA.root)),
            NONE,
            {**ANY, Peer.DANE: False},
        ),  # it must be sent (7672 3.1.2)
        (EXPIRED, dane(fitting(EXPIRED)), policy(), {**ANY, Peer.MTA_STS: False, Peer.DANE: True}),
    ],
    ids=kind_of,
)
def test_what_senders_make_of_it(
    chain: tuple[bytes, ...], tlsa: object, sts: StsPolicy | Absent | Unavailable, expected: dict[Peer, bool]
) -> None:
    assert said(senders(chain, tlsa, sts)) == expected


def test_the_first_reason_is_the_one_to_mend_and_all_are_told() -> None:
    chain = CA.issue("x", CA.root_key, names=("other.invalid",), since=9 * DAY, lasts=8 * DAY), CA.root
    met = before_programs(client(chain), NONE)
    (verdict,) = met.peers
    assert (verdict.peer, verdict.accepts) == (Peer.MAIL_PROGRAM, False)
    assert verdict.reasons == (
        "expired on 2026-11-20 08:59 UTC",
        f"is for other.invalid, not for {HOST}",
    )
    assert met.valid is False


def test_senders_under_a_policy_on_trial_only_report() -> None:
    verdict = senders(EXPIRED, sts=policy("testing")).of(Peer.MTA_STS)
    assert verdict is not None
    assert (verdict.accepts, verdict.enforced) == (False, False)
    assert senders(EXPIRED, sts=policy()).of(Peer.MTA_STS) == PeerVerdict(
        Peer.MTA_STS, False, ("expired on 2026-11-20 08:59 UTC",)
    )


@pytest.mark.parametrize(
    ("chain", "record", "reason"),
    [
        (kind("valid"), EE, "is not what the TLSA record 3 1 1 describes"),
        (kind("valid"), anchor(CA.root), "is not what the TLSA record 2 0 1 describes"),
        (
            EXPIRED,
            anchor(CA.intermediate),
            "rests on a path with a fault (expired: mx1.lantern.example), up to",
        ),
        (kind("wrong_name"), anchor(CA.intermediate), "names neither the host nor the mail domain"),
    ],
    ids=kind_of,
)
def test_why_no_record_fits(chain: tuple[bytes, ...], record: str, reason: str) -> None:
    verdict = senders(chain, dane(record)).of(Peer.DANE)
    assert verdict is not None
    assert verdict.reasons[0].startswith(reason)


def test_a_key_that_strangers_have_is_no_reason_to_refuse() -> None:
    seen = dataclasses.replace(client(kind("valid")), listed="debianssl")
    assert said(before_programs(seen, NONE)) == {Peer.MAIL_PROGRAM: True}


def test_what_is_not_known_is_not_refused() -> None:
    without_store = dataclasses.replace(client(kind("valid")), distrust="the trust store is empty")
    (verdict,) = before_programs(without_store, NONE).peers
    assert (verdict.accepts, verdict.undecided) == (None, "the trust store is empty")
    assert before_programs(without_store, NONE).valid is None
    (verdict,) = before_programs(client(EXPIRED), clock(timedelta(days=2))).peers
    assert verdict.accepts is None
    assert "our clock" in verdict.undecided


def test_all_who_look_accept_a_valid_one() -> None:
    assert senders(kind("valid"), dane(fitting(kind("valid"))), policy()).valid is True
    assert senders(EXPIRED).valid is True  # nobody looks
    assert senders(EXPIRED).of(Peer.MAIL_PROGRAM) is None
    assert senders(EXPIRED).subject == f"{HOST} [198.51.100.10]:25"
    assert inbound(EXPIRED).verdict.moment == MOMENT
