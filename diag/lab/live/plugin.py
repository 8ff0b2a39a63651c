"""Our performers, as a plugin."""

from . import client_injection, conversations, dns, https, injection, moment, pause, pipelining, relay, trust

modules = (dns, conversations, https, trust, moment, pause, injection, client_injection, pipelining, relay)
