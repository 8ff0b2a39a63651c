"""Asking a trust store for the roots that a chain could lead to, so that tapes hold only those."""

from __future__ import annotations

from typing import Any, ClassVar

from diag.model.frozen import frozen

from .probe import Impact, Probe


@frozen
class Anchors:
    """What a trust store holds of what was asked for."""

    store: str
    """Where the store lies; empty where there is none."""
    count: int
    """Certificates in the whole store; 0 means that nothing can be judged for trust."""
    roots: tuple[bytes, ...] = ()
    """In DER, those whose subject is one of the Names asked for, in the order of the store."""
    trouble: str = ""
    """Why the store could not be read; empty where it could."""


@frozen
class TrustAnchors(Probe[Anchors]):
    """The trust anchors that bear one of these Names (see diag.tls.chain.issuers_of)."""

    kind: ClassVar[str] = "trust-anchors"
    impact: ClassVar[Impact] = Impact.PASSIVE
    evidence: ClassVar[tuple[type[Any], ...]] = (Anchors,)

    issuers: tuple[bytes, ...]
    """Issuer Names in DER."""
