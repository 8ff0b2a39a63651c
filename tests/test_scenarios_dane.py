"""What is said of TLSA records that senders do not heed: nothing, but that they are useless (RFC 7672 section 2.2)."""

from __future__ import annotations

import pytest
from test_scenarios import FIXTURES, diagnosed

from diag.model.report import Status
from diag.run.registry import load
from diag.sandbox import world as worlds

ABOUT_RECORDS = {
    "tlsa_records_fit_the_certificate",
    "tlsa_records_can_be_used",
    "tlsa_records_outlive_a_renewal",
    "tlsa_records_stand_ready_for_the_next_key",
}


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("dane/insecure", Status.NOT_APPLICABLE),
        ("dane/resolver-does-not-validate", Status.INCONCLUSIVE),
        ("dane/mx-insecure", Status.PASSED),
    ],
)
def test_records_are_judged_only_where_senders_heed_them(name: str, status: Status) -> None:
    report = diagnosed(worlds.load(FIXTURES / name), load())
    judged = {(result.check, result.status) for result in report.results if result.check in ABOUT_RECORDS}
    assert judged == {(check, status) for check in ABOUT_RECORDS}
