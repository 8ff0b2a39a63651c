"""The lab of a live run, composed once and shared by all its domains."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from diag.lab.ahead import Ahead
from diag.lab.limited import Limited, Limits
from diag.lab.live.dns import ask
from diag.lab.live.live import Live, Means
from diag.lab.once import Once
from diag.lab.reroute import Reroute
from diag.probes.probe import Lab
from diag.run.registry import Registry

from .addresses import nameserver, port_map as route
from .faults import Fault, reason

if TYPE_CHECKING:
    from diag.wire.transcript import Event

REMEMBERED = 2048
"""Evidence kept for the domains that come after: MX hosts and includes of the large providers."""


def live(
    registry: Registry,
    *,
    nameservers: Sequence[str] = (),
    nameservers_from: str = "--nameserver",
    ca_file: Path | None = None,
    port_map: Sequence[str] = (),
    limits: Limits | None = None,
    watch: Callable[[Event], None] | None = None,
) -> Lab:
    """The world, asked politely and nothing twice. Raises Fault for what cannot be meant.

    `watch` is told of what is said in conversations, as it is said.
    """
    servers = tuple(nameserver(text, nameservers_from) for text in nameservers)
    if ca_file is not None:
        _refuse_useless(ca_file)
    lab: Lab = Live(registry.performers, Means(nameservers=servers, ca_file=ca_file, watch=watch))
    routes = dict(route(text) for text in port_map)
    if routes:
        lab = Reroute(routes, lab)
    return Once(Limited(lab, limits or Limits()), REMEMBERED)


def ahead(domain: str, nameservers: Sequence[str]) -> Ahead:
    """What every run on a domain asks first, on its way while the program is being loaded. Raises Fault."""
    servers = tuple(nameserver(text, "--nameserver") for text in nameservers)
    return Ahead(domain, partial(ask.function, means=Means(nameservers=servers)))


def _refuse_useless(ca_file: Path) -> None:
    import ssl  # only who names roots pays for it

    try:
        held = ca_file.is_dir() or b"-----BEGIN" in ca_file.read_bytes()
        if held and not ca_file.is_dir():
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(ca_file)
    except ssl.SSLError:
        raise Fault(f"--ca-file {ca_file}: a certificate in it cannot be read") from None
    except OSError as error:
        raise Fault(f"--ca-file {ca_file}: cannot be read: {reason(error)}") from None
    if not held:
        raise Fault(f"--ca-file {ca_file}: there is no certificate in PEM in it")
