"""The critical path of a recorded run, in round trips: what had to wait for what, whatever the program did.

DNS, one round trip a step: the MX records, then the addresses, then the conversation. A conversation costs
one round trip to connect, one for each thing said that was answered, and one for a TLS 1.3 handshake (two
for older ones). Hosts that only SRV or an autoconfig document names wait for those first.
"""

from __future__ import annotations

from pathlib import Path

from diag.lab.tape import Tape
from diag.probes.https import HttpsGet
from diag.run.registry import load
from diag.wire.transcript import Said, Secured, Transcript, Who

MX_THEN_ADDRESS = 2


def round_trips(tape: Path) -> int:
    """The longest chain of round trips of the run on a tape."""
    exchanges = Tape.load(tape, load().probes).exchanges
    longest = max(
        (
            talk_trips(seen)
            for seen in exchanges.values()
            if isinstance(seen, Transcript) and len(seen.events) > 2
        ),
        default=0,
    )
    policy = 4 if any(isinstance(probe, HttpsGet) for probe in exchanges) else 0  # address, connect, TLS, GET
    return max(MX_THEN_ADDRESS + longest, policy)


def talk_trips(transcript: Transcript) -> int:
    """Round trips of one conversation: connecting, turns taken, and handshakes."""
    turns, last = 0, Who.PEER
    trips = 1
    for event in transcript.events:
        if isinstance(event, Said):
            if event.who is Who.PEER and last is Who.US:
                turns += 1
            last = event.who
        elif isinstance(event, Secured):
            trips += 1 if getattr(event.handshake, "version", "") == "TLSv1.3" else 2
    return trips + turns
