"""What the large receivers ask of a domain that sends them mail, and how far it can be seen to comply.

The table is data: one row a requirement, one column a receiver, from what they publish about senders of
some 5,000 messages a day. Most of it shows in the DNS; the rest shows only in a message, or to nobody
outside, and is said to be so instead of guessed.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass, field

from diag.api import Absent, Document, Finding, Many, Report, Result, Status, Unavailable
from diag.facts.dkim import Below, DkimKeyFound, DkimSelectors
from diag.facts.dmarc import DmarcPolicy
from diag.facts.roles import Roles
from diag.facts.spf import LOOKUP_LIMIT, VOID_LIMIT, SpfEvaluation


class Asked(enum.Enum):
    """How firmly a receiver asks for something."""

    REQUIRED = "required"
    ADVISED = "advised"
    NOT = "not asked"


class State(enum.Enum):
    """Whether a requirement is met, in the words shown."""

    MET = "met"
    NOT_MET = "not met"
    UNSEEN = "can't be seen from outside"
    UNDETERMINED = "could not be determined"
    NOT_ASKED = "not asked"


@dataclass(frozen=True, slots=True)
class Receiver:
    """A receiver, and where it says what it asks."""

    name: str
    source: Document


@dataclass(frozen=True, slots=True)
class Decision:
    """What is known of one requirement, whoever asks for it."""

    state: State
    because: str = ""
    findings: tuple[Finding, ...] = ()
    """What breaks it."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One requirement of one receiver."""

    receiver: Receiver
    asked: Asked
    state: State
    reply: str = ""
    """What the receiver answers where it is not met, as its own pages say."""


@dataclass(frozen=True, slots=True)
class Row:
    """One requirement, decided."""

    name: str
    state: State
    """What is known of it, whoever asks."""
    because: str
    findings: tuple[Finding, ...]
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """The receiver table of a report."""

    receivers: tuple[Receiver, ...]
    rows: tuple[Row, ...]


GMAIL = Receiver(
    "Gmail", Document("Gmail: email sender guidelines", "https://support.google.com/a/answer/81126")
)
YAHOO = Receiver(
    "Yahoo", Document("Yahoo: sender best practices", "https://senders.yahooinc.com/best-practices/")
)
MICROSOFT = Receiver(
    "Outlook.com",
    Document(
        "Outlook.com: requirements for senders of more than 5,000 messages a day",
        "https://techcommunity.microsoft.com/blog/microsoftdefenderforoffice365blog/"
        "strengthening-email-ecosystem-outlook%E2%80%99s-new-requirements-for-high%E2%80%90volume-senders/4399730",
    ),
)
APPLE = Receiver(
    "iCloud Mail", Document("Apple: postmaster information", "https://support.apple.com/en-us/102322")
)
RECEIVERS = (GMAIL, YAHOO, MICROSOFT, APPLE)


@dataclass(frozen=True, slots=True)
class _Requirement:
    name: str
    decide: Callable[[Report], Decision]
    gmail: Asked
    yahoo: Asked
    microsoft: Asked
    apple: Asked
    replies: dict[str, str] = field(default_factory=dict)

    def asked_by(self) -> tuple[tuple[Receiver, Asked], ...]:
        return tuple(zip(RECEIVERS, (self.gmail, self.yahoo, self.microsoft, self.apple), strict=True))


def receiver_table(report: Report) -> Table | None:
    """The table for a report; None where the domain sends no mail, or nothing that decides it was looked at."""
    roles = report.fact(Roles)
    if isinstance(roles, Roles) and roles.sends is False:
        return None
    looked_at = {result.area for result in report.results} & {"spf", "dkim", "dmarc"}
    if not looked_at and not any(
        kind in report.facts for kind in (SpfEvaluation, DkimSelectors, DmarcPolicy)
    ):
        return None
    return Table(RECEIVERS, tuple(_row(requirement, report) for requirement in _REQUIREMENTS))


def _row(requirement: _Requirement, report: Report) -> Row:
    decision = requirement.decide(report)
    cells = tuple(
        Cell(
            receiver,
            asked,
            State.NOT_ASKED if asked is Asked.NOT else decision.state,
            requirement.replies.get(receiver.name, "") if decision.state is State.NOT_MET else "",
        )
        for receiver, asked in requirement.asked_by()
    )
    return Row(requirement.name, decision.state, decision.because, decision.findings, cells)


_SPF_FATAL = (
    "spf/missing",
    "spf/multiple-records",
    "spf/near-record",
    "spf/wrong-place",
    "spf/syntax",
    "spf/modifier-twice",
    "spf/too-many-lookups",
    "spf/too-many-voids",
    "spf/mx-over-ten",
    "spf/include-without-record",
    "spf/include-fails",
    "spf/loop",
    "mx/null-but-sends",
)
_DKIM_FATAL = ("dkim/no-keys",)
_DMARC_FATAL = (
    "dmarc/missing",
    "dmarc/multiple-records",
    "dmarc/not-recognised",
    "dmarc/wrong-place",
    "dmarc/policy-invalid",
)
_REVERSE_FATAL = ("reverse/missing", "reverse/not-confirmed", "reverse/broken")


