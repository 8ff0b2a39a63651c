"""The route of a message as a picture: the domain, its MX hosts, their addresses; with its text."""

from __future__ import annotations

from dataclasses import dataclass

from diag.api import Many, MxHost, Report, Routing, Severity, Unavailable
from diag.probes.talks import SmtpTalk
from reports import states

from .anchors import Anchors
from .boxes import Box, box
from .endpoints import state

WIDTH = 940
ROW = 40
_LEFT, _MIDDLE, _RIGHT = (4, 210), (262, 260), 574
_BOX = 46
_MOST_HOSTS, _MOST_ADDRESSES = 16, 8
_FITS = {"domain": 26, "host": 33}
"""Characters that fit into a box at its font size."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """An address and its state."""

    x: int
    y: int
    address: str
    shown: states.Shown
    target: str


@dataclass(frozen=True, slots=True)
class Picture:
    """What the template draws. Lines are path data of our own making."""

    width: int
    height: int
    boxes: tuple[Box, ...]
    leaves: tuple[Leaf, ...]
    lines: tuple[str, ...]
    text: tuple[str, ...]
    """The same in sentences, for whoever does not see the picture."""
    more: int
    """MX hosts beyond those drawn."""


def picture(report: Report, anchors: Anchors) -> Picture | None:
    """The picture; None where the routing is not known or the domain takes no mail."""
    routing = report.fact(Routing)
    if not isinstance(routing, Routing) or not routing.hosts:
        return None
    known = report.fact(MxHost)
    hosts = known if isinstance(known, Many) else Many[MxHost]({})
    boxes: list[Box] = []
    leaves: list[Leaf] = []
    lines: list[str] = []
    text: list[str] = []
    y = 12
    middles = []
    for name in routing.hosts[:_MOST_HOSTS]:
        branch = _leaves(name, hosts.get(name), y, anchors)
        height = max(len(branch) * ROW, _BOX + 14)
        if len(branch) == 1:
            branch = [_moved(branch[0], y + height // 2 - ROW // 2)]
        centre = y + height // 2
        preference = min(each.preference for each in routing.exchanges if each.name == name)
        detail = "no MX record: the domain itself" if routing.implicit else f"preference {preference}"
        boxes.append(box(_MIDDLE, centre, _BOX, name, _FITS["host"], detail))
        start = _MIDDLE[0] + _MIDDLE[1]
        lines += [_curve(start, centre, _RIGHT - 10, leaf.y + ROW // 2) for leaf in branch]
        leaves += branch
        middles.append(centre)
        said = ", ".join(f"{leaf.address} {leaf.shown.word}" for leaf in branch)
        text.append(f"{name}, {detail}: {said}.")
        y += height + 10
    centre = (middles[0] + middles[-1]) // 2
    boxes.insert(0, box(_LEFT, centre, _BOX, routing.domain, _FITS["domain"], _trusted(routing)))
    lines += [_curve(_LEFT[0] + _LEFT[1], centre, _MIDDLE[0], middle) for middle in middles]
    return Picture(
        WIDTH,
        y + 2,
        tuple(boxes),
        tuple(leaves),
        tuple(lines),
        tuple(text),
        len(routing.hosts) - len(middles),
    )


def _trusted(routing: Routing) -> str:
    return "MX vouched for by DNSSEC" if routing.authenticated else "MX without DNSSEC"


def _leaves(name: str, host: MxHost | object, y: int, anchors: Anchors) -> list[Leaf]:
    if isinstance(host, MxHost) and host.addresses:
        shown = []
        for at, address in enumerate(host.addresses[:_MOST_ADDRESSES]):
            seen, target = _at_25(name, address, anchors)
            shown.append(Leaf(_RIGHT, y + at * ROW, address, seen, target))
        return shown
    if isinstance(host, MxHost):
        word = "no address" if host.exists else "does not exist"
        return [Leaf(_RIGHT, y, "", states.short(Severity.ERROR, word), "")]
    why = "could not be looked up" if isinstance(host, Unavailable) else "not looked up"
    return [Leaf(_RIGHT, y, "", states.unknown(why), "")]


def _moved(leaf: Leaf, y: int) -> Leaf:
    return Leaf(leaf.x, y, leaf.address, leaf.shown, leaf.target)


def _at_25(name: str, address: str, anchors: Anchors) -> tuple[states.Shown, str]:
    for talk in anchors.talks:
        if isinstance(talk, SmtpTalk) and (talk.host, talk.address, talk.port) == (name, address, 25):
            return state(talk, anchors), anchors.id_of(talk)
    return states.mute("not asked"), ""


def _curve(x1: int, y1: int, x2: int, y2: int) -> str:
    middle = (x1 + x2) // 2
    return f"M{x1} {y1}C{middle} {y1} {middle} {y2} {x2} {y2}"
