"""Writing files and running tools, with errors a reader can act on."""

import subprocess
from pathlib import Path
from textwrap import dedent


def write(path: Path, content: str, mode: int = 0o644) -> Path:
    """Write `content`, its common indentation taken off, making the folders on the way."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(dedent(content).lstrip("\n"))
    path.chmod(mode)
    return path


def run(*argv: str | Path) -> str:
    """Run a tool to its end and return what it printed; a failure ends the start with its words."""
    done = subprocess.run([str(word) for word in argv], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"lab: {' '.join(map(str, argv))} failed:\n{done.stdout}{done.stderr}")
    return done.stdout
