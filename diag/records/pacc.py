"""Digests of the configuration document for mail programs, published in the DNS (PACC draft)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re

from diag.model.frozen import frozen

from .tags import TagList

_VERSION = re.compile(r"v[ \t]*=[ \t]*UAAC1[ \t]*(?:;|\Z)")


@frozen
class PaccRecord:
    """One record at `_ua-auto-config`; `digest` is None where it is not one of SHA-256 in Base64."""

    text: str
    digest: bytes | None

    @classmethod
    def parse(cls, text: str) -> PaccRecord:
        """Read a record; use `is_pacc` to select records first. Never raises."""
        tags = TagList.parse(text)
        digest = None
        if (tags.get("a") or "").lower() == "sha256":
            try:
                digest = base64.b64decode(tags.get("d") or "", validate=True)
            except (binascii.Error, ValueError):  # the latter: beyond ASCII
                digest = None
        return cls(text, digest)

    def fits(self, body: bytes) -> bool:
        """Whether it is the digest of these octets."""
        return self.digest == hashlib.sha256(body).digest()


def is_pacc(text: str) -> bool:
    """Whether a TXT record is one of these: the version stands first."""
    return bool(_VERSION.match(text))


def pacc_record(body: bytes) -> str:
    """The record that fits a document."""
    return f"v=UAAC1; a=sha256; d={base64.b64encode(hashlib.sha256(body).digest()).decode()}"


def is_document(body: bytes) -> bool:
    """Whether these octets are a JSON object: many web hosts serve a page for every path."""
    if body.lstrip()[:1] != b"{":
        return False
    try:
        return isinstance(json.loads(body), dict)
    except (ValueError, RecursionError):
        return False
