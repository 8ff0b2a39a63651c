"""What a dialogue does last where text was due and nothing came: find out whether TLS is spoken instead."""

from __future__ import annotations

from diag.tls.handshake import Handshake

from .actions import Note, Secure, Steps, Stop
from .transcript import Ending, Remark, Transcript

BESIDE = (
    "no greeting within {seconds:g} s; another connection asks whether TLS is spoken here, and we wait on"
)
EXPLAINED = "the other connection was answered by TLS, which explains the silence: we wait no longer"


def ask_for_tls(host: str) -> Steps[None]:
    """Send a ClientHello on the same connection, then end: a silent peer costs one connection, not two."""
    yield Note("no greeting came; sending a TLS ClientHello to see whether TLS is spoken here")
    made = yield Secure(host, last_act=True)
    spoken = "; the peer speaks TLS" if isinstance(made, Handshake) else ""
    yield Stop(Ending.SILENT, f"no greeting came{spoken}")


def asked_beside(transcript: Transcript) -> bool:
    """Whether another connection was made in the meantime."""
    marks = BESIDE.partition("; ")[2]
    return any(isinstance(event, Remark) and event.text.endswith(marks) for event in transcript.events)
