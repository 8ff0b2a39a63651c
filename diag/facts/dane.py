"""What DANE says of an MX host: its TLSA records and whether senders heed them (RFC 7672 section 2.2)."""

from __future__ import annotations

from diag.facts.dnssec import Security
from diag.model.frozen import frozen
from diag.model.knowing import Cite
from diag.records.tlsa import Tlsa


@frozen
class DaneHost:
    """The TLSA records of one MX host, or the failure to look them up where senders would have to know.

    A host without TLSA records is Absent. So is one whose look-up fails while its addresses are
    insecure, as senders do not ask then (RFC 7672 section 2.2.2).
    """

    host: str
    base: str
    """The TLSA base domain: the host, or the name that its alias securely leads to."""
    name: str
    """Where the records are looked up: `_25._tcp.` before the base."""
    owner: str
    """Where they really live: another name where `name` is an alias."""
    records: tuple[Tlsa, ...]
    """None of them where the look-up failed."""
    addresses: Security
    """Of the host's addresses; of the alias itself where only that is secure."""
    security: Security
    """Of the whole: secure only where the addresses and the records both are."""
    trouble: str
    """Why the records could not be looked up, twice; empty where they could."""
    waited: bool
    """A pause lay between the two looks, as the user wished."""
    asked: tuple[Cite, ...]
    beside: tuple[str, ...] = ()
    """What a certificate may name beside the base domain, where a record is of the authority that issued it."""

    @property
    def names(self) -> tuple[str, ...]:
        """What such a certificate may name (RFC 7672 section 3.2.2)."""
        return tuple(dict.fromkeys((self.base, *self.beside)))

    @property
    def secure(self) -> bool:
        """Whether senders that honour DANE heed these records."""
        return self.security is Security.SECURE and bool(self.records)

    @property
    def usable(self) -> tuple[Tlsa, ...]:
        """The records by which a sender can authenticate the host (RFC 7672 section 3.1)."""
        return tuple(record for record in self.records if record.is_usable_for_smtp)

    @property
    def unusable(self) -> tuple[Tlsa, ...]:
        """The records that senders pass over."""
        return tuple(record for record in self.records if not record.is_usable_for_smtp)

    @property
    def authenticates(self) -> bool:
        """Whether senders that honour DANE deliver only to a host that these records fit."""
        return self.secure and bool(self.usable)


@frozen
class HeededTlsa:
    """The TLSA records of one MX host where senders that honour DANE heed them: validated, the addresses too.

    Absent where they are not, as insecure records bind nobody (RFC 7672 section 2.2).
    """

    host: DaneHost
