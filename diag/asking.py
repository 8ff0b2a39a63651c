"""What a plugin's facts and performers import beside diag.api: how to ask the world.

diag.api must stay pure, because checks and renderers import it, and they do no input or output. So the
few names that reach for the network, or wait for it, are offered here.
"""

from .gather.dns import Found, Looked, NoRecord, look_up, reverse_name
from .lab.live.live import Means
from .lab.live.network import Network, Trouble, Wire, WireError
from .names.parsed import plain
from .together import all_of
from .wire.script_text import parse as script_of

__all__ = [
    "Found",
    "Looked",
    "Means",
    "Network",
    "NoRecord",
    "Trouble",
    "Wire",
    "WireError",
    "all_of",
    "look_up",
    "plain",
    "reverse_name",
    "script_of",
]
