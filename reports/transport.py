"""What protects mail on its way to the domain: MTA-STS, TLS-RPT, DANE and DNSSEC, in a line or two each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from diag.api import Absent, Many, Report, Severity, Unavailable
from diag.facts.dane import DaneHost
from diag.facts.dnssec import DnssecStatus, Security, ZoneSignatures, ZoneTrust, why
from diag.facts.mta_sts import StsFetch, StsPolicy, StsRecordFound
from diag.facts.tlsrpt import TlsrptFound
from diag.records.dnssec_numbers import algorithm_name, digest_name
from diag.records.mta_sts import Mode
from diag.records.tlsa import MATCHINGS, SELECTORS, USAGES, Tlsa

from . import states

_DAY = 86_400
_MOST_HOSTS, _MOST_RECORDS = 20, 8


@dataclass(frozen=True, slots=True)
class Row:
    """One standard, or one host under it."""

    name: str
    subject: str
    shown: states.Shown
    words: str
    lines: tuple[str, ...] = ()
    """What is published, where that is short enough to read."""


_MODES = {
    Mode.ENFORCE: "Senders that honour it refuse hosts that do not meet it",
    Mode.TESTING: "A test: senders report failures and deliver all the same",
    Mode.NONE: "The domain withdraws its policy",
}
_SECURITY = {
    Security.SECURE: states.good("signed and validated"),
    Security.INSECURE: states.mute("not signed"),
    Security.BOGUS: states.short(Severity.CRITICAL, "does not validate"),
    Security.INDETERMINATE: states.unknown("undetermined"),
}


def transport(report: Report) -> tuple[Row, ...]:
    """The rows; none where nothing of this was looked at."""
    return (*_mta_sts(report), *_tlsrpt(report), *_dnssec(report), *_dane(report))


def _mta_sts(report: Report) -> Iterator[Row]:
    policy, fetch, record = (report.fact(kind) for kind in (StsPolicy, StsFetch, StsRecordFound))
    domain = report.target.domain
    if isinstance(policy, StsPolicy):
        usable = policy.usable and policy.mode is not None
        shown = states.good(str(policy.mode)) if usable else states.short(Severity.ERROR, "policy unusable")
        age = f"; senders keep it for {policy.max_age // _DAY} days" if policy.max_age else ""
        words = f"{_MODES[policy.mode] if policy.mode else 'It has no known mode'}{age}. It covers {_list(policy.patterns)}."
        yield Row("MTA-STS", policy.host, shown, words, _policy(policy))
    elif isinstance(fetch, StsFetch) and not fetch.fetched:
        shown = (
            states.unknown("undecided")
            if fetch.undecided
            else states.short(Severity.ERROR, "policy not to be had")
        )
        yield Row("MTA-STS", fetch.host, shown, fetch.undecided or fetch.detail)
    elif isinstance(record, StsRecordFound) and record.valid is None:
        yield Row(
            "MTA-STS", record.name, states.short(Severity.ERROR, "record unusable"), "Senders pass it over."
        )
    elif isinstance(record, Absent):
        yield Row(
            "MTA-STS", domain, states.mute("none"), "Senders cannot tell that TLS is to be insisted on."
        )
    elif isinstance(record, Unavailable):
        yield Row("MTA-STS", domain, states.unknown("undetermined"), record.because)


def _policy(policy: StsPolicy) -> tuple[str, ...]:
    """The policy in the key words of the file (RFC 8461 section 3.2), and the id of its record."""
    shown = policy.patterns[:_MOST_RECORDS]
    more = [f"and {len(policy.patterns) - len(shown)} more"] if len(policy.patterns) > len(shown) else []
    mode = [f"mode: {policy.mode}"] if policy.mode is not None else []
    age = [f"max_age: {policy.max_age}"] if policy.max_age is not None else []
    return (f"id={policy.id}", *mode, *(f"mx: {pattern}" for pattern in shown), *more, *age)


def _tlsrpt(report: Report) -> Iterator[Row]:
    found = report.fact(TlsrptFound)
    domain = report.target.domain
    if isinstance(found, TlsrptFound):
        if found.valid is None:
            shown = states.short(Severity.ERROR, "record unusable")
            yield Row("TLS-RPT", found.name, shown, "Senders pass it over.")
        else:
            where = _list(tuple(uri.text.removeprefix("mailto:") for uri in found.valid.rua))
            yield Row("TLS-RPT", found.name, states.good("reports wanted"), f"Failures of TLS go to {where}.")
    elif isinstance(found, Absent):
        yield Row("TLS-RPT", domain, states.mute("none"), "Nobody tells the domain when TLS fails.")
    elif isinstance(found, Unavailable):
        yield Row("TLS-RPT", domain, states.unknown("undetermined"), found.because)


def _dnssec(report: Report) -> Iterator[Row]:
    status = report.fact(DnssecStatus)
    if isinstance(status, DnssecStatus):
        words = " ".join((_sentence(status.because), *_chain(report)))
        yield Row("DNSSEC", status.domain, _SECURITY[status.security], words, _links(report))
    elif isinstance(status, Unavailable):
        yield Row("DNSSEC", report.target.domain, states.unknown("undetermined"), status.because)


def _chain(report: Report) -> Iterator[str]:
    """What we verified ourselves, and until when it holds."""
    signed = report.fact(ZoneSignatures)
    if not isinstance(signed, ZoneSignatures):
        return
    good = [made for each in signed.sets if (made := each.good) is not None]
    if good:
        first = min(good, key=lambda made: made.expiration)
        yield (
            f"We verified the signatures over {len(good)} of {len(signed.sets)} record sets that mail needs; "
            f"the first ends on {first.expiration:%Y-%m-%d at %H:%M} UTC."
        )
    for each in [each for each in signed.sets if each.failing][:_MOST_RECORDS]:
        yield _sentence(f"of {each.label} {why(each)}")


def _links(report: Report) -> tuple[str, ...]:
    """The DS records at the parent, each with the key that it fits."""
    trust = report.fact(ZoneTrust)
    if not isinstance(trust, ZoneTrust):
        return ()
    return tuple(
        f"DS {each.key_tag}, {algorithm_name(each.algorithm)}, {digest_name(each.digest_type)}: "
        + ("fits no key" if each.key is None else f"fits key {trust.keys[each.key].key_tag}")
        for each in trust.ds[:_MOST_RECORDS]
    )


def _dane(report: Report) -> Iterator[Row]:
    hosts = report.fact(DaneHost)
    if not isinstance(hosts, Many) or not len(hosts):
        return
    if all(isinstance(host, Absent) for host in hosts.items.values()):
        yield Row("DANE", report.target.domain, states.mute("none"), "No MX host has TLSA records.")
        return
    for name, host in list(hosts.items.items())[:_MOST_HOSTS]:
        yield Row("DANE", name, *_tlsa(host), _records(host))


def _tlsa(host: DaneHost | Absent | Unavailable) -> tuple[states.Shown, str]:
    if isinstance(host, Unavailable):
        return states.unknown("undetermined"), host.because
    if isinstance(host, Absent):
        return states.mute("none"), host.because or "It has no TLSA record."
    if host.trouble:
        return states.short(Severity.ERROR, "look-up fails"), _sentence(host.trouble)
    number = len(host.records)
    said = f"{number} TLSA record{'s' if number != 1 else ''} at {host.name}"
    if host.authenticates:
        return states.good("authenticated"), f"{said}; senders that honour DANE deliver to nobody else."
    if host.security is Security.INDETERMINATE:
        return states.unknown("undetermined"), f"{said}; our resolver does not validate."
    return states.mute(
        "not heeded"
    ), f"{said}; without DNSSEC, or with none that is usable, senders pass them over."


def _records(host: DaneHost | Absent | Unavailable) -> tuple[str, ...]:
    """The TLSA records as they are published, with the acronyms of RFC 7218."""
    if not isinstance(host, DaneHost):
        return ()
    return tuple(f"{record} ({_acronyms(record)})" for record in host.records[:_MOST_RECORDS])


def _acronyms(record: Tlsa) -> str:
    fields = ((USAGES, record.usage), (SELECTORS, record.selector), (MATCHINGS, record.matching))
    return " ".join(names.get(number, "unassigned") for names, number in fields)


def _list(names: tuple[str, ...]) -> str:
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")


def _sentence(half: str) -> str:
    return f"{half[:1].upper()}{half[1:].rstrip('.')}." if half else ""
