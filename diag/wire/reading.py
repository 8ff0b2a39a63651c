"""Transcripts, read: one function and one session for each protocol."""

from __future__ import annotations

from .blame import Blame, blamed
from .exchanges import Exchange
from .imap_session import Capabilities, ImapSession, read_imap
from .introduction import leads_with_name, named_host
from .pop3_session import Capa, Pop3Session, read_pop3
from .reach import Doubt, Reached
from .sieve_session import SieveCapabilities, SieveSession, read_sieve
from .smtp_session import SmtpSession, greylists, path_of, read_smtp, throttles

__all__ = [
    "Blame",
    "Capa",
    "Capabilities",
    "Doubt",
    "Exchange",
    "ImapSession",
    "Pop3Session",
    "Reached",
    "SieveCapabilities",
    "SieveSession",
    "SmtpSession",
    "blamed",
    "greylists",
    "leads_with_name",
    "named_host",
    "path_of",
    "read_imap",
    "read_pop3",
    "read_sieve",
    "read_smtp",
    "throttles",
]
