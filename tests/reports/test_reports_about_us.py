"""What is wrong with the machine that looks is told before what is wrong with the domain, and once."""

from __future__ import annotations

import page_reader
import sample
from text_sample import shown

from checks.vantage import NotValidating

OURS = NotValidating(subject="resolver")
REPORT = sample.with_results(sample.healthy(), sample.failed(OURS), *sample.broken().results)


def test_the_text_tells_it_in_its_head() -> None:
    text = " ".join(shown(REPORT).split())
    assert text.count("About this machine, not the domain:") == 1
    assert text.index("About this machine") < text.index("Do this first")
    assert text.count(OURS.text()) == 1


def test_the_page_tells_it_in_its_head() -> None:
    (head,) = sample.page_of(REPORT).all("header")
    assert f"About the machine that looked, not the domain. {OURS.text()}" in head.text


def test_a_machine_with_nothing_wrong_is_not_spoken_of() -> None:
    assert "About this machine" not in shown(sample.healthy())
    (head,) = page_reader.read(sample.text_of("healthy")).all("header")
    assert "machine that looked" not in head.text
