"""Our performers, as a plugin."""

from . import (
    client_injection,
    conversations,
    dns,
    hello,
    https,
    injection,
    intrusive,
    known_keys,
    logins,
    marks,
    moment,
    pause,
    pipelining,
    relay,
    tls_offer,
    trust,
)

modules = (
    dns,
    conversations,
    hello,
    https,
    trust,
    moment,
    pause,
    injection,
    client_injection,
    pipelining,
    relay,
    tls_offer,
    intrusive,
    known_keys,
    logins,
    marks,
)
