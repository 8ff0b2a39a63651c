"""The catalogue: every rule is presentable, cites what exists, is raised by one world and withheld by another."""

from __future__ import annotations

import importlib.util
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from diag.cli.explain import _explained
from diag.model.finding import Document, Finding, Rfc, Severity

ROOT = Path(__file__).parent.parent


def _generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


generate = _generator()
REGISTRY = generate.our_rules()
WORLDS = generate.heads()
RULES: list[type[Finding]] = [REGISTRY.rules[id_] for id_ in sorted(REGISTRY.rules)]
each_rule = pytest.mark.parametrize("rule", RULES, ids=[rule.id for rule in RULES])


def _expanded(entry: str) -> Iterator[str]:
    """`4.1-4.3` as 4.1, 4.2, 4.3; `A.1-A.2` likewise."""
    first, _, last = entry.partition("-")
    if not last:
        yield first
        return
    stem, number = re.fullmatch(r"((?:[A-Z0-9]+\.)*)([0-9]+)", first).groups()  # type: ignore[union-attr]
    assert last.startswith(stem), entry
    for each in range(int(number), int(last.removeprefix(stem)) + 1):
        yield f"{stem}{each}"


def _sections() -> dict[int, set[str]]:
    table = tomllib.loads((Path(__file__).parent / "rfc_sections.toml").read_text())["rfc"]
    return {
        int(number): {section for entry in entries for section in _expanded(entry)}
        for number, entries in table.items()
    }


SECTIONS = _sections()


def test_ranges_of_sections_are_read_as_meant() -> None:
    assert list(_expanded("4.1-4.3")) == ["4.1", "4.2", "4.3"]
    assert list(_expanded("9-11")) == ["9", "10", "11"]
    assert list(_expanded("A.6")) == ["A.6"]
    assert "4.5.3.1.10" in SECTIONS[5321]
    assert "4.5.3.1.11" not in SECTIONS[5321]


def test_there_are_rules_and_worlds() -> None:
    assert len(RULES) > 20
    assert len(WORLDS) > 40


@each_rule
def test_a_rule_is_presentable(rule: type[Finding]) -> None:
    assert rule.page.summary.endswith("."), "the summary is a sentence"
    assert "\n\n" not in rule.page.summary
    assert rule.page.why
    assert rule.page.how
    assert rule.references
    assert rule.since
    assert isinstance(rule.severity, Severity)
    # its id names the problem
    slug = rule.id.partition("/")[2]
    assert not re.match(r"(use|prefer|should|check|missing-check)-", slug)
    assert not re.search(r"-(mild|grave|critical|error|warning|notice|info)$", slug), (
        "a sibling is named after its consequence"
    )
    # and it is raised by a check that reads as a claim
    raising = [check for check in REGISTRY.checks if rule in check.rules]
    assert raising, "no check names this rule"
    for check in raising:
        assert check.function.__doc__, f"{check.where}: a check's docstring is its claim"
        assert {each.id.partition("/")[0] for each in check.rules} == {check.area}


@each_rule
def test_every_cited_section_exists(rule: type[Finding]) -> None:
    for reference in rule.references:
        match reference:
            case Rfc(number, section):
                assert number in SECTIONS, (
                    f"{reference}: add it to tests/rfc_sections.toml once you have seen it"
                )
                known = SECTIONS[number]
                assert not section or section in known, f"{reference}: see tests/rfc_sections.toml"
            case Document(title, url):
                assert title
                assert url.startswith("https://")


@each_rule
def test_some_world_raises_it(rule: type[Finding]) -> None:
    assert [world.name for world in WORLDS if rule.id in world.raises]


@each_rule
def test_some_world_withholds_it(rule: type[Finding]) -> None:
    """Best one that nearly raises it; else another world of its area, which looks at the same facts."""
    near = [world.name for world in WORLDS if rule.id in world.against]
    area = rule.id.partition("/")[0]
    other = [
        world.name for world in WORLDS if world.name.startswith(f"{area}/") and rule.id not in world.raises
    ]
    assert near or other


