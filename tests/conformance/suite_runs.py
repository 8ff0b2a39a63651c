"""The suites run through our code, case by case; nothing is left out here (see exceptions.toml)."""

from __future__ import annotations

import importlib
import json
import sys
import tomllib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import anyio
import dns.name
import dns.rrset
from suites import ROOT, Case, Suite, spf_suite

from diag.facts.dmarc import DmarcPolicy, SuffixListDomain
from diag.gather import suffixes
from diag.gather.dmarc import discovery, organizational_of, policy, walk
from diag.gather.registration import registrable
from diag.lab.overlay import Nothing, Overlay
from diag.lab.zone import Zone
from diag.model.fix import quoted
from diag.model.knowing import Absent, Unavailable
from diag.model.target import Target
from diag.names.domain import BadDomain, domain
from diag.names.mailbox import BadMailbox, mailbox
from diag.probes.probe import Lab
from diag.records.autoconfig import ClientConfig
from diag.records.dmarc import DmarcRecord, Kind
from diag.records.spf import SpfRecord, is_spf
from diag.records.svg import SvgImage

_ROOMS = ROOT / "tests"


def _tests(room: str, name: str) -> Any:
    """A test module of another room that holds a suite."""
    if str(_ROOMS / room) not in sys.path:
        sys.path.append(str(_ROOMS / room))
    return importlib.import_module(name)


# ---------------------------------------------------------------- SPF


def spf_results(_: Path) -> Iterator[Case]:
    """The result of each check is one that the suite allows, and the explanation is the one it wants."""
    spf = _tests("conformance", "test_conformance_spf")

    for each in spf.cases():
        zonedata, case = each.values
        yield Case(str(each.id), "", _fails(spf.test_the_result_is_one_the_suite_allows, zonedata, case))


def spf_syntax(_: Path) -> Iterator[Case]:
    """A record has a syntax error exactly where evaluation of the suite is permerror."""
    for scenario in spf_suite():
        zone = {name.lower(): records for name, records in scenario["zonedata"].items()}
        for name, case in scenario["tests"].items():
            start = case["mailfrom"].rpartition("@")[2] or case["helo"]
            broken = any(SpfRecord.parse(text).errors for text in _spf_at(zone.get(start.lower(), [])))
            allowed = case["result"] if isinstance(case["result"], list) else [case["result"]]
            expected = "permerror" if "permerror" in allowed else "no error"
            yield Case(f"{scenario['description']}-{name}", expected, "permerror" if broken else "no error")


def _spf_at(records: Iterable[Any]) -> list[str]:
    found: dict[str, list[str]] = {"SPF": [], "TXT": []}
    for entry in records:
        for rdtype, value in entry.items() if isinstance(entry, dict) else ():
            if rdtype in found:
                found[rdtype].append("".join(value) if isinstance(value, list) else value)
    texts = [] if "TIMEOUT" in records and not found["TXT"] else found["TXT"] or found["SPF"]
    return [text for text in texts if is_spf(text)]


# ---------------------------------------------------------------- DMARC


def dmarc_discovery(folder: Path) -> Iterator[Case]:
    """Which record applies, where it was found, and what its tags say."""
    for case in json.loads((folder / "get-dmarc-record.json").read_text()):
        (call,) = case["calls"]
        (start,) = call["args"]
        found = anyio.run(_policy, _lab(call["zone"]), start)
        yield _compared(case, [_record_of(found)])


def dmarc_results(folder: Path) -> Iterator[Case]:
    """Alignment, result and policy of one message's identifiers."""
    for case in json.loads((folder / "dmarc-verify.json").read_text()):
        said = []
        for call in case["calls"]:
            (asked,) = call["args"]
            said.append(anyio.run(_verified, _lab(call["zone"]), asked))
        yield _compared(case, said)


