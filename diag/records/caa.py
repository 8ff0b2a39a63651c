"""CAA records: which authorities may issue certificates for a name (RFC 8659)."""

from __future__ import annotations

import re

from diag.model.frozen import frozen

KNOWN = frozenset({"issue", "issuewild", "iodef", "issuemail", "issuevmc", "contactemail", "contactphone"})
"""Property tags that have a meaning: RFC 8659 section 4, RFC 9495 section 3, and the registry of IANA."""
_ISSUERS = frozenset({"issue", "issuewild", "issuemail", "issuevmc"})
"""Those whose value names an authority."""
_EVERYWHERE = frozenset({"issue", "issuewild", "iodef", "issuemail"})
"""Those that no authority stumbles over: Let's Encrypt knows no others."""
CRITICAL = 128
"""The flag by which an authority that does not know a property must refuse (RFC 8659 section 4.5)."""
_MEANT_SO = 1
"""What early software wrote in its place; Let's Encrypt heeds it, too."""
LONGEST = 4096
"""Characters of a value that are read."""

_LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_PARAMETER = re.compile(rf"({_LABEL})[ \t]*=[ \t]*([\x21-\x3a\x3c-\x7e]*)")
_URL = re.compile(r"(?:mailto:[^\s@]+@[^\s@]+|https?://[^\s/]+\S*)", re.IGNORECASE)


@frozen
class CaaRecord:
    """One property. The tag is in lower case: tags are compared without it (RFC 8659 section 4.1)."""

    flags: int
    tag: str
    value: str
    """Octets beyond ASCII as latin-1."""

    @property
    def bars(self) -> bool:
        """Whether no authority may issue, as none knows the property (RFC 8659 section 4.5)."""
        return bool(self.flags & CRITICAL) and self.tag not in KNOWN

    @property
    def issuer(self) -> str | None:
        """The authority's domain, lower case; "" where nobody is meant; None where the value cannot be read.

        A value that cannot be read stands for nobody (RFC 8659 section 4.2).
        """
        domain, _, parameters = self.value.partition(";")
        domain = domain.strip(" \t")
        # Parameters are the authority's own; RFC 8657 defines two that all of them know.
        given = [each.strip(" \t") for each in parameters.split(";")] if parameters.strip(" \t") else []
        if len(self.value) > LONGEST or (domain and not _DOMAIN.fullmatch(domain)):
            return None
        return domain.lower() if all(map(_PARAMETER.fullmatch, given)) else None

    @property
    def trouble(self) -> str:
        """What is wrong with it, half a sentence; empty where nothing is."""
        if self.bars:
            return f'its property "{self.tag}" is marked critical and known to nobody'
        if self.flags & (CRITICAL | _MEANT_SO) and self.tag not in _EVERYWHERE:
            return f'authorities that do not know its property "{self.tag}" take it for critical, and refuse'
        if self.tag in _ISSUERS and self.issuer is None:
            return "its value names no authority as it should, and stands for nobody"
        if self.tag == "iodef" and not _URL.fullmatch(self.value[:LONGEST]):
            return "its value is neither a mailto: nor an https: address"
        return ""

    def __str__(self) -> str:
        value = self.value.replace("\\", "\\\\").replace('"', '\\"')
        return f'{self.flags} {self.tag} "{value}"'
