"""Asking for the roots of the authorities that issue mark certificates: a store of its own beside that for TLS."""

from __future__ import annotations

from typing import ClassVar

from diag.model.frozen import frozen

from .trust import TrustAnchors


@frozen
class MarkAnchors(TrustAnchors):
    """The roots of mark certificate authorities that bear one of these Names."""

    kind: ClassVar[str] = "mark-anchors"
