"""The tape: what was asked and what was seen, as JSON Lines that a person can read, diff and write."""

from __future__ import annotations

import base64
import functools
import json
import types
import typing
from collections.abc import Mapping
from dataclasses import is_dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Union, get_args, get_origin

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from diag.probes.dns import DnsAnswer
from diag.probes.probe import E, NotRecorded, Probe

from .files import write_whole

if TYPE_CHECKING:
    import cattrs

VERSION = 1


class BadTape(ValueError):
    """A tape that cannot be read; the message names the file, the line and what is wrong."""


class Tape:
    """A lab that answers from a recording and nothing else."""

    def __init__(self, exchanges: Mapping[Probe[Any], Any], header: Mapping[str, Any]) -> None:
        self.exchanges = dict(exchanges)
        self.header = dict(header)

    async def run(self, probe: Probe[E]) -> E:
        """See Lab. Raises NotRecorded for what the tape does not hold."""
        if probe not in self.exchanges:
            raise NotRecorded(probe)
        evidence: E = self.exchanges[probe]
        return evidence

    def save(self, path: Path) -> None:
        """Write the tape whole or not at all. Raises OSError."""
        lines = [json.dumps({"maildiag-tape": VERSION, **self.header}, ensure_ascii=False)]
        for probe, evidence in self.exchanges.items():
            entry = {"probe": {"kind": probe.kind, **_plain(probe)}, "evidence": _tagged(evidence)}
            lines.append(json.dumps(entry, ensure_ascii=False))
        lines.append(json.dumps({"end": len(self.exchanges)}))
        write_whole(path, ("\n".join(lines) + "\n").encode("utf-8", "surrogatepass"))

    @classmethod
    def load(cls, path: Path, kinds: Mapping[str, type[Probe[Any]]]) -> Tape:
        """Read a tape. `kinds` are the probes known, by kind. Raises BadTape or OSError."""
        lines = path.read_bytes().splitlines()
        entries = [_entry(path, number, line) for number, line in enumerate(lines, 1)]
        if not entries or entries[0].get("maildiag-tape") is None:
            raise BadTape(f"{path}:1: this is no maildiag tape")
        if entries[0]["maildiag-tape"] != VERSION:
            raise BadTape(
                f"{path}:1: tape version {entries[0]['maildiag-tape']!r}, this maildiag reads {VERSION}"
            )
        if len(entries) < 2 or entries[-1].get("end") != len(entries) - 2:
            raise BadTape(f"{path}:{len(entries)}: the tape is cut short: its last line is missing")
        exchanges = {}
        for number, entry in enumerate(entries[1:-1], 2):
            try:
                probe_type = kinds[entry["probe"].pop("kind")]
                exchanges[_converter().structure(entry["probe"], probe_type)] = _untagged(
                    entry["evidence"], probe_type
                )
            except Exception as error:
                raise BadTape(f"{path}:{number}: {_first_line(error)}") from None
        return cls(exchanges, {k: v for k, v in entries[0].items() if k != "maildiag-tape"})


def _entry(path: Path, number: int, line: bytes) -> dict[str, Any]:
    try:
        entry = json.loads(line)
    except RecursionError:
        raise BadTape(f"{path}:{number}: nested too deeply") from None
    except ValueError as error:
        what = "this is no maildiag tape" if number == 1 else str(error)
        raise BadTape(f"{path}:{number}: {what}") from None
    if not isinstance(entry, dict):
        raise BadTape(f"{path}:{number}: not an object")
    return entry


def _first_line(error: BaseException) -> str:
    """The innermost reason of a nest of conversion errors, as one line."""
    while isinstance(error, BaseExceptionGroup) and error.exceptions:
        error = error.exceptions[0]
    return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else 'unreadable'}"


def evidence_types(probe_type: type[Probe[Any]]) -> dict[str, type]:
    """The evidence a probe may bring, by name: from the parameter of its base Probe[...]."""
    for base in getattr(probe_type, "__orig_bases__", ()):
        if get_origin(base) is Probe:
            (given,) = get_args(base)
            if isinstance(given, typing.ForwardRef | str):
                module = __import__(probe_type.__module__, fromlist=["_"])
                text = given.__forward_arg__ if isinstance(given, typing.ForwardRef) else given
                given = eval(text, vars(module))  # noqa: S307  an annotation of our own source, never input
            members = get_args(given) if get_origin(given) in (Union, types.UnionType) else (given,)
            return {member.__name__: member for member in members}
    raise TypeError(f"{probe_type.__name__} does not say what evidence it brings: class X(Probe[Evidence])")


def _plain(value: Any) -> dict[str, Any]:
    plain: dict[str, Any] = _converter().unstructure(value)
    return plain


def _tagged(evidence: Any) -> dict[str, Any]:
    return {"type": type(evidence).__name__, **_plain(evidence)}


def _untagged(entry: dict[str, Any], probe_type: type[Probe[Any]]) -> Any:
    return _converter().structure(entry, evidence_types(probe_type)[entry.pop("type")])


