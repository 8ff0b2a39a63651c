"""DMARC records tag by tag: what readers pass over, or read in two ways (RFC 9989 sections 4.7 and 4.8)."""

from __future__ import annotations

from collections.abc import Iterator

from diag.api import DmarcDefect, DmarcPolicy, DmarcProblem, Finding, Policy, Rfc, Severity, check, rule

from .dmarc_mend import meant_tag, mend


@rule("dmarc/tag-twice", Severity.WARNING, Rfc(9989, "4.7"), Rfc(6376, "3.2"), since="1.0")
class TagTwice(Finding):
    """A tag stands in the DMARC record twice.

    ## Why it matters
    The standard calls the whole record invalid. Some receivers discard it, some take the first, some the last.

    ## How to fix
    Leave the one that is meant. Several report addresses belong into one tag, separated by commas.
    """

    message = "The DMARC record of {subject} holds {tag} more than once."
    tag: str


@check
def dmarc_tags_stand_once(policy: DmarcPolicy) -> Iterator[Finding]:
    """Every tag stands in a DMARC record once."""
    twice = ", ".join(dict.fromkeys(d.tag for d in _defects(policy, DmarcProblem.TAG_TWICE)))
    if twice:
        yield TagTwice(subject=policy.found_at, tag=twice, evidence=policy.asked, fix=mend(policy))


@rule("dmarc/value-invalid", Severity.WARNING, Rfc(9989, "4.7"), Rfc(9989, "4.8"), since="1.0")
class ValueInvalid(Finding):
    """A tag of the DMARC record has a value that does not exist.

    ## Why it matters
    Receivers use the default instead, which may not be what you meant; strict ones discard the record.

    ## How to fix
    Write a value that exists: `r` or `s` for adkim and aspf; `0` or `1`, `d` and `s` for fo, with colons between
    several; `y` or `n` for t.
    """

    message = "The DMARC record of {subject} holds {what}."
    what: str


@check
def dmarc_values_exist(policy: DmarcPolicy) -> Iterator[Finding]:
    """The values in a DMARC record exist."""
    found = _defects(policy, DmarcProblem.VALUE_INVALID, DmarcProblem.MALFORMED)
    if found:
        what = "; ".join(_described(defect) for defect in found)
        yield ValueInvalid(subject=policy.found_at, what=what, evidence=policy.asked, fix=mend(policy))


def _described(defect: DmarcDefect) -> str:
    if defect.problem is DmarcProblem.MALFORMED:
        return f"“{defect.text}”, which is no tag=value"
    return f"{defect.tag}={defect.text}, read as {defect.tag}={defect.applies}"


@rule("dmarc/report-uri-invalid", Severity.WARNING, Rfc(9989, "4.6"), Rfc(9989, "4.8"), since="1.0")
class ReportUriInvalid(Finding):
    """An address for DMARC reports is malformed.

    ## Why it matters
    No report is sent to it, and you do not see what happens to your mail.

    ## How to fix
    Write each address as `mailto:name@domain`, several of them separated by commas.
    """

    message = "The DMARC record of {subject} asks for reports to {entries}, which nobody can send."
    entries: str


@check
def dmarc_report_addresses_are_well_formed(policy: DmarcPolicy) -> Iterator[Finding]:
    """The addresses for DMARC reports are well formed."""
    found = _defects(policy, DmarcProblem.REPORT_URI, DmarcProblem.URI_SEPARATOR)
    if found:
        entries = ", ".join(f"“{d.text}”" if d.text else f"an empty {d.tag}" for d in found)
        yield ReportUriInvalid(
            subject=policy.found_at, entries=entries, evidence=policy.asked, fix=mend(policy)
        )


@rule("dmarc/removed-tags", Severity.NOTICE, Rfc(9989, "C.5.2"), since="1.0")
class RemovedTags(Finding):
    """The DMARC record holds tags that exist no more.

    ## Why it matters
    Receivers of today pass over `pct`, `rf` and `ri`; they only mislead the reader.

    ## How to fix
    Remove them.
    """

    message = "The DMARC record of {subject} holds {tags}, which RFC 9989 removed."
    tags: str


