"""The signature schemes of TLS: by which key and hash a server proves, in a handshake, who it is.

As registered with IANA in November 2026 ("TLS SignatureScheme"); the pairs of hash and signature of TLS 1.2 that the
registry reserves (RFC 5246 section 7.4.1.4.1) are named after them.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from diag.model.frozen import frozen


@frozen
class Scheme:
    """One signature scheme."""

    number: int
    name: str
    """As registered with IANA."""
    key: str
    """The kind of key: "RSA", "RSA-PSS" (keys for that alone), "ECDSA", "DSA", "EdDSA", "ML-DSA", and rarer ones."""
    hash: str
    """"MD5", "SHA1", "SHA224", "SHA256", …; "" where the scheme has one of its own."""

    @property
    def weak_hash(self) -> bool:
        """Whether signatures by it must not be made any more (RFC 9155 section 4)."""
        return self.hash in WEAK_HASHES

    @property
    def pss(self) -> bool:
        """Whether RSA signs with a random padding, the only one that TLS 1.3 takes (RFC 8446 section 4.2.3)."""
        return self.name.startswith("rsa_pss_")

    def __str__(self) -> str:
        return self.name


WEAK_HASHES = frozenset({"MD5", "SHA1"})

_NUMBERED = """
0101 rsa_pkcs1_md5 RSA MD5
0102 dsa_md5 DSA MD5
0103 ecdsa_md5 ECDSA MD5
0201 rsa_pkcs1_sha1 RSA SHA1
0202 dsa_sha1 DSA SHA1
0203 ecdsa_sha1 ECDSA SHA1
0301 rsa_pkcs1_sha224 RSA SHA224
0302 dsa_sha224 DSA SHA224
0303 ecdsa_sha224 ECDSA SHA224
0401 rsa_pkcs1_sha256 RSA SHA256
0402 dsa_sha256 DSA SHA256
0403 ecdsa_secp256r1_sha256 ECDSA SHA256
0420 rsa_pkcs1_sha256_legacy RSA SHA256
0501 rsa_pkcs1_sha384 RSA SHA384
0502 dsa_sha384 DSA SHA384
0503 ecdsa_secp384r1_sha384 ECDSA SHA384
0520 rsa_pkcs1_sha384_legacy RSA SHA384
0601 rsa_pkcs1_sha512 RSA SHA512
0602 dsa_sha512 DSA SHA512
0603 ecdsa_secp521r1_sha512 ECDSA SHA512
0620 rsa_pkcs1_sha512_legacy RSA SHA512
0704 eccsi_sha256 ECCSI SHA256
0708 sm2sig_sm3 SM2 SM3
0709 gostr34102012_256a GOST -
070A gostr34102012_256b GOST -
070B gostr34102012_256c GOST -
070C gostr34102012_256d GOST -
070D gostr34102012_512a GOST -
070E gostr34102012_512b GOST -
070F gostr34102012_512c GOST -
0804 rsa_pss_rsae_sha256 RSA SHA256
0805 rsa_pss_rsae_sha384 RSA SHA384
0806 rsa_pss_rsae_sha512 RSA SHA512
0807 ed25519 EdDSA -
0808 ed448 EdDSA -
0809 rsa_pss_pss_sha256 RSA-PSS SHA256
080A rsa_pss_pss_sha384 RSA-PSS SHA384
080B rsa_pss_pss_sha512 RSA-PSS SHA512
081A ecdsa_brainpoolP256r1tls13_sha256 ECDSA SHA256
081B ecdsa_brainpoolP384r1tls13_sha384 ECDSA SHA384
081C ecdsa_brainpoolP512r1tls13_sha512 ECDSA SHA512
0904 mldsa44 ML-DSA -
0905 mldsa65 ML-DSA -
0906 mldsa87 ML-DSA -
"""


def scheme(number: int) -> Scheme:
    """The scheme of a number; one that nobody had registered is named after it."""
    return every().get(number) or Scheme(number, f"0x{number:04X}", "", "")


@cache
def every() -> Mapping[int, Scheme]:
    """All schemes by number."""
    known = {}
    for row in _NUMBERED.strip().split("\n"):
        number, name, key, digest = row.split()
        known[int(number, 16)] = Scheme(int(number, 16), name, key, "" if digest == "-" else digest)
    return known
