"""Records and policies in plain words, for readers who publish them without having read the standards."""

from __future__ import annotations

from dataclasses import dataclass

from diag.api import Absent, Report, Unavailable
from diag.facts.dmarc import DmarcDiscovery, DmarcPolicy
from diag.facts.roles import Roles
from diag.facts.spf_text import whom_spf_lets_pass as whom_spf_lets_pass
from diag.records.dmarc import REMOVED_TAGS, DmarcRecord, Kind, Policy

from .dmarc import deciding_tag, record_below

WHAT_BECOMES = {
    Policy.REJECT: "is rejected",
    Policy.QUARANTINE: "goes to the junk folder",
    Policy.NONE: "is delivered like any other mail",
}


@dataclass(frozen=True, slots=True)
class Impersonation:
    """What becomes of a stranger's mail under one kind of address of the domain."""

    sender: str
    """The address the stranger writes as."""
    becomes: str
    """A predicate: "is rejected"."""
    because: str
    """Which tag says so: "p=reject"."""
    safe: bool | None
    """True: refused. None: it lands in junk, or nobody could find out. False: delivered."""


def who_can_send(report: Report) -> tuple[Impersonation, ...]:
    """What a stranger can do with the domain's name; empty where DMARC was not looked at."""
    domain = report.target.domain
    everyone = (
        (f"you@{domain}", Kind.DOMAIN),
        (f"you@news.{domain}", Kind.SUBDOMAIN),
        (f"you@invented.{domain}", Kind.NONEXISTENT),
    )
    policy = report.fact(DmarcPolicy)
    match policy:
        case DmarcPolicy():
            walk = report.fact(DmarcDiscovery)
            own = policy.record, policy.found_at
            below = record_below(walk, policy) if isinstance(walk, DmarcDiscovery) else own
            return tuple(_under(policy, below, sender, kind) for sender, kind in everyone)
        case Absent():
            because = "there is no DMARC record"
            return (Impersonation(everyone[0][0], WHAT_BECOMES[Policy.NONE], because, False),)
        case Unavailable(because=because):
            return (Impersonation(everyone[0][0], "could not be determined", because, None),)
    return ()


def _under(
    policy: DmarcPolicy, below: tuple[DmarcRecord, str] | None, sender: str, kind: Kind
) -> Impersonation:
    decides = (policy.record, policy.found_at) if kind is Kind.DOMAIN else below
    if decides is None:
        return Impersonation(
            sender, "could not be determined", "the Organizational Domain is not known", None
        )
    record, found_at = decides
    # A policy found above is applied to the domain itself as to a name below it (RFC 9989 section 4.10.1).
    applied = policy.kind if kind is Kind.DOMAIN else kind
    asked = record.policy_for(applied)
    if not record.is_in_force:
        because = "the DMARC record has no valid policy, so it is not in force"
    else:
        because = f"{deciding_tag(record, applied)}={record.published_policy(applied)}"
        because += ", lowered one level by t=y" if record.is_testing else ""
        because += f", published at {found_at}" if found_at != policy.domain else ""
    safe = {Policy.REJECT: True, Policy.QUARANTINE: None, Policy.NONE: False}[asked]
    return Impersonation(sender, WHAT_BECOMES[asked], because, safe)


def sending_role(report: Report) -> str:
    """What the domain says of its own sending, where it says something: one sentence, or nothing."""
    roles = report.fact(Roles)
    if isinstance(roles, Roles) and roles.sends is False:
        return f"{report.target.domain} sends no mail: {roles.sends_because}."
    return ""


@dataclass(frozen=True, slots=True)
class TagInWords:
    """One tag of a record: as published, or as it applies where it is not."""

    name: str
    value: str
    published: bool
    words: str


_MODES = {
    "r": "Relaxed: the same Organizational Domain is enough.",
    "s": "Strict: the very same domain.",
}
_FAILURE = {
    "0": "when neither SPF nor DKIM passes aligned",
    "1": "when either of them does not pass aligned",
    "d": "when a DKIM signature fails",
    "s": "when SPF fails",
}
_ASKED = {
    Policy.REJECT: "receivers are asked to reject mail that fails",
    Policy.QUARANTINE: "receivers are asked to treat mail that fails as suspicious",
    Policy.NONE: "receivers are asked to do nothing about mail that fails",
}


def dmarc_tags(record: DmarcRecord) -> tuple[TagInWords, ...]:
    """A DMARC record tag by tag, what is not published but applies included (RFC 9989 section 4.7)."""
    said: dict[str, str] = {}
    for tag in record.tags.tags:
        said.setdefault(tag.name, tag.value)  # of a tag given twice the first counts
    rows = [TagInWords("v", said.get("v", ""), True, "This is a DMARC record.")]
    whom = {"p": "For the domain itself", "sp": "For its subdomains", "np": "For names that do not exist"}
    for name, kind in (("p", Kind.DOMAIN), ("sp", Kind.SUBDOMAIN), ("np", Kind.NONEXISTENT)):
        applies = record.published_policy(kind)
        rows.append(_tag(said, name, str(applies), f"{whom[name]}, {_ASKED[applies]}."))
    rows.append(
        _tag(said, "adkim", record.adkim, f"The DKIM signing domain must match From. {_MODES[record.adkim]}")
    )
    rows.append(_tag(said, "aspf", record.aspf, f"The SPF domain must match From. {_MODES[record.aspf]}"))
    rows.append(_reports(said, "rua", "Daily summaries go", [uri.text for uri in record.rua]))
    if "ruf" in said:
        rows.append(_reports(said, "ruf", "Reports on single messages go", [uri.text for uri in record.ruf]))
        when = "; ".join(_FAILURE.get(option, option) for option in record.fo)
        if record.psd == "y":
            when = "in vain: receivers send none to public suffixes"
        rows.append(_tag(said, "fo", ":".join(record.fo), f"Those are wanted {when}."))
    if "t" in said:
        words = (
            "A test: each policy counts one level lower." if record.is_testing else "No test: policies count."
        )
        rows.append(_tag(said, "t", record.tags.get("t") or "", words))
    if "psd" in said:
        suffix = {"y": "This is a public suffix.", "n": "The Organizational Domain is here."}
        rows.append(
            _tag(said, "psd", record.psd, suffix.get(record.psd, "Nothing is said about public suffixes."))
        )
    known = {row.name for row in rows}
    rows.extend(_tag(said, name, value, _unread(name)) for name, value in said.items() if name not in known)
    return tuple(rows)


def _unread(name: str) -> str:
    if name in REMOVED_TAGS:
        return "Removed by RFC 9989: newer receivers ignore it, older ones obey it."
    return "Not read: no such tag, or nothing here that it could belong to."


def _tag(said: dict[str, str], name: str, applies: str, words: str) -> TagInWords:
    return TagInWords(name, said.get(name, applies), name in said, words)


def _reports(said: dict[str, str], name: str, lead: str, uris: list[str]) -> TagInWords:
    if name not in said:
        return TagInWords(name, "", False, "Nobody is sent reports, so misuse stays unseen.")
    where = ", ".join(uri.removeprefix("mailto:") for uri in uris)
    return TagInWords(name, said[name], True, f"{lead} to {where}." if where else f"{lead} nowhere.")
