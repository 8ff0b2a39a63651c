"""Replies of the three protocols: every case whole, octet by octet and with trailing data."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable

import pytest
from hypothesis import given, settings, strategies as st

from diag.wire import imap, pop3, smtp
from diag.wire.actions import End
from diag.wire.lines import LONGEST_LINE, Lines, content, has_bare_cr, has_bare_lf, is_whole, split
from diag.wire.smtp import Problem

TRAILING = b"999 what came after it\r\n"


def collected(pieces: Iterable[bytes], end: End) -> tuple[list[bytes], bytes]:
    """The lines of one reply, and what was left when it had ended."""
    lines = Lines()
    found: list[bytes] = []
    ended = False
    for piece in pieces:
        lines.feed(piece)
        while not ended and (line := lines.next()) is not None:
            found.append(line)
            ended = end.feed(line)
    return found, lines.rest()


def fed_every_way(octets: bytes, end: Callable[[], End]) -> list[bytes]:
    """The lines of a complete reply, which must not depend on how it arrives."""
    whole, rest = collected([octets], end())
    assert rest == b""
    assert collected([octets[at : at + 1] for at in range(len(octets))], end()) == (whole, b"")
    assert collected([octets + TRAILING], end()) == (whole, TRAILING)
    middle = len(octets) // 2
    assert collected([octets[:middle], octets[middle:] + TRAILING[:3], TRAILING[3:]], end()) == (
        whole,
        TRAILING,
    )
    return whole


SMTP_REPLIES: list[tuple[bytes, int, str, str, tuple[Problem, ...]]] = [
    (b"220 mx.example.net ESMTP\r\n", 220, "", "mx.example.net ESMTP", ()),
    (b"250 2.1.5 ok\r\n", 250, "2.1.5", "ok", ()),
    (b"250-2.0.0 one\r\n250 2.0.0 two\r\n", 250, "2.0.0", "one two", ()),
    (b"220-mx a\r\n220-b\r\n220\r\n", 220, "", "mx a b", (Problem.NO_SPACE,)),
    (b"220\r\n", 220, "", "", (Problem.NO_SPACE,)),
    (b"220 \r\n", 220, "", "", ()),
    (b"250-\r\n250 x\r\n", 250, "", "x", ()),
    (
        b"421-4.7.0 mx Error: too many\r\n421 4.7.0 connections\r\n",
        421,
        "4.7.0",
        "mx Error: too many connections",
        (),
    ),
    (b"421 #4.4.5 Too many connections\r\n", 421, "", "#4.4.5 Too many connections", ()),
    (b"250-a\r\n550 b\r\n", 550, "", "a b", (Problem.CODES_DIFFER,)),
    (b"250-a\r\nnoise\r\n250 b\r\n", 250, "", "a noise b", (Problem.NO_CODE,)),
    (b"hello there\r\n", 0, "", "hello there", (Problem.NO_CODE,)),
    (b"\r\n", 0, "", "", (Problem.NO_CODE,)),
    (b"25\r\n", 0, "", "25", (Problem.NO_CODE,)),
    (b"250 ok\n", 250, "", "ok", (Problem.BARE_LF,)),
    (b"250 o\rk\r\n", 250, "", "o\\rk", (Problem.BARE_CR,)),
    (b"250 ok\r\r\n", 250, "", "ok\\r", (Problem.BARE_CR,)),
    (b"199 low\r\n", 199, "", "low", (Problem.CODE_RANGE,)),
    (b"299 x\r\n", 299, "", "x", (Problem.CODE_RANGE,)),
    (b"252 cannot verify\r\n", 252, "", "cannot verify", ()),
    (b"2500 glued\r\n", 250, "", "0 glued", (Problem.NO_SPACE,)),
    (b"250 " + b"x" * 507 + b"\r\n", 250, "", "x" * 507, (Problem.LONG_LINE,)),
    (b"250 " + b"x" * 506 + b"\r\n", 250, "", "x" * 506, ()),
    (b"550 5.1.1\r\n", 550, "5.1.1", "", ()),
    (b"550 5.1.1.1 x\r\n", 550, "", "5.1.1.1 x", ()),
    (b"550 \x1b[31mred\x07\r\n", 550, "", "\\x1b[31mred\\x07", ()),
    (b"550 caf\xc3\xa9 \xff\r\n", 550, "", "café \\xff", ()),
]


@pytest.mark.parametrize(("octets", "code", "enhanced", "text", "problems"), SMTP_REPLIES)
def test_smtp_replies_are_read(
    octets: bytes, code: int, enhanced: str, text: str, problems: tuple[Problem, ...]
) -> None:
    reply = smtp.parse_reply(fed_every_way(octets, smtp.SmtpEnd))
    assert (reply.code, reply.enhanced, reply.text, reply.problems) == (code, enhanced, text, problems)
    assert reply.complete


@pytest.mark.parametrize("octets", [b"", b"22", b"220 mx", b"220-mx\r\n", b"220-mx\r\n220 mx"])
def test_a_cut_smtp_reply_says_so(octets: bytes) -> None:
    reply = smtp.parse_reply(split(octets))
    assert not reply.complete
    assert not reply.positive


def test_an_ehlo_reply_is_read() -> None:
    octets = (
        b"250-mx.example.net Hello probe [192.0.2.9]\r\n250-size 1000\r\n250-AUTH PLAIN login\r\n"
        b"250-AUTH=LOGIN CRAM-MD5\r\n250-XXXXXXXA\r\n250-X-ANONYMOUSTLS\r\n250-LIMITS RCPTMAX=10 MAILMAX=2\r\n"
        b"250-b\xc3\xa4d x\r\n250-8BITMIME \x1b[2J\r\n250 starttls\r\n"
    )
    offer = smtp.parse_ehlo(smtp.parse_reply(fed_every_way(octets, smtp.SmtpEnd)))
    assert (offer.name, offer.greet) == ("mx.example.net", "Hello probe [192.0.2.9]")
    assert offer.keywords["SIZE"] == ("1000",)
    assert offer.mechanisms == ("PLAIN", "LOGIN", "CRAM-MD5")
    assert offer.offers("StartTLS")
    assert not offer.offers("PIPELINING")
    assert offer.masked == ("XXXXXXXA",)
    assert [each.name for each in offer.offered if not each.well_formed] == ["BÄD", "8BITMIME"]
    assert all("\x1b" not in each.line for each in offer.offered)


def test_duplicate_keywords_are_kept_apart_and_joined() -> None:
    offer = smtp.parse_ehlo(smtp.parse_reply(split(b"250-x\r\n250-SIZE 1\r\n250-SIZE 2\r\n250 SIZE 1\r\n")))
    assert offer.keywords["SIZE"] == ("1", "2")
    assert [each.parameters for each in offer.offered] == [("1",), ("2",), ("1",)]


IMAP_RESPONSES = [
    (b"* OK [CAPABILITY IMAP4rev1 STARTTLS] ready\r\n", "*", "OK", "ready", ("IMAP4rev1", "STARTTLS")),
    (b"* OK\r\n", "*", "OK", "", ()),
    (b"* preauth hello\r\n", "*", "PREAUTH", "hello", ()),
    (b"* BYE Autologout\r\n", "*", "BYE", "Autologout", ()),
    (
        b"* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n",
        "*",
        "CAPABILITY",
        "IMAP4rev1 AUTH=PLAIN",
        ("IMAP4rev1", "AUTH=PLAIN"),
    ),
    (b"* 12 EXISTS\r\n", "*", "EXISTS", "12", ()),
    (b"+ idling\r\n", "+", "", "idling", ()),
    (b"+\r\n", "+", "", "", ()),
    (b"a1 NO [ALERT] no\r\n", "a1", "NO", "no", ()),
    (b"* LIST () {3}\r\na1 OK\r\n", "*", "LIST", "() OK", ()),
    (b'* ID ("name" {12}\r\na1 OK done\r\n)\r\n', "*", "ID", '("name" )', ()),
    (b"* X {13}\r\nab\r\na1 OK x\r\n tail\r\n", "*", "X", "tail", ()),
    (b"* X {0}\r\n\r\n", "*", "X", "", ()),
    (b"* X {3+}\r\nabc~{2}\r\n\r\n tail\r\n", "*", "X", "tail", ()),
]


@pytest.mark.parametrize(("octets", "tag", "word", "text", "capabilities"), IMAP_RESPONSES)
def test_imap_responses_are_read(
    octets: bytes, tag: str, word: str, text: str, capabilities: tuple[str, ...]
) -> None:
    response = imap.parse_response(fed_every_way(octets, imap.ResponseEnd))
    assert (response.tag, response.word, response.text) == (tag, word, text)
    assert response.capabilities == capabilities
    assert response.problems == ()


@pytest.mark.parametrize(
    ("octets", "problem"),
    [
        (b"\r\n", imap.Problem.NO_TAG),
        (b"hello\r\n", imap.Problem.NO_TAG),
        (b"a1 MAYBE x\r\n", imap.Problem.NO_STATUS),
        (b"* OK x\n", imap.Problem.BARE_LF),
        (b"* OK \rx\r\n", imap.Problem.BARE_CR),
        (b"* OK x", imap.Problem.INCOMPLETE),
        (b"* X {10}\r\nabc\r\n", imap.Problem.INCOMPLETE),
        (b"* X {9999999999}\r\nabc\r\n", imap.Problem.INCOMPLETE),
    ],
)
def test_broken_imap_responses_say_so(octets: bytes, problem: imap.Problem) -> None:
    assert problem in imap.parse_response(split(octets)).problems


def test_an_imap_command_ends_at_its_tag_and_not_inside_a_literal() -> None:
    octets = b"* CAPABILITY IMAP4rev1\r\n* X {7}\r\nA1 OK\r\n\r\na2 OK other\r\nA1 ok done\r\n"
    lines = fed_every_way(octets, lambda: imap.CommandEnd(b"a1"))
    assert [each.tag for each in imap.parse_responses(lines)] == ["*", "*", "a2", "A1"]


def test_a_tagged_response_may_hold_a_literal() -> None:
    octets = b"a1 OK {6}\r\nx\r\ny\r\n\r\n"
    lines = fed_every_way(octets, lambda: imap.CommandEnd(b"a1"))
    assert [each.word for each in imap.parse_responses(lines)] == ["OK"]


POP3_RESPONSES = [
    (b"+OK ready <1896.697170952@dbc.mtview.ca.us>\r\n", False, "+OK", "", ()),
    (b"+OK\r\n", False, "+OK", "", ()),
    (b"-ERR [IN-USE] busy\r\n", False, "-ERR", "IN-USE", ()),
    (b"-ERR no CAPA\r\n", True, "-ERR", "", ()),
    (b"+OK list\r\nTOP\r\nSASL PLAIN\r\n.\r\n", True, "+OK", "", ("TOP", "SASL PLAIN")),
    (b"+OK\r\n..\r\n..x\r\n.\r\n", True, "+OK", "", (".", ".x")),
    (b"+OK\r\n.\r\n", True, "+OK", "", ()),
]


@pytest.mark.parametrize(("octets", "many", "status", "code", "lines"), POP3_RESPONSES)
def test_pop3_responses_are_read(
    octets: bytes, many: bool, status: str, code: str, lines: tuple[str, ...]
) -> None:
    response = pop3.parse_response(fed_every_way(octets, lambda: pop3.PopEnd(many)), many=many)
    assert (response.status, response.code, response.lines, response.problems) == (status, code, lines, ())


@pytest.mark.parametrize(
    ("octets", "many", "problem"),
    [
        (b"220 smtp here\r\n", False, pop3.Problem.NO_STATUS),
        (b"+ok x\r\n", False, pop3.Problem.LOWER_CASE),
        (b"+OK x\n", False, pop3.Problem.BARE_LF),
        (b"+OK \rx\r\n", False, pop3.Problem.BARE_CR),
        (b"+OK\r\nTOP\r\n", True, pop3.Problem.INCOMPLETE),
        (b"+OK", False, pop3.Problem.INCOMPLETE),
    ],
)
def test_broken_pop3_responses_say_so(octets: bytes, many: bool, problem: pop3.Problem) -> None:
    assert problem in pop3.parse_response(split(octets), many=many).problems


@pytest.mark.parametrize(
    ("greeting", "timestamp"),
    [
        (b"+OK <1.2@host> hi\r\n", "<1.2@host>"),
        (b"+OK <not a stamp> hi\r\n", ""),
        (b"+OK <no-at> hi\r\n", ""),
    ],
)
def test_an_apop_timestamp_has_an_at_sign(greeting: bytes, timestamp: str) -> None:
    assert pop3.parse_response([greeting], many=False).timestamp == timestamp


def test_a_line_longer_than_the_limit_comes_in_pieces_without_an_ending() -> None:
    lines = Lines()
    lines.feed(b"x" * (LONGEST_LINE + 10) + b"\r\n")
    assert lines.next() == b"x" * LONGEST_LINE
    assert lines.next() == b"x" * 10 + b"\r\n"
    exact = b"x" * (LONGEST_LINE - 2) + b"\r\n"
    lines.feed(exact)
    assert lines.next() == exact


def test_line_endings_are_told_apart() -> None:
    assert [has_bare_lf(line) for line in (b"a\r\n", b"a\n", b"a")] == [False, True, False]
    assert [has_bare_cr(line) for line in (b"a\r\n", b"a\r", b"a\rb\r\n", b"a\r\r\n")] == [
        False,
        False,
        True,
        True,
    ]
    assert [is_whole(line) for line in (b"a\r\n", b"a\n", b"a\r")] == [True, True, False]
    assert content(b"a\r\n") == content(b"a\n") == b"a"


PROTOCOL_LINES = st.lists(
    st.sampled_from(
        [
            b"220 x",
            b"220-x",
            b"250",
            b"5",
            b"+OK",
            b"-ERR",
            b".",
            b"..",
            b"a1 OK",
            b"* OK {3}",
            b"* X {99}",
            b"\x00\xff\r",
            b"",
        ]
    ).flatmap(lambda line: st.sampled_from([line + b"\r\n", line + b"\n", line])),
    max_size=12,
).map(b"".join)


@settings(max_examples=100)
@given(
    octets=st.one_of(st.binary(max_size=300), PROTOCOL_LINES), cuts=st.lists(st.integers(0, 300), max_size=6)
)
def test_nothing_raises_and_cuts_do_not_matter(octets: bytes, cuts: list[int]) -> None:
    edges = sorted({0, len(octets), *(min(cut, len(octets)) for cut in cuts)})
    pieces = [octets[start:stop] for start, stop in itertools.pairwise(edges)]
    ends: list[Callable[[], End]] = [
        smtp.SmtpEnd,
        imap.ResponseEnd,
        lambda: imap.CommandEnd(b"a1"),
        lambda: pop3.PopEnd(True),
    ]
    for end in ends:
        assert collected(pieces, end()) == collected([octets], end())
    lines = split(octets)
    assert b"".join(lines) == octets
    reply = smtp.parse_reply(lines)
    smtp.parse_ehlo(reply)
    assert reply.text.isprintable()
    assert len(imap.grouped(lines)) == len(imap.parse_responses(lines))
    assert pop3.parse_response(lines, many=True).text.isprintable()


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"-ERR [SYS/TEMP/DB] later\r\n", "SYS/TEMP"),
        (b"-ERR [in-use] locked\r\n", "IN-USE"),
        (b"-ERR [AUTH/x/y] no\r\n", "AUTH"),
        (b"-ERR [AUTHENTIC] no\r\n", "AUTHENTIC"),
        (b"-ERR [SYS] no\r\n", "SYS"),
        (b"-ERR no\r\n", ""),
    ],
)
def test_a_code_is_known_whatever_detail_it_adds(line: bytes, code: str) -> None:
    assert pop3.parse_response([line], many=False).known_code == code
