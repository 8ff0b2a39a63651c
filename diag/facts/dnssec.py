"""Whether the domain's answers are secured by DNSSEC, as far as a validating resolver tells (RFC 4035 section 4.3)."""

from __future__ import annotations

import enum

from diag.model.frozen import frozen
from diag.model.knowing import Cite


class Security(enum.StrEnum):
    """What a resolver's word makes of an answer."""

    SECURE = "secure"
    """It was validated."""
    INSECURE = "insecure"
    """The resolver validates, and did not vouch for this one: no chain of trust leads to it."""
    INDETERMINATE = "indeterminate"
    """Our resolver does not validate, so nothing can be said."""


@frozen
class DnssecStatus:
    """The security of the domain's own answers, by the word of our resolver (the AD bit)."""

    domain: str
    security: Security
    because: str
    """Half a sentence for readers."""
    asked: tuple[Cite, ...]
