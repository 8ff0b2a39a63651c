"""MTA-STS: the policy by which a domain asks senders for TLS with a valid certificate (RFC 8461)."""

from __future__ import annotations

from collections.abc import Iterator

from diag.api import (
    Absent,
    Certainty,
    Configure,
    Finding,
    Fix,
    InboundCertificate,
    Many,
    Mode,
    OurClock,
    Publish,
    Replace,
    Rfc,
    Routing,
    RunMoment,
    Severity,
    StsFetch,
    StsPolicy,
    StsProblem,
    StsRecord,
    StsRecordFound,
    Unavailable,
    Undecided,
    Verdict,
    Withdraw,
    check,
    clock_doubt,
    pattern_problem,
    rank,
    rule,
)

from .mta_sts_mend import (
    INVALID,
    PATTERN_WORDS,
    RECORD_WORDS,
    fresh_record,
    mail_hosts,
    new_policy,
    policy_host_advice,
)
from .txt import as_written

_BY_TIME = frozenset({"expired", "not-yet-valid"})
"""Faults of a certificate that only the clock decides."""
SHORTEST_MAX_AGE = 604_800
"""Seconds, a week: RFC 8461 section 3.2 wants weeks or more."""


@rule("mta-sts/record-invalid", Severity.WARNING, Rfc(8461, "3.1"), Rfc(8461, "3.3"), since="1.0")
class RecordInvalid(Finding):
    """The MTA-STS record cannot be used.

    ## Why it matters
    Senders that have no older copy of the policy treat the domain as one without MTA-STS: they do not even fetch it,
    and mail can be read or diverted on the way. Those that keep a copy go on applying it until its time is over.

    ## How to fix
    Publish exactly one record of the form `v=STSv1; id=20261121T090000`; the `id` is any letters and
    digits, at most 32, and changes with every change of the policy.
    """

    message = "The MTA-STS record of {subject} cannot be used: {why}."
    why: str


@check
def sts_record_can_be_used(record: StsRecordFound, moment: RunMoment) -> Iterator[Finding]:
    """The domain has one MTA-STS record, and it can be used."""
    if record.valid is not None:
        return
    good = [each for each in record.records if each.is_valid]
    kept = good[0] if good else None
    if len(record.records) > 1:
        why = f"there are {len(record.records)}, and one is allowed"
    elif record.records:
        why = _record_fault(record.records[0])
    else:
        why = f'"{record.near[0][:100]}" does not begin with "v=STSv1;"'
    texts = [each.tags.text for each in record.records] or list(record.near)
    fix: list[Fix] = [
        Withdraw(record.owner, "TXT", as_written(text))
        for text in texts
        if kept is not None and text != kept.tags.text
    ]
    if kept is None:
        others = [Withdraw(record.owner, "TXT", as_written(text)) for text in texts[1:]]
        new = Replace(record.owner, "TXT", fresh_record(moment), old=as_written(texts[0]))
        fix = [*others, new]
    yield RecordInvalid(subject=record.domain, why=why, evidence=record.asked, fix=tuple(fix))


def _record_fault(record: StsRecord) -> str:
    fatal = next((defect for defect in record.defects if defect.problem in RECORD_WORDS), None)
    return RECORD_WORDS[fatal.problem].format(text=fatal.text[:100]) if fatal else "it cannot be read"


@rule("mta-sts/policy-unreachable", Severity.WARNING, Rfc(8461, "3.3"), since="1.0")
class PolicyUnreachable(Finding):
    """The record announces an MTA-STS policy that senders cannot get.

    ## Why it matters
    A sender that has no older copy goes on as if there were no MTA-STS, and mail can be read or diverted
    on the way. Those that keep a copy lose it when its time is over.

    ## How to fix
    Serve `https://mta-sts.YOUR-DOMAIN/.well-known/mta-sts.txt` with status 200, without any redirect and
    with a certificate for `mta-sts.YOUR-DOMAIN` from a public authority.
    """

    message = "Senders cannot get the MTA-STS policy of {subject} from {host}: {why}."
    host: str
    why: str


