"""Looking up where reports about TLS are to go (RFC 8460 section 3)."""

from __future__ import annotations

from diag.facts.tlsrpt import TlsrptDestination, TlsrptFound
from diag.model.knowing import Absent, Many, Unavailable
from diag.model.plugin import fact
from diag.model.target import Target
from diag.names.registered import registrable
from diag.probes.probe import Lab
from diag.records.tlsrpt import TlsrptRecord, is_tlsrpt, looks_like_tlsrpt
from diag.together import all_of

from .dmarc_reports import takes_mail
from .dns import Found, look_up
from .registration import is_free

MOST_DESTINATIONS = 8
"""Domains looked at; a record that names more is a curiosity."""


@fact
async def tlsrpt_record(target: Target, lab: Lab) -> TlsrptFound | Absent | Unavailable:
    """The TLSRPT records of the domain; Absent where nothing published there was meant as one."""
    name = f"_smtp._tls.{target.domain}"
    looked = await look_up(lab, name, "TXT")
    if isinstance(looked, Unavailable):
        return looked
    if not isinstance(looked, Found):
        return Absent(looked.because, looked.evidence)
    records = tuple(TlsrptRecord.parse(text) for text in looked.texts() if is_tlsrpt(text))
    near = tuple(text for text in looked.texts() if looks_like_tlsrpt(text))
    if not records and not near:
        return Absent(f"{looked.owner} has no TLSRPT record", looked.evidence)
    return TlsrptFound(target.domain, name, looked.owner, records, near, looked.evidence)


@fact
async def tlsrpt_destinations(found: TlsrptFound, lab: Lab) -> Many[TlsrptDestination]:
    """The domains of the mailboxes that reports go to, and whether they take mail."""
    mailboxes: dict[str, list[str]] = {}
    for uri in found.valid.usable if found.valid is not None else ():
        if uri.scheme == "mailto":
            mailboxes.setdefault(uri.host, []).append(uri.mailbox)

    async def one(host: str) -> TlsrptDestination | Absent | Unavailable:
        takes, unknown, asked = await takes_mail(lab, host)
        free: bool | None = False
        if takes is False and registrable(host) != registrable(found.domain):
            free, registry = await is_free(lab, host)
            asked += registry if free else ()
        return TlsrptDestination(host, tuple(mailboxes[host]), takes, bool(free), unknown, asked)

    return Many(await all_of(one, tuple(mailboxes)[:MOST_DESTINATIONS]))
