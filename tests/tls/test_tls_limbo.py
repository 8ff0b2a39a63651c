"""Path building, name checks and lists of revoked certificates against the cases of x509-limbo."""

import base64
import json
import os
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from diag.tls.chain import ChainVerdict, judge
from diag.tls.crl import Point, read_crl

DATA = Path(os.environ.get("MAILDIAG_DATA", Path(__file__).parents[3] / "shared/data"))
CASES = DATA / "x509-limbo" / "limbo.json"

OUT_OF_SCOPE = {
    "rfc5280::nc::nc-permits-email-domain": "a client's certificate; we judge servers",
    "rfc5280::nc::invalid-email-address": "a client's certificate; we judge servers",
}


def ders(pem: str) -> list[bytes]:
    blocks = re.findall(r"-----BEGIN CERTIFICATE-----(.*?)-----END", pem, re.DOTALL)
    return [base64.b64decode(block) for block in blocks]


def cases() -> list[Any]:
    if not CASES.exists():
        return [pytest.param({}, marks=pytest.mark.skip(reason=f"{CASES} is absent (MAILDIAG_DATA)"))]
    found = json.loads(CASES.read_text())["testcases"]
    missing = OUT_OF_SCOPE.keys() - {case["id"] for case in found}
    assert not missing, f"the table names cases that the suite does not have: {missing}"
    return [pytest.param(case, id=case["id"]) for case in found if case["id"] not in OUT_OF_SCOPE]


@pytest.mark.parametrize("case", cases())
def test_limbo(case: dict[str, Any]) -> None:
    """Success means what clients accept. Failure may be one that clients forgive: then it is named as a flaw."""
    moment = datetime.fromisoformat(case["validation_time"] or "2027-01-01T00:00:00+00:00").astimezone(UTC)
    chain = [der for pem in (case["peer_certificate"], *case["untrusted_intermediates"]) for der in ders(pem)]
    roots = [der for pem in case["trusted_certs"] for der in ders(pem)]
    verdict = judge(tuple(chain), (case["expected_peer_name"]["value"],), tuple(roots), moment)
    listed = unlisted(case["crls"], verdict, moment)
    if case["expected_result"] == "SUCCESS":
        assert verdict.good, verdict.flaws
        assert not listed
    else:
        assert not verdict.good or verdict.flaws or listed


def unlisted(lists: list[str], verdict: ChainVerdict, moment: datetime) -> str:
    """Why the lists of a case do not clear the server's certificate; empty where they do, or there are none."""
    for crl in lists:
        leaf, issuer, *_ = verdict.path
        read = read_crl(crl.encode(), Point(()), leaf.der, issuer.der, moment)
        if read.revocation is not None or read.trouble:
            return read.trouble or "revoked"
    return ""
