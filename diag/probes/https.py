"""One HTTP request over TLS to one address: no redirect is followed, no certificate believed."""

from __future__ import annotations

import shlex
from typing import Any, ClassVar, Literal

from diag.model.frozen import frozen
from diag.tls.handshake import Handshake, TlsFailure

from .probe import Impact, Probe


@frozen
class HttpExchange:
    """What came back, raw; whether the certificate holds is judged from the recorded chain."""

    status: int = 0
    """The status code; 0 where no response was understood."""
    reason: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    """Names in lower case, in the order sent; octets beyond ASCII as latin-1."""
    body: bytes = b""
    truncated: bool = False
    """The body ended early: our limit, our patience or the peer's; `trouble` says which."""
    handshake: Handshake | TlsFailure | None = None
    """None for plain HTTP, and where no connection came about."""
    trouble: str = ""
    """"" when all went well, else "refused", "unreachable", "reset", "timed-out", "tls", "closed",
    "too-big", "garbage" or "failed"."""
    detail: str = ""
    """What the system or the parser said of it; for readers."""
    took_ms: int = 0

    @property
    def round_trips(self) -> int:
        """Connecting, the handshake, and the request where there was an answer."""
        return 1 + (self.handshake.round_trips if self.handshake is not None else 0) + bool(self.status)

    def header(self, name: str) -> str | None:
        """The first value of a header; None where it was not sent."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key == wanted), None)

    @property
    def location(self) -> str | None:
        """Where a redirect would lead."""
        return self.header("location")


@frozen
class HttpsGet(Probe[HttpExchange]):
    """GET one path from a host at one address.

    `host` is sent as SNI and Host and never resolved here. `limit` is the most octets of body, and
    `timeout` the most seconds for everything.
    """

    kind: ClassVar[str] = "https"
    impact: ClassVar[Impact] = Impact.POLITE
    evidence: ClassVar[tuple[type[Any], ...]] = (HttpExchange,)

    host: str
    address: str
    path: str = "/"
    port: int = 443
    limit: int = 65536
    scheme: Literal["https", "http"] = "https"
    timeout: float = 30.0

    @property
    def peer(self) -> str:
        """The address we connect to."""
        return self.address

    @property
    def url(self) -> str:
        """The same as an URL."""
        usual = {"https": 443, "http": 80}[self.scheme]
        return f"{self.scheme}://{self.host}{'' if self.port == usual else f':{self.port}'}{self.path}"

    def command(self) -> str:
        """curl, told the address so that it resolves nothing."""
        address = f"[{self.address}]" if ":" in self.address else self.address
        resolve = shlex.quote(f"{self.host}:{self.port}:{address}")
        return f"curl --include --resolve {resolve} {shlex.quote(self.url)}"
