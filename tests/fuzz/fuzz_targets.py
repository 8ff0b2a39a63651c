"""Whatever reads octets from elsewhere, by name."""

from __future__ import annotations

from functools import cache

from fuzz_answered import ANSWERED
from fuzz_brought import BROUGHT
from fuzz_dialogues import DIALOGUES
from fuzz_published import PUBLISHED
from fuzz_said import SAID
from fuzz_signed import signed_targets
from fuzz_target import Target
from fuzz_tls import tls_targets


@cache
def targets() -> dict[str, Target]:
    """All of them by name."""
    return {
        target.name: target
        for target in (*PUBLISHED, *ANSWERED, *BROUGHT, *SAID, *DIALOGUES, *signed_targets(), *tls_targets())
    }