@check
def sts_policy_can_be_fetched(
    record: StsRecordFound, fetch: StsFetch | Absent, clock: OurClock | Absent | Unavailable
) -> Iterator[Verdict]:
    """The MTA-STS policy that is announced can be fetched."""
    if record.valid is None:
        return
    if isinstance(fetch, Absent):
        yield PolicyUnreachable(
            subject=record.domain,
            host=f"mta-sts.{record.domain}",
            why="it has no address",
            evidence=record.asked + fetch.evidence,
            fix=policy_host_advice(f"mta-sts.{record.domain}", None),
        )
    elif fetch.undecided:
        yield Undecided(fetch.undecided, fetch.asked)
    elif _BY_TIME.intersection(fetch.certificate_faults[:1]) and (doubt := clock_doubt(clock)):
        yield Undecided(f"{fetch.detail}; {doubt}", fetch.asked)
    elif fetch.trouble is not None:
        yield PolicyUnreachable(
            subject=record.domain,
            host=fetch.host,
            why=fetch.detail,
            certainty=Certainty.LIKELY if fetch.doubtful else Certainty.CERTAIN,
            evidence=record.asked + fetch.asked,
            fix=policy_host_advice(fetch.host, fetch.trouble),
        )


@rule("mta-sts/policy-without-record", Severity.NOTICE, Rfc(8461, "3.1"), since="1.0")
class PolicyWithoutRecord(Finding):
    """A policy is served, but no record announces it.

    ## Why it matters
    Senders look for the record first: without it nobody asks for the policy who does not know it already.

    ## How to fix
    Publish the record, or stop serving the policy.
    """

    message = "{subject} serves an MTA-STS policy that no record announces."


@check
def sts_policy_is_announced(
    record: StsRecordFound | Absent,
    fetch: StsFetch,
    routing: Routing | Absent | Unavailable,
    moment: RunMoment,
) -> Iterator[Finding]:
    """A policy that is served is announced by a record."""
    served = fetch.file is not None and fetch.file.is_valid and fetch.fetched
    # A policy with mode none is how one takes leave of MTA-STS (RFC 8461 section 8.3): it may stay.
    if isinstance(record, Absent) and served and fetch.file is not None and fetch.file.mode is not Mode.NONE:
        domain = fetch.host.removeprefix("mta-sts.")
        # A policy that leaves hosts out would keep mail away from the day on which it is announced.
        harmless = isinstance(routing, Routing) and all(map(fetch.file.covers, mail_hosts(routing)))
        yield PolicyWithoutRecord(
            subject=domain,
            evidence=record.evidence + fetch.asked,
            fix=(Publish(f"_mta-sts.{domain}", "TXT", fresh_record(moment)),) if harmless else (),
        )


@rule("mta-sts/policy-invalid", Severity.WARNING, Rfc(8461, "3.2"), Rfc(8461, "3.3"), since="1.0")
class PolicyInvalid(Finding):
    """The MTA-STS policy breaks the rules for policies.

    ## Why it matters
    Senders discard it. Those that have no older copy go on as if there were no MTA-STS; those that keep one go on
    applying it until its time is over, to new mail hosts too.

    ## How to fix
    Serve a file with the lines `version: STSv1`, `mode: testing` or `enforce`, one `mx:` line for every
    mail host and `max_age:` with at most 31557600 seconds; then change the `id` of the record.
    """

    message = "Senders discard the MTA-STS policy of {subject}: {why}."
    why: str


@check
def sts_policy_is_valid(policy: StsPolicy, routing: Routing, moment: RunMoment) -> Iterator[Finding]:
    """The MTA-STS policy obeys the rules for policies."""
    if not policy.usable:
        faults = [
            INVALID[each.problem].format(text=each.text)
            for each in policy.problems
            if each.problem in INVALID
        ]
        yield PolicyInvalid(
            subject=policy.domain,
            why="; ".join(dict.fromkeys(faults)),
            evidence=policy.asked,
            fix=new_policy(policy, routing, moment),
        )


