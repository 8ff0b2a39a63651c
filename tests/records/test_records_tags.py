"""Tag=value lists: everything is kept and has a place (RFC 6376 section 3.2)."""

import pytest
from hypothesis import given, settings, strategies as st

from diag.records.tags import FIELD_NAME, FWS, MalformedPart, Tag, TagList, colon_list


def test_a_list_is_written_anew_with_another_value_or_without_it() -> None:
    tags = TagList.parse(" a = 1 ;b=; c=3;a=2;; word ")
    assert tags.rewritten("a", "x") == "a=x; b=; c=3; a=x"
    assert tags.rewritten("a", "") == "a=; b=; c=3; a="
    assert tags.rewritten("a", None) == "b=; c=3"
    assert tags.rewritten("z", "9") == "a=1; b=; c=3; a=2"


def test_order_positions_and_white_space() -> None:
    tags = TagList.parse(" v = DKIM1 ;a=;\r\n\tb_2= c = d ;; 2x=1; word ")
    assert tags.tags == (Tag("v", "DKIM1", 1, 5), Tag("a", "", 12, 14), Tag("b_2", "c = d", 18, 23))
    assert tags.malformed == (MalformedPart("2x=1", 32), MalformedPart("word", 38))
    assert tags.get("v") == "DKIM1"
    assert tags.get("V") is None
    assert tags.first("nothing") is None


def test_repeated_tags() -> None:
    tags = TagList.parse("a=1;b=2;a=3;a=4")
    assert tags.get("a") == "1"
    assert [tag.value for tag in tags.repeated] == ["3", "4"]


def test_field_names_are_wider() -> None:
    assert TagList.parse("2x.y-z=1", FIELD_NAME).get("2x.y-z") == "1"
    assert TagList.parse("x" * 33 + "=1", FIELD_NAME).malformed


@pytest.mark.parametrize(("value", "items"), [("a : b:c", ("a", "b", "c")), ("", ()), (" :x: ", ("x",))])
def test_colon_lists(value: str, items: tuple[str, ...]) -> None:
    assert colon_list(value) == items


@settings(max_examples=100)
@given(st.text() | st.text("ab=; \t\r\n"))
def test_positions_point_at_the_text(text: str) -> None:
    tags = TagList.parse(text)
    for tag in tags.tags:
        assert text.startswith(tag.name, tag.position)
        assert text.startswith(tag.value, tag.value_position)
    for part in tags.malformed:
        assert text.startswith(part.text, part.position)
    parts = [part for part in text.split(";") if part.strip(FWS)]
    assert len(parts) == len(tags.tags) + len(tags.malformed)


@pytest.mark.parametrize("unit", [";", "a=1;", " ", "=", "a", "a ", "é;"])
def test_very_long_lists(unit: str) -> None:
    TagList.parse(unit * (65536 // len(unit)))
