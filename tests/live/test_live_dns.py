"""Asking the DNS over real sockets: servers that answer, refuse, lie, truncate and stay silent."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import anyio
import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from diag.lab.live import dns as live
from diag.lab.live.live import Means
from diag.probes.dns import DnsAnswer, DnsEvidence, DnsQuery, DnsSilence, Silent, Transport

QUERY = DnsQuery("d.example", "TXT")
Answer = Callable[[dns.message.Message], list[bytes]]


def good(query: dns.message.Message, text: str = "good") -> bytes:
    reply = dns.message.make_response(query)
    reply.answer.append(dns.rrset.from_text(query.question[0].name, 60, "IN", "TXT", f'"{text}"'))
    return reply.to_wire()


@contextmanager
def server(answer: Answer, tcp: Callable[[dns.message.Message], bytes] | None = None) -> Iterator[str]:
    """A name server of one trick, over UDP and, where told, TCP on the same port."""
    # TCP first: a port that is free for it may be in use over UDP only by a test beside this one.
    while True:
        listener = socket.create_server(("127.0.0.1", 0))
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            udp.bind(listener.getsockname())
            break
        except OSError:
            udp.close()
            listener.close()
    if tcp is None:
        listener.close()

    def over_udp() -> None:
        while True:
            octets, peer = udp.recvfrom(4096)
            if not octets:
                return
            for reply in answer(dns.message.from_wire(octets)):
                udp.sendto(reply, peer)

    def over_tcp() -> None:
        assert tcp is not None
        connection, _ = listener.accept()
        with connection:
            octets = connection.recv(4096)
            reply = tcp(dns.message.from_wire(octets[2:]))
            connection.sendall(len(reply).to_bytes(2, "big") + reply[:7])
            connection.sendall(reply[7:])

    threads = [threading.Thread(target=over_udp), *([threading.Thread(target=over_tcp)] if tcp else [])]
    for thread in threads:
        thread.start()
    try:
        yield f"127.0.0.1#{udp.getsockname()[1]}"
    finally:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
            end.sendto(b"", udp.getsockname())
        for thread in threads:
            thread.join(5)
        udp.close()
        listener.close()


def ask(*servers: str) -> DnsEvidence:
    return anyio.run(live.ask.function, QUERY, Means(nameservers=servers))


def told(evidence: DnsEvidence) -> list[str]:
    assert isinstance(evidence, DnsAnswer)
    return [line.rpartition(" ")[2] for line in evidence.lines()]


@pytest.fixture
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "PATIENCE", (0.2, 0.2))


@contextmanager
def closed_port() -> Iterator[str]:
    """A port that nobody listens on: over TCP it is held, and over UDP free."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"127.0.0.1#{held.getsockname()[1]}"


def test_an_answer_is_kept_as_octets_with_its_id_removed() -> None:
    with server(lambda query: [good(query)]) as at:
        answer = ask(at)
    assert told(answer) == ['"good"']
    assert isinstance(answer, DnsAnswer)
    assert (answer.wire[:2], answer.server, answer.transport) == (b"\0\0", at, "udp")


def test_an_answer_to_something_else_is_not_believed() -> None:
    def lying(query: dns.message.Message) -> list[bytes]:
        other_id = dns.message.make_query("d.example", "TXT", id=query.id ^ 1)
        other_name = dns.message.make_query("evil.example", "TXT", id=query.id)
        return [good(other_id, "forged"), good(other_name, "forged"), b"\x00", good(query)]

    with server(lying) as at:
        assert told(ask(at)) == ['"good"']


def test_a_truncated_answer_is_asked_again_over_tcp() -> None:
    def cut(query: dns.message.Message) -> list[bytes]:
        reply = dns.message.make_response(query)
        reply.flags |= dns.flags.TC
        return [reply.to_wire()]

    with server(cut, tcp=lambda query: good(query, "x" * 200)) as at:
        answer = ask(at)
    assert told(answer) == [f'"{"x" * 200}"']
    assert isinstance(answer, DnsAnswer)
    assert answer.transport == "tcp"


def test_what_is_truncated_over_tcp_too_does_not_show_that_nothing_is_there() -> None:
    def cut(query: dns.message.Message) -> bytes:
        reply = dns.message.make_response(query)
        reply.flags |= dns.flags.TC
        return reply.to_wire()

    with server(lambda query: [cut(query)], tcp=cut) as at:
        answer = ask(at)
    assert isinstance(answer, DnsAnswer)
    assert (answer.rcode, answer.truncated, answer.usable) == ("NOERROR", True, False)


