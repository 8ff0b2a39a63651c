"""Where the fact comes from: questions asked of the lab, all at once where none waits for another."""

from __future__ import annotations

from dns.rdtypes.IN.SRV import SRV

from diag.api import Absent, Cite, Lab, Many, ScriptTalk, Target, Unavailable, fact
from diag.asking import Found, all_of, look_up, plain, script_of

from .facts import SieveEcho, SieveServer, capabilities
from .probes import SieveHello


@fact
async def sieve_servers(target: Target, lab: Lab) -> Many[SieveServer] | Absent | Unavailable:
    """The ManageSieve servers that the domain names by SRV (RFC 5804 section 1.8)."""
    srv = await look_up(lab, f"_sieve._tcp.{target.domain}", "SRV")
    if not isinstance(srv, Found):
        return srv  # absent or unavailable, and the evidence for it
    ports = {plain(rdata.target): int(rdata.port) for rdata in srv.rdatas if isinstance(rdata, SRV)}
    if "." in ports:  # "decidedly not available" (RFC 2782)
        return Absent(f"{target.domain} says that it has no ManageSieve server", srv.evidence)

    async def server(host: str) -> SieveServer | Unavailable:
        return await _server(lab, host, ports[host], srv.evidence)

    return Many(await all_of(server, sorted(ports)))


async def _server(lab: Lab, host: str, port: int, asked: tuple[Cite, ...]) -> SieveServer | Unavailable:
    addresses = await look_up(lab, host, "A")
    if not isinstance(addresses, Found):
        return Unavailable(f"{host} has no address to ask: {addresses.because}", addresses.evidence)
    probe = SieveHello(host, str(addresses.rdatas[0]), port)
    heard = await lab.run(probe)
    if heard.trouble:
        return Unavailable(f"{probe}: {heard.trouble}", (Cite(probe),))
    offered = capabilities(heard.octets)
    return SieveServer(
        host=host,
        address=probe.address,
        port=port,
        implementation=offered.get("IMPLEMENTATION", ""),
        starttls="STARTTLS" in offered,
        mechanisms=tuple(offered.get("SASL", "").split()),
        asked=(*asked, Cite(probe)),
    )


NOOP = script_of(
    """
    S: OK
    C: NOOP "{nonce}"
    S: OK (TAG "{back}") | OK | NO
    """,
    "sieve",
)
"""A dialogue as data: maildiag speaks it, records it, and keeps to every limit. No performer is needed."""


@fact
async def sieve_echoes(servers: Many[SieveServer], lab: Lab) -> Many[SieveEcho]:
    """Whether each server gives back the tag of a NOOP, on a connection of its own."""

    async def echo(host: str) -> SieveEcho | Absent | Unavailable:
        server = servers.items[host]
        if isinstance(server, Absent | Unavailable):
            return server
        probe = ScriptTalk(server.address, server.port, host, NOOP, nonce="maildiag-example")
        read = probe.read(await lab.run(probe))
        asked = (Cite(probe, read.event),)
        if not read.done:
            return Unavailable(read.because, asked)
        return SieveEcho(host, server.port, read.kept.get("back") == probe.nonce, asked)

    return Many(await all_of(echo, servers.items))
