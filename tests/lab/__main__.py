"""`python -m lab start|stop DIR [NET]`, with tests/ on the path: the laboratory by hand."""

import sys
from pathlib import Path

from lab import processes, world

_USAGE = "usage: lab start DIR [NET] | lab stop DIR        NET is two octets, 127.25 unless said"


def main(argv: list[str]) -> None:
    """Do what the words say; anything wrong ends with one line on stderr and a status of 1."""
    match argv:
        case ["start", folder, *rest] if len(rest) <= 1:
            lacking = world.missing()
            if lacking:
                raise SystemExit(f"lab: this machine lacks {', '.join(lacking)}; see tests/lab/install")
            started = world.start(Path(folder), *rest)
            print(f"{started.folder}: {len(started.domains)} mail domains; world.json says what is where")
        case ["stop", folder]:
            processes.stop(Path(folder))
        case ["_inside", folder, net]:
            world.start_inside(Path(folder), net)
        case _:
            raise SystemExit(_USAGE)


main(sys.argv[1:])
