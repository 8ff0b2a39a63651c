"""A probe for one ClientHello: what does an endpoint answer to it? Nothing follows the answer but the end."""

from __future__ import annotations

from typing import ClassVar

from diag.model.frozen import frozen
from diag.tls.offer import SSL2, VERSION_NAMES, Offer, ServerName
from diag.tls.suites import suite
from diag.wire.offer import Spoken

from .talks import TalkProbe, Tls, bracketed, quoted

_OPENSSL_VERSIONS = dict(
    zip(VERSION_NAMES, ("", "SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"), strict=True)
)
_MOST_NAMED = 12


@frozen
class TlsOffer(TalkProbe):
    """One connection, and in it one ClientHello: at once, or after STARTTLS. `timeout` is the most seconds for all."""

    kind: ClassVar[str] = "tls-offer"

    spoken: Spoken
    tls: Tls
    helo: str
    """The name for EHLO; empty where SMTP is not spoken."""
    offer: Offer
    timeout: float = 60.0

    def command(self) -> str:
        """openssl, told to offer much the same; what it cannot speak, testssl.sh can."""
        if self.offer.versions == (SSL2,):
            starttls = f" --starttls {self.spoken}" if self.tls == "starttls" else ""
            return f"testssl.sh --protocols --ip {quoted(self.address)}{starttls} {quoted(self.host)}:{self.port}"
        starttls = f" -starttls {self.spoken}" if self.tls == "starttls" else ""
        return f"openssl s_client{starttls} -connect {bracketed(self.address)}:{self.port}{self._options()}"

    def _options(self) -> str:
        offer = self.offer
        oldest, newest = (_OPENSSL_VERSIONS[pick(offer.versions)] for pick in (min, max))
        said = f" -min_protocol {oldest} -max_protocol {newest}"
        names = [suite(number).openssl for number in offer.suites]
        old = [name for number, name in zip(offer.suites, names, strict=True) if not suite(number).tls13]
        if old:
            listed = ":".join(filter(None, old)) if len(old) <= _MOST_NAMED else "ALL:COMPLEMENTOFALL"
            said += f" -cipher {quoted(listed + ':@SECLEVEL=0')}"
        elif len(names) < _MOST_NAMED:
            said += f" -ciphersuites {quoted(':'.join(suite(number).name for number in offer.suites))}"
        match offer.server_name:
            case ServerName.HOST:
                said += f" -servername {quoted(self.host)}"
            case ServerName.NONE:
                said += " -noservername"
            case ServerName.OTHER:
                said += " -servername no-such-host.invalid"
        return said + (f" -alpn {quoted(','.join(offer.alpn))}" if offer.alpn else "")
