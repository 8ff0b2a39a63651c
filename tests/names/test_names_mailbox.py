"""Mailboxes as people write them."""

from __future__ import annotations

import pytest

from diag.names.mailbox import BadMailbox, mailbox


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("anna@Example.ORG.", "anna@example.org"),
        (" Anna.B+x@example.org ", "Anna.B+x@example.org"),
        ("änne@bücher.example", "änne@xn--bcher-kva.example"),
        ("我買@example.org", "我買@example.org"),
    ],
)
def test_the_domain_is_brought_to_one_form_and_the_local_part_left(written: str, meant: str) -> None:
    assert mailbox(written) == meant


@pytest.mark.parametrize(
    "written",
    [
        *("", "anna", "@example.org", "anna@", "a b@example.org", "a..b@example.org", ".a@example.org"),
        *(
            "<anna@example.org>",
            '"a b"@example.org',
            "a\r\nb@example.org",
            "a@b@example.org",
            "a\u202eb@x.org",
        ),
        *("x" * 65 + "@example.org", "a\u00a0b@example.org", "anna@exa mple.org"),
    ],
)
def test_what_is_no_mailbox_is_said_in_one_line(written: str) -> None:
    with pytest.raises(BadMailbox) as raised:
        mailbox(written)
    assert "\n" not in str(raised.value)
