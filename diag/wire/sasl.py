"""The client's side of SASL mechanisms (RFC 4422): challenges go in, responses come out; nothing is sent here.

SCRAM is RFC 5802 with RFC 7677, its channel binding RFC 9266 and RFC 5929; the others are RFC 2195 (CRAM-MD5),
RFC 4616 (PLAIN), RFC 7628 (OAUTHBEARER), and two that never got beyond custom: LOGIN and XOAUTH2.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Collection, Generator, Mapping

from diag.model.frozen import frozen

PASSWORD_MECHANISMS = (
    "SCRAM-SHA-512-PLUS",
    "SCRAM-SHA-256-PLUS",
    "SCRAM-SHA-1-PLUS",
    "SCRAM-SHA-512",
    "SCRAM-SHA-256",
    "SCRAM-SHA-1",
    "CRAM-MD5",
    "PLAIN",
    "LOGIN",
)
"""What a password is used with, the best first: bound to the TLS connection, never shown, shown under TLS."""
TOKEN_MECHANISMS = ("OAUTHBEARER", "XOAUTH2")
"""What an access token is used with, the standard first."""
MOST_ITERATIONS = 1_000_000
"""More would be work for seconds that a stranger sets us; RFC 7677 section 4 asks for 4096 at least."""

SERVER_FIRST = ("LOGIN", "CRAM-MD5")
"""Mechanisms in which the server speaks first: there is no initial response."""

Responses = Generator[bytes, bytes, None]


class Broken(Exception):
    """The server did not keep to the mechanism, or could not prove itself: the login is given up."""


@frozen
class Binding:
    """What ties a login to its TLS connection (RFC 5056): the type's registered name, and the octets."""

    kind: str
    data: bytes


@frozen
class Credentials:
    """Who logs in: the name, and the password or access token, none of which is ever shown."""

    login: str
    secret: bytes
    nonce: str
    """Fresh, printable, without commas (RFC 5802 section 5.1)."""
    host: str = ""
    port: int = 0