def test_a_server_that_hates_edns_is_asked_without() -> None:
    def old(query: dns.message.Message) -> list[bytes]:
        if query.edns < 0:
            return [good(query)]
        reply = dns.message.make_response(query)
        reply.use_edns(-1)
        reply.set_rcode(dns.rcode.FORMERR)
        return [reply.to_wire()]

    with server(old) as at:
        answer = ask(at)
    assert told(answer) == ['"good"']
    assert isinstance(answer, DnsAnswer)
    assert answer.transport == "plain"


@pytest.mark.usefixtures("_impatient")
def test_a_lost_datagram_is_sent_again() -> None:
    seen: list[int] = []

    def deaf_at_first(query: dns.message.Message) -> list[bytes]:
        seen.append(query.id)
        return [good(query)] if len(seen) > 1 else []

    with server(deaf_at_first) as at:
        assert told(ask(at)) == ['"good"']
    assert len(seen) == 2


def test_where_one_resolver_fails_the_next_is_asked() -> None:
    def failing(query: dns.message.Message) -> list[bytes]:
        reply = dns.message.make_response(query)
        reply.set_rcode(dns.rcode.SERVFAIL)
        return [reply.to_wire()]

    with server(failing) as bad, server(lambda query: [good(query)]) as well:
        assert told(ask(bad, well)) == ['"good"']
        only_bad = ask(bad)
    assert isinstance(only_bad, DnsAnswer)
    assert (only_bad.rcode, only_bad.usable) == ("SERVFAIL", False)


def test_a_closed_port_is_silence_that_says_so_at_once() -> None:
    with closed_port() as at:
        silence = ask(at)
    assert silence == DnsSilence(Silent.REFUSED, (at,), silence.took_ms)
    assert str(silence) == f"no answer from {at}: connection refused"


@pytest.mark.usefixtures("_impatient")
def test_silence_names_who_was_asked() -> None:
    with server(lambda query: []) as at:
        silence = ask(at)
    assert isinstance(silence, DnsSilence)
    assert (silence.why, silence.tried) == (Silent.TIMED_OUT, (at, at))


def test_without_any_resolver_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "system_nameservers", lambda: ())
    assert ask() == DnsSilence(Silent.NO_SERVER)


@pytest.mark.parametrize(
    ("lines", "servers"),
    [
        (
            ["nameserver 192.0.2.53", "search example.org", "nameserver 2001:db8::53"],
            ["192.0.2.53", "2001:db8::53"],
        ),
        (["# nameserver 192.0.2.1", "nameserver", "options edns0"], []),
    ],
)
def test_resolv_conf_gives_the_servers_and_never_a_search_list(lines: list[str], servers: list[str]) -> None:
    assert list(live._nameservers(lines)) == servers


def test_over_tcp_alone_no_datagram_is_sent() -> None:
    seen: list[dns.message.Message] = []

    def deaf(query: dns.message.Message) -> list[bytes]:
        seen.append(query)
        return []

    with server(deaf, tcp=good) as at:
        answer = anyio.run(live.ask.function, DnsQuery("d.example", "TXT", at, transport="tcp"), Means())
    assert told(answer) == ['"good"']
    assert isinstance(answer, DnsAnswer)
    assert (answer.transport, seen) == ("tcp", [])


def test_over_tcp_alone_a_closed_port_is_told() -> None:
    with closed_port() as at:
        answer = anyio.run(live.ask.function, DnsQuery("d.example", "TXT", at, transport="tcp"), Means())
    assert isinstance(answer, DnsSilence)
    assert answer.why is Silent.REFUSED


@pytest.mark.parametrize(("transport", "edns"), [("", 0), ("plain", -1)])
def test_a_question_without_edns_has_none(transport: Transport, edns: int) -> None:
    seen: list[int] = []

    def noting(query: dns.message.Message) -> list[bytes]:
        seen.append(query.edns)
        return [good(query)]

    with server(noting) as at:
        answer = anyio.run(live.ask.function, DnsQuery("d.example", "TXT", at, transport=transport), Means())
    assert isinstance(answer, DnsAnswer)
    assert seen == [edns]
    assert answer.transport == ("udp" if transport == "" else "plain")


@pytest.mark.usefixtures("_impatient")
def test_a_server_of_strangers_is_asked_twice_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "PATIENCE", (0.1, 0.1, 0.1))
    seen: list[int] = []

    def deaf(query: dns.message.Message) -> list[bytes]:
        seen.append(query.id)
        return []

    with server(deaf) as at:
        answer = anyio.run(live.ask.function, DnsQuery("d.example", "TXT", at), Means())
    assert isinstance(answer, DnsSilence)
    assert len(seen) == 2
