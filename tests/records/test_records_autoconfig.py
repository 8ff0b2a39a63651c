"""Client configuration documents: servers as told, hostile XML refused."""

from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from diag.records.autoconfig import MOST_OCTETS, ClientConfig, ConfigProblem, ConfiguredServer

INCOMING = """<incomingServer type="imap">
      <hostname>imap.%EMAILDOMAIN%</hostname><port>993</port><socketType>SSL</socketType>
      <username>%EMAILADDRESS%</username><authentication>OAuth2</authentication>
      <authentication>password-cleartext</authentication><password ><x/></password>
    </incomingServer>"""
OUTGOING = """<outgoingServer type="smtp"><hostname>smtp.example.net</hostname>
      <port>587</port><socketType>STARTTLS</socketType></outgoingServer>"""


def document(*parts: str) -> bytes:
    inner = "".join(parts)
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<clientConfig version="1.1"><emailProvider id="example.net"><domain>example.net</domain>
{inner}</emailProvider><clientConfigUpdate url="x"/></clientConfig>""".encode()


def problems(octets: bytes) -> list[ConfigProblem]:
    return [defect.problem for defect in ClientConfig.parse(octets).defects]


def test_a_good_document() -> None:
    config = ClientConfig.parse(document(INCOMING, OUTGOING))
    assert config.domains == ("example.net",)
    assert config.incoming == (
        ConfiguredServer(
            "imap", "imap.%EMAILDOMAIN%", 993, "SSL", ("OAuth2", "password-cleartext"), "%EMAILADDRESS%", 3
        ),
    )
    assert [(server.host, server.port, server.socket_type) for server in config.outgoing] == [
        ("smtp.example.net", 587, "STARTTLS")
    ]
    assert config.defects == ()
    assert config.is_usable
    assert not config.is_html


def test_servers_on_the_web_have_an_address_in_place_of_host_and_port() -> None:
    jmap = '<incomingServer type="jmap"><url>https://jmap.example.net/session</url></incomingServer>'
    graph = '<outgoingServer type="smtp"><url>http://insecure.example.net/</url></outgoingServer>'
    config = ClientConfig.parse(document(jmap))
    assert [server.url for server in config.incoming] == ["https://jmap.example.net/session"]
    assert config.is_usable
    assert problems(document(jmap)) == [ConfigProblem.NO_OUTGOING]
    assert ConfigProblem.HOST_MISSING in problems(document(jmap, graph))


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        (document(INCOMING), [ConfigProblem.NO_OUTGOING]),
        (document(OUTGOING), [ConfigProblem.NO_INCOMING]),
        (document(INCOMING.replace('"imap"', '"x400"'), OUTGOING), [ConfigProblem.TYPE_UNKNOWN]),
        (document(INCOMING.replace("imap.%EMAILDOMAIN%", ""), OUTGOING), [ConfigProblem.HOST_MISSING]),
        (document(INCOMING.replace("imap.%", "https://imap.%"), OUTGOING), [ConfigProblem.HOST_INVALID]),
        (document(INCOMING.replace("993", "99399"), OUTGOING), [ConfigProblem.PORT_INVALID]),
        (document(INCOMING.replace("993", "٩٩٣"), OUTGOING), [ConfigProblem.PORT_INVALID]),
        (document(INCOMING.replace("SSL", "TLS"), OUTGOING), [ConfigProblem.SOCKET_UNKNOWN]),
        (document(INCOMING, OUTGOING, "&amp"), [ConfigProblem.BROKEN_XML]),
        (b"", [ConfigProblem.BROKEN_XML]),
        (b"{}", [ConfigProblem.BROKEN_XML]),
        (b'<?xml version="1.0" encoding="no-such"?><clientConfig/>', [ConfigProblem.BROKEN_XML]),
        (b'<?xml version="1.0" encoding="big5"?><clientConfig/>', [ConfigProblem.BROKEN_XML]),
        (b"<autodiscover/>", [ConfigProblem.NOT_A_CONFIG]),
        (b"<clientConfig>" * 40, [ConfigProblem.TOO_DEEP]),
        (b"<clientConfig/>" + b" " * MOST_OCTETS, [ConfigProblem.TOO_LONG]),
        (b'<!DOCTYPE c [<!ENTITY a "aaaa">]><clientConfig>&a;</clientConfig>', [ConfigProblem.DTD_REFUSED]),
        (b'<!DOCTYPE c SYSTEM "http://h.example/x.dtd"><clientConfig/>', [ConfigProblem.DTD_REFUSED]),
        (document("&undeclared;"), [ConfigProblem.BROKEN_XML]),
    ],
)
def test_what_is_wrong(octets: bytes, expected: list[ConfigProblem]) -> None:
    assert [problem for problem in problems(octets) if problem in expected] == expected
    fatal = {"broken-xml", "dtd-refused", "not-a-config", "too-deep", "too-long"}
    if expected[0] in fatal:
        assert not ClientConfig.parse(octets).is_usable
    else:
        assert problems(octets) == expected


def test_too_many_servers() -> None:
    assert problems(document(INCOMING * 101)) == [ConfigProblem.TOO_MANY, ConfigProblem.NO_OUTGOING]


@pytest.mark.parametrize(
    "page", [b"<!doctype HTML><p>hi", b"\xef\xbb\xbf \n<html lang=x>", b"<!-- x --><html>"]
)
def test_web_pages_are_told_apart(page: bytes) -> None:
    config = ClientConfig.parse(page)
    assert config.is_html
    assert not config.is_usable


@settings(max_examples=100)
@given(st.binary() | st.tuples(st.integers(0, 900), st.binary(max_size=9)))
def test_nothing_raises(junk: bytes | tuple[int, bytes]) -> None:
    if isinstance(junk, tuple):
        good = document(INCOMING, OUTGOING)
        junk = good[: junk[0]] + junk[1] + good[junk[0] :]
    config = ClientConfig.parse(junk)
    assert config.defects or config.is_usable


def test_the_published_collection_is_read_whole(conformance: Path) -> None:
    documents = sorted((conformance / "autoconfig-ispdb").glob("*.xml"))
    assert len(documents) == 88
    for path in documents:
        config = ClientConfig.parse(path.read_bytes())
        assert config.incoming, path.name
        assert config.outgoing, path.name
        assert config.domains, path.name
        assert config.is_usable, path.name
        assert config.defects == (), (path.name, config.defects)
        assert all(server.authentication for server in config.incoming), path.name
