"""MTA-STS as a sender meets it: the record, what came of fetching the policy, and the policy (RFC 8461)."""

from __future__ import annotations

import enum

from diag.model.frozen import frozen
from diag.model.knowing import Cite
from diag.probes.https import HttpExchange, HttpsGet
from diag.records.mta_sts import Mode, StsDefect, StsPolicyFile, StsRecord
from diag.tls.chain import ChainVerdict

POLICY_PATH = "/.well-known/mta-sts.txt"
"""Where the policy lies on the policy host (RFC 8461 section 3.3)."""


@frozen
class StsRecordFound:
    """The TXT records at `_mta-sts` that are MTA-STS records, or were meant as such."""

    domain: str
    name: str
    owner: str
    """Where they really live: another name where `name` is an alias."""
    records: tuple[StsRecord, ...]
    """Those that begin with the version. Senders use MTA-STS only where there is exactly one (section 3.1)."""
    near: tuple[str, ...]
    """Meant as such a record, and discarded by every sender: `v=stsv1`, a space before the version."""
    asked: tuple[Cite, ...]

    @property
    def valid(self) -> StsRecord | None:
        """The one record that makes senders fetch the policy; None where there is none."""
        return self.records[0] if len(self.records) == 1 and self.records[0].is_valid else None


class StsTrouble(enum.StrEnum):
    """Why a sender does not get the policy (section 3.3)."""

    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    TIMED_OUT = "timed-out"
    BROKEN_OFF = "broken-off"
    """The connection was reset or closed before the policy was there."""
    TLS = "tls"
    """No TLS handshake came about."""
    CERTIFICATE = "certificate"
    REDIRECT = "redirect"
    """Any 3xx: senders do not follow it."""
    STATUS = "status"
    """Any status but 200."""
    TOO_BIG = "too-big"
    GARBAGE = "garbage"
    """What came back is no HTTP."""


UNCERTAIN = frozenset({StsTrouble.UNREACHABLE, StsTrouble.TIMED_OUT, StsTrouble.BROKEN_OFF})
"""Troubles that may lie on our side of the network, or be over a minute later."""


@frozen
class StsFetch:
    """What came of fetching the policy from the policy host, `mta-sts` below the domain."""

    host: str
    probe: HttpsGet
    """The request that decided; addresses that did not answer were passed over, as a sender does."""
    exchange: HttpExchange
    certificate: ChainVerdict | None
    """The policy host's certificate at the moment of the run; None where no handshake came about."""
    certificate_faults: tuple[str, ...]
    """Why senders refuse the certificate: values of `diag.tls.chain.rank`; empty where they do not."""
    undecided: str
    """Why nobody can say from here whether senders get the policy; empty where it can be said."""
    trouble: StsTrouble | None
    """None where a sender gets a policy file, whatever stands in it."""
    detail: str
    """Half a sentence that says what went wrong."""
    looks: int
    """How often each address was tried."""
    waited: bool
    """A pause lay between the looks, as the user wished."""
    file: StsPolicyFile | None
    """The policy file, where a body came with status 200."""
    asked: tuple[Cite, ...]

    @property
    def fetched(self) -> bool:
        """Whether a sender gets a policy file."""
        return self.trouble is None and not self.undecided

    @property
    def doubtful(self) -> bool:
        """Whether the trouble may be over a minute later, or lie on our side of the network."""
        return self.trouble in UNCERTAIN and not self.waited

    @property
    def media_type(self) -> str:
        """The media type without parameters, in lower case; empty where none was sent."""
        return (self.exchange.header("content-type") or "").partition(";")[0].strip().lower()


@frozen
class StsPolicy:
    """The policy that a valid record announces and that was fetched as senders fetch it."""

    domain: str
    host: str
    """The policy host."""
    id: str
    """What the record calls this version of it."""
    file: StsPolicyFile
    asked: tuple[Cite, ...]

    @property
    def usable(self) -> bool:
        """Whether senders use it; False where it breaks a rule of section 3.2."""
        return self.file.is_valid

    @property
    def mode(self) -> Mode | None:
        """What senders do where a host does not meet it; None where it says nothing known."""
        return self.file.mode

    @property
    def enforced(self) -> bool:
        """Whether senders that honour it refuse to deliver to hosts that do not meet it."""
        return self.usable and self.mode is Mode.ENFORCE

    @property
    def patterns(self) -> tuple[str, ...]:
        """The names of MX hosts as written, `*.` for any one label."""
        return self.file.mx

    @property
    def max_age(self) -> int | None:
        """Seconds for which senders keep it."""
        return self.file.max_age

    @property
    def problems(self) -> tuple[StsDefect, ...]:
        """What is wrong with it, by line."""
        return self.file.defects

    def covers(self, host: str) -> bool:
        """Whether an MX host matches any pattern (section 4.1)."""
        return self.file.covers(host)
