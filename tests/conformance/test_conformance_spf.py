"""The published suite of RFC 7208, whole, through our evaluator; the world is the suite's zone data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import anyio
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import pytest
from suites import spf_suite

from diag.gather.spf_check import check_host
from diag.lab.once import Once
from diag.lab.overlay import Nothing, Overlay
from diag.lab.zone import Zone
from diag.model.fix import quoted

ASKED = ("TXT", "A", "AAAA", "MX", "PTR")


def cases() -> Iterator[Any]:
    for scenario in spf_suite():
        for name, case in scenario["tests"].items():
            yield pytest.param(scenario["zonedata"], case, id=f"{scenario['description']}-{name}")


def world(zonedata: dict[str, Any]) -> Overlay:
    """The suite's zone data; an SPF entry stands for TXT too unless the name has TXT of its own."""
    zone, fails = Zone(), {}
    for owner, entries in zonedata.items():
        name = owner.lower().rstrip(".")
        if not all(0 < len(label) <= 63 for label in name.split(".")):
            continue  # no DNS can hold such a name
        entries = entries if isinstance(entries, list) else [entries]
        has_txt = any(entry == "TIMEOUT" or "TXT" in entry for entry in entries)
        for entry in entries:
            if entry == "TIMEOUT":  # whatever is not listed before it
                held = {
                    rdtype
                    for other in entries
                    if other != "TIMEOUT"
                    for rdtype, v in other.items()
                    if v != "NONE"
                }
                fails.update(dict.fromkeys(((name, t) for t in ASKED if t not in held), "timeout"))
                continue
            ((rdtype, value),) = entry.items()
            if rdtype == "SPF" and has_txt:
                continue
            if value == "TIMEOUT":
                fails[name, "TXT" if rdtype == "SPF" else rdtype] = "timeout"
            elif value != "NONE":
                rdata = dns.rdata.from_text(
                    "IN", "TXT" if rdtype == "SPF" else rdtype, presented(rdtype, value)
                )
                zone.add(dns.rrset.from_rdata(dns.name.from_text(name), 300, rdata))
    return Overlay(zone, Nothing(), whole=True, fails=fails)


def raw(text: str) -> str:
    """The suite writes octets as characters of the same number."""
    return text.encode("latin-1").decode("utf-8", "surrogateescape")


def presented(rdtype: str, value: Any) -> str:
    if rdtype in ("SPF", "TXT"):
        return " ".join(quoted(raw(part)) for part in (value if isinstance(value, list) else [value])) or '""'
    if rdtype == "MX":
        return f"{value[0]} {value[1] or ''}."
    return f"{value.rstrip('.')}." if rdtype in ("CNAME", "PTR") else str(value)


@pytest.mark.parametrize(("zonedata", "case"), list(cases()))
def test_the_result_is_one_the_suite_allows(zonedata: dict[str, Any], case: dict[str, Any]) -> None:
    async def evaluate() -> Any:
        mail_from, helo = case.get("mailfrom", ""), case.get("helo", "")
        domain = mail_from.rpartition("@")[2] or helo
        return await check_host(
            Once(world(zonedata)), case["host"], domain, mail_from, helo, receiver="unknown"
        )

    outcome = anyio.run(evaluate)
    allowed = case["result"] if isinstance(case["result"], list) else [case["result"]]
    assert outcome.result.value in allowed, outcome
    if "explanation" in case and case["explanation"] != "DEFAULT":
        assert outcome.explanation == case["explanation"]
