"""Hosts from TOML: defaults, products, patches, and mistakes."""

import tomllib
from pathlib import Path

import pytest

from diag.sandbox.errors import BadWorld
from diag.sandbox.hosts import CertificateSpec, Document, Handshake, HostSpec, Kind, State, Tls
from diag.sandbox.hosts_file import Described, Endpoint, hosts, merged

PATH = Path("hosts.toml")
A, B = "192.0.2.1", "2001:db8::1"

BASE = f"""
[[host]]
address = ["{A}", "{B.upper()}"]
port = [25, 143]
name = "mx.a.example"
replies = {{ ehlo = ["250 mx"], "MAIL FROM:<>" = "550 5.7.1 no" }}
"""


def described(*tomls: str) -> Described:
    result: Described = {}
    for toml in tomls:
        result = merged(result, tomllib.loads(toml)["host"], PATH)
    return result


def read(*tomls: str) -> dict[Endpoint, HostSpec]:
    return hosts(described(*tomls), ("a.example",), PATH)


def test_a_table_stands_for_every_address_and_port_it_names() -> None:
    assert set(read(BASE)) == {(A, 25), (A, 143), (B, 25), (B, 143)}


@pytest.mark.parametrize(
    ("port", "kind", "tls", "submission"),
    [
        (25, Kind.SMTP, Tls.STARTTLS, False),
        (587, Kind.SMTP, Tls.STARTTLS, True),
        (465, Kind.SMTP, Tls.IMPLICIT, True),
        (143, Kind.IMAP, Tls.STARTTLS, False),
        (993, Kind.IMAP, Tls.IMPLICIT, False),
        (110, Kind.POP3, Tls.STARTTLS, False),
        (995, Kind.POP3, Tls.IMPLICIT, False),
        (443, Kind.HTTPS, Tls.IMPLICIT, False),
        (80, Kind.HTTPS, Tls.NONE, False),
    ],
)
def test_a_standard_port_needs_no_more_words(port: int, kind: Kind, tls: Tls, submission: bool) -> None:
    (host,) = read(f'[[host]]\naddress = "{A}"\nport = {port}\n').values()
    assert (host.protocol, host.tls, host.submission) == (kind, tls, submission)
    assert host.names == (f"[{A}]",)


def test_every_key_reaches_the_host() -> None:
    (host,) = read(f"""
    [[host]]
    address = "{A}"
    port = 2500
    protocol = "smtp"
    tls = "none"
    name = "mx.a.example"
    state = "filtered"
    certificate = {{ kind = "expired", names = ["b.example"] }}
    min_version = "TLSv1"
    max_version = "TLSv1.1"
    domains = ["b.example"]
    mailboxes = ["*"]
    submission = true
    greeting = "220 hi"
    keywords = ["SIZE"]
    keywords_tls = []
    replies = {{ ehlo = ["250 mx"] }}
    replies_tls = {{ rcpt = "451 4.7.1 later" }}
    delay_ms = 5
    silent_after = 0
    handshake = "stall"
    [host.documents]
    "/a" = "text"
    "/b" = {{ body = "<x/>", status = 302, type = "text/xml", location = "/a" }}
    """).values()
    assert (host.protocol, host.tls, host.state) == (Kind.SMTP, Tls.NONE, State.FILTERED)
    assert host.certificate == CertificateSpec("expired", ("b.example",))
    assert host.names == ("b.example",)
    assert (host.min_version, host.max_version) == ("TLSv1", "TLSv1.1")
    assert (host.domains, host.mailboxes, host.submission) == (("b.example",), ("*",), True)
    assert (host.greeting, host.keywords, host.keywords_tls) == (("220 hi",), ("SIZE",), ())
    assert (host.replies, host.replies_tls) == ({"EHLO": ("250 mx",)}, {"RCPT": ("451 4.7.1 later",)})
    assert (host.quirks.delay_ms, host.quirks.silent_after) == (5, 0)
    assert host.quirks.handshake is Handshake.STALL
    assert host.documents == {"/a": Document("text"), "/b": Document("<x/>", 302, "text/xml", "/a")}


