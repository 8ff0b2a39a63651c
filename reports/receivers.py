"""What the large receivers ask of a domain that sends them mail, and how far it can be seen to comply.

What they ask is data (diag.facts.receivers); here it is decided of one domain, as one who sends little and as one
who sends in bulk. Most of it shows in the DNS; the rest shows only in a message, or to nobody outside, and is
said to be so instead of guessed.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial

from diag.api import Absent, Finding, KeyProblem, Many, Report, Result, RsaKey, Status, Unavailable
from diag.facts import receivers as known
from diag.facts.dkim import Below, DkimKeyFound, DkimSelectors
from diag.facts.dmarc import DmarcPolicy
from diag.facts.receivers import (
    Asked as Asked,
    Audience as Audience,
    Receiver,
    Requirement,
    SeenIn,
    Wish,
)
from diag.facts.roles import Roles
from diag.facts.spf import LOOKUP_LIMIT, VOID_LIMIT, SpfEvaluation
from reports.verdict import listed

TAKEN_RSA = 1024
"""Bits of a key that Gmail and Yahoo take."""


class State(enum.Enum):
    """Whether a requirement is met, in the words shown."""

    MET = "met"
    NOT_MET = "not met"
    MESSAGE = "only a message can show it"
    NOBODY = "nobody outside can see it"
    UNDETERMINED = "could not be determined"
    NOT_ASKED = "not asked"


_ORDER = (State.MET, State.UNDETERMINED, State.MESSAGE, State.NOBODY, State.NOT_ASKED, State.NOT_MET)
"""What of two is the better news, for one of which suffices."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What is known of one requirement, whoever asks for it."""

    state: State
    because: str = ""
    findings: tuple[Finding, ...] = ()
    """What breaks it."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One requirement of one receiver, asked of these senders."""

    receiver: Receiver
    wish: Wish
    asked: Asked
    state: State

    @property
    def reply(self) -> str:
        """What the receiver answers because the requirement is not met, as far as its own pages say."""
        return self.wish.reply if self.state is State.NOT_MET and self.asked is Asked.REQUIRED else ""


@dataclass(frozen=True, slots=True)
class Row:
    """One requirement, decided."""

    requirement: Requirement
    decision: Decision
    cells: Mapping[Audience, tuple[Cell, ...]]
    """In the order of the receivers."""

    @property
    def name(self) -> str:
        """The requirement in a few words."""
        return self.requirement.name

    @property
    def state(self) -> State:
        """What is known of it, whoever asks."""
        return self.decision.state

    @property
    def because(self) -> str:
        """Why."""
        return self.decision.because

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What breaks it."""
        return self.decision.findings

    def asked_of(self, audience: Audience) -> bool:
        """Whether any receiver asks it of these senders."""
        return any(cell.asked is not Asked.NOT for cell in self.cells[audience])

    @property
    def bulk_differs(self) -> bool:
        """Whether bulk senders are asked for something here that is not asked of everyone."""
        pairs = zip(self.cells[Audience.EVERYONE], self.cells[Audience.BULK], strict=True)
        return any(bulk.asked not in (each.asked, Asked.NOT) for each, bulk in pairs)


@dataclass(frozen=True, slots=True)
class Table:
    """The receiver table of a report."""

    as_of: str
    receivers: tuple[Receiver, ...]
    rows: tuple[Row, ...]

    def asked_of(self, audience: Audience) -> tuple[Row, ...]:
        """What is asked of these senders; of bulk senders, what is asked of them besides."""
        if audience is Audience.BULK:
            return tuple(row for row in self.rows if row.bulk_differs)
        return tuple(row for row in self.rows if row.asked_of(audience))

    def against(self, audience: Audience) -> tuple[Receiver, ...]:
        """The receivers that insist on something of these senders which is seen not to be met."""
        broken = [row for row in self.rows if row.state is State.NOT_MET]
        turn_away = {
            c.receiver.id for row in broken for c in row.cells[audience] if c.asked is Asked.REQUIRED
        }
        return tuple(receiver for receiver in self.receivers if receiver.id in turn_away)


def receiver_table(report: Report) -> Table | None:
    """The table for a report; None where the domain sends no mail, or nothing that decides it was looked at."""
    roles = report.fact(Roles)
    if isinstance(roles, Roles) and roles.sends is False:
        return None
    looked_at = any(map(report.in_area, ("spf", "dkim", "dmarc")))
    if not looked_at and not any(
        kind in report.facts for kind in (SpfEvaluation, DkimSelectors, DmarcPolicy)
    ):
        return None
    table = known.table()
    rows = tuple(_row(requirement, report) for requirement in table.requirements)
    return Table(table.as_of, table.receivers, rows)


def accepted(table: Table) -> str:
    """Who turns the domain's mail away, as far as can be seen: one sentence, or one for each kind of sender."""
    if not any(table.against(each) for each in Audience):
        names = listed([receiver.name for receiver in table.receivers])
        return f"Nothing is seen to be lacking of what {names} ask of everyone, or of bulk senders."
    return " ".join(
        _lacking(table.against(audience), senders)
        for audience, senders in ((Audience.EVERYONE, "everyone who sends"), (Audience.BULK, "bulk senders"))
    )


