"""Secrets are taken out of octets before these enter a transcript, also where a peer echoes them."""

from __future__ import annotations

import base64
import binascii
import re

REDACTED = b"[redacted]"
SHORTEST_SECRET = 4
"""Octets. Anything shorter would be found everywhere and would shred the transcript."""
LONGEST_ROUNDS = 10
"""Octets of an attribute of SCRAM that is no more than a number."""


class Redactor:
    """Hides credentials in what we say, remembers them, and hides them in what the peer says.

    `secrets` are those known beforehand; those in commands are learned as the commands go by.
    """

    def __init__(self, *secrets: bytes) -> None:
        self._secrets: set[bytes] = set()
        for secret in secrets:
            self._learn(secret)

    def ours(self, line: bytes, *, secret: bool = False) -> bytes:
        """Our line as it may be kept; `secret` marks a line that is nothing but a secret (SASL responses)."""
        if secret:
            body = line.rstrip(b"\r\n")
            self._learn(body)
            return REDACTED + line[len(body) :]
        for pattern in _CREDENTIALS:
            if found := pattern.match(line):
                self._learn(found["secret"])
                return line[: found.start("secret")] + REDACTED + line[found.end("secret") :]
        return self.theirs(line)

    def theirs(self, line: bytes, *, secret: bool = False) -> bytes:
        """The peer's line as it may be kept; of one that is `secret`, because private, nothing but its end is."""
        if secret:
            return REDACTED + line[len(line.rstrip(b"\r\n")) :]
        # The longest first, so that a secret inside another leaves nothing of the outer one.
        for known in sorted(self._secrets, key=len, reverse=True):
            line = line.replace(known, REDACTED)
        return line

    def challenge(self, line: bytes, begins: bytes) -> bytes:
        """A challenge of SASL as it may be kept: how it begins. The rest is remembered, as refusals may repeat it."""
        body = line.rstrip(b"\r\n")
        held = body[len(begins) :].strip()
        if not held:
            return self.theirs(line)
        self.hide(held)
        try:
            plain = base64.b64decode(held, validate=True)
        except (binascii.Error, ValueError):
            plain = b""
        self.hide(plain)
        for part in plain.split(b","):  # RFC 5802 section 5: nonce and salt; the rounds alone tell nothing
            if len(part) > LONGEST_ROUNDS:
                self.hide(part.partition(b"=")[2] or part)
        return begins.rstrip() + b" " + REDACTED + line[len(body) :]

    def hide(self, octets: bytes) -> None:
        """Keep octets, as they are and in base64, out of all lines that follow."""
        forms = (octets, base64.b64encode(octets))
        self._secrets |= {form for form in forms if len(form) >= SHORTEST_SECRET}

    def _learn(self, secret: bytes) -> None:
        forms = {secret, base64.b64encode(secret), secret.hex().encode()}
        if secret[:1] == secret[-1:] == b'"':
            forms.add(re.sub(rb"\\(.)", rb"\1", secret[1:-1]))  # IMAP quoted string, RFC 9051 section 4.3
            forms.add(secret[1:-1])
        try:
            plain = base64.b64decode(secret, validate=True)
        except (binascii.Error, ValueError):
            plain = b""
        forms.add(plain)
        # PLAIN ends in NUL and the password (RFC 4616); OAUTHBEARER and XOAUTH2 hold "Bearer " and the
        # token between octets 1 (RFC 7628 section 3.1).
        forms.add(plain.rpartition(b"\0")[2])
        forms |= {part.rpartition(b"earer ")[2] for part in plain.split(b"\x01") if b"earer " in part}
        self._secrets |= {form for form in forms if len(form) >= SHORTEST_SECRET}


_CREDENTIALS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rb"AUTH[ \t]+\S+[ \t]+(?P<secret>[^\r\n]+)",  # RFC 4954 section 4, RFC 5034 section 4
        rb"PASS[ \t](?P<secret>[^\r\n]+)",  # RFC 1939 section 7
        rb"APOP[ \t]+\S+[ \t]+(?P<secret>[^\r\n]+)",  # a digest that can be tried against word lists
        rb"\S+[ \t]+AUTHENTICATE[ \t]+\S+[ \t]+(?P<secret>[^\r\n]+)",  # RFC 4959 section 3
        rb'\S+[ \t]+LOGIN[ \t]+(?:"(?:[^"\\\r\n]|\\.)*"|[^ \t\r\n]+)[ \t]+(?P<secret>[^\r\n]+)',  # RFC 9051 section 6.2.3
    )
)
