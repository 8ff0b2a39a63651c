"""What the talk that asks a host to relay says, and how its transcript is read."""

from __future__ import annotations

import pytest
from hypothesis import given, settings, strategies as st

from diag.gather.intrusive import attempts, elsewhere, routed
from diag.model.target import Endpoint, Target
from diag.wire.actions import Say
from diag.wire.relay import Attempt, Taken, read_relay, relay_dialogue
from diag.wire.transcript import Closed, Ending, Event, Opened, Said, Transcript, Who

TRIES = (
    Attempt("probe@away.example", ("n@away.example", "@d.example:n@away.example")),
    Attempt("", ("n@away.example",)),
)
LOCAL = "postmaster@d.example"


def said(*replies: str) -> list[str]:
    """What the dialogue says to these replies, the greeting first; it ends early where they run out."""
    steps = relay_dialogue("mx", "me", "none", TRIES, LOCAL, timeout=60).steps
    waiting = iter(replies)
    lines: list[str] = []
    action = next(steps)
    try:
        while True:
            if isinstance(action, Say):
                lines.append(action.octets.decode().rstrip())
                action = steps.send(None)
            else:
                reply = next(waiting, None)
                if reply is None:
                    return lines
                action = steps.send((reply.encode() + b"\r\n",))
    except StopIteration:
        return lines


BEGUN = ("220 mx", "250 mx")
FIRST = "RCPT TO:<n@away.example>"


def test_it_stops_at_the_first_recipient_taken_and_resets() -> None:
    lines = said(*BEGUN, "250 Ok", "250 Ok", "250 reset", "221 Bye")
    assert lines == ["EHLO me", "MAIL FROM:<probe@away.example>", FIRST, "RSET", "QUIT"]


def test_where_all_is_refused_every_sender_is_tried_and_the_local_mailbox_last() -> None:
    lines = said(
        *BEGUN,
        *("250 Ok", "554 no", "554 no", "250 reset"),
        *("250 Ok", "554 no", "250 reset"),
        *("250 Ok", "550 no", "250 reset", "221 Bye"),
    )
    assert lines[1:] == [
        *("MAIL FROM:<probe@away.example>", FIRST, "RCPT TO:<@d.example:n@away.example>", "RSET"),
        *("MAIL FROM:<>", FIRST, "RSET"),
        *("MAIL FROM:<probe@away.example>", f"RCPT TO:<{LOCAL}>", "RSET", "QUIT"),
    ]


@pytest.mark.parametrize("reply", ["530 5.7.0 Authentication required", "421 too many errors"])
def test_a_wish_for_a_login_or_a_parting_word_ends_it(reply: str) -> None:
    assert said(*BEGUN, reply, "221 Bye")[1:] == ["MAIL FROM:<probe@away.example>", "QUIT"]


def test_a_sender_that_is_refused_costs_one_command() -> None:
    lines = said(*BEGUN, "550 no such domain", "250 Ok")
    assert lines[1:3] == ["MAIL FROM:<probe@away.example>", "MAIL FROM:<>"]


def talk(*lines: str, ends: Ending = Ending.BY_US) -> Transcript:
    events: list[Event] = [Opened(0, "192.0.2.1", 25)]
    for line in lines:
        who = Who.US if line.startswith("> ") else Who.PEER
        events.append(Said(1, who, line.removeprefix("> ").encode() + b"\r\n", False))
    return Transcript((*events, Closed(9, ends, "")))


