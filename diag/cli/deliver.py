"""`maildiag deliver`: what conforming senders would do with mail for a domain, step by step."""

from __future__ import annotations

import dataclasses
import functools
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .options import PATH, command, network_options, option, quiet

if TYPE_CHECKING:
    from diag.facts.delivery import Message
    from diag.model.plugin import Renderer
    from diag.model.report import Report
    from diag.model.target import Target
    from diag.run.profile import Profile

AREA = "delivery"
EXIT_CODES = (
    "Exit codes, the first that fits: 130 interrupted; 2 usage error; 1 mail of some kind of sender is deferred or "
    "bounced; 4 a check of ours crashed; 3 of some kind of sender that is not known; 0 all of them get through."
)
_of_report = functools.partial(option, group="Report")
_of_network = functools.partial(option, group="Network")
_of_message = functools.partial(option, group="Message")


def _octets(text: str | int) -> int:
    """Octets as given to --size. Raises click.BadParameter."""
    if not (str(text).isascii() and str(text).isdigit() and 0 < len(str(text)) < 19):
        raise click.BadParameter(f"{text}: expected octets, a whole number")
    return int(text)


@command(epilog=EXIT_CODES, short_help="Follow a message to a domain, as senders of three kinds would.")
@click.argument("domain", metavar="DOMAIN")
@_of_report(
    "-f",
    "--format",
    "formats",
    metavar="NAME",
    multiple=True,
    help="text (default) or json. May be repeated; each pairs with the -o of the same rank.",
)
@_of_report(
    "-o",
    "--output",
    "outputs",
    metavar="PATH",
    type=PATH,
    multiple=True,
    help="Where it goes; '-' is standard output.",
)
@quiet
@_of_report("-v", "--verbose", is_flag=True, help="Mail hosts that senders do not come to, too.")
@_of_report("--save", metavar="TAPE", type=PATH, help="Record the run for 'maildiag replay'.")
@_of_message("--size", metavar="OCTETS", type=_octets, default=0, help="A message of so many octets.")
@_of_message("--requiretls", is_flag=True, help="A message that is to go under authenticated TLS alone.")
@_of_network("--confirm", is_flag=True, help="Pause, then look twice before a grave verdict.")
@_of_network("--profile", metavar="FILE", type=PATH, help="Limits and lists; default: ./maildiag.toml.")
@network_options
def deliver(
    domain: str,
    formats: tuple[str, ...],
    outputs: tuple[Path, ...],
    quiet: bool,
    verbose: bool,
    save: Path | None,
    size: int,
    requiretls: bool,
    confirm: bool,
    nameservers: tuple[str, ...],
    ipv4: bool,
    ipv6: bool,
    helo: str | None,
    timeout: float | None,
    profile: Path | None,
    ca_file: Path | None,
    port_map: tuple[str, ...],
    public: tuple[str, ...],
) -> int:
    """Say what becomes of mail for a domain: MX, addresses, STARTTLS, MTA-STS and DANE, as each kind of sender meets them.

    Each mail host is talked to once at each address, as by 'check'; no message is sent. Formats are text and json.
    """
    from diag.facts.delivery import Message
    from diag.run.diagnose import Options

    from . import exits, judging, outputs as places, tapes
    from .domains import domains
    from .faults import Fault
    from .progress import Progress
    from .work import Outcome, Work
    from .world import live

    class Delivering(Work):
        """A run whose exit code is that of the message."""

        def outcome(self, report: Report) -> Outcome:
            """See Work."""
            told = super().outcome(report)
            code = exits.first((_code(report, message), exits.code_of(report, None)))
            return dataclasses.replace(told, code=code)

    names = domains((domain,))
    if len(names) != 1:
        raise Fault("deliver looks at one domain at a time")
    message = Message(size, requiretls)
    progress = Progress(quiet=quiet, verbose=verbose)
    registry = judging.plugins(checks_later=True)
    said = judging.profile(profile, registry, progress)
    where = places.places(_renderers(message), formats, outputs, many=False, verbose=verbose)
    if save is not None:
        tapes.refuse_unwritable(save)
    work = Delivering(
        registry=registry,
        options=Options(only=(AREA,), required=()),
        threshold=None,
        fail_on=judging.DEFAULT_FAIL_ON,
        places=where,
        progress=progress,
        save=save,
    )
    lab = live(
        registry,
        nameservers=nameservers or said.nameservers,
        nameservers_from="--nameserver" if nameservers else f"{said.place}: nameservers",
        ca_file=ca_file,
        port_map=port_map,
        limits=said.limits,
    )
    families = (ipv4 or not ipv6, ipv6 or not ipv4)
    target = _target(said, helo=helo, families=families, public=public, timeout=timeout, confirm=confirm)
    return work.run(names, target, lab, None)


def _renderers(message: Message) -> dict[str, Renderer]:
    """The two forms, of this message."""
    from diag.model.plugin import Renderer

    from .deliver_told import json, text

    return {
        "text": Renderer("text", functools.partial(text, message=message)),
        "json": Renderer("json", functools.partial(json, message=message), "application/json"),
    }


def _target(
    said: Profile,
    *,
    helo: str | None,
    families: tuple[bool, bool],
    public: tuple[str, ...],
    timeout: float | None,
    confirm: bool,
) -> Target:
    from diag.model.target import Target

    from .addresses import networks, our_name

    usual = Target("")
    return Target(
        "",
        helo=our_name(helo, said),
        ipv4=families[0],
        ipv6=families[1],
        public=tuple(dict.fromkeys((*said.public, *networks(public)))),
        timeout=timeout or said.timeout or usual.timeout,
        confirm=confirm,
        references=usual.references if said.references is None else said.references,
    )


def _code(report: Report, message: Message) -> int:
    """What became of the message, for scripts."""
    from diag.facts.delivery import Delivery, DeliveryOutcome, Families, Sender

    from . import exits

    known = report.fact(Delivery)
    if not isinstance(known, Delivery):
        return exits.UNDETERMINED
    outcomes = {known.path(sender, Families.BOTH, message).outcome for sender in Sender}
    if outcomes & {DeliveryOutcome.DEFERRED, DeliveryOutcome.BOUNCED}:
        return exits.FOUND
    return exits.UNDETERMINED if DeliveryOutcome.UNKNOWN in outcomes else exits.OK
