"""Whether the domain sends mail, and whether it receives any: what is asked of it depends on that."""

from __future__ import annotations

from diag.model.frozen import frozen
from diag.model.knowing import Cite


@frozen
class Roles:
    """What the domain's records say it does; the user's word on sending wins.

    A domain is presumed to send, unless it has a null MX, or an SPF record that lets nobody pass, or
    neither MX, nor anybody in SPF, nor a DKIM key that we know of. It receives with an MX that is not
    null, and with addresses in place of one (RFC 5321 section 5.1).
    """

    domain: str
    sends: bool | None
    """None: a look-up that decides it failed."""
    sends_because: str
    """Half a sentence: "its MX is null"."""
    receives: bool | None
    receives_because: str
    asked: tuple[Cite, ...]


@frozen
class SendingDomain:
    """A domain that sends mail, or is presumed to. A check that asks for it applies to no other."""

    domain: str
    because: str
    asked: tuple[Cite, ...]


@frozen
class ReceivingDomain:
    """A domain that takes mail. A check that asks for it applies to no other."""

    domain: str
    because: str
    asked: tuple[Cite, ...]
