"""Logging in with what the user lends: over TLS with a good certificate, one login after the other.

After one that failed there is no other in the run, so that nobody is locked out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

from diag.facts.access_hosts import Origin, Service
from diag.facts.certificates import ClientCertificate
from diag.facts.clients import (
    ImapSurvey,
    ImapUnderTls,
    Pop3Survey,
    Pop3UnderTls,
    SubmissionSurvey,
    SubmissionUnderTls,
)
from diag.facts.logins import (
    DraftPut,
    LoginPlace,
    LoginService,
    LoginTried,
    MailboxSeen,
    MaildropSeen,
    MechanismTried,
    StrangerSender,
)
from diag.model.frozen import frozen
from diag.model.knowing import Absent, Cite, Many, Unavailable
from diag.model.plugin import fact
from diag.model.target import Target
from diag.names.domain import is_below
from diag.probes.logins import (
    DraftTrial,
    ImapVisit as ImapVisitProbe,
    LoginProbe,
    MechanismTrial,
    Pop3Visit as Pop3VisitProbe,
    StrangerTrial,
    SubmissionLogin,
)
from diag.probes.moment import Nonce
from diag.probes.probe import Lab
from diag.wire.drafts import read_append
from diag.wire.login import LoginEnd, LoginRead
from diag.wire.login_imap import read_imap_login
from diag.wire.login_pop3 import read_pop3_login
from diag.wire.login_smtp import read_smtp_login, read_stranger
from diag.wire.reach import Reached
from diag.wire.sasl import usable
from diag.wire.transcript import Said, Transcript, quoted_line
from diag.wire.visit_imap import read_imap_visit
from diag.wire.visit_pop3 import read_pop3_visit

from .helo import helo

NOT_LENT = "no login was lent (--login with --password or --token)"
NOT_ASKED = "that is tried only where it is asked for (--intrusive, --login)"
NOT_GOOD = "the certificate is not good: no password goes there (--insecure-auth has it go all the same)"
NOT_OURS = "the host is not one of the domain's own: no password goes there (name it with --host)"

Survey = SubmissionSurvey | ImapSurvey | Pop3Survey


@fact
async def login_places(
    target: Target,
    submission: Many[SubmissionSurvey],
    imap: Many[ImapSurvey],
    pop3: Many[Pop3Survey],
    smtp_offers: Many[SubmissionUnderTls],
    imap_offers: Many[ImapUnderTls],
    pop3_offers: Many[Pop3UnderTls],
    certificates: Many[ClientCertificate],
) -> Many[LoginPlace] | Absent:
    """Every host and port of submission and mailboxes; of several addresses the first that will do."""
    if not target.login:
        return Absent(NOT_LENT)
    offered = {
        **{each.subject: each.offer.mechanisms for each in smtp_offers.values()},
        **{each.subject: each.offer.mechanisms for each in imap_offers.values()},
        **{each.subject: each.offer.mechanisms for each in pop3_offers.values()},
    }
    found: dict[str, LoginPlace | Absent | Unavailable] = {}
    placed: set[tuple[str, int]] = set()
    surveys: list[tuple[LoginService, Survey]] = [
        *((Service.SUBMISSION, each) for each in submission.values()),
        *((Service.IMAP, each) for each in imap.values()),
        *((Service.POP3, each) for each in pop3.values()),
    ]
    for service, survey in surveys:
        where = survey.endpoint.host, survey.endpoint.port
        if survey.session.state is not Reached.OPEN or where in placed:
            continue
        judged = _place(target, service, survey, certificates, offered.get(survey.subject, ()))
        found[survey.subject] = judged
        if isinstance(judged, LoginPlace):
            placed.add(where)
    return Many(found)


def _place(
    target: Target,
    service: LoginService,
    survey: Survey,
    certificates: Many[ClientCertificate],
    mechanisms: tuple[str, ...],
) -> LoginPlace | Absent | Unavailable:
    kind = Unavailable if survey.published or Origin.USER in survey.origins else Absent
    if not of_the_user(survey.endpoint.host, target):
        return kind(NOT_OURS, survey.cite())
    served = certificates.get(survey.subject)
    if not isinstance(served, ClientCertificate):
        return Absent("TLS did not come about", survey.cite())
    good = served.verdict.good and not served.distrust
    if not good and not target.insecure_auth:
        return kind(NOT_GOOD, served.cites)
    pinned = "" if target.insecure_auth else hashlib.sha256(served.leaf.der).hexdigest()
    return LoginPlace(
        endpoint=survey.endpoint,
        service=service,
        tls=survey.tls,
        certificate=pinned,
        mechanisms=mechanisms,
    )


def of_the_user(host: str, target: Target) -> bool:
    """Whether a password may go to a host: it is one of the domain itself, or one that the user named.

    RFC 6186 section 6 has clients ask before they follow a record elsewhere.
    """
    return host == target.domain or is_below(host, target.domain) or host in target.hosts


@frozen(kw_only=True)
class Visit:
    """One conversation that began with a login."""

    place: LoginPlace
    probe: LoginProbe
    transcript: Transcript
    login: LoginRead


@fact
async def visits(places: Many[LoginPlace] | Absent, target: Target, lab: Lab) -> Many[Visit] | Absent:
    """All of them, submission first, one after the other up to the first login that fails."""
    if isinstance(places, Absent):
        return places
    if target.wait:
        return Absent("a round trip logs in only where its message goes")
    name = await helo(target, lab)
    found: dict[str, Visit | Absent | Unavailable] = {}
    for subject, place in places.items.items():
        if isinstance(place, Absent | Unavailable):
            found[subject] = place
            continue
        if (failed := failed_login(Many(found))) is not None:
            found[subject] = failed
            continue
        probe = _probe(place, target, name)
        transcript = await lab.run(probe)
        login = _read(place.service, transcript)
        found[subject] = Visit(place=place, probe=probe, transcript=transcript, login=login)
    return Many(found)


def failed_login(visits: Many[Visit] | Absent) -> Unavailable | None:
    """Why there is no other login in this run; None where none has failed."""
    for visit in visits.values() if isinstance(visits, Many) else ():
        if visit.login.end.failed:
            return Unavailable(visit.login.because, (Cite(visit.probe, visit.login.event),))
    return None


def _probe(place: LoginPlace, target: Target, name: str) -> LoginProbe:
    match place.service:
        case Service.SUBMISSION:
            return SubmissionLogin(**lent(place, target), helo=name)
        case Service.IMAP:
            return ImapVisitProbe(**lent(place, target))
        case Service.POP3:
            return Pop3VisitProbe(**lent(place, target))


def lent(place: LoginPlace, target: Target) -> dict[str, Any]:
    """What all probes that log in somewhere have in common."""
    return {
        "address": place.endpoint.address,
        "port": place.endpoint.port,
        "host": place.endpoint.host,
        "tls": place.tls,
        "certificate": place.certificate,
        "login": target.login,
        "secret": target.secret,
        "token": bool(target.token),
        "timeout": target.timeout,
    }


def _read(service: LoginService, transcript: Transcript) -> LoginRead:
    match service:
        case Service.SUBMISSION:
            return read_smtp_login(transcript)
        case Service.IMAP:
            return read_imap_login(transcript)
        case Service.POP3:
            return read_pop3_login(transcript)


@fact
async def logins_tried(visits: Many[Visit] | Absent) -> Many[LoginTried] | Absent:
    """What became of the logins."""
    if isinstance(visits, Absent):
        return visits
    return Many({subject: _tried(visit) for subject, visit in visits.items.items()})


def _tried(visit: Visit | Absent | Unavailable) -> LoginTried | Absent | Unavailable:
    if isinstance(visit, Absent | Unavailable):
        return visit
    login = visit.login
    if login.end not in (LoginEnd.TAKEN, LoginEnd.REJECTED):
        return Unavailable(login.because, (Cite(visit.probe, login.event),))
    return LoginTried(
        place=visit.place,
        taken=login.end is LoginEnd.TAKEN,
        mechanism=login.mechanism,
        line=_said(visit),
        cite=Cite(visit.probe, login.event),
    )


def _said(visit: Visit) -> str:
    """What the server said in the end, without the tag that IMAP has."""
    line = _line(visit.transcript, visit.login.event)
    return line.partition(" ")[2] if visit.place.service is Service.IMAP else line


def _line(transcript: Transcript, event: int | None) -> str:
    said = transcript.events[event] if event is not None else None
    return quoted_line(said.octets) if isinstance(said, Said) else ""


def _entered(visits: Many[Visit] | Absent, service: Service) -> Iterator[tuple[str, Visit | Unavailable]]:
    """Visits of one service that got in, and those of which that is not known."""
    if isinstance(visits, Many):
        for subject, visit in visits.items.items():
            if isinstance(visit, Visit) and visit.place.service is service:
                if visit.login.end is LoginEnd.TAKEN:
                    yield subject, visit
                elif visit.login.end is not LoginEnd.REJECTED:
                    yield subject, Unavailable(visit.login.because, (Cite(visit.probe, visit.login.event),))


@fact
async def mailboxes_seen(visits: Many[Visit] | Absent) -> Many[MailboxSeen] | Absent:
    """The mailbox through every IMAP port."""
    if isinstance(visits, Absent):
        return visits
    return Many(
        {
            subject: visit
            if isinstance(visit, Unavailable)
            else MailboxSeen(place=visit.place, visit=read_imap_visit(visit.transcript), probe=visit.probe)
            for subject, visit in _entered(visits, Service.IMAP)
        }
    )


@fact
async def maildrops_seen(visits: Many[Visit] | Absent) -> Many[MaildropSeen] | Absent:
    """The same through every POP3 port."""
    if isinstance(visits, Absent):
        return visits
    return Many(
        {
            subject: visit
            if isinstance(visit, Unavailable)
            else MaildropSeen(place=visit.place, visit=read_pop3_visit(visit.transcript), probe=visit.probe)
            for subject, visit in _entered(visits, Service.POP3)
        }
    )


def _good(visits: Many[Visit] | Absent, service: Service) -> tuple[Visit, ...]:
    """Visits of a service that got in; none where any login of the run failed, so that there is no other."""
    if failed_login(visits) is not None:
        return ()
    return tuple(each for _, each in _entered(visits, service) if isinstance(each, Visit))


@fact
async def stranger_senders(
    visits: Many[Visit] | Absent, target: Target, lab: Lab
) -> Many[StrangerSender] | Absent:
    """Every host once: whose name a message bears does not hang on the port."""
    if isinstance(visits, Absent) or not target.intrusive:
        return Absent(NOT_ASKED)
    name = await helo(target, lab)
    # Nobody can have leave to send as a mailbox that does not exist, as one may have for a role's.
    stranger = f"{(await lab.run(Nonce())).text}@{target.domain}"
    recipient = target.own_mailbox or f"postmaster@{target.domain}"
    found: dict[str, StrangerSender | Absent | Unavailable] = {}
    tried: set[str] = set()
    for visit in _good(visits, Service.SUBMISSION):
        place = visit.place
        if place.endpoint.host in tried:
            continue
        tried.add(place.endpoint.host)
        probe = StrangerTrial(**lent(place, target), helo=name, stranger=stranger, recipient=recipient)
        transcript = await lab.run(probe)
        read = read_stranger(transcript)
        if read.taken is None:
            because = read.login.because or f"that was not decided: {read.line or 'the conversation ended'}"
            found[place.subject] = Unavailable(because, (Cite(probe, read.event),))
            continue
        found[place.subject] = StrangerSender(
            place=place,
            login=target.login,
            stranger=stranger,
            accepted=read.taken,
            line=read.line,
            cite=Cite(probe, read.event),
        )
    return Many(found)


@fact
async def drafts_put(
    visits: Many[Visit] | Absent, target: Target, lab: Lab
) -> DraftPut | Absent | Unavailable:
    """One message, at the first IMAP port that let us in."""
    if isinstance(visits, Absent) or not target.intrusive:
        return Absent(NOT_ASKED)
    visit = next(iter(_good(visits, Service.IMAP)), None)
    if visit is None:
        return Absent("no login over IMAP was taken")
    nonce = (await lab.run(Nonce())).text
    message_id = f"{nonce}.draft@{target.domain}"
    sender = target.own_mailbox or f"postmaster@{target.domain}"
    lines = (
        f"From: <{sender}>",
        f"To: <{sender}>",
        "Subject: A draft of maildiag, which removes it again",
        f"Message-ID: <{message_id}>",
        "",
        *(f"This line fills the draft up to one KiB. {nonce}" for _ in range(DRAFT_LINES)),
    )
    probe = DraftTrial(**lent(visit.place, target), message_id=message_id, lines=lines)
    read = read_append(await lab.run(probe))
    if read.login.end is not LoginEnd.TAKEN:
        return Unavailable(read.login.because, (Cite(probe, read.login.event),))
    if read.appended is None:
        return Absent("no folder is marked for drafts, or a draft could not be removed alone", (Cite(probe),))
    return DraftPut(
        place=visit.place,
        taken=read.appended.ok,
        code=read.appended.code,
        line=read.appended.line,
        folder=read.folder,
        cite=Cite(probe, read.appended.event),
    )


DRAFT_LINES = 15


@fact
async def mechanisms_tried(
    visits: Many[Visit] | Absent,
    strangers: Many[StrangerSender] | Absent,
    draft: DraftPut | Absent | Unavailable,
    target: Target,
    lab: Lab,
) -> MechanismTried | Absent | Unavailable:
    """Every mechanism that the first submission server offers beside the one that worked, up to one that fails.

    Last of all, as a login that fails may keep the user out for a while.
    """
    if isinstance(visits, Absent) or not target.intrusive:
        return Absent(NOT_ASKED)
    visit = next(iter(_good(visits, Service.SUBMISSION)), None)
    if visit is None:
        return Absent("no login to a submission server was taken")
    name = await helo(target, lab)
    worked = (Cite(visit.probe, visit.login.event),)
    offered = usable(visit.place.mechanisms, token=bool(target.token), bindable=True)
    for mechanism in offered:
        if mechanism == visit.login.mechanism:
            continue
        probe = MechanismTrial(**lent(visit.place, target), helo=name, mechanism=mechanism)
        transcript = await lab.run(probe)
        login = read_smtp_login(transcript)
        cite = Cite(probe, login.event)
        if login.end is LoginEnd.REJECTED or (login.end is LoginEnd.UNSETTLED and login.event is not None):
            return MechanismTried(
                place=visit.place,
                works=visit.login.mechanism,
                fails=mechanism,
                line=_line(transcript, login.event),
                cites=(cite, *worked),
            )
        if login.end is not LoginEnd.TAKEN:
            return Unavailable(f"{mechanism}: {login.because}", (cite,))
    return MechanismTried(place=visit.place, works=visit.login.mechanism, fails="", line="", cites=worked)
