"""What is wrong with a description of a world."""

from __future__ import annotations

from pathlib import Path


class BadWorld(ValueError):
    """A description cannot be used; the message names the file, the line where one is known, and the fault."""

    def __init__(self, where: Path | str, line: int | None, fault: str) -> None:
        super().__init__(f"{where}:{line}: {fault}" if line else f"{where}: {fault}")
        self.where = where
        self.line = line
        self.fault = fault
