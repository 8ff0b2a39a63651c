"""Looking up the MTA-STS record and fetching the policy, as a sender does (RFC 8461 sections 3.1 and 3.3)."""

from __future__ import annotations

from dataclasses import replace

from diag.facts.moment import RunMoment
from diag.facts.mta_sts import (
    POLICY_PATH,
    UNCERTAIN,
    StsFetch,
    StsPolicy,
    StsRecordFound,
    StsTrouble,
)
from diag.model.knowing import Absent, Cite, Unavailable
from diag.model.plugin import fact
from diag.model.target import Target
from diag.probes.https import HttpExchange, HttpsGet
from diag.probes.pause import Pause
from diag.probes.probe import Lab
from diag.probes.trust import TrustAnchors
from diag.records.mta_sts import MOST_POLICY_OCTETS, StsPolicyFile, StsRecord, is_sts, looks_like_sts
from diag.tls.chain import ChainVerdict, Trust, issuers_of, judge, rank
from diag.tls.handshake import Handshake, TlsFailure, TlsTrouble
from diag.together import all_of

from .dns import Found, look_up
from .references import SHUT, policy_host, reference_answers, routed

PATIENCE = 60.0
"""Seconds that a sender waits for a policy (RFC 8461 section 3.3)."""
FIRST_PATIENCE = 20.0
"""Seconds of the first look: who takes longer is given a second, with all the time there is."""
CONFIRMING_PAUSE = 60.0
"""Seconds between two looks where the user wants certainty."""
MOST_ADDRESSES = 4
"""Addresses tried one after another, as a sender does where one does not answer."""

_TROUBLES = {
    "refused": StsTrouble.REFUSED,
    "unreachable": StsTrouble.UNREACHABLE,
    "timed-out": StsTrouble.TIMED_OUT,
    "reset": StsTrouble.BROKEN_OFF,
    "closed": StsTrouble.BROKEN_OFF,
    "failed": StsTrouble.BROKEN_OFF,
    "too-big": StsTrouble.TOO_BIG,
    "garbage": StsTrouble.GARBAGE,
}
_UNANSWERED = frozenset({StsTrouble.REFUSED, *UNCERTAIN})
"""Troubles after which a sender tries the next address."""
_STORE_DECIDES = frozenset({Trust.SELF_SIGNED, Trust.UNTRUSTED_ROOT, Trust.MISSING_INTERMEDIATE})


@fact
async def sts_record(target: Target, lab: Lab) -> StsRecordFound | Absent | Unavailable:
    """The MTA-STS records of the domain; Absent where nothing published there was meant as one."""
    name = record_name(target.domain)
    looked = await look_up(lab, name, "TXT")
    if isinstance(looked, Unavailable):
        return looked
    if not isinstance(looked, Found):
        return Absent(looked.because, looked.evidence)
    records = tuple(StsRecord.parse(text) for text in looked.texts() if is_sts(text))
    near = tuple(text for text in looked.texts() if looks_like_sts(text))
    if not records and not near:
        return Absent(f"{looked.owner} has no MTA-STS record", looked.evidence)
    return StsRecordFound(target.domain, name, looked.owner, records, near, looked.evidence)


