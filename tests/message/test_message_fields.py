"""Header fields, trace fields and the results of receivers: what is read out of them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings, strategies as st

from diag.message.auth_results import parse_auth_results
from diag.message.comments import without_comments
from diag.message.header import parse_message
from diag.message.trace import hops

BEGAN = datetime(2026, 11, 21, 9, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("octets", "fields", "body"),
    [
        (b"", [], b""),
        (b"A: 1\r\n\r\nbody\r\n", [("a", "1")], b"body\r\n"),
        (b"A: 1\nB: 2\n\nbody", [("a", "1"), ("b", "2")], b"body"),
        (b"A: 1\r\n two\r\n\tthree\r\nB:\r\n\r\n", [("a", "1 two three"), ("b", "")], b""),
        (b"\r\nbody", [], b"body"),
        (b"no colon\r\n\r\n", [("no colon", "")], b""),
        (b"A: \xff\r\n\r\n", [("a", "\ufffd")], b""),
    ],
)
def test_a_message_is_fields_and_a_body(octets: bytes, fields: list[tuple[str, str]], body: bytes) -> None:
    message = parse_message(octets)
    assert [(field.name, field.value) for field in message.fields] == fields
    assert message.body == body


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("a (b) c", "a   c"),
        ("a (b (c) d) e", "a   e"),
        ('"(a)" b', '"(a)" b'),
        (r"a (b\) c) d", "a   d"),
        ("a (never closed", "a "),
        ("a) b", "a) b"),
    ],
)
def test_comments_are_left_out(text: str, left: str) -> None:
    assert without_comments(text) == left


def test_hops_in_the_order_of_time_and_what_lies_between() -> None:
    found = hops(
        (
            "from mx.d.example (localhost [127.0.0.1]) by store.d.example with LMTP id 3; Sat, 21 Nov 2026 10:00:09 +0100",
            "by mx.d.example (Postfix) with ESMTPSA id 2 for <a@d.example>; Sat, 21 Nov 2026 09:00:02 +0000 (UTC)",
        ),
        BEGAN,
    )
    assert [(hop.by, hop.sender, hop.protocol, hop.seconds) for hop in found] == [
        ("mx.d.example", "", "ESMTPSA", 2.0),
        ("store.d.example", "mx.d.example", "LMTP", 7.0),
    ]


def test_a_hop_that_says_nothing_of_its_time_does_not_spoil_the_next() -> None:
    last, middle = "by c; Sat, 21 Nov 2026 09:00:05 +0000", "by b; some day"
    found = hops((last, middle, "by a; Sat, 21 Nov 2026 09:00:01 +0000"), BEGAN)
    assert [hop.seconds for hop in found] == [1.0, None, 4.0]
    assert hops(("by a; Sat, 21 Nov 2026 08:59:58 +0000",), BEGAN)[0].seconds == -2.0, "clocks differ"


def test_what_a_receiver_found() -> None:
    told = parse_auth_results(
        'MX.D.example 1; dkim=pass (2048-bit key) reason="good (really)" header.d=D.example header.s=s1;'
        " spf=softfail smtp.mailfrom=a@e.example; dmarc = fail (p=reject) header.from=d.example; none"
    )
    assert told.authserv_id == "mx.d.example"
    assert [(each.method, each.result) for each in told.found] == [
        ("dkim", "pass"),
        ("spf", "softfail"),
        ("dmarc", "fail"),
    ]
    assert told.found[0].properties == {"header.d": "D.example", "header.s": "s1"}
    assert told.found[1].properties["smtp.mailfrom"] == "a@e.example"
    assert parse_auth_results("mx.d.example; none").found == ()
    assert parse_auth_results("").authserv_id == ""


@settings(max_examples=100)
@given(st.binary(max_size=300))
def test_nothing_raises(octets: bytes) -> None:
    message = parse_message(b"Received: " + octets + b"\r\nAuthentication-Results: " + octets + b"\r\n\r\n")
    hops(message.all("received"), BEGAN)
    for value in message.all("authentication-results"):
        parse_auth_results(value)
