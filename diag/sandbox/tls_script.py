"""A server's answer to a ClientHello, as described: whatever no library can be made to speak, up to where keys are needed.

Signatures and public keys in it are octets of the right length and nothing more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from diag.tls import groups as all_groups, schemes as all_schemes, suites as all_suites
from diag.tls.alerts import INAPPROPRIATE_FALLBACK, NO_APPLICATION_PROTOCOL, UNRECOGNIZED_NAME
from diag.tls.client_hello import RANDOM
from diag.tls.flight import (
    ALERT,
    CERTIFICATE,
    CERTIFICATE_REQUEST,
    DONE,
    HANDSHAKE,
    KEY_EXCHANGE,
    RETRY,
    SERVER_HELLO,
)
from diag.tls.octets import Octets
from diag.tls.offer import SSL2, SSL3, TLS10, TLS11, TLS12, TLS13, USUAL_GROUPS, USUAL_SCHEMES

VERSIONS = {
    "SSLv2": SSL2,
    "SSLv3": SSL3,
    "TLSv1": TLS10,
    "TLSv1.1": TLS11,
    "TLSv1.2": TLS12,
    "TLSv1.3": TLS13,
}
SERVER_NAMES = ("ignored", "required", "refused", "warned")
"""What becomes of server_name: without one it fails; any but none fails with unrecognized_name; that comes as a warning."""
LACKING = {"renegotiation_info": 0xFF01, "extended_master_secret": 23}
"""Extensions that a host may be without."""

_HANDSHAKE_FAILURE, _PROTOCOL_VERSION = 40, 70
_WARNING, _FATAL = 1, 2


@dataclass(frozen=True)
class TlsScript:
    """What a host says to the ClientHellos of offers; other clients meet its library."""

    versions: tuple[int, ...] = (TLS12, TLS13)
    suites: tuple[int, ...] = (0x1302, 0x1301, 0xC02C, 0xC030, 0xC02B, 0xC02F)
    """In its order of preference; SSL 2.0's among them."""
    groups: tuple[int, ...] = USUAL_GROUPS
    schemes: tuple[int, ...] = USUAL_SCHEMES
    stubborn: bool = False
    """It signs by the first of these, whatever was offered."""
    client_order: bool = False
    """The client's order of suites decides."""
    dh_bits: int = 2048
    compression: bool = False
    """DEFLATE is taken where it is offered."""
    lacks: tuple[str, ...] = ()
    """Keys of LACKING."""
    heartbeat: bool = False
    fallback_scsv: bool = True
    server_name: str = "ignored"
    default_certificate: str = ""
    """The kind of certificate for hellos without the host's own name; empty: the same as always."""
    refuses_alpn: bool = False
    """A protocol that it does not know is the end (RFC 7301 section 3.2)."""
    authorities: int | None = None
    """It asks for a client's certificate by so many authorities."""


def tls_script(table: Mapping[str, Any]) -> TlsScript:
    """A script from its table of TOML. Raises ValueError, KeyError, TypeError."""
    said = dict(table)
    for key, numbers in (
        ("versions", VERSIONS.__getitem__),
        ("suites", _suite),
        ("groups", _group),
        ("schemes", _scheme),
    ):
        if key in said:
            said[key] = tuple(numbers(name) for name in said[key])
    said["lacks"] = tuple(said.get("lacks", ()))
    for name in said["lacks"]:
        if name not in LACKING:
            raise ValueError(f"unknown extension {name!r}; known are {', '.join(LACKING)}")
    if said.get("server_name", "ignored") not in SERVER_NAMES:
        raise ValueError(f"unknown server_name; known are {', '.join(SERVER_NAMES)}")
    return TlsScript(**said)


def _suite(name: str) -> int:
    return _named(
        "suite", name, ((each.number, each.name, each.openssl) for each in all_suites.every().values())
    )


def _group(name: str) -> int:
    return _named(
        "group", name, ((each.number, each.name, each.openssl) for each in all_groups.every().values())
    )


def _scheme(name: str) -> int:
    return _named("scheme", name, ((each.number, each.name, "") for each in all_schemes.every().values()))


def _named(what: str, wanted: str, known: Iterable[tuple[int, str, str]]) -> int:
    for number, *names in known:
        if wanted in names:
            return number
    raise ValueError(f"unknown {what} {wanted!r}")


