"""Logins at scripted hosts: PLAIN and LOGIN, answer by answer (RFC 4616, RFC 4954)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping


class Login:
    """One login under way; fed what the client answers to each challenge."""

    def __init__(self, mechanism: str, logins: Mapping[str, str]) -> None:
        self._mechanism = mechanism.upper()
        self._logins = logins
        self._answers: list[str] = []

    @property
    def challenge(self) -> str:
        """What is asked next, in Base64; empty for PLAIN."""
        if self._mechanism != "LOGIN":
            return ""
        return base64.b64encode(b"Password:" if self._answers else b"Username:").decode()

    def answer(self, line: str) -> str | None:
        """Who has logged in, empty where nobody may; None where there is something to ask yet."""
        try:
            self._answers.append(base64.b64decode(line.strip(), validate=True).decode())
        except (binascii.Error, ValueError):
            return ""
        if self._mechanism == "LOGIN":
            if len(self._answers) < 2:
                return None
            name, secret = self._answers
        else:
            _, name, secret = [*self._answers[0].split("\0"), "", ""][:3]
        return self.known(name, secret)

    def known(self, name: str, secret: str) -> str:
        """The name, where the password is the right one; else empty."""
        return name if self._logins.get(name) == secret else ""
