"""What the servers of mail programs say they offer, in clear and under TLS, where that was told completely."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from diag.facts.client_looks import plain_dealing
from diag.facts.clients import (
    ClientContact,
    ImapHeld,
    ImapInClear,
    ImapSurvey,
    ImapUnderTls,
    Pop3Held,
    Pop3InClear,
    Pop3Survey,
    Pop3UnderTls,
    SieveHeld,
    SieveSurvey,
    SubmissionHeld,
    SubmissionInClear,
    SubmissionSurvey,
    SubmissionUnderTls,
)
from diag.model.knowing import Absent, Many, Unavailable
from diag.model.plugin import fact
from diag.tls.handshake import TlsFailure
from diag.wire.reading import Reached

V = TypeVar("V", SubmissionSurvey, ImapSurvey, Pop3Survey, SieveSurvey)
T = TypeVar("T")

OTHER_FAULTS = frozenset({Reached.SPEAKS_TLS, Reached.SPEAKS_TEXT, Reached.TLS_FAILED, Reached.MALFORMED})
"""States that rule out an offer and are told of by themselves."""


@fact
async def submission_in_clear(
    contacts: Many[ClientContact], surveys: Many[SubmissionSurvey]
) -> Many[SubmissionInClear]:
    """The EHLO replies before TLS."""

    def offer(survey: SubmissionSurvey) -> SubmissionInClear | None:
        session = survey.session
        if session.offer is None or session.ehlo is None or not plain_dealing(session):
            return None
        return SubmissionInClear(survey=survey, offer=session.offer, event=session.ehlo.last)

    return _in_clear(contacts, surveys, offer)


@fact
async def submission_under_tls(surveys: Many[SubmissionSurvey]) -> Many[SubmissionUnderTls]:
    """The EHLO replies under TLS."""

    def offer(survey: SubmissionSurvey) -> SubmissionUnderTls | None:
        session = survey.session
        if session.offer_tls is None or session.ehlo_tls is None or not plain_dealing(session):
            return None
        return SubmissionUnderTls(survey=survey, offer=session.offer_tls, event=session.ehlo_tls.last)

    return _under_tls(surveys, offer)


@fact
async def imap_in_clear(contacts: Many[ClientContact], surveys: Many[ImapSurvey]) -> Many[ImapInClear]:
    """The capabilities before TLS."""

    def offer(survey: ImapSurvey) -> ImapInClear | None:
        told = survey.session.capabilities
        return ImapInClear(survey=survey, offer=told, event=told.event) if told and told.names else None

    return _in_clear(contacts, surveys, offer)


@fact
async def imap_under_tls(surveys: Many[ImapSurvey]) -> Many[ImapUnderTls]:
    """The capabilities under TLS."""

    def offer(survey: ImapSurvey) -> ImapUnderTls | None:
        told = survey.session.capabilities_tls
        return ImapUnderTls(survey=survey, offer=told, event=told.event) if told and told.names else None

    return _under_tls(surveys, offer)


@fact
async def pop3_in_clear(contacts: Many[ClientContact], surveys: Many[Pop3Survey]) -> Many[Pop3InClear]:
    """The capabilities before TLS; Absent where the server does not know CAPA (RFC 2449 came late)."""

    def offer(survey: Pop3Survey) -> Pop3InClear | Absent | None:
        told = survey.session.capa
        if told is None and survey.session.capa_supported is False:
            return Absent("the server does not know CAPA", survey.cite())
        return Pop3InClear(survey=survey, offer=told, event=told.event) if told else None

    return _in_clear(contacts, surveys, offer)


@fact
async def pop3_under_tls(surveys: Many[Pop3Survey]) -> Many[Pop3UnderTls]:
    """The capabilities under TLS; Absent where the server does not know CAPA."""

    def offer(survey: Pop3Survey) -> Pop3UnderTls | Absent | None:
        told = survey.session.capa_tls
        if told is None and survey.session.capa_supported is False:
            return Absent("the server does not know CAPA", survey.cite())
        return Pop3UnderTls(survey=survey, offer=told, event=told.event) if told else None

    return _under_tls(surveys, offer)


@fact
async def submission_held(surveys: Many[SubmissionSurvey]) -> Many[SubmissionHeld]:
    """The conversations with submission servers that were held."""
    return _held(surveys, lambda survey: SubmissionHeld(survey=survey))


@fact
async def imap_held(surveys: Many[ImapSurvey]) -> Many[ImapHeld]:
    """The conversations with IMAP servers that were held."""
    return _held(surveys, lambda survey: ImapHeld(survey=survey))


@fact
async def pop3_held(surveys: Many[Pop3Survey]) -> Many[Pop3Held]:
    """The conversations with POP3 servers that were held."""
    return _held(surveys, lambda survey: Pop3Held(survey=survey))


@fact
async def sieve_held(surveys: Many[SieveSurvey]) -> Many[SieveHeld]:
    """The conversations with ManageSieve servers that were held."""
    return _held(surveys, lambda survey: SieveHeld(survey=survey))


def _held(surveys: Many[V], made: Callable[[V], T]) -> Many[T]:
    items: dict[str, T | Absent | Unavailable] = {}
    for subject, survey in surveys.items.items():
        if isinstance(survey, Absent | Unavailable):
            items[subject] = survey
        else:
            session = survey.session
            held = session.state is Reached.OPEN and not session.inconclusive
            items[subject] = made(survey) if held or session.leftover else _why(survey)
    return Many(items)


def _in_clear(
    contacts: Many[ClientContact], surveys: Many[V], offer: Callable[[V], T | Absent | None]
) -> Many[T]:
    items: dict[str, T | Absent | Unavailable] = {}
    for subject, survey in surveys.items.items():
        contact = contacts.get(subject)
        if isinstance(contact, ClientContact) and contact.tls == "implicit":
            continue  # nothing is said in clear there
        items[subject] = survey if isinstance(survey, Absent | Unavailable) else offer(survey) or _why(survey)
    return Many(items)


def _under_tls(surveys: Many[V], offer: Callable[[V], T | Absent | None]) -> Many[T]:
    items: dict[str, T | Absent | Unavailable] = {}
    for subject, survey in surveys.items.items():
        if isinstance(survey, Absent | Unavailable):
            items[subject] = survey
        elif isinstance(survey.session.handshake, TlsFailure):
            items[subject] = Absent("the TLS handshake failed", survey.cite(survey.session.secured))
        elif survey.session.handshake is None and not survey.session.inconclusive:
            items[subject] = Absent("TLS did not come about", survey.cite())
        else:
            items[subject] = offer(survey) or _why(survey)
    return Many(items)


def _why(survey: SubmissionSurvey | ImapSurvey | Pop3Survey | SieveSurvey) -> Absent | Unavailable:
    """What keeps us from knowing: a fault that is told of by itself, or a conversation that decided nothing."""
    session = survey.session
    because = session.inconclusive or "the server did not say completely what it offers"
    kind = Absent if session.state in OTHER_FAULTS else Unavailable
    return kind(because, survey.cite(session.because))
