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
    marks,
    moment,
    pause,
    pipelining,
    relay,
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
    intrusive,
    known_keys,
    marks,
)
