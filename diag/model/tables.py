"""Dated knowledge about others, such as providers and lists, that lies as TOML beside the code that needs it."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from typing import Any


def table(package: str, name: str) -> dict[str, Any]:
    """The table of that name in the `data` folder of a package; whoever asks keeps what it makes of it."""
    return tomllib.loads(files(package).joinpath(f"data/{name}.toml").read_text(encoding="utf-8"))
