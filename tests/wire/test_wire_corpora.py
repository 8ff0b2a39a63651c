"""Octets that real servers sent, collected by others: everything parses to the end."""

from __future__ import annotations

import base64
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from diag.wire import imap, pop3, smtp
from diag.wire.introduction import named_host
from diag.wire.lines import split

DATA = Path(os.environ.get("MAILDIAG_DATA") or Path(__file__).parents[3] / "shared" / "data")
MAILKIT = DATA / "transcripts-mailkit"
RECOG = DATA / "banners-recog"
needs_data = pytest.mark.skipif(
    not DATA.is_dir(), reason=f"no third-party data at {DATA} (set MAILDIAG_DATA)"
)

EXPECTED: dict[str, dict[str, Any]] = (
    json.loads((MAILKIT / "expected.json").read_text("utf-8")) if MAILKIT.is_dir() else {}
)


def crlf(octets: bytes) -> bytes:
    return re.sub(rb"\r?\n", b"\r\n", octets)


def files() -> list[Path]:
    return sorted(path for path in MAILKIT.glob("*/**/*") if path.is_file())


def smtp_replies(lines: list[bytes]) -> list[smtp.Reply]:
    found: list[smtp.Reply] = []
    current: list[bytes] = []
    end = smtp.SmtpEnd()
    for line in lines:
        current.append(line)
        if end.feed(line):
            found.append(smtp.parse_reply(current))
            current, end = [], smtp.SmtpEnd()
    return found + ([smtp.parse_reply(current)] if current else [])


def pop3_responses(lines: list[bytes]) -> list[pop3.Response]:
    """As many responses as there are; whether one has many lines is not told, so a lone dot decides."""
    many = b".\r\n" in lines
    found: list[pop3.Response] = []
    current: list[bytes] = []
    end = pop3.PopEnd(many)
    for line in lines:
        current.append(line)
        if end.feed(line):
            found.append(pop3.parse_response(current, many=many))
            current, end = [], pop3.PopEnd(many)
    return found + ([pop3.parse_response(current, many=many)] if current else [])


@needs_data
def test_the_set_is_whole() -> None:
    assert len(files()) == 236
    assert len(EXPECTED) == 206


@needs_data
@pytest.mark.parametrize("path", files(), ids=lambda path: str(path.relative_to(MAILKIT)))
def test_mailkit_transcripts_parse_to_the_end(path: Path) -> None:
    octets = crlf(path.read_bytes())
    name = str(path.relative_to(MAILKIT))
    expected = EXPECTED.get(name, {})
    lines = split(octets)
    if name.startswith("smtp/"):
        replies = smtp_replies(lines)
        assert all(reply.complete for reply in replies)
        assert (replies[0].code, len(replies)) == (expected["code"], expected["replies"])
        if "extensions" in expected:
            offered = smtp.parse_ehlo(replies[0]).offered
            assert [each.line for each in offered] == expected["extensions"]
    elif name.startswith("pop3/"):
        responses = pop3_responses(lines)
        assert all(response.complete for response in responses)
        assert expected.get("status", responses[0].status) == responses[0].status
        if "capabilities" in expected:
            assert list(responses[0].lines) == expected["capabilities"]
    else:
        answers = imap.parse_responses(lines)
        assert sum(len(group) for group in imap.grouped(lines)) == len(lines)
        if not expected:  # a message of its own, no answer of a server
            return
        tagged = [
            each.word for each in answers if each.tagged and imap.Problem.NO_STATUS not in each.problems
        ]
        assert tagged == expected.get("tagged", [])
        assert expected.get("greeting", answers[0].word) == answers[0].word
        if "capabilities" in expected:
            named = [capability for each in answers for capability in each.capabilities]
            assert list(dict.fromkeys(named)) == expected["capabilities"]


NO_DNS_NAME = {
    "FooBar R45 Server/Foo Bar/US": "out of scope: a Lotus Notes name with spaces, which is no host name",
}
ISSUERS = 23
"""Examples of the set that are certificate issuers and no greetings."""
PREFIX = {"smtp": b"220 ", "pop": b"+OK ", "imap": b"* OK "}


def banners() -> list[tuple[str, bytes, dict[str, str]]]:
    found = []
    for path in sorted(RECOG.glob("*.json")):
        if path.stem == "x509_issuers":
            continue  # certificate issuers, no greetings
        for entry in json.loads(path.read_text("utf-8")):
            for example in entry["examples"]:
                text = example["text"]
                octets = base64.b64decode(text) if example.get("encoding") == "base64" else text.encode()
                found.append((path.stem.partition("_")[0], octets, example.get("expect", {})))
    return found


@needs_data
def test_every_banner_is_there() -> None:
    assert len(banners()) == 154 - ISSUERS


@needs_data
@pytest.mark.parametrize(("protocol", "text", "expect"), banners())
def test_recog_greetings_parse(protocol: str, text: bytes, expect: dict[str, str]) -> None:
    prefix = PREFIX[protocol]
    if protocol == "smtp":
        reply = smtp.parse_reply([prefix + text + b"\r\n"])
        assert (reply.code, reply.complete) == (220, True)
        said = reply.text
    elif protocol == "pop":
        response = pop3.parse_response([prefix + text + b"\r\n"], many=False)
        assert (response.status, response.complete) == ("+OK", True)
        said = response.text
    else:
        greeting = imap.parse_response([prefix + text + b"\r\n"])
        assert (greeting.tag, greeting.word, greeting.problems) == ("*", "OK", ())
        said = greeting.text
    host = expect.get("host.name", "").strip("()")
    if host and host not in NO_DNS_NAME:
        assert named_host(said) == host
