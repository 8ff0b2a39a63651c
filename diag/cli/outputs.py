"""Where reports go: every format has one place, files appear whole or not at all."""

from __future__ import annotations

import contextlib
import inspect
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import IO, Any

from diag.lab.files import write_whole
from diag.model.frozen import frozen
from diag.model.plugin import Renderer
from diag.model.report import Report

from .faults import Fault, reason, unknown
from .tell import NobodyReads

STDOUT = Path("-")


@frozen
class Look:
    """How text may look where it is going; renderers get what their parameters ask for by name."""

    width: int = 80
    colour: bool = False
    verbose: bool = False
    compact: bool = False

    def render(self, renderer: Renderer, report: Report) -> str:
        """The report in a renderer's form."""
        wanted = _parameters(renderer)
        given: dict[str, Any] = {name: value for name, value in vars(self).items() if name in wanted}
        return renderer.function(report, **given)


@cache
def _parameters(renderer: Renderer) -> frozenset[str]:
    return frozenset(inspect.signature(renderer.function).parameters)


def on_terminal(*, verbose: bool) -> Look:
    """The look of standard output: colour and width only where a person reads it (https://no-color.org)."""
    if not sys.stdout.isatty():
        return Look(verbose=verbose)
    colour = not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return Look(max(60, min(100, shutil.get_terminal_size().columns)), colour, verbose)


class Place:
    """One format and where it goes: a stream, a file, or a folder of files."""

    def __init__(self, renderer: Renderer, path: Path, *, many: bool, verbose: bool) -> None:
        self._renderer = renderer
        self._path = path
        self._many = many
        self._folder = path != STDOUT and path.is_dir()
        # JSON Lines: a report a line, so that a reader need not wait for the last one.
        lines = many and not self._folder and renderer.media_type == "application/json"
        self._look = Look(verbose=verbose, compact=lines)
        self._stream: IO[str] | None = None
        self._beside: Path | None = None
        self._written = 0

    def open(self) -> None:
        """Make sure that it can be written, before any question is asked. Raises Fault."""
        if self._path == STDOUT:
            self._look = replace(on_terminal(verbose=self._look.verbose), compact=self._look.compact)
            self._stream = sys.stdout
            return
        if self._many and not self._folder and not self._one_after_another:
            raise Fault(
                f"--output {self._path}: {self._renderer.name} is one document a domain; name a folder that exists"
            )
        if self._folder:
            if not os.access(self._path, os.W_OK):
                raise Fault(f"--output {self._path}: cannot be written: permission denied")
            return
        try:
            if self._path.exists() and not self._path.is_file():
                self._stream = self._path.open("w", encoding="utf-8")
                return
            handle, beside = tempfile.mkstemp(prefix=f".{self._path.name}.", dir=self._path.parent)
        except OSError as error:
            raise Fault(f"--output {self._path}: cannot be written: {reason(error)}") from None
        self._beside = Path(beside)
        self._stream = os.fdopen(handle, "w", encoding="utf-8", errors="surrogatepass", newline="\n")

    @property
    def _one_after_another(self) -> bool:
        return self._renderer.media_type in ("application/json", "text/plain")

    def render(self, report: Report) -> str:
        """The report in this place's form."""
        text = self._look.render(self._renderer, report)
        if self._look.compact and -1 < text.find("\n") < len(text) - 1:
            return (
                json.dumps(json.loads(text), separators=(",", ":")) + "\n"
            )  # a plugin's, that knows no compact
        return text if text.endswith("\n") else text + "\n"

    def write(self, domain: str, text: str) -> None:
        """Add one report. Raises Fault."""
        try:
            if self._stream is None:
                write_whole(self._path / f"{domain}.{self._renderer.name}", text.encode("utf-8", "replace"))
                return
            if self._written and self._renderer.media_type == "text/plain":
                self._stream.write("\n")
            self._stream.write(text)
            self._stream.flush()
            self._written += 1
        except BrokenPipeError:
            raise NobodyReads from None
        except OSError as error:
            what = "standard output" if self._path == STDOUT else f"--output {self._path}"
            raise Fault(f"{what}: cannot be written: {reason(error)}") from None

    def finish(self) -> None:
        """Put the whole file where it belongs. Raises Fault."""
        if self._stream is None or self._stream is sys.stdout:
            return
        try:
            self._stream.flush()
            if self._beside is not None:
                os.fsync(self._stream.fileno())
                umask = os.umask(0)
                os.umask(umask)
                self._beside.chmod(0o666 & ~umask)
                self._beside.replace(self._path)
                self._beside = None
            self._stream.close()
        except OSError as error:
            raise Fault(f"--output {self._path}: cannot be written: {reason(error)}") from None

    def discard(self) -> None:
        """Leave nothing behind that was not finished."""
        if self._stream is not None and self._stream is not sys.stdout:
            with contextlib.suppress(OSError):  # it writes what is left, onto a disk that may be full
                self._stream.close()
        if self._beside is not None:
            self._beside.unlink(missing_ok=True)
            self._beside = None


class Places:
    """All the places of a run; a context that discards what was not finished."""

    def __init__(self, places: Sequence[Place]) -> None:
        self._places = tuple(places)

    def __enter__(self) -> Places:
        try:
            for place in self._places:
                place.open()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        for place in self._places:
            place.discard()

    def render(self, report: Report) -> tuple[str, ...]:
        """The report in every form."""
        return tuple(place.render(report) for place in self._places)

    def write(self, domain: str, texts: tuple[str, ...]) -> None:
        """Put each form where it goes."""
        for place, text in zip(self._places, texts, strict=True):
            place.write(domain, text)

    def finish(self) -> None:
        """Make every file appear."""
        for place in self._places:
            place.finish()


def places(
    renderers: dict[str, Renderer],
    formats: Sequence[str],
    outputs: Sequence[Path],
    *,
    many: bool,
    verbose: bool,
) -> Places:
    """Formats and places paired in the order given; what has no place goes to standard output."""
    names = list(formats) or ["text"]
    if len(outputs) > len(names):
        raise Fault(f"--output {outputs[len(names)]}: there is no --format to go there")
    for name in names:
        if name not in renderers:
            raise unknown("format", name, renderers)
    paths = [*outputs, *[STDOUT] * (len(names) - len(outputs))]
    if paths.count(STDOUT) > 1:
        on_stdout = [name for name, path in zip(names, paths, strict=True) if path == STDOUT]
        raise Fault(
            f"formats {' and '.join(on_stdout)} would both go to standard output; give one of them -o PATH"
        )
    for path in paths:
        if path != STDOUT and not path.is_dir() and paths.count(path) > 1:
            raise Fault(f"--output {path}: two formats would go there")
    return Places(
        [
            Place(renderers[name], path, many=many, verbose=verbose)
            for name, path in zip(names, paths, strict=True)
        ]
    )
