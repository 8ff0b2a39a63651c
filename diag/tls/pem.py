"""The blocks of PEM files (RFC 7468), decoded."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator


def decoded(block: re.Pattern[bytes], pem: bytes) -> Iterator[bytes]:
    """What stands in each block in DER, in their order; what is no base64 is passed over. Never raises.

    `block` finds them, with the text between the two lines as its first group.
    """
    for found in block.finditer(pem):
        try:
            yield base64.b64decode(b"".join(found[1].split()), validate=True)
        except binascii.Error:
            continue
