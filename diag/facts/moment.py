"""When the run took place, and from where."""

from __future__ import annotations

import ipaddress
from datetime import datetime

from diag.model.frozen import frozen
from diag.model.knowing import Cite


@frozen
class RunMoment:
    """The moment everything is judged at, in UTC."""

    at: datetime
    """That of the run, or the one the user chose: signatures, certificates, lists and staples are held to it."""
    ran: datetime | None = None
    """When the run took place, where the user chose another moment to judge at; None where he did not."""

    @property
    def real(self) -> datetime:
        """When the run took place: clocks of others are compared with it, and what is for use today is dated so."""
        return self.ran or self.at

    @property
    def chosen(self) -> bool:
        """Whether the user chose the moment, so that no clock decides anything."""
        return self.ran is not None


@frozen
class VantagePoint:
    """What this machine can see of the network: what it cannot is never blamed on the domain.

    None stands for "not known": no reference could be asked.
    """

    ipv4: str
    """Our source address, empty without a route."""
    ipv6: str
    port_25: bool | None
    """Whether a reference host could be reached on port 25."""
    validating: bool | None
    """Whether the resolver vouches for answers known to be signed."""
    honest: bool | None
    """Whether the resolver says NXDOMAIN for a name nobody has."""
    references: tuple[str, ...]
    """The hosts tried on port 25."""
    asked: tuple[Cite, ...]

    def is_ours(self, address: str) -> bool:
        """Whether an address is one that we connect from."""
        return address in (self.ipv4, self.ipv6)

    def has_route(self, address: str) -> bool:
        """Whether we have a route to an address: to its family, or because it is our own."""
        return ipaddress.ip_address(address).is_loopback or bool(self.ipv6 if ":" in address else self.ipv4)
