"""`maildiag roundtrip`: one message from a mailbox to itself, watched on its way and removed."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .check import EXIT_CODES
from .options import PATH, command, network_options, option, report_options, seconds

if TYPE_CHECKING:
    from diag.probes.probe import E, Lab, Probe

    from .progress import Progress

RULES = (
    "access/login-failed",
    "access/round-trip-lost",
    "access/round-trip-in-junk",
    "access/round-trip-slow",
    "access/round-trip-altered",
)
WAYS = ("imap", "pop3")
SUBMISSION_PORT = 465
"""Where --submission names a host alone (RFC 8314 section 3.3)."""
_of_access = functools.partial(option, group="Access")


@command(epilog=EXIT_CODES, short_help="Send a message from a mailbox to itself and see how it arrives.")
@click.argument("mailbox", metavar="MAILBOX")
@_of_access("--login", metavar="NAME", help="The name to log in with: the mailbox where nothing is said.")
@_of_access(
    "--password",
    metavar="env:NAME|file:PATH|fd:N",
    help="Where the password is, never the password itself.",
)
@_of_access("--token", metavar="env:NAME|file:PATH|fd:N", help="The same for an access token.")
@_of_access(
    "--submission",
    metavar="HOST[:PORT]",
    help="Hand the message in there (465), not where mail programs would.",
)
@_of_access("--read", "reading", metavar="imap|pop3", help="How to look for it: IMAP where that is possible.")
@_of_access("--host", "hosts", metavar="NAME", multiple=True, help="A host for submission or mailboxes.")
@_of_access("--wait", metavar="S", type=seconds, default=900.0, help="The most seconds to wait for it: 900.")
@_of_access(
    "--insecure-auth",
    is_flag=True,
    help="Log in also where the certificate is not good: who stands in between learns the password.",
)
@report_options
@option("--save", metavar="TAPE", type=PATH, group="Report", help="Record the run for 'maildiag replay'.")
@network_options
def roundtrip(
    mailbox: str,
    login: str | None,
    password: str | None,
    token: str | None,
    submission: str | None,
    reading: str | None,
    hosts: tuple[str, ...],
    wait: float,
    insecure_auth: bool,
    formats: tuple[str, ...],
    outputs: tuple[Path, ...],
    quiet: bool,
    verbose: bool,
    save: Path | None,
    nameservers: tuple[str, ...],
    ipv4: bool,
    ipv6: bool,
    helo: str | None,
    timeout: float | None,
    ca_file: Path | None,
    port_map: tuple[str, ...],
    public: tuple[str, ...],
) -> int:
    """Send one message from MAILBOX to itself through submission, watch it arrive over IMAP or POP3, and remove it.

    Tells how long every hop took, what the receiver found of SPF, DKIM and DMARC, and whether the message was changed.
    Logins go over TLS with a good certificate only, to hosts of the domain itself and those named here. Ctrl-C
    removes the message where it has arrived.
    """
    from diag.lab.announced import Announced
    from diag.model.target import Target
    from diag.run.diagnose import Options

    from . import judging, outputs as places, tapes
    from .access import access
    from .addresses import helo_name, networks
    from .faults import Fault, unknown
    from .progress import Progress
    from .work import Work
    from .world import live

    box, domain = _mailbox(mailbox)
    if reading not in (None, *WAYS):
        raise unknown("way to read", str(reading), WAYS, where="--read")
    if password is None and token is None:
        raise Fault("--password or --token is needed: where the password or access token is")
    lent = access(
        (domain,),
        mailbox=box,
        login=box if login is None else login,
        password=password,
        token=token,
        insecure=insecure_auth,
        said="",
    )
    if save is not None:
        tapes.refuse_unwritable(save)
    via_host, via_port = _submission(submission) if submission is not None else ("", 0)
    usual = Target("")
    target = Target(
        domain=domain,
        hosts=tuple(dict.fromkeys((*map(_host, hosts), *([via_host] if via_host else [])))),
        helo=helo_name(helo) if helo is not None else "",
        ipv4=ipv4 or not ipv6,
        ipv6=ipv6 or not ipv4,
        public=networks(public),
        timeout=timeout or usual.timeout,
        intrusive=True,
        mailbox=lent.mailbox,
        login=lent.login,
        password=lent.password,
        token=lent.token,
        insecure_auth=lent.insecure,
        wait=wait,
        via=f"{via_host}:{via_port}" if via_host else "",
        reading=reading or "",
    )
    progress = Progress(quiet=quiet, verbose=verbose)
    registry = judging.plugins()
    lab = live(registry, nameservers=nameservers, ca_file=ca_file, port_map=port_map)
    work = Work(
        registry=registry,
        options=Options(only=RULES, required=("dns", "access")),
        threshold=judging.threshold(judging.DEFAULT_FAIL_ON),
        fail_on=judging.DEFAULT_FAIL_ON,
        places=places.places(registry.renderers, formats, outputs, many=False, verbose=verbose),
        progress=progress,
        save=save,
    )
    return work.run((domain,), target, Announced(_Told(lab, progress), progress.note), None)


class _Told:
    """Says what became of a message that was looked for once more because the run was ended."""

    def __init__(self, inner: Lab, progress: Progress) -> None:
        self._inner = inner
        self._progress = progress

    async def run(self, probe: Probe[E]) -> E:
        """See Lab."""
        from diag.gather.round_trip import last_look_removed

        evidence = await self._inner.run(probe)
        removed = last_look_removed(probe, evidence)
        if removed is not None:
            self._progress.note(
                "the message was removed"
                if removed
                else "the message had not arrived: it may do so yet, from and to the mailbox itself, "
                "with 'maildiag round trip' as its subject"
            )
        return evidence


def _mailbox(text: str) -> tuple[str, str]:
    """The mailbox and its domain. Raises Fault."""
    from diag.names.mailbox import BadMailbox, mailbox

    from .faults import Fault

    try:
        found = mailbox(text)
    except BadMailbox as error:
        raise Fault(str(error)) from None
    if not found.isascii():
        raise Fault(f"{found}: a round trip is made only from mailboxes in ASCII")
    return found, found.rpartition("@")[2]


def _host(text: str, option_name: str = "--host") -> str:
    from diag.names.domain import BadDomain, domain

    from .faults import Fault

    try:
        return domain(text)
    except BadDomain as error:
        raise Fault(f"{option_name}: {error}") from None


def _submission(text: str) -> tuple[str, int]:
    from .faults import Fault

    host, colon, port = text.partition(":")
    if not colon:
        return _host(host, "--submission"), SUBMISSION_PORT
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise Fault(f"--submission {text!r}: expected HOST or HOST:PORT")
    return _host(host, "--submission"), int(port)
