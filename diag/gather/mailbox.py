"""The user's mailbox as the MX hosts could be told of it: from what they offer, asked for twice where it lacks."""

from __future__ import annotations

import dataclasses

from diag.facts.inbound import InboundOffer, Look
from diag.facts.mailbox import InboundInternational
from diag.model.finding import Certainty
from diag.model.knowing import Absent, Many, Unavailable
from diag.model.plugin import fact
from diag.model.target import Target
from diag.probes.pause import Pause
from diag.probes.probe import Lab
from diag.together import all_of
from diag.wire.smtp_session import SmtpExchange, read_smtp

from .inbound import CONFIRMING_PAUSE


@fact
async def inbound_international(
    target: Target, offers: Many[InboundOffer], lab: Lab
) -> Many[InboundInternational] | Absent:
    """Every address of every MX host, where the mailbox is one that needs SMTPUTF8."""
    mailbox = target.own_mailbox
    if mailbox.rpartition("@")[0].isascii():
        return Absent("no mailbox of the domain with letters beyond ASCII was named (--mailbox)")

    async def told(subject: str) -> InboundInternational | Absent | Unavailable:
        offer = offers.items[subject]
        if isinstance(offer, Absent | Unavailable):
            return offer
        first = offer.look
        shown = _judged(first)
        if shown is None:
            return _undecided(first)
        looks: tuple[Look, ...] = (first,)
        certainty = Certainty.LIKELY
        if not _offers(first, shown):
            if target.confirm:
                await lab.run(Pause(CONFIRMING_PAUSE, subject))
            second = await _again(first, lab)
            told_again = _judged(second)
            if told_again is None:
                return _undecided(second)
            if _offers(second, told_again):
                return Unavailable(
                    "SMTPUTF8 is offered on one connection and not on another", (first.cite(),)
                )
            looks = (first, second)
            certainty = Certainty.CERTAIN if target.confirm else Certainty.LIKELY
        return InboundInternational(
            endpoint=offer.endpoint,
            mailbox=mailbox,
            offered=len(looks) == 1,
            secure=shown.secure,
            look=first,
            certainty=certainty,
            cites=tuple(look.cite(hello.last) for look in looks if (hello := _judged(look)) is not None),
        )

    return Many(await all_of(told, offers.items))


def _judged(look: Look) -> SmtpExchange | None:
    """The EHLO whose reply counts: under TLS, or in clear where no TLS is offered; None where it is missing."""
    session = look.session
    flawed = (session.throttled, session.tarpit, session.middlebox)
    if session.offer is None or any(event is not None for event in flawed):
        return None
    if session.offer_tls is not None:
        return session.ehlo_tls
    # Where TLS is offered and did not come about, senders may do better than we did.
    return None if session.offer.offers("STARTTLS") else session.ehlo


def _offers(look: Look, hello: SmtpExchange) -> bool:
    offer = look.session.offer_tls if hello.secure else look.session.offer
    return offer is not None and offer.offers("SMTPUTF8")


async def _again(look: Look, lab: Lab) -> Look:
    probe = dataclasses.replace(look.probe, mail_from=None, recipients=(), look=look.probe.look + 1)
    transcript = await lab.run(probe)
    return Look(probe, transcript, read_smtp(transcript))


def _undecided(look: Look) -> Unavailable:
    return look.doubt
