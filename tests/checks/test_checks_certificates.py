"""Which one cause is told of a bad certificate, to whom it matters, and what is left to others."""

from __future__ import annotations

import dataclasses
import shlex
from datetime import UTC, datetime, timedelta

import pytest

from checks.certificates import mail_programs_accept_the_certificate
from checks.certificates_inbound import senders_accept_the_certificate
from checks.certificates_upkeep import (
    the_certificate_does_not_expire_soon,
    the_certificate_lasts_no_longer_than_allowed,
)
from diag.facts.certificates import ClientCertificate, FetchedIssuer, InboundCertificate, Role
from diag.facts.dane import DaneHost
from diag.facts.dnssec import Security
from diag.facts.mta_sts import StsPolicy
from diag.facts.refusal import refusal
from diag.facts.vantage import OurClock, Witness
from diag.model.finding import Finding, Undecided, Verdict
from diag.model.knowing import Absent, Cite, Many, Unavailable
from diag.model.plugin import Check
from diag.model.target import Endpoint
from diag.records.mta_sts import StsPolicyFile
from diag.records.tlsa import Tlsa
from diag.sandbox.authority import Authority, key_of
from diag.tls.certificate import read
from diag.tls.chain import Trust, judge
from diag.tls.handshake import Handshake

MOMENT = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
HOST = "mx1.lantern.example"
CA = Authority(MOMENT)
DAY = timedelta(days=1)
NONE = Absent("there is none")


def inbound(
    chain: tuple[bytes, ...], *, moment: datetime = MOMENT, references: tuple[str, ...] = (HOST,)
) -> InboundCertificate:
    return InboundCertificate(
        endpoint=Endpoint(HOST, "198.51.100.10", 25),
        role=Role.INBOUND,
        handshake=Handshake("TLSv1.3", "TLS_AES_256_GCM_SHA384", chain=chain),
        references=references,
        verdict=judge(chain, references, (CA.root,), moment),
        store="a test's store",
        distrust="",
        cites=(),
    )


def client(
    chain: tuple[bytes, ...],
    *,
    role: Role = Role.CLIENT,
    moment: datetime = MOMENT,
    references: tuple[str, ...] = (HOST,),
) -> ClientCertificate:
    seen = inbound(chain, moment=moment, references=references)
    values = {field.name: getattr(seen, field.name) for field in dataclasses.fields(seen)}
    return ClientCertificate(**{**values, "endpoint": Endpoint(HOST, "198.51.100.10", 993), "role": role})


def kind(name: str) -> tuple[bytes, ...]:
    return CA.kinds()[name](HOST).chain


def leaf(**wishes: object) -> tuple[bytes, ...]:
    """A certificate by the intermediate, which is sent too."""
    issued = CA.issue(
        "a server",
        key_of(HOST),
        **{
            "issuer": "Sandbox Intermediate",
            "by": CA.intermediate_key,
            "names": (HOST,),
            **wishes,
        },  # type: ignore[arg-type]
    )
    return (issued, CA.intermediate)


def policy(mode: str = "enforce", mx: str = HOST) -> StsPolicy:
    text = f"version: STSv1\r\nmode: {mode}\r\nmx: {mx}\r\nmax_age: 604800\r\n"
    return StsPolicy(
        "lantern.example", "mta-sts.lantern.example", "1", StsPolicyFile.parse(text.encode()), ()
    )


def dane(
    *texts: str, security: Security = Security.SECURE, trouble: str = ""
) -> Many[DaneHost] | Absent | Unavailable:
    host = DaneHost(
        host=HOST,
        base=HOST,
        name=f"_25._tcp.{HOST}",
        owner=f"_25._tcp.{HOST}",
        records=tuple(tlsa(text) for text in texts),
        addresses=Security.SECURE,
        security=security,
        trouble=trouble,
        waited=False,
        asked=(),
    )
    return Many({HOST: host})


def tlsa(text: str) -> Tlsa:
    usage, selector, matching, data = text.split()
    return Tlsa(int(usage), int(selector), int(matching), bytes.fromhex(data))


