"""A strict reader of HTML: whatever a browser would have to mend is an error here."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = frozenset({"meta", "br", "hr", "img", "input", "link"})
_SELF_CLOSED = frozenset({"path", "rect"})


@dataclass
class Element:
    """One element, its attributes and all text below it."""

    name: str
    attributes: dict[str, str]
    within: tuple[str, ...]
    pieces: list[str]
    """All text of the page."""
    begin: int
    end: int = 0

    @property
    def text(self) -> str:
        """Its text, that of the elements below it included."""
        return "".join(self.pieces[self.begin : self.end])


@dataclass
class Page:
    """What a reader finds, in order."""

    elements: list[Element] = field(default_factory=list)

    def all(self, *names: str) -> list[Element]:
        """The elements of these names."""
        return [element for element in self.elements if element.name in names]

    def by_id(self, wanted: str) -> Element:
        """The one element with an id."""
        (found,) = [element for element in self.elements if element.attributes.get("id") == wanted]
        return found

    @property
    def ids(self) -> list[str]:
        """All ids."""
        return [element.attributes["id"] for element in self.elements if "id" in element.attributes]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.page = Page()
        self.stack: list[Element] = []
        self.pieces: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"<{tag}> has an attribute twice: {names}"
        within = tuple(open_one.name for open_one in self.stack)
        held = {name: value or "" for name, value in attrs}
        element = Element(tag, held, within, self.pieces, len(self.pieces), len(self.pieces))
        self.page.elements.append(element)
        if tag not in VOID:
            self.stack.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in _SELF_CLOSED, f"<{tag}/> does not close itself in HTML"
        self.handle_starttag(tag, attrs)
        self.stack.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.stack, f"</{tag}> closes nothing"
        assert self.stack[-1].name == tag, f"</{tag}> closes <{self.stack[-1].name}>"
        self.stack.pop().end = len(self.pieces)

    def handle_data(self, data: str) -> None:
        self.pieces.append(data)


def read(text: str) -> Page:
    """Read a page; raises AssertionError where it is not well-formed."""
    reader = _Reader()
    reader.feed(text)
    reader.close()
    assert not reader.stack, f"never closed: {[element.name for element in reader.stack]}"
    return reader.page
