"""What is said of keys whose private half is public."""

from __future__ import annotations

_WORDS = {
    "debianssl": "it was made by Debian's broken OpenSSL of 2006 to 2008 (CVE-2008-0166), whose keys are all known",
    "keypair": "it was made by the faulty generator of CVE-2021-41117, whose keys are all known",
}
"""By the name of the list, as badkeys calls it."""


ROCA = "it was made by the faulty generator of CVE-2017-15361 (ROCA), and can be factored"
"""What is said of a key with that generator's fingerprint, which needs no list."""


def known_key_words(listed: str) -> str:
    """Why a key on that list is no secret, as a sentence without its full stop."""
    return _WORDS.get(listed, f"its private key is public, and stands on the list “{listed[:40]}” of badkeys")
