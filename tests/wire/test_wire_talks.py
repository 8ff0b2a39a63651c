"""Whole talks against scripted peers, under a clock that jumps."""

from __future__ import annotations

import trio
import trio.testing
from wire_peers import HANDSHAKE, End, Heard, Pause, ScriptedNetwork, Tls

from diag.lab.live.talks import talk
from diag.probes.talks import SmtpTalk, Talk
from diag.wire.transcript import Ending, Said, Transcript, Who, render

SMTP = SmtpTalk("192.0.2.1", 25, "mx.example.net", "probe.example.com")
EHLO = Heard(b"EHLO probe.example.com\r\n")
OFFER = b"250-mx.example.net\r\n250-PIPELINING\r\n250 STARTTLS\r\n"


def held(probe: Talk, network: ScriptedNetwork) -> tuple[Transcript, float]:
    """The transcript, and how many seconds the talk took by its own clock."""

    async def main() -> tuple[Transcript, float]:
        start = trio.current_time()
        transcript = await talk(probe, network, secured_by=network.secured)
        return transcript, trio.current_time() - start

    return trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))


def lines(transcript: Transcript, who: Who) -> list[bytes]:
    return [event.octets for event in transcript.events if isinstance(event, Said) and event.who is who]


def test_a_whole_smtp_talk_under_tls() -> None:
    network = ScriptedNetwork(
        b"220-mx.example.net ESMTP\r\n",
        Pause(6),
        b"220 mx.example.net ready\r\n",
        EHLO,
        OFFER,
        Heard(b"STARTTLS\r\n"),
        b"220 go\r\n",
        Tls(HANDSHAKE),
        EHLO,
        b"250-mx.example.net\r\n250 8BITMIME\r\n",
        Heard(b"MAIL FROM:<>\r\n"),
        b"250 2.1.0 ok\r\n",
        Heard(b"RCPT TO:<postmaster@example.net>\r\n"),
        b"250 2.1.5 ok\r\n",
        Heard(b"RSET\r\n"),
        b"250 2.0.0 ok\r\n",
        Heard(b"QUIT\r\n"),
        b"221 2.0.0 bye\r\n",
        End(),
    )
    probe = SmtpTalk(
        "192.0.2.1",
        25,
        "mx.example.net",
        "probe.example.com",
        mail_from="",
        recipients=("postmaster@example.net",),
    )
    transcript, _ = held(probe, network)
    print("\n".join(render(transcript)))
    assert transcript.closed.how is Ending.BY_US
    assert lines(transcript, Who.US) == [
        b"EHLO probe.example.com\r\n",
        b"STARTTLS\r\n",
        b"EHLO probe.example.com\r\n",
        b"MAIL FROM:<>\r\n",
        b"RCPT TO:<postmaster@example.net>\r\n",
        b"RSET\r\n",
        b"QUIT\r\n",
    ]
    assert network.wire.closed
    assert network.connections == 1
