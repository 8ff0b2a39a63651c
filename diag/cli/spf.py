"""`maildiag spf`: one SPF check as a receiver makes it, or what the record costs and whom it lets send."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from .options import PATH, command, option

if TYPE_CHECKING:
    from diag.facts.spf_result import SpfCheck
    from diag.probes.probe import Lab

    from .spf_told import Asked, Surveyed

FORMATS = ("text", "json")


@command(short_help="Evaluate SPF as a receiver does, or show what it costs and whom it lets send.")
@click.argument("domain", metavar="DOMAIN")
@option("--ip", metavar="ADDRESS", help="The sending host's address. Without it: the record's tree and cost.")
@option(
    "--from",
    "mail_from",
    metavar="MAILBOX",
    help="The reverse-path, a mailbox of DOMAIN; '' checks DOMAIN as the HELO name.",
)
@option("--helo", metavar="NAME", help="What the host calls itself; DOMAIN where nothing is said.")
@option("-n", "--nameserver", "nameservers", metavar="ADDR[:PORT]", multiple=True, help="Ask this resolver.")
@option("--zone", metavar="FILE", type=PATH, help="As if this zone file were published.")
@option("-f", "--format", "form", metavar="NAME", default="text", help="text (default) or json.")
def spf(
    domain: str,
    ip: str | None,
    mail_from: str | None,
    helo: str | None,
    nameservers: tuple[str, ...],
    zone: Path | None,
    form: str,
) -> int:
    """Check one sending host against a domain's SPF record, as a receiver does (RFC 7208).

    Prints the result, the term that decided and every term that was looked at. Without --ip: the whole tree
    of the record, what each branch costs, and who may send. Exits with 3 where that could not be found out.
    """
    import anyio

    from diag.lab.overlay import Overlay

    from . import exits, judging, spf_told
    from .faults import Fault, unknown
    from .outputs import on_terminal
    from .tell import tell
    from .world import live

    if form not in FORMATS:
        raise unknown("format", form, FORMATS)
    if ip is None and (mail_from is not None or helo is not None):
        raise Fault(f"{'--helo' if mail_from is None else '--from'}: --ip is needed too")
    name = _domain(domain)
    asked = _asked(name, ip, mail_from, helo) if ip is not None else None
    proposed = judging.zone(zone, [name])
    lab: Lab = live(judging.plugins(checks_later=True), nameservers=nameservers)
    if proposed is not None:
        lab = Overlay(proposed, lab)
    width = on_terminal(verbose=False).width
    if asked is not None:
        check = anyio.run(_checked, lab, asked)
        as_json, as_text = spf_told.check_json, spf_told.check_text
        tell(as_json(asked, check) if form == "json" else as_text(asked, check, width))
        return exits.UNDETERMINED if check.result == "temperror" else exits.OK
    found = anyio.run(_surveyed, lab, name)
    tell(spf_told.tree_json(name, found) if form == "json" else spf_told.tree_text(name, found, width))
    return exits.UNDETERMINED if spf_told.is_open(found) else exits.OK


def _domain(text: str) -> str:
    from diag.names.domain import BadDomain, domain

    from .faults import Fault

    try:
        return domain(text)
    except BadDomain as error:
        raise Fault(str(error)) from None


def _asked(domain: str, ip: str, mail_from: str | None, helo: str | None) -> Asked:
    """The three identities of one check (RFC 7208 section 2.3 and 2.4). Raises Fault."""
    import ipaddress

    from diag.names.mailbox import BadMailbox, mailbox

    from .addresses import helo_name
    from .faults import Fault
    from .spf_told import Asked

    try:
        address = str(ipaddress.ip_address(ip))
    except ValueError:
        raise Fault(f"--ip {ip!r}: expected an IPv4 or IPv6 address") from None
    if "%" in address:
        raise Fault(f"--ip {ip!r}: expected an address without a zone")
    name = helo_name(helo) if helo is not None else domain
    if mail_from == "":
        if name.lower().rstrip(".") != domain:
            raise Fault(
                f"--helo {name}: with the null reverse-path the HELO name is what is checked: give it as DOMAIN"
            )
        return Asked(domain, address, "", name)
    try:
        sender = mailbox(mail_from) if mail_from is not None else f"postmaster@{domain}"
    except BadMailbox as error:
        raise Fault(f"--from {error}") from None
    if sender.rpartition("@")[2] != domain:
        raise Fault(f"--from {sender}: SPF is checked at the domain of the mailbox, which is not {domain}")
    return Asked(domain, address, sender, name)


async def _checked(lab: Lab, asked: Asked) -> SpfCheck:
    from diag.gather.spf_check import check_host
    from diag.probes.moment import Now

    moment = (await lab.run(Now())).at
    return await check_host(
        lab, asked.ip, asked.domain, asked.mail_from, asked.helo, moment=int(moment.timestamp())
    )


async def _surveyed(lab: Lab, domain: str) -> Surveyed:
    """The tree of the domain's one record, or what stands there instead."""
    from diag.facts.spf import SpfPublished
    from diag.gather.spf import spf_evaluation, spf_published
    from diag.model.target import Target

    found: Surveyed = await spf_published.function(Target(domain), lab)
    if isinstance(found, SpfPublished) and len(found.records) == 1:
        found = await spf_evaluation.function(found, lab)
    return found
