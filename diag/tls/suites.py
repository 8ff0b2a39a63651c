"""The cipher suites of TLS, SSL 3.0 and SSL 2.0: what their numbers stand for, and what they are made of.

The table (data/suites.toml) is read when the first suite is asked for; a suite is taken apart when it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

from diag.model.frozen import frozen
from diag.model.kept import kept
from diag.model.tables import table

RENEGOTIATION_INFO_SCSV = 0x00FF
"""Not a suite: says in a ClientHello that safe renegotiation is understood (RFC 5746 section 3.3)."""
FALLBACK_SCSV = 0x5600
"""Not a suite: says that a newer version failed before (RFC 7507 section 2)."""

BITS: Mapping[str, int] = {
    "NULL": 0,
    "DES40": 40,
    "DES": 56,
    "3DES": 112,
    "IDEA": 128,
    "SEED": 128,
    "SM4": 128,
    "CHACHA20": 256,
    "KUZNYECHIK": 256,
    "MAGMA": 256,
    "28147": 256,
}
"""What an attacker has to try, in bits, of ciphers whose name does not say it; 3DES: RFC 9325 section 4.1."""


class Made(NamedTuple):
    """What a suite is made of."""

    kx: str
    """How keys are agreed on: "RSA", "DH", "DHE", "ECDH", "ECDHE", "PSK", "DHE_PSK", "SRP", "KRB5", "GOST", …

    What is anonymous is DHE or ECDHE, too. Empty for TLS 1.3, where it is apart from the suite (RFC 8446 section 1.2).
    """
    auth: str
    """How the server is authenticated: "RSA", "DSS", "ECDSA", "anon", "PSK", …; empty for TLS 1.3."""
    cipher: str
    """"AES", "CHACHA20", "CAMELLIA", "ARIA", "SEED", "IDEA", "3DES", "DES", "DES40", "RC2", "RC4", "NULL", …"""
    mode: str
    """"GCM", "CCM", "CCM_8", "POLY1305", "CBC", "stream", and rarer ones; "" where nothing is encrypted."""
    bits: int
    """What an attacker has to try, in bits: 40 for EXPORT, 112 for 3DES."""
    hash: str
    """Of the MAC, or with AEAD of the key derivation: "MD5", "SHA", "SHA256", "SHA384", "SM3", …"""


@frozen
class Suite:
    """One cipher suite."""

    number: int
    """Two octets; three for the cipher kinds of SSL 2.0, which begin at 0x010080."""
    name: str
    """As registered with IANA."""
    openssl: str = ""
    """In OpenSSL's spelling, which settings of mail servers use; empty where it has none."""

    @property
    def ssl2(self) -> bool:
        """Whether it is a cipher kind of SSL 2.0."""
        return self.number > 0xFFFF

    @property
    def tls13(self) -> bool:
        """Whether it is for TLS 1.3 alone (RFC 8446 section B.4)."""
        return not self.ssl2 and not self.made.kx

    @kept
    def made(self) -> Made:
        """What it is made of, by its name."""
        return _made(self.name)

    @property
    def known(self) -> bool:
        """Whether it is one that somebody has registered or spoken, so that what it is made of is known."""
        return self.made.kx != "?"

    @property
    def aead(self) -> bool:
        """Whether encryption and integrity are one (RFC 5116)."""
        return self.made.mode in AEAD_MODES

    @property
    def anonymous(self) -> bool:
        """Whether the server shows no certificate and nothing else either (RFC 5246 section F.1.1.1)."""
        return self.made.auth == "anon"

    @property
    def null(self) -> bool:
        """Whether nothing is encrypted."""
        return self.made.cipher == "NULL"

    @property
    def export(self) -> bool:
        """Whether it was weakened on purpose, to 40 or 56 bits."""
        return "EXPORT" in self.name

    @property
    def single_des(self) -> bool:
        """Whether it is DES with 56 bits, not weakened further."""
        return self.made.cipher == "DES"

    @property
    def forward_secret(self) -> bool:
        """Whether a key that is stolen later does not open what was recorded before (RFC 9325 section 7.3)."""
        return not self.ssl2 and (self.made.kx in ("", *EPHEMERAL))

    @property
    def finite_field(self) -> bool:
        """Whether keys are agreed on by Diffie-Hellman over a prime, afresh each time, before TLS 1.3."""
        return self.made.kx in ("DHE", "DHE_PSK")

    def __str__(self) -> str:
        return self.name


