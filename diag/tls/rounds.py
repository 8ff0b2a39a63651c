"""Which ClientHellos are sent one after another: each round rests on the answers to those before it. Nothing is asked here.

What an answer has shown is not asked again. A server names one suite in an answer, so suites are found one by one, by
leaving out of the next hello those that were chosen; that none is left is shown by one refusal of all the others.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator

from diag.model.target import Depth

from .alerts import UNRECOGNIZED_NAME
from .answer import Accepted, Answer, Declined, Unheard
from .groups import every as every_group
from .handshake import Handshake, TlsFailure
from .offer import SSL3, TLS10, TLS11, TLS12, TLS13, VERSION_NAMES, Offer
from .offers import (
    HYBRIDS,
    WEAK,
    again,
    fallback,
    faults,
    finite_groups,
    mixed,
    modern,
    no_name,
    old,
    other_name,
    others,
    own_protocol,
    padded,
    post_quantum,
    sha1_only,
    ssl2,
    suites_of,
    usual_12,
    usual_13,
    version_offer,
    weak_groups_only,
)
from .suites import by_openssl, suite

AT_ONCE = {Depth.STANDARD: 2, Depth.FULL: 3}
"""Offers of one round. A service gets three connections at a time, and the test for injection goes beside two."""

Lane = Generator[Offer, Answer, None]
"""Offers of which each waits for the answer to the one before it."""
Rounds = Generator[tuple[Offer, ...], tuple[Answer, ...], str]
"""Rounds of offers; in the end why something was left out, or nothing."""

OPENSSL_VERSIONS = {"TLSv1.3": TLS13, "TLSv1.2": TLS12, "TLSv1.1": TLS11, "TLSv1": TLS10, "SSLv3": SSL3}
"""Versions by OpenSSL's names."""


def rounds(depth: Depth, usual: Handshake | TlsFailure, most: int, protocol: str = "") -> Rounds:
    """The offers for one endpoint, given how its usual handshake went.

    `most` bounds their number; `protocol` is the name that ALPN has for what is spoken there, if it has one.
    """
    if depth is Depth.BASIC:
        return ""
    course = _Course(usual, most, AT_ONCE[depth])
    if isinstance(usual, TlsFailure):
        # One hello that every server knows. Where nothing comes even to that, there is nothing to find out.
        yield from course.run(_each(usual_12()))
        first = course.answers[-1]
        if isinstance(first, Unheard):
            return first.because
        if isinstance(first, Declined) and first.alert == UNRECOGNIZED_NAME:
            yield from course.run(_each(again(usual_12())), _each(no_name()))
            return "the host refuses its own name"
        # One after another: of two machines behind one address that take turns, two lanes would meet one each, always.
        for offer in (mixed(), padded()):
            yield from course.run(_twice(offer))
        yield from course.run(_each(usual_13()))
    yield from course.run(_old(), _weak(TLS12), *course.unless_asked(usual_12()))
    newest_is_old = bool(course.older) and max(course.spoken) < TLS12
    if newest_is_old:
        yield from course.run(_weak(course.older[0]))
    if depth is Depth.FULL:
        # Before suites are counted: where connections run out, a list is cut short and no verdict is left open.
        yield from course.run(*map(_weak, course.older[newest_is_old:]))
        yield from course.run(
            *course.unless_asked(ssl2()),
            _about(course, protocol),
            _suites(course, TLS12, modern),
            _suites(course, TLS13),
            _telling_groups(course),
        )
        yield from course.run(*(_suites(course, version) for version in (TLS12, *course.older)))
    return course.left


