"""What the numbers in DS and DNSKEY records stand for, and which of them still count.

As registered with IANA in November 2026 ("DNS Security Algorithm Numbers", "Digest Algorithms"), whose advice
RFC 9904 moved into the registries and RFC 9905 and RFC 9906 changed last.
"""

from __future__ import annotations

from collections.abc import Mapping

ALGORITHMS: Mapping[int, str] = {
    1: "RSAMD5",
    3: "DSA",
    5: "RSASHA1",
    6: "DSA-NSEC3-SHA1",
    7: "RSASHA1-NSEC3-SHA1",
    8: "RSASHA256",
    10: "RSASHA512",
    12: "ECC-GOST",
    13: "ECDSAP256SHA256",
    14: "ECDSAP384SHA384",
    15: "ED25519",
    16: "ED448",
    17: "SM2SM3",
    23: "ECC-GOST12",
}

DIGESTS: Mapping[int, str] = {
    1: "SHA-1",
    2: "SHA-256",
    3: "GOST R 34.11-94",
    4: "SHA-384",
    5: "GOST R 34.11-2012",
    6: "SM3",
}

RETIRED_ALGORITHMS = frozenset({1, 3, 5, 6, 7, 12})
"""Nobody may sign with these any more (RFC 9904 section 3, RFC 9905 section 2, RFC 9906 section 2)."""
RETIRED_DIGESTS = frozenset({1, 3})
"""No DS record may be made with these any more."""

VERIFIED_ALGORITHMS = frozenset({5, 7, 8, 10, 13, 14, 15, 16})
"""Those whose signatures are verified here, as by most validators; to them any other leaves a zone unsigned."""
VERIFIED_DIGESTS = frozenset({1, 2, 4})
"""Those whose DS records are compared here."""

RSA_ALGORITHMS = frozenset({1, 5, 7, 8, 10})


def algorithm_name(number: int) -> str:
    """`ECDSAP256SHA256 (13)`."""
    return f"{ALGORITHMS.get(number, 'unknown algorithm')} ({number})"


def digest_name(number: int) -> str:
    """`SHA-256 (2)`."""
    return f"{DIGESTS.get(number, 'unknown digest')} ({number})"