EE, TA, PKIX = ("3 1 1 " + "ab" * 32, "2 1 1 " + "ab" * 32, "1 1 1 " + "ab" * 32)


def judged(check: Check, *facts: object) -> list[str]:
    return [said(verdict) for verdict in check.function(*facts)]


def said(verdict: Verdict) -> str:
    return verdict.id.partition("/")[2] if isinstance(verdict, Finding) else f"? {verdict.because}"


def on_25(chain: tuple[bytes, ...], tlsa: object = NONE, sts: object = NONE) -> list[str]:
    return judged(senders_accept_the_certificate, inbound(chain), tlsa, sts, NONE)


def test_an_expired_self_signed_certificate_for_another_name_is_one_finding() -> None:
    key = key_of("own")
    chain = (
        CA.issue(
            "other", key, issuer="other", by=key, names=("other.invalid",), since=9 * DAY, lasts=8 * DAY
        ),
    )
    (only,) = mail_programs_accept_the_certificate.function(client(chain), NONE)
    assert only.id == "certificates/expired"
    assert only.text() == (
        f"The certificate at {HOST} [198.51.100.10]:993 expired on 2026-11-20 08:59 UTC; besides, it is "
        f"signed by its own key and by no CA and is for other.invalid, not for {HOST}."
    )


def lacking(
    seen: ClientCertificate, url: str = "http://ca.example/i.der", **name: object
) -> ClientCertificate:
    """The same, where the intermediate was fetched."""
    chain = (*seen.handshake.chain, CA.intermediate)
    issuer = dataclasses.replace(read(CA.intermediate), **name)  # type: ignore[arg-type]
    return dataclasses.replace(
        seen,
        fetched=(FetchedIssuer(url, issuer),),
        completed=judge(chain, seen.references, (CA.root,), seen.verdict.moment),
    )


def test_renewing_does_not_send_the_intermediate() -> None:
    chain = leaf(since=9 * DAY, lasts=8 * DAY)[:1]
    assert judged(mail_programs_accept_the_certificate, lacking(client(chain)), NONE) == [
        "expired",
        "missing-intermediate",
    ]
    assert on_25(chain, sts=policy()) == ["sts-mismatch"]


def test_the_intermediate_to_append_is_named_in_a_command_that_can_be_pasted() -> None:
    seen = lacking(client(leaf()[:1]))
    (finding,) = mail_programs_accept_the_certificate.function(seen, NONE)
    assert finding.fix[0].setting == (
        "# 'CN=Sandbox Intermediate'\n"
        "curl -s http://ca.example/i.der | openssl x509 -inform DER >> fullchain.pem"
    )


def test_what_a_certificate_says_is_quoted_in_that_command() -> None:
    seen = lacking(client(leaf()[:1]), "http://ca.example/$(id)", subject="CN=a'\n; id #")
    (finding,) = mail_programs_accept_the_certificate.function(seen, NONE)
    comment, command = finding.fix[0].setting.split("\n")
    assert shlex.split(comment.removeprefix("# ")) == ["CN=a'?; id #"]
    assert shlex.split(command)[:3] == ["curl", "-s", "http://ca.example/$(id)"]


def test_an_issuer_that_could_not_be_had_is_open_where_two_rules_could_tell_it() -> None:
    silent = (FetchedIssuer("http://ca.example/i.der", None, trouble="does not answer", passing=True),)
    chain = leaf()[:1]
    (said_of_it,) = judged(
        mail_programs_accept_the_certificate, dataclasses.replace(client(chain), fetched=silent), NONE
    )
    assert said_of_it.startswith("? the certificate is sent without that of its issuer")
    assert "ca.example/i.der does not answer" in said_of_it
    seen = dataclasses.replace(inbound(chain), fetched=silent)
    assert judged(senders_accept_the_certificate, seen, NONE, policy(), NONE) == ["sts-mismatch"]
    (open_too,) = judged(senders_accept_the_certificate, seen, NONE, NONE, NONE)
    assert open_too.startswith("? the certificate is sent without")
    guessed = dataclasses.replace(client(chain, role=Role.GUESSED), fetched=silent)
    assert judged(mail_programs_accept_the_certificate, guessed, NONE) == ["refused-at-guessed-host"]