def _compared(case: dict[str, Any], results: list[Any]) -> Case:
    """Every assertion of a case; a case agrees where all of them hold."""
    expected, ours = [], []
    for expect in case["expect"]:
        subject = expect["subject"] if isinstance(expect["subject"], str) else expect["subject"]["ref"]
        head, _, path = subject.partition(".")
        value = results[int(head[6:] or 0)] if head.startswith("result") else "not a result"
        for part in filter(None, path.split(".")):
            value = value.get(part) if isinstance(value, dict) else None
        kind = value is not None and value is not False
        wanted, found = {
            "equal": (expect.get("args", [None])[0], value),
            "true": (True, value),
            "false": (False, value),
            "undefined": (None, value),
            "an": (True, isinstance(value, dict)),
            "ok": (not expect.get("not"), kind),
            "include": (expect.get("args", [None])[0], value),
        }[expect["op"]]
        if wanted != found:
            expected.append(f"{subject} {wanted}")
            ours.append(f"{subject} {found}")
    return Case(case["name"], "; ".join(expected), "; ".join(ours))


def _lab(zone: dict[str, Any]) -> Lab:
    built, fails = Zone(), {}
    for name, types in zone.items():
        records = types.get("TXT") or []
        if isinstance(records, dict):
            fails[name, "TXT"] = "timeout"
            continue
        texts = [" ".join(map(quoted, strings)) for strings in records if isinstance(strings, list)]
        if texts:
            built.add(dns.rrset.from_text_list(dns.name.from_text(name), 300, "IN", "TXT", texts))
    return Overlay(built, Nothing(), whole=True, fails=fails)


async def _policy(lab: Lab, start: str) -> DmarcPolicy | Absent | Unavailable:
    walked = await discovery.function(Target(start), lab)
    found: DmarcPolicy | Absent | Unavailable = await policy.function(walked, lab)
    return found


def _record_of(found: DmarcPolicy | Absent | Unavailable) -> Any:
    """The record as that project's result object has it: False where there is none."""
    if not isinstance(found, DmarcPolicy):
        return False
    tags: dict[str, Any] = {tag.name: tag.value for tag in found.record.tags.tags}
    if "pct" in tags:
        tags["pct"] = found.record.pct
    return {**tags, "rr": found.record.text, "isOrgRecord": found.inherited}


async def _verified(lab: Lab, asked: dict[str, Any]) -> Any:
    """RFC 9989 section 4.10.2 and 5.3 with our parts: policy, tree walk, modes."""
    sender = asked["headerFrom"]
    if not isinstance(sender, str):
        return False
    start = sender.rpartition("@")[2]
    found = await _policy(lab, start)
    if isinstance(found, Unavailable):
        return {"status": {"result": "temperror"}, "error": found.because}
    if isinstance(found, Absent):
        return {"status": {"result": "none"}}
    alignment = {}
    for way, mode in (("dkim", found.record.adkim), ("spf", found.record.aspf)):
        names = [each["domain"] for each in asked[f"{way}Domains"]]
        aligned = [name for name in names if await _aligns(lab, name, found, mode == "s")]
        alignment[way] = {"result": aligned[0] if aligned else None, "strict": mode == "s"}
    passes = any(each["result"] for each in alignment.values())
    return {
        **_record_of(found),
        "status": {"result": "pass" if passes else "fail"},
        "policy": str(found.policy),
        "domain": found.found_at,
        "alignment": alignment,
    }


async def _aligns(lab: Lab, name: str, found: DmarcPolicy, strict: bool) -> bool:
    if strict or name == found.domain:
        return name == found.domain
    return organizational_of(name, await walk(lab, name))[0] == found.organizational


# ---------------------------------------------------------------- names


def addresses(folder: Path) -> Iterator[Case]:
    """Mailboxes that a user may name: valid as a forward-path, or refused."""
    takes = {"ISEMAIL_VALID_CATEGORY", "ISEMAIL_DNSWARN", "ISEMAIL_RFC5321"}
    for case in json.loads((folder / "tests.json").read_text()):
        text = "".join(chr(ord(c) - 0x2400) if 0x2400 <= ord(c) < 0x2420 else c for c in case["address"])
        expected = "valid" if case["category"] in takes else "refused"
        yield Case(f"{case['id']} {case['diagnosis']}", expected, _valid(text))


