"""`maildiag talk`: one recorded dialogue, as operators write it down."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from .options import command, option, port as port_number, seconds

if TYPE_CHECKING:
    from diag.probes.probe import Lab
    from diag.probes.talks import Talk, Tls
    from diag.wire.transcript import Transcript

PORTS = {"smtp": 25, "imap": 143, "pop3": 110}
IMPLICIT = (465, 993, 995)
"""Ports where TLS begins with the first octet (RFC 8314 section 3)."""


@command(short_help="Hold one dialogue with a host and print it.")
@click.argument("protocol", metavar="smtp|imap|pop3")
@click.argument("host", metavar="HOST")
@option("-p", "--port", metavar="PORT", type=port_number, help="25, 143 or 110 where none is given.")
@option("--tls", metavar="starttls|implicit", help="How TLS begins; by the port where nothing is said.")
@option("--helo", metavar="NAME", help="What we call ourselves in EHLO.")
@option("--from", "mail_from", metavar="MAILBOX", help="Begin a transaction (reset, never sent); '' is null.")
@option("--to", "recipients", metavar="MAILBOX", multiple=True, help="A recipient to ask for.")
@option("-n", "--nameserver", "nameservers", metavar="ADDR[:PORT]", multiple=True, help="Ask this resolver.")
@option("-4", "ipv4", is_flag=True, help="IPv4 only.")
@option("-6", "ipv6", is_flag=True, help="IPv6 only.")
@option("--timeout", metavar="S", type=seconds, default=60.0, help="The most seconds for the dialogue: 60.")
@option("--port-map", metavar="HOST:PORT=ADDR:PORT", multiple=True, help="Connect elsewhere.")
def talk(
    protocol: str,
    host: str,
    port: int | None,
    tls: str | None,
    helo: str | None,
    mail_from: str | None,
    recipients: tuple[str, ...],
    nameservers: tuple[str, ...],
    ipv4: bool,
    ipv6: bool,
    timeout: float,
    port_map: tuple[str, ...],
) -> int:
    """Hold one polite dialogue with a host and print every line of it; nothing is ever sent as mail.

    Exits with 3 where no connection came about.
    """
    import anyio

    from diag.probes.talks import ImapTalk, Pop3Talk, SmtpTalk
    from diag.wire.transcript import Opened, render

    from . import exits, judging
    from .faults import Fault, unknown
    from .tell import tell
    from .world import live

    if protocol not in PORTS:
        raise unknown("protocol", protocol, PORTS)
    if tls not in (None, "starttls", "implicit"):
        raise unknown("way of TLS", tls, ("starttls", "implicit"), where="--tls")
    if protocol != "smtp" and (mail_from is not None or recipients or helo):
        raise Fault(f"--helo, --from and --to are for smtp, not for {protocol}")
    where = port or PORTS[protocol]
    way: Tls = "implicit" if tls == "implicit" or (tls is None and where in IMPLICIT) else "starttls"
    lab = live(judging.plugins(), nameservers=nameservers, port_map=port_map)

    async def held() -> Transcript:
        address = await _address(lab, host, (ipv4 or not ipv6, ipv6 or not ipv4))
        probe: Talk
        if protocol == "smtp":
            name = await _our_name(lab, helo)
            begun = "" if recipients and mail_from is None else mail_from
            probe = SmtpTalk(address, where, host, name, way, begun, recipients, timeout)
        else:
            kind = ImapTalk if protocol == "imap" else Pop3Talk
            probe = kind(address, where, host, way, timeout)
        return await lab.run(probe)

    transcript = anyio.run(held)
    tell("".join(f"{line}\n" for line in render(transcript)))
    opened = any(isinstance(event, Opened) for event in transcript.events)
    return exits.OK if opened else exits.UNDETERMINED


async def _address(lab: Lab, host: str, families: tuple[bool, bool]) -> str:
    """The host's first address of a family that is wanted. Raises Fault."""
    import ipaddress

    from diag.gather.dns import Found, look_up
    from diag.names.domain import BadDomain, domain

    from .faults import Fault

    try:
        return str(ipaddress.ip_address(host.strip("[]")))
    except ValueError:
        pass
    try:
        name = domain(host)
    except BadDomain as error:
        raise Fault(str(error)) from None
    because = ""
    for rdtype, wanted in zip(("A", "AAAA"), families, strict=True):
        if wanted:
            looked = await look_up(lab, name, rdtype)
            if isinstance(looked, Found):
                return str(looked.rdatas[0])
            because = because or looked.because
    raise Fault(f"{host}: no address to talk to: {because}")


async def _our_name(lab: Lab, helo: str | None) -> str:
    from diag.gather.helo import helo as name_of
    from diag.model.target import Target

    return await name_of(Target("", helo=helo or ""), lab)
