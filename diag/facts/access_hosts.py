"""The hosts that mail programs use, and how each was found (RFC 6186, RFC 8314 section 5.1)."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Literal

from diag.model.frozen import frozen
from diag.model.knowing import Cite
from diag.records.autoconfig import ClientConfig


class Service(enum.StrEnum):
    """What a mail program wants of a host."""

    SUBMISSION = "submission"
    IMAP = "imap"
    POP3 = "pop3"
    SIEVE = "managesieve"
    """Where mail filters are kept (RFC 5804)."""


class Origin(enum.StrEnum):
    """How a host was found."""

    SRV = "srv"
    AUTOCONFIG = "autoconfig"
    USER = "user"
    NAME = "name"
    """It bears a conventional name, such as `imap` below the domain."""
    MX = "mx"

    @property
    def published(self) -> bool:
        """Whether somebody said that mail programs should use it; the rest are guesses, which may fail."""
        return self in (Origin.SRV, Origin.AUTOCONFIG, Origin.USER)


Security = Literal["implicit", "starttls", "plain"]
"""TLS with the first octet; STARTTLS or STLS; none at all."""


@frozen
class Offer:
    """One server that the domain tells mail programs of."""

    service: Service
    host: str
    port: int
    security: Security
    """For SRV what the service name stands for: `_imap` may also mean STARTTLS (RFC 6186 section 3.2)."""
    origin: Origin
    where: str
    """The owner of the SRV record, or the address of the document."""
    evidence: tuple[Cite, ...]


@dataclass(frozen=True, slots=True, order=True)
class ServiceRecord:
    """One SRV record (RFC 2782); `target` is "." where the service is decidedly not offered."""

    priority: int
    weight: int
    port: int
    target: str


@frozen
class ServiceRecords:
    """The SRV records of one service name."""

    name: str
    """The name asked for, such as `_imaps._tcp.example.org`."""
    service: Service
    security: Security
    records: tuple[ServiceRecord, ...]
    """By priority, then weight."""
    asked: tuple[Cite, ...]

    @property
    def declined(self) -> bool:
        """The domain says that it does not offer this service (RFC 2782, "Target")."""
        return all(record.target == "." for record in self.records)

    @property
    def offers(self) -> tuple[Offer, ...]:
        """The servers told of."""
        return tuple(
            Offer(self.service, record.target, record.port, self.security, Origin.SRV, self.name, self.asked)
            for record in self.records
            if record.target != "."
        )


@frozen
class AutoconfigDocument:
    """A client configuration document that the domain serves, however broken."""

    url: str
    config: ClientConfig
    offers: tuple[Offer, ...]
    """The servers in it that have a host and a port, placeholders filled in."""
    asked: tuple[Cite, ...]


@frozen
class AccessHost:
    """A host at which mail programs may find a server of the domain."""

    name: str
    origins: tuple[Origin, ...]
    """All the ways it was found, in the order of Origin."""
    offers: tuple[Offer, ...]
    """What is published to be there."""
    aliases: tuple[str, ...]
    """The targets of the CNAME records followed."""
    exists: bool
    """False: NXDOMAIN."""
    ipv4: tuple[str, ...]
    ipv6: tuple[str, ...]
    unknown: str
    """Why a family, or the whole host, could not be looked up; empty where all could."""
    asked: tuple[Cite, ...]

    @property
    def published(self) -> bool:
        """Whether somebody said that mail programs should use it."""
        return any(origin.published for origin in self.origins)

    @property
    def addresses(self) -> tuple[str, ...]:
        """All its addresses, IPv4 first."""
        return self.ipv4 + self.ipv6