def _valid(text: str) -> str:
    try:
        mailbox(text)
    except BadMailbox:
        return "refused"
    return "valid"


def public_suffixes(folder: Path) -> Iterator[Case]:
    """The Organizational Domain that receivers of RFC 7489 find by the list beside the vectors."""
    from publicsuffixlist import PublicSuffixList

    with (folder / "public_suffix_list.dat").open("rb") as file:
        known = PublicSuffixList(file)
    held, suffixes._suffixes = suffixes._suffixes, lambda: known  # type: ignore[assignment]
    try:
        for name, wanted in _vectors(folder):
            own = _a_label(name)
            record = DmarcRecord.parse("v=DMARC1; p=none")
            applies = DmarcPolicy(own, own, f"_dmarc.{own}", record, Kind.DOMAIN, "", ())
            found = anyio.run(suffixes.suffix_list_domain.function, applies)
            yield Case(name, wanted, found.organizational if isinstance(found, SuffixListDomain) else own)
    finally:
        suffixes._suffixes = held


def registered_names(folder: Path) -> Iterator[Case]:
    """The part of a name that is registered, as guessed without a list where a name does not exist."""
    for name, wanted in _vectors(folder):
        own = _a_label(name)
        guess = registrable(own) if own else ""
        yield Case(name, wanted, guess if "." in guess else "")


def _vectors(folder: Path) -> Iterator[tuple[str, str]]:
    for line in (folder / "tests.txt").read_text("utf-8").splitlines():
        if line.strip() and not line.startswith("//"):
            name, wanted = line.split()
            if name != "null":
                yield name, "" if wanted == "null" else _a_label(wanted)


def _a_label(name: str) -> str:
    try:
        return domain(name)
    except BadDomain:
        return name.lower() if "." in name.strip(".") and not name.startswith(".") else ""


# ---------------------------------------------------------------- documents, certificates, dialogues


def client_configurations(folder: Path) -> Iterator[Case]:
    """Each has servers for both ways, and nothing is wrong with it."""
    for path in sorted(folder.glob("*.xml")):
        config = ClientConfig.parse(path.read_bytes())
        said = "usable" if config.incoming and config.outgoing and not config.defects else str(config.defects)
        yield Case(path.name, "usable", said)


def logos(folder: Path) -> Iterator[Case]:
    """Logos are accepted or refused."""
    for case in json.loads((folder / "validate-svg.json").read_text()):
        expected = {"true": "accepted", "must-reject": "refused"}[case["expect"][0]["op"]]
        image = SvgImage.parse(case["calls"][0]["args"][0].encode())
        yield Case(case["name"], expected, "refused" if image.defects else "accepted")


def limbo(_: Path) -> Iterator[Case]:
    """Path, name and time of a chain come to what the suite says."""
    tls = _tests("tls", "test_tls_limbo")

    for case in json.loads(tls.CASES.read_text())["testcases"]:
        yield Case(case["id"], "", _fails(tls.test_limbo, case))


def danetest(_: Path) -> Iterator[Case]:
    """Records match as OpenSSL matches them."""
    dane = _tests("tls", "test_tls_dane")

    for each in dane.blocks():
        number, block = each.values
        with _without(dane.NOT_LIKE_OPENSSL):
            yield Case(number, "", _fails(dane.test_openssl, number, block))


def transcripts(_: Path) -> Iterator[Case]:
    """Server answers are read to the end, with the capabilities and results that the suite names."""
    wire = _tests("wire", "test_wire_corpora")

    for path in wire.files():
        yield Case(
            str(path.relative_to(wire.MAILKIT)),
            "",
            _fails(wire.test_mailkit_transcripts_parse_to_the_end, path),
        )


