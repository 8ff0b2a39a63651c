"""`maildiag check`: the main job."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .options import FailOn, Formats, Only, Outputs, ProfileFile, Quiet, Require, Skip, Verbose, ZoneFile

if TYPE_CHECKING:
    from diag.model.target import Target
    from diag.run.profile import Profile

    from .access import Access

EXIT_CODES = (
    "Exit codes, the first that fits: 130 interrupted; 2 usage or configuration error; 1 findings from --fail-on "
    "upwards; 4 a check of ours crashed; 3 a required area could not be determined: one of its checks is "
    "inconclusive ('dns' stands for MX, SPF and DMARC where the DNS gave no answer); 0 otherwise."
)
_TARGET = "What is looked at"
_ACCESS = "Access"
_NETWORK = "Network"


def check(
    domains: Annotated[
        list[str], typer.Argument(metavar="DOMAIN...", help="Domains; '-' reads a list from stdin.")
    ],
    formats: Formats = None,
    outputs: Outputs = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
    only: Only = None,
    skip: Skip = None,
    zone: ZoneFile = None,
    profile: ProfileFile = None,
    fail_on: FailOn = None,
    require: Require = None,
    save: Annotated[
        Path | None,
        typer.Option(
            metavar="TAPE",
            help="Record the run for 'maildiag replay'. A folder takes one tape a domain.",
            rich_help_panel="Report",
        ),
    ] = None,
    selectors: Annotated[
        list[str] | None,
        typer.Option(
            "--selector", metavar="NAME", help="A DKIM selector you know of.", rich_help_panel=_TARGET
        ),
    ] = None,
    hosts: Annotated[
        list[str] | None,
        typer.Option(
            "--host", metavar="NAME", help="A host for submission or mailboxes.", rich_help_panel=_TARGET
        ),
    ] = None,
    dialogues: Annotated[
        bool,
        typer.Option(
            "--dialogues/--no-dialogues",
            help="Connect to mail hosts; without, DNS and policies only.",
            rich_help_panel=_TARGET,
        ),
    ] = True,
    sends: Annotated[
        bool | None,
        typer.Option(
            "--sends/--receives-only",
            help="Whether the domain sends mail; otherwise presumed from its records.",
            show_default=False,
            rich_help_panel=_TARGET,
        ),
    ] = None,
    confirm: Annotated[
        bool,
        typer.Option(
            "--confirm", help="Pause, then look twice before a grave verdict.", rich_help_panel=_TARGET
        ),
    ] = False,
    intrusive: Annotated[
        bool,
        typer.Option(
            "--intrusive",
            help="Try too what is no ordinary use: whether hosts relay for strangers, whether they take "
            "chunks. Nothing is sent, except with --mailbox. Only for hosts of your own.",
            rich_help_panel=_TARGET,
        ),
    ] = False,
    mailbox: Annotated[
        str | None,
        typer.Option(
            metavar="MAILBOX",
            help="A mailbox of yours in the domain. With --intrusive, test messages are sent to it.",
            rich_help_panel=_ACCESS,
        ),
    ] = None,
    login: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="With --intrusive: read the test messages back over IMAP, and try one login WITHOUT encryption "
            "on each submission port that offers it: who listens there learns the password.",
            rich_help_panel=_ACCESS,
        ),
    ] = None,
    password: Annotated[
        str | None,
        typer.Option(
            metavar="env:NAME|file:PATH",
            help="Where the password of --login is, never the password itself.",
            rich_help_panel=_ACCESS,
        ),
    ] = None,
    nameservers: Annotated[
        list[str] | None,
        typer.Option(
            "-n",
            "--nameserver",
            metavar="ADDR[:PORT]",
            help="Ask this resolver. May be repeated.",
            rich_help_panel=_NETWORK,
        ),
    ] = None,
    ipv4: Annotated[bool, typer.Option("-4", help="IPv4 only.", rich_help_panel=_NETWORK)] = False,
    ipv6: Annotated[bool, typer.Option("-6", help="IPv6 only.", rich_help_panel=_NETWORK)] = False,
    helo: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="What we call ourselves in EHLO.", rich_help_panel=_NETWORK),
    ] = None,
    timeout: Annotated[
        float | None,
        typer.Option(metavar="S", help="The most seconds one probe may take.", rich_help_panel=_NETWORK),
    ] = None,
    deadline: Annotated[
        float | None,
        typer.Option(metavar="S", help="The most seconds for one domain.", rich_help_panel=_NETWORK),
    ] = None,
    ca_file: Annotated[
        Path | None,
        typer.Option(
            metavar="PEM", help="Trust these roots instead of the machine's.", rich_help_panel=_NETWORK
        ),
    ] = None,
    port_map: Annotated[
        list[str] | None,
        typer.Option(
            metavar="HOST:PORT=ADDR:PORT",
            help="Connect elsewhere (tunnels, laboratories). May be repeated.",
            rich_help_panel=_NETWORK,
        ),
    ] = None,
    public: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NETWORK", help="Judge these addresses as if they were public.", rich_help_panel=_NETWORK
        ),
    ] = None,
) -> int:
    """Look at a domain's mail: DNS, policies, and what its hosts say on every mail port."""
    from diag.lab.announced import Announced
    from diag.run.diagnose import Options
    from diag.run.profile import USUAL

    from . import judging, outputs as places, tapes
    from .access import access
    from .domains import FROM_STDIN, domains as read_domains
    from .faults import Fault
    from .progress import Progress
    from .work import Work
    from .world import ahead, live

    progress = Progress(quiet=quiet, verbose=verbose)
    names = read_domains(domains)
    usual = profile is None and not USUAL.is_file() and not any((zone, only, skip, port_map))
    early = ahead(names[0], nameservers or ()) if usual and len(names) == 1 else None
    registry = judging.plugins()
    said = judging.profile(profile, registry, progress)
    many = len(names) > 1 or FROM_STDIN in domains
    where = places.places(registry.renderers, formats or (), outputs or (), many=many, verbose=verbose)
    if save is not None:
        tapes.refuse_unwritable(save)
        if len(names) > 1 and not save.is_dir():
            raise Fault(
                f"--save {save}: a tape is of one domain; name a folder that exists for {len(names)} of them"
            )
    fail_on = fail_on or said.fail_on or judging.DEFAULT_FAIL_ON
    options = Options(
        only=judging.chosen(only or (), registry, "--only"),
        skip=judging.chosen(skip or (), registry, "--skip"),
        severities=said.severities,
        waivers=said.waivers,
        required=judging.required((*said.require, *(require or ())), registry, "--require"),
        deadline=_seconds(deadline, "--deadline") or said.deadline,
        proposed=str(zone) if zone is not None else "",
    )
    target = _target(
        said,
        selectors=selectors,
        hosts=hosts,
        helo=helo,
        families=(ipv4 or not ipv6, ipv6 or not ipv4),
        public=public,
        timeout=timeout,
        dialogues=dialogues,
        sends=sends,
        confirm=confirm,
        intrusive=intrusive,
        lent=access(
            names, mailbox=mailbox, login=login, password=password, intrusive=intrusive, said=said.mailbox
        ),
    )
    lab = live(
        registry,
        nameservers=nameservers or said.nameservers,
        nameservers_from="--nameserver" if nameservers else f"{said.place}: nameservers",
        ca_file=ca_file,
        port_map=port_map or (),
        limits=said.limits,
    )
    if early is not None:
        lab = early.over(lab)
    if intrusive:
        lab = Announced(lab, progress.note)
    work = Work(
        registry=registry,
        options=options,
        threshold=judging.threshold(fail_on),
        fail_on=fail_on,
        places=where,
        progress=progress,
        save=save,
        side_by_side=said.domains,
    )
    return work.run(names, target, lab, judging.zone(zone, names))


