"""`maildiag check`: the main job."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .options import (
    PATH,
    command,
    judgement_options,
    network_options,
    option,
    processes as a_number,
    report_options,
    seconds,
)

if TYPE_CHECKING:
    from diag.model.target import Depth, Target
    from diag.run.profile import Profile

    from .access import Access

EXIT_CODES = (
    "Exit codes, the first that fits: 130 interrupted; 2 usage or configuration error; 1 findings from --fail-on "
    "upwards; 4 a check of ours crashed; 3 a required area could not be determined: one of its checks is "
    "inconclusive ('dns' stands for MX, SPF and DMARC where the DNS gave no answer); 0 otherwise."
)
_of_target = functools.partial(option, group="What is looked at")
_of_access = functools.partial(option, group="Access")
_of_network = functools.partial(option, group="Network")


@command(epilog=EXIT_CODES, short_help="Look at the mail of domains.")
@click.argument("domains", metavar="DOMAIN...", nargs=-1, required=True)
@report_options
@option(
    "--save",
    metavar="TAPE",
    type=PATH,
    group="Report",
    help="Record the run for 'maildiag replay'. A folder takes one tape a domain.",
)
@judgement_options
@_of_target("--selector", "selectors", metavar="NAME", multiple=True, help="A DKIM selector you know of.")
@_of_target("--host", "hosts", metavar="NAME", multiple=True, help="A host for submission or mailboxes.")
@_of_target(
    "--dialogues/--no-dialogues",
    default=True,
    help="Connect to mail hosts (the default); without, DNS and policies only.",
)
@_of_target("--dns-only", is_flag=True, help="Ask the DNS and nothing else: no mail host, no policy.")
@_of_target(
    "--sends/--receives-only",
    default=None,
    help="Whether the domain sends mail; otherwise presumed from its records.",
)
@_of_target(
    "--tls",
    metavar="DEPTH",
    help="How far TLS is looked into: basic (one handshake), standard (versions, key exchange, weak suites; the "
    "default), full (every suite, groups, signatures, manners).",
)
@_of_target("--confirm", is_flag=True, help="Pause, then look twice before a grave verdict.")
@_of_target(
    "--authoritative/--no-authoritative",
    default=None,
    help="Ask the name servers of the domain themselves; otherwise done for up to 10 domains.",
)
@_of_target(
    "--second-opinion",
    is_flag=True,
    help="Ask pyspf and checkdmarc about the same answers, and tell where they differ.",
)
@_of_target(
    "--dry-run",
    is_flag=True,
    help="Tell what a run would ask of every host, and connect to none. The DNS is asked.",
)
@_of_target(
    "--intrusive",
    is_flag=True,
    help="Try too what is no ordinary use: whether hosts relay for strangers, take chunks, tell which mailboxes "
    "exist. Nothing is sent, except with --mailbox. Only for hosts of your own; needs --consent.",
)
@_of_target(
    "--consent",
    "consent",
    metavar="DOMAIN|file:PATH",
    multiple=True,
    help="With --intrusive: the domain again, or a list of domains; at a terminal you may type it instead.",
)
@_of_access(
    "--mailbox",
    metavar="MAILBOX",
    help="A mailbox of yours in the domain. With --intrusive, test messages are sent to it.",
)
@_of_access(
    "--login",
    metavar="NAME",
    help="Log in as NAME over TLS at the domain's own hosts and those named by --host, and look round in the mailbox. "
    "After one login that fails there is no other. With --intrusive also: read the test messages back over IMAP, try "
    "every mechanism, a stranger's sender and a draft, and one login WITHOUT encryption on each submission port that "
    "offers it: who listens there learns the password.",
)
@_of_access(
    "--password",
    metavar="env:NAME|file:PATH|fd:N",
    help="Where the password of --login is, never the password itself.",
)
@_of_access(
    "--token",
    metavar="env:NAME|file:PATH|fd:N",
    help="The same for an access token, in place of a password.",
)
@_of_access(
    "--insecure-auth",
    is_flag=True,
    help="Log in also where the certificate is not good: who stands in between learns the password.",
)
@network_options
@_of_network("--deadline", metavar="S", type=seconds, help="The most seconds for the whole run: no limit.")
@_of_network(
    "--processes",
    metavar="N",
    type=a_number,
    help="The most processes for a long list without dialogues: one a core.",
)
def check(
    domains: tuple[str, ...],
    formats: tuple[str, ...],
    outputs: tuple[Path, ...],
    quiet: bool,
    verbose: bool,
    only: tuple[str, ...],
    skip: tuple[str, ...],
    zone: Path | None,
    at: str | None,
    profile: Path | None,
    as_bulk_sender: bool,
    fail_on: str | None,
    require: tuple[str, ...],
    save: Path | None,
    selectors: tuple[str, ...],
    hosts: tuple[str, ...],
    dialogues: bool,
    dns_only: bool,
    sends: bool | None,
    tls: str | None,
    tls_profile: str | None,
    inventory: bool,
    confirm: bool,
    authoritative: bool | None,
    second_opinion: bool,
    dry_run: bool,
    intrusive: bool,
    consent: tuple[str, ...],
    mailbox: str | None,
    login: str | None,
    password: str | None,
    token: str | None,
    insecure_auth: bool,
    nameservers: tuple[str, ...],
    ipv4: bool,
    ipv6: bool,
    helo: str | None,
    timeout: float | None,
    deadline: float | None,
    processes: int | None,
    ca_file: Path | None,
    port_map: tuple[str, ...],
    public: tuple[str, ...],
) -> int:
    """Look at a domain's mail: DNS, policies, and what its hosts say on every mail port.

    Several domains are reported in the order given; '-' reads a list from standard input.
    """
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

    if dns_only and intrusive:
        raise Fault("--dns-only and --intrusive exclude one another: intrusive trials connect to mail hosts")
    progress = Progress(quiet=quiet, verbose=verbose)
    names = read_domains(domains)
    usual = profile is None and not USUAL.is_file() and not any((zone, only, skip, port_map))
    early = ahead(names[0], nameservers) if usual and len(names) == 1 else None
    registry = judging.plugins(checks_later=True)
    said = judging.profile(profile, registry, progress)
    many = len(names) > 1 or FROM_STDIN in domains
    where = places.places(registry.renderers, formats, outputs, many=many, verbose=verbose)
    if save is not None:
        tapes.refuse_unwritable(save)
        if len(names) > 1 and not save.is_dir():
            raise Fault(
                f"--save {save}: a tape is of one domain; name a folder that exists for {len(names)} of them"
            )
    fail_on = fail_on or said.fail_on or judging.DEFAULT_FAIL_ON
    options = Options(
        only=judging.chosen(only, registry, "--only"),
        skip=judging.chosen(skip, registry, "--skip"),
        severities=said.severities,
        waivers=said.waivers,
        required=judging.required((*said.require, *require), registry, "--require"),
        deadline=deadline or said.deadline,
        proposed=str(zone) if zone is not None else "",
        as_bulk_sender=as_bulk_sender,
    )
    target = _target(
        said,
        selectors=selectors,
        hosts=hosts,
        helo=helo,
        families=(ipv4 or not ipv6, ipv6 or not ipv4),
        public=public,
        timeout=timeout,
        dialogues=dialogues and not dns_only,
        dns_only=dns_only,
        sends=sends,
        tls=tls,
        tls_profile=judging.tls_profile(tls_profile),
        inventory=inventory,
        at=at or "",
        confirm=confirm,
        authoritative=authoritative,
        second_opinion=second_opinion,
        intrusive=intrusive,
        lent=access(
            names,
            mailbox=mailbox,
            login=login,
            password=password,
            token=token,
            insecure=insecure_auth,
            said=said.mailbox,
        ),
    )
    spread, limits = 1, said.limits
    if len(names) > 1:
        from . import workers

        spread = workers.number(
            len(names), target, limits, most=processes or said.processes, at_a_time=said.domains
        )
        limits = workers.share(limits, spread)
    lab = live(
        registry,
        nameservers=nameservers or said.nameservers,
        nameservers_from="--nameserver" if nameservers else f"{said.place}: nameservers",
        ca_file=ca_file,
        port_map=port_map,
        limits=limits,
    )
    if early is not None:
        lab = early.over(lab)
    if dry_run:
        from .dry_run import dry_run as rehearse

        return rehearse(names, target, lab, judging.zone(zone, names), registry, options, limits, formats)
    if intrusive or consent:
        from .consent import consented

        consented(names, consent, intrusive=intrusive)
        lab = Announced(lab, progress.announce)
    work = Work(
        registry=registry,
        options=options,
        threshold=judging.threshold(fail_on),
        fail_on=fail_on,
        places=where,
        progress=progress,
        save=save,
        side_by_side=said.domains,
        processes=spread,
    )
    return work.run(names, target, lab, judging.zone(zone, names))


def _target(
    said: Profile,
    *,
    selectors: tuple[str, ...],
    hosts: tuple[str, ...],
    helo: str | None,
    families: tuple[bool, bool],
    public: tuple[str, ...],
    timeout: float | None,
    dialogues: bool,
    dns_only: bool,
    sends: bool | None,
    tls: str | None,
    tls_profile: str | None,
    inventory: bool,
    at: str,
    confirm: bool,
    authoritative: bool | None,
    second_opinion: bool,
    intrusive: bool,
    lent: Access,
) -> Target:
    """What is looked at beside the domain's name; the profile's lists and those of the command line add up."""
    from diag.model.target import Target

    from .addresses import networks, our_name

    usual = Target("")
    return Target(
        domain="",
        selectors=_names("--selector", said.selectors, selectors),
        hosts=_names("--host", said.hosts, hosts),
        helo=our_name(helo, said),
        ipv4=families[0],
        ipv6=families[1],
        public=tuple(dict.fromkeys((*said.public, *networks(public)))),
        timeout=timeout or said.timeout or usual.timeout,
        dialogues=dialogues,
        dns_only=dns_only,
        sends=sends,
        tls=_depth(tls) or said.tls or usual.tls,
        offers=said.offers or usual.offers,
        tls_profile=tls_profile or said.tls_profile,
        inventory=inventory or said.inventory,
        at=at,
        confirm=confirm,
        authoritative=authoritative,
        second_opinion=second_opinion,
        intrusive=intrusive,
        mailbox=lent.mailbox,
        login=lent.login,
        password=lent.password,
        token=lent.token,
        insecure_auth=lent.insecure,
        references=usual.references if said.references is None else said.references,
    )


def _names(option: str, said: tuple[str, ...], given: tuple[str, ...]) -> tuple[str, ...]:
    from diag.names.domain import BadDomain, domain

    from .faults import Fault

    try:
        return tuple(dict.fromkeys((*said, *(domain(name) for name in given))))
    except BadDomain as error:
        raise Fault(f"{option}: {error}") from None


def _depth(given: str | None) -> Depth | None:
    from diag.model.target import Depth

    from .faults import unknown

    if given is not None and given not in set(Depth):
        raise unknown("depth", given, map(str, Depth), where="--tls")
    return None if given is None else Depth(given)
