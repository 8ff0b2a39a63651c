"""Our performers, as a plugin."""

from . import conversations, dns, https, moment, trust

modules = (dns, conversations, https, trust, moment)