def _lacking(against: tuple[Receiver, ...], senders: str) -> str:
    if not against:
        return f"Of what is asked of {senders}, nothing is seen to be lacking."
    names = listed([receiver.name for receiver in against])
    return f"Of {senders}, {names} {'asks' if len(against) == 1 else 'ask'} something that is seen to be lacking."


def as_bulk_sender(report: Report, finding: Finding) -> str:
    """Why a finding weighs more for a bulk sender: "Gmail answers 550 5.7.40"; empty where it does not."""
    return ", ".join(f"{receiver.name} answers {reply}" for receiver, reply in answers(report, finding))


def answers(report: Report, finding: Finding) -> tuple[tuple[Receiver, str], ...]:
    """Who answers what to bulk mail because of a finding; nobody where the report is not judged that way."""
    return known.answers(finding.id) if report.as_bulk_sender else ()


def _row(requirement: Requirement, report: Report) -> Row:
    decision = _decided(requirement, report)
    return Row(requirement, decision, _cells(requirement.id, decision.state))


@cache
def _cells(requirement: str, state: State) -> Mapping[Audience, tuple[Cell, ...]]:
    """What becomes of a requirement at every receiver: of a domain it takes nothing but the state."""
    table = known.table()
    wishes = next(each.wishes for each in table.requirements if each.id == requirement)

    def cell(receiver: Receiver, audience: Audience) -> Cell:
        wish = wishes[receiver.id]
        asked = wish.of(audience)
        return Cell(receiver, wish, asked, State.NOT_ASKED if asked is Asked.NOT else state)

    return {each: tuple(cell(receiver, each) for receiver in table.receivers) for each in Audience}


def _decided(requirement: Requirement, report: Report) -> Decision:
    match requirement.seen_in:
        case SeenIn.DNS:
            return _DECIDE[requirement.id](report)
        case SeenIn.MESSAGE:
            return Decision(State.MESSAGE)
        case SeenIn.NOBODY:
            return Decision(State.NOBODY)


def _spf(report: Report) -> Decision:
    broken = _breaking(report, "spf")
    if broken:
        return Decision(State.NOT_MET, _sentence(broken), broken)
    match report.fact(SpfEvaluation):
        case SpfEvaluation() as spf:
            return _evaluated(spf)
        case Absent(because=because):
            return Decision(State.NOT_MET, because or "there is no SPF record")
        case Unavailable(because=because):
            return Decision(State.UNDETERMINED, because)
    return _by_results(report, "spf")


def _evaluated(spf: SpfEvaluation) -> Decision:
    """What a receiver comes to (RFC 7208 sections 4.6 and 4.6.4), whichever rules were run."""
    words = f"evaluating it takes {spf.lookups} of {LOOKUP_LIMIT} look-ups"
    if spf.lookups > LOOKUP_LIMIT:
        return Decision(State.NOT_MET, words)
    if max(len(spf.voids(4)), len(spf.voids(6))) > VOID_LIMIT:
        return Decision(State.NOT_MET, f"more than {VOID_LIMIT} look-ups find nothing")
    if (error := next(spf.errors(), None)) is not None:
        return Decision(State.NOT_MET, f"a term cannot be read: {error[1].text}")
    if (failed := next(spf.failed(), None)) is not None:
        return Decision(State.UNDETERMINED, failed.because)
    return Decision(State.MET, words)


