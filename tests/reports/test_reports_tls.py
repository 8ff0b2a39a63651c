"""What TLS endpoints speak, as reports tell it: those alike together, and an offer only where something points at it."""

from __future__ import annotations

import dataclasses
from typing import Any

import sample

from diag.api import Many, Report
from diag.facts.tls_survey import TlsSurvey, Tried
from diag.model.knowing import Cite
from diag.model.target import Depth, Endpoint
from diag.probes.tls_offer import TlsOffer
from diag.tls import offers
from diag.tls.answer import Accepted, Answer, Declined, Unheard
from diag.tls.handshake import Handshake
from diag.tls.offer import SSL2, TLS10, TLS12, Offer
from diag.wire.transcript import Answered
from reports.text import text
from reports.tls import as_json, rows

MADE = Handshake("TLSv1.3", "TLS_AES_256_GCM_SHA384", "X25519MLKEM768")


def survey(address: str, port: int, *answers: tuple[Offer, Answer], left: str = "", **more: Any) -> TlsSurvey:
    tried = tuple(Tried(offer, answer, Cite(None)) for offer, answer in answers)
    return TlsSurvey(
        endpoint=Endpoint("mx.example", address, port),
        client_port=port != 25,
        depth=more.pop("depth", Depth.STANDARD),
        handshake=MADE,
        shown=Cite(None),
        tried=tried,
        left=left,
    )


USUAL = ((offers.old(), Declined(70)), (offers.usual_12(), Accepted(TLS12, 0xC030, 0x1D)))
OLD = (
    (offers.old(), Accepted(TLS10, 0x2F)),
    (offers.usual_12(), Unheard("a reset")),
    (offers.ssl2(), Accepted(SSL2, 0x010080, kinds=(0x010080, 0x0700C0))),
)


def reported(*surveys: TlsSurvey) -> Report:
    found: Many[TlsSurvey] = Many({str(each.endpoint): each for each in surveys})
    return dataclasses.replace(sample.healthy(), facts={TlsSurvey: found})


def test_endpoints_that_are_alike_are_told_together() -> None:
    report = reported(
        survey("192.0.2.1", 465, *USUAL),
        survey("192.0.2.1", 25, *USUAL),
        survey("192.0.2.2", 25, *OLD, left="a reset"),
        survey("192.0.2.2", 465, *USUAL),
        survey("2001:db8::1", 25, *USUAL),
    )
    alike, other = rows(report)
    assert alike.places == (
        "mx.example on 25, 465 at 192.0.2.1",
        "mx.example on 25 at 2001:db8::1",
        "mx.example on 465 at 192.0.2.2",
    )
    assert [shown.word for shown in alike.versions] == [
        "TLS 1.3",
        "TLS 1.2",
        "not TLS 1.1",
        "not TLS 1.0",
        "not SSL 3.0",
        "SSL 2.0",
    ]
    assert [shown.symbol for shown in alike.versions] == ["✓", "✓", "–", "–", "–", "?"]
    assert (alike.groups, alike.left) == (("X25519MLKEM768", "x25519"), "")
    assert other.places == ("mx.example on 25 at 192.0.2.2",)
    assert [shown.symbol for shown in other.versions] == ["✓", "?", "–", "•", "?", "•"]
    assert [(each.version, each.names, each.all) for each in other.suites] == [
        ("TLS 1.3", ("TLS_AES_256_GCM_SHA384",), False),
        ("TLS 1.0", ("TLS_RSA_WITH_AES_128_CBC_SHA",), False),
        ("SSL 2.0", ("SSL_CK_RC4_128_WITH_MD5", "SSL_CK_DES_192_EDE3_CBC_WITH_MD5"), False),
    ]
    assert other.left == "a reset"


def test_one_handshake_alone_is_told_elsewhere() -> None:
    report = reported(survey("192.0.2.1", 25, depth=Depth.BASIC))
    assert rows(report) == ()
    (told,) = as_json(report)
    assert (told["depth"], told["offers"], told["versions"]["TLS 1.3"]) == ("basic", 0, "yes")


def test_the_text_tells_all_of_it_where_it_is_asked_to() -> None:
    report = reported(survey("192.0.2.1", 25, *OLD, left="a reset"))
    assert "What TLS is spoken" not in text.function(report)
    told = text.function(report, verbose=True).partition("What TLS is spoken")[2].split("\n\n")[0]
    assert told.splitlines()[2:] == [
        "mx.example on 25 at 192.0.2.1",
        "  ✓ TLS 1.3; ? TLS 1.2, SSL 3.0; – not TLS 1.1; • TLS 1.0, SSL 2.0",
        "  TLS 1.3: TLS_AES_256_GCM_SHA384 (others were not asked for)",
        "  TLS 1.0: TLS_RSA_WITH_AES_128_CBC_SHA (others were not asked for)",
        "  SSL 2.0: SSL_CK_RC4_128_WITH_MD5, SSL_CK_DES_192_EDE3_CBC_WITH_MD5 (others",
        "  were not asked for)",
        "  Groups: X25519MLKEM768",
        "? a reset",
    ]


def test_scripts_get_every_endpoint() -> None:
    report = reported(survey("192.0.2.1", 25, *USUAL), survey("192.0.2.1", 465, *USUAL))
    first, second = as_json(report)
    assert (first["port"], second["port"]) == (25, 465)
    assert first["versions"]["TLS 1.1"] == "no"
    assert first["versions"]["SSL 2.0"] == "unknown"
    assert first["suites"][0] == {
        "version": "TLS 1.2",
        "names": ["TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"],
        "all": False,
    }


def test_an_offer_is_among_the_dialogues_where_a_finding_cites_it() -> None:
    report = sample.healthy()
    offer = next(probe for probe in report.evidence if isinstance(probe, TlsOffer))
    assert offer.offer.name not in sample.page_of(report).all("main")[0].text.partition("Dialogues")[2]
    (answered,) = (
        at for at, event in enumerate(report.evidence[offer].events) if isinstance(event, Answered)
    )
    finding = sample.LineSaid(subject="mx", said="x", evidence=(Cite(offer, answered),))
    cited = sample.with_results(report, sample.failed(finding))
    page = sample.page_of(cited).all("main")[0].text
    assert f"ClientHello: {offer.offer.name}" in page.partition("Dialogues")[2]
    assert f"answered to {offer.offer.name}" in page
    told = text.function(cited, verbose=True)
    assert "ClientHello of" in told
    assert "ClientHello of" not in text.function(report, verbose=True)
