"""Our facts, as a plugin."""

from . import moment, mx

modules = (moment, mx)
