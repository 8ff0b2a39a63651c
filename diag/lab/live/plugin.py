"""Our performers, as a plugin."""

from . import conversations, dns, https, injection, moment, pause, trust

modules = (dns, conversations, https, trust, moment, pause, injection)