def _spf(report: Report) -> Decision:
    broken = _found(report, *_SPF_FATAL)
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
    broken = _found(report, *_DKIM_FATAL)
    if broken:
        return Decision(State.NOT_MET, _sentence(broken), broken)
    keys = report.fact(DkimKeyFound)
    if isinstance(keys, Many) and (usable := [key for key in keys.values() if key.usable]):
        names = ", ".join(key.selector.name for key in usable[:3])
        return Decision(State.MET, f"a key is published ({names}); only a message shows that it signs")
    match report.fact(DkimSelectors):
        case DkimSelectors(below=Below.NONE):
            return Decision(State.NOT_MET, "no key can exist: _domainkey is NXDOMAIN")
        case DkimSelectors():
            return Decision(State.UNSEEN, "no selector is known: name one with --selector")
        case Unavailable(because=because):
            return Decision(State.UNDETERMINED, because)
    return _by_results(report, "dkim")


def _dmarc(report: Report) -> Decision:
    broken = _found(report, *_DMARC_FATAL)
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
    broken = _found(report, "dmarc/cannot-align")
    if broken:
        return Decision(State.NOT_MET, _sentence(broken), broken)
    return Decision(State.UNSEEN, "the records allow it; only a message shows it")


def _reverse(report: Report) -> Decision:
    broken = _found(report, *_REVERSE_FATAL)
    if broken:
        return Decision(State.NOT_MET, _sentence(broken), broken)
    decided = _by_results(report, "reverse")
    if decided.state is State.MET:
        return Decision(State.MET, "seen for the addresses that were looked at")
    if decided.because:
        return decided
    return Decision(State.UNSEEN, "the addresses that send are not known")


def _narrow(report: Report) -> Decision:
    broken = _found(report, "spf/passes-everyone", "spf/range-wide")
    if broken:
        return Decision(State.NOT_MET, _sentence(broken), broken)
    if isinstance(report.fact(SpfEvaluation), SpfEvaluation):
        return Decision(State.MET, "no wide range is authorised")
    return Decision(State.UNDETERMINED, "there is no SPF record that can be evaluated")


def _unseen(why: str) -> Callable[[Report], Decision]:
    return lambda _: Decision(State.UNSEEN, why)


def _found(report: Report, *rules: str) -> tuple[Finding, ...]:
    return tuple(finding for finding in report.findings if finding.id in rules)


def _sentence(findings: tuple[Finding, ...]) -> str:
    return findings[0].text().rstrip(".")


def _by_results(report: Report, area: str) -> Decision:
    """Where no fact tells: what became of the checks of an area."""
    results = [result for result in report.results if result.area == area]
    unsure: list[Result] = [r for r in results if r.status in (Status.INCONCLUSIVE, Status.CRASHED)]
    if any(result.status is Status.PASSED for result in results) and not unsure:
        return Decision(State.MET)
    return Decision(State.UNDETERMINED, unsure[0].because if unsure else "")


_YES, _WISH, _NO = Asked.REQUIRED, Asked.ADVISED, Asked.NOT
# The pages behind the table, with their dates as printed there or, failing that, as they were seen:
# - Gmail: the guidelines above (seen 2026-03-11); replies from
#   https://knowledge.workspace.google.com/admin/support/troubleshooting/gmail-smtp-errors-and-codes
#   (2026-02-12).  It lists a refusal for From only beside 421, so the deferral stands here.  Which entries of
#   an SPF record are suspicious to 5.7.24 is not said; wide ranges are our reading.
# - Yahoo: the page above (seen 2025-04-10); its page of replies names none for authentication, an older one
#   does: https://help.yahoo.com/kb/SLN7253.html (2014-04-16).
# - Outlook.com: the page above (2025-04-30) and, for reverse names and unsubscribing,
#   https://sendersupport.olc.protection.outlook.com/pm/policies.aspx (no date).
# - iCloud Mail: the page above (2025-02-25), which asks for no alignment, TLS or one click.
_REQUIREMENTS = (
    _Requirement(
        "SPF that can be evaluated",
        _spf,
        _YES,
        _YES,
        _YES,
        _YES,
        {"Gmail": "550 5.7.27", "Yahoo": "554 5.7.9", "Outlook.com": "550 5.7.515"},
    ),
    _Requirement(
        "A DKIM key",
        _dkim,
        _YES,
        _YES,
        _YES,
        _YES,
        {"Gmail": "550 5.7.30", "Yahoo": "554 5.7.9", "Outlook.com": "550 5.7.515"},
    ),
    _Requirement(
        "A DMARC policy, none or stricter",
        _dmarc,
        _YES,
        _YES,
        _YES,
        _YES,
        {"Gmail": "550 5.7.40", "Yahoo": "554 5.7.9", "Outlook.com": "550 5.7.515"},
    ),
    _Requirement(
        "From aligned with SPF or DKIM",
        _alignment,
        _YES,
        _YES,
        _YES,
        _NO,
        {"Gmail": "421 4.7.32", "Outlook.com": "550 5.7.515"},
    ),
    _Requirement("Reverse name that leads back", _reverse, _YES, _YES, _YES, _YES, {"Gmail": "550 5.7.25"}),
    _Requirement("No overly wide SPF", _narrow, _YES, _NO, _NO, _NO, {"Gmail": "550 5.7.24"}),
    _Requirement(
        "TLS when you deliver to them",
        _unseen("it is your outgoing side: only a message shows it"),
        _YES,
        _NO,
        _NO,
        _NO,
    ),
    _Requirement("One-click unsubscribe in bulk mail", _unseen("needs a message"), _YES, _YES, _NO, _NO),
    _Requirement("An unsubscribe link in bulk mail", _unseen("needs a message"), _YES, _YES, _WISH, _YES),
    _Requirement("Well-formed messages", _unseen("needs a message"), _YES, _YES, _YES, _YES),
    _Requirement("Complaints below 0.3 %", _unseen("only the receiver can see it"), _YES, _YES, _NO, _NO),
)
