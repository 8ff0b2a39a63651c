"""The command line: `maildiag`. Argument parsing and exit codes; the work is done by the rooms below."""

from __future__ import annotations

import contextlib
import gc
import io
import os
import signal
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

from .faults import Crash, Fault, Undetermined, reason, said
from .tell import NOT_WRITTEN, NobodyReads, flush

if TYPE_CHECKING:
    import click

INTERRUPTED = 130
USAGE = 2
UNDETERMINED = 3
CRASHED = 4


def program() -> NoReturn:
    """The console script: `main`, and no time spent on taking the interpreter apart, a tenth of a short run.

    Files are whole by then, and nothing of ours waits for the end of the process.
    """
    code = INTERRUPTED
    with contextlib.suppress(KeyboardInterrupt):  # one that meets the first or the last line of `main`
        _standard_streams()
        code = main()
        # Nothing is left to interrupt, and a report may be flushed.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and give its exit code; nothing that a user can cause ends in a traceback."""
    # Loading makes objects by the hundred thousand and no garbage: by default a fifth of it goes into looking.
    gc.set_threshold(200_000, 20, 20)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal without UTF-8 still gets the report
            stream.reconfigure(errors="backslashreplace")
    try:
        code = _run(list(sys.argv[1:] if arguments is None else arguments))
        flush()
    except Fault as fault:
        _complain(str(fault))
        code = USAGE
    except Undetermined as still:
        _complain(str(still))
        code = UNDETERMINED
    except Crash as crash:
        _complain(str(crash))
        code = CRASHED
    except KeyboardInterrupt:
        code = INTERRUPTED
    except (NobodyReads, BrokenPipeError):
        # Whoever read our output has seen enough: no message, and the status a killed writer has.
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 128 + signal.SIGPIPE
    except BaseException as error:  # a bug of ours, told in one line as everything else
        if _interrupted(error):
            code = INTERRUPTED
        else:
            _complain(f"this is a bug of ours: {said(error)}")
            code = CRASHED
    return code


def _interrupted(error: BaseException) -> bool:
    """Whether a second Ctrl-C is among what ended the tasks of a run."""
    return isinstance(error, BaseExceptionGroup) and error.subgroup(KeyboardInterrupt) is not None


def _standard_streams() -> None:
    """Standard streams that can be relied on.

    One that the caller closed is there, and reading or writing it fails: or else the next file opened would
    get its number. Where PYTHONUNBUFFERED is set, Python drops what a full disk does not take, without a word;
    with a buffer it tells.
    """
    if sys.stdin is None:
        sys.stdin = os.fdopen(os.open(os.devnull, os.O_WRONLY), encoding="utf-8")
    if sys.stdout is None:
        sys.stdout = os.fdopen(os.open(os.devnull, os.O_RDONLY), "w", encoding="utf-8")
    elif isinstance(getattr(sys.stdout, "buffer", None), io.RawIOBase):
        sys.stdout = os.fdopen(sys.stdout.fileno(), "w", encoding=sys.stdout.encoding, closefd=False)
    if sys.stderr is None:
        sys.stderr = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8")


def _run(arguments: list[str]) -> int:
    import click

    from .app import app

    try:
        code = app.main(arguments, prog_name="maildiag", standalone_mode=False)
    except click.Abort:
        return INTERRUPTED
    except SystemExit:  # so click ends where nobody reads a help text
        raise NobodyReads from None
    except OSError as error:
        if error.filename is None and error.errno in NOT_WRITTEN:  # a help text
            raise Fault(f"standard output: cannot be written: {reason(error)}") from None
        raise
    except click.UsageError as error:
        context = error.ctx
        if not arguments and context is not None:
            sys.stderr.write(context.get_help() + "\n")
            return USAGE
        hint = f"; see {context.command_path} --help" if context is not None else ""
        raise Fault(f"{_sentence(error)}{hint}") from None
    return code if isinstance(code, int) else 0


def _sentence(error: click.UsageError) -> str:
    """A usage error as one line without its full stop."""
    return " ".join(error.format_message().split()).removesuffix(".")


def _complain(text: str) -> None:
    """One line on stderr; what came from elsewhere cannot add another."""
    with contextlib.suppress(OSError):
        sys.stderr.write("maildiag: " + "".join(c if c.isprintable() else " " for c in text) + "\n")
