"""What other implementations of the same standards say of the same records, where somebody asked for it."""

from __future__ import annotations

from diag.model.frozen import frozen


@frozen
class Opinion:
    """One question, our answer, and that of another implementation."""

    other: str
    """Who was asked: "pyspf", "checkdmarc"."""
    question: str
    ours: str
    theirs: str
    section: str = ""
    """Where they differ: the section that settles it, "RFC 7208 section 5.2"; empty where none is known."""
    why: str = ""
    """What that section says of the case, in a sentence."""

    @property
    def agrees(self) -> bool:
        """Whether both say the same."""
        return self.ours == self.theirs

    @property
    def settled(self) -> str:
        """What settles the difference, or that nobody has decided it."""
        return f"{self.section}: {self.why}" if self.section else "undecided"


@frozen
class SecondOpinions:
    """Everything the others were asked about one domain."""

    opinions: tuple[Opinion, ...]
    unheard: tuple[str, ...] = ()
    """What they could not be asked, and why."""

    @property
    def differing(self) -> tuple[Opinion, ...]:
        """Those that do not agree with us."""
        return tuple(opinion for opinion in self.opinions if not opinion.agrees)