@functools.cache
def _converter() -> cattrs.Converter:
    import cattrs  # only runs that save or replay pay for it

    converter = cattrs.Converter(unstruct_collection_overrides={tuple: list})
    converter.register_unstructure_hook(bytes, _bytes_out)
    converter.register_structure_hook(bytes, lambda value, _: _bytes_in(value))
    converter.register_unstructure_hook(datetime, lambda value: value.isoformat())
    converter.register_structure_hook(datetime, lambda value, _: datetime.fromisoformat(value))
    converter.register_unstructure_hook(DnsAnswer, _dns_out)
    converter.register_structure_hook(DnsAnswer, lambda value, _: _dns_in(value))
    converter.register_unstructure_hook_factory(_is_union, lambda kind: _unstructure_union(converter))
    converter.register_structure_hook_factory(_is_union, lambda kind: _structure_union(converter, kind))
    return converter


def _is_union(kind: Any) -> bool:
    """A union of dataclasses (None may be among them): told apart on tape by a `type` key."""
    if get_origin(kind) not in (Union, types.UnionType):
        return False
    members = [member for member in get_args(kind) if member is not type(None)]
    return len(members) > 1 and all(is_dataclass(member) for member in members)


def _unstructure_union(converter: cattrs.Converter) -> Any:
    def out(value: Any) -> Any:
        return None if value is None else {"type": type(value).__name__, **converter.unstructure(value)}

    return out


def _structure_union(converter: cattrs.Converter, kind: Any) -> Any:
    members = {member.__name__: member for member in get_args(kind)}

    def back(value: Any, _: Any) -> Any:
        if value is None and "NoneType" in members:
            return None
        rest = dict(value)
        return converter.structure(rest, members[rest.pop("type")])

    return back


def _bytes_out(octets: bytes) -> Any:
    if all(0x20 <= octet < 0x7F or octet in b"\r\n\t" for octet in octets):
        return octets.decode("ascii")
    return {"base64": base64.b64encode(octets).decode("ascii")}


def _bytes_in(value: Any) -> bytes:
    if isinstance(value, str):
        return value.encode("ascii")
    return base64.b64decode(value["base64"], validate=True)


def _dns_out(answer: DnsAnswer) -> dict[str, Any]:
    """A DNS answer as text; as octets where text could not carry it."""
    rest = {
        "server": answer.server,
        "took_ms": answer.took_ms,
        "transport": answer.transport,
        "size": answer.size,
    }
    try:
        message = dns.message.from_wire(answer.wire, ignore_trailing=True, one_rr_per_rrset=False)
    except (dns.exception.DNSException, ValueError):
        return {**rest, "wire": _bytes_out(answer.wire)}
    text = {
        "rcode": answer.rcode,
        "flags": dns.flags.to_text(message.flags),
        "question": [rrset.to_text() for rrset in message.question],
        "answer": [line for rrset in message.answer for line in rrset.to_text().splitlines()],
        "authority": [line for rrset in message.authority for line in rrset.to_text().splitlines()],
        "additional": [line for rrset in message.additional for line in rrset.to_text().splitlines()],
        "extended_errors": [list(pair) for pair in answer.extended_errors],
    }
    return {**rest, **{key: value for key, value in text.items() if value}}


def _dns_in(value: dict[str, Any]) -> DnsAnswer:
    rest = {key: value[key] for key in ("server", "took_ms", "transport", "size") if key in value}
    if "wire" in value:
        return DnsAnswer(wire=_bytes_in(value["wire"]), **rest)
    message = dns.message.QueryMessage(id=0)
    message.flags = dns.flags.from_text(value["flags"])
    message.set_rcode(dns.rcode.from_text(value["rcode"]))
    for name, section in (
        ("question", message.question),
        ("answer", message.answer),
        ("authority", message.authority),
        ("additional", message.additional),
    ):
        for line in value.get(name, ()):
            _add_record(section, line, question=name == "question")
    if value.get("extended_errors"):
        errors = value["extended_errors"]
        options: list[dns.edns.Option] = [dns.edns.EDEOption(code, text or None) for code, text in errors]
        message.use_edns(options=options)
        message.set_rcode(dns.rcode.from_text(value["rcode"]))
    return DnsAnswer(wire=message.to_wire(max_size=65535, want_shuffle=False), **rest)


def _add_record(section: list[dns.rrset.RRset], line: str, *, question: bool) -> None:
    if question:
        owner, rdclass, rdtype = line.split()
        section.append(
            dns.rrset.RRset(
                dns.name.from_text(owner), dns.rdataclass.from_text(rdclass), dns.rdatatype.from_text(rdtype)
            )
        )
        return
    owner, ttl, rdclass, rdtype, rdata = line.split(None, 4)
    made = dns.rrset.from_text(owner, int(ttl), rdclass, rdtype, rdata)
    for rrset in section:
        if rrset.match(made.name, made.rdclass, made.rdtype, made.covers):
            for rdata in made:
                rrset.add(rdata)
            return
    section.append(made)
