"""What one endpoint speaks of TLS: every offer of ours with its answer, and what they show together."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Collection, Iterator, Mapping

from diag.model.frozen import frozen
from diag.model.kept import kept
from diag.model.knowing import Absent, Cite, Unavailable
from diag.model.target import Depth, Endpoint
from diag.tls.answer import Accepted, Answer, Declined, Unheard
from diag.tls.groups import every as every_group
from diag.tls.handshake import Handshake, TlsFailure
from diag.tls.offer import SSL3, TLS10, TLS11, TLS12, TLS13, VERSION_NAMES, Offer
from diag.tls.offers import suites_of
from diag.tls.suites import by_openssl

HANDSHAKE_VERSIONS = {
    "TLSv1.3": TLS13,
    "TLSv1.2": TLS12,
    "TLSv1.1": TLS11,
    "TLSv1": TLS10,
    "SSLv3": SSL3,
}
"""OpenSSL's names."""
NOT_ASKED = "it was not asked"


class Known(enum.StrEnum):
    """Whether the server does something."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"
    """It was not asked, or we were not answered."""


@frozen
class Verdict:
    """What is known of one thing, and what shows it."""

    known: Known
    cites: tuple[Cite, ...] = ()
    because: str = ""
    """Why it is unknown."""

    @property
    def yes(self) -> bool:
        """It does."""
        return self.known is Known.YES

    @property
    def no(self) -> bool:
        """It does not."""
        return self.known is Known.NO


@frozen
class Tried:
    """One offer and its answer."""

    offer: Offer
    answer: Answer
    cite: Cite
    """The answer in the evidence."""


@frozen(kw_only=True)
class TlsSurvey:
    """Of one endpoint at which TLS was tried in the usual conversation. Many[TlsSurvey], by str(endpoint).

    Absent where TLS is not to be had, Unavailable where we were not let to find out.
    """

    endpoint: Endpoint
    client_port: bool
    """Mail programs meet it; otherwise other mail hosts do (port 25)."""
    depth: Depth
    handshake: Handshake | TlsFailure
    """The usual one, by OpenSSL, which offers TLS 1.3 down to 1.0, ECDHE, DHE and RSA, post-quantum first."""
    shown: Cite
    """That handshake in the evidence."""
    tried: tuple[Tried, ...] = ()
    """In the order of the plan."""
    renegotiation: Verdict = Verdict(Known.UNKNOWN, because=NOT_ASKED)
    """Whether a client may negotiate anew; tried where everything is asked for."""
    left: str = ""
    """Why some offers were not made ("the host turned us away"); empty where all were."""

    @property
    def taken(self) -> Iterator[tuple[Tried, Accepted]]:
        """The offers that were accepted."""
        for tried in self.tried:
            if isinstance(tried.answer, Accepted):
                yield tried, tried.answer

    def named(self, name: str) -> Tried | None:
        """The offer of that name (diag.tls.offers); None where it was not made."""
        return next((tried for tried in self.tried if tried.offer.name == name), None)

    def contradicted(self, tried: Tried) -> bool:
        """Whether the very same offer was accepted at another time: unlike machines take turns behind the address."""
        return dataclasses.replace(tried.offer, name="") in self._taken_offers

    @kept
    def _taken_offers(self) -> frozenset[Offer]:
        """Those that were accepted, whatever they are called."""
        return frozenset(dataclasses.replace(tried.offer, name="") for tried, _ in self.taken)

    def version(self, number: int) -> Verdict:
        """Whether a version is spoken: refused where every suite we know for it was, or an older one was chosen instead."""
        spoken = tuple(tried.cite for tried, answer in self.taken if answer.version == number)
        if isinstance(self.handshake, Handshake) and HANDSHAKE_VERSIONS.get(self.handshake.version) == number:
            spoken = (self.shown, *spoken)
        if spoken:
            return Verdict(Known.YES, spoken)
        refused, cites = self._refused(number)
        made = self.handshake
        # OpenSSL's hello has everything from TLS 1.0 to 1.3, and a server takes the newest of it (RFC 5246 section E.1).
        if isinstance(made, Handshake) and HANDSHAKE_VERSIONS.get(made.version, TLS13) < number <= TLS13:
            return Verdict(Known.NO, (self.shown, *cites))
        if refused >= set(suites_of(number)):
            return Verdict(Known.NO, cites)
        return Verdict(Known.UNKNOWN, because=self._silence(number))

    def _refused(self, version: int) -> tuple[set[int], tuple[Cite, ...]]:
        """The suites that were refused under a version, and the answers by which they were."""
        return self._refusals[version]

    @kept
    def _refusals(self) -> dict[int, tuple[set[int], tuple[Cite, ...]]]:
        """By version: every rule asks again."""
        return {version: self._refused_under(version) for version in VERSION_NAMES}

    def _refused_under(self, version: int) -> tuple[set[int], tuple[Cite, ...]]:
        refused: set[int] = set()
        cites: list[Cite] = []
        for tried in self.tried:
            offer, answer = tried.offer, tried.answer
            older = isinstance(answer, Accepted) and answer.version < version
            declined = (
                isinstance(answer, Declined) and not answer.of_the_rest and not self.contradicted(tried)
            )
            if offer.plain and version in offer.versions and (declined or older):
                refused.update(offer.suites)
                cites.append(tried.cite)
        return refused, tuple(cites)

    def _silence(self, version: int) -> str:
        """Why nothing is known of a version."""
        heard = (tried.answer for tried in self.tried if version in tried.offer.versions)
        return next((each.because for each in heard if isinstance(each, Unheard)), self.left or NOT_ASKED)

    @property
    def versions(self) -> tuple[int, ...]:
        """Those that are spoken, oldest first."""
        return tuple(number for number in VERSION_NAMES if self.version(number).yes)

    def suites(self, version: int) -> tuple[int, ...]:
        """The suites seen accepted under a version, in the order they were found; the server may know others."""
        found = [answer.suite for _, answer in self.taken if answer.version == version]
        made = self.handshake
        if isinstance(made, Handshake) and HANDSHAKE_VERSIONS.get(made.version) == version:
            known = by_openssl(made.cipher)
            found = [known.number, *found] if known is not None else found
        return tuple(dict.fromkeys(found))

    @property
    def groups(self) -> tuple[int, ...]:
        """The groups seen chosen under any version, in the order they were found; the server may know others."""
        found = [answer.group for _, answer in self.taken if answer.group is not None]
        made = self.handshake.group.lower() if isinstance(self.handshake, Handshake) else ""
        usual = [
            each.number
            for each in every_group().values()
            if made in (each.name.lower(), each.openssl.lower())
        ]
        return tuple(dict.fromkeys([*usual, *found] if made else found))

    def all_found(self, version: int) -> bool:
        """Whether `suites` has all of a version: every other one that we know was refused."""
        return set(suites_of(version)) <= self._refused(version)[0] | set(self.suites(version))

    def takes(self, suites: Collection[int], version: int | None = None) -> Verdict:
        """Whether one of some suites is accepted, under a version or under any.

        YES with the answers in which one was chosen; NO where each was refused, under every version that is spoken.
        """
        wanted = set(suites)
        versions = tuple(VERSION_NAMES) if version is None else (version,)
        chosen = tuple(
            tried.cite
            for tried, answer in self.taken
            if answer.version in versions and (answer.suite in wanted or wanted & set(answer.kinds))
        )
        if any(wanted & set(self.suites(each)) for each in versions):
            return Verdict(Known.YES, chosen or (self.shown,))
        cites: list[Cite] = []
        for each in versions:
            refused, by = self._refused(each)
            here = wanted & set(suites_of(each))
            if not here <= refused and not self.version(each).no:
                return Verdict(Known.UNKNOWN, because=self._silence(each))
            cites += by
        return Verdict(Known.NO, tuple(dict.fromkeys(cites)))


@frozen
class _OfOneKind:
    """The surveys of one kind of service, by str(endpoint): no kind waits until others have been talked to."""

    found: Mapping[str, TlsSurvey | Absent | Unavailable]


@frozen
class InboundTlsSurveys(_OfOneKind):
    """Those of MX hosts."""


@frozen
class ClientTlsSurveys(_OfOneKind):
    """Those of submission, IMAP and POP3."""


@frozen
class SieveTlsSurveys(_OfOneKind):
    """Those of ManageSieve. Absent where no server is named."""