def test_a_patch_changes_the_keys_it_names_at_one_endpoint() -> None:
    found = read(BASE, f'[[host]]\naddress = "{A}"\nport = 25\ngreeting = "421 busy"\n')
    assert found[A, 25].greeting == ("421 busy",)
    assert found[A, 25].name == "mx.a.example"
    assert found[B, 25].greeting is None


def test_a_patch_adds_to_replies_and_replaces_those_it_names() -> None:
    found = read(
        BASE, f'[[host]]\naddress = "{A}"\nport = 25\nreplies = {{ ehlo = "502 no", RCPT = "450 later" }}\n'
    )
    assert found[A, 25].replies == {"EHLO": ("250 mx",), "MAIL FROM:<>": ("550 5.7.1 no",)} | {
        "EHLO": ("502 no",),
        "RCPT": ("450 later",),
    }


@pytest.mark.parametrize(
    ("patch", "changed"),
    [
        (f'address = "{A}"', {(A, 25), (A, 143)}),
        ("port = 25", {(A, 25), (B, 25)}),
        ("", {(A, 25), (A, 143), (B, 25), (B, 143)}),
    ],
)
def test_what_a_patch_leaves_out_means_every_one(patch: str, changed: set[Endpoint]) -> None:
    found = read(BASE, f'[[host]]\n{patch}\nstate = "refused"\n')
    assert {endpoint for endpoint, host in found.items() if host.state is State.REFUSED} == changed


def test_absent_takes_hosts_away() -> None:
    assert set(read(BASE, "[[host]]\nport = 143\nabsent = true\n")) == {(A, 25), (B, 25)}


def test_what_every_second_connection_meets_is_a_patch() -> None:
    found = read(
        BASE,
        '[[host]]\nport = 25\ntls = "none"\nsecond = { tls = "starttls", replies = { rcpt = "450 x" } }\n',
    )
    first = found[A, 25]
    assert first.second is not None
    assert [first.turn(before).tls for before in range(3)] == [Tls.NONE, Tls.STARTTLS, Tls.NONE]
    assert first.second.name == "mx.a.example"
    assert set(first.second.replies) == {"EHLO", "MAIL FROM:<>", "RCPT"}
    assert "RCPT" not in first.replies
    assert found[A, 143].turn(1) is found[A, 143]


@pytest.mark.parametrize(
    ("toml", "fault"),
    [
        ('address = "192.0.2.1"\nport = 25\nsecond = { state = "refused" }', "second: unknown key 'state'"),
        ('address = "192.0.2.1"\nport = 25\nsecond = { certificate = { sort = "x" } }', "sort"),
        (
            'address = "192.0.2.1"\nport = 25\ngreetin = "x"',
            "hosts.toml, host 1: unknown key 'greetin'; 'greeting' is one",
        ),
        ('address = "192.0.2.256"\nport = 25', "hosts.toml, host 1: '192.0.2.256'"),
        ('address = "192.0.2.1"', "address and port are needed"),
        ('address = "192.0.2.1"\nport = 25\nabsent = true', "nothing to remove at 192.0.2.1 port 25"),
        ('address = "192.0.2.1"\nport = 24', "host 192.0.2.1 port 24: protocol and tls are needed"),
        ('address = "192.0.2.1"\nport = 25\ntls = "always"', "'always' is not a valid Tls"),
        ('address = "192.0.2.1"\nport = 25\nmax_version = "TLS1.2"', "unknown TLS version 'TLS1.2'"),
        ('address = "192.0.2.1"\nport = 25\nhandshake = "x"', "'x' is not a valid Handshake"),
        ('address = "192.0.2.1"\nport = 25\ncertificate = { sort = "x" }', "sort"),
    ],
)
def test_a_mistake_is_named_with_its_place(toml: str, fault: str) -> None:
    with pytest.raises(BadWorld) as caught:
        read(f"[[host]]\n{toml}\n")
    assert fault in str(caught.value)
