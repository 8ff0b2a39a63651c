"""What the entry point names: the modules in which maildiag looks for what this plugin offers."""

from . import brief, checks, gather, perform

modules = (perform, gather, checks, brief)
