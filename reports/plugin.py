"""Our renderers, as a plugin."""

from . import json, text

modules = (text, json)