@rule("dmarc/pct-read-two-ways", Severity.WARNING, Rfc(9989, "A.6"), since="1.0")
class PctReadTwoWays(Finding):
    """The DMARC policy is meant for a part of the mail, but newer receivers apply it to all.

    ## Why it matters
    `pct` was removed from DMARC. Old receivers still sample, new ones apply the policy in full: mail you
    meant to spare may be refused.

    ## How to fix
    Remove `pct`. To try a policy out, say `t=y`, which makes it act one step milder.
    """

    message = "The DMARC record of {subject} says pct={pct}: old receivers sample, new ones apply the policy to all mail."
    pct: int


@rule("dmarc/pct-of-all", Severity.INFO, Rfc(9989, "A.6"), since="1.0")
class PctOfAll(Finding):
    """The DMARC record says that its policy is for all mail, as it is anyway.

    ## Why it matters
    `pct=100` was the default, and `pct` was removed from DMARC: it changes nothing for any receiver.

    ## How to fix
    Remove it when you change the record next.
    """

    message = "The DMARC record of {subject} says pct=100, which was the default and exists no more."


@rule("dmarc/fo-without-ruf", Severity.INFO, Rfc(9989, "4.7"), since="1.0")
class FoWithoutRuf(Finding):
    """The DMARC record says when failure reports are wanted, but not by whom.

    ## Why it matters
    Without `ruf` nobody sends failure reports, and `fo` says nothing.

    ## How to fix
    Remove `fo`; or add `ruf=mailto:` and a mailbox, if you want single failed messages reported.
    """

    message = "The DMARC record of {subject} says fo={value}, but names no address for failure reports (ruf)."
    value: str


@check
def dmarc_failure_options_have_an_address(policy: DmarcPolicy) -> Iterator[Finding]:
    """Options for failure reports stand beside an address for them."""
    fo = policy.record.tags.get("fo")
    misspelt = any(
        meant_tag(d.tag, policy.record) == "ruf" for d in _defects(policy, DmarcProblem.UNKNOWN_TAG)
    )
    if fo is None or policy.record.tags.first("ruf") or misspelt:
        return
    if not any(d.tag == "fo" for d in _defects(policy, DmarcProblem.VALUE_INVALID)):
        fix = mend(policy, {"fo": ""})
        yield FoWithoutRuf(subject=policy.found_at, value=fo, evidence=policy.asked, fix=fix)


@check
def dmarc_tags_are_current(policy: DmarcPolicy) -> Iterator[Finding]:
    """A DMARC record holds no tag that was removed."""
    record = policy.record
    rest = [tag for tag in record.removed if tag.name != "pct" or record.pct is None]
    if record.pct is not None and record.pct < 100:
        # "pct=0" was how one asked for nothing yet; today that is t=y (appendix A.6).
        softly = (
            {"t": "y"} if record.pct == 0 and record.published_policy(policy.kind) is not Policy.NONE else {}
        )
        fix = mend(policy, softly)
        yield PctReadTwoWays(subject=policy.found_at, pct=record.pct, evidence=policy.asked, fix=fix)
    elif rest:
        tags = ", ".join(f"{tag.name}={tag.value}" for tag in record.removed)
        yield RemovedTags(subject=policy.found_at, tags=tags, evidence=policy.asked, fix=mend(policy))
    elif record.removed:
        yield PctOfAll(subject=policy.found_at, evidence=policy.asked, fix=mend(policy))


@rule("dmarc/unknown-tag", Severity.NOTICE, Rfc(9989, "4.7"), since="1.0")
class UnknownTag(Finding):
    """The DMARC record holds a tag that does not exist.

    ## Why it matters
    Receivers pass over it. If it is a misspelling, what you meant does not apply.

    ## How to fix
    Correct its name, or remove it.
    """

    message = "The DMARC record of {subject} holds {tag}, which DMARC does not know{hint}."
    tag: str
    hint: str


@check
def dmarc_tags_are_known(policy: DmarcPolicy) -> Iterator[Finding]:
    """The tags of a DMARC record exist."""
    found = _defects(policy, DmarcProblem.UNKNOWN_TAG)
    if found:
        meant = {defect.tag: meant_tag(defect.tag, policy.record) for defect in found}
        hints = [f"{name} by {tag}" for tag, name in meant.items() if name]
        yield UnknownTag(
            subject=policy.found_at,
            tag=", ".join(meant),
            hint=f" (perhaps meaning {', '.join(hints)})" if hints else "",
            evidence=policy.asked,
            fix=mend(policy),
        )


def _defects(policy: DmarcPolicy, *problems: DmarcProblem) -> list[DmarcDefect]:
    return [defect for defect in policy.record.defects if defect.problem in problems]
