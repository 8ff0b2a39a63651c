"""The brand indicator of the domain: the record, its logo and its mark certificate (BIMI draft)."""

from __future__ import annotations

from diag.model.frozen import frozen
from diag.model.knowing import Cite
from diag.probes.https import HttpExchange
from diag.records.bimi import BimiRecord
from diag.records.svg import SvgImage
from diag.tls.mark import MarkVerdict


@frozen
class BimiFound:
    """The TXT records at `default._bimi` that are BIMI records, or were meant as such."""

    domain: str
    domain_of_record: str
    """Whose records they are: the domain's own, or those of its Organizational Domain."""
    name: str
    owner: str
    """Where they really live: another name where `name` is an alias."""
    records: tuple[BimiRecord, ...]
    """Those that begin with the version; receivers want exactly one (draft section 7.2)."""
    near: tuple[str, ...]
    """Meant as such a record, and passed over by everybody."""
    asked: tuple[Cite, ...]

    @property
    def valid(self) -> BimiRecord | None:
        """The one record, where it can be used."""
        return self.records[0] if len(self.records) == 1 and not self.records[0].defects else None

    @property
    def shown(self) -> BimiRecord | None:
        """The same where it asks for a logo to be shown: a declination does not."""
        return self.valid if self.valid is not None and not self.valid.declines else None


@frozen
class Fetched:
    """What came of fetching a file over HTTPS, redirects followed."""

    url: str
    """As published."""
    last: str
    """Where the redirects led."""
    exchange: HttpExchange | None
    """The last one; None where nobody could be asked."""
    trouble: str
    """Half a sentence that says why receivers do not get it; empty where they do."""
    doubtful: bool
    """Whether the trouble may be only ours, as where a host turns robots away."""
    undecided: str
    """Why it cannot be said whether they get it; empty where it can."""
    oversized: bool
    """It was longer than was read."""
    asked: tuple[Cite, ...]

    @property
    def body(self) -> bytes:
        """What was read of it."""
        return self.exchange.body if self.exchange is not None and not self.trouble else b""

    @property
    def whole(self) -> bool:
        """Whether all of it was read, from a host that receivers trust."""
        return not (self.trouble or self.undecided or self.oversized)


@frozen
class BimiLogo:
    """The file that `l=` names."""

    fetched: Fetched
    image: SvgImage | None
    """None where it was not read to its end."""


@frozen
class BimiCertificate:
    """The file that `a=` names."""

    fetched: Fetched
    verdict: MarkVerdict | None
    """None where it was not read to its end, or holds no certificate."""
    wanted: tuple[str, ...]
    """The names any of which it must be for."""
    distrust: str
    """Why it could not be judged whether a mark authority vouches for it; empty where it could."""
    logo: bytes | None
    """The logo in it, inflated; None where it has none that can be read."""
    asked: tuple[Cite, ...]