@rule("mta-sts/key-repeated", Severity.NOTICE, Rfc(8461, "3.2"), since="1.0")
class KeyRepeated(Finding):
    """The MTA-STS policy says something twice that counts once.

    ## Why it matters
    Senders take the first line and pass over the others: whoever changes the second one changes nothing.

    ## How to fix
    Keep one line for each of `version`, `mode` and `max_age`; only `mx` may be said several times.
    """

    message = "The MTA-STS policy of {subject} has several lines for {keys}, and senders read the first."
    keys: str


@check
def sts_policy_says_everything_once(
    policy: StsPolicy, routing: Routing, moment: RunMoment
) -> Iterator[Finding]:
    """The MTA-STS policy says everything but `mx` once."""
    again = dict.fromkeys(each.text for each in policy.problems if each.problem is StsProblem.REPEATED)
    if policy.usable and again:
        yield KeyRepeated(
            subject=policy.domain,
            keys=", ".join(again),
            evidence=policy.asked,
            fix=new_policy(policy, routing, moment),
        )


@rule("mta-sts/mx-pattern-bad", Severity.WARNING, Rfc(8461, "4.1"), Rfc(8461, "5"), since="1.0")
class MxPatternBad(Finding):
    """An `mx:` line of the policy can match no host.

    ## Why it matters
    The host that was meant is not covered: once the mode is `enforce`, senders that honour the policy refuse to
    deliver to it.

    ## How to fix
    Write a host name in ASCII without trailing dot, or `*.` before a domain for any one label.
    """

    message = "The MTA-STS policy of {subject} has mx lines that match no host: {patterns}."
    patterns: str


@check
def sts_patterns_can_match(policy: StsPolicy, routing: Routing, moment: RunMoment) -> Iterator[Finding]:
    """Every `mx:` line of the policy can match a host."""
    bad = [
        (each.text, pattern_problem(each.text))
        for each in policy.problems
        if each.problem is StsProblem.MX_BAD
    ]
    if bad:
        shown = ", ".join(f'"{text}" ({PATTERN_WORDS[problem]})' for text, problem in bad if problem)
        yield MxPatternBad(
            subject=policy.domain,
            patterns=shown,
            evidence=policy.asked,
            fix=new_policy(policy, routing, moment),
        )


@rule("mta-sts/no-mx-covered", Severity.CRITICAL, Rfc(8461, "4.1"), Rfc(8461, "5"), since="1.0")
class NoMxCovered(Finding):
    """The enforced policy covers none of the mail hosts.

    ## Why it matters
    Senders that honour MTA-STS, the largest among them, cannot deliver to this domain at all: their mail
    waits and then bounces.

    ## How to fix
    Name every MX host in the policy, then change the `id` of the record so that senders fetch it again.
    """

    message = "The enforced MTA-STS policy of {subject} covers none of its MX hosts ({hosts})."
    hosts: str


@rule("mta-sts/mx-not-covered", Severity.ERROR, Rfc(8461, "4.1"), Rfc(8461, "5"), since="1.0")
class MxNotCovered(Finding):
    """The enforced policy does not cover every mail host.

    ## Why it matters
    Senders that honour MTA-STS never deliver to the hosts left out: when the others are down, mail waits.

    ## How to fix
    Name every MX host in the policy, then change the `id` of the record so that senders fetch it again.
    A `*.` at the beginning stands for exactly one label.
    """

    message = "The enforced MTA-STS policy of {subject} does not cover {hosts}."
    hosts: str


@rule("mta-sts/refused-once-enforced", Severity.WARNING, Rfc(8461, "4.1"), Rfc(8461, "5"), since="1.0")
class RefusedOnceEnforced(Finding):
    """The policy under test does not cover every mail host.

    ## Why it matters
    As soon as its mode becomes `enforce`, senders that honour it refuse to deliver to these hosts.

    ## How to fix
    Name every MX host in the policy before you enforce it, then change the `id` of the record.
    """

    message = "The MTA-STS policy that {subject} is testing does not cover {hosts}."
    hosts: str