AEAD_MODES = frozenset({"GCM", "CCM", "CCM_8", "POLY1305", "AEGIS", "MGM_L", "MGM_S"})
EPHEMERAL = frozenset({"DHE", "ECDHE", "DHE_PSK", "ECDHE_PSK", "ECCPWD"})


def suite(number: int) -> Suite:
    """The suite of a number; one that nobody has registered is named after it, and is made of nothing known."""
    return every().get(number) or Suite(number, f"0x{number:0{6 if number > 0xFFFF else 4}X}")


def by_openssl(name: str) -> Suite | None:
    """The suite of TLS that OpenSSL calls so; None where there is none."""
    return _by_openssl().get(name)


@cache
def every() -> Mapping[int, Suite]:
    """All suites by number, those of SSL 2.0 last."""
    rows = table("diag.tls", "suites")
    known = {}
    for part in ("registered", "unregistered", "ssl2"):
        for row in rows[part].split("\n"):
            if row:
                number, name, *openssl = row.split()
                known[int(number, 16)] = Suite(int(number, 16), name, *openssl)
    return known


@cache
def _by_openssl() -> Mapping[str, Suite]:
    return {each.openssl: each for each in every().values() if each.openssl and not each.ssl2}


_HASH = re.compile(r"_(MD5|SHA|SHA256|SHA384|SHA512|SM3)$")
_MODE = re.compile(r"_(GCM|CCM_8|CCM|CBC|POLY1305|CTR_OMAC|MGM_[LS]|CNT_IMIT)(?=_|$)")
_BITS = re.compile(r"_(\d+)L?(?=_|$)")


def _made(name: str) -> Made:
    """Takes a name apart: `TLS_` key exchange and authentication `_WITH_` cipher, bits, mode and hash."""
    if name.startswith("0x"):
        return Made("?", "?", "?", "?", 0, "?")
    agreed, _, rest = name.partition("_WITH_")
    if name.startswith("SSL_CK_"):
        return _encryption("RSA", "RSA", f"{agreed[7:]}_{rest}")
    if not rest:
        return _encryption("", "", name.removeprefix("TLS_"))
    if "_MGM_" in rest:  # the GOST suites of TLS 1.3 (RFC 9367 section 4)
        return _encryption("", "", rest)._replace(hash="GOST")
    agreed = agreed.partition("_")[2]
    export = "EXPORT" in agreed
    agreed = re.sub(r"_(EXPORT(1024)?|FIPS)", "", agreed)
    return _encryption(*_agreement(agreed), rest, 40 if export else 0)


def _agreement(words: str) -> tuple[str, str]:
    """Key exchange and authentication."""
    if words.startswith("GOST"):
        return "GOST", "GOST"
    if words.startswith("SRP_SHA"):
        return "SRP", words.removeprefix("SRP_SHA").removeprefix("_") or "SRP"
    words = words.replace("PSK_DHE", "DHE_PSK")
    if words.endswith("PSK"):
        return words, "RSA" if words == "RSA_PSK" else "PSK"
    kx, _, auth = words.partition("_")
    if auth == "anon":
        return kx + "E", auth
    return kx, auth or kx


def _encryption(kx: str, auth: str, words: str, most: int = 0) -> Made:
    """What encrypts: `AES_128_GCM_SHA256`, `3DES_EDE_CBC_SHA`, `DES40_CBC_SHA`, `RC4_128_EXPORT40_MD5`."""
    found = _HASH.search(words)
    digest = "GOST" if kx == "GOST" else found[1] if found else "SHA256"
    cipher = words.partition("_")[0]
    if kx == "" and cipher in ("SHA256", "SHA384"):
        return Made(kx, auth, "NULL", "", 0, cipher)
    mode = (
        "AEGIS"
        if cipher == "AEGIS"
        else next(iter(_MODE.findall(f"_{words}")), "" if cipher == "NULL" else "stream")
    )
    if cipher == "DES" and words.startswith("DES_192"):
        cipher = "3DES"
    weakened = 40 if "40" in words else 56 if most and ("_56_" in words or cipher == "DES") else most
    bits = BITS.get(cipher) if cipher in BITS else int(next(iter(_BITS.findall(words)), "0"))
    return Made(kx, auth, cipher, mode, min(weakened or 256, bits or 0), digest)