@pytest.mark.parametrize("world", WORLDS, ids=[world.name for world in WORLDS])
def test_a_world_names_rules_that_exist(world: Any) -> None:
    named = {*world.raises, *world.against}
    assert named <= REGISTRY.rules.keys()
    assert not set(world.raises) & set(world.against)
    assert world.about, "the head says in a sentence what is wrong here"


class Anything:
    """A value for any field of a message."""

    def __getattr__(self, name: str) -> Anything:
        return self

    def __getitem__(self, key: object) -> Anything:
        return self

    def __format__(self, spec: str) -> str:
        return "anything"


@each_rule
def test_a_message_is_one_sentence(rule: type[Finding]) -> None:
    made: dict[str, Any] = {name: Anything() for name in rule.fields}
    text = rule(**made).text()
    assert text
    assert "{" not in text
    assert "\n" not in text
    assert text.rstrip('")”').endswith((".", "?")), text


@each_rule
def test_what_explain_says_is_plain_text(rule: type[Finding]) -> None:
    text = _explained(rule, REGISTRY, 100)
    assert text.startswith(f"{rule.id}  ({rule.severity}, since {rule.since})\n")
    assert all(line.isprintable() for line in text.splitlines())
    assert not re.search(r"^#", text, re.MULTILINE), "a heading was not taken for one"
    assert max(map(len, text.splitlines())) <= 160
    for reference in rule.references:
        assert reference.url in text


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Generated documents go to a folder of their own."""
    monkeypatch.setattr(generate, "pages", _pages_in(tmp_path))
    monkeypatch.setattr(generate, "ours", lambda: iter(()))
    monkeypatch.setattr(generate, "RULES", tmp_path / "docs" / "rules")
    monkeypatch.setattr(generate, "ROOT", tmp_path)
    return tmp_path / "docs" / "rules"


def _pages_in(folder: Path) -> Any:
    moved = {folder / path.relative_to(ROOT): text for path, text in generate.pages(REGISTRY, WORLDS).items()}
    return lambda registry, heads: moved


def test_pages_are_written_once_and_then_current(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert generate.main([]) == 0
    areas = {rule.id.partition("/")[0] for rule in RULES}
    assert {path.stem for path in site.iterdir()} == {"index", *areas}
    before = {path: path.stat().st_mtime_ns for path in site.iterdir()}
    assert generate.main([]) == 0
    assert {path: path.stat().st_mtime_ns for path in site.iterdir()} == before
    assert generate.main(["--check"]) == 0
    assert capsys.readouterr().err.splitlines()[-1].endswith("0 changed")


def test_check_tells_what_is_stale_missing_or_left_over(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    generate.main([])
    (site / "spf.md").unlink()
    (site / "mx.md").write_text("old")
    (site / "gone.md").write_text("of an area that is no more")
    capsys.readouterr()
    assert generate.main(["--check"]) == 1
    told = capsys.readouterr().err
    assert "docs/rules/spf.md is missing" in told
    assert "docs/rules/mx.md is stale" in told
    assert "docs/rules/gone.md is of no area" in told
    assert (site / "mx.md").read_text() == "old", "--check writes nothing"
    generate.main([])
    assert generate.main(["--check"]) == 0


def test_a_page_says_all_that_the_class_says() -> None:
    written = generate.pages(REGISTRY, WORLDS)
    index = written[generate.RULES / "index.md"]
    for rule in RULES:
        page = written[generate.RULES / f"{rule.id.partition('/')[0]}.md"]
        assert f"## {rule.id}\n" in page
        assert rule.page.why in page
        assert rule.page.how in page
        assert all(reference.url in page for reference in rule.references)
        assert f"| [{rule.id}](" in index
    for world in WORLDS:
        for raised in world.raises:
            assert f"[{world.name}](" in written[generate.RULES / f"{raised.partition('/')[0]}.md"]
    links = re.findall(r"\]\((\.\./[^)]+)\)", "".join(written.values()))
    assert links
    assert [link for link in dict.fromkeys(links) if not (generate.RULES / link).resolve().is_file()] == []
