"""Logging in with the user's name, where he asks for it: to his mailbox over verified TLS, then in clear.

One login after the other: after one that failed there is no other, so that nobody is locked out.
"""

from __future__ import annotations

import hashlib
from typing import Any

from diag.facts.certificates import ClientCertificate
from diag.facts.clients import ImapSurvey, SubmissionInClear
from diag.facts.intrusive import ClearLogin, CollectedMessages, InboundDots, MailboxAccess, SentMessage
from diag.model.knowing import Absent, Cite, Many, Unavailable
from diag.model.plugin import fact
from diag.model.target import Target
from diag.probes.intrusive import ClearLoginTalk, CollectTalk
from diag.probes.probe import Lab
from diag.wire.clear_login import Login, read_clear_login
from diag.wire.collect import PATIENCE, read_collection
from diag.wire.login import LoginEnd
from diag.wire.reach import Reached
from diag.wire.transcript import visible

from .logins import Visit, failed_login, of_the_user

NOT_ASKED = "a login is tried only where that is asked for (--intrusive, --login, --password)"
NO_MAILBOX = "messages are read back only from a mailbox of the domain that was named (--mailbox)"


@fact
async def mailbox_access(
    target: Target,
    surveys: Many[ImapSurvey],
    certificates: Many[ClientCertificate],
    visits: Many[Visit] | Absent,
) -> MailboxAccess | Absent | Unavailable:
    """The IMAP server to read the mailbox at: TLS from the first octet first (RFC 8314 section 3).

    A password goes only to a host of the domain itself or one that the user named (RFC 6186 section 6 has
    clients ask before they follow a record elsewhere), and only where its certificate is good.
    """
    if not target.intrusive or not target.login:
        return Absent(NOT_ASKED)
    if not target.own_mailbox:
        return Absent(NO_MAILBOX)
    if (failed := failed_login(visits)) is not None:
        return failed
    good = [
        (survey, served)
        for survey in surveys.values()
        if survey.session.state is Reached.OPEN and of_the_user(survey.endpoint.host, target)
        if isinstance(served := certificates.get(survey.subject), ClientCertificate)
        if served.verdict.good and not served.distrust
    ]
    if not good:
        return Unavailable(
            "no IMAP server of the domain with a valid certificate was found to read the mailbox at "
            "(name one with --host)"
        )
    survey, served = min(good, key=lambda pair: pair[0].tls != "implicit")
    return MailboxAccess(survey=survey, certificate=hashlib.sha256(served.leaf.der).hexdigest())


def entry(access: MailboxAccess, target: Target) -> dict[str, Any]:
    """What a conversation that reads the mailbox begins with: where, and by which login."""
    endpoint = access.survey.endpoint
    return {
        "address": endpoint.address,
        "port": endpoint.port,
        "host": endpoint.host,
        "tls": access.survey.tls,
        "certificate": access.certificate,
        "login": target.login,
        "secret": target.secret,
        "token": bool(target.token),
        "timeout": PATIENCE + target.timeout,
    }


@fact
async def collected_messages(
    target: Target,
    access: MailboxAccess | Absent | Unavailable,
    sent: Many[SentMessage] | Absent | Unavailable,
    lab: Lab,
) -> CollectedMessages | Absent | Unavailable:
    """All test messages by one login."""
    if not isinstance(access, MailboxAccess):
        return access
    if not isinstance(sent, Many):
        return sent
    message_ids = tuple(message.message_id for message in sent.values())
    if not message_ids:
        return Absent("no test message was taken")
    probe = CollectTalk(message_ids=message_ids, **entry(access, target))
    read = read_collection(await lab.run(probe), message_ids)
    if read.login.end is not LoginEnd.TAKEN:
        return Unavailable(read.login.because, (Cite(probe, read.login.event),))
    return CollectedMessages(
        bodies={each: tuple(visible(line) for line in text) for each, text in read.texts.items()},
        cites={message_id: Cite(probe, event) for message_id, event in read.events.items()},
        cite=Cite(probe),
    )


@fact
async def inbound_dots(
    sent: Many[SentMessage], collected: CollectedMessages | Absent | Unavailable
) -> Many[InboundDots]:
    """The line with the dot, as it was found."""
    found: dict[str, InboundDots | Absent | Unavailable] = {}
    for subject, message in sent.items.items():
        if isinstance(message, Absent | Unavailable):
            found[subject] = message
        elif isinstance(collected, Absent | Unavailable):
            found[subject] = collected
        else:
            found[subject] = _dots(message, collected)
    return Many(found)


def _dots(message: SentMessage, collected: CollectedMessages) -> InboundDots | Unavailable:
    body = collected.bodies.get(message.message_id)
    if body is None:
        why = f"the test message did not show up in the mailbox within {PATIENCE:g} s"
        return Unavailable(why, (message.cite, collected.cite))
    cites = (message.cite, collected.cites[message.message_id])
    for line in body:
        if line in (message.marked, f".{message.marked}"):
            return InboundDots(
                endpoint=message.endpoint,
                doubled=line != message.marked,
                line=line,
                look=message.look,
                cites=cites,
            )
    return Unavailable("the text of the test message was changed on the way to the mailbox", cites)


@fact
async def clear_logins(
    target: Target,
    offers: Many[SubmissionInClear],
    collected: CollectedMessages | Absent | Unavailable,
    visits: Many[Visit] | Absent,
    lab: Lab,
) -> Many[ClearLogin] | Absent:
    """Every host and port once; one after the other, after the login to the mailbox."""
    if not target.intrusive or not target.login:
        return Absent(NOT_ASKED)
    failed = failed_login(visits) or (collected if isinstance(collected, Unavailable) else None)
    found: dict[str, ClearLogin | Absent | Unavailable] = {}
    tried: set[tuple[str, int]] = set()
    for subject, offer in offers.items.items():
        if isinstance(offer, Absent | Unavailable):
            found[subject] = offer
            continue
        place = (offer.survey.endpoint.host, offer.survey.endpoint.port)
        if (why := _spared(offer, target)) is not None:
            found[subject] = why
        elif place not in tried:
            tried.add(place)
            found[subject] = failed or await _clear_login(offer, target, lab)
            if isinstance(told := found[subject], Unavailable):
                failed = told
    return Many(found)


def _spared(offer: SubmissionInClear, target: Target) -> Absent | None:
    """Why no login is tried at a port."""
    endpoint = offer.survey.endpoint
    if not target.counts_as_public(endpoint.address):
        return Absent("the address is not public: nobody outside listens on the way", offer.cites)
    if not {"PLAIN", "LOGIN"} & set(offer.offer.mechanisms):
        return Absent("no login with a password is offered in clear", offer.cites)
    if not of_the_user(endpoint.host, target):
        return Absent("the host is not one of the domain's own (name it with --host)", offer.cites)
    return None


async def _clear_login(offer: SubmissionInClear, target: Target, lab: Lab) -> ClearLogin | Unavailable:
    endpoint = offer.survey.endpoint
    probe = ClearLoginTalk(
        endpoint.address,
        endpoint.port,
        endpoint.host,
        offer.survey.probe.helo,
        target.login,
        target.password,
        target.timeout,
    )
    read = read_clear_login(await lab.run(probe))
    cite = Cite(probe, read.event)
    if read.login in (Login.FAILED, Login.UNKNOWN):
        return Unavailable(read.because, (cite,))
    return ClearLogin(endpoint=endpoint, accepted=read.login is Login.TAKEN, survey=offer.survey, cite=cite)
