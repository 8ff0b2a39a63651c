"""The mail software that a greeting names: product and, where it is told, version."""

from __future__ import annotations

import re
from functools import cache

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
    found = _pattern().search(text[:LONGEST_GREETING])
    if found is None:
        return None
    product = next(name for at, name in enumerate(_WRITTEN) if found[f"p{at}"] is not None)
    return Software(product, (found["version"] or "").rstrip("._-"))


@cache
def _pattern() -> re.Pattern[str]:
    """All of the table, a group for each product; compiled for the first greeting that is looked at."""
    products = "|".join(f"(?P<p{at}>{written})" for at, written in enumerate(_WRITTEN.values()))
    return re.compile(rf"{_BEFORE}(?:{products})(?:[ /]v?{_VERSION})?{_AFTER}", re.IGNORECASE)


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
