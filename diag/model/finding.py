"""Findings and their rules: what is wrong, how much it matters, why, and where it is written."""

from __future__ import annotations

import enum
import inspect
import re
import string
import sys
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Self, TypeVar, dataclass_transform

from diag.model.frozen import frozen

from .fix import Fix
from .knowing import Cite
from .shown import LONGEST_TOLD, shortened


class Severity(enum.IntEnum):
    """How grave the consequence is; the names are those used on the command line and in JSON."""

    INFO = 1
    """Worth knowing."""
    NOTICE = 2
    """Departs from recommended practice; no effect seen."""
    WARNING = 3
    """Works today, breaks under ordinary change."""
    ERROR = 4
    """Some receivers reject, defer or distrust mail because of this."""
    CRITICAL = 5
    """Mail is lost, or anyone can send or read as this domain, now."""

    def __str__(self) -> str:
        return self.name.lower()


class Certainty(enum.StrEnum):
    """How sure we are, apart from how grave it is."""

    CERTAIN = "certain"
    LIKELY = "likely"
    """One look, or a reply that can have two causes."""


@frozen
class Rfc:
    """A section of an RFC."""

    number: int
    section: str = ""

    def __str__(self) -> str:
        return f"RFC {self.number}" + (f" section {self.section}" if self.section else "")

    @property
    def url(self) -> str:
        """Where to read it."""
        anchor = ""
        if self.section:
            kind = "appendix" if self.section[0].isalpha() else "section"
            anchor = f"#{kind}-{self.section}"
        return f"https://www.rfc-editor.org/rfc/rfc{self.number}.html{anchor}"


@frozen
class Document:
    """A reference that is no RFC: a vendor's manual, a CVE, a baseline requirement."""

    title: str
    url: str

    def __str__(self) -> str:
        return self.title


Reference = Rfc | Document


@frozen
class Page:
    """A rule's docstring, parsed: the first sentence, and its two sections."""

    summary: str
    why: str
    how: str

    @classmethod
    def parse(cls, docstring: str | None) -> Page:
        """Split a docstring at its headings `## Why it matters` and `## How to fix`."""
        text = inspect.cleandoc(docstring or "")
        parts = re.split(r"^## +(.+?) *$", text, flags=re.MULTILINE)
        sections = {
            title.strip().lower(): body.strip() for title, body in zip(parts[1::2], parts[2::2], strict=True)
        }
        return cls(parts[0].strip(), sections.get("why it matters", ""), sections.get("how to fix", ""))


@dataclass_transform(kw_only_default=True, frozen_default=True)
class Described:
    """A class whose annotations are its fields, given by keyword, never changed, equal where they are.

    A dataclass in all but its machinery: that compiles half a dozen functions a class, and hundreds of
    rules are loaded before the first question is asked.
    """

    fields: ClassVar[tuple[str, ...]] = ()
    """The names of the fields, those of the base classes first."""

    def __init_subclass__(cls) -> None:
        notes = (_annotations(base) for base in reversed(cls.__mro__))
        own = [name for annotated in notes for name, kind in annotated.items() if "ClassVar" not in str(kind)]
        cls.fields = tuple(dict.fromkeys(own))

    def __init__(self, **values: Any) -> None:
        """Raises TypeError for a field that is missing or unknown."""
        for name in self.fields:
            if name in values:
                self.__dict__[name] = values.pop(name)
            elif not hasattr(type(self), name):
                raise TypeError(f"{type(self).__name__} needs {name}=")
        if values:
            raise TypeError(f"{type(self).__name__} has no field {', '.join(values)}")

    def values(self) -> dict[str, Any]:
        """Every field with its value."""
        return {name: getattr(self, name) for name in self.fields}

    def replace(self, **changes: Any) -> Self:
        """The same with other values."""
        return type(self)(**{**self.values(), **changes})

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} does not change: {name}")

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and isinstance(other, Described) and other.values() == self.values()

    def __hash__(self) -> int:
        return hash((type(self), *self.values().values()))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self.values().items())})"


def _annotations(cls: type) -> Mapping[str, Any]:
    """Those of the class itself, whatever names in them are not known yet."""
    if sys.version_info >= (3, 14):  # where they are worked out when somebody asks (PEP 649)
        from annotationlib import Format, get_annotations

        return get_annotations(cls, format=Format.FORWARDREF)
    own: Mapping[str, Any] = vars(cls).get("__annotations__", {})
    return own


class Finding(Described):
    """One thing that is wrong with one subject, and the evidence for it.

    Subclasses are rules: they add the fields that fill `message`, and @rule gives them the rest. Fields are
    given by keyword.
    """

    id: ClassVar[str] = ""
    severity: ClassVar[Severity] = Severity.INFO
    references: ClassVar[tuple[Reference, ...]] = ()
    since: ClassVar[str] = ""
    page: ClassVar[Page] = Page("", "", "")
    message: ClassVar[str] = ""
    instead_of: ClassVar[tuple[str, ...]] = ()
    """Rules by which the same cause shows too, told less exactly: on one subject only this one is told of it."""

    subject: str
    evidence: tuple[Cite, ...] = ()
    certainty: Certainty = Certainty.CERTAIN
    fix: tuple[Fix, ...] = ()

    def text(self) -> str:
        """The message with this finding's values: one sentence, without a trailing line end.

        Values are shortened where they are too long to be read: what a peer said may have any length.
        """
        return self.message.format_map({name: _told(value) for name, value in self.values().items()})

    @property
    def area(self) -> str:
        """The part of the id before the slash."""
        return self.id.partition("/")[0]


def _told(value: Any) -> Any:
    return shortened(value, LONGEST_TOLD) if isinstance(value, str) else value


F = TypeVar("F", bound=type[Finding])


def rule(id: str, severity: Severity, *references: Reference, since: str) -> Callable[[F], F]:  # noqa: A002
    """Make a Finding subclass a rule. The class is returned; nothing is registered.

    Raises ValueError where the rule could not be shown: no explanation, a bad id, a message that
    names a field the class does not have. That is the plugin's bug, found at import.
    """

    def decorate(cls: F) -> F:
        if not _RULE_ID.fullmatch(id):
            raise ValueError(f"{id!r} is no rule id: area/the-problem, lower case, hyphens")
        page = Page.parse(cls.__doc__)
        if not (page.summary and page.why and page.how and references):
            raise ValueError(
                f"rule {id}: the docstring needs a first sentence, '## Why it matters' and "
                "'## How to fix', and the rule at least one reference"
            )
        for _, name, _, _ in string.Formatter().parse(cls.message):
            if name is not None and re.split(r"[.\[]", name)[0] not in cls.fields:
                raise ValueError(
                    f"rule {id}: its message names {{{name}}}, which is no field of {cls.__name__}"
                )
        cls.id, cls.severity, cls.references = id, severity, tuple(references)
        cls.since, cls.page = since, page
        return cls

    return decorate


_RULE_ID = re.compile(r"[a-z][a-z0-9-]*/[a-z0-9]+(-[a-z0-9]+)*")


@frozen
class Undecided:
    """What a check yields where the evidence decides nothing for a subject: makes it inconclusive."""

    because: str
    evidence: tuple[Cite, ...] = ()
    subject: str = ""


Verdict = Finding | Undecided


def as_cites(*things: Any) -> tuple[Cite, ...]:
    """Evidence from probes, cites and tuples of either, flattened, each once, in order."""
    flat: dict[Cite, None] = {}
    for thing in things:
        for cite in as_cites(*thing) if isinstance(thing, tuple) else (thing,):
            flat[cite if isinstance(cite, Cite) else Cite(cite)] = None
    return tuple(flat)