START = ("220 mx", "> EHLO me", "250 mx", "> MAIL FROM:<probe@away.example>", "250 Ok")
RCPT = f"> {FIRST}"
READINGS = {
    "taken": (talk(*START, RCPT, "250 Ok"), Taken.YES),
    "will forward": (talk(*START, RCPT, "251 will forward"), Taken.YES),
    "not verified": (talk(*START, RCPT, "252 cannot verify"), Taken.UNKNOWN),
    "refused": (talk(*START, RCPT, "554 5.7.1 Relay access denied"), Taken.NO),
    "refused with our name in it": (talk(*START, RCPT, "550 <n@me>: relaying denied to me"), Taken.NO),
    "refused as no client of theirs": (
        talk(*START, RCPT, "554 5.7.1 <unknown[203.0.113.5]>: Client host rejected: Access denied"),
        Taken.NO,
    ),
    "deferred, as Postfix does": (talk(*START, RCPT, "454 4.7.1 <n@x>: Relay access denied"), Taken.NO),
    "greylisted": (talk(*START, RCPT, "451 4.7.1 Greylisting in action"), Taken.UNKNOWN),
    "listed": (talk(*START, RCPT, "554 5.7.1 blocked using zen.spamhaus.org"), Taken.UNKNOWN),
    "a login wanted": (talk(*START[:4], "530 5.7.0 Authentication required"), Taken.NO),
    "the sender refused": (talk(*START[:4], "550 5.1.8 Sender address rejected"), Taken.UNKNOWN),
    "cut off": (talk(*START, RCPT, ends=Ending.BY_PEER), Taken.UNKNOWN),
    "greeted by nobody": (talk(ends=Ending.SILENT), Taken.UNKNOWN),
    "local taken": (
        talk(*START, RCPT, "554 relaying denied", f"> RCPT TO:<{LOCAL}>", "250 Ok"),
        Taken.LOCAL,
    ),
    "local put off": (
        talk(*START, RCPT, "554 relaying denied", f"> RCPT TO:<{LOCAL}>", "451 later"),
        Taken.NO,
    ),
    "taken once refused": (
        talk(*START, RCPT, "554 no", "> RSET", "250 Ok", "> MAIL FROM:<>", "250 Ok", RCPT, "250 Ok"),
        Taken.YES,
    ),
}


@pytest.mark.parametrize(("transcript", "taken"), READINGS.values(), ids=READINGS)
def test_readings(transcript: Transcript, taken: Taken) -> None:
    read = read_relay(transcript, LOCAL)
    assert read.taken is taken
    assert bool(read.because) is (taken is Taken.UNKNOWN)
    assert bool(read.recipient) is (taken in (Taken.YES, Taken.LOCAL))


def test_the_sender_told_is_the_one_it_was_taken_from() -> None:
    transcript, _ = READINGS["taken once refused"]
    read = read_relay(transcript)
    assert (read.sender, read.recipient) == ("", "n@away.example")


ROUTED = ("n@d.example", "n%away.example@d.example", "away.example!n@d.example")
NOBODY, PERCENT, BANG = (f"> RCPT TO:<{each}>" for each in ROUTED)
REFUSED = (*START, RCPT, "554 no")
ROUTES = {
    "a route is taken, and nobody is not": (
        talk(*REFUSED, NOBODY, "550 unknown", PERCENT, "250 Ok"),
        Taken.ROUTED,
    ),
    "the second of them": (
        talk(*REFUSED, NOBODY, "550 unknown", PERCENT, "550 no", BANG, "250 Ok"),
        Taken.ROUTED,
    ),
    "everything is taken": (talk(*REFUSED, NOBODY, "250 Ok"), Taken.NO),
    "nobody was put off": (talk(*REFUSED, NOBODY, "451 4.7.1 greylisted", PERCENT, "250 Ok"), Taken.NO),
    "nobody was refused for us": (
        talk(*REFUSED, NOBODY, "550 5.7.1 listed by zen.spamhaus.org", PERCENT, "250 Ok"),
        Taken.NO,
    ),
    "neither is taken": (talk(*REFUSED, NOBODY, "550 unknown", PERCENT, "550 no", BANG, "550 no"), Taken.NO),
    "too many errors by then": (talk(*REFUSED, NOBODY, "421 too many errors"), Taken.NO),
    "elsewhere was put off": (
        talk(*START, RCPT, "451 later", NOBODY, "550 unknown", PERCENT, "550 no"),
        Taken.UNKNOWN,
    ),
}