@fact
async def sts_fetch(target: Target, moment: RunMoment, lab: Lab) -> StsFetch | Absent | Unavailable:
    """One request for the policy, whether or not a record announces it; Absent without a policy host."""
    host = f"mta-sts.{target.domain}"
    looked = await all_of(lambda rdtype: look_up(lab, host, rdtype), ("A", "AAAA"))
    asked = tuple(cite for answer in looked.values() for cite in answer.evidence)
    addresses = [str(r) for a in looked.values() if isinstance(a, Found) for r in sorted(a.rdatas, key=str)]
    if not addresses:
        unknown = next((answer for answer in looked.values() if isinstance(answer, Unavailable)), None)
        return unknown or Absent(f"{host} has no address", asked)
    reachable = await routed(lab, addresses)
    if not reachable:
        return Unavailable(f"this machine has no route to {', '.join(addresses)}", asked)
    whole = min(PATIENCE, target.timeout)
    first = min(FIRST_PATIENCE, whole / 2)
    fetch = await _one_after_another(host, reachable, first, asked, moment, lab)
    if fetch.trouble is None or not await _announced(target, lab):
        return fetch
    if fetch.trouble in _UNANSWERED and fetch.exchange.handshake is None:
        answers, tried = await reference_answers(target, lab, fetch.probe.port, policy_host)
        if answers is False:
            why = SHUT.format(port=fetch.probe.port)
            return replace(fetch, undecided=why, asked=(*fetch.asked, *tried))
    if fetch.trouble in UNCERTAIN:
        if target.confirm:
            await lab.run(Pause(CONFIRMING_PAUSE, host))
        fetch = await _one_after_another(host, reachable, whole, fetch.asked, moment, lab)
        fetch = replace(fetch, looks=2, waited=target.confirm)
    return fetch


@fact
async def sts_policy(
    record: StsRecordFound | Absent, fetch: StsFetch | Absent
) -> StsPolicy | Absent | Unavailable:
    """The policy, where a valid record announces it and senders get it."""
    if isinstance(record, Absent):
        return record
    if record.valid is None:
        return Absent("no valid record announces a policy", record.asked)
    if isinstance(fetch, Absent):
        return fetch
    asked = record.asked + fetch.asked
    if fetch.undecided:
        return Unavailable(fetch.undecided, asked)
    if fetch.trouble in UNCERTAIN:
        return Unavailable(f"the policy could not be fetched: {fetch.detail}", asked)
    if fetch.file is None or fetch.trouble is not None:
        return Absent(f"senders do not get the policy: {fetch.detail}", asked)
    return StsPolicy(record.domain, fetch.host, record.valid.id or "", fetch.file, asked)


def record_name(domain: str) -> str:
    """Where the record is looked for (RFC 8461 section 3.1)."""
    return f"_mta-sts.{domain}"


async def _announced(target: Target, lab: Lab) -> bool:
    """Whether anybody would miss the policy: without a record nobody asks for it."""
    looked = await look_up(lab, record_name(target.domain), "TXT")
    return isinstance(looked, Unavailable) or (isinstance(looked, Found) and any(map(is_sts, looked.texts())))


async def _one_after_another(
    host: str, addresses: list[str], within: float, asked: tuple[Cite, ...], moment: RunMoment, lab: Lab
) -> StsFetch:
    """The first address that answers decides."""
    for address in addresses[:MOST_ADDRESSES]:
        probe = HttpsGet(host, address, POLICY_PATH, limit=MOST_POLICY_OCTETS, timeout=within)
        asked += (Cite(probe),)
        exchange = await lab.run(probe)
        if _TROUBLES.get(exchange.trouble) not in _UNANSWERED or exchange.handshake is not None:
            break
    return await _understood(probe, exchange, asked, moment, lab)


async def _understood(
    probe: HttpsGet, exchange: HttpExchange, asked: tuple[Cite, ...], moment: RunMoment, lab: Lab
) -> StsFetch:
    """The certificate comes before anything that was said under it (RFC 8461 section 3.3)."""
    verdict: ChainVerdict | None = None
    faults: tuple[str, ...] = ()
    undecided = ""
    if isinstance(exchange.handshake, Handshake):
        chain = exchange.handshake.chain
        store = TrustAnchors(issuers_of(chain))
        anchors = await lab.run(store)
        asked += (Cite(store),)
        verdict = judge(chain, (probe.host,), anchors.roots, moment.at)
        faults = rank(verdict)
        if not anchors.count or verdict.trust is Trust.UNDECIDED:
            undecided = anchors.trouble or "no path of the certificate could be followed to its end"
            faults = tuple(fault for fault in faults if fault not in {*_STORE_DECIDES, Trust.UNDECIDED})
    trouble, detail = _trouble(exchange, faults, verdict)
    if trouble is not None:
        undecided = ""
    body = StsPolicyFile.parse(exchange.body) if exchange.status == 200 and not exchange.truncated else None
    return StsFetch(
        host=probe.host,
        probe=probe,
        exchange=exchange,
        certificate=verdict,
        certificate_faults=faults,
        undecided=undecided,
        trouble=trouble,
        detail=detail,
        looks=1,
        waited=False,
        file=body,
        asked=asked,
    )