def test_a_default_certificate_is_not_told_to_be_self_signed_as_well() -> None:
    assert judged(mail_programs_accept_the_certificate, client(kind("snakeoil")), NONE) == ["placeholder"]
    assert refusal(client(kind("snakeoil")), NONE).besides == ()


@pytest.mark.parametrize(
    ("tlsa", "sts", "expected"),
    [
        (NONE, NONE, ["expired-on-25"]),
        (NONE, policy("none"), ["expired-on-25"]),
        (NONE, policy("testing"), ["sts-mismatch-testing"]),
        (NONE, policy("enforce"), ["sts-mismatch"]),
        (NONE, policy("enforce", "other.example"), ["expired-on-25"]),
        (NONE, policy("enforced"), ["expired-on-25"]),  # no such mode: senders do not use the policy
        (dane(EE), NONE, []),
        (dane(TA), NONE, []),  # then no record fits, which the dane area says
        (dane(EE), policy("enforce"), ["sts-mismatch"]),
        (dane(PKIX), NONE, ["expired-on-25"]),  # unusable for SMTP
        (dane(EE, security=Security.INSECURE), NONE, ["expired-on-25"]),
        (dane(trouble="SERVFAIL"), NONE, ["? SERVFAIL"]),
        (Many({HOST: Unavailable("SERVFAIL")}), NONE, ["? SERVFAIL"]),
        (dane(trouble="SERVFAIL"), policy("enforce"), ["sts-mismatch"]),
    ],
)
def test_who_meets_an_expired_certificate_on_25_decides(
    tlsa: object, sts: object, expected: list[str]
) -> None:
    assert on_25(kind("expired"), tlsa, sts) == expected


def test_an_unknown_policy_leaves_open_only_what_it_could_change() -> None:
    unknown = Unavailable("the policy host is silent")
    assert on_25(kind("valid"), sts=unknown) == []
    found = on_25(kind("expired"), sts=unknown)
    assert found[0] == "expired-on-25"
    assert "the policy host is silent" in found[1]


@pytest.mark.parametrize(
    ("name", "on_25_it_is"),
    [("self_signed", "self-signed-on-25"), ("untrusted_root", "untrusted-root-on-25")],
)
def test_without_a_trust_store_trust_is_not_judged(name: str, on_25_it_is: str) -> None:
    blind = dataclasses.replace(client(kind(name)), distrust="the trust store is empty")
    assert judged(mail_programs_accept_the_certificate, blind, NONE) == ["? the trust store is empty"]
    assert on_25(kind(name)) == [on_25_it_is]


def test_without_a_trust_store_dates_are_judged_all_the_same() -> None:
    blind = dataclasses.replace(client(kind("expired")), distrust="the trust store is empty")
    assert judged(mail_programs_accept_the_certificate, blind, NONE) == [
        "expired",
        "? the trust store is empty",
    ]


def test_a_search_that_was_given_up_decides_nothing_about_trust() -> None:
    seen = client(kind("valid"))
    given_up = dataclasses.replace(seen, verdict=dataclasses.replace(seen.verdict, trust=Trust.UNDECIDED))
    (only,) = mail_programs_accept_the_certificate.function(given_up, NONE)
    assert isinstance(only, Undecided)


def test_a_guessed_host_is_warned_of_whatever_the_cause() -> None:
    for name in ("expired", "self_signed", "wrong_name"):
        seen = client(kind(name), role=Role.GUESSED)
        assert judged(mail_programs_accept_the_certificate, seen, NONE) == ["refused-at-guessed-host"]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("*.lantern.example",), []),
        (("*.mx1.lantern.example",), ["name-mismatch"]),
        (("*.example",), ["name-mismatch"]),  # of two labels one is left to cover
        (("m*.lantern.example",), ["wildcard-misuse"]),
        (("*.*.example",), ["wildcard-misuse"]),
        (("m*.lantern.example", HOST), []),  # the other name covers it
        (("m*.harbour.example",), ["name-mismatch"]),  # allowed or not, it would not cover the host
        (("lantern.example",), ["name-mismatch"]),  # the recipient domain is no reference on port 25
    ],
)
def test_wildcards(names: tuple[str, ...], expected: list[str]) -> None:
    assert judged(mail_programs_accept_the_certificate, client(leaf(names=names)), NONE) == expected


