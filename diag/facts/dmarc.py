"""What DMARC record applies to the domain, where it was found, and what it comes to (RFC 9989)."""

from __future__ import annotations

from diag.model.frozen import frozen
from diag.model.knowing import Cite
from diag.records.dmarc import DmarcRecord, Kind, Policy
from diag.records.report_uri import ReportUri


@frozen
class DmarcStep:
    """One name of the tree walk, and what is published at `_dmarc` below it (RFC 9989 section 4.10)."""

    name: str
    owner: str
    """Where the records really live: another name than `_dmarc.name` where an alias leads there."""
    records: tuple[str, ...]
    """Those that begin with the version. Of several, all are discarded."""
    near: tuple[str, ...]
    """Meant as DMARC and not recognised as such."""
    record: DmarcRecord | None
    """The one record; None where there is none or several."""
    unknown: str
    """Why it could not be looked up; empty where it could."""
    reached: bool
    """Whether the walk comes this far: `psd=n` or `psd=y` ends it."""
    asked: tuple[Cite, ...]

    @property
    def psd(self) -> str | None:
        """The `psd` of its record, for the walk; None without a record."""
        return self.record.psd if self.record is not None else None


@frozen
class Misplaced:
    """A DMARC record at a name where nobody looks for it."""

    name: str
    text: str


@frozen
class DmarcDiscovery:
    """The walk from the domain to its top-level domain."""

    domain: str
    steps: tuple[DmarcStep, ...]
    """Every name asked, the domain itself first."""
    organizational: str
    """The Organizational Domain; empty where a failed look-up leaves it open."""
    unknown: str
    """Why the Organizational Domain is open."""
    misplaced: tuple[Misplaced, ...]
    name_exists: bool
    """False: the domain itself is NXDOMAIN. Compact denial is told from NODATA only where no record applies."""
    asked: tuple[Cite, ...]

    @property
    def walked(self) -> tuple[DmarcStep, ...]:
        """The steps that count: those up to the one that ends the walk."""
        return tuple(step for step in self.steps if step.reached)


@frozen
class DmarcPolicy:
    """The record that applies to the domain (RFC 9989 section 4.10.1)."""

    domain: str
    found_at: str
    """The domain whose record it is: the domain itself, or one above it."""
    owner: str
    """Where the record really lives, `_dmarc.` included."""
    record: DmarcRecord
    kind: Kind
    """Whether `p`, `sp` or `np` is what applies to the domain."""
    organizational: str
    """The Organizational Domain; empty where a failed look-up leaves it open."""
    asked: tuple[Cite, ...]

    @property
    def inherited(self) -> bool:
        """Whether the record is that of a domain above."""
        return self.found_at != self.domain

    @property
    def policy(self) -> Policy:
        """What is asked of receivers for mail that fails, as the domain; `t=y` has lowered it already."""
        return self.record.policy_for(self.kind)

    @property
    def for_subdomains(self) -> Policy:
        """The same for existing names below the record's domain."""
        return self.record.policy_for(Kind.SUBDOMAIN)

    @property
    def for_nonexistent(self) -> Policy:
        """The same for names below it that do not exist."""
        return self.record.policy_for(Kind.NONEXISTENT)


@frozen
class SuffixListDomain:
    """The Organizational Domain as receivers of RFC 7489 (section 3.2) find it, by the Public Suffix List."""

    domain: str
    organizational: str
    """Empty where the domain is a public suffix itself, or the list does not know its top-level domain."""
    is_suffix: bool
    """The list has the domain itself as a public suffix."""
    asked: tuple[Cite, ...]


@frozen
class ReportDestination:
    """One domain that reports are to be sent to, and whether it will have them (RFC 9990 section 4)."""

    policy_domain: str
    host: str
    uris: tuple[ReportUri, ...]
    """The entries of `rua` and `ruf` that name it."""
    tags: tuple[str, ...]
    """Which of `rua` and `ruf` name it."""
    external: bool
    """Another Organizational Domain than the policy's: it must agree to take the reports."""
    agrees: bool | None
    """Whether it published its consent; None where it need not, or where the look-up failed."""
    consent_name: str
    """Where the consent belongs: `policy-domain._report._dmarc.host`."""
    redirected: tuple[str, ...]
    """Hosts other than itself that its consent sends reports to."""
    takes_mail: bool | None
    """For mailboxes: False where it has a null MX or neither MX nor addresses; None where not known, or no mailbox."""
    unknown: str
    """Why it is not known whether it must consent, or does; empty where it is."""
    mail_unknown: str
    """Why it is not known whether it takes mail."""
    free: bool
    """Its registrable name is not registered: whoever registers it gets the reports."""
    asked: tuple[Cite, ...]


@frozen
class SignsAndSends:
    """What one name could authenticate mail with."""

    name: str
    dkim: bool | None
    """False: no key can exist there. True: keys may exist. None: not known."""
    spf: bool | None
    """Whether its SPF record lets anybody pass."""
    own_policy: bool = False
    """Whether it has a DMARC record of its own, and so an alignment mode of its own."""


@frozen
class DmarcAlignment:
    """Whether mail of the domain can pass DMARC at all (RFC 9989 section 4.4)."""

    domain: str
    own: SignsAndSends
    others: tuple[SignsAndSends, ...]
    """The Organizational Domain and subdomains, where they were looked at: they count in relaxed mode."""
    asked: tuple[Cite, ...]
