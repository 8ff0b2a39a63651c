"""Who may issue certificates for the domain's names, and who issued those that are in use (RFC 8659)."""

from __future__ import annotations

from diag.model.frozen import frozen
from diag.model.knowing import Cite
from diag.records.caa import CaaRecord


@frozen
class Renewal:
    """A certificate in use on a host of the domain, which an authority will be asked to issue again."""

    host: str
    name: str
    """The name that the authority climbs from: the host, or for a wildcard certificate the name above it."""
    wildcard: bool
    issuer: str
    """The organisation that issued it, as the certificate has it; empty where it has none."""
    authority: str
    """The same as the table has it; empty where the table does not know it."""
    domains: tuple[str, ...]
    """By which names CAA records mean that authority."""
    cites: tuple[Cite, ...]


@frozen
class CaaPolicy:
    """The CAA records that bind whoever issues for a name: those of the nearest name above it that has any."""

    name: str
    found_at: str
    """The name that has them, or the name it is an alias of; empty where none has any."""
    owner: str
    """Where they really live: another name where `found_at` is an alias."""
    records: tuple[CaaRecord, ...]
    failed_at: str
    """The name on the way at which the look-up fails, for others as for us; empty where none does."""
    why: str
    asked: tuple[Cite, ...]

    @property
    def barring(self) -> tuple[CaaRecord, ...]:
        """Those that forbid everybody to issue, as they mark as critical what nobody knows."""
        return tuple(record for record in self.records if record.bars)

    def issuers(self, tag: str) -> tuple[str, ...] | None:
        """The domains that a property lets issue; None where no record has the property, so that all may."""
        meant = [record for record in self.records if record.tag == tag]
        return tuple(record.issuer for record in meant if record.issuer) if meant else None

    def lets(self, domains: tuple[str, ...], *, wildcard: bool) -> bool:
        """Whether an authority may issue; of wildcards `issuewild` decides where there is one (section 4.3)."""
        allowed = self.issuers("issuewild") if wildcard else None
        if allowed is None:
            allowed = self.issuers("issue")
        return allowed is None or bool(set(allowed) & set(domains))