class _Course:
    """What was asked of one endpoint and answered so far."""

    def __init__(self, usual: Handshake | TlsFailure, most: int, at_once: int) -> None:
        self.usual = usual
        self.answers: list[Answer] = []
        self.left = ""
        self._asked: list[Offer] = []
        self._most = most
        self._at_once = at_once

    def run(self, *lanes: Lane) -> Generator[tuple[Offer, ...], tuple[Answer, ...], None]:
        """Play lanes side by side, in turns, until all are at their end or the budget is."""
        waiting = [(lane, offer) for lane in lanes if (offer := next(lane, None)) is not None]
        while waiting:
            room = min(self._at_once, self._most - len(self._asked))
            if room <= 0:
                self.left = f"no more than {self._most} connections were made for this"
                return
            now, later = waiting[:room], waiting[room:]
            offers = tuple(offer for _, offer in now)
            answers = yield offers
            self._asked += offers
            self.answers += answers
            again = [(lane, _sent(lane, answer)) for (lane, _), answer in zip(now, answers, strict=True)]
            waiting = later + [(lane, offer) for lane, offer in again if offer is not None]

    def unless_asked(self, offer: Offer) -> Iterator[Lane]:
        """A lane of that offer, unless it was made."""
        if offer not in self._asked:
            yield _each(offer)

    @property
    def accepted(self) -> Iterator[Accepted]:
        """What was accepted."""
        return (answer for answer in self.answers if isinstance(answer, Accepted))

    @property
    def spoken(self) -> set[int]:
        """The versions seen."""
        found = {answer.version for answer in self.accepted}
        made = self.usual
        return found | ({OPENSSL_VERSIONS.get(made.version, TLS12)} if isinstance(made, Handshake) else set())

    @property
    def older(self) -> list[int]:
        """Those of them from TLS 1.1 down to SSL 3.0, the newest first."""
        return sorted((version for version in self.spoken if SSL3 <= version < TLS12), reverse=True)

    def found(self, version: int) -> set[int]:
        """The suites seen accepted under a version."""
        found = {answer.suite for answer in self.accepted if answer.version == version}
        made = self.usual
        known = by_openssl(made.cipher) if isinstance(made, Handshake) else None
        if known and isinstance(made, Handshake) and OPENSSL_VERSIONS.get(made.version) == version:
            found.add(known.number)
        return found

    @property
    def groups(self) -> set[int]:
        """The groups seen in TLS 1.3."""
        found = {
            answer.group for answer in self.accepted if answer.version == TLS13 and answer.group is not None
        }
        made = self.usual
        if isinstance(made, Handshake) and made.version == "TLSv1.3":
            found |= {
                each.number for each in every_group().values() if made.group in (each.name, each.openssl)
            }
        return found

    def refused(self, version: int) -> set[int]:
        """The suites that were refused under a version by an answer to nothing unusual."""
        refused: set[int] = set()
        for offer, answer in zip(self._asked, self.answers, strict=True):
            older = isinstance(answer, Accepted) and answer.version < version
            declined = isinstance(answer, Declined) and not answer.of_the_rest
            if offer.plain and version in offer.versions and (older or declined):
                refused.update(offer.suites)
        return refused


def _sent(lane: Lane, answer: Answer) -> Offer | None:
    try:
        return lane.send(answer)
    except StopIteration:
        return None


def _declined(answer: Answer) -> bool:
    return isinstance(answer, Declined)


def _each(*offers: Offer) -> Lane:
    for offer in offers:
        _ = yield offer


def _old() -> Lane:
    """Versions from TLS 1.1 down, each asked for by what is left of older ones.

    SSL 2.0 is asked for where anything old is spoken: no server has left out all between it and TLS 1.2.
    """
    answer = yield old()
    seen = isinstance(answer, Accepted)
    while isinstance(answer, Accepted) and answer.version > SSL3:
        older = tuple(version for version in (TLS10, SSL3) if version < answer.version)
        answer = yield version_offer(f"{VERSION_NAMES[older[0]]} and older", older)
    if seen:
        yield ssl2()


def _weak(version: int) -> Lane:
    """Suites with faults, until it is known of every fault whether it is taken."""
    known: set[str] = set()
    found: set[int] = set()
    while wanted := tuple(n for n in suites_of(version) if n not in found and faults(suite(n)) - known):
        answer = yield version_offer(WEAK, (version,), wanted)
        if not isinstance(answer, Accepted) or answer.suite not in wanted:
            return
        found.add(answer.suite)
        known |= faults(suite(answer.suite))


def _suites(course: _Course, version: int, wanted: Callable[[int], bool] = lambda _: True) -> Lane:
    """The suites of a version one by one, of those that are wanted."""
    if version not in course.spoken:
        return
    while left := tuple(
        n
        for n in suites_of(version)
        if wanted(n) and n not in course.found(version) | course.refused(version)
    ):
        answer = yield others(version, left)
        if not isinstance(answer, Accepted) or answer.suite not in left or answer.version != version:
            return


def _telling_groups(course: _Course) -> Lane:
    """Groups of TLS 1.3 of the kinds that matter, by what a server asks for that was sent no key share.

    Which curve it takes beside those that it was seen to choose changes no verdict.
    """
    if TLS13 in course.spoken:
        if not course.groups & set(HYBRIDS):
            yield post_quantum()
        yield finite_groups()


def _twice(offer: Offer) -> Lane:
    """An offer, and once more where it is refused or comes to nothing."""
    if not isinstance((yield offer), Accepted):
        yield again(offer)


def _about(course: _Course, protocol: str) -> Lane:
    """What else a server minds or takes."""
    if TLS12 in course.spoken:
        yield from _twice(no_name())
        yield sha1_only()
        yield weak_groups_only()
        # Nothing hangs on another name by itself; where it and the protocol fail, it may have been either.
        if protocol and _declined((yield other_name(protocol))):
            yield own_protocol(protocol)
    spoken = sorted(course.spoken)
    if len(spoken) > 1 and spoken[-2] >= TLS10 and spoken[0] < TLS12:  # between 1.2 and 1.3 it is of no use
        yield fallback(spoken[-2])
