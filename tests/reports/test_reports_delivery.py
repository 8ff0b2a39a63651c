"""The table of who gets through: what each cell says and how it looks, and what is said beside it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from diag.api import Report
from diag.facts.delivery import Delivery, DeliveryAttempt, DeliveryCause as Cause, DeliveryOutcome as Outcome
from diag.model.knowing import Absent, Unavailable
from reports.delivery import delivery_data, who_gets_through


def report(known: object) -> Report:
    return cast(Report, SimpleNamespace(fact=lambda _: known))


def attempt(outcome: Outcome, **more: Any) -> DeliveryAttempt:
    given = {"host": "mx.example", "preference": 10, "address": "192.0.2.1", "cause": Cause.TAKEN, **more}
    goes_on = outcome is Outcome.DEFERRED
    return DeliveryAttempt(outcome=outcome, because=f"is {outcome}", goes_on=goes_on, **given)


def delivery(*attempts: DeliveryAttempt) -> Delivery:
    return Delivery(
        domain="d.example", mx="", policy="", hosts=(), plain=attempts, sts=attempts, dane=attempts
    )


@pytest.mark.parametrize(
    ("outcome", "word", "css", "notes"),
    [
        (Outcome.AUTHENTICATED, "authenticated TLS", "good", ()),
        (Outcome.TLS, "TLS", "good", ()),
        (Outcome.CLEAR, "clear text", "warn", ("Clear text: mx.example [192.0.2.1] is clear-text.",)),
        (Outcome.DEFERRED, "deferred", "err", ("Deferred: mx.example [192.0.2.1] is deferred.",)),
        (Outcome.BOUNCED, "bounced", "err", ("Bounced: mx.example [192.0.2.1] is bounced.",)),
        (Outcome.UNKNOWN, "not known", "unk", ("mx.example [192.0.2.1] is unknown.",)),
    ],
)
def test_a_cell_has_a_word_and_a_look_and_what_is_not_well_a_reason(
    outcome: Outcome, word: str, css: str, notes: tuple[str, ...]
) -> None:
    table = who_gets_through(report(delivery(attempt(outcome))))
    assert table is not None
    assert [row.name for row in table.rows] == ["opportunistic TLS", "MTA-STS", "DANE"]
    first = table.rows[0].cells
    assert (first[0].word, first[0].css) == (word, css)
    # There is no IPv6 address: that is no fault, and no reason to say more.
    assert (first[2].word, first[2].css) == ("no address", "mute")
    assert table.notes == notes


def test_what_may_be_met_and_is_not_known_stands_beside_the_table() -> None:
    table = who_gets_through(
        report(delivery(attempt(Outcome.TLS), attempt(Outcome.UNKNOWN, host="b.example")))
    )
    assert table is not None
    assert table.rows[0].cells[0].word == "TLS?"
    assert table.notes == ("b.example [192.0.2.1] is unknown.",)


def test_reasons_end_somewhere() -> None:
    unknown = [attempt(Outcome.UNKNOWN, host=f"mx{number}.example") for number in range(20)]
    table = who_gets_through(report(delivery(*unknown)))
    assert table is not None
    assert len(table.notes) == 9
    assert table.notes[-1] == "12 more reasons stand in the JSON report."


@pytest.mark.parametrize(
    "known",
    [
        Absent(),
        Unavailable("no conversations are held"),
        delivery(attempt(Outcome.BOUNCED, cause=Cause.NO_HOST, host="", address="")),
    ],
)
def test_where_nobody_was_talked_to_or_no_mail_is_taken_there_is_no_table(known: object) -> None:
    assert who_gets_through(report(known)) is None


def test_data_is_null_where_nobody_was_talked_to() -> None:
    assert delivery_data(report(Unavailable("x"))) is None
    told = delivery_data(report(delivery(attempt(Outcome.TLS))))
    assert told is not None
    assert len(told["paths"]) == 9
