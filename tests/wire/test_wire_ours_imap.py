"""Finding messages of ours over IMAP."""

import pytest

from diag.wire.imap import parse_responses
from diag.wire.ours_imap import MOST_UIDS, uids_in


@pytest.mark.parametrize(
    ("line", "uids"),
    [
        (b"* SEARCH 4 6 8\r\n", [b"4", b"6", b"8"]),
        (b"* SEARCH\r\n", []),
        (b'* ESEARCH (TAG "a1") UID ALL 4,6:8\r\n', [b"4", b"6", b"7", b"8"]),
        (b'* ESEARCH (TAG "a1") UID COUNT 1 ALL 9\r\n', [b"9"]),
        (b'* ESEARCH (TAG "a1") UID ALL 8:7 COUNT 2\r\n', [b"7", b"8"]),
        (b'* ESEARCH (TAG "a1") UID\r\n', []),
        (b'* ESEARCH (TAG "ALL 7") UID COUNT 0\r\n', []),
    ],
)
def test_what_was_found(line: bytes, uids: list[bytes]) -> None:
    """RFC 3501 section 7.2.5, RFC 9051 section 7.3.4."""
    assert uids_in(parse_responses([line])) == uids


def test_a_range_without_end_is_cut() -> None:
    (found,) = parse_responses([b'* ESEARCH (TAG "a1") UID ALL 1:4294967295,1:4294967295\r\n'])
    assert len(uids_in([found])) == MOST_UIDS
