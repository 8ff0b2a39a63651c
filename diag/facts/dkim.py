"""Which DKIM keys the domain publishes, as far as they can be found (RFC 6376 section 3.6)."""

from __future__ import annotations

import enum

from diag.model.frozen import frozen
from diag.model.knowing import Cite
from diag.records.dkim import DkimKey


class Below(enum.StrEnum):
    """What the DNS says about the names below `_domainkey`, where every key lives."""

    POSSIBLE = "possible"
    """The name exists (most often NODATA): there are names below it, and nobody can list them."""
    NONE = "none"
    """NXDOMAIN: no name below it exists either (RFC 8020 section 2), so there is no key."""
    WILDCARD = "wildcard"
    """A name that nobody can have published exists: finding a selector says nothing."""
    CONTRADICTED = "contradicted"
    """NXDOMAIN, although a key was found below it, or another name server of the domain says otherwise."""


class Source(enum.StrEnum):
    """Why a selector was tried."""

    USER = "given"
    PROVIDER = "provider"
    """A provider that the domain's MX or SPF names uses it."""
    COMMON = "common"


@frozen
class Selector:
    """One selector that was tried."""

    name: str
    source: Source
    provider: str = ""
    """The provider by name, where the source is one."""


@frozen
class DkimSelectors:
    """The search for selectors. One that was not found proves nothing; only `Below.NONE` does."""

    domain: str
    below: Below
    wildcard: tuple[str, ...]
    """What the wildcard answers: its TXT records, or `CNAME target` where it is an alias into nowhere."""
    wildcard_is_key: bool
    """Whether that answer reads as a key."""
    tried: tuple[Selector, ...]
    found: tuple[str, ...]
    """Selectors with at least one TXT record, in the order tried."""
    servers_agree: bool
    """For NONE: every name server that we reached says so, or the answer was validated."""
    asked: tuple[Cite, ...]


@frozen
class DkimLegacyPolicy:
    """What DomainKeys (RFC 4870) and ADSP (RFC 5617) would have asked of receivers; Absent where nothing is left."""

    records: tuple[tuple[str, str, str], ...]
    """The name, where the record really lives, and the record."""
    asked: tuple[Cite, ...]


@frozen
class DkimKeyFound:
    """What is published at one selector."""

    domain: str
    selector: Selector
    name: str
    """`selector._domainkey.domain`."""
    owner: str
    """Where the records really live: another name where an alias (CNAME) leads there."""
    aliases: tuple[str, ...]
    texts: tuple[str, ...]
    """Every TXT record, in order of appearance."""
    keys: tuple[DkimKey, ...]
    """Those of them that are meant as a key; more than one is a fault (RFC 6376 section 3.6.2.2)."""
    asked: tuple[Cite, ...]
    listed: str = ""
    """The list of known private keys on which one of them stands; empty where none does, or there is no list."""

    @property
    def key(self) -> DkimKey | None:
        """The one key record; None where there is none, or several and so none that counts."""
        return self.keys[0] if len(self.keys) == 1 else None

    @property
    def in_use(self) -> DkimKey | None:
        """The one key record, unless it is revoked: what limits a key that is void says nothing any more."""
        return self.key if self.key is not None and not self.key.is_revoked else None

    @property
    def usable(self) -> bool:
        """Whether a verifier gets a key here."""
        return self.key is not None and self.key.key is not None