def _seconds(value: float | None, option: str) -> float | None:
    from .faults import Fault

    if value is not None and not 0 < value < float("inf"):
        raise Fault(f"{option} {value:g}: expected seconds, a number above 0")
    return value


def _target(
    said: Profile,
    *,
    selectors: list[str] | None,
    hosts: list[str] | None,
    helo: str | None,
    families: tuple[bool, bool],
    public: list[str] | None,
    timeout: float | None,
    dialogues: bool,
    sends: bool | None,
    confirm: bool,
    intrusive: bool,
    lent: Access,
) -> Target:
    """What is looked at beside the domain's name; the profile's lists and those of the command line add up."""
    from diag.model.target import Target

    from .addresses import networks

    usual = Target("")
    return Target(
        domain="",
        selectors=_names("--selector", said.selectors, selectors),
        hosts=_names("--host", said.hosts, hosts),
        helo=_helo(helo) or said.helo,
        ipv4=families[0],
        ipv6=families[1],
        public=tuple(dict.fromkeys((*said.public, *networks(public or ())))),
        timeout=_seconds(timeout, "--timeout") or said.timeout or usual.timeout,
        dialogues=dialogues,
        sends=sends,
        confirm=confirm,
        intrusive=intrusive,
        mailbox=lent.mailbox,
        login=lent.login,
        password=lent.password,
        references=usual.references if said.references is None else said.references,
    )


def _names(option: str, said: tuple[str, ...], given: list[str] | None) -> tuple[str, ...]:
    from diag.names.domain import BadDomain, domain

    from .faults import Fault

    try:
        return tuple(dict.fromkeys((*said, *(domain(name) for name in given or ()))))
    except BadDomain as error:
        raise Fault(f"{option}: {error}") from None


def _helo(name: str | None) -> str:
    from .faults import Fault

    if name is not None and (not name or not name.isascii() or not name.isprintable() or " " in name):
        raise Fault(f"--helo {name!r}: expected a host name or an address in brackets")
    return name or ""
