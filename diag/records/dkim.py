"""DKIM key records: what is published at `selector._domainkey` (RFC 6376 section 3.6.1, RFC 8463)."""

from __future__ import annotations

import base64
import binascii
import enum
import re

from diag.model.frozen import frozen

from .dkim_keys import Ed25519Key, NotDer, OtherKey, PrivateKey, RsaKey, is_roca, read_key
from .tags import FWS, TagList, colon_list

VERSION = "DKIM1"
_PEM_PRIVATE = re.compile(r"-----BEGIN [A-Z ]{0,20}PRIVATE KEY")
_BASE64 = re.compile(r"[A-Za-z0-9+/]*={0,2}")
_WHITE = str.maketrans("", "", FWS)
_LONGEST_DETAIL = 60


class KeyProblem(enum.StrEnum):
    """What is wrong with a key record."""

    MALFORMED = "malformed"
    """A part is no tag=value."""
    TAG_TWICE = "tag-twice"
    VERSION_NOT_FIRST = "version-not-first"
    VERSION_UNKNOWN = "version-unknown"
    KEY_TYPE_UNKNOWN = "key-type-unknown"
    KEY_MISSING = "key-missing"
    KEY_NOT_BASE64 = "key-not-base64"
    KEY_NOT_DER = "key-not-der"
    KEY_OF_OTHER_TYPE = "key-of-other-type"
    """The key is readable but not of the type that `k` says."""
    PRIVATE_KEY = "private-key"
    EXPONENT = "exponent"
    """Even, or 1: a signature can be made without a private key, or none can be."""
    ROCA = "roca"
    SHA1_ONLY = "sha1-only"
    HASH_UNKNOWN = "hash-unknown"
    SERVICE_NOT_EMAIL = "service-not-email"


UNREADABLE = frozenset(
    {
        KeyProblem.KEY_MISSING,
        KeyProblem.KEY_NOT_BASE64,
        KeyProblem.KEY_NOT_DER,
        KeyProblem.KEY_OF_OTHER_TYPE,
        KeyProblem.PRIVATE_KEY,
    }
)
"""Problems that leave a verifier without a key."""
SYNTAX = frozenset(
    {KeyProblem.MALFORMED, KeyProblem.TAG_TWICE, KeyProblem.VERSION_NOT_FIRST, KeyProblem.VERSION_UNKNOWN}
)
"""Problems of the record's form: a strict verifier ignores the record."""


@frozen
class KeyDefect:
    """One problem, where it is in the record, and the offending text or value."""

    problem: KeyProblem
    position: int
    detail: str = ""


@frozen
class DkimKey:
    """A parsed key record, however broken."""

    tags: TagList
    key_type: str
    """`k` as published; `rsa` where it is absent."""
    key: RsaKey | Ed25519Key | None
    """None where revoked, unreadable or of an unknown type."""
    defects: tuple[KeyDefect, ...]

    @classmethod
    def parse(cls, text: str) -> DkimKey:
        """Read a record. Never raises."""
        tags = TagList.parse(text)
        key_type = tags.get("k")
        key_type = "rsa" if key_type is None else key_type
        key, defect = _key(tags, key_type)
        defects = [*_form(tags), *_limits(tags)]
        if defect:
            defects.append(defect)
        if isinstance(key, RsaKey):
            defects += _weaknesses(key, tags)
        if _PEM_PRIVATE.search(text) and not any(d.problem is KeyProblem.PRIVATE_KEY for d in defects):
            defects.append(KeyDefect(KeyProblem.PRIVATE_KEY, text.index("-----BEGIN")))
        return cls(tags, key_type, key, tuple(sorted(defects, key=lambda found: found.position)))

    def has(self, *problems: KeyProblem) -> bool:
        """Whether any of these problems was found."""
        return any(defect.problem in problems for defect in self.defects)

    @property
    def text(self) -> str:
        """The record as published."""
        return self.tags.text

    @property
    def bits(self) -> int | None:
        """The key's length in bits."""
        return self.key.bits if self.key else None

    @property
    def exponent(self) -> int | None:
        """The public exponent of an RSA key."""
        return self.key.exponent if isinstance(self.key, RsaKey) else None

    @property
    def is_revoked(self) -> bool:
        """`p=` present and empty."""
        return self.tags.get("p") == ""

    @property
    def flags(self) -> tuple[str, ...]:
        """The flags in `t`."""
        return colon_list(self.tags.get("t") or "")

    @property
    def is_testing(self) -> bool:
        """`t=y`: a failed signature is treated as no signature."""
        return "y" in self.flags

    @property
    def is_strict(self) -> bool:
        """`t=s`: the domain in `i=` must equal the one in `d=`."""
        return "s" in self.flags

    @property
    def hashes(self) -> tuple[str, ...] | None:
        """The hash algorithms in `h`; None means all."""
        value = self.tags.get("h")
        return None if value is None else colon_list(value)

    @property
    def services(self) -> tuple[str, ...]:
        """The service types in `s`."""
        value = self.tags.get("s")
        return ("*",) if value is None else colon_list(value)

    @property
    def granularity(self) -> str | None:
        """`g`, which only RFC 4871 had; empty means that its readers match no sender."""
        return self.tags.get("g")

    @property
    def note(self) -> str | None:
        """`n`, a remark for people."""
        return self.tags.get("n")


