"""What an endpoint speaks of TLS, by how much was asked: a rule that rests on an offer asks for the depth that makes it."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from diag.model.frozen import frozen
from diag.model.knowing import Cite
from diag.tls.answer import Accepted, Declined
from diag.tls.certificate import Certificate, read
from diag.tls.handshake import Handshake
from diag.tls.offer import SSL2, TLS13, VERSION_NAMES, Offer, ServerName
from diag.tls.offers import suites_of
from diag.tls.profiles import Deviation
from diag.tls.suites import Suite, suite

from .tls_survey import NOT_ASKED, Known, TlsSurvey, Tried, Verdict

OLDER = tuple(number for number in VERSION_NAMES if SSL2 < number < TLS13)
"""SSL 3.0 to TLS 1.2: the versions in which key exchange, certificate and cipher come as one suite."""


def doubt(verdict: Verdict) -> str:
    """Why something could not be found out although we asked; empty where it could, or was not asked."""
    return verdict.because if verdict.known is Known.UNKNOWN and verdict.because != NOT_ASKED else ""


@frozen
class TakenSuites:
    """Suites of one kind that a server accepts, and what shows it or leaves it open."""

    suites: tuple[Suite, ...]
    verdict: Verdict

    @property
    def names(self) -> str:
        """The suites as OpenSSL calls them, in the order they were found."""
        return ", ".join(each.openssl or each.name for each in self.suites)


@lru_cache(maxsize=256)
def _fitting(fits: Callable[[Suite], bool], version: int) -> tuple[int, ...]:
    """Every endpoint is asked about the same kinds of suites."""
    return tuple(number for number in suites_of(version) if fits(suite(number)))


@frozen
class AskedTls:
    """An endpoint, and what it was asked. Checks ask for one of the depths below."""

    survey: TlsSurvey

    @property
    def subject(self) -> str:
        """The endpoint as a subject."""
        return str(self.survey.endpoint)

    @property
    def client_port(self) -> bool:
        """Whether mail programs meet it."""
        return self.survey.client_port

    @property
    def ssl2_kinds(self) -> tuple[int, ...]:
        """The cipher kinds of SSL 2.0 that it has."""
        return tuple(dict.fromkeys(kind for _, answer in self.survey.taken for kind in answer.kinds))

    def taken(self, fits: Callable[[Suite], bool], versions: tuple[int, ...] = OLDER) -> TakenSuites:
        """The suites of a kind that are accepted under some versions, as far as they were found.

        What is of a kind is remembered by `fits`: a function with a name is the same one for every endpoint.
        """
        survey = self.survey
        found = dict.fromkeys(
            number for version in versions for number in survey.suites(version) if fits(suite(number))
        )
        if found:
            cites = tuple(tried.cite for tried, answer in survey.taken if answer.suite in found)
            return TakenSuites(tuple(map(suite, found)), Verdict(Known.YES, cites or (survey.shown,)))
        asked = [survey.takes(_fitting(fits, version), version) for version in versions]
        unknown = (each for each in asked if not each.no)
        return TakenSuites((), next((each for each in unknown if doubt(each)), asked[-1]))

    def answers(self, fits: Callable[[Offer, Accepted], object]) -> tuple[Tried, ...]:
        """The offers that were accepted, in some way."""
        return tuple(tried for tried, answer in self.survey.taken if fits(tried.offer, answer))

    def refusals(self, fits: Callable[[Offer, Declined], object]) -> tuple[Tried, ...]:
        """The offers that were refused, in some way, whenever they were made."""
        return tuple(
            tried
            for tried in self.survey.tried
            if isinstance(tried.answer, Declined)
            and fits(tried.offer, tried.answer)
            and not self.survey.contradicted(tried)
        )


@frozen
class SpokenTls(AskedTls):
    """TLS came about, in the usual handshake or in answer to a ClientHello of ours: only then it can be judged.

    Absent where TLS is not to be had or fails by the server's own act, which is told of as that; Unavailable where
    nothing shows whose doing it was, and where we were not let to find out. The same holds for the depths below.
    """


@frozen
class WeakTls(AskedTls):
    """Asked for what it should not speak: old versions, weak suites and key exchanges.

    Absent where no more than the usual handshake was wished for (`--tls basic`).
    """


@frozen
class FullTls(AskedTls):
    """Asked for everything (`--tls full`). Absent otherwise."""

    @property
    def unnamed_certificate(self) -> tuple[Tried, Certificate] | None:
        """The certificate shown to clients that name no host, where those that name it are shown another.

        A server may have one for each kind of key and choose by what is offered: only those of one kind are compared.
        """
        made = self.survey.handshake
        named = {made.chain[0]} if isinstance(made, Handshake) and made.chain else set()
        unnamed: dict[bytes, Tried] = {}
        for tried, answer in self.survey.taken:
            if answer.certificates and tried.offer.server_name is ServerName.HOST:
                named.add(answer.certificates[0])
            elif answer.certificates and tried.offer.server_name is ServerName.NONE:
                unnamed[answer.certificates[0]] = tried
        kinds = {read(der).key for der in named}
        others = ((tried, read(der)) for der, tried in unnamed.items() if der not in named)
        return next((each for each in others if each[1].key in kinds), None)


@frozen
class TlsByProfile:
    """An endpoint held against the profile that was wished for. Absent where none was."""

    survey: TlsSurvey
    title: str
    """Of the profile."""
    edition: str
    """Its year and month."""
    deviations: tuple[Deviation, ...]
    cites: tuple[Cite, ...]
    """The answers that they were read from."""
