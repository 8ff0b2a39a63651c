"""Renderers: Report to text, HTML and JSON; loaded as a plugin, like anybody's."""