@check
def sts_policy_covers_mx_hosts(policy: StsPolicy, routing: Routing, moment: RunMoment) -> Iterator[Finding]:
    """The MTA-STS policy covers every MX host."""
    hosts = mail_hosts(routing)
    left_out = [name for name in hosts if not policy.covers(name)]
    if not left_out or not policy.usable or policy.mode not in (Mode.ENFORCE, Mode.TESTING):
        return
    kind: type[NoMxCovered | MxNotCovered | RefusedOnceEnforced] = RefusedOnceEnforced
    if policy.enforced:
        kind = NoMxCovered if left_out == hosts else MxNotCovered
    yield kind(
        subject=policy.domain,
        hosts=", ".join(left_out),
        evidence=policy.asked + routing.asked,
        fix=new_policy(policy, routing, moment),
    )


@rule("mta-sts/short-max-age", Severity.NOTICE, Rfc(8461, "3.2"), Rfc(8461, "10.2"), since="1.0")
class ShortMaxAge(Finding):
    """Senders keep the enforced policy for less than a week.

    ## Why it matters
    Who can keep a sender from fetching the policy for that long can take the protection away.

    ## How to fix
    Set `max_age` to some weeks, such as 2419200 (four), once the policy has proved itself.
    """

    message = "Senders keep the MTA-STS policy of {subject} for {seconds} seconds only."
    seconds: int


@check
def sts_policy_lasts(policy: StsPolicy, routing: Routing, moment: RunMoment) -> Iterator[Finding]:
    """An enforced policy is kept for weeks."""
    if policy.enforced and policy.max_age is not None and policy.max_age < SHORTEST_MAX_AGE:
        yield ShortMaxAge(
            subject=policy.domain,
            seconds=policy.max_age,
            evidence=policy.asked,
            fix=new_policy(policy, routing, moment),
        )


@rule("mta-sts/not-enforcing", Severity.NOTICE, Rfc(8461, "5"), since="1.0")
class NotEnforcing(Finding):
    """The MTA-STS policy is in test mode.

    ## Why it matters
    Senders report what would fail, and deliver all the same: nothing is protected yet.

    ## How to fix
    When the TLS reports show no failures, set `mode: enforce` and change the `id` of the record.
    """

    message = "The MTA-STS policy of {subject} is being tested, not enforced."


@check
def sts_policy_is_enforced(
    policy: StsPolicy,
    routing: Routing,
    moment: RunMoment,
    served: Many[InboundCertificate] | Absent | Unavailable,
) -> Iterator[Finding]:
    """The MTA-STS policy is enforced."""
    if policy.usable and policy.mode is Mode.TESTING:
        ready = all(policy.covers(name) and _accepted(name, served) for name in mail_hosts(routing))
        fix = new_policy(policy, routing, moment, enforce=True) if ready else ()
        yield NotEnforcing(subject=policy.domain, evidence=policy.asked, fix=fix)


def _accepted(host: str, served: Many[InboundCertificate] | Absent | Unavailable) -> bool:
    """Whether every address of a host was seen to serve a certificate that senders accept (RFC 8461 section 4.2)."""
    if not isinstance(served, Many):
        return False
    known = [
        each for subject, each in served.items.items() if subject == host or subject.startswith(f"{host} [")
    ]
    return bool(known) and all(
        isinstance(each, InboundCertificate) and not rank(each.verdict) and not each.distrust
        for each in known
    )


@rule("mta-sts/media-type", Severity.NOTICE, Rfc(8461, "3.2"), since="1.0")
class MediaType(Finding):
    """The policy is not served as plain text.

    ## Why it matters
    Senders may insist on the media type `text/plain`, and then do without the policy.

    ## How to fix
    Have the web server send `Content-Type: text/plain` for the file.
    """

    message = "The MTA-STS policy of {subject} is served as {media_type}."
    media_type: str


@check
def sts_policy_is_plain_text(policy: StsPolicy, fetch: StsFetch) -> Iterator[Finding]:
    """The MTA-STS policy is served as plain text."""
    if policy.usable and fetch.media_type != "text/plain":
        served = Configure(
            fetch.host, "location = /.well-known/mta-sts.txt { types { } default_type text/plain; }", "nginx"
        )
        yield MediaType(
            subject=policy.domain,
            media_type=fetch.media_type[:100] or "no type at all",
            evidence=fetch.asked,
            fix=(served,),
        )