def looks_like_key(text: str) -> bool:
    """Whether a TXT record at a selector is meant as a key: a tag list with `p`, or one that says DKIM1.

    Not one that says DKIM2: whatever becomes of that draft, its records are no broken DKIM keys.
    """
    tags = TagList.parse(text)
    if tags.get("v") == "DKIM2":
        return False
    return tags.first("p") is not None or tags.get("v") == VERSION or bool(_PEM_PRIVATE.search(text))


def _form(tags: TagList) -> list[KeyDefect]:
    found = [KeyDefect(KeyProblem.MALFORMED, part.position, _short(part.text)) for part in tags.malformed]
    found += [KeyDefect(KeyProblem.TAG_TWICE, tag.position, tag.name) for tag in tags.repeated]
    version = tags.first("v")
    if version:
        if version != tags.tags[0]:  # RFC 6376 section 3.6.1: if present it must be the first tag
            found.append(KeyDefect(KeyProblem.VERSION_NOT_FIRST, version.position))
        if version.value != VERSION:
            found.append(KeyDefect(KeyProblem.VERSION_UNKNOWN, version.value_position, _short(version.value)))
    if not tags.tags and not tags.malformed:
        found.append(KeyDefect(KeyProblem.MALFORMED, 0))
    return found


def _limits(tags: TagList) -> list[KeyDefect]:
    """What `h` and `s` let the key be used for (RFC 6376 section 3.6.1, RFC 8301 section 3.1)."""
    found = []
    hashes, services = tags.first("h"), tags.first("s")
    if hashes:
        named = colon_list(hashes.value)
        if "sha256" not in named:
            problem = KeyProblem.SHA1_ONLY if "sha1" in named else KeyProblem.HASH_UNKNOWN
            found.append(KeyDefect(problem, hashes.value_position, _short(hashes.value)))
    if services and not {"*", "email"} & set(colon_list(services.value)):
        found.append(KeyDefect(KeyProblem.SERVICE_NOT_EMAIL, services.value_position, _short(services.value)))
    return found


def _key(tags: TagList, key_type: str) -> tuple[RsaKey | Ed25519Key | None, KeyDefect | None]:
    tag = tags.first("p")
    if tag is None:
        return None, KeyDefect(KeyProblem.KEY_MISSING, 0)
    if not tag.value:
        return None, None  # revoked
    octets = _from_base64(tag.value)
    if octets is None:
        return None, KeyDefect(KeyProblem.KEY_NOT_BASE64, tag.value_position, _short(tag.value))
    if key_type not in ("rsa", "ed25519"):
        type_tag = tags.first("k")
        return None, KeyDefect(
            KeyProblem.KEY_TYPE_UNKNOWN, type_tag.value_position if type_tag else 0, _short(key_type)
        )
    if key_type == "ed25519" and len(octets) == 32:  # RFC 8463 section 4: the bare key
        return Ed25519Key(octets), None
    return _read(octets, key_type, tag.value_position)


def _read(octets: bytes, key_type: str, position: int) -> tuple[RsaKey | None, KeyDefect | None]:
    try:
        read = read_key(octets)
    except NotDer:
        if key_type == "rsa" and len(octets) == 32:
            return None, KeyDefect(KeyProblem.KEY_OF_OTHER_TYPE, position, "32 octets, as an Ed25519 key has")
        problem = KeyProblem.KEY_OF_OTHER_TYPE if key_type == "ed25519" else KeyProblem.KEY_NOT_DER
        return None, KeyDefect(problem, position, f"{len(octets)} octets")
    match read:
        case PrivateKey():
            return None, KeyDefect(KeyProblem.PRIVATE_KEY, position)
        case RsaKey() if key_type == "rsa":
            return read, None
        case RsaKey():
            return None, KeyDefect(KeyProblem.KEY_OF_OTHER_TYPE, position, "an RSA key")
        case Ed25519Key():
            return None, KeyDefect(KeyProblem.KEY_OF_OTHER_TYPE, position, "an Ed25519 SubjectPublicKeyInfo")
        case OtherKey(oid):
            return None, KeyDefect(KeyProblem.KEY_OF_OTHER_TYPE, position, f"algorithm {_short(oid)}")


def _weaknesses(key: RsaKey, tags: TagList) -> list[KeyDefect]:
    tag = tags.first("p")
    at = tag.value_position if tag else 0
    found = []
    if key.exponent % 2 == 0 or key.exponent == 1:
        found.append(
            KeyDefect(KeyProblem.EXPONENT, at, str(key.exponent) if key.exponent < 2**64 else "even")
        )
    if is_roca(key.modulus):
        found.append(KeyDefect(KeyProblem.ROCA, at))
    return found


def _from_base64(text: str) -> bytes | None:
    """Decode, white space removed; missing padding is made good, as the grammar makes it optional."""
    bare = text.translate(_WHITE)
    if not _BASE64.fullmatch(bare):
        return None
    unpadded = bare.rstrip("=")
    try:
        return base64.b64decode(unpadded + "=" * (-len(unpadded) % 4), validate=True)
    except binascii.Error:
        return None


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_DETAIL else text[: _LONGEST_DETAIL - 1] + "…"
