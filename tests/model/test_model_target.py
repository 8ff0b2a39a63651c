"""Which addresses strangers can reach: by the registries, and by what the user says of his laboratory."""

from __future__ import annotations

import pytest

from diag.model.target import Target


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2001:4860:4860::8888", True),
        ("10.0.0.1", False),
        ("100.64.0.1", False),
        ("127.0.0.1", False),
        ("192.0.2.1", False),
        ("224.0.0.1", False),
        ("::1", False),
        ("fe80::1", False),
        ("fd00::1", False),
        ("2001:db8::1", False),
        ("::ffff:8.8.8.8", False),
        ("64:ff9b:1::1", False),
        ("3fff::1", False),
        ("5f00::1", False),
        ("fec0::1", False),
        ("100:0:0:1::1", False),
        ("2002:c000:204::1", False),
        ("192.0.0.8", False),
        ("192.0.0.9", True),
        ("192.0.0.10", True),
        ("192.0.0.100", False),
        ("192.88.99.2", False),
    ],
)
def test_what_the_registries_keep_from_the_public(address: str, public: bool) -> None:
    assert Target("d.example").counts_as_public(address) is public


def test_what_the_user_declares_public_is() -> None:
    lab = Target("d.example", public=("127.0.0.0/8", "fd00::/8"))
    assert [lab.counts_as_public(each) for each in ("127.1.2.3", "fd00::1", "10.0.0.1")] == [
        True,
        True,
        False,
    ]
