"""What a dialogue does last where text was due and nothing came: find out whether TLS is spoken instead."""

from __future__ import annotations

from diag.tls.handshake import Handshake

from .actions import Note, Secure, Steps, Stop
from .transcript import Ending


def ask_for_tls(host: str, patience: float) -> Steps[None]:
    """Send a ClientHello on the same connection, then end: a silent peer costs one connection, not two."""
    yield Note(
        f"no greeting within {patience:g} s; sending a TLS ClientHello to see whether TLS is spoken here"
    )
    made = yield Secure(host, last_act=True)
    spoken = "; the peer speaks TLS" if isinstance(made, Handshake) else ""
    yield Stop(Ending.SILENT, f"no greeting within {patience:g} s{spoken}")