def test_the_name_that_stands_in_the_common_name_is_the_one_told() -> None:
    key = key_of(HOST)
    issued = CA.issue("lantern.example", key, issuer="Sandbox Intermediate", by=CA.intermediate_key, names=())
    seen = client((issued, CA.intermediate), references=(HOST, "lantern.example"))
    (only,) = mail_programs_accept_the_certificate.function(seen, NONE)
    assert only.id == "certificates/common-name-only"
    assert "names lantern.example as its common name only, which most programs pass over" in only.text()


@pytest.mark.parametrize(
    ("lasts", "left", "expected"),
    [
        (45 * DAY, 4 * DAY, True),
        (45 * DAY, 5 * DAY, False),
        (6 * DAY, 3 * DAY, False),
        (6 * DAY, timedelta(hours=23), True),  # less than a day, though more than a tenth
        (6 * DAY, timedelta(hours=25), False),
        (90 * DAY, 8 * DAY, True),
        (90 * DAY, 10 * DAY, False),
        (365 * DAY, 36 * DAY, True),
        (365 * DAY, 37 * DAY, False),
        (90 * DAY, -1 * DAY, False),  # it has expired, which is told
    ],
)
def test_a_late_renewal_is_told_by_the_lifetime(lasts: timedelta, left: timedelta, *, expected: bool) -> None:
    seen = client(leaf(since=lasts - left, lasts=lasts))
    found = judged(the_certificate_does_not_expire_soon, seen, NONE, NONE, NONE)
    assert found == (["expires-soon"] if expected else [])


@pytest.mark.parametrize(
    ("tlsa", "sts", "expected"),
    [
        (dane(EE), NONE, []),
        (dane(EE), policy(), ["expires-soon"]),
        (dane(EE, TA), NONE, ["expires-soon"]),
        (dane(EE, security=Security.INSECURE), NONE, ["expires-soon"]),
        (NONE, NONE, ["expires-soon"]),
    ],
)
def test_the_end_does_not_matter_where_only_the_key_is_compared(
    tlsa: object, sts: object, expected: list[str]
) -> None:
    seen = inbound(kind("expiring"))
    assert judged(the_certificate_does_not_expire_soon, seen, tlsa, sts, NONE) == expected


def test_a_certificate_to_be_replaced_anyway_does_not_expire_soon() -> None:
    key = key_of("own")
    chain = (CA.issue(HOST, key, issuer=HOST, by=key, names=(HOST,), since=89 * DAY, lasts=90 * DAY),)
    assert judged(the_certificate_does_not_expire_soon, client(chain), NONE, NONE, NONE) == []
    assert on_25(chain) == ["self-signed-on-25"]


@pytest.mark.parametrize(
    ("issued", "lasts", "logged", "expected"),
    [
        ("2026-03-14", 398 * DAY, True, False),
        ("2026-03-15", 200 * DAY, True, False),
        ("2026-03-15", 200 * DAY + timedelta(seconds=1), True, True),
        ("2026-03-15", 398 * DAY, True, True),
        ("2026-03-15", 398 * DAY, False, False),  # a private CA's
    ],
)
def test_lifetimes_are_judged_by_the_day_of_issue(
    issued: str, lasts: timedelta, *, logged: bool, expected: bool
) -> None:
    began = datetime.fromisoformat(issued).replace(tzinfo=UTC)
    seen = client(leaf(since=MOMENT - began, lasts=lasts))
    assert seen.leaf.lifetime == lasts
    sent = dataclasses.replace(seen.leaf, timestamps=logged)
    seen = dataclasses.replace(seen, verdict=dataclasses.replace(seen.verdict, leaf=sent))
    found = judged(the_certificate_lasts_no_longer_than_allowed, seen)
    assert found == (["lifetime-too-long"] if expected else [])


