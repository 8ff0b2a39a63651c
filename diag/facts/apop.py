"""POP3 servers whose greeting invites a login by APOP."""

from __future__ import annotations

from diag.model.frozen import frozen
from diag.model.knowing import Cite

from .clients import Pop3Survey


@frozen(kw_only=True)
class ApopOffered:
    """A greeting with a timestamp (RFC 1939 section 7). Absent where a greeting holds none."""

    survey: Pop3Survey
    timestamp: str
    repeated: Cite | None
    """Another greeting of the same address with the same timestamp; None where none of those heard has it."""

    @property
    def subject(self) -> str:
        """The endpoint as a subject."""
        return self.survey.subject
