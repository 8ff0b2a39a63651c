"""What a broken DKIM key record was meant to be, and the fixes that say so."""

from __future__ import annotations

import base64
import binascii
import re

from diag.api import (
    Configure,
    DkimKey,
    DkimKeyFound,
    Ed25519Key,
    Fix,
    KeyProblem,
    NotDer,
    Replace,
    Withdraw,
    read_key,
)

from .txt import as_written

_ARMOUR = re.compile(r"-----[^-]{1,40}-----")
_NO_BASE64 = re.compile(r"[^A-Za-z0-9+/=]")
_LONGEST = 4096


def mended(key: DkimKey) -> str:
    """The record without its faults, where no guess is needed; else empty.

    The key itself is kept, taken out of PEM armour, quotes and wrong wrapping; what limits it to uses
    that nobody has (`h`, `s`) goes.
    """
    if key.has(KeyProblem.PRIVATE_KEY) or len(key.text) > _LONGEST:
        return ""
    first: dict[str, str] = {}
    for tag in key.tags.tags:
        first.setdefault(tag.name, tag.value)
    if any(tag.name == "p" and tag.value != first["p"] for tag in key.tags.repeated):
        return ""
    if key.has(KeyProblem.SHA1_ONLY, KeyProblem.HASH_UNKNOWN):
        first.pop("h", None)
    if key.has(KeyProblem.SERVICE_NOT_EMAIL):
        first.pop("s", None)
    others = [f"{name}={value}" for name, value in first.items() if name not in ("v", "k", "p", "P")]
    for text in (first.get("p"), first.get("P"), *(part.text for part in key.tags.malformed)):
        if text is None:
            continue
        for key_type, value in _meant(text):
            made = "; ".join(["v=DKIM1", f"k={key_type}", *others, f"p={value}"])
            if not DkimKey.parse(made).defects:
                return made
    return ""


def _meant(text: str) -> list[tuple[str, str]]:
    """A key's type and its value in base64, as this text may mean them."""
    bare = _NO_BASE64.sub("", _ARMOUR.sub("", text))
    if not bare:
        return [("rsa", "")] if text == "" else []
    try:
        octets = base64.b64decode(bare.rstrip("=") + "=" * (-len(bare.rstrip("=")) % 4), validate=True)
        bare = base64.b64encode(octets).decode("ascii")
        read = None if len(octets) == 32 else read_key(octets)
    except (binascii.Error, NotDer):
        return []
    if read is None:
        return [("ed25519", bare)]
    if isinstance(read, Ed25519Key):
        return [("ed25519", base64.b64encode(read.octets).decode("ascii"))]
    return [("rsa", bare)]


def mend(found: DkimKeyFound, otherwise: tuple[Fix, ...] = ()) -> tuple[Fix, ...]:
    """Publish what was meant; where that is not known, what is said otherwise, else a new key."""
    text = mended(found.keys[0])
    return instead(found, text) if text else otherwise or new_key(found)


def instead(found: DkimKeyFound, text: str) -> tuple[Fix, ...]:
    """Publish this record instead; at an alias that is up to whoever owns the target."""
    if found.aliases:
        return (_ask_the_owner(found, "correct it"),)
    return (Replace(found.name, "TXT", text, old=as_written(found.keys[0].text)),)


def withdraw(found: DkimKeyFound) -> tuple[Fix, ...]:
    """Take the record away, and sign with a new key."""
    away = () if found.aliases else (Withdraw(found.name, "TXT", as_written(found.keys[0].text)),)
    return (*away, *new_key(found))


def revoke(found: DkimKeyFound) -> tuple[Fix, ...]:
    """Say that the key is void (RFC 6376 section 3.6.1), and sign with a new one."""
    return (*instead(found, "v=DKIM1; p="), *new_key(found))


def new_key(found: DkimKeyFound, bits: int = 2048) -> tuple[Fix, ...]:
    """How common signers make a key; under a new selector, so that mail on its way still verifies."""
    if found.aliases:
        return (_ask_the_owner(found, "make a new key"),)
    return make_key(found.domain, f"{found.selector.name}-new", bits)


def _ask_the_owner(found: DkimKeyFound, what: str) -> Configure:
    asked = f"{found.name} is an alias of {found.owner}: ask whoever runs that to {what}"
    return Configure(found.owner, asked)


def make_key(domain: str, selector: str, bits: int = 2048) -> tuple[Fix, ...]:
    """How common signers make a key."""
    return (
        Configure(domain, f"opendkim-genkey -b {bits} -s {selector} -d {domain}", "OpenDKIM"),
        Configure(domain, f"rspamadm dkim_keygen -b {bits} -s {selector} -d {domain}", "Rspamd"),
    )
