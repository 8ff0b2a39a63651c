"""The certificates of a world: issued when first asked for, the same to everyone who asks again."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.hazmat.primitives.serialization.pkcs7 import serialize_certificates

from .authority import Authority, Credentials
from .crl import FAULTS, revocation_list
from .marks import mark_certificate

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
    authority = _authority(moment)
    kinds = authority.kinds()
    if kind not in kinds:
        raise ValueError(f"no kind of certificate is called {kind!r}; known are {', '.join(kinds)}")
    found = kinds[kind](names[0])
    return found.pem if len(names) == 1 else _renamed(authority, kind, found, names).pem


@functools.lru_cache(maxsize=64)
def _staple(moment: datetime, pem: bytes, status: str) -> bytes:
    leaf = x509.load_pem_x509_certificates(pem)[0].public_bytes(Encoding.DER)
    return _authority(moment).staple(leaf, status)


@functools.lru_cache(maxsize=64)
def _revoked(moment: datetime, hosts: tuple[str, ...], fault: str) -> bytes:
    authority = _authority(moment)
    listed = [authority.listed(host).chain[0] for host in hosts]
    return revocation_list(authority, listed, **FAULTS[fault])


_FOR_SEVERAL = frozenset({"valid", "expired", "not_yet_valid", "no_intermediate", "with_root"})
"""Kinds that are the intermediate's work and have nothing wrong with their names."""


def _renamed(authority: Authority, kind: str, found: Credentials, names: tuple[str, ...]) -> Credentials:
    """The same credentials for more names than one."""
    if kind not in _FOR_SEVERAL:
        raise ValueError(f"a certificate of the kind {kind!r} is for one name only")
    leaf = x509.load_der_x509_certificate(found.chain[0])
    renamed = authority.issue(
        names[0],
        found.key,
        issuer=f"{authority.name} Intermediate",
        by=authority.intermediate_key,
        names=names,
        since=authority.moment - leaf.not_valid_before_utc,
        lasts=leaf.not_valid_after_utc - leaf.not_valid_before_utc,
    )
    return Credentials(found.key, (renamed, *found.chain[1:]))


class Certificates:
    """What the hosts of a world serve at its moment."""

    def __init__(self, moment: datetime) -> None:
        self.moment = moment

    @property
    def root(self) -> bytes:
        """The PEM certificate that the world's clients trust."""
        return _authority(self.moment).ca_pem

    def pem(self, kind: str, names: tuple[str, ...]) -> bytes:
        """Key and chain, leaf first. Raises ValueError for a kind that is unknown or cannot have these names."""
        return _pem(self.moment, kind, names)

    def chain(self, kind: str, names: tuple[str, ...]) -> tuple[bytes, ...]:
        """The certificates of it in DER, leaf first. Raises ValueError as `pem` does."""
        found = x509.load_pem_x509_certificates(self.pem(kind, names))
        return tuple(each.public_bytes(Encoding.DER) for each in found)

    def staple(self, kind: str, names: tuple[str, ...], status: str) -> bytes:
        """An OCSP response of the intermediate's (see Authority.staple); empty for no status."""
        return _staple(self.moment, self.pem(kind, names), status) if status else b""

    def issuer(self, form: str) -> bytes:
        """A certificate of the authority's as authorities serve them (RFC 5280 section 4.2.2.1)."""
        authority = _authority(self.moment)
        if form != "pkcs7":
            return {"intermediate": authority.intermediate, "root": authority.root}[form]
        both = [x509.load_der_x509_certificate(der) for der in (authority.root, authority.intermediate)]
        return serialize_certificates(both, Encoding.DER)

    def revoked(self, hosts: tuple[str, ...], fault: str = "") -> bytes:
        """The intermediate's list, on which certificates of the kind "listed" stand for these hosts."""
        return _revoked(self.moment, hosts, fault)

    def mark(self, kind: str, names: tuple[str, ...], logo: bytes) -> bytes:
        """A mark certificate and its issuer in PEM."""
        return mark_certificate(_authority(self.moment), kind, names, logo)

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