def _trouble(
    exchange: HttpExchange, faults: tuple[str, ...], verdict: ChainVerdict | None
) -> tuple[StsTrouble | None, str]:
    """What keeps a sender from the policy, and the half sentence for it."""
    if isinstance(exchange.handshake, TlsFailure):
        failure = exchange.handshake
        said = failure.alert.replace("_", " ") or failure.detail
        detail = _HANDSHAKES[failure.reason] + (f" ({said[:100]})" if said else "")
        return _HANDSHAKE_TROUBLES.get(failure.reason, StsTrouble.TLS), detail
    if faults:
        return StsTrouble.CERTIFICATE, f"its certificate is not accepted ({_fault(faults[0], verdict)})"
    if 300 <= exchange.status < 400:
        target = exchange.location
        return StsTrouble.REDIRECT, f"it redirects{f' to {target[:200]}' if target else ''}"
    if exchange.status not in (0, 200):
        return StsTrouble.STATUS, f"it answers with status {exchange.status} {exchange.reason[:80]}".rstrip()
    if exchange.trouble:
        trouble = _TROUBLES.get(exchange.trouble, StsTrouble.BROKEN_OFF)
        return trouble, _WORDS[trouble]
    return None, ""


_WORDS = {
    StsTrouble.REFUSED: "it refuses the connection",
    StsTrouble.UNREACHABLE: "no route leads to it",
    StsTrouble.TIMED_OUT: "it does not answer in time",
    StsTrouble.BROKEN_OFF: "the connection breaks off",
    StsTrouble.TOO_BIG: f"what it sends is longer than {MOST_POLICY_OCTETS} octets",
    StsTrouble.GARBAGE: "what it sends is no HTTP",
}

_HANDSHAKES = {
    TlsTrouble.ALERT: "it refuses the TLS handshake",
    TlsTrouble.CLOSED: "it closes the connection instead of a TLS handshake",
    TlsTrouble.RESET: "the connection breaks off in the TLS handshake",
    TlsTrouble.TIMED_OUT: "its TLS handshake does not come to an end",
    TlsTrouble.NOT_TLS: "it does not speak TLS on port 443",
    TlsTrouble.PROTOCOL: "no TLS handshake comes about",
}
_HANDSHAKE_TROUBLES = {
    TlsTrouble.CLOSED: StsTrouble.BROKEN_OFF,
    TlsTrouble.RESET: StsTrouble.BROKEN_OFF,
    TlsTrouble.TIMED_OUT: StsTrouble.TIMED_OUT,
}

_FAULTS = {
    "expired": "it has expired",
    "not-yet-valid": "it is not valid yet",
    "name-mismatch": "it is for other names",
    "common-name-only": "it names the host only in its common name",
    "self-signed": "it is self-signed",
    "untrusted-root": "its root is not trusted",
    "missing-intermediate": "an intermediate certificate is missing",
    "placeholder": "it is a product's default certificate",
    "no-certificate": "none was sent",
    "unreadable": "it cannot be read",
    "wrong-usage": "it is not for TLS servers",
    "weak-key": "its key is too weak",
    "weak-signature": "its signature is too weak",
}


def _fault(fault: str, verdict: ChainVerdict | None) -> str:
    words = _FAULTS.get(fault, fault.replace("-", " "))
    if fault == "name-mismatch" and verdict is not None and verdict.leaf is not None:
        return f"{words}: {', '.join(verdict.leaf.dns_names[:3])}"
    return words
