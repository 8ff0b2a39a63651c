"""The mail software that greetings name."""

from __future__ import annotations

import pytest
from hypothesis import given, settings, strategies

from diag.wire.software import named_software

GREETINGS = {
    "mx1.example.org ESMTP Postfix": "Postfix",
    "mx1.example.org ESMTP Postfix (Debian/GNU)": "Postfix",
    "mx1.example.org ESMTP Postfix 3.9.": "Postfix 3.9",
    "mx ESMTP Exim 4.96.2 Sat, 21 Nov 2026 21:00:00 +0000": "Exim 4.96.2",
    "mx ESMTP Exim 4.98 #2 Sat, 21 Nov 2026": "Exim 4.98",
    "mx ESMTP Sendmail 8.18.1/8.18.1; Sat, 21 Nov 2026": "Sendmail 8.18.1",
    "mx Microsoft ESMTP MAIL Service ready at Sat, 21 Nov 2026": "Exchange",
    "mx Microsoft ESMTP MAIL Service, Version: 10.0.17763.1697 ready": "Exchange 10.0.17763.1697",
    "The Microsoft Exchange IMAP4 service is ready. [abc]": "Exchange",
    "mx ESMTP OpenSMTPD": "OpenSMTPD",
    "mx ESMTP Haraka/3.0.1 ready (0A1B)": "Haraka 3.0.1",
    "mx (PowerMTA(TM) v5.0r3) ESMTP service ready": "PowerMTA 5.0r3",
    "mx ESMTP Service (IBM Domino Release 9.0.1FP10) ready": "Domino 9.0.1FP10",
    "mx.google.example ESMTP a1-20020 - gsmtp": "Gmail",
    "[CAPABILITY IMAP4rev1] Dovecot (Debian) ready.": "Dovecot",
    "mail Cyrus IMAP 3.6.1-Debian server ready": "Cyrus 3.6.1-Debian",
    "mail Cyrus IMAP4 v2.3.16 server ready": "Cyrus 2.3.16",
    "mx1.example.org ESMTP": "",
    "exim.example.org ESMTP": "",
    "mx.postfix.example ESMTP": "",
    "postfix-7.example.org ESMTP": "",
    "": "",
}


@pytest.mark.parametrize(("text", "named"), GREETINGS.items())
def test_products_are_known_by_the_words_they_put_there(text: str, named: str) -> None:
    found = named_software(text)
    assert (str(found) if found is not None else "") == named


def test_what_stands_far_behind_is_not_searched() -> None:
    assert named_software("x" * 2000 + " ESMTP Postfix") is None


@settings(max_examples=100, deadline=None)
@given(strategies.text())
def test_nothing_that_a_host_says_is_too_much(text: str) -> None:
    named_software(text)
