"""What an answer to a ClientHello was that is no TLS."""

from __future__ import annotations

import pytest

from diag.tls.handshake import TlsFailure, TlsTrouble


@pytest.mark.parametrize(
    ("octets", "text", "put_off"),
    [
        (b"220 mx.example ESMTP\r\n", "220 mx.example ESMTP", ""),
        (b"421 4.3.2 later\r\n", "421 4.3.2 later", "421 4.3.2 later"),
        (b"* bye later\r\n", "* bye later", "* bye later"),
        (b"A" * 512, "A" * 512, ""),
        (b"\x00\x17\xfe\x88 noise\r\n", "", ""),
        ("421 später\r\n".encode(), "", ""),
        (b"", "", ""),
    ],
)
def test_text_is_told_from_noise(octets: bytes, text: str, put_off: str) -> None:
    failure = TlsFailure(TlsTrouble.NOT_TLS, octets=octets)
    assert (failure.text, failure.put_off) == (text, put_off)


def test_only_what_is_no_tls_is_text() -> None:
    assert TlsFailure(TlsTrouble.ALERT, octets=b"421 x\r\n").text == ""