def banners(_: Path) -> Iterator[Case]:
    """Greetings are read, and the host that each names is found."""
    wire = _tests("wire", "test_wire_corpora")

    for protocol, text, expect in wire.banners():
        with _without(wire.NO_DNS_NAME):
            name = f"{protocol} {text.decode('latin-1')[:60]}"
            yield Case(name, "", _fails(wire.test_recog_greetings_parse, protocol, text, expect))


class _without:
    """The exceptions of a test set aside, so that a case says what it says."""

    def __init__(self, exceptions: dict[str, str]) -> None:
        self._exceptions, self._held = exceptions, dict(exceptions)

    def __enter__(self) -> None:
        self._exceptions.clear()

    def __exit__(self, *_: object) -> None:
        self._exceptions.update(self._held)


def _fails(test: Callable[..., None], *arguments: Any) -> str:
    """Nothing where a test holds; otherwise that it does not."""
    try:
        test(*arguments)
    except (AssertionError, ValueError, KeyError, TypeError):
        return "another result"
    return ""


PSL = "Public Suffix List vectors"
SUITES = (
    Suite("spf", "RFC 7208 suite: results", "pyspf 2.0.14", "", 203, spf_results, elsewhere=True),
    Suite("spf-syntax", "RFC 7208 suite: syntax of records", "pyspf 2.0.14", "", 203, spf_syntax),
    Suite("dmarc-discovery", "mailauth: DMARC discovery", "d2616c6", "dmarc-mailauth", 14, dmarc_discovery),
    Suite(
        "dmarc-results", "mailauth: DMARC alignment, policy", "d2616c6", "dmarc-mailauth", 20, dmarc_results
    ),
    Suite("addresses", "isemail: mailboxes", "cfeefc3", "addresses-isemail", 70, addresses),
    Suite(
        "suffixes", f"{PSL}: Organizational Domain, RFC 7489", "e8c9a2b", "publicsuffix", 77, public_suffixes
    ),
    Suite("registered", f"{PSL}: guess without a list", "e8c9a2b", "publicsuffix", 77, registered_names),
    Suite(
        "autoconfig", "ISPDB: client configurations", "c6ad796", "autoconfig-ispdb", 88, client_configurations
    ),
    Suite("svg", "mailauth: SVG Tiny PS", "d2616c6", "bimi-mailauth", 17, logos),
    Suite("limbo", "x509-limbo: paths, names, lists", "8a2e6f4", "x509-limbo", 100, limbo, elsewhere=True),
    Suite("danetest", "OpenSSL danetest: TLSA", "3.0.22", "dane-openssl", 27, danetest, elsewhere=True),
    Suite(
        "transcripts",
        "MailKit: SMTP, IMAP, POP3",
        "d1f7aa7",
        "transcripts-mailkit",
        236,
        transcripts,
        elsewhere=True,
    ),
    Suite("banners", "Recog: greetings", "14fa1a7", "banners-recog", 131, banners, elsewhere=True),
)


def exceptions() -> dict[str, dict[str, str]]:
    """By suite: the cases on which we differ, each with the reason."""
    written = tomllib.loads((Path(__file__).parent / "exceptions.toml").read_text("utf-8"))
    found = {
        key: {case: entry["reason"] for entry in entries for case in entry["cases"]}
        for key, entries in written.items()
    }
    found["limbo"] = _tests("tls", "test_tls_limbo").OUT_OF_SCOPE
    found["danetest"] = _tests("tls", "test_tls_dane").NOT_LIKE_OPENSSL
    return found


OUT_OF_SCOPE = {
    "ValiMail ARC suite; Mail::DKIM and dkim_verifier messages": "they judge messages; this program reads none "
    "(the key records among them are read by tests/records/test_records_dkim.py)",
    "Sisimai bounces; parsedmarc and mail-auth reports; mail-parser messages": "they are messages and reports, too",
    "Recog certificate issuers": "no greetings",
}
"""Suites that are about something else."""
