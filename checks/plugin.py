"""Our rules and checks, as a plugin."""

from . import mx

modules = (mx,)
