"""Lists are made where they were wished for, and hold what was heard alone."""

from __future__ import annotations

import dataclasses

import anyio
import pytest
from tls_kit import MODERN, TLS_12, survey

from diag.facts.inventory import TlsInventory
from diag.facts.tls_after import TlsTickets
from diag.facts.tls_survey import TlsSurvey, Tried
from diag.gather.inventory import NOT_WISHED, imap_inventories, smtp_inventories, tls_inventories
from diag.model.knowing import Absent, Cite, Many, Unavailable
from diag.model.target import Target
from diag.sandbox.tls_script import tls_script
from diag.tls.handshake import Handshake, Ticket, TlsFailure, TlsTrouble

UNKNOWN = Unavailable("turned away")
SUITES = ["TLS_AES_256_GCM_SHA384", "ECDHE-RSA-AES128-GCM-SHA256"]
WISHED = Target("lantern.example", inventory=True)


def test_what_nobody_wished_for_is_absent_and_never_unknown() -> None:
    target = Target("lantern.example")
    for known in (UNKNOWN, Many({})):
        assert anyio.run(smtp_inventories.function, target, known) == NOT_WISHED
        assert anyio.run(imap_inventories.function, target, known, known) == NOT_WISHED
        assert anyio.run(tls_inventories.function, target, known, known) == NOT_WISHED


def test_what_could_not_be_found_out_is_unknown_where_it_was_wished_for() -> None:
    assert anyio.run(smtp_inventories.function, WISHED, UNKNOWN) == UNKNOWN
    assert anyio.run(imap_inventories.function, WISHED, Many({}), UNKNOWN) == UNKNOWN
    assert anyio.run(imap_inventories.function, WISHED, UNKNOWN, Many({})) == UNKNOWN
    assert anyio.run(tls_inventories.function, WISHED, UNKNOWN, Many({})) == UNKNOWN
    one = Many({"a": UNKNOWN})
    assert anyio.run(smtp_inventories.function, WISHED, one).items["a"] == UNKNOWN
    assert anyio.run(imap_inventories.function, WISHED, one, Many({"a": Absent()})).items["a"] == UNKNOWN
    assert isinstance(
        anyio.run(imap_inventories.function, WISHED, Many({"a": Absent()}), Many({})).items["a"], Absent
    )
    assert anyio.run(tls_inventories.function, WISHED, one, one).items["a"] == UNKNOWN


def listed(seen: TlsSurvey, tickets: TlsTickets | Unavailable) -> TlsInventory | Absent:
    found = anyio.run(tls_inventories.function, WISHED, Many({"a": seen}), Many({"a": tickets}))
    assert isinstance(found, Many)
    each = found.items["a"]
    assert isinstance(each, TlsInventory | Absent)
    return each


@pytest.mark.parametrize(
    ("offered", "chosen", "alpn"), [((), "", None), (("imap",), "", ()), (("imap",), "imap", ("imap",))]
)
def test_a_protocol_that_was_not_offered_is_not_refused(
    offered: tuple[str, ...], chosen: str, alpn: tuple[str, ...] | None
) -> None:
    seen = survey(tls_script({"suites": SUITES}), TLS_12, port=143)
    first = seen.tried[0]
    answer = dataclasses.replace(next(each for _, each in seen.taken), alpn=chosen)
    tried = Tried(dataclasses.replace(first.offer, alpn=offered), answer, first.cite)
    found = listed(dataclasses.replace(seen, tried=(tried,)), UNKNOWN)
    assert isinstance(found, TlsInventory)
    assert (found.alpn, found.tickets, found.stapled) == (alpn, None, False)


def test_tickets_are_listed_as_they_were_read() -> None:
    seen = survey(tls_script({"suites": SUITES}), MODERN)
    tickets = TlsTickets(seen.endpoint, (Ticket(60), Ticket(60, 9)), Cite("the end"))
    found = listed(seen, tickets)
    assert isinstance(found, TlsInventory)
    assert found.tickets == tickets.tickets
    assert found.cites == (seen.shown, tickets.cite)


@pytest.mark.parametrize("made", [TlsFailure(TlsTrouble.CLOSED)])
def test_without_a_handshake_there_is_nothing_to_list(made: Handshake | TlsFailure) -> None:
    assert isinstance(listed(survey(tls_script({"suites": SUITES}), made), UNKNOWN), Absent)
