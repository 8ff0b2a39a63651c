"""The mail software that a greeting names: product and, where it is told, version."""

from __future__ import annotations

import re

from diag.model.frozen import frozen

from .introduction import LONGEST_GREETING


@frozen
class Software:
    """A product; `version` is empty where the greeting names none."""

    product: str
    version: str = ""

    def __str__(self) -> str:
        return f"{self.product} {self.version}".rstrip()


def named_software(text: str) -> Software | None:
    """What a greeting of any of the protocols names; None for what is not in the table.

    Only words that products put there themselves count: a host may be called `exim.example`.
    """
    said = text[:LONGEST_GREETING]
    for product, pattern in _PRODUCTS:
        if found := pattern.search(said):
            return Software(product, (found["version"] or "").rstrip("._-"))
    return None


_VERSION = r"(?P<version>[0-9]{1,4}(?:\.[0-9A-Za-z_+-]{1,12}){1,4})?"
# Nothing of a host's name stands around it.
_BEFORE, _AFTER = r"(?<![\w.@-])", r"(?![\w@-]|\.[A-Za-z])"
_WRITTEN = {
    "Postfix": r"Postfix",
    "Exim": r"Exim",
    "Sendmail": r"Sendmail",
    "Exchange": r"Microsoft (?:ESMTP MAIL Service|Exchange (?:Server )?(?:[0-9]{4} )?(?:IMAP4|POP3))(?:,? Version:)?",
    "OpenSMTPD": r"OpenSMTPD",
    "Haraka": r"Haraka",
    "MDaemon": r"MDaemon",
    "MailEnable": r"MailEnable(?: Service)?(?:,? Version:)?",
    "Kerio Connect": r"Kerio (?:Connect|MailServer)",
    "IceWarp": r"IceWarp",
    "CommuniGate Pro": r"CommuniGate Pro",
    "Domino": r"(?:Lotus|IBM|HCL) Domino(?: Release)?",
    "PowerMTA": r"PowerMTA(?:\(TM\))?",
    "Axigen": r"Axigen",
    "James": r"(?:Apache )?JAMES(?: SMTP)?(?: Server)?",
    "Stalwart": r"Stalwart",
    "KumoMTA": r"KumoMTA",
    "Dovecot": r"Dovecot",
    "Cyrus": r"Cyrus (?:IMAP|POP3)4?",
    "Courier": r"Courier(?:-IMAP| Mail Server)?",
    "Gmail": r"gsmtp|Gimap|Gpop",
}
"""By the product: how greetings write it, as they are met."""
_PRODUCTS = tuple(
    (product, re.compile(rf"{_BEFORE}(?:{written})(?:[ /]v?{_VERSION})?{_AFTER}", re.IGNORECASE))
    for product, written in _WRITTEN.items()
)