class Sasl:
    """One exchange under way. `proven` tells whether the server has shown that it knows the password too."""

    def __init__(self, mechanism: str, who: Credentials, binding: Binding | None = None) -> None:
        """Raises KeyError for a mechanism that is not known, Broken where the name or secret cannot be said."""
        self.proven = False
        self.remark = ""
        """What the server gave as reason, safe to show."""
        self._steps = self._begun(mechanism.upper(), who, binding)
        next(self._steps)

    def answer(self, challenge: bytes) -> bytes | None:
        """The response to a challenge; None where the mechanism has nothing more to say. Raises Broken."""
        try:
            return self._steps.send(challenge)
        except StopIteration:
            return None

    def _begun(self, mechanism: str, who: Credentials, binding: Binding | None) -> Responses:
        match mechanism:
            case "PLAIN":
                return _plain(who)
            case "LOGIN":
                return _login(who)
            case "CRAM-MD5":
                return _cram_md5(who)
            case "OAUTHBEARER":
                return self._bearer(_oauthbearer(who), b"\x01")
            case "XOAUTH2":
                return self._bearer(_xoauth2(who), b"")
        bound = binding if mechanism.endswith("-PLUS") else None
        return self._scram(_HASHES[mechanism.removesuffix("-PLUS")], who, bound)

    def _scram(self, algorithm: str, who: Credentials, binding: Binding | None) -> Responses:
        """RFC 5802 section 3. Without a binding the flag is `n`, so that a server which offers more takes the login too;
        section 6 wants `y` of those who could bind, by which such a server would refuse it."""
        yield b""
        header = f"p={binding.kind},," if binding else "n,,"
        name = prepared(who.login).replace("=", "=3D").replace(",", "=2C")
        bare = f"n={name},r={who.nonce}"
        first = yield (header + bare).encode()
        told = _attributes(first)
        salt, iterations = _base64(told.get("s", "")), _number(told.get("i", ""))
        nonce = told.get("r", "")
        if not nonce.startswith(who.nonce) or nonce == who.nonce or not salt or "m" in told:
            raise Broken("the server's first message is not one of SCRAM")
        if not 1 <= iterations <= MOST_ITERATIONS:
            raise Broken(f"the server wants {iterations} rounds of hashing")
        bound = base64.b64encode(header.encode() + (binding.data if binding else b"")).decode()
        without_proof = f"c={bound},r={nonce}"
        said = ",".join((bare, first.decode("utf-8", "replace"), without_proof)).encode()
        secret = prepared(who.secret.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
        proof, signature = scram_proof(algorithm, secret, salt, iterations, said)
        last = yield f"{without_proof},p={base64.b64encode(proof).decode()}".encode()
        final = _attributes(last)
        if "v" not in final:
            self.remark = _word(final.get("e", ""))
            raise Broken(f"the server refuses the proof: {self.remark or 'without a reason'}")
        if not hmac.compare_digest(_base64(final["v"]), signature):
            raise Broken("the server does not know the password: its signature is wrong")
        self.proven = True
        yield b""

    def _bearer(self, message: bytes, dismissal: bytes) -> Responses:
        """A challenge after the token is the reason why it is not taken (RFC 7628 section 3.2.2)."""
        yield b""
        refusal = yield message
        self.remark = _status(refusal)
        yield dismissal


def usable(offered: Collection[str], *, token: bool, bindable: bool) -> tuple[str, ...]:
    """The mechanisms offered that one can log in with, the best first; `bindable`: there is a channel binding."""
    names = {name.upper() for name in offered}
    ours = TOKEN_MECHANISMS if token else PASSWORD_MECHANISMS
    return tuple(name for name in ours if name in names and (bindable or not name.endswith("-PLUS")))


def scram_proof(
    algorithm: str, secret: bytes, salt: bytes, iterations: int, said: bytes
) -> tuple[bytes, bytes]:
    """The client's proof and the server's signature over what both have said (RFC 5802 section 3)."""
    salted = hashlib.pbkdf2_hmac(algorithm, secret, salt, iterations)
    client_key = hmac.digest(salted, b"Client Key", algorithm)
    signature = hmac.digest(hashlib.new(algorithm, client_key).digest(), said, algorithm)
    proof = bytes(one ^ other for one, other in zip(client_key, signature, strict=True))
    server_key = hmac.digest(salted, b"Server Key", algorithm)
    return proof, hmac.digest(server_key, said, algorithm)


def prepared(text: str) -> str:
    """A name or password as SASLprep has it (RFC 4013); what it forbids is left as it is, for the server to judge."""
    if text.isascii():
        return text
    import stringprep  # rarely wanted, and a while to load
    import unicodedata

    mapped = "".join(
        " " if stringprep.in_table_c12(char) else char for char in text if not stringprep.in_table_b1(char)
    )
    return unicodedata.ucd_3_2_0.normalize("NFKC", mapped)


def _plain(who: Credentials) -> Responses:
    yield b""
    yield b"\0" + who.login.encode() + b"\0" + who.secret


def _login(who: Credentials) -> Responses:
    """Servers word their two questions as they like; the order is always the same."""
    yield b""
    yield who.login.encode()
    yield who.secret


def _cram_md5(who: Credentials) -> Responses:
    challenge = yield b""
    if not challenge:
        raise Broken("the server's challenge is empty")
    yield who.login.encode() + b" " + hmac.new(who.secret, challenge, "md5").hexdigest().encode()


def _oauthbearer(who: Credentials) -> bytes:
    name = who.login.replace("=", "=3D").replace(",", "=2C")
    place = f"host={who.host}\x01port={who.port}\x01" if who.host else ""
    return f"n,a={name},\x01{place}auth=Bearer ".encode() + who.secret + b"\x01\x01"


def _xoauth2(who: Credentials) -> bytes:
    return f"user={who.login}\x01auth=Bearer ".encode() + who.secret + b"\x01\x01"


def _attributes(message: bytes) -> Mapping[str, str]:
    """The comma-separated attributes of a SCRAM message, by their letter."""
    parts = message.decode("utf-8", "replace").split(",")
    return {part[0]: part[2:] for part in parts if part[1:2] == "="}


def _base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else 0


def _status(refusal: bytes) -> str:
    """The status of a bearer token's refusal."""
    import json

    try:
        told = json.loads(refusal)
    except (ValueError, RecursionError):
        return ""
    return _word(str(told.get("status", ""))) if isinstance(told, dict) else ""


def _word(text: str) -> str:
    """A reason as a plain word; anything else might be an echo of what we said."""
    return text if re.fullmatch(r"[A-Za-z0-9_-]{1,40}", text) else ""


_HASHES: Mapping[str, str] = {"SCRAM-SHA-1": "sha1", "SCRAM-SHA-256": "sha256", "SCRAM-SHA-512": "sha512"}
