"""Which hosts of mail programs are found and how, and which of their ports are talked to and judged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import anyio
import pytest
from zoned_lab import ZonedLab

from diag.facts.access_hosts import AccessHost, AutoconfigDocument, Origin, Service, ServiceRecords
from diag.facts.clients import ClientContact
from diag.gather.access_hosts import (
    MOST_HOSTS,
    access_hosts,
    autoconfig_document,
    service_records,
)
from diag.gather.client_offers import imap_in_clear, imap_under_tls, submission_in_clear
from diag.gather.clients import client_contacts, imap_surveys, pop3_surveys, submission_surveys
from diag.gather.helo import helo
from diag.lab.once import Once
from diag.model.knowing import Absent, Many, Unavailable
from diag.model.target import Target
from diag.probes.https import HttpExchange, HttpsGet
from diag.probes.moment import Route, Source
from diag.probes.pause import Pause, Paused
from diag.probes.talks import ImapTalk, Pop3Talk, SmtpTalk
from diag.wire.reading import Reached
from diag.wire.transcript import Closed, Ending, Event, Opened, Said, Transcript, Who

PUBLIC = ("192.0.2.0/24", "2001:db8::/32")
TALKS = (SmtpTalk, ImapTalk, Pop3Talk)
REFUSED = Transcript((Closed(0, Ending.REFUSED, ""),))
FILTERED = Transcript((Closed(0, Ending.FILTERED, ""),))


def said(*lines: str, ends: Ending = Ending.BY_US) -> Transcript:
    """A conversation in clear; lines that begin with `> ` are ours."""
    events: list[Event] = [Opened(0, "192.0.2.1", 1)]
    for line in lines:
        who = Who.US if line.startswith("> ") else Who.PEER
        events.append(Said(1, who, line.removeprefix("> ").encode() + b"\r\n", False))
    return Transcript((*events, Closed(9, ends, "")))


IMAP = said(
    "* OK ready",
    "> a1 CAPABILITY",
    "* CAPABILITY IMAP4rev1 AUTH=PLAIN",
    "a1 OK done",
    "> a9 LOGOUT",
    "* BYE",
    "a9 OK",
)
SECURE_IMAP = said(
    "* OK ready", "> a1 CAPABILITY", "* CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED", "a1 OK done"
)
BYE = said("* BYE too many connections", ends=Ending.BY_PEER)
SMTP = said(
    "220 mail.d.example ESMTP", "> EHLO x", "250-mail.d.example", "250 AUTH PLAIN", "> QUIT", "221 Bye"
)


class WorldLab(ZonedLab):
    """A zone, documents by URL without its query, conversations by (address, port); `again`: second ones."""

    def __init__(
        self,
        zone: str,
        talks: Mapping[tuple[str, int], Transcript] | None = None,
        documents: Mapping[str, HttpExchange] | None = None,
        again: Mapping[tuple[str, int], Transcript] | None = None,
        **rest: Any,
    ) -> None:
        super().__init__(zone, **rest)
        self.talks = dict(talks or {})
        self.documents = dict(documents or {})
        self.again = dict(again or {})
        self.visited: list[Any] = []
        self.routes = {4: "192.0.2.1", 6: "2001:db8::1"}

    async def run(self, probe: Any) -> Any:
        if isinstance(probe, Route):
            return Source(self.routes[probe.family])
        if isinstance(probe, HttpsGet):
            self.visited.append(probe)
            return self.documents.get(probe.url.partition("?")[0], HttpExchange(404))
        if isinstance(probe, TALKS):
            self.visited.append(probe)
            once = self.talks.get((probe.address, probe.port), REFUSED)
            return self.again.get((probe.address, probe.port), once) if probe.look == 2 else once
        if isinstance(probe, Pause):
            self.visited.append(probe)
            return Paused(probe.seconds)
        return await super().run(probe)

    @property
    def ports(self) -> list[tuple[str, str, int]]:
        """Host, address and port of each conversation."""
        return [(each.host, each.address, each.port) for each in self.visited if isinstance(each, TALKS)]

    @property
    def second_looks(self) -> list[tuple[str, int]]:
        """Address and port of each second conversation."""
        talks = [each for each in self.visited if isinstance(each, TALKS)]
        return sorted((each.address, each.port) for each in talks if each.look == 2)


def target(**wishes: Any) -> Target:
    return Target("d.example", public=PUBLIC, **wishes)


def run(gather: Any, lab: WorldLab, aim: Target | None = None) -> Any:
    async def go() -> Any:
        return await gather.function(aim or target(), Once(lab))

    return anyio.run(go)


def hosts(lab: WorldLab, aim: Target | None = None) -> dict[str, AccessHost]:
    found = run(access_hosts, lab, aim)
    return {host.name: host for host in found.values()}


def test_a_host_knows_every_way_it_was_found() -> None:
    lab = WorldLab(
        "d.example. MX 1 mail.d.example.\nmail.d.example. A 192.0.2.5\n"
        "_imaps._tcp.d.example. SRV 0 1 993 mail.d.example."
    )
    found = hosts(lab, target(hosts=("Mail.D.example.",)))
    assert list(found) == ["mail.d.example"]
    mail = found["mail.d.example"]
    assert mail.origins == (Origin.SRV, Origin.USER, Origin.NAME, Origin.MX)
    assert [(offer.service, offer.port, offer.security) for offer in mail.offers] == [
        (Service.IMAP, 993, "implicit")
    ]


@pytest.mark.parametrize("origin", list(Origin))
def test_only_what_somebody_said_is_published(origin: Origin) -> None:
    assert origin.published == (origin in (Origin.SRV, Origin.AUTOCONFIG, Origin.USER))


def test_a_conventional_name_counts_where_it_has_an_address() -> None:
    found = hosts(
        WorldLab("smtp.d.example. A 192.0.2.6\nimap.d.example. AAAA 2001:db8::6\npop.d.example. TXT x")
    )
    assert {name: host.origins for name, host in found.items()} == {
        "imap.d.example": (Origin.NAME,),
        "smtp.d.example": (Origin.NAME,),
    }


@pytest.mark.parametrize(
    ("zone", "left"),
    [
        ("*.d.example. A 192.0.2.7", []),
        ("*.d.example. CNAME web.example.\nweb.example. A 192.0.2.7", []),
        ("*.d.example. A 192.0.2.7\nmail.d.example. A 192.0.2.8", ["mail.d.example"]),
        ("*.d.example. A 192.0.2.7\n*.d.example. A 192.0.2.8\nmail.d.example. A 192.0.2.8", []),
        ("*.d.example. MX 0 .\nmail.d.example. A 192.0.2.8", ["mail.d.example"]),
    ],
)
def test_a_wildcard_makes_up_no_hosts(zone: str, left: list[str]) -> None:
    assert list(hosts(WorldLab(zone))) == left


def test_a_declined_service_is_no_host() -> None:
    lab = WorldLab("_pop3._tcp.d.example. SRV 0 0 0 .")
    records = run(service_records, lab)
    (pop3,) = records.values()
    assert isinstance(pop3, ServiceRecords)
    assert pop3.declined
    assert pop3.offers == ()
    assert hosts(lab) == {}


def test_services_that_cannot_be_looked_up_are_not_taken_for_absent() -> None:
    lab = WorldLab("", fails={("_imap._tcp.d.example", "SRV"): "servfail"})
    assert [name for name, _ in run(service_records, lab).unknown()] == ["_imap._tcp.d.example"]
    assert list(run(service_records, lab).items) == ["_imap._tcp.d.example"]


def test_a_published_host_stays_where_it_has_no_address_or_cannot_be_looked_up() -> None:
    lab = WorldLab(
        "_imap._tcp.d.example. SRV 0 1 143 gone.d.example.\n_pop3._tcp.d.example. SRV 0 1 110 lost.d.example.",
        fails={("lost.d.example", "A"): "timeout", ("lost.d.example", "AAAA"): "timeout"},
    )
    found = hosts(lab)
    assert found["gone.d.example"].addresses == ()
    assert found["gone.d.example"].unknown == ""
    assert "timed out" in found["lost.d.example"].unknown


def test_a_hostile_number_of_records_is_cut() -> None:
    zone = "\n".join(
        f"_imap._tcp.d.example. SRV {n} 1 143 h{n}.d.example.\nh{n}.d.example. A 192.0.2.{n}"
        for n in range(1, 40)
    )
    assert len(hosts(WorldLab(zone))) == MOST_HOSTS


DOCUMENT = b"""<clientConfig version="1.1"><emailProvider id="d.example">
<incomingServer type="imap">
  <hostname>in.%EMAILDOMAIN%</hostname><port>993</port><socketType>SSL</socketType></incomingServer>
