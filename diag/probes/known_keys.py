"""Asking a list on this machine whether somebody else has the private key to a public one."""

from __future__ import annotations

from typing import Any, ClassVar

from diag.model.frozen import frozen

from .probe import Impact, Probe


@frozen
class KeyListing:
    """What the list says; of no list, nothing."""

    consulted: bool = False
    """Whether there is a list. Where there is none nothing is known, and nothing is missing."""
    listed: str = ""
    """The part of the list on which the key stands, in its own words, such as "debianssl"; empty where on none."""
    trouble: str = ""
    """Why a list that is there could not be asked."""


@frozen
class KnownKey(Probe[KeyListing]):
    """Whether a public key stands on the blocklist of badkeys, where its user has installed that and fetched it.

    `number` is what identifies a key there: the modulus (RSA), x (EC) or the octets of the key (Ed25519 and
    its kin), most significant octet first, without leading zeros.
    """

    kind: ClassVar[str] = "known-key"
    impact: ClassVar[Impact] = Impact.PASSIVE
    evidence: ClassVar[tuple[type[Any], ...]] = (KeyListing,)

    number: bytes
