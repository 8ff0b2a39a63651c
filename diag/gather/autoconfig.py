"""Where Outlook and PACC clients are led: names first, then one GET a host, never with credentials."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from diag.facts.access_hosts import ServiceRecord
from diag.facts.autoconfig import (
    AutodiscoverHost,
    AutodiscoverNames,
    ClientProvider,
    MxAutoconfig,
    PaccDocument,
)
from diag.facts.moment import RunMoment
from diag.facts.mx import MxHost, MxOperator, MxOperators, Routing
from diag.facts.providers import providers
from diag.model.frozen import frozen
from diag.model.knowing import Absent, Cite, Many, Unavailable
from diag.model.plugin import fact
from diag.model.tables import table as read_table
from diag.model.target import Target
from diag.names.domain import parents
from diag.names.parsed import plain
from diag.names.registered import registrable
from diag.probes.https import HttpsGet
from diag.probes.probe import Lab
from diag.probes.trust import TrustAnchors
from diag.records.pacc import PaccRecord, is_document, is_pacc
from diag.tls.chain import Trust, issuers_of, judge, rank
from diag.tls.handshake import Handshake
from diag.together import all_of

from .access_hosts import MOST_HOSTS, NO_DIALOGUES, wanted
from .dns import Found, look_up
from .mx import addresses_of
from .references import routed

AUTODISCOVER_PATH = "/autodiscover/autodiscover.xml"
"""Where Outlook posts its question (MS-OXDISCO section 2.2.1); a GET of it asks for nothing."""
PACC_PATH = "/.well-known/user-agent-configuration.json"
PATIENCE = 30.0
_BY_STORE = frozenset({Trust.SELF_SIGNED, Trust.UNTRUSTED_ROOT, Trust.MISSING_INTERMEDIATE, Trust.UNDECIDED})


@fact
async def autodiscover_names(target: Target, lab: Lab) -> AutodiscoverNames | Absent | Unavailable:
    """The name and the SRV record that Outlook looks up; Absent where there is neither."""
    if not target.dialogues:
        return Unavailable(NO_DIALOGUES)
    name, srv_name = f"autodiscover.{target.domain}", f"_autodiscover._tcp.{target.domain}"
    looked: dict[str, Any] = await all_of(
        lambda each: look_up(lab, each, "SRV") if each == srv_name else addresses_of(lab, each),
        (name, srv_name),
    )
    host, srv = looked[name], looked[srv_name]
    for each in (host, srv):
        if isinstance(each, Unavailable):
            return each
    asked = host.asked + srv.evidence
    if not host.addresses and host.unknown:
        return Unavailable(host.unknown, asked)
    records = [
        ServiceRecord(rdata.priority, rdata.weight, rdata.port, plain(rdata.target))  # type: ignore[attr-defined]
        for rdata in (srv.rdatas if isinstance(srv, Found) else ())
    ]
    if not host.addresses and not records:
        return Absent(f"neither {name} nor {srv_name} leads anywhere", asked)
    return AutodiscoverNames(
        target.domain, host if host.addresses else None, srv_name, tuple(sorted(records)), asked
    )


@fact
async def autodiscover_hosts(
    names: AutodiscoverNames, target: Target, moment: RunMoment, lab: Lab
) -> Many[AutodiscoverHost]:
    """One GET to each host that Outlook is led to; hosts that do not answer HTTPS are left out: Outlook goes on."""
    places = {f"autodiscover.{target.domain}": 443} if names.host is not None else {}
    for record in names.srv[:MOST_HOSTS]:
        if record.target != ".":
            places.setdefault(record.target, record.port)

    async def one(name: str) -> AutodiscoverHost | Absent | Unavailable:
        known = await addresses_of(lab, name)
        if isinstance(known, Unavailable):
            return known
        reachable = await routed(lab, wanted(known, target))
        if not reachable:
            return Absent(f"{name} has no address that can be asked", known.asked)
        return await _met(name, reachable[0], places[name], known, target, moment, lab)

    return Many(await all_of(one, places))


async def _met(
    name: str, address: str, port: int, known: MxHost, target: Target, moment: RunMoment, lab: Lab
) -> AutodiscoverHost | Absent | Unavailable:
    within = min(PATIENCE, target.timeout)
    probe = HttpsGet(name, address, AUTODISCOVER_PATH, port=port, timeout=within)
    exchange = await lab.run(probe)
    asked: tuple[Cite, ...] = (*known.asked, Cite(probe))
    if not isinstance(exchange.handshake, Handshake):
        return Absent(f"{name} does not answer over HTTPS", asked)
    chain = exchange.handshake.chain
    store = TrustAnchors(issuers_of(chain))
    anchors = await lab.run(store)
    verdict = judge(chain, (name,), anchors.roots, moment.at)
    faults = rank(verdict)
    undecided = ""
    if not anchors.count or verdict.trust is Trust.UNDECIDED:
        undecided = anchors.trouble or "the certificate could not be followed to a root"
        faults = tuple(fault for fault in faults if fault not in _BY_STORE)
    redirect = ""
    if faults and port == 443:
        # What Outlook does next: providers that cannot have a certificate for every customer's name redirect
        # from plain HTTP to a name of their own (MS-OXDISCO section 3.1.5.4), after a question to the user.
        plainly = HttpsGet(name, address, AUTODISCOVER_PATH, port=80, scheme="http", timeout=within)
        asked += (Cite(plainly),)
        answer = await lab.run(plainly)
        if answer.status in (301, 302, 307, 308) and _leads_away(answer.location or "", name):
            redirect = answer.location or ""
    return AutodiscoverHost(
        name, address, port, exchange.status, verdict, faults, undecided, redirect, (*asked, Cite(store))
    )


def _leads_away(location: str, name: str) -> bool:
    """Whether a redirect goes to HTTPS on another host: to the same one it meets the same certificate."""
    try:
        parts = urlsplit(location)
        return parts.scheme == "https" and (parts.hostname or name) != name
    except ValueError:
        return False


@fact
async def pacc_document(target: Target, lab: Lab) -> PaccDocument | Absent | Unavailable:
    """The document of PACC and its digests, which are looked up only where there is a document."""
    if not target.dialogues:
        return Unavailable(NO_DIALOGUES)
    host = f"ua-auto-config.{target.domain}"
    known = await addresses_of(lab, host)
    if isinstance(known, Unavailable):
        return known
    reachable = await routed(lab, wanted(known, target))
    if not reachable:
        return Absent(f"{host} has no address that can be asked", known.asked)
    probe = HttpsGet(host, reachable[0], PACC_PATH, timeout=min(PATIENCE, target.timeout))
    exchange = await lab.run(probe)
    asked = (*known.asked, Cite(probe))
    if exchange.status == 200 and exchange.trouble:
        return Unavailable(f"{probe.url}: {exchange.detail or exchange.trouble}", asked)
    if exchange.status != 200 or not is_document(exchange.body):
        return Absent(f"no document is served at {probe.url}", asked)
    name = f"_{host}"
    looked = await look_up(lab, name, "TXT")
    if isinstance(looked, Unavailable):
        return looked
    texts = looked.texts() if isinstance(looked, Found) else ()
    records = tuple(PaccRecord.parse(text) for text in texts if is_pacc(text))
    owner = looked.owner if isinstance(looked, Found) else name
    return PaccDocument(target.domain, probe.url, exchange.body, owner, records, asked + looked.evidence)


@fact
async def mx_autoconfig(routing: Routing, target: Target, lab: Lab) -> MxAutoconfig | Absent | Unavailable:
    """Where the hoster of the mail may serve a document for all its customers; what it says is its own business.

    Mail programs ask below the name above the best MX host, and below its registered domain.
    """
    if not target.dialogues:
        return Unavailable(NO_DIALOGUES)
    best = next(iter(routing.hosts), "")
    above = dict.fromkeys((best.partition(".")[2], registrable(best)))
    names = [f"autoconfig.{name}" for name in above if name not in ("", target.domain)]
    looked = await all_of(lambda name: addresses_of(lab, name), names)
    asked: tuple[Cite, ...] = ()
    hosts: list[str] = []
    for name, each in looked.items():
        if isinstance(each, Unavailable):
            return each
        asked += each.asked
        if each.addresses:
            hosts.append(name)
    return MxAutoconfig(tuple(hosts), asked) if hosts else Absent("no such host exists", asked)


@frozen
class Provider:
    """One provider of mailboxes, as the table has it."""

    name: str
    mx: tuple[str, ...]
    autodiscover: tuple[str, ...]
    built_in: bool


@cache
def table() -> tuple[Provider, ...]:
    """The table in `data/client_providers.toml`."""
    return tuple(
        Provider(
            each["name"],
            tuple(each["mx"]),
            tuple(each.get("autodiscover", ())),
            bool(each.get("built-in", False)),
        )
        for each in read_table("diag.gather", "client_providers")["provider"]
    )


@fact
async def mx_operators(routing: Routing) -> MxOperators:
    """Who runs each MX host, and whose mailboxes are behind it, as far as the tables know their names."""
    registered = registrable(routing.domain)

    def one(host: str) -> MxOperator:
        keeps = _provider(host, lambda each: each.mx)
        own = registrable(host) == registered
        return MxOperator(host, providers().of(host), keeps.name if keeps else "", own)

    return MxOperators(routing.domain, tuple(map(one, routing.hosts)), routing.asked)


@fact
async def client_provider(
    routing: Routing, names: AutodiscoverNames | Absent | Unavailable
) -> ClientProvider | Absent:
    """Whose mailboxes the domain has, and whom Outlook is led to, as far as the table knows their names."""
    mailboxes = [_provider(host, lambda each: each.mx) for host in routing.hosts]
    if not mailboxes or len(set(mailboxes)) > 1 or mailboxes[0] is None:
        return Absent("the MX hosts are not those of one provider known by name", routing.asked)
    answers = ""
    asked = routing.asked
    if isinstance(names, AutodiscoverNames):
        asked += names.asked
        found = {_provider(host, lambda each: each.autodiscover) for host in names.leads_to} - {None}
        answers = next((each.name for each in found if each is not None), "") if len(found) == 1 else ""
    return ClientProvider(mailboxes[0].name, mailboxes[0].built_in, answers, asked)


def _provider(host: str, endings: Callable[[Provider], tuple[str, ...]]) -> Provider | None:
    above = {host, *parents(host)}
    return next((each for each in table() if not above.isdisjoint(endings(each))), None)
