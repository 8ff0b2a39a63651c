"""Test messages to the user's mailbox, where he asks for them: what ends one, and what becomes of its dots."""

from __future__ import annotations

from diag.facts.inbound import InboundSurvey
from diag.facts.intrusive import InboundEndOfData, MailboxAccess, SentMessage
from diag.facts.moment import RunMoment
from diag.model.knowing import Absent, Cite, Many, Unavailable
from diag.model.plugin import fact
from diag.model.target import Endpoint, Target
from diag.names.domain import is_hostname, labels
from diag.probes.intrusive import MessageTalk
from diag.probes.moment import Nonce
from diag.probes.probe import Lab
from diag.wire.end_of_data import ENDINGS, Ended, labelled, read_message

from .each_host import at_each_host
from .intrusive import our_address, tls_as_before

NOT_ASKED = (
    "test messages are sent only where that is asked for (--intrusive) to a mailbox of the domain (--mailbox)"
)


@fact
async def inbound_ends_of_data(
    target: Target, surveys: Many[InboundSurvey], moment: RunMoment, lab: Lab
) -> Many[InboundEndOfData] | Absent:
    """Every MX host once, one connection for each sequence, up to the first that ends a message."""
    if not target.intrusive or not target.own_mailbox:
        return Absent(NOT_ASKED)

    async def ask(survey: InboundSurvey) -> InboundEndOfData | Absent | Unavailable:
        if (deaf := _cannot_be_told(target, survey)) is not None:
            return deaf
        ours = await our_address(survey.endpoint, lab)
        if isinstance(ours, Unavailable):
            return ours
        cites: tuple[Cite, ...] = ()
        for ending in ENDINGS:
            probe = await _message(target, survey, moment, lab, ending=ending)
            read = read_message(await lab.run(probe), ending)
            cite = Cite(probe, read.event)
            if read.ended is Ended.UNKNOWN:
                return Unavailable(read.because, (cite,))
            cites = (*cites, cite)
            if read.ended is Ended.EARLY:
                return InboundEndOfData(
                    endpoint=survey.endpoint, accepts=ending, look=survey.look, cites=(cite,)
                )
        return InboundEndOfData(endpoint=survey.endpoint, accepts="", look=survey.look, cites=cites)

    return await at_each_host(surveys, ask)


@fact
async def sent_messages(
    target: Target,
    surveys: Many[InboundSurvey],
    access: MailboxAccess | Absent | Unavailable,
    moment: RunMoment,
    lab: Lab,
) -> Many[SentMessage] | Absent | Unavailable:
    """An ordinary message by every MX host, where it can be read back."""
    if not isinstance(access, MailboxAccess):
        return access

    async def send(survey: InboundSurvey) -> SentMessage | Absent | Unavailable:
        if (deaf := _cannot_be_told(target, survey)) is not None:
            return deaf
        probe = await _message(target, survey, moment, lab)
        read = read_message(await lab.run(probe), "")
        cite = Cite(probe, read.event)
        if read.ended is not Ended.TAKEN:
            return Unavailable(read.because, (cite,))
        return SentMessage(
            endpoint=survey.endpoint,
            message_id=await _message_id(target, survey.endpoint, "", lab),
            marked=probe.lines[-1],
            look=survey.look,
            cite=cite,
        )

    return await at_each_host(surveys, send)


def _cannot_be_told(target: Target, survey: InboundSurvey) -> Absent | None:
    """A mailbox outside ASCII needs SMTPUTF8 (RFC 6531 section 3.1); that it is missing is told by itself."""
    offer = survey.session.best_offer
    if target.own_mailbox.isascii() or offer is None or offer.offers("SMTPUTF8"):
        return None
    return Absent("the host cannot be told of the mailbox: SMTPUTF8 is not offered", (survey.look.cite(),))


async def _message(
    target: Target, survey: InboundSurvey, moment: RunMoment, lab: Lab, *, ending: str = ""
) -> MessageTalk:
    from email.utils import format_datetime  # only a test message needs it

    endpoint = survey.endpoint
    nonce = (await lab.run(Nonce())).text
    # RFC 5321 section 4.5.2: the dot at the beginning is doubled for the way, and single again at its end.
    body = (f"maildiag {ending} {nonce}",) if ending else (f".maildiag {nonce}",)
    lines = labelled(
        author=_author(target),
        recipient=target.own_mailbox,
        message_id=await _message_id(target, endpoint, ending, lab),
        date=format_datetime(moment.real),
        about=f"{ending} within the text" if ending else "a dot at the beginning of a line",
        body=body,
    )
    return MessageTalk(
        endpoint.address,
        endpoint.port,
        endpoint.host,
        survey.probe.helo,
        tls_as_before(survey.session),
        target.own_mailbox,
        lines,
        ending,
        target.timeout,
    )


async def _message_id(target: Target, endpoint: Endpoint, ending: str, lab: Lab) -> str:
    nonce = (await lab.run(Nonce())).text
    return f"{nonce}.{ending or 'dots'}.{endpoint.host}@{target.domain}"


def _author(target: Target) -> str:
    """Whom the message is from: the user under his own name for this machine, else the mailbox itself.

    A domain that forbids what it did not sign (DMARC) may refuse the latter.
    """
    name = target.helo.rstrip(".")
    named = len(labels(name)) > 1 and is_hostname(name)
    return f"postmaster@{name}" if named else target.own_mailbox
