"""CAA: who may issue again."""

from __future__ import annotations

import pytest

from checks.caa import authorities_in_use_may_issue_again
from diag.facts.caa import CaaPolicy, Renewal
from diag.model.fix import Configure, Publish
from diag.model.knowing import Cite, Many
from diag.model.target import Target
from diag.probes.dns import DnsQuery
from diag.records.caa import CaaRecord

ASKED = (Cite(DnsQuery("mx.org.example", "CAA")),)


def judged(
    *records: str,
    wildcard: bool = False,
    domains: tuple[str, ...] = ("ca.example",),
    owner: str = "org.example",
) -> list[object]:
    made = tuple(CaaRecord(0, *record.split(" ", 1)) for record in records)
    found_at = "org.example" if made else ""
    policy = CaaPolicy("mx.org.example", found_at, owner, made, "", "", ASKED)
    name = "Some Authority" if domains else ""
    renewal = Renewal("mx.org.example", policy.name, wildcard, "Some", name, domains, ())
    policies = Many({policy.name: policy})
    return list(authorities_in_use_may_issue_again.function(renewal, policies, Target("org.example")))


@pytest.mark.parametrize(
    ("records", "wildcard", "forbidden"),
    [
        ((), False, False),
        (("iodef mailto:a@org.example",), False, False),
        (("issue ca.example",), False, False),
        (("issue CA.example; account=1",), False, False),
        (("issue other.example", "issue ca.example"), False, False),
        (("issue ;", "issue ca.example"), False, False),
        (("issue other.example",), False, True),
        (("issue ;",), False, True),
        (("issue a b",), False, True),
        (("issuewild ;",), False, False),
        (("issuemail ;",), False, False),
        (("issue ca.example", "issuewild ;"), True, True),
        (("issue ;", "issuewild ca.example"), True, False),
        (("issue ca.example",), True, False),
        (("issue other.example",), True, True),
    ],
)
def test_who_is_not_named_may_not_issue(records: tuple[str, ...], wildcard: bool, forbidden: bool) -> None:
    assert bool(judged(*records, wildcard=wildcard)) is forbidden


def test_an_authority_that_no_table_knows_is_not_blamed() -> None:
    assert judged("issue ;", domains=()) == []


@pytest.mark.parametrize(
    ("owner", "kind"),
    [("org.example", Publish), ("mx.org.example", Publish), ("caa.provider.test", Configure)],
)
def test_the_fix_is_a_record_where_the_domain_s_owner_can_publish_it(owner: str, kind: type) -> None:
    (finding,) = judged("issue other.example", owner=owner)
    (fix,) = finding.fix  # type: ignore[attr-defined]
    assert isinstance(fix, kind)
    assert '0 issue "ca.example"' in str(fix)
