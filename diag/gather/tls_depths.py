"""What was asked of an endpoint's TLS, by depth and by profile: nothing is asked here."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import TypeVar

from diag.facts.moment import RunMoment
from diag.facts.tls_depths import FullTls, SpokenTls, TlsByProfile, WeakTls
from diag.facts.tls_survey import TlsSurvey
from diag.model.knowing import Absent, Many, Unavailable
from diag.model.plugin import fact
from diag.model.target import Depth, Target
from diag.tls.handshake import ON_THE_WAY, Handshake
from diag.tls.offer import VERSION_NAMES
from diag.tls.suites import suite

T = TypeVar("T")
Surveys = Many[TlsSurvey] | Absent | Unavailable


@fact
async def spoken_tls(surveys: Surveys) -> Many[SpokenTls] | Absent | Unavailable:
    """The endpoints at which TLS came about."""
    return _each(surveys, SpokenTls, wanted=True)


@fact
async def weak_tls(target: Target, surveys: Surveys) -> Many[WeakTls] | Absent | Unavailable:
    """The endpoints that were asked for weak things."""
    return _each(surveys, WeakTls, wanted=target.tls is not Depth.BASIC)


@fact
async def full_tls(target: Target, surveys: Surveys) -> Many[FullTls] | Absent | Unavailable:
    """The endpoints that were asked for everything."""
    return _each(surveys, FullTls, wanted=target.tls is Depth.FULL)


@fact
async def tls_by_profile(
    target: Target, surveys: Surveys, moment: RunMoment
) -> Many[TlsByProfile] | Absent | Unavailable:
    """Where endpoints depart from the profile, on the day of the run."""
    name, day = target.tls_profile, moment.at.date()
    return _each(surveys, lambda survey: _held(survey, name, day), wanted=bool(name))


def _each(
    surveys: Surveys, make: Callable[[TlsSurvey], T], *, wanted: bool
) -> Many[T] | Absent | Unavailable:
    """What nobody wished for is absent, also where it could not have been found out."""
    if not wanted:
        return Absent("it was not wished for")
    if not isinstance(surveys, Many):
        return surveys
    return Many(
        {
            subject: survey if isinstance(survey, Absent | Unavailable) else _unspoken(survey) or make(survey)
            for subject, survey in surveys.items.items()
        }
    )


def _unspoken(survey: TlsSurvey) -> Absent | Unavailable | None:
    """Why there is nothing to judge: no handshake succeeded, and no ClientHello of ours was accepted."""
    made = survey.handshake
    if isinstance(made, Handshake) or any(survey.taken):
        return None
    if made.put_off or made.ours or made.reason in ON_THE_WAY:
        return Unavailable(f"TLS did not come about ({made.detail or made.reason})", (survey.shown,))
    return Absent("TLS fails there, which is told as that", (survey.shown,))


def _held(survey: TlsSurvey, name: str, day: date) -> TlsByProfile:
    from diag.tls.certificate import read  # loads cryptography, and most runs have no profile
    from diag.tls.profiles import Spoken, profile

    asked = profile(name)
    answers = [answer for _, answer in survey.taken]
    made = survey.handshake if isinstance(survey.handshake, Handshake) else None
    chains = [made.chain if made else (), *(answer.certificates for answer in answers)]
    leaves = [read(der) for der in dict.fromkeys(chain[0] for chain in chains if chain)]
    offered = (number for version in VERSION_NAMES for number in survey.suites(version))
    spoken = Spoken(
        versions=survey.versions,
        refused=tuple(version for version in VERSION_NAMES if survey.version(version).no),
        # Without a certificate, port 25 is no worse off than with one that nobody verifies (RFC 7672 section 8.2).
        suites=tuple(n for n in dict.fromkeys(offered) if survey.client_port or not suite(n).anonymous),
        groups=survey.groups,
        primes=tuple(answer.dh_prime for answer in answers if answer.dh_prime),
        schemes=tuple(answer.scheme for answer in answers if answer.scheme is not None),
        keys=tuple((leaf.key, leaf.bits, leaf.curve) for leaf in leaves if not leaf.problem),
        hashes=tuple(leaf.signature for leaf in leaves if not leaf.problem),
    )
    cites = (survey.shown, *(tried.cite for tried, _ in survey.taken))
    return TlsByProfile(survey, asked.title, asked.edition, asked.deviations(spoken, day), cites)
