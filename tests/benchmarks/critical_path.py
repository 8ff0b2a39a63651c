"""The critical path of a recorded run, in round trips: what had to wait for what, whatever the program did.

DNS, one round trip a step: the MX records, then the addresses, then the conversation. A conversation costs
one round trip to connect, one for each turn taken, and one for a TLS 1.3 handshake (two for older ones). What
is only tried where a first conversation went well, such as command injection at the same address, waits for it.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from diag.lab.tape import Tape
from diag.probes.https import HttpsGet
from diag.run.registry import load
from diag.wire.transcript import Said, Secured, Transcript, Who

MX_THEN_ADDRESS = 2
POLICY = 4
"""Of an HTTPS fetch: address, connection, handshake, request."""


def round_trips(tape: Path) -> int:
    """The longest chain of round trips of the run on a tape."""
    exchanges = Tape.load(tape, load().probes).exchanges
    chains: dict[tuple[str, int], list[int]] = defaultdict(list)
    for probe, seen in exchanges.items():
        if isinstance(seen, Transcript):
            chains[getattr(probe, "address", ""), getattr(probe, "port", 0)].append(talk_trips(seen))
    longest = max((sum(trips) for trips in chains.values()), default=0)
    policy = POLICY if any(isinstance(probe, HttpsGet) for probe in exchanges) else 0
    return max(MX_THEN_ADDRESS + longest, policy)


def talk_trips(transcript: Transcript) -> int:
    """Round trips of one conversation: connecting, turns taken, and handshakes."""
    trips, last = 1, Who.PEER
    for event in transcript.events:
        if isinstance(event, Said):
            trips += event.who is Who.PEER and last is Who.US
            last = event.who
        elif isinstance(event, Secured):
            trips += 1 if getattr(event.handshake, "version", "") == "TLSv1.3" else 2
    return trips
