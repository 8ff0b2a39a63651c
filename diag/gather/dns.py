"""Looking things up: following aliases, and keeping "there is none" apart from "we could not find out"."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

import dns.exception
import dns.rdata
import dns.reversename

from diag.model.frozen import frozen
from diag.model.knowing import Absent, Cite, Unavailable
from diag.names.parsed import is_plain, parsed_name, plain
from diag.probes.dns import DnsAnswer, DnsQuery
from diag.probes.probe import Lab
from diag.together import Known

MOST_ALIASES = 8

WITHHELD = frozenset({4, 15, 16, 17, 18})
"""Extended errors of an answer that is somebody's policy and not the world's: Forged Answer, Blocked, Censored,
Filtered, Prohibited (RFC 8914 sections 4.5 and 4.16 to 4.19)."""

NOBODY = "nobody-has-this-name.invalid"
"""A name that does not exist anywhere (RFC 6761 section 6.4)."""


@frozen
class Found:
    """Records, and where they really live."""

    name: str
    """The name asked for."""
    owner: str
    """The name the records belong to, at the end of the alias chain."""
    rdatas: tuple[dns.rdata.Rdata, ...]
    aliases: tuple[str, ...]
    """The targets of the CNAME records followed, in order; the last one is the owner."""
    authenticated: bool
    """Whether a validating resolver vouched for every answer on the way."""
    ttl: int
    evidence: tuple[Cite, ...]

    def texts(self) -> tuple[str, ...]:
        """Each TXT record, its strings joined with nothing between (RFC 7208 section 3.3).

        Octets that are no ASCII are kept, one character each (latin-1).
        """
        return tuple(b"".join(rdata.strings).decode("latin-1") for rdata in self.rdatas)  # type: ignore[attr-defined]


@frozen
class NoRecord(Absent):
    """The DNS says there is none."""

    name: str = ""
    """The name that has none, at the end of the alias chain."""
    name_exists: bool = True
    """NODATA (the name has other records or names below it) rather than NXDOMAIN."""
    aliases: tuple[str, ...] = ()
    authenticated: bool = False


Looked = Found | NoRecord | Unavailable


def look_up(lab: Lab, name: str, rdtype: str, server: str | None = None) -> Coroutine[Any, Any, Looked]:
    """The records of a type at a name, aliases followed (at most eight).

    SERVFAIL, REFUSED, silence, garbage and answers that contradict themselves are Unavailable, and so are addresses
    that our own resolver gives in place of NXDOMAIN, and what it says to withhold. NXDOMAIN and NODATA are NoRecord.
    """
    # Several facts look up the same: the lab of a run keeps what it led to, others keep nothing.
    memory: Any = lab
    if not hasattr(memory, "recall"):
        return _look_up(lab, name, rdtype, server, [])
    key = look_up, name, rdtype, server
    known: Known[Looked] | None = memory.recall(key)
    return known if known is not None else _looked_up(memory, key)


async def _looked_up(memory: Any, key: tuple[Any, str, str, str | None]) -> Looked:
    _, name, rdtype, server = key
    asked: list[DnsQuery] = []
    looked = await _look_up(memory, name, rdtype, server, asked)
    memory.keep(key, looked, asked)
    return looked


async def unless_contradicted(lab: Lab, looked: Looked, name: str, rdtype: str) -> Looked:
    """What was looked up at a name, unless it is NXDOMAIN while the name has records of this other type, or others.

    NXDOMAIN is about the name and not about a type (RFC 2308 section 2.1): who says it of a name that exists has
    not said what there is.
    """
    if not isinstance(looked, NoRecord) or looked.name_exists or looked.aliases:
        return looked
    other = await look_up(lab, name, rdtype)
    if isinstance(other, Unavailable) or not (isinstance(other, Found) or other.name_exists):
        return looked
    because = f"one answer says that {name} does not exist, and another one, to a question for {rdtype}, that it does"
    return Unavailable(because, looked.evidence + other.evidence)


async def _look_up(lab: Lab, name: str, rdtype: str, server: str | None, asked: list[DnsQuery]) -> Looked:
    if not _askable(name):
        return NoRecord(f"{name!r} is no domain name", (), name, False)
    current = name
    aliases: list[str] = []
    evidence: list[Cite] = []
    authenticated = True
    while True:
        query = DnsQuery(current, rdtype, server)
        answer = await lab.run(query)
        asked.append(query)
        evidence.append(Cite(query))
        if not isinstance(answer, DnsAnswer):
            return Unavailable(f"{query}: {answer}", tuple(evidence))
        if not answer.usable or (server is None and withheld(answer)):
            return Unavailable(f"{query}: {explained(answer)}", tuple(evidence))
        authenticated = authenticated and answer.authenticated
        advanced = False
        while (rrset := answer.rrset(current, rdtype)) is None:
            alias = answer.rrset(current, "CNAME") if rdtype != "CNAME" else None
            if alias is None:
                break
            target = plain(alias.rdatas[0].target)  # type: ignore[attr-defined]
            if target in (name, *aliases) or len(aliases) == MOST_ALIASES:
                why = (
                    "its aliases form a loop"
                    if target in (name, *aliases)
                    else f"over {MOST_ALIASES} aliases"
                )
                return NoRecord(f"{name}: {why}", tuple(evidence), target, True, (*aliases, target))
            aliases.append(target)
            current, advanced = target, True
        if not advanced and answer.rcode == "NXDOMAIN" and rrset is not None:
            because = f"{query}: NXDOMAIN and records in one answer from {answer.server}"
            return Unavailable(because, tuple(evidence))
        if rrset is None and not advanced and any(answer.lines()):
            # Neither what was asked for nor an alias: such an answer says nothing about the name.
            because = f"{query}: {answer.server} answers with records that were not asked for"
            return Unavailable(because, tuple(evidence))
        if rrset is not None:
            if (
                server is None
                and not authenticated
                and (shown := await _invented(lab, rdtype, rrset.rdatas, asked))
            ):
                because = f"{name}: our resolver gives the same {rdtype} record for names that nobody has"
                return Unavailable(because, (*evidence, Cite(shown)))
            return Found(
                name, current, rrset.rdatas, tuple(aliases), authenticated, rrset.ttl, tuple(evidence)
            )
        if advanced and not answer.recursive and answer.rcode == "NOERROR":
            continue  # an overlay answers one step; a resolver has gone as far as there is to go
        exists = answer.rcode == "NOERROR"
        because = f"{current} has no {rdtype} record" if exists else f"{current} does not exist"
        return NoRecord(because, tuple(evidence), current, exists, tuple(aliases), authenticated)


async def _invented(
    lab: Lab, rdtype: str, rdatas: tuple[dns.rdata.Rdata, ...], asked: list[DnsQuery]
) -> DnsQuery | None:
    """The question that shows addresses to be made up by our own resolver; None where nothing does."""
    if rdtype not in ("A", "AAAA"):
        return None
    query = DnsQuery(NOBODY, rdtype)
    answer = await lab.run(query)
    asked.append(query)
    made_up = answer.rrset(NOBODY, rdtype) if isinstance(answer, DnsAnswer) else None
    return query if made_up is not None and set(rdatas) <= set(made_up.rdatas) else None


def _askable(name: str) -> bool:
    """Whether a name can stand in a question: no empty or overlong label, 255 octets in all (RFC 1035 2.3.4)."""
    if is_plain(name):
        return True
    try:
        parsed_name(name)
    except (dns.exception.DNSException, ValueError):
        return False
    return True


def withheld(answer: DnsAnswer) -> tuple[int, str] | None:
    """The extended error by which our resolver says that it keeps the true answer from us; None where it does not."""
    errors = answer.extended_errors
    return next((error for error in errors if error[0] in WITHHELD), None) if errors else None


def explained(answer: DnsAnswer) -> str:
    """The response code in words that help, with the server's own explanation where it gives one (RFC 8914)."""
    told = "; ".join(
        f"extended error {code}{f' ({text})' if text else ''}" for code, text in answer.extended_errors
    )
    rcode = "an answer cut short, over TCP too," if answer.truncated else answer.rcode
    return f"{rcode} from {answer.server}{f', {told}' if told else ''}"


def reverse_name(address: str) -> str:
    """The name below in-addr.arpa or ip6.arpa (RFC 1035 section 3.5, RFC 3596 section 2.5)."""
    return plain(dns.reversename.from_address(address))
