"""How the MX hosts are visited: whom we talk to, when we look twice, and what is left open."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import anyio
import dns.rrset
import pytest

from diag.facts.inbound import InboundContact
from diag.facts.mx import MxHost
from diag.gather.dns import NOBODY
from diag.gather.inbound import (
    helo_name,
    inbound_contacts,
    inbound_injections,
    inbound_mailboxes,
    inbound_offers,
    inbound_surveys,
    inbound_tls,
)
from diag.model.finding import Certainty
from diag.model.knowing import Absent, Many, Unavailable
from diag.model.target import Target
from diag.probes.dns import DnsQuery, build_answer
from diag.probes.injection import InjectionTalk
from diag.probes.moment import Reach, Reached as Reached25, Route, Source
from diag.probes.pause import Pause, Paused
from diag.probes.talks import SmtpTalk
from diag.tls.handshake import Handshake, TlsFailure, TlsTrouble
from diag.wire.reach import Reached
from diag.wire.transcript import Closed, Ending, Event, Opened, Said, Secured, Transcript, Who

V4, V6 = "192.0.2.10", "2001:db8::10"
PUBLIC = ("192.0.2.0/24", "2001:db8::/32")


def talk(
    *script: str | Event, ends: Ending = Ending.BY_US, address: str = V4, detail: str = ""
) -> Transcript:
    """A transcript from lines: `> ` we say, `~` at the front is under TLS."""
    events: list[Event] = [Opened(0, address, 25)]
    for item in script:
        if not isinstance(item, str):
            events.append(item)
            continue
        secure, text = item.startswith("~"), item.removeprefix("~")
        who = Who.US if text.startswith("> ") else Who.PEER
        events.append(Said(1, who, text.removeprefix("> ").encode() + b"\r\n", secure))
    return Transcript((*events, Closed(9, ends, detail)))


def nothing(how: Ending) -> Transcript:
    return Transcript((Closed(0, how, ""),))


TLS = Secured(2, Handshake("TLSv1.3", "TLS_AES_256_GCM_SHA384"), b"")
FAILED = Secured(2, TlsFailure(TlsTrouble.ALERT, "handshake_failure"), b"")
HELLO = ("220 mx.example ESMTP", "> EHLO [192.0.2.1]", "250-mx.example", "250 STARTTLS", "> STARTTLS")
MAIL = ("~> MAIL FROM:<>", "~250 Ok", "~> RCPT TO:<postmaster@d.example>")
SECURE = (*HELLO, "220 Go", TLS, "~> EHLO [192.0.2.1]", "~250-mx.example", "~250 8BITMIME")
GOOD = talk(*SECURE, *MAIL, "~250 Ok", "~> QUIT", "~221 Bye")
BARE = talk(
    "220 mx.example ESMTP", "> EHLO [192.0.2.1]", "250-mx.example", "250 8BITMIME", "> QUIT", "221 Bye"
)
BUSY = talk("421 4.7.0 too many connections", ends=Ending.BY_PEER)


class FakeLab:
    """Answers talks from lists by address, a list item a look."""

    def __init__(self, talks: dict[str, Sequence[Transcript]], routes: dict[int, str] | None = None) -> None:
        self._talks = talks
        self._routes = {4: "192.0.2.1", 6: "2001:db8::1"} if routes is None else routes
        self.asked: list[Any] = []
        self.reference = ""
        self.greeting = ""
        self.injected = Transcript((Closed(0, Ending.REFUSED, ""),))

    async def run(self, probe: Any) -> Any:
        self.asked.append(probe)
        match probe:
            case Route(family=family):
                return Source(self._routes[family])
            case Pause(seconds=seconds):
                return Paused(seconds)
            case SmtpTalk(address=address, look=look):
                return self._talks[address][look - 1]
            case InjectionTalk():
                return self.injected
            case DnsQuery(name=name) if name == NOBODY:
                return build_answer(probe, rcode="NXDOMAIN")
            case DnsQuery(name=name, rdtype=rdtype):
                record = {"MX": f"10 mx.{name}.", "A": "192.0.2.99", "AAAA": "2001:db8:ff::1"}[rdtype]
                return build_answer(probe, (dns.rrset.from_text(name + ".", 60, "IN", rdtype, record),))
            case Reach():
                return Reached25(self.reference, self.greeting)
        raise AssertionError(probe)

    @property
    def talks(self) -> list[SmtpTalk]:
        return [probe for probe in self.asked if isinstance(probe, SmtpTalk)]


def host(*addresses: str, name: str = "mx.example", preference: int = 10, unknown: str = "") -> MxHost:
    four = tuple(a for a in addresses if ":" not in a)
    six = tuple(a for a in addresses if ":" in a)
    return MxHost(name, preference, name, (), True, four, six, unknown, False, ())


def visit(lab: FakeLab, *hosts: MxHost, **wishes: Any) -> Any:
    wishes = {"public": PUBLIC, "references": (), **wishes}
    target = Target("d.example", **wishes)
    known = Many({each.name: each for each in hosts})
    return anyio.run(inbound_contacts.function, target, known, lab)


def only(many: Many[Any]) -> Any:
    (value,) = many.items.values()
    return value


def derived(contacts: Many[InboundContact], what: Any) -> Any:
    async def run() -> Any:
        surveys = await inbound_surveys.function(contacts)
        if what is inbound_mailboxes:
            return await what.function(Target("d.example"), surveys, FakeLab({}))
        return await what.function(surveys)

    return only(anyio.run(run))


ROLES = ("postmaster@d.example", "abuse@d.example", "postmaster")


def test_every_address_of_every_host_is_asked_for_the_postmaster_with_the_host_as_server_name() -> None:
    lab = FakeLab({V4: [GOOD], V6: [GOOD], "192.0.2.20": [GOOD]})
    contacts = visit(lab, host(V4, V6), host("192.0.2.20", name="b.example", preference=20))
    assert list(contacts.items) == [
        f"mx.example [{V4}]:25",
        f"mx.example [{V6}]:25",
        "b.example [192.0.2.20]:25",
    ]
    assert {(t.address, t.host, t.helo, t.mail_from, t.recipients, t.look) for t in lab.talks} == {
        (V4, "mx.example", "[192.0.2.1]", "", ROLES, 1),
        (V6, "mx.example", "[IPv6:2001:db8::1]", "", ROLES, 1),
        ("192.0.2.20", "b.example", "[192.0.2.1]", "", ROLES, 1),
    }


def test_the_users_name_and_patience_are_taken() -> None:
    lab = FakeLab({V4: [GOOD]})
    visit(lab, host(V4), helo="probe.example", timeout=7.0)
    assert [(t.helo, t.timeout) for t in lab.talks] == [("probe.example", 7.0)]


def test_without_dialogues_nobody_is_asked() -> None:
    lab = FakeLab({})
    contacts = visit(lab, host(V4), dialogues=False)
    assert isinstance(contacts, Unavailable)
    assert lab.asked == []


def test_a_family_the_user_does_not_want_is_left_out() -> None:
    lab = FakeLab({V4: [GOOD]})
    assert list(visit(lab, host(V4, V6), ipv6=False).items) == [f"mx.example [{V4}]:25"]
    assert Route(6) not in lab.asked


def test_a_family_we_have_no_route_for_is_not_blamed_on_the_domain() -> None:
    lab = FakeLab({V4: [GOOD]}, {4: "192.0.2.1", 6: ""})
    six = visit(lab, host(V4, V6)).get(f"mx.example [{V6}]:25")
    assert six == Unavailable("this machine has no IPv6")
    assert [t.address for t in lab.talks] == [V4]


def test_an_address_that_is_not_public_is_not_tried() -> None:
    lab = FakeLab({})
    private = only(visit(lab, host("10.0.0.1"), public=()))
    assert isinstance(private, Absent)
    assert "10.0.0.1" in private.because
    assert lab.talks == []


def test_what_could_not_be_looked_up_stays_open() -> None:
    hosts: Any = Many(
        {"a.example": Unavailable("SERVFAIL"), "b.example": host(V4, name="b.example", unknown="no AAAA")}
    )
    target = Target("d.example", public=PUBLIC)
    contacts = anyio.run(inbound_contacts.function, target, hosts, FakeLab({V4: [GOOD]}))
    assert [subject for subject, _ in contacts.unknown()] == ["a.example", "b.example"]


REFUSED_NULL = talk(*SECURE, *MAIL, "~550 5.1.1 unknown", "~> QUIT", "~221 Bye")
EHLO_REFUSED = talk("220 mx", "> EHLO me", "502 what", "> HELO me", "250 mx", "> QUIT", "221 Bye")
STARTTLS_REFUSED = talk(*HELLO, "454 4.7.0 not now", "> QUIT", "221 Bye")
BLAMED = talk("554 5.7.1 [192.0.2.1] listed in zen.spamhaus.org", "> QUIT", "221 Bye")

TWICE = {
    "closed": nothing(Ending.REFUSED),
    "filtered": nothing(Ending.FILTERED),
    "refused service": talk("554 5.3.2 no", "> QUIT", "221 Bye"),
    "no STARTTLS": BARE,
    "EHLO refused": EHLO_REFUSED,
    "STARTTLS refused": STARTTLS_REFUSED,
    "handshake failed": talk(*HELLO, "220 Go", FAILED, ends=Ending.TLS_FAILED),
    "EHLO under TLS refused": talk(*HELLO, "220 Go", TLS, "~> EHLO me", "~503 no", "~> QUIT", "~221 Bye"),
    "postmaster refused": REFUSED_NULL,
}
ONCE = {
    "good": GOOD,
    "throttled": BUSY,
    "put off": talk("450 4.3.2 later", "> QUIT", "221 Bye"),
    "about us": BLAMED,
    "greylisted": talk(*SECURE, *MAIL, "~451 4.7.1 Greylisting in action", "~> QUIT", "~221 Bye"),
    "postmaster refused for us": talk(
        *SECURE, *MAIL, "~550 5.7.1 [192.0.2.1] blocked using x", "~> QUIT", "~221 Bye"
    ),
    "stalled": talk(
        *HELLO, "220 Go", Secured(2, TlsFailure(TlsTrouble.TIMED_OUT), b""), ends=Ending.TLS_FAILED
    ),
    "garbage": talk("SSH-2.0-OpenSSH", "> QUIT", ends=Ending.BY_PEER),
    "silent at STARTTLS": talk(*HELLO, ends=Ending.SILENT),
}


@pytest.mark.parametrize("heard", TWICE.values(), ids=TWICE)
def test_what_is_grave_is_looked_at_twice(heard: Transcript) -> None:
    lab = FakeLab({V4: [heard, heard]})
    contact = only(visit(lab, host(V4)))
    assert [t.look for t in lab.talks] == [1, 2]
    assert contact.second is not None
    assert contact.certainty is Certainty.LIKELY


@pytest.mark.parametrize("heard", ONCE.values(), ids=ONCE)
def test_what_is_good_or_says_nothing_is_looked_at_once(heard: Transcript) -> None:
    lab = FakeLab({V4: [heard]})
    assert only(visit(lab, host(V4))).second is None


def test_confirming_waits_before_the_second_look_and_makes_certain() -> None:
    lab = FakeLab({V4: [BARE, BARE]})
    contact = only(visit(lab, host(V4), confirm=True))
    kinds = [type(probe).__name__ for probe in lab.asked]
    assert kinds == ["Route", "SmtpTalk", "Pause", "SmtpTalk"]
    assert contact.certainty is Certainty.CERTAIN


def test_a_refused_mailbox_is_asked_again_with_a_sender() -> None:
    lab = FakeLab({V4: [REFUSED_NULL, GOOD]})
    mailbox = derived(visit(lab, host(V4)), inbound_mailboxes)
    assert lab.talks[1].mail_from == "postmaster@d.example"
    assert lab.talks[1].recipients == ROLES[:1], "the others are not what the second look is about"
    assert not mailbox.accepted
    assert mailbox.null.reply.code == 550
    assert mailbox.named.reply.code == 250


def test_a_second_look_without_mailbox_trouble_begins_no_transaction() -> None:
    lab = FakeLab({V4: [BARE, BARE]})
    visit(lab, host(V4))
    assert (lab.talks[1].mail_from, lab.talks[1].recipients) == (None, ())


def test_the_second_look_counts_where_the_first_met_nobody() -> None:
    lab = FakeLab({V4: [nothing(Ending.REFUSED), GOOD]})
    contacts = visit(lab, host(V4))
    assert only(contacts).state is Reached.OPEN
    assert derived(contacts, inbound_tls).handshake == TLS.handshake


def test_tls_of_either_look_is_taken() -> None:
    lab = FakeLab({V4: [STARTTLS_REFUSED, GOOD]})
    tls = derived(visit(lab, host(V4)), inbound_tls)
    assert tls.handshake == TLS.handshake
    assert len(tls.tries) == 2


def test_no_starttls_twice_is_absent_and_once_is_open() -> None:
    twice = derived(visit(FakeLab({V4: [BARE, BARE]}), host(V4)), inbound_tls)
    once = derived(visit(FakeLab({V4: [BARE, BUSY]}), host(V4)), inbound_tls)
    late = derived(visit(FakeLab({V4: [nothing(Ending.RESET), BARE]}), host(V4)), inbound_tls)
    assert isinstance(twice, Absent)
    assert isinstance(once, Unavailable)
    assert "421 4.7.0" in once.because
    assert isinstance(late, Unavailable)


def test_a_reply_to_helo_offers_nothing() -> None:
    offer = derived(visit(FakeLab({V4: [EHLO_REFUSED, EHLO_REFUSED]}), host(V4)), inbound_offers)
    assert isinstance(offer, Unavailable)
    assert "HELO" in offer.because


def test_offers_in_clear_and_under_tls_are_kept_apart() -> None:
    offer = derived(visit(FakeLab({V4: [GOOD]}), host(V4)), inbound_offers)
    assert offer.clear.offers("STARTTLS")
    assert not offer.tls.offers("STARTTLS")


def test_nobody_is_unreachable_while_nothing_shows_that_we_can_reach_anybody() -> None:
    dead = [nothing(Ending.FILTERED)] * 2
    alone = visit(FakeLab({V4: dead}), host(V4))
    assert not only(alone).unreachable
    among = visit(FakeLab({V4: dead, "192.0.2.20": [GOOD]}), host(V4), host("192.0.2.20", name="b.example"))
    assert among.items[f"mx.example [{V4}]:25"].unreachable
    other_family = visit(FakeLab({V6: dead, V4: [GOOD]}), host(V4, V6))
    assert not other_family.items[f"mx.example [{V6}]:25"].unreachable


@pytest.mark.parametrize("how", [Ending.FILTERED, Ending.REFUSED])
@pytest.mark.parametrize(("trouble", "works"), [("", True), ("timed out", False), ("refused", False)])
def test_a_reference_host_shows_whether_our_ipv6_works(how: Ending, trouble: str, works: bool) -> None:
    lab = FakeLab({V6: [nothing(how)] * 2, V4: [GOOD]})
    lab.reference = trouble
    contacts = visit(lab, host(V4, V6), references=("reference.example",))
    assert contacts.items[f"mx.example [{V6}]:25"].unreachable is works
    assert Reach("mx.reference.example", "2001:db8:ff::1", 25) in lab.asked


@pytest.mark.parametrize(
    ("greeting", "said", "unmasked"),
    [
        ("220 proxy.test ESMTP", "220 PROXY.test hello", True),
        ("220 proxy.test ESMTP", "220 mx.reference.example ESMTP", False),
        ("554 no mail to port 25 from here", "554 no mail to port 25 from here", True),
        ("554 no mail to port 25 from here", "220 mx.reference.example ESMTP", False),
        ("220 a.reference.example ESMTP", "220 a.reference.example ESMTP", False),
        ("220 mx.example ESMTP", "220 mx.example ESMTP", False),
    ],
)
def test_one_name_at_everybodys_port_25_is_of_our_own_end(greeting: str, said: str, unmasked: bool) -> None:
    heard = talk(greeting, "> QUIT", "221 Bye")
    lab = FakeLab({V4: [heard, heard]})
    lab.greeting = said
    contact = only(visit(lab, host(V4), references=("reference.example",)))
    assert isinstance(contact, Unavailable) is unmasked
    if unmasked:
        assert "answers port 25 in everybody's place" in contact.because
        assert contact.evidence[1].probe == Reach("mx.reference.example", "192.0.2.99", 25)


@pytest.mark.parametrize(("theirs", "ours"), [(BARE, True), (GOOD, False), (BUSY, False)])
def test_starttls_that_a_reference_host_does_not_show_us_either_is_taken_out_at_our_end(
    theirs: Transcript, ours: bool
) -> None:
    lab = FakeLab({V4: [BARE, BARE], "192.0.2.99": [theirs]})
    contact = only(visit(lab, host(V4), references=("reference.example",)))
    assert isinstance(contact, Unavailable) is ours
    assert lab.talks[-1].host == "mx.reference.example"
    assert lab.talks[-1].mail_from is None


def test_a_host_that_came_to_tls_shows_that_nothing_takes_starttls_out() -> None:
    lab = FakeLab({V4: [BARE, BARE], V6: [GOOD]})
    contacts = visit(lab, host(V4, V6), references=("reference.example",))
    assert all(isinstance(contact, InboundContact) for contact in contacts.items.values())
    assert {each.address for each in lab.talks} == {V4, V6}


def test_no_reference_is_asked_where_all_is_well() -> None:
    lab = FakeLab({V6: [GOOD], V4: [GOOD]})
    visit(lab, host(V4, V6), references=("reference.example",))
    assert not [probe for probe in lab.asked if isinstance(probe, Reach | DnsQuery)]


def test_a_refused_connection_shows_that_the_way_is_open() -> None:
    contacts = visit(FakeLab({V6: [nothing(Ending.REFUSED)] * 2, V4: [GOOD]}), host(V4, V6))
    assert contacts.items[f"mx.example [{V6}]:25"].unreachable


def test_dead_beside_living_is_absent_and_dead_alone_is_open() -> None:
    dead = [nothing(Ending.REFUSED)] * 2

    async def survey(contacts: Many[InboundContact]) -> Many[Any]:
        found: Many[Any] = await inbound_surveys.function(contacts)
        return found

    among = visit(FakeLab({V4: dead, "192.0.2.20": [GOOD]}), host(V4), host("192.0.2.20", name="b.example"))
    alone = visit(FakeLab({V4: dead}), host(V4))
    assert isinstance(anyio.run(survey, among).items[f"mx.example [{V4}]:25"], Absent)
    assert isinstance(only(anyio.run(survey, alone)), Unavailable)


def test_nolisting_is_a_first_choice_that_refuses_while_another_host_talks() -> None:
    no = talk("554 5.3.2 no", "> QUIT", "221 Bye")
    lab = FakeLab({V4: [no, no], "192.0.2.20": [GOOD]})
    contacts = visit(lab, host(V4), host("192.0.2.20", name="b.example", preference=20))
    assert [contact.nolisted for contact in contacts.values()] == [True, False]


def test_a_command_is_slipped_in_once_a_host_where_starttls_works() -> None:
    lab = FakeLab({V4: [BARE, BARE], V6: [GOOD], "192.0.2.11": [GOOD], "192.0.2.20": [BARE, BARE]})
    contacts = visit(lab, host(V4, "192.0.2.11", V6), host("192.0.2.20", name="b.example"))
    found = anyio.run(inbound_injections.function, contacts, lab)
    assert [p.address for p in lab.asked if isinstance(p, InjectionTalk)] == ["192.0.2.11"]
    assert isinstance(found.items["mx.example [192.0.2.11]:25"], Unavailable)


def test_a_command_that_was_obeyed_is_told_with_its_reply() -> None:
    lab = FakeLab({V4: [GOOD]})
    under_tls = ("~> EHLO me", "~250 2.0.0 Ok", "~> QUIT", "~250-mx", "~250 8BITMIME", "~221 Bye")
    lab.injected = talk(*HELLO, "> NOOP", "220 Go", TLS, *under_tls)
    injection = only(anyio.run(inbound_injections.function, visit(lab, host(V4)), lab))
    assert (injection.obeyed, injection.line) == (True, "250 2.0.0 Ok")


def test_without_a_name_of_the_users_there_is_none_to_look_up() -> None:
    assert isinstance(anyio.run(helo_name.function, Target("d.example"), FakeLab({})), Absent)


def test_greylisting_says_nothing_of_the_mailbox() -> None:
    mailbox = derived(visit(FakeLab({V4: [ONCE["greylisted"]]}), host(V4)), inbound_mailboxes)
    assert isinstance(mailbox, Unavailable)
    assert "451 4.7.1 Greylisting in action" in mailbox.because
