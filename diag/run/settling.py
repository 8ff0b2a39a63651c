"""What settles a difference between us and another implementation: the cases whose section is known."""

from __future__ import annotations

from diag.facts.spf import Outcome, SpfNode, SpfStep
from diag.records.dmarc import DmarcProblem, DmarcRecord
from diag.records.spf import VERSION

Settled = tuple[str, str]
"""Section and reason; both empty where nobody has decided the case."""

UNDECIDED: Settled = ("", "")


def spf_result(root: SpfNode, ours: str, theirs: str) -> Settled:
    """For results of one SPF check."""
    exchanges = [step for _, step in root.walk() if step.names]
    if theirs == "temperror" and any(step.because for step in exchanges):
        return (
            "RFC 7208 section 5.4",
            "MX hosts are looked up one after another: what stands behind a match is not asked.",
        )
    if theirs == "permerror" and ours != "permerror" and any(map(_has_bare_hosts, exchanges)):
        return (
            "RFC 7208 section 4.6.4",
            "The limit is on void look-ups of terms; whether the addresses of MX hosts count is left open, and "
            "most receivers do not count them.",
        )
    return UNDECIDED


def spf_cost(root: SpfNode, ours: str, theirs: str) -> Settled:
    """For what an SPF record costs."""
    if ours == "permerror" and any(node.record.errors for node in root.nodes() if node.record is not None):
        return "RFC 7208 section 4.6", "A syntax error anywhere is permerror, behind the all as well."
    if theirs == "permerror" and any(_version_in_capitals(node) for node in root.nodes()):
        return "RFC 7208 section 4.5", "The version is read without regard to case (RFC 5234 section 2.3)."
    if theirs == "permerror" and any(step.outcome is Outcome.FAILED for _, step in root.walk()):
        return (
            "RFC 7208 section 5.2",
            "Servers that fail are temperror; permerror is for a target that has no record.",
        )
    return UNDECIDED


def dmarc_policy(record: DmarcRecord, theirs: str) -> Settled:
    """For the policy of a DMARC record that they refuse and we read."""
    if theirs == "InvalidDMARCTagValue" and record.has(DmarcProblem.POLICY_INVALID):
        return (
            "RFC 9989 section 4.10.1",
            "A policy that is none of the three does not make the record unreadable: it decides what applies.",
        )
    reasons = {
        "InvalidDMARCTag": "Readers differ on a tag that stands twice; we say so as a warning and read the first.",
        "InvalidDMARCTagValue": "A tag whose value cannot be used is ignored, and the others hold.",
        "InvalidDMARCReportURI": "A report address that cannot be used costs the reports, not the policy.",
        "DMARCSyntaxError": "What cannot be read of a record is ignored; the tags that can be hold.",
    }
    return ("RFC 9989 section 4.7", reasons[theirs]) if theirs in reasons else UNDECIDED


def _version_in_capitals(node: SpfNode) -> bool:
    return node.record is not None and node.record.text[: len(VERSION)] != VERSION


def _has_bare_hosts(step: SpfStep) -> bool:
    """Whether an MX host of the term has no address in one of the families."""
    return any(
        sum(network.version == version for network in step.networks) < len(step.names) for version in (4, 6)
    )
