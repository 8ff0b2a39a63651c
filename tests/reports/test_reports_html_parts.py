"""Single parts of the page: the route, an endpoint in a word, prose, names and policies."""

from __future__ import annotations

import dataclasses

import page_reader
import pytest
import sample
from page_reader import Page

from diag.facts.mx import MailExchange, MxHost, Routing
from diag.facts.reverse import PointerName, ReverseName
from diag.model.fix import Configure, Fix
from diag.model.knowing import Absent, Cite, Many, Unavailable
from diag.probes.dns import DnsQuery
from diag.probes.https import HttpExchange, HttpsGet
from diag.probes.talks import SmtpTalk
from diag.wire.transcript import Closed, Ending, Opened, Said, Transcript, Who
from reports.html.anchors import Anchors
from reports.html.dialogues import fetched
from reports.html.endpoints import heard
from reports.html.prose import blocks


@pytest.fixture
def healthy() -> str:
    return sample.text_of("healthy")


def test_a_route_without_addresses_says_why() -> None:
    base = sample.healthy()
    exchanges = (MailExchange(10, "a.example"), MailExchange(20, "b.example"), MailExchange(30, "c.example"))
    gone = MxHost("a.example", 10, "a.example", (), False, (), (), "", False, ())
    facts = {
        Routing: Routing("lantern.example", exchanges, False, True, ()),
        MxHost: Many({"a.example": gone, "b.example": Unavailable("SERVFAIL")}),
    }
    title = sample.page_of(dataclasses.replace(base, facts=facts)).by_id("route-text").text
    assert "a.example, preference 10:  does not exist." in title.replace(": does", ":  does")
    assert "b.example, preference 20" in title
    assert "could not be looked up" in title
    assert "c.example, preference 30" in title


def test_a_domain_without_mail_hosts_has_no_route() -> None:
    base = sample.healthy()
    for routing in (
        Absent("x does not exist"),
        Routing("x.example", (MailExchange(0, "."),), False, True, ()),
    ):
        page = sample.page_of(dataclasses.replace(base, facts={Routing: routing}))
        assert "route" not in page.ids


@pytest.mark.parametrize(
    ("events", "symbol", "word"),
    [
        ((Closed(1, Ending.REFUSED, ""),), "–", "closed"),
        ((Closed(1, Ending.FILTERED, ""),), "–", "no answer"),
        ((Closed(1, Ending.UNREACHABLE, ""),), "?", "unreachable"),
        ((Opened(1, "a", 25), Closed(2, Ending.SILENT, "")), "?", "silent"),
        ((Opened(1, "a", 25), Closed(2, Ending.BY_PEER, "")), "?", "closed early"),
        (
            (Opened(1, "a", 25), Said(1, Who.PEER, b"421 no\r\n", False), Closed(2, Ending.BY_PEER, "")),
            "?",
            "421",
        ),
        (
            (Opened(1, "a", 25), Said(1, Who.PEER, b"554 no\r\n", False), Closed(2, Ending.BY_US, "")),
            "?",
            "554",
        ),
        (
            (Opened(1, "a", 25), Said(1, Who.PEER, b"220 hi\r\n", False), Closed(2, Ending.BY_US, "")),
            "?",
            "not heard",
        ),
        (
            (
                Opened(1, "a", 25),
                Said(1, Who.PEER, b"220 hi\r\n", False),
                Said(1, Who.US, b"EHLO me\r\n", False),
                Said(1, Who.PEER, b"250 hi\r\n", False),
                Closed(2, Ending.BY_US, ""),
            ),
            "–",
            "no TLS",
        ),
        ((), "?", "failed"),
    ],
)
def test_a_conversation_is_told_in_a_word(events: tuple[object, ...], symbol: str, word: str) -> None:
    shown = heard(SmtpTalk("a", 25, "mx", "me"), Transcript(events))  # type: ignore[arg-type]
    assert (shown.symbol, shown.word) == (symbol, word)


def test_prose_knows_paragraphs_lists_code_and_lines() -> None:
    found = blocks("One `two`\nthree.\n\n- a\n- b `c`\n  d\n\n    line 1\n    line 2")
    assert [block.kind for block in found] == ["p", "li", "li", "pre"]
    assert [(span.text, span.code) for span in found[0].spans] == [
        ("One ", False),
        ("two", True),
        (" three.", False),
    ]
    assert found[2].spans[-1].text == " d"
    assert found[3].spans[0].text == "line 1\nline 2"


def section(page: Page, name: str) -> str:
    """The text of one section, on one line."""
    (found,) = [e for e in page.all("section") if e.attributes["aria-labelledby"] == name]
    return " ".join(found.text.split())


