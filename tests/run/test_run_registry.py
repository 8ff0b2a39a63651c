"""What plugins offer is found once, whoever else imports it, and in the same order every run."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from run_kit import Apple, Spot, Worm, apple, no_worm_in_the_apple, run_moment

from diag.api import Check, Performer, Probe, Report, performs, renderer
from diag.asking import Means
from diag.cli import judging
from diag.probes.moment import Now
from diag.run.registry import BadPlugin, Registry, areas, entry_points, load, others_offer


def module(name: str, **things: object) -> ModuleType:
    """A module made by hand."""
    made = ModuleType(name)
    vars(made).update(things)
    return made


class Shake(Probe[Apple]):
    """Shake a tree."""

    kind = "shake"


@performs(Shake)
async def shake(probe: Shake, means: Means) -> Apple:
    """An apple falls."""
    return Apple()


@renderer("basket", "text/plain")
def basket(report: Report) -> str:
    """A basket.

    More on baskets.
    """
    return "basket"


def test_everything_a_module_makes_is_taken_in() -> None:
    registry = Registry()
    made_here = (no_worm_in_the_apple, apple, Spot, shake, basket)
    for name in ("run_kit", __name__):
        things = {
            str(at): thing
            for at, thing in enumerate(made_here)
            if getattr(getattr(thing, "function", thing), "__module__", "") == name
        }
        registry.take(module(name, **things), "orchard")
    assert registry.checks == [no_worm_in_the_apple]
    assert registry.facts == [apple]
    assert registry.rules == {"orchard/worm": Worm, "orchard/spot": Spot}
    assert registry.performers == {Shake: shake}
    assert registry.renderers == {"basket": basket}
    assert registry.probes == {"shake": Shake}


def test_what_a_module_imports_is_not_its_own() -> None:
    registry = Registry()
    registry.take(module("other", a=apple, c=no_worm_in_the_apple, r=Spot, p=shake, b=basket), "orchard")
    held = (registry.checks, registry.facts, registry.rules, registry.performers, registry.renderers)
    assert not any(held)


def test_modules_within_modules_are_looked_through() -> None:
    registry = Registry()
    inner = module("run_kit", moment=run_moment)
    registry.take(module("outer", modules=(module("middle", modules=(inner,)),)), "orchard")
    assert registry.facts == [run_moment]


def test_a_rule_without_a_check_is_listed() -> None:
    registry = Registry()
    registry.take(module("run_kit", Spot=Spot), "orchard")
    assert list(registry.rules) == ["orchard/spot"]
    assert registry.checks == []


def test_a_renderer_is_told_by_its_first_line() -> None:
    assert (basket.summary, basket.media_type) == ("A basket.", "text/plain")


def test_what_is_installed_is_found_ours_first() -> None:
    names = [point.name for point in entry_points()]
    assert names[:4] == ["probes", "facts", "checks", "reports"]
    registry = load()
    assert {"text", "json"} <= registry.renderers.keys()
    assert registry.probes["now"] is Now
    assert all(isinstance(check, Check) for check in registry.checks)
    assert all(isinstance(each, Performer) for each in registry.performers.values())
    assert registry.facts
    assert "mx" in set(areas(registry.rules))


def test_every_probe_goes_by_one_kind_on_tape() -> None:
    registry = load()
    assert len(registry.probes) == len(registry.performers)


def test_a_plugin_of_nobody_is_named_all_the_same() -> None:
    point = importlib.metadata.EntryPoint("fruit", "no_such_orchard.plugin", "maildiag.plugins")
    with pytest.raises(BadPlugin, match="plugin 'fruit' of unknown distribution cannot be imported") as error:
        load([point])
    assert "no_such_orchard" in str(error.value)
    assert isinstance(error.value.__cause__, ModuleNotFoundError)


def test_areas_are_told_once_in_order() -> None:
    assert list(areas(["spf/a", "mx/b", "spf/c"])) == ["spf", "mx"]


def test_our_checks_are_read_when_they_are_needed() -> None:
    registry = load(checks_later=True)
    assert [point.name for point in registry.later] == ["checks"]
    assert registry.facts
    assert registry.rules.keys() == load().rules.keys()
    assert registry.later == []


def test_nothing_waits_where_others_have_plugins() -> None:
    theirs = importlib.metadata.EntryPoint("fruit", "run_kit", "maildiag.plugins")
    assert load([*entry_points(), theirs], checks_later=True).later == []


def test_certificates_are_read_by_what_is_loaded_late() -> None:
    code = (
        "import sys\nfrom diag.run.registry import load\nload(checks_later=True)\n"
        "print([name for name in ('cryptography', 'OpenSSL', 'h11', 'checks') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_plugins_of_others_are_seen_wherever_a_distribution_can_lie(tmp_path: Path) -> None:
    """Only then the library is asked for them, which takes long to load."""
    offered = "[console_scripts]\na = b:c\n\n[maildiag.plugins]\nfruit = orchard.plugin\n"
    for number, name in enumerate(("orchard-1.0.dist-info", "orchard.egg-info", "EGG-INFO")):
        place = tmp_path / str(number)
        (place / name).mkdir(parents=True)
        (place / name / "entry_points.txt").write_text(offered)
        assert others_offer([str(tmp_path / "nowhere"), str(place)]), name
    (tmp_path / "some.zip").write_bytes(b"PK")
    assert others_offer([str(tmp_path / "some.zip")]), "what cannot be looked into may hold one"


def test_our_own_distribution_and_those_without_plugins_do_not_count(tmp_path: Path) -> None:
    for name, offered in {
        "maildiag-1.0.dist-info": "[maildiag.plugins]\nchecks = checks.plugin\n",
        "other-1.0.dist-info": "[console_scripts]\na = b:c\n",
        "maildiag_orchard.txt": "[maildiag.plugins]\n",
    }.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "entry_points.txt").write_text(offered)
    (tmp_path / "bare-1.0.dist-info").mkdir()
    assert not others_offer([str(tmp_path)])


def test_what_is_usual_needs_no_check_before_the_first_answers() -> None:
    registry = load(checks_later=True)
    assert judging.required(("dns", "dns"), registry, "--require") == ("dns",)
    assert judging.chosen((), registry, "--only") == ()
    assert registry.later
