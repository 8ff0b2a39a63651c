"""Our facts, as a plugin."""

from . import dkim, moment, mx, roles, spf

modules = (moment, mx, spf, dkim, roles)
