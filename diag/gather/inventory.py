"""The lists of `--inventory`, from what was heard anyway: nothing is asked here."""

from __future__ import annotations

from typing import TypeVar

from diag.facts.clients import ImapInClear, ImapUnderTls
from diag.facts.inbound import InboundOffer
from diag.facts.inventory import ImapInventory, SmtpInventory, TlsInventory
from diag.facts.tls_after import TlsTickets
from diag.facts.tls_survey import TlsSurvey
from diag.model.knowing import Absent, Many, Unavailable, items_of
from diag.model.plugin import fact
from diag.model.target import Target
from diag.tls.handshake import Handshake
from diag.wire.smtp import EhloReply

T = TypeVar("T")
Perhaps = Many[T] | Absent | Unavailable

NOT_WISHED = Absent("no list was wished for (--inventory)")
_NO_TLS = Absent("no TLS handshake was completed")


@fact
async def smtp_inventories(target: Target, offers: Perhaps[InboundOffer]) -> Perhaps[SmtpInventory]:
    """The keywords of every MX host."""
    if not target.inventory:
        return NOT_WISHED
    if not isinstance(offers, Many):
        return offers
    return Many(
        {
            subject: each
            if isinstance(each, Absent | Unavailable)
            else SmtpInventory(each.endpoint, _listed(each.clear) or (), _listed(each.tls), each.cites)
            for subject, each in offers.items.items()
        }
    )


def _listed(reply: EhloReply | None) -> tuple[str, ...] | None:
    if reply is None:
        return None
    return tuple(" ".join((name, *words)) for name, words in reply.keywords.items())


@fact
async def imap_inventories(
    target: Target, in_clear: Perhaps[ImapInClear], under_tls: Perhaps[ImapUnderTls]
) -> Perhaps[ImapInventory]:
    """The capabilities of every IMAP server."""
    if not target.inventory:
        return NOT_WISHED
    if not isinstance(in_clear, Many):
        return in_clear
    if not isinstance(under_tls, Many):
        return under_tls
    subjects = dict.fromkeys((*under_tls.items, *in_clear.items))
    return Many({each: _imap(in_clear.items.get(each), under_tls.items.get(each)) for each in subjects})


def _imap(
    in_clear: ImapInClear | Absent | Unavailable | None, under_tls: ImapUnderTls | Absent | Unavailable | None
) -> ImapInventory | Absent | Unavailable:
    heard = [each for each in (in_clear, under_tls) if isinstance(each, ImapInClear | ImapUnderTls)]
    if not heard:
        unknown = [each for each in (under_tls, in_clear) if isinstance(each, Unavailable)]
        return next(iter(unknown), Absent("no capabilities were told"))
    return ImapInventory(
        heard[0].survey.endpoint,
        in_clear.offer.names if isinstance(in_clear, ImapInClear) else None,
        under_tls.offer.names if isinstance(under_tls, ImapUnderTls) else None,
        tuple(cite for each in heard for cite in each.survey.look.cite(each.event)),
    )


@fact
async def tls_inventories(
    target: Target, surveys: Perhaps[TlsSurvey], tickets: Perhaps[TlsTickets]
) -> Perhaps[TlsInventory]:
    """What every endpoint's TLS has beside the handshake."""
    if not target.inventory:
        return NOT_WISHED
    if not isinstance(surveys, Many):
        return surveys
    given = items_of(tickets)
    return Many(
        {
            subject: each if isinstance(each, Absent | Unavailable) else _tls(each, given.get(subject))
            for subject, each in surveys.items.items()
        }
    )


def _tls(survey: TlsSurvey, given: TlsTickets | Absent | Unavailable | None) -> TlsInventory | Absent:
    made = survey.handshake
    if not isinstance(made, Handshake):
        return _NO_TLS
    agreed = [(answer.alpn, tried.cite) for tried, answer in survey.taken if tried.offer.alpn]
    tickets = given if isinstance(given, TlsTickets) else None
    told = (tickets.cite,) if tickets is not None else ()
    return TlsInventory(
        survey.endpoint,
        tuple(dict.fromkeys(name for name, _ in agreed if name)) if agreed else None,
        bool(made.staple),
        tickets.tickets if tickets is not None else None,
        tuple(dict.fromkeys((survey.shown, *(cite for _, cite in agreed), *told))),
    )
