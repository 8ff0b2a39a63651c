"""Our renderers, as a plugin."""

modules = ()