def is_offer(hello: bytes) -> bool:
    """Whether a hello is one of ours, and not that of a library."""
    return RANDOM[:16] in hello[:80] or hello[:1] >= b"\x80"


def answer(script: TlsScript, hello: bytes, chain: tuple[bytes, ...], default: tuple[bytes, ...]) -> bytes:
    """The octets of the answer; empty where the host closes without a word. `default` is for hellos without its name."""
    if hello[:1] >= b"\x80":
        return _ssl2(script, hello, chain)
    heard = _Hello(hello)
    version = max((v for v in script.versions if v in heard.versions), default=0)
    if version < SSL3:
        return _alert(_FATAL, _PROTOCOL_VERSION)
    if heard.fallback and script.fallback_scsv and max(script.versions) > max(heard.versions):
        return _alert(_FATAL, INAPPROPRIATE_FALLBACK)
    if script.server_name == "refused" and heard.name:
        return _alert(_FATAL, UNRECOGNIZED_NAME)
    if (script.server_name == "required" and not heard.name) or not heard.schemes_fit(script, version):
        return _alert(_FATAL, _HANDSHAKE_FAILURE)
    if script.refuses_alpn and 16 in heard.extensions:
        return _alert(_FATAL, NO_APPLICATION_PROTOCOL)
    suite = _chosen(script, heard, version)
    if suite is None:
        return _alert(_FATAL, _HANDSHAKE_FAILURE)
    warning = _alert(_WARNING, UNRECOGNIZED_NAME) if script.server_name == "warned" and heard.name else b""
    if version == TLS13:
        return warning + _server_13(script, heard, suite)
    other = not heard.name or heard.name.endswith(b".invalid")
    return warning + _server(script, heard, version, suite, default if other else chain)


class _Hello:
    """A ClientHello of ours."""

    def __init__(self, hello: bytes) -> None:
        octets = Octets(hello[9:])
        newest = octets.number(2)
        octets.take(32)
        octets.vector(1)
        self.suites = octets.numbers(2)
        self.compression = octets.vector(1)
        self.extensions = dict(octets.extensions())
        listed = Octets(self.extensions.get(43, b"")).numbers(1)
        self.versions = set(listed or range(SSL3, newest + 1))
        self.fallback = all_suites.FALLBACK_SCSV in self.suites
        self.groups = self._numbers(10)
        self.schemes = self._numbers(13)
        self.name = self.extensions.get(0, b"")[5:]
        shares, self.shares = Octets(Octets(self.extensions.get(51, b"")).vector(2)), set[int]()
        while len(shares) >= 4:
            self.shares.add(shares.number(2))
            shares.vector(2)

    def _numbers(self, extension: int) -> tuple[int, ...]:
        return Octets(self.extensions.get(extension, b"")).numbers(2)

    def schemes_fit(self, script: TlsScript, version: int) -> bool:
        """Whether the server can sign by what the client reads."""
        fits = not self.schemes or any(each in self.schemes for each in script.schemes)
        return version < TLS12 or script.stubborn or fits


def _chosen(script: TlsScript, heard: _Hello, version: int) -> int | None:
    able = (n for n in script.suites if n in heard.suites and _fits(n, script, heard, version))
    found = list(able)
    return min(found, key=heard.suites.index) if found and script.client_order else next(iter(found), None)


def _fits(number: int, script: TlsScript, heard: _Hello, version: int) -> bool:
    suite = all_suites.suite(number)
    if suite.tls13 != (version == TLS13) or (version < TLS12 and suite.made.mode in all_suites.AEAD_MODES):
        return False
    needs_group = suite.tls13 or suite.made.kx == "ECDHE"
    return not needs_group or not heard.groups or any(each in heard.groups for each in script.groups)


def _server_13(script: TlsScript, heard: _Hello, suite: int) -> bytes:
    group = next(each for each in script.groups if each in heard.groups)
    retry = group not in heard.shares
    share = group.to_bytes(2) + (b"" if retry else _vector(2, bytes(32)))
    extensions = _extension(43, TLS13.to_bytes(2)) + _extension(51, share)
    hello = TLS12.to_bytes(2) + (RETRY if retry else bytes(32)) + b"\0" + suite.to_bytes(2) + b"\0"
    return _record(TLS12, _message(SERVER_HELLO, hello + _vector(2, extensions)))


