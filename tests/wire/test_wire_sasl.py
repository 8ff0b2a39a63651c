"""SASL arithmetic against the vectors of the standards, and what a client must not put up with."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given, settings, strategies as st

from diag.wire.sasl import (
    MOST_ITERATIONS,
    PASSWORD_MECHANISMS,
    TOKEN_MECHANISMS,
    Binding,
    Broken,
    Credentials,
    Sasl,
    prepared,
    usable,
)

PENCIL = Credentials("user", b"pencil", "rOprNGfwEbeRWgbNEkqO")
FIRST = b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
FINAL = b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="


def played(sasl: Sasl, *challenges: bytes) -> list[bytes | None]:
    return [sasl.answer(challenge) for challenge in challenges]


def test_scram_sha_256_as_in_rfc_7677_section_3() -> None:
    sasl = Sasl("SCRAM-SHA-256", PENCIL)
    assert played(sasl, b"", FIRST) == [
        b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
        b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
        b"p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
    ]
    assert not sasl.proven
    assert sasl.answer(FINAL) == b""
    assert sasl.proven
    assert sasl.answer(b"more") is None


def test_scram_sha_1_as_in_rfc_5802_section_5() -> None:
    who = Credentials("user", b"pencil", "fyko+d2lbbFgONRv9qkxdawL")
    nonce = b"fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j"
    sasl = Sasl("scram-sha-1", who)
    assert played(sasl, b"", b"r=" + nonce + b",s=QSXCR+Q6sek8bf92,i=4096") == [
        b"n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
        b"c=biws,r=" + nonce + b",p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
    ]
    assert sasl.answer(b"v=rmF9pqV8S7suAoZWja4dJRkFsKQ=") == b""
    assert sasl.proven


def test_cram_md5_as_in_rfc_2195_section_2() -> None:
    sasl = Sasl("CRAM-MD5", Credentials("tim", b"tanstaaftanstaaf", ""))
    assert sasl.answer(b"<1896.697170952@postoffice.reston.mci.net>") == (
        b"tim b913a602c7eda7a495b4e6e7334d3890"
    )


def test_the_others() -> None:
    who = Credentials("anna", b"secret", "", "mail.d.example", 587)
    assert played(Sasl("PLAIN", who), b"", b"") == [b"\0anna\0secret", None]
    assert played(Sasl("LOGIN", who), b"Username:", b"Password:", b"") == [b"anna", b"secret", None]
    assert played(Sasl("XOAUTH2", who), b"", b"{}") == [b"user=anna\x01auth=Bearer secret\x01\x01", b""]
    # The form of RFC 7628 section 4.1.
    bearer = Sasl("OAUTHBEARER", who)
    assert played(bearer, b"", b'{"status":"invalid_token"}') == [
        b"n,a=anna,\x01host=mail.d.example\x01port=587\x01auth=Bearer secret\x01\x01",
        b"\x01",
    ]
    assert bearer.remark == "invalid_token"
    with pytest.raises(KeyError):
        Sasl("GSSAPI", who)


def test_a_binding_is_in_the_proof() -> None:
    sasl = Sasl("SCRAM-SHA-256-PLUS", PENCIL, Binding("tls-exporter", b"\x01\x02"))
    first, last = played(sasl, b"", FIRST)
    assert first == b"p=tls-exporter,,n=user,r=rOprNGfwEbeRWgbNEkqO"
    assert last is not None
    assert base64.b64decode(last.partition(b",")[0][2:]) == b"p=tls-exporter,,\x01\x02"
    assert b"dHzbZapWIk4jUhN" not in last
    assert Sasl("SCRAM-SHA-256", PENCIL, Binding("tls-exporter", b"x")).answer(b"") == (
        b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO"
    )


def test_names_are_escaped_and_prepared() -> None:
    sasl = Sasl("SCRAM-SHA-256", Credentials("a=b,c", b"x", "n"))
    assert sasl.answer(b"") == b"n,,n=a=3Db=2Cc,r=n"
    # RFC 4013 section 3: a soft hyphen is mapped to nothing, a non-ASCII space to a space, the rest is NFKC.
    assert prepared("I\u00adX") == "IX"
    assert prepared("a\u00a0b") == "a b"
    assert prepared("\u2168") == "IX"


@pytest.mark.parametrize(
    "first",
    [
        b"",
        b"e=unknown-user",
        b"r=other,s=QUFBQQ==,i=4096",
        b"r=rOprNGfwEbeRWgbNEkqO,s=QUFBQQ==,i=4096",
        b"r=rOprNGfwEbeRWgbNEkqOx,s=,i=4096",
        b"r=rOprNGfwEbeRWgbNEkqOx,s=QUFBQQ==,i=0",
        b"r=rOprNGfwEbeRWgbNEkqOx,s=QUFBQQ==,i=%d" % (MOST_ITERATIONS + 1),
        b"m=ext,r=rOprNGfwEbeRWgbNEkqOx,s=QUFBQQ==,i=4096",
    ],
)
def test_a_first_message_that_is_none_is_given_up_before_anything_is_proven(first: bytes) -> None:
    sasl = Sasl("SCRAM-SHA-256", PENCIL)
    sasl.answer(b"")
    with pytest.raises(Broken):
        sasl.answer(first)


@pytest.mark.parametrize("final", [b"", b"e=invalid-proof", b"v=", b"v=AAAA", FINAL.replace(b"6", b"7")])
def test_a_server_that_does_not_know_the_password_is_found_out(final: bytes) -> None:
    sasl = Sasl("SCRAM-SHA-256", PENCIL)
    played(sasl, b"", FIRST)
    with pytest.raises(Broken):
        sasl.answer(final)
    assert not sasl.proven


def test_a_reason_is_shown_only_where_it_is_a_plain_word() -> None:
    sasl = Sasl("SCRAM-SHA-256", PENCIL)
    played(sasl, b"", FIRST)
    with pytest.raises(Broken, match="without a reason"):
        sasl.answer(b"e=the password is pencil")


@pytest.mark.parametrize(
    ("offered", "token", "bindable", "first"),
    [
        (("PLAIN", "login", "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"), False, True, "SCRAM-SHA-256-PLUS"),
        (("PLAIN", "login", "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"), False, False, "SCRAM-SHA-256"),
        (("LOGIN", "PLAIN"), False, True, "PLAIN"),
        (("LOGIN", "CRAM-MD5", "PLAIN"), False, True, "CRAM-MD5"),
        (("PLAIN", "XOAUTH2"), True, True, "XOAUTH2"),
        (("XOAUTH2", "OAUTHBEARER"), True, True, "OAUTHBEARER"),
        (("XOAUTH2", "OAUTHBEARER", "GSSAPI"), False, True, ""),
        (("PLAIN",), True, True, ""),
    ],
)
def test_the_best_that_is_offered_is_taken(
    offered: tuple[str, ...], token: bool, bindable: bool, first: str
) -> None:
    assert next(iter(usable(offered, token=token, bindable=bindable)), "") == first


@settings(max_examples=100)
@given(
    st.sampled_from((*PASSWORD_MECHANISMS, *TOKEN_MECHANISMS)),
    st.lists(st.one_of(st.binary(max_size=60), st.just(FIRST), st.just(FINAL)), max_size=4),
)
def test_whatever_a_server_says_is_answered_or_given_up(mechanism: str, challenges: list[bytes]) -> None:
    sasl = Sasl(mechanism, PENCIL, Binding("tls-unique", b"x"))
    try:
        answers = played(sasl, *challenges)
    except Broken:
        return
    assert all(answer is None or isinstance(answer, bytes) for answer in answers)
