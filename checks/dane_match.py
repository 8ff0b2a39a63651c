"""TLSA records against what the mail hosts serve, and the records that would fit."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

from diag.api import (
    Configure,
    DaneHost,
    Fix,
    InboundTls,
    Many,
    Publish,
    Replace,
    RunMoment,
    TlsaOutcome,
    against_records,
    public_key_info,
)


def of_host(tls: Many[InboundTls], host: str) -> list[InboundTls]:
    """The completed handshakes with one host that showed a certificate, one for each address."""
    return [
        each
        for each in tls.values()
        if each.endpoint.host == host and each.handshake is not None and each.handshake.chain
    ]


def matches(host: DaneHost, tls: InboundTls, moment: RunMoment) -> bool:
    """Whether any usable record authenticates what an address served (RFC 7672 section 3.1)."""
    chain = tls.handshake.chain if tls.handshake is not None else ()
    results = against_records(host, chain, moment.at)
    return any(result.outcome is TlsaOutcome.MATCHED for result in results)


def served(tls: Iterable[InboundTls]) -> tuple[str, ...]:
    """`3 1 1` for every key that was served (RFC 7671 section 5.1), each once."""
    leafs = (each.handshake.chain[0] for each in tls if each.handshake is not None)
    keys = (public_key_info(leaf) for leaf in leafs)
    return tuple(dict.fromkeys(f"3 1 1 {sha256(key).hexdigest()}" for key in keys if key))


def record_fix(owner: str, records: tuple[str, ...], *, instead: bool = False) -> tuple[Fix, ...]:
    """Publish these records beside what is there, or instead of it; advice where none is known."""
    if not records:
        command = (
            "openssl x509 -in fullchain.pem -pubkey -noout | openssl pkey -pubin -outform DER | sha256sum"
        )
        return (Configure(f"{owner}. TLSA 3 1 1", command, "openssl"),)
    first: Fix = Replace(owner, "TLSA", records[0]) if instead else Publish(owner, "TLSA", records[0])
    return (first, *(Publish(owner, "TLSA", record) for record in records[1:]))