def test_reverse_names_are_told_address_by_address() -> None:
    def seen(address: str, *names: PointerName, broken: str = "") -> ReverseName:
        return ReverseName(
            address, ("mx.example",), f"{address}.arpa", "ptr.example", names, broken, False, ()
        )

    facts: dict[type, object] = {
        ReverseName: Many(
            {
                "192.0.2.1": seen("192.0.2.1", PointerName("mx.example", ("192.0.2.1",), True, "")),
                "192.0.2.2": seen("192.0.2.2", PointerName("other.example", ("192.0.2.9",), False, "")),
                "192.0.2.3": seen("192.0.2.3"),
                "192.0.2.4": seen("192.0.2.4", broken="SERVFAIL"),
                "192.0.2.5": Unavailable("nobody answers"),
                "192.0.2.6": seen("192.0.2.6", PointerName("slow.example", (), False, "timed out")),
            }
        )
    }
    said = section(sample.page_of(dataclasses.replace(sample.healthy(), facts=facts)), "reverse")
    for line in (
        "192.0.2.1✓leads back mx.examplePTR at ptr.examplemx.example",
        "192.0.2.2✗does not lead back other.example",
        "192.0.2.3✗no name –",
        "192.0.2.4✗its zone does not answer: SERVFAIL",
        "192.0.2.5?nobody answers –",
        "192.0.2.6?timed out slow.example",
    ):
        assert line in said


def test_what_is_published_for_transport_is_shown_as_published(healthy: str) -> None:
    said = section(page_reader.read(healthy), "transport")
    for line in ("id=20261101T090000", "mode: enforce", "mx: mx1.lantern.example", "(DANE-EE SPKI SHA2-256)"):
        assert line in said


def test_tables_that_a_phone_takes_apart_say_what_each_part_is(healthy: str) -> None:
    """A browser that is told to lay a table out as blocks may no longer tell that it is one."""
    page = page_reader.read(healthy)
    apart = page.all("table")
    assert len(apart) >= 8
    assert all(table.attributes["role"] == "table" for table in apart)
    roles = {"thead": {"rowgroup"}, "tbody": {"rowgroup"}, "tr": {"row"}, "td": {"cell"}}
    roles["th"] = {"columnheader", "rowheader"}
    for table in apart:
        inside = [e for e in page.elements if "table" in e.within and table.begin <= e.begin < table.end]
        assert inside
        for element in inside:
            if element.name in roles:
                assert element.attributes.get("role") in roles[element.name], element


@pytest.mark.parametrize(
    ("fix", "said", "named"),
    [
        (Configure("mx.example", "certbot renew", "certbot"), "Run on mx.example:", True),
        (Configure("mx.example", "ssl = yes", "Dovecot"), "In Dovecot on mx.example:", True),
        (Configure("the panel of your provider", "PTR: mx.example"), "On the panel of your provider:", False),
    ],
)
def test_a_step_says_where_and_sets_only_names_as_code(fix: Fix, said: str, named: bool) -> None:
    base = sample.healthy()
    found = sample.Small(subject=base.target.domain, fix=(fix,))
    page = sample.page_of(sample.with_results(base, sample.failed(found)))
    (lead,) = [e for e in page.all("p") if e.attributes.get("class") == "lead-in"]
    assert lead.text == said
    assert any(lead.begin <= e.begin < lead.end for e in page.all("code")) is named


def test_what_shows_the_defect_is_asked_before_what_only_leads_there() -> None:
    base = sample.healthy()
    policy = HttpsGet("mta-sts.lantern.example", "198.51.100.40", "/.well-known/mta-sts.txt")
    name = "mta-sts.lantern.example"
    cites = (
        Cite(DnsQuery(name, "A")),
        Cite(DnsQuery(name, "AAAA")),
        Cite(policy),
        Cite(DnsQuery(name, "TXT")),
    )
    found = sample.Small(subject=base.target.domain, evidence=cites)
    page = sample.page_of(sample.with_results(base, sample.failed(found)))
    shown = [e.text for e in page.all("code") if e.attributes.get("class") == "cmd"]
    assert shown == [policy.command(), DnsQuery(name, "TXT").command()]


@pytest.mark.parametrize(("status", "symbol"), [(200, "✓"), (404, "–"), (410, "–"), (403, "?"), (500, "?")])
def test_a_file_that_is_not_there_is_an_answer(status: int, symbol: str) -> None:
    report = dataclasses.replace(
        sample.healthy(), evidence={HttpsGet("a.example", "192.0.2.1"): HttpExchange(status, "So")}
    )
    (exchange,) = fetched(Anchors(report))
    assert (exchange.shown.symbol, exchange.shown.word) == (symbol, str(status))


def test_a_cell_of_the_matrix_names_its_port_where_there_is_no_head(healthy: str) -> None:
    page = page_reader.read(healthy)
    cells = [e for e in page.all("td") if "m" in e.attributes.get("class", "").split()]
    tried = [e for e in cells if "none" not in e.attributes["class"].split()]
    assert tried
    assert {e.attributes.get("data-h") for e in tried} >= {"25", "587", "993"}
    assert None not in {e.attributes.get("data-h") for e in tried}