<incomingServer type="exchange">
  <hostname>ews.d.example</hostname><port>443</port><socketType>SSL</socketType></incomingServer>
<outgoingServer type="smtp">
  <hostname>out.d.example</hostname><port>2587</port><socketType>STARTTLS</socketType></outgoingServer>
</emailProvider></clientConfig>"""
FIRST = "https://autoconfig.d.example/mail/config-v1.1.xml"
SECOND = "https://d.example/.well-known/autoconfig/mail/config-v1.1.xml"
LAST = "http://autoconfig.d.example/mail/config-v1.1.xml"
WEB = "autoconfig.d.example. A 192.0.2.9\nd.example. A 192.0.2.9\n"


def test_the_document_names_hosts_and_ports_of_its_own() -> None:
    lab = WorldLab(
        WEB + "in.d.example. A 192.0.2.10\nout.d.example. A 192.0.2.11",
        documents={FIRST: HttpExchange(200, body=DOCUMENT)},
    )
    document = run(autoconfig_document, lab)
    assert isinstance(document, AutoconfigDocument)
    assert [(offer.service, offer.host, offer.port, offer.security) for offer in document.offers] == [
        (Service.IMAP, "in.d.example", 993, "implicit"),
        (Service.SUBMISSION, "out.d.example", 2587, "starttls"),
    ]
    contacts = run(client_contacts, lab)
    assert ("out.d.example", "192.0.2.11", 2587) in lab.ports
    assert contacts.get("out.d.example [192.0.2.11]:2587").published
    assert not contacts.get("out.d.example [192.0.2.11]:587").published


def test_the_second_place_is_asked_only_where_the_first_has_nothing() -> None:
    lab = WorldLab(WEB, documents={FIRST: HttpExchange(200, body=DOCUMENT)})
    run(autoconfig_document, lab)
    assert [probe.url.partition("?")[0] for probe in lab.visited] == [FIRST]
    lab = WorldLab(WEB, documents={SECOND: HttpExchange(200, body=DOCUMENT)})
    assert run(autoconfig_document, lab).url == SECOND
    assert [probe.url.partition("?")[0] for probe in lab.visited] == [FIRST, SECOND]
    lab = WorldLab(WEB, documents={LAST: HttpExchange(200, body=DOCUMENT)})
    assert run(autoconfig_document, lab).url.partition("?")[0] == LAST
    assert [probe.url.partition("?")[0] for probe in lab.visited] == [FIRST, SECOND, LAST]
    lab = WorldLab(WEB, documents={FIRST: HttpExchange(trouble="timed-out")})
    run(autoconfig_document, lab)
    assert [probe.url.partition("?")[0] for probe in lab.visited] == [FIRST, SECOND]


@pytest.mark.parametrize(
    ("seen", "kind"),
    [
        (HttpExchange(404), Absent),
        (HttpExchange(301, headers=(("location", "https://elsewhere.example/"),)), Absent),
        (HttpExchange(200, body=b"<!DOCTYPE html><html>Welcome</html>"), Absent),
        (HttpExchange(200, body=b'{"error": "no such page"}'), Absent),
        (HttpExchange(200, body=b"<clientConfig"), AutoconfigDocument),
        (HttpExchange(200, body=DOCUMENT, truncated=True, trouble="too-big"), Unavailable),
        (HttpExchange(503), Unavailable),
        (HttpExchange(429), Unavailable),
        (HttpExchange(trouble="timed-out"), Unavailable),
    ],
)
def test_no_document_differs_from_one_that_could_not_be_had(seen: HttpExchange, kind: type) -> None:
    assert isinstance(run(autoconfig_document, WorldLab(WEB, documents={FIRST: seen})), kind)


ONE = "mail.d.example. A 192.0.2.5\nmail.d.example. AAAA 2001:db8::5\n"
STANDARD = {587, 465, 2525, 143, 993, 110, 995}


def test_every_standard_port_of_every_address_is_talked_to_once() -> None:
    lab = WorldLab(
        ONE + "_imaps._tcp.d.example. SRV 0 1 993 mail.d.example.\nd.example. MX 1 mail.d.example.",
        {(address, 993): SECURE_IMAP for address in ("192.0.2.5", "2001:db8::5")},
    )
    contacts = run(client_contacts, lab)
    assert sorted(lab.ports) == sorted(
        ("mail.d.example", address, port) for address in ("192.0.2.5", "2001:db8::5") for port in STANDARD
    )
    assert len(contacts) == 14
    assert [contact.endpoint.port for contact in contacts.values() if contact.published] == [993, 993]


ADDRESS = "mail.d.example. A 192.0.2.5\n"
BOTH = (
    ADDRESS + "_imap._tcp.d.example. SRV 0 1 143 mail.d.example.\n"
    "_imaps._tcp.d.example. SRV 0 1 993 mail.d.example.\n"
)
AT = ("192.0.2.5", 143)


@pytest.mark.parametrize(
    ("zone", "talks", "again"),
    [
        (ADDRESS, {}, []),  # nobody promised these
        (ADDRESS, {AT: SECURE_IMAP}, []),
        (ADDRESS, {AT: BYE}, []),
        (ADDRESS, {AT: IMAP}, [AT]),
        (BOTH, {AT: SECURE_IMAP}, []),
        (BOTH, {AT: IMAP}, [AT]),
        (BOTH, {}, [AT, ("192.0.2.5", 993)]),
        (BOTH, {AT: FILTERED}, [AT, ("192.0.2.5", 993)]),
        (BOTH, {AT: Transcript((Closed(0, Ending.UNREACHABLE, ""),))}, [("192.0.2.5", 993)]),
    ],
)
def test_a_second_look_is_taken_only_where_the_first_shows_something_grave(
    zone: str, talks: dict[tuple[str, int], Transcript], again: list[tuple[str, int]]
) -> None:
    lab = WorldLab(zone, talks)
    contacts = run(client_contacts, lab)
    assert lab.second_looks == again
    twice = [each for each in contacts.values() if each.other is not None]
    assert sorted((each.endpoint.address, each.endpoint.port) for each in twice) == again
    assert not any(each.waited for each in twice)
    assert not any(isinstance(each, Pause) for each in lab.visited)


@pytest.mark.parametrize("talks", [{AT: IMAP}, {}], ids=["grave", "dead"])
def test_who_wants_certainty_waits_before_the_second_look(talks: dict[tuple[str, int], Transcript]) -> None:
    lab = WorldLab(ADDRESS + "_imap._tcp.d.example. SRV 0 1 143 mail.d.example.", talks)
    contacts = run(client_contacts, lab, target(confirm=True))
    assert contacts.get("mail.d.example [192.0.2.5]:143").waited
    assert [each.waited for each in contacts.values()].count(True) == 1
    seen = [each for each in lab.visited if isinstance(each, Pause) or getattr(each, "port", 0) == 143]
    assert [type(each) for each in seen] == [ImapTalk, Pause, ImapTalk]
    assert seen[1].seconds == 60


def test_what_connected_once_is_told_beside_what_did_not() -> None:
    lab = WorldLab(ADDRESS + "_imap._tcp.d.example. SRV 0 1 143 mail.d.example.", {}, again={AT: SECURE_IMAP})
    _, imap, _, contacts = surveys(lab)
    (contact,) = (each for each in contacts.values() if each.endpoint.port == 143)
    assert contact.differs
    assert (contact.state, contact.probe.look) == (Reached.OPEN, 2)
    assert contact.other is not None
    assert (contact.other.session.state, contact.other.probe.look) == (Reached.CLOSED, 1)
    (survey,) = imap.values()
    assert (survey.probe.look, survey.other.probe.look) == (2, 1)


@pytest.mark.parametrize(
    ("port", "line"),
    [
        (587, "421 4.7.0 too many connections"),
        (143, "* BYE too many connections"),
        (110, "-ERR [IN-USE] mailbox in use"),
    ],
)
def test_who_turns_us_away_is_quoted_and_left_alone(port: int, line: str) -> None:
    lab = WorldLab(ADDRESS, {("192.0.2.5", port): said(line, ends=Ending.BY_PEER)})
    *found, _ = surveys(lab)
    (survey,) = (each for several in found for each in several.values())
    assert f'"{line}"' in survey.session.inconclusive
    assert lab.second_looks == []


@pytest.mark.parametrize(
    ("wishes", "addresses"),
    [
        ({"ipv6": False}, {"192.0.2.5"}),
        ({"ipv4": False}, {"2001:db8::5"}),
        ({}, {"192.0.2.5", "2001:db8::5"}),
    ],
)
def test_only_the_families_that_are_wished_for_are_talked_to(wishes: Any, addresses: set[str]) -> None:
    lab = WorldLab(ONE)
    run(client_contacts, lab, target(**wishes))
    assert {address for _, address, _ in lab.ports} == addresses


def test_private_addresses_are_not_talked_to() -> None:
    lab = WorldLab("mail.d.example. A 10.0.0.1\n_imap._tcp.d.example. SRV 0 1 143 mail.d.example.")
    contacts = run(client_contacts, lab)
    assert lab.ports == []
    assert isinstance(contacts.get("mail.d.example"), Absent)


def test_without_dialogues_nobody_is_visited() -> None:
    lab = WorldLab(ONE + WEB)
    aim = target(dialogues=False)
    assert isinstance(run(client_contacts, lab, aim), Unavailable)
    assert isinstance(run(autoconfig_document, lab, aim), Unavailable)
    assert lab.visited == []


def test_talks_begin_before_the_document_has_come() -> None:
    class Slow(WorldLab):
        async def run(self, probe: Any) -> Any:
            if isinstance(probe, HttpsGet):
                with anyio.fail_after(5):
                    while len(self.ports) < 7:
                        await anyio.sleep(0)
            return await super().run(probe)

    lab = Slow(WEB + "mail.d.example. A 192.0.2.5", documents={FIRST: HttpExchange(200, body=DOCUMENT)})
    run(client_contacts, lab)
    assert len(lab.ports) == 7


def surveys(lab: WorldLab) -> tuple[Many[Any], Many[Any], Many[Any], Many[ClientContact]]:
    async def go() -> Any:
        once = Once(lab)
        found = await access_hosts.function(target(), once)
        contacts = await client_contacts.function(target(), once)
        each = [
            await gather.function(contacts, found)
            for gather in (submission_surveys, imap_surveys, pop3_surveys)
        ]
        return (*each, contacts)

    result: tuple[Many[Any], Many[Any], Many[Any], Many[ClientContact]] = anyio.run(go)
    return result


def test_closed_and_filtered_ports_are_judged_only_where_they_are_published() -> None:
    lab = WorldLab(
        "mail.d.example. A 192.0.2.5\nsmtp.d.example. A 192.0.2.6\n"
        "_imap._tcp.d.example. SRV 0 1 143 mail.d.example.\n_pop3._tcp.d.example. SRV 0 1 110 mail.d.example.",
        {("192.0.2.5", 143): FILTERED, ("192.0.2.6", 143): FILTERED, ("192.0.2.6", 587): SMTP},
    )
    submission, imap, pop3, contacts = surveys(lab)
    assert {name: type(value) for name, value in imap.items.items()} == {
        "mail.d.example [192.0.2.5]:143": Unavailable
    }
    assert {name: type(value) for name, value in pop3.items.items()} == {
        "mail.d.example [192.0.2.5]:110": Absent
    }
    assert list(submission.items) == ["smtp.d.example [192.0.2.6]:587"]
    assert [each.state for each in contacts.values() if each.endpoint.address == "192.0.2.6"].count(
        Reached.CLOSED
    ) == 5


def test_a_published_host_that_cannot_be_looked_up_leaves_its_own_service_open() -> None:
    lab = WorldLab(
        "_imap._tcp.d.example. SRV 0 1 143 lost.d.example.",
        fails={("lost.d.example", "A"): "timeout", ("lost.d.example", "AAAA"): "timeout"},
    )
    submission, imap, pop3, _ = surveys(lab)
    assert {name: type(value) for name, value in imap.items.items()} == {"lost.d.example:143": Unavailable}
    assert len(submission) == len(pop3) == 0


def test_what_is_offered_in_clear_is_told_only_where_plain_text_comes_first() -> None:
    lab = WorldLab("mail.d.example. A 192.0.2.5", {("192.0.2.5", port): IMAP for port in (143, 993)})
    _, imap, _, contacts = surveys(lab)
    clear: Many[Any] = anyio.run(lambda: imap_in_clear.function(contacts, imap))
    assert list(clear.items) == ["mail.d.example [192.0.2.5]:143"]
    (told,) = clear.values()
    assert told.offer.mechanisms == ("PLAIN",)
    assert told.event == 4
    under: Many[Any] = anyio.run(lambda: imap_under_tls.function(imap))
    assert isinstance(under.get("mail.d.example [192.0.2.5]:143"), Absent)


@pytest.mark.parametrize(
    "turned_away",
    [
        said("421 4.7.0 too many connections", ends=Ending.BY_PEER),
        said("220 mail.d.example", "> EHLO x", "250-mail.d.example", ends=Ending.RESET),
        said(
            "220 mail.d.example", "> EHLO x", "502 no", "> HELO x", "250 mail.d.example", "> QUIT", "221 Bye"
        ),
        said("220 *****", "> EHLO x", "250-mail.d.example", "250 XXXXXXXA", "> QUIT", "221 Bye"),
    ],
    ids=["throttled", "cut", "helo-only", "masked"],
)
def test_an_incomplete_word_proves_no_absence(turned_away: Transcript) -> None:
    lab = WorldLab("mail.d.example. A 192.0.2.5", {("192.0.2.5", 587): turned_away})
    submission, _, _, contacts = surveys(lab)
    clear: Many[Any] = anyio.run(lambda: submission_in_clear.function(contacts, submission))
    assert isinstance(clear.get("mail.d.example [192.0.2.5]:587"), Unavailable)


@pytest.mark.parametrize(
    ("wishes", "routes", "name"),
    [
        ({"helo": "probe.example"}, {4: "192.0.2.1", 6: "2001:db8::1"}, "probe.example"),
        ({}, {4: "192.0.2.1", 6: "2001:db8::1"}, "[192.0.2.1]"),
        ({"ipv4": False}, {4: "192.0.2.1", 6: "2001:db8::1"}, "[IPv6:2001:db8::1]"),
        ({}, {4: "", 6: "2001:db8::1"}, "[IPv6:2001:db8::1]"),
        ({}, {4: "", 6: ""}, "[127.0.0.1]"),
    ],
)
def test_we_give_one_name(wishes: Any, routes: dict[int, str], name: str) -> None:
    lab = WorldLab("")
    lab.routes = routes
    assert anyio.run(helo, target(**wishes), lab) == name
