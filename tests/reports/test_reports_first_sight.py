"""What a conversation shows at first sight: who is sent away, and where TLS is missing and not only unheard."""

from __future__ import annotations

import pytest

from diag.probes.talks import ImapTalk, Pop3Talk, SieveTalk, SmtpTalk, TalkProbe
from diag.wire.transcript import Closed, Ending, Opened, Said, Transcript, Who
from reports.first_sight import turned_away, without_tls

SMTP, IMAP = SmtpTalk("192.0.2.1", 25, "mx", "me"), ImapTalk("192.0.2.1", 143, "mx")
POP3, SIEVE = Pop3Talk("192.0.2.1", 110, "mx"), SieveTalk("192.0.2.1", 4190, "mx")


def told(*lines: str) -> Transcript:
    """Lines of the peer, and with `> ` of ours."""
    said = (
        Said(
            1, Who.US if line.startswith("> ") else Who.PEER, f"{line.removeprefix('> ')}\r\n".encode(), False
        )
        for line in lines
    )
    return Transcript((Opened(1, "192.0.2.1", 25), *said, Closed(2, Ending.BY_US, "")))


@pytest.mark.parametrize(
    ("transcript", "word"),
    [
        (told("554 5.7.1 blocked"), "554"),
        (told("450-4.3.2 later", "450 4.3.2 later"), "450"),
        (told("* BYE Too many connections"), "BYE"),
        (told("-ERR [SYS/TEMP] later"), "-ERR"),
        (told('BYE "too many"'), "BYE"),
        (told("220 mx", "> EHLO me", "421 4.7.0 later"), "421"),
        (told("220 mx", "> EHLO me", "550 no"), ""),
        (told("* OK BYE-BYE ready"), ""),
        (told(), ""),
    ],
)
def test_the_word_by_which_strangers_are_sent_away(transcript: Transcript, word: str) -> None:
    assert turned_away(transcript) == word


@pytest.mark.parametrize(
    ("probe", "lines", "lacks"),
    [
        (SMTP, ("220 mx", "> EHLO me", "250 mx"), True),
        (SMTP, ("220 mx", "> EHLO me", "250-mx"), False),
        (SMTP, ("554 no",), False),
        (IMAP, ("* OK hi", "> a1 CAPABILITY", "* CAPABILITY IMAP4rev1", "a1 OK done"), True),
        (IMAP, ("* OK hi", "> a1 CAPABILITY", "* CAPABILITY IMAP4rev1"), False),
        (IMAP, ("* BYE no",), False),
        (POP3, ("+OK hi", "> CAPA", "+OK", "USER", "."), True),
        (POP3, ("+OK hi", "> CAPA", "+OK", "USER"), False),
        (SIEVE, ('"SIEVE" "fileinto"', "OK"), True),
        (SIEVE, ('"SIEVE" "fileinto"',), False),
    ],
)
def test_tls_is_missing_where_all_that_is_offered_was_heard(
    probe: TalkProbe, lines: tuple[str, ...], lacks: bool
) -> None:
    assert without_tls(probe, told(*lines)) is lacks
