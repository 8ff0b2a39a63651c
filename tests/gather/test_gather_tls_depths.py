"""What is wished for of TLS decides which facts there are; what was seen decides what departs from a profile."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime

import anyio
import pytest
from tls_kit import MODERN, chain, survey

from diag.facts.moment import RunMoment
from diag.facts.tls_depths import SpokenTls, TlsByProfile, WeakTls
from diag.facts.tls_survey import TlsSurvey
from diag.gather.tls_depths import full_tls, spoken_tls, tls_by_profile, weak_tls
from diag.model.knowing import Absent, Many, Unavailable
from diag.model.target import Depth, Target
from diag.sandbox.tls_script import tls_script
from diag.tls.handshake import TlsFailure, TlsTrouble

DAY = RunMoment(datetime(2026, 11, 21, tzinfo=UTC))
SUITES = ["TLS_AES_256_GCM_SHA384", "ECDHE-RSA-AES128-GCM-SHA256", "AECDH-AES128-SHA"]
UNKNOWN = Unavailable("turned away")


@pytest.mark.parametrize("depth", Depth)
def test_what_nobody_wished_for_is_absent_and_never_unknown(depth: Depth) -> None:
    target = Target("lantern.example", tls=depth)
    surveys = Many({"a": survey(tls_script({}), MODERN, depth=depth), "b": UNKNOWN})
    weak = anyio.run(weak_tls.function, target, surveys)
    full = anyio.run(full_tls.function, target, surveys)
    assert isinstance(weak, Absent) == (depth is Depth.BASIC)
    assert isinstance(full, Absent) == (depth is not Depth.FULL)
    assert isinstance(anyio.run(tls_by_profile.function, target, surveys, DAY), Absent)
    assert isinstance(
        anyio.run(full_tls.function, target, UNKNOWN), Absent if depth is not Depth.FULL else Unavailable
    )
    if isinstance(weak, Many):
        assert weak.items["b"] == UNKNOWN


@pytest.mark.parametrize(
    ("made", "kind"),
    [
        (TlsFailure(TlsTrouble.ALERT, "handshake_failure"), Absent),
        (TlsFailure(TlsTrouble.PROTOCOL, detail="bad signature"), Absent),
        (TlsFailure(TlsTrouble.PROTOCOL, detail="unsupported protocol"), Unavailable),
        (TlsFailure(TlsTrouble.RESET), Unavailable),
        (TlsFailure(TlsTrouble.TIMED_OUT), Unavailable),
        (TlsFailure(TlsTrouble.NOT_TLS, octets=b"421 later\r\n"), Unavailable),
    ],
)
def test_where_tls_never_came_about_nothing_of_it_is_judged(made: TlsFailure, kind: type) -> None:
    heard = survey(tls_script({}), made)
    for seen in (heard, dataclasses.replace(heard, tried=())):
        found = anyio.run(spoken_tls.function, Many({"a": seen}))
        weak = anyio.run(weak_tls.function, Target("lantern.example"), Many({"a": seen}))
        assert isinstance(found, Many)
        assert isinstance(weak, Many)
        expected = kind if seen is not heard else SpokenTls
        assert isinstance(found.items["a"], expected)
        assert isinstance(weak.items["a"], expected if expected is kind else WeakTls)


@pytest.mark.parametrize(("port", "expected"), [(25, []), (143, ["AECDH-AES128-SHA"])])
def test_suites_without_a_certificate_count_on_ports_for_mail_programs_alone(
    port: int, expected: list[str]
) -> None:
    """RFC 7672 section 8.2."""
    seen = survey(tls_script({"suites": SUITES}), MODERN, port=port)
    assert [each.item for each in held(seen, "ietf-2026").deviations] == expected


def test_the_certificate_and_the_group_of_the_usual_handshake_count() -> None:
    made = dataclasses.replace(MODERN, group="x25519", chain=chain())
    found = held(survey(tls_script({"suites": SUITES[:2]}), made), "mozilla-old")
    assert [each.item for each in found.deviations] == ["EC key on secp256r1"]
    assert (found.title, found.edition) == ("Mozilla, old", "2026-04")
    assert found.cites[0] == found.survey.shown


def held(seen: TlsSurvey, profile: str) -> TlsByProfile:
    target = Target("lantern.example", tls_profile=profile)
    found = anyio.run(tls_by_profile.function, target, Many({"a": seen}), DAY)
    assert isinstance(found, Many)
    (one,) = found.values()
    assert isinstance(one, TlsByProfile)
    return one
