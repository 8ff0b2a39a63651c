"""The certificates of a world: issued when first asked for, the same to everyone who asks again."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from .authority import Authority

_HASHES: dict[int, Callable[[bytes], str]] = {
    0: bytes.hex,
    1: lambda octets: hashlib.sha256(octets).hexdigest(),
    2: lambda octets: hashlib.sha512(octets).hexdigest(),
}
"""By matching type (RFC 6698 section 2.1.3)."""


@functools.lru_cache(maxsize=8)
def _authority(moment: datetime) -> Authority:
    """One authority for all worlds of a moment: keys take time."""
    return Authority(moment)


@functools.lru_cache(maxsize=512)
def _pem(moment: datetime, kind: str, names: tuple[str, ...]) -> bytes:
    return _authority(moment).issue(kind, names)


class Certificates:
    """What the hosts of a world serve at its moment."""

    def __init__(self, moment: datetime) -> None:
        self._moment = moment

    @property
    def root(self) -> bytes:
        """The PEM certificate that the world's clients trust."""
        return _authority(self._moment).root

    def pem(self, kind: str, names: tuple[str, ...]) -> bytes:
        """Key and chain, leaf first. Raises ValueError for an unknown kind."""
        return _pem(self._moment, kind, names)

    def tlsa(self, kind: str, names: tuple[str, ...], usage: int, selector: int, matching: int) -> str:
        """The fields of a TLSA record that fits (RFC 6698 section 2.1). Raises ValueError.

        Usages 1 and 3 are about the end-entity certificate, 0 and 2 about the last one of the chain.
        """
        if usage > 3 or selector > 1 or matching not in _HASHES:
            raise ValueError(f"no certificate fits TLSA {usage} {selector} {matching}")
        chain = x509.load_pem_x509_certificates(self.pem(kind, names))
        certificate = chain[0] if usage in (1, 3) else chain[-1]
        if selector:
            octets = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        else:
            octets = certificate.public_bytes(Encoding.DER)
        return f"{usage} {selector} {matching} {_HASHES[matching](octets)}"
