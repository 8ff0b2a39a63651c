"""A delivery status notification counts where it says for certain what was not delivered (RFC 3464)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings, strategies as st

from diag.message.failure import Failure, read_failure

HEAD = "Content-Type: multipart/report; report-type=delivery-status;\r\n\tboundary=x\r\n\r\n"
HOST = "Reporting-MTA: dns; MX.Lantern.Example\r\n\r\n"
NOBODY = "Final-Recipient: rfc822; Nobody@lantern.example\r\n"

CASES = {
    "failed": (HEAD + HOST + NOBODY + "Action: failed\r\n", ("nobody@lantern.example",)),
    "failed, in other order": (HEAD + HOST + "Action: failed\r\n" + NOBODY, ("nobody@lantern.example",)),
    "bare line feeds": (
        (HEAD + HOST + NOBODY + "Action: failed\r\n").replace("\r", ""),
        ("nobody@lantern.example",),
    ),
    "original beside final": (
        HEAD + HOST + NOBODY + "Original-Recipient: rfc822;<a@b.example>\r\nAction: Failed\r\n",
        ("nobody@lantern.example", "a@b.example"),
    ),
    "folded": (
        HEAD + HOST + NOBODY.replace("rfc822; ", "rfc822;\r\n ") + "Action:\r\n\tfailed\r\n",
        ("nobody@lantern.example",),
    ),
    "delayed": (HEAD + HOST + NOBODY + "Action: delayed\r\n", None),
    "failed for nobody": (HEAD + HOST + "Action: failed\r\n\r\n" + NOBODY, None),
    "two in one report": (
        HEAD
        + HOST
        + NOBODY
        + "Action: delivered\r\n\r\nFinal-Recipient: rfc822; c@d.example\r\nAction: failed\r\n",
        ("c@d.example",),
    ),
    "an ordinary message": ("Content-Type: text/plain\r\n\r\n" + HOST + NOBODY + "Action: failed\r\n", None),
    "another report": (
        HEAD.replace("delivery-status", "feedback-report") + NOBODY + "Action: failed\r\n",
        None,
    ),
    "nothing": ("", None),
}


@pytest.mark.parametrize("name", CASES)
def test_what_failed(name: str) -> None:
    text, recipients = CASES[name]
    found = read_failure(text.encode())
    assert found == (None if recipients is None else Failure("mx.lantern.example", recipients))


def test_a_host_without_a_name_is_none() -> None:
    assert read_failure((HEAD + NOBODY + "Action: failed\r\n").encode()) == Failure(
        "", ("nobody@lantern.example",)
    )


@given(st.binary(max_size=400))
@settings(max_examples=100)
def test_nothing_raises(octets: bytes) -> None:
    assert read_failure(octets) is None
    read_failure(HEAD.encode() + octets)
