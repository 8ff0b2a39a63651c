"""Our performers, as a plugin."""

from . import dns, moment

modules = (dns, moment)
