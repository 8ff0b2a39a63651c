"""Whether those whom reports are sent to will have them (RFC 9990 section 4)."""

from __future__ import annotations

from collections.abc import Callable, Container, Coroutine
from typing import Any

from diag.facts.dmarc import DmarcPolicy, DmarcStep, ReportDestination
from diag.model.knowing import Absent, Cite, Many, Unavailable
from diag.model.plugin import fact
from diag.names.parsed import plain
from diag.probes.probe import Lab
from diag.records.dmarc import DmarcRecord, is_dmarc
from diag.records.report_uri import ReportUri
from diag.together import all_of

from .dmarc import organizational_of, walk
from .dns import Found, Looked, look_up, unless_contradicted
from .registration import is_free

MOST_DESTINATIONS = 12
"""Domains looked at; a record that names more is a curiosity."""

Named = list[tuple[str, ReportUri]]


@fact
async def destinations(policy: DmarcPolicy, lab: Lab) -> Many[ReportDestination]:
    """Each domain that `rua` and `ruf` name, once."""
    by_host: dict[str, Named] = {}
    record = policy.record
    for tag, uris in record.report_uris:
        if tag == "ruf" and record.psd == "y":
            continue  # of a public suffix nobody heeds it (RFC 9991 section 2)
        for uri in uris:
            if uri.is_usable and uri.host:
                by_host.setdefault(uri.host, []).append((tag, uri))

    async def one(host: str) -> ReportDestination | Absent | Unavailable:
        return await destination(lab, policy, host, by_host[host])

    return Many(await all_of(one, tuple(by_host)[:MOST_DESTINATIONS]))


async def destination(lab: Lab, policy: DmarcPolicy, host: str, named: Named) -> ReportDestination:
    """One destination: whether it must consent, whether it does, whether it takes mail; all asked at once."""
    consent_name = f"{policy.found_at}._report._dmarc.{host}"
    asks: dict[str, Callable[[], Coroutine[Any, Any, Any]]] = {}
    if host not in (policy.found_at, policy.organizational):
        asks["steps"] = lambda: walk(lab, host)
        # The ordinary question finds a wildcard, too (`*._report._dmarc`): it is never asked for by that name.
        asks["consent"] = lambda: look_up(lab, consent_name, "TXT")
    if any(uri.scheme == "mailto" for _, uri in named):
        asks["mail"] = lambda: takes_mail(lab, host)
    told = await all_of(lambda what: asks[what](), asks)

    external, unknown = False, ""
    asked: tuple[Cite, ...] = ()
    agrees: bool | None = None
    redirected: tuple[str, ...] = ()
    if "steps" in told:
        external, unknown, asked = _external(policy, host, told["steps"])
    if external:
        agrees, redirected, unknown = _consent(told["consent"], host, {tag for tag, _ in named})
        asked += told["consent"].evidence
    mail, mail_unknown, looked = told.get("mail", (None, "", ()))
    free: bool | None = False
    if external and mail is False:
        free, registry = await is_free(lab, host)
        looked += registry if free else ()
    return ReportDestination(
        policy_domain=policy.found_at,
        host=host,
        uris=tuple(uri for _, uri in named),
        tags=tuple(dict.fromkeys(tag for tag, _ in named)),
        external=external,
        agrees=agrees,
        consent_name=consent_name,
        redirected=redirected,
        takes_mail=mail,
        unknown=unknown,
        mail_unknown=mail_unknown,
        free=bool(free),
        asked=tuple(dict.fromkeys(asked + looked)),
    )


def _external(
    policy: DmarcPolicy, host: str, steps: tuple[DmarcStep, ...]
) -> tuple[bool, str, tuple[Cite, ...]]:
    """Whether the host has another Organizational Domain, why that is not known, and the evidence."""
    organizational, unknown = organizational_of(host, steps)
    evidence = tuple(cite for step in steps if step.reached for cite in step.asked)
    if not organizational or not policy.organizational:
        return False, unknown or "the Organizational Domain of the policy is not known", evidence
    return organizational != policy.organizational, "", evidence


def _consent(looked: Looked, host: str, tags: Container[str]) -> tuple[bool | None, tuple[str, ...], str]:
    """Whether there is consent, the other hosts it names for what is sent here, and why it is not known.

    For `ruf` it is the consent's `ruf` that counts (RFC 9991 section 5).
    """
    if isinstance(looked, Unavailable):
        return None, (), looked.because
    records = [
        DmarcRecord.parse(text)
        for text in (looked.texts() if isinstance(looked, Found) else ())
        if is_dmarc(text)
    ]
    named = [uri for record in records for tag, uris in record.report_uris if tag in tags for uri in uris]
    others = {uri.host for uri in named if uri.is_usable and uri.host != host}
    return bool(records), tuple(sorted(others)), ""


async def takes_mail(lab: Lab, host: str) -> tuple[bool | None, str, tuple[Cite, ...]]:
    """Whether mail for a domain has somewhere to go (RFC 5321 section 5.1), or why that is not known."""
    mx = await unless_contradicted(lab, await look_up(lab, host, "MX"), host, "TXT")
    if isinstance(mx, Unavailable):
        return None, mx.because, mx.evidence
    if isinstance(mx, Found):
        null = len(mx.rdatas) == 1 and plain(mx.rdatas[0].exchange) == "."  # type: ignore[attr-defined]
        return not null, "", mx.evidence
    if not mx.name_exists:
        return False, "", mx.evidence
    addresses = await all_of(lambda rdtype: look_up(lab, host, rdtype), ("A", "AAAA"))
    evidence = mx.evidence + tuple(cite for looked in addresses.values() for cite in looked.evidence)
    if any(isinstance(looked, Found) for looked in addresses.values()):
        return True, "", evidence
    for looked in addresses.values():
        if isinstance(looked, Unavailable):
            return None, looked.because, evidence
    return False, "", evidence
