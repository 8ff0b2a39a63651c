"""Logins at scripted hosts: the server's side of SASL mechanisms, answer by answer.

A token is looked up where passwords are: whoever may log in has one secret here.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from collections.abc import Generator, Mapping

from diag.wire.sasl import scram_proof

CHALLENGE = b"<1896.697170952@sandbox.example>"
SALT, ROUNDS, NONCE = b"salt of the sandbox", 4096, "sandbox"
INVALID_TOKEN = b'{"status":"invalid_token"}'

Steps = Generator[bytes, bytes, str]
"""Challenges go out, answers come in; in the end the name, empty where nobody may log in."""


class Login:
    """One login under way; fed what the client answers to each challenge."""

    def __init__(self, mechanism: str, logins: Mapping[str, str], binding: tuple[bytes, ...] = ()) -> None:
        """`binding` is the channel binding of the TLS connection, its type's name and octets."""
        self._logins = logins
        self._steps = self._begun(mechanism.upper(), binding)
        self._challenge = next(self._steps)

    @property
    def challenge(self) -> str:
        """What is asked next, in Base64; empty where the client speaks first."""
        return base64.b64encode(self._challenge).decode()

    def answer(self, line: str) -> str | None:
        """Who has logged in, empty where nobody may; None where there is something to ask yet."""
        try:
            self._challenge = self._steps.send(base64.b64decode(line.strip(), validate=True))
        except StopIteration as over:
            return str(over.value)
        except (binascii.Error, ValueError):
            return ""
        return None

    def known(self, name: str, secret: str) -> str:
        """The name, where the password is the right one; else empty."""
        return name if self._logins.get(name) == secret else ""

    def _begun(self, mechanism: str, binding: tuple[bytes, ...]) -> Steps:
        match mechanism:
            case "LOGIN":
                return self._login()
            case "CRAM-MD5":
                return self._cram_md5()
            case "OAUTHBEARER" | "XOAUTH2":
                return self._bearer()
            case _ if mechanism.startswith("SCRAM-"):
                plus = mechanism.endswith("-PLUS")
                return self._scram(_HASHES[mechanism.removesuffix("-PLUS")], binding if plus else ())
            case _:
                return self._plain()

    def _plain(self) -> Steps:
        _, name, secret = [*(yield b"").decode().split("\0"), "", ""][:3]
        return self.known(name, secret)

    def _login(self) -> Steps:
        name = (yield b"Username:").decode()
        return self.known(name, (yield b"Password:").decode())

    def _cram_md5(self) -> Steps:
        name, _, digest = (yield CHALLENGE).decode().rpartition(" ")
        wanted = hmac.new(self._logins.get(name, "").encode(), CHALLENGE, "md5").hexdigest()
        return name if name in self._logins and hmac.compare_digest(digest, wanted) else ""

    def _bearer(self) -> Steps:
        said = (yield b"").decode()
        name = re.search(r"(?:a=|user=)([^,\x01]+)", said)
        token = re.search(r"auth=Bearer ([^\x01]+)\x01", said)
        if name and token and self.known(name[1], token[1]):
            return name[1]
        yield INVALID_TOKEN
        return ""

    def _scram(self, algorithm: str, binding: tuple[bytes, ...]) -> Steps:
        first = (yield b"").decode()
        flag, _, bare = first.split(",", 2)
        fields = dict(part.split("=", 1) for part in bare.split(","))
        name = fields["n"].replace("=2C", ",").replace("=3D", "=")
        nonce = fields["r"] + NONCE
        asked = f"r={nonce},s={base64.b64encode(SALT).decode()},i={ROUNDS}"
        last = (yield asked.encode()).decode()
        without_proof, _, proof = last.rpartition(",p=")
        header = f"{flag},,".encode() + (binding[1] if binding else b"")
        bound = f"p={binding[0].decode()}" == flag if binding else flag in ("n", "y")
        said = ",".join((bare, asked, without_proof)).encode()
        secret = self._logins.get(name, "").encode()
        wanted, signature = scram_proof(algorithm, secret, SALT, ROUNDS, said)
        good = without_proof == f"c={base64.b64encode(header).decode()},r={nonce}" and bound
        if not good or name not in self._logins or base64.b64decode(proof) != wanted:
            return ""
        yield b"v=" + base64.b64encode(signature)
        return name


_HASHES = {"SCRAM-SHA-1": "sha1", "SCRAM-SHA-256": "sha256", "SCRAM-SHA-512": "sha512"}
