"""Surveys of servers that exist only as a description: our hellos are answered, and the answers read, without a network."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cache
from typing import Any

from diag.facts.tls_depths import FullTls, WeakTls
from diag.facts.tls_survey import TlsSurvey, Tried
from diag.model.finding import Finding, Undecided
from diag.model.knowing import Cite
from diag.model.target import Depth, Endpoint
from diag.sandbox.authority import Authority
from diag.sandbox.tls_script import TlsScript, answer
from diag.tls.answer import Answer, Unheard
from diag.tls.answer_reader import Ended, read_answer
from diag.tls.client_hello import client_hello
from diag.tls.handshake import Handshake, TlsFailure
from diag.tls.offer import Offer
from diag.tls.rounds import rounds

HOST = "mx1.lantern.example"
MODERN = Handshake("TLSv1.3", "TLS_AES_256_GCM_SHA384", "X25519")
TLS_12 = Handshake("TLSv1.2", "ECDHE-RSA-AES128-GCM-SHA256", "X25519")
Deaf = Callable[[Offer], bool]


@cache
def chain(name: str = HOST) -> tuple[bytes, ...]:
    """A certificate for a name."""
    return Authority(datetime(2026, 11, 21, tzinfo=UTC)).valid(name).chain


def survey(
    script: TlsScript,
    made: Handshake | TlsFailure = TLS_12,
    *,
    depth: Depth = Depth.STANDARD,
    port: int = 25,
    unheard: Deaf = lambda offer: False,
    most: int = 200,
) -> TlsSurvey:
    """What the usual plan of offers finds out; offers that fit `unheard` are met by silence."""
    tried: list[Tried] = []

    def ask(offer: Offer) -> Answer:
        if unheard(offer):
            said: Answer = Unheard("silence")
        else:
            default = chain("other.example") if script.default_certificate else chain()
            octets = answer(script, client_hello(offer, HOST), chain(), default)
            said = read_answer(octets, Ended.CLOSED)
        tried.append(Tried(offer, said, Cite(offer.name)))
        return said

    plan = rounds(depth, made, most)
    left = ""
    try:
        offers = next(plan)
        while True:
            offers = plan.send(tuple(map(ask, offers)))
    except StopIteration as end:
        left = str(end.value)
    return TlsSurvey(
        endpoint=Endpoint(HOST, "198.51.100.10", port),
        client_port=port != 25,
        depth=depth,
        handshake=made,
        shown=Cite("usual"),
        tried=tuple(tried),
        left=left,
    )


def weak(script: TlsScript, made: Handshake | TlsFailure = TLS_12, **how: Any) -> WeakTls:
    """The same as the fact for weak things."""
    return WeakTls(survey(script, made, **how))


def full(script: TlsScript, made: Handshake | TlsFailure = TLS_12, **how: Any) -> FullTls:
    """The same as the fact for everything."""
    return FullTls(survey(script, made, depth=Depth.FULL, **how))


def ids(verdicts: Iterator[Finding | Undecided]) -> list[str]:
    """The rules raised, by the part of their id behind the area; "?" for what is undecided."""
    return ["?" if isinstance(each, Undecided) else each.id.removeprefix("tls/") for each in verdicts]