def _server(script: TlsScript, heard: _Hello, version: int, suite: int, chain: tuple[bytes, ...]) -> bytes:
    made = all_suites.suite(suite).made
    extensions = b""
    if "renegotiation_info" not in script.lacks and all_suites.RENEGOTIATION_INFO_SCSV in heard.suites:
        extensions += _extension(0xFF01, b"\0")
    if "extended_master_secret" not in script.lacks and 23 in heard.extensions:
        extensions += _extension(23, b"")
    if script.heartbeat and 15 in heard.extensions:
        extensions += _extension(15, b"\x01")
    deflate = script.compression and 1 in heard.compression
    hello = version.to_bytes(2) + bytes(32) + b"\0" + suite.to_bytes(2) + bytes((deflate,))
    messages = _message(
        SERVER_HELLO, hello + (_vector(2, extensions) if extensions and version > SSL3 else b"")
    )
    if made.auth != "anon":
        messages += _message(CERTIFICATE, _vector(3, b"".join(_vector(3, each) for each in chain)))
    messages += _key_exchange(script, heard, version, suite)
    if script.authorities is not None and made.auth != "anon":
        messages += _request(script.authorities, version)
    return _record(version, messages + _message(DONE, b""))


def _key_exchange(script: TlsScript, heard: _Hello, version: int, suite: int) -> bytes:
    made = all_suites.suite(suite).made
    if made.kx == "ECDHE":
        group = next(each for each in script.groups if each in heard.groups or not heard.groups)
        content = b"\x03" + group.to_bytes(2) + _vector(1, bytes(32))
    elif made.kx == "DHE":
        prime = ((1 << (script.dh_bits - 1)) | 1).to_bytes((script.dh_bits + 7) // 8)
        content = _vector(2, prime) + _vector(2, b"\x02") + _vector(2, prime[:-1] + b"\x02")
    elif made.kx == "RSA" and all_suites.suite(suite).export:
        content = _vector(2, b"\x80" + bytes(63)) + _vector(2, b"\1\0\1")
    else:
        return b""
    if made.auth != "anon":
        if version == TLS12:
            fitting = (each for each in script.schemes if script.stubborn or each in heard.schemes)
            content += next(fitting, script.schemes[0]).to_bytes(2)
        content += _vector(2, bytes(256))
    return _message(KEY_EXCHANGE, content)


def _request(authorities: int, version: int) -> bytes:
    names = b"".join(_vector(2, b"0" * 40) for _ in range(authorities))
    schemes = _vector(2, b"\x08\x04\x04\x01") if version == TLS12 else b""
    return _message(CERTIFICATE_REQUEST, _vector(1, b"\x01\x40") + schemes + _vector(2, names))


def _ssl2(script: TlsScript, hello: bytes, chain: tuple[bytes, ...]) -> bytes:
    if SSL2 not in script.versions:
        return b""
    octets = Octets(hello[5:])
    length = octets.number(2)
    octets.take(4)
    listed = Octets(octets.take(length))
    offered = [listed.number(3) for _ in range(len(listed) // 3)]
    kinds = b"".join(kind.to_bytes(3) for kind in script.suites if kind in offered)
    leaf = chain[0] if kinds else b""
    lengths = len(leaf).to_bytes(2) + len(kinds).to_bytes(2) + (16).to_bytes(2)
    message = b"\x04\x00" + bytes((bool(leaf),)) + SSL2.to_bytes(2) + lengths + leaf + kinds + bytes(16)
    return (0x8000 | len(message)).to_bytes(2) + message


def _alert(level: int, number: int) -> bytes:
    return bytes((ALERT,)) + TLS10.to_bytes(2) + b"\0\2" + bytes((level, number))


def _record(version: int, messages: bytes) -> bytes:
    """Records of up to 16 KiB (RFC 5246 section 6.2.1)."""
    most = 1 << 14
    pieces = (messages[at : at + most] for at in range(0, len(messages), most))
    return b"".join(bytes((HANDSHAKE,)) + version.to_bytes(2) + _vector(2, piece) for piece in pieces)


def _message(kind: int, content: bytes) -> bytes:
    return bytes((kind,)) + _vector(3, content)


def _extension(number: int, content: bytes) -> bytes:
    return number.to_bytes(2) + _vector(2, content)


def _vector(octets: int, content: bytes) -> bytes:
    return len(content).to_bytes(octets) + content
