"""What a server's first flight means: read from its messages, never raising."""

from __future__ import annotations

import dataclasses
import enum

from .alerts import alert_name
from .answer import EXT_ALPN, Accepted, Answer, CertificateRequest, Declined, Unheard
from .flight import CERTIFICATE, CERTIFICATE_REQUEST, KEY_EXCHANGE, RETRY, STATUS, Flight, version_of
from .groups import group
from .octets import Octets
from .offer import SSL2, SSL3, TLS12, TLS13, VERSION_NAMES
from .suites import suite

KEY_SHARE = 51
_MOST_CERTIFICATES = 100


class Ended(enum.Enum):
    """How it came that no more was read."""

    ENOUGH = enum.auto()
    """There was all we wanted, or more than we read."""
    CLOSED = enum.auto()
    """The server closed."""
    BROKEN = enum.auto()
    """A reset, silence, no time left: nothing that is an answer."""


def read_answer(octets: bytes, ended: Ended, because: str = "") -> Answer:
    """What came after a ClientHello; `because` says why no more came where that leaves things open."""
    flight = Flight()
    flight.feed(octets)
    if flight.ssl2:
        return _ssl2(flight.ssl2)
    if flight.messages:
        return _accepted(flight)
    if flight.fatal is not None:
        return Declined(flight.fatal, tuple(flight.warnings))
    if flight.broken:
        return Unheard(flight.broken)
    if ended is not Ended.CLOSED:
        return Unheard(because or "there was no answer to our ClientHello")
    if flight.cut:
        return Unheard("the answer to our ClientHello breaks off")
    return Declined(None, tuple(flight.warnings))


def _ssl2(message: bytes) -> Answer:
    octets = Octets(message)
    if octets.number(1) == 0:
        return Declined(None)
    octets.take(4)
    leaf, kinds = octets.number(2), octets.number(2)
    octets.take(2)
    certificate, listed = octets.take(leaf), Octets(octets.take(kinds))
    found = tuple(listed.number(3) for _ in range(len(listed) // 3))
    if octets.short:
        return Unheard("its SERVER-HELLO is cut short")
    return Accepted(SSL2, next(iter(found), 0), certificates=(certificate,) if leaf else (), kinds=found)


def _accepted(flight: Flight) -> Answer:
    first, *rest = flight.messages
    accepted = _hello(first[1])
    if accepted is None:
        return Unheard("its ServerHello cannot be read")
    for kind, content in rest:
        accepted = _more(accepted, kind, Octets(content))
    whole = flight.done and not flight.broken and flight.fatal is None
    return dataclasses.replace(accepted, warnings=tuple(flight.warnings), complete=whole)


def _hello(content: bytes) -> Accepted | None:
    octets = Octets(content)
    octets.take(2)
    retry = octets.take(32) == RETRY
    octets.vector(1)
    chosen, compression = octets.number(2), octets.number(1)
    version = version_of(content)
    if octets.short or not SSL3 <= version <= TLS13:
        return None
    extensions = dict(octets.extensions())
    share = Octets(extensions.get(KEY_SHARE, b""))
    return Accepted(
        version=version,
        suite=chosen,
        group=share.number(2) if len(share) >= 2 else None,
        retry=retry,
        compression=compression,
        extensions=tuple(extensions),
        alpn=extensions.get(EXT_ALPN, b"")[3:].decode("ascii", "backslashreplace"),
    )


def _more(accepted: Accepted, kind: int, octets: Octets) -> Accepted:
    """With what a message after the ServerHello adds; as it was where that cannot be read."""
    found: dict[str, object] = {}
    if kind == CERTIFICATE:
        found = {"certificates": _chain(Octets(octets.vector(3)))}
    elif kind == STATUS and octets.number(1) == 1:
        found = {"staple": octets.vector(3)}
    elif kind == KEY_EXCHANGE:
        found = _key_exchange(octets, accepted)
    elif kind == CERTIFICATE_REQUEST:
        found = {"asks_certificate": _request(octets, accepted.version)}
    return accepted if octets.short else dataclasses.replace(accepted, **found)  # type: ignore[arg-type]


def _chain(octets: Octets) -> tuple[bytes, ...]:
    found: list[bytes] = []
    while len(octets) > 3 and len(found) < _MOST_CERTIFICATES:
        found.append(octets.vector(3))
    return tuple(found)


def _key_exchange(octets: Octets, accepted: Accepted) -> dict[str, object]:
    """RFC 8422 section 5.4, RFC 5246 section 7.4.3; what is signed stands before the signature, which is not checked."""
    made = suite(accepted.suite).made
    found: dict[str, object] = {}
    if made.kx == "ECDHE":
        if octets.number(1) != 3:  # a curve without a name (RFC 8422 section 5.4)
            return {}
        found["group"] = octets.number(2)
        octets.vector(1)
    elif made.kx == "DHE":
        found["dh_prime"] = octets.vector(2).lstrip(b"\0")
        octets.vector(2)
        octets.vector(2)
    elif made.kx == "RSA":  # the short key of an EXPORT suite
        octets.vector(2)
        octets.vector(2)
    else:
        return {}
    if accepted.version == TLS12 and made.auth != "anon":
        found["scheme"] = octets.number(2)
    return found


def _request(octets: Octets, version: int) -> CertificateRequest:
    octets.vector(1)
    schemes = octets.numbers(2) if version == TLS12 else ()
    names = octets.vector(2)
    listed, count = Octets(names), 0
    while len(listed) >= 2:
        listed.vector(2)
        count += 1
    return CertificateRequest(count, len(names), schemes)


def told(answer: Answer) -> str:
    """An answer in a few words."""
    match answer:
        case Accepted(kinds=kinds) if answer.ssl2:
            return f"accepted, SSL 2.0 with {len(kinds)} of the ciphers"
        case Accepted():
            parts = [VERSION_NAMES[answer.version], str(suite(answer.suite))]
            if answer.group is not None:
                parts.append(str(group(answer.group)))
            if answer.dh_bits is not None:
                parts.append(f"a prime of {answer.dh_bits} bits")
            return f"accepted, {', '.join(parts)}"
        case Declined(alert=int() as alert):
            return f"declined, {alert_name(alert)}"
        case Declined():
            return "declined, closed without an alert"
        case Unheard():
            return answer.because
