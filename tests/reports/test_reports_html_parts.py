"""Single parts of the page: the route, an endpoint in a word, prose, names and policies."""

from __future__ import annotations

import dataclasses

import pytest
import sample

from diag.facts.mx import MailExchange, MxHost, Routing
from diag.model.knowing import Absent, Many, Unavailable
from diag.probes.talks import SmtpTalk
from diag.wire.transcript import Closed, Ending, Opened, Said, Transcript, Who
from reports.html.endpoints import heard
from reports.html.prose import blocks


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
            (Opened(1, "a", 25), Said(1, Who.PEER, b"220 hi\r\n", False), Closed(2, Ending.BY_US, "")),
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
