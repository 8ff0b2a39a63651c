"""The lab at the bottom: the world itself, through performers."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from diag.model.frozen import frozen
from diag.model.plugin import Performer
from diag.probes.probe import E, Probe

from .datagrams import Datagrams
from .network import Network, Sockets
from .secrets import Secrets

if TYPE_CHECKING:
    from diag.wire.transcript import Event


@frozen
class Means:
    """What performers work with: where wires and answers come from, whom to ask, whom to trust."""

    network: Network = field(default_factory=Sockets)
    datagrams: Datagrams = field(default_factory=Datagrams)
    """The ports that questions go out of."""
    nameservers: tuple[str, ...] = ()
    """Resolvers as address or address#port; empty: those of the machine."""
    ca_file: Path | None = None
    """Trust anchors in PEM to use instead of the machine's."""
    secrets: Secrets = field(default_factory=Secrets)
    """Where passwords come from."""
    watch: Callable[[Event], None] | None = None
    """Who is told of what is said in conversations, as it is said."""

    def events(self) -> list[Event]:
        """Where a conversation puts its events."""
        if self.watch is None:
            return []
        from .talks import Watched

        return Watched(self.watch)


class Live:
    """Carries probes out. An unknown kind is a bug of the plan's and raises TypeError."""

    def __init__(self, performers: Mapping[type[Probe[Any]], Performer], means: Means | None = None) -> None:
        self._performers = performers
        self._means = means or Means()

    def run(self, probe: Probe[E]) -> Coroutine[Any, Any, E]:
        """See Lab."""
        performer = self._performers.get(type(probe))
        if performer is None:
            raise TypeError(
                f"nobody performs {type(probe).__name__}: a plugin must offer @performs({type(probe).__name__})"
            )
        return cast(Coroutine[Any, Any, E], performer.function(probe, self._means))