def _dkim(report: Report) -> Decision:
    broken = _breaking(report, "dkim")
    if broken:
        return Decision(State.NOT_MET, _sentence(broken), broken)
    keys = report.fact(DkimKeyFound)
    if isinstance(keys, Many) and (usable := [key for key in keys.values() if key.usable]):
        fit = [key for key in usable if _counts(key)]
        names = ", ".join(key.selector.name for key in (fit or usable)[:3])
        if fit:
            return Decision(State.MET, f"a key is published ({names}); only a message shows that it signs")
        return Decision(
            State.MESSAGE, f"what is published ({names}) does not count there; another key may sign"
        )
    match report.fact(DkimSelectors):
        case DkimSelectors(below=Below.NONE):
            return Decision(State.NOT_MET, "no key can exist: _domainkey is NXDOMAIN")
        case DkimSelectors():
            return Decision(State.MESSAGE, "no selector is known: name one with --selector")
        case Unavailable(because=because):
            return Decision(State.UNDETERMINED, because)
    return _by_results(report, "dkim")


def _counts(found: DkimKeyFound) -> bool:
    """Whether large receivers take signatures by this key: RSA of 1024 bits at least, for mail, by SHA-256.

    Gmail and Yahoo name the length; of Ed25519 none of them makes anything yet.
    """
    key = found.key
    if key is None or not isinstance(key.key, RsaKey) or key.key.bits < TAKEN_RSA:
        return False
    return not key.has(KeyProblem.SHA1_ONLY, KeyProblem.HASH_UNKNOWN, KeyProblem.SERVICE_NOT_EMAIL)


def _either(report: Report) -> Decision:
    """SPF or DKIM: one that is met is enough."""
    both = _spf(report), _dkim(report)
    best = min(both, key=lambda decision: _ORDER.index(decision.state))
    if best.state is State.NOT_MET:
        return Decision(State.NOT_MET, "neither is there", both[0].findings + both[1].findings)
    return best


def _dmarc(report: Report) -> Decision:
    broken = _breaking(report, "dmarc")
    if broken:
        return Decision(State.NOT_MET, _sentence(broken), broken)
    match report.fact(DmarcPolicy):
        case DmarcPolicy(record=record) as policy if record.is_in_force:
            return Decision(State.MET, f"the policy is {policy.policy}")
        case DmarcPolicy():
            return Decision(State.NOT_MET, "the record has no valid policy")
        case Absent(because=because):
            return Decision(State.NOT_MET, because or "there is no DMARC record")
        case Unavailable(because=because):
            return Decision(State.UNDETERMINED, because)
    return _by_results(report, "dmarc")


def _alignment(report: Report) -> Decision:
    broken = _breaking(report, "alignment")
    if broken:
        return Decision(State.NOT_MET, _sentence(broken), broken)
    return Decision(State.MESSAGE, "the records allow it; only a message shows it")


def _reverse(requirement: str, report: Report) -> Decision:
    broken = _breaking(report, requirement)
    if broken:
        return Decision(State.NOT_MET, _sentence(broken), broken)
    decided = _by_results(report, "reverse")
    if decided.state is State.MET:
        return Decision(State.MET, "seen for the addresses that were looked at")
    if decided.because:
        return decided
    return Decision(State.MESSAGE, "the addresses that send are not known")


def _narrow(report: Report) -> Decision:
    broken = _breaking(report, "narrow-spf")
    if broken:
        return Decision(State.NOT_MET, _sentence(broken), broken)
    if isinstance(report.fact(SpfEvaluation), SpfEvaluation):
        return Decision(State.MET, "no wide range is authorised")
    return Decision(State.UNDETERMINED, "there is no SPF record that can be evaluated")


def _breaking(report: Report, requirement: str) -> tuple[Finding, ...]:
    """The findings that break a requirement."""
    rules = next(each.broken_by for each in known.table().requirements if each.id == requirement)
    return tuple(finding for finding in report.findings if finding.id in rules)


def _sentence(findings: tuple[Finding, ...]) -> str:
    return findings[0].text().rstrip(".")


def _by_results(report: Report, area: str) -> Decision:
    """Where no fact tells: what became of the checks of an area."""
    results = report.in_area(area)
    unsure: list[Result] = [r for r in results if r.status in (Status.INCONCLUSIVE, Status.CRASHED)]
    if any(result.status is Status.PASSED for result in results) and not unsure:
        return Decision(State.MET)
    return Decision(State.UNDETERMINED, unsure[0].because if unsure else "")


_DECIDE: Mapping[str, Callable[[Report], Decision]] = {
    "spf-or-dkim": _either,
    "spf": _spf,
    "dkim": _dkim,
    "dmarc": _dmarc,
    "alignment": _alignment,
    "reverse": partial(_reverse, "reverse"),
    "reverse-confirmed": partial(_reverse, "reverse-confirmed"),
    "narrow-spf": _narrow,
}
