"""Our rules and checks, as a plugin."""

from . import mx, spf

modules = (mx, spf)
