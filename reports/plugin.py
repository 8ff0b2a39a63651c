"""Our renderers, as a plugin."""

from . import html, json, text

modules = (text, html, json)