@pytest.mark.parametrize(("transcript", "taken"), ROUTES.values(), ids=ROUTES)
def test_a_route_in_a_name_tells_something_only_where_nobody_is_refused(
    transcript: Transcript, taken: Taken
) -> None:
    assert read_relay(transcript, "", ROUTED).taken is taken


def test_without_a_login_every_mailbox_of_the_domain_is_a_local_one() -> None:
    taken = talk(*REFUSED, NOBODY, "250 Ok")
    assert read_relay(taken, LOCAL, ROUTED).taken is Taken.LOCAL


def test_routes_are_tried_after_all_that_ends_elsewhere_and_up_to_the_first_that_is_taken() -> None:
    tries = (Attempt("probe@away.example", ("n@away.example",)),)
    steps = relay_dialogue("mx", "me", "none", tries, "", ROUTED, timeout=60).steps
    replies = iter(
        ("220 mx", "250 mx", "250 Ok", "554 no", "250 Ok", "250 Ok", "550 no", "250 Ok", "250 Ok", "221")
    )
    lines, action = [], next(steps)
    try:
        while True:
            if isinstance(action, Say):
                lines.append(action.octets.decode().rstrip())
                action = steps.send(None)
            else:
                action = steps.send((next(replies).encode() + b"\r\n",))
    except StopIteration:
        pass
    mail = "MAIL FROM:<probe@away.example>"
    assert lines[1:] == [mail, FIRST, "RSET", mail, NOBODY[2:], PERCENT[2:], "RSET", "QUIT"]


def test_routed_recipients_belong_to_the_domain_or_to_none_and_lead_elsewhere() -> None:
    nobody, *others = routed(Target("d.example"), MX, "n")
    assert nobody == "n@d.example"
    assert len(others) == 6
    assert all(
        "example.org" in each and each.partition(">")[0].endswith(("@d.example", "n", "org"))
        for each in others
    )
    assert not any(each.endswith("@example.org") for each in others)


@settings(max_examples=60)
@given(st.lists(st.one_of(st.sampled_from([RCPT, "> MAIL FROM:<", "250 Ok", "250-", "999", "4"]), st.text())))
def test_nothing_raises(lines: list[str]) -> None:
    read_relay(talk(*lines), LOCAL, ROUTED)


MX = Endpoint("mx.d.example", "192.0.2.1", 25)


def test_every_recipient_ends_in_a_domain_elsewhere() -> None:
    tries = attempts(Target("d.example", public=("203.0.113.0/24",)), MX, "203.0.113.5", "n")
    recipients = {recipient for each in tries for recipient in each.recipients}
    assert recipients == {"n@example.org", "@d.example:n@example.org", "n@[203.0.113.5]"}
    assert [each.sender for each in tries] == [
        "probe@example.org",
        "",
        "postmaster@d.example",
        "postmaster@[192.0.2.1]",
        "postmaster@mx.d.example",
    ]


def test_our_own_address_is_left_out_where_strangers_cannot_reach_it() -> None:
    tries = attempts(Target("d.example"), MX, "192.168.0.7", "n")
    assert "[" not in "".join(tries[0].recipients)


ELSEWHERE = [
    ("d.example", "", "example.org"),
    ("example.org", "", "example.net"),
    ("d.example.org", "", "example.net"),
    ("d.example", "me.other.test", "me.other.test"),
    # Names that the host may have to do with are no test of relaying.
    ("d.example", "mail.d.example", "example.org"),
    ("other.test", "mail.d.example", "example.org"),
    ("d.example", "[192.0.2.9]", "example.org"),
    ("d.example", "localhost", "example.org"),
]


@pytest.mark.parametrize(("domain", "helo", "away"), ELSEWHERE)
def test_elsewhere_is_never_the_hosts_own(domain: str, helo: str, away: str) -> None:
    assert elsewhere(Target(domain, helo=helo), MX) == away
