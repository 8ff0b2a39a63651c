"""What a run judges and when it fails, from options and profile; everything checked against what is known."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from diag.lab.zone import BadZone, Zone
from diag.model.finding import Severity
from diag.run.profile import USUAL, BadProfile, Profile, load as load_profile
from diag.run.registry import BadPlugin, Registry, areas, load as load_plugins

if TYPE_CHECKING:
    from diag.run.registry import Point

from .faults import Fault, reason, unknown
from .progress import Progress

DEFAULT_FAIL_ON = "error"
NEVER = "never"


def plugins(points: Iterable[Point] | None = None, *, checks_later: bool = False) -> Registry:
    """Everything installed, or these plugins alone. Raises Fault where one cannot be used.

    With `checks_later` our checks are imported when they are needed, or while answers are waited for.
    """
    try:
        return load_plugins(points, checks_later=checks_later)
    except BadPlugin as error:
        raise Fault(" ".join(str(error).split())) from error


def profile(path: Path | None, registry: Registry, progress: Progress) -> Profile:
    """The profile named, or the one that lies in the current directory, or what is done without one."""
    if path is None and not USUAL.is_file():
        return Profile()
    try:
        found = load_profile(path or USUAL)
        found.refuse_unknown_rules(registry.rules)
    except BadProfile as error:
        raise Fault(" ".join(str(error).split())) from None
    except RecursionError:
        raise Fault(f"{path or USUAL}: nested too deeply") from None
    required(found.require, registry, f"{found.place}: require")
    progress.detail(f"profile: {found.place}")
    return found


def chosen(given: Iterable[str], registry: Registry, option: str) -> tuple[str, ...]:
    """Areas and rules as given, each of them known."""
    given = tuple(given)
    if not given:
        return ()
    known = {*areas(registry.rules), *registry.rules}
    for name in given:
        if name not in known:
            what = "rule" if "/" in name else "area"
            raise unknown(what, name, known, where=option, see="maildiag rules")
    return given


def required(given: Iterable[str], registry: Registry, option: str) -> tuple[str, ...]:
    """The areas that must be determined: `dns` always, then those given."""
    given = tuple(given)
    for area in given:
        # 'dns' alone, which is usual, is no reason to import the checks now.
        if area != "dns" and area not in (known := {"dns", *areas(registry.rules)}):
            raise unknown("area", area, known, where=option)
    return tuple(dict.fromkeys(("dns", *given)))


def tls_profile(given: str | None) -> str:
    """The profile that TLS is held against; empty where none is named. Raises Fault."""
    if given is None:
        return ""
    from diag.tls.profiles import PROFILES

    if given not in PROFILES:
        raise unknown("profile of TLS", given, PROFILES, where="--tls-profile")
    return given


def threshold(said: str, where: str = "--fail-on") -> Severity | None:
    """The severity from which on a run fails; None for never."""
    names = [str(severity) for severity in Severity]
    if said == NEVER:
        return None
    if said not in names:
        raise unknown("severity", said, (*names, NEVER), where=where)
    return Severity[said.upper()]


def zone(path: Path | None, origins: Sequence[str]) -> Zone | None:
    """The zone to lay over the answers. Relative names are below the domain, where there is just one."""
    if path is None:
        return None
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise Fault(f"--zone {path}: cannot be read: {reason(error)}") from None
    except UnicodeDecodeError as error:
        raise Fault(f"--zone {path}: not UTF-8 at octet {error.start}") from None
    try:
        return Zone.parse(text, origins[0] if len(origins) == 1 else ".", str(path))
    except BadZone as error:
        raise Fault(f"--zone {' '.join(str(error).split())}") from None
