"""What a conversation shows at first sight, whatever form a report has."""

from __future__ import annotations

import re

from diag.probes.talks import TalkProbe
from diag.wire.imap_session import read_imap
from diag.wire.pop3_session import read_pop3
from diag.wire.sieve_session import read_sieve
from diag.wire.smtp_session import read_smtp
from diag.wire.transcript import Said, Transcript, Who

_NO = re.compile(rb"([45]\d\d)[ \r-]|\* (BYE)\b|(-ERR)\b|(BYE)\b", re.IGNORECASE)


def turned_away(transcript: Transcript) -> str:
    """The word by which strangers are sent away, at the greeting or with 421 later: 554, 421, BYE, -ERR; else empty."""
    said = [event.octets for event in transcript.events if isinstance(event, Said) and event.who is Who.PEER]
    if any(octets.startswith(b"421") for octets in said):
        return "421"
    found = _NO.match(said[0]) if said else None
    return found[found.lastindex or 0].decode("ascii").upper() if found else ""


def without_tls(probe: TalkProbe, transcript: Transcript) -> bool:
    """Whether what is offered in clear was heard to its end, so that TLS is missing and not unheard."""
    match probe.kind.partition("-")[0]:
        case "imap":
            return read_imap(transcript).capabilities is not None
        case "pop3":
            session = read_pop3(transcript)
            return session.capa is not None or session.capa_supported is False
        case "sieve":
            return read_sieve(transcript).capabilities is not None
        case _:
            smtp = read_smtp(transcript)
            return smtp.offer is not None or smtp.helo is not None