def test_a_text_from_a_certificate_is_cut() -> None:
    chain = leaf(names=tuple(f"{'x' * 60}.{'y' * 60}.host{at}.example" for at in range(9)))
    text = next(iter(mail_programs_accept_the_certificate.function(client(chain), NONE))).text()
    assert "and 6 more names" in text
    assert len(text) < 500


def test_a_key_that_strangers_have_comes_first_and_whatever_dane_says() -> None:
    for_programs = dataclasses.replace(client(kind("expired")), listed="debianssl")
    (finding,) = mail_programs_accept_the_certificate.function(for_programs, NONE)
    assert finding.id == "certificates/weak-key"
    assert "CVE-2008-0166" in finding.text()
    assert "besides, it expired" in finding.text()
    assert "--force-renewal" in str(finding.fix)
    served = dataclasses.replace(inbound(kind("valid")), listed="debianssl")
    fits = dane(EE)
    for known in (NONE, fits):
        (told,) = senders_accept_the_certificate.function(served, known, NONE, NONE)
        assert told.id == "certificates/weak-key-on-25"
    unlisted = dataclasses.replace(served, listed="")
    assert list(senders_accept_the_certificate.function(unlisted, fits, NONE, NONE)) == []


def clock(ahead: timedelta) -> OurClock:
    return OurClock((Witness("web.example", "192.0.2.1", ahead.total_seconds(), Cite("a web server")),))


@pytest.mark.parametrize(
    ("name", "ahead", "expected"),
    [
        ("expired", timedelta(minutes=5), ["expired"]),
        ("expired", timedelta(hours=12), ["expired"]),
        (
            "expired",
            timedelta(days=2),
            [
                "? the certificate expired on 2026-11-20 08:59 UTC; "
                "yet our clock is 172800 seconds ahead of those of web servers"
            ],
        ),
        (
            "not_yet_valid",
            timedelta(days=-2),
            [
                "? the certificate is not valid before 2026-11-22 09:00 UTC; "
                "yet our clock is 172800 seconds behind those of web servers"
            ],
        ),
        ("not_yet_valid", timedelta(days=2), ["not-yet-valid"]),
        ("valid", timedelta(days=2), []),
        (
            "valid",
            timedelta(days=-900),
            [
                "? the certificate is within its dates by our clock; "
                "yet our clock is 77760000 seconds behind those of web servers"
            ],
        ),
    ],
)
def test_dates_that_hang_on_whose_clock_is_right_are_left_open(
    name: str, ahead: timedelta, expected: list[str]
) -> None:
    assert judged(mail_programs_accept_the_certificate, client(kind(name)), clock(ahead)) == expected
    on_port_25 = judged(senders_accept_the_certificate, inbound(kind(name)), NONE, NONE, clock(ahead))
    assert [each.removesuffix("-on-25") for each in on_port_25] == expected


def test_another_fault_is_told_whatever_the_clocks_say() -> None:
    key = key_of("own")
    chain = (CA.issue("x", key, issuer="x", by=key, names=(HOST,), since=9 * DAY, lasts=8 * DAY),)
    told = judged(mail_programs_accept_the_certificate, client(chain), clock(2 * DAY))
    assert told[0] == "self-signed"
    assert told[1].startswith("? the certificate expired on")


@pytest.mark.parametrize(
    ("ahead", "expected"),
    [
        (timedelta(), ["expires-soon"]),
        (timedelta(hours=6), ["expires-soon"]),
        (timedelta(days=9), ["? the certificate expires on"]),
        (timedelta(days=-9), ["? the certificate expires on"]),
    ],
)
def test_whether_a_renewal_is_late_hangs_on_the_clock_too(ahead: timedelta, expected: list[str]) -> None:
    # Four of 45 days are left; nine days later none, and thirteen nine days earlier.
    seen = client(leaf(since=41 * DAY, lasts=45 * DAY))
    told = judged(the_certificate_does_not_expire_soon, seen, NONE, NONE, clock(ahead))
    assert [each[: len(want)] for each, want in zip(told, expected, strict=True)] == expected
