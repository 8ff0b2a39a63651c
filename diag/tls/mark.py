"""Mark certificates (VMC, CMC): a logo and the domains it belongs to, vouched for by a mark authority (RFC 3709)."""

from __future__ import annotations

import base64
import binascii
import enum
import re
from datetime import datetime
from itertools import islice

from diag.model.frozen import frozen

from .certificate import parsed
from .chain import ChainVerdict, Trust, judge
from .der import Element, children, element
from .library import oid
from .path import FORGIVEN, SENT_LIMIT, Fault
from .pem import decoded

BIMI_USAGE = "1.3.6.1.5.5.7.3.31"
"""id-kp-BrandIndicatorforMessageIdentification, which the extendedKeyUsage must hold (VMC requirements 7.1.2.3)."""
LOGOTYPE = "1.3.6.1.5.5.7.1.12"
"""The extension with the logo (RFC 3709 section 4.1)."""
_IA5_STRING = 0x16
_CONSTRUCTED = 0x20
_MOST_ELEMENTS = 256
_BLOCK = re.compile(rb"-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]{1,131072})-----END CERTIFICATE-----")

# What a path owes to TLS servers only; mark authorities mark extensions critical that no TLS client knows.
_NOT_ASKED = FORGIVEN | {Fault.WRONG_USAGE, Fault.UNKNOWN_CRITICAL}


class MarkFault(enum.StrEnum):
    """Why receivers do not take a mark certificate; what helps most first."""

    UNREADABLE = "unreadable"
    EXPIRED = "expired"
    NOT_YET_VALID = "not-yet-valid"
    NO_USAGE = "no-usage"
    """It is a certificate for something else than marks."""
    UNTRUSTED = "untrusted"
    """No path leads to a mark authority."""
    CHAIN = "chain"
    """A path does, and a certificate on it breaks a rule."""
    OTHER_NAMES = "other-names"
    NO_LOGO = "no-logo"


@frozen
class MarkVerdict:
    """What a mark certificate is worth at a moment."""

    chain: ChainVerdict
    faults: tuple[MarkFault, ...]
    names: tuple[str, ...]
    """The domains it is for."""
    logo: bytes | None
    """The logo in it, still compressed where it is; None where it holds none."""


def certificates_in(pem: bytes) -> tuple[bytes, ...]:
    """The certificates of a PEM file in DER, in their order; what is none is passed over. Never raises."""
    return tuple(islice(decoded(_BLOCK, pem), SENT_LIMIT))


def judge_mark(
    chain: tuple[bytes, ...], names: tuple[str, ...], roots: tuple[bytes, ...], moment: datetime
) -> MarkVerdict:
    """Judge a mark certificate and its issuers in DER; any one of the names will do. Never raises."""
    verdict = judge(chain, (), roots, moment)
    leaf = verdict.leaf
    if leaf is None or leaf.problem:
        return MarkVerdict(verdict, (MarkFault.UNREADABLE,), (), None)
    logo = logo_in(leaf.der)
    grave = {flaw.fault for flaw in verdict.flaws if flaw.fault not in _NOT_ASKED}
    held = tuple(name.lower().rstrip(".") for name in leaf.dns_names)
    faults = {
        MarkFault.EXPIRED: Fault.EXPIRED in grave,
        MarkFault.NOT_YET_VALID: Fault.NOT_YET_VALID in grave,
        MarkFault.NO_USAGE: BIMI_USAGE not in (leaf.extended_key_usage or ()),
        MarkFault.UNTRUSTED: verdict.trust is not Trust.TRUSTED,
        MarkFault.CHAIN: bool(grave - {Fault.EXPIRED, Fault.NOT_YET_VALID}),
        # No wildcards: the names are compared as they are.
        MarkFault.OTHER_NAMES: not set(names) & set(held),
        MarkFault.NO_LOGO: logo is None,
    }
    return MarkVerdict(verdict, tuple(fault for fault, met in faults.items() if met), held, logo)


def logo_in(certificate: bytes) -> bytes | None:
    """The first SVG that a certificate carries as a data URI (RFC 6170 section 4); None where there is none."""
    found = parsed(certificate)
    try:
        extension = found.extensions.get_extension_for_oid(oid.ObjectIdentifier(LOGOTYPE)) if found else None
    except Exception:  # whatever the library minds, or it has no such extension
        return None
    octets: bytes = getattr(extension.value, "value", b"") if extension is not None else b""
    outer = element(octets, 0, len(octets))
    waiting: list[Element] = [outer] if outer is not None else []
    for _ in range(_MOST_ELEMENTS):
        if not waiting:
            break
        at = waiting.pop(0)
        if at.tag & _CONSTRUCTED:
            waiting = [*children(octets, at), *waiting]
        elif at.tag == _IA5_STRING and (logo := _of_data_uri(octets[at.content : at.end])) is not None:
            return logo
    return None


def _of_data_uri(uri: bytes) -> bytes | None:
    """What a data URI of an SVG holds (RFC 2397); None where it is another."""
    head, comma, data = uri.partition(b",")
    if (
        not comma
        or not head.lower().startswith(b"data:image/svg+xml")
        or not head.lower().endswith(b";base64")
    ):
        return None
    try:
        return base64.b64decode(b"".join(data.split()), validate=True)
    except binascii.Error:
        return None
