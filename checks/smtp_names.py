"""Port 25 of the MX hosts: the name a host gives itself, and what else its greeting tells."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from diag.api import (
    Finding,
    InboundSurvey,
    Rfc,
    Severity,
    Target,
    check,
    labels,
    leads_with_name,
    named_host,
    named_software,
    rule,
)

from .smtp import glued
from .smtp_settings import settings

HIDDEN = ("localhost", "localdomain", "local", "lan", "internal", "intranet", "home", "corp", "private")
"""Top labels that no public name has (RFC 6762 appendix G, RFC 6761 section 6.3; `internal` by ICANN, 2024)."""


@rule("smtp/greeting-without-name", Severity.NOTICE, Rfc(5321, "4.2"), since="1.0")
class GreetingWithoutName(Finding):
    """A mail host greets without saying who it is.

    ## Why it matters
    The first word of a greeting is the host's name. Administrators of other servers look for it in their
    logs, and some programs take whatever stands there for the name.

    ## How to fix
    Let the greeting begin with the host's full name, as in `220 mail.example.com ESMTP`.
    """

    message = '{subject} greets without its name: "{line}".'
    line: str


@rule("smtp/private-name", Severity.NOTICE, Rfc(5321, "2.3.5"), Rfc(6762, "G"), since="1.0")
class PrivateName(Finding):
    """A mail host calls itself by a name that means nothing outside its own network.

    ## Why it matters
    Hosts that greet so most often send so too, and receivers count a name that nobody can look up against
    the mail.

    ## How to fix
    Give the server its full public name.
    """

    message = "{subject} calls itself {name}, a name that leads nowhere."
    name: str


@rule("smtp/name-mismatch", Severity.NOTICE, Rfc(5321, "4.2"), Rfc(5321, "4.1.1.1"), since="1.0")
class NameMismatch(Finding):
    """A mail host gives one name in its greeting and another one in its reply to EHLO.

    ## Why it matters
    Nothing breaks by it. But it tells of two programs, or two settings, that do not know of one another, and
    whoever looks for a fault finds one host under two names.

    ## How to fix
    Let both use the host's one name.
    """

    message = "{subject} greets as {greeting} and answers EHLO as {ehlo}."
    greeting: str
    ehlo: str


@check
def mx_host_gives_its_name(survey: InboundSurvey, target: Target) -> Iterator[Finding]:
    """A mail host gives its full name, and one name only."""
    look, session = survey.look, survey.session
    greeting = session.greeting
    if greeting is None or greeting.reply is None or session.middlebox is not None or glued(look, greeting):
        return
    subject, said = str(survey.endpoint), named_host(greeting.reply.text)
    ehlo = session.best_offer.name if session.best_offer else ""
    leads = any(leads_with_name(line) for line in greeting.reply.lines)
    hello = session.ehlo_tls or session.ehlo
    for name, event in ((said, greeting.last), (ehlo, hello.last if hello else None)):
        if name and hidden(name, target):
            fix = settings(look, Postfix="myhostname = <full name>", Exim="primary_hostname = <full name>")
            yield PrivateName(subject=subject, name=name, evidence=(look.cite(event),), fix=fix)
            return
    if not leads:
        fix = settings(
            look,
            Postfix="smtpd_banner = $myhostname ESMTP $mail_name",
            Exim="smtp_banner = $smtp_active_hostname ESMTP",
        )
        line = look.line(greeting.last)
        yield GreetingWithoutName(subject=subject, line=line, evidence=(look.cite(greeting.last),), fix=fix)
    elif leads_with_name(ehlo) and hello is not None and _plain(said) != _plain(ehlo):
        cites = (look.cite(greeting.first), look.cite(hello.first))
        yield NameMismatch(subject=subject, greeting=said, ehlo=ehlo, evidence=cites)


def hidden(name: str, target: Target) -> bool:
    """Whether a name, or an address literal, can mean anything only inside of some network."""
    bare = _plain(name)
    if bare.startswith("["):
        try:
            return not target.counts_as_public(bare.strip("[]").removeprefix("ipv6:"))
        except ValueError:
            return False
    try:
        ipaddress.ip_address(bare)
        return False  # it ought to be a literal, which is another fault
    except ValueError:
        parts = labels(bare)
    return len(parts) == 1 or parts[-1] in HIDDEN or parts[-2:] == ("home", "arpa")


def _plain(name: str) -> str:
    return name.lower().removesuffix(".")


@rule("smtp/banner-discloses-version", Severity.INFO, Rfc(5321, "3.1"), since="1.0")
class BannerDisclosesVersion(Finding):
    """A mail host tells everybody the version of its software.

    ## Why it matters
    Who looks for hosts with a known weakness finds this one by its greeting. It is no weakness by itself,
    and hiding the version mends none.

    ## How to fix
    Leave the version out of the greeting, and keep the software up to date.
    """

    message = "{subject} says that it runs {software}."
    software: str


@check
def mx_host_keeps_its_version_to_itself(survey: InboundSurvey) -> Iterator[Finding]:
    """A mail host does not tell the version of its software."""
    look = survey.look
    for exchange in look.session.exchanges:
        if exchange.verb in ("", "EHLO") and exchange.reply is not None:
            software = named_software(exchange.reply.text)
            if software is not None and software.version:
                yield BannerDisclosesVersion(
                    subject=str(survey.endpoint),
                    software=str(software),
                    evidence=(look.cite(exchange.cited),),
                    fix=settings(
                        look,
                        Postfix="smtpd_banner = $myhostname ESMTP",
                        Exim="smtp_banner = $smtp_active_hostname ESMTP",
                    ),
                )
                return
