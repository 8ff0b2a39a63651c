"""The groups in which TLS agrees on keys: elliptic curves, finite fields, and what withstands quantum computers.

As registered with IANA in November 2026 ("TLS Supported Groups").
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from functools import cache

from diag.model.frozen import frozen


class Kind(enum.StrEnum):
    """What a group is."""

    PRIME = "prime"
    """An elliptic curve over a prime field."""
    BINARY = "binary"
    """An elliptic curve over a binary field; deprecated (RFC 8422 section 5.1.1)."""
    FINITE = "finite"
    """A finite field, as of Diffie and Hellman (RFC 7919)."""
    HYBRID = "hybrid"
    """ML-KEM beside an elliptic curve: safe as long as one of them is."""
    KEM = "kem"
    """ML-KEM alone."""
    UNKNOWN = "unknown"
    """Not registered when this was written."""


@frozen
class Group:
    """One group."""

    number: int
    name: str
    """As registered with IANA."""
    kind: Kind
    bits: int
    """The size of its field; of a hybrid, that of its curve; of ML-KEM alone, 0."""
    openssl: str
    """In OpenSSL's spelling, which settings of mail servers use."""

    @property
    def post_quantum(self) -> bool:
        """Whether what is recorded today stays closed to quantum computers."""
        return self.kind in (Kind.HYBRID, Kind.KEM)

    @property
    def weak(self) -> bool:
        """Whether it is a curve of 224 bits at most, or over a binary field (RFC 9325 section 4.5, RFC 8422 5.1.1)."""
        return self.kind is Kind.BINARY or (self.kind is Kind.PRIME and self.bits <= 224)

    @property
    def curve(self) -> bool:
        """Whether it can be agreed on in TLS 1.2 by ECDHE."""
        return self.kind in (Kind.PRIME, Kind.BINARY)

    def __str__(self) -> str:
        return self.name


X25519MLKEM768 = 0x11EC
"""The hybrid that browsers and, since OpenSSL 3.5, mail servers offer first."""

_NUMBERED = """
1 sect163k1 binary 163
2 sect163r1 binary 163
3 sect163r2 binary 163
4 sect193r1 binary 193
5 sect193r2 binary 193
6 sect233k1 binary 233
7 sect233r1 binary 233
8 sect239k1 binary 239
9 sect283k1 binary 283
10 sect283r1 binary 283
11 sect409k1 binary 409
12 sect409r1 binary 409
13 sect571k1 binary 571
14 sect571r1 binary 571
15 secp160k1 prime 160
16 secp160r1 prime 160
17 secp160r2 prime 160
18 secp192k1 prime 192
19 secp192r1 prime 192 prime192v1
20 secp224k1 prime 224
21 secp224r1 prime 224
22 secp256k1 prime 256
23 secp256r1 prime 256 prime256v1
24 secp384r1 prime 384
25 secp521r1 prime 521
26 brainpoolP256r1 prime 256
27 brainpoolP384r1 prime 384
28 brainpoolP512r1 prime 512
29 x25519 prime 255 X25519
30 x448 prime 448 X448
31 brainpoolP256r1tls13 prime 256
32 brainpoolP384r1tls13 prime 384
33 brainpoolP512r1tls13 prime 512
34 GC256A prime 256
35 GC256B prime 256
36 GC256C prime 256
37 GC256D prime 256
38 GC512A prime 512
39 GC512B prime 512
40 GC512C prime 512
41 curveSM2 prime 256
256 ffdhe2048 finite 2048
257 ffdhe3072 finite 3072
258 ffdhe4096 finite 4096
259 ffdhe6144 finite 6144
260 ffdhe8192 finite 8192
512 MLKEM512 kem 0
513 MLKEM768 kem 0
514 MLKEM1024 kem 0
4587 SecP256r1MLKEM768 hybrid 256
4588 X25519MLKEM768 hybrid 255
4589 SecP384r1MLKEM1024 hybrid 384
4590 curveSM2MLKEM768 hybrid 256
25497 X25519Kyber768Draft00 hybrid 255
25498 SecP256r1Kyber768Draft00 hybrid 256
"""


def group(number: int) -> Group:
    """The group of a number; one that nobody had registered is named after it."""
    return every().get(number) or Group(number, f"0x{number:04X}", Kind.UNKNOWN, 0, "")


@cache
def every() -> Mapping[int, Group]:
    """All groups by number."""
    known = {}
    for row in _NUMBERED.strip().split("\n"):
        number, name, kind, bits, *openssl = row.split()
        known[int(number)] = Group(int(number), name, Kind(kind), int(bits), openssl[0] if openssl else name)
    return known
