"""What is looked at."""

from __future__ import annotations

import enum
import ipaddress
from dataclasses import dataclass
from functools import lru_cache

from diag.model.frozen import frozen


class Depth(enum.StrEnum):
    """How far a host's TLS is looked into."""

    BASIC = "basic"
    """The one handshake of the usual conversation."""
    STANDARD = "standard"
    """Versions, key exchange and weak suites, in two or three connections where all is well."""
    FULL = "full"
    """Every suite of every version, groups, signatures, and what a server minds in a ClientHello."""


@frozen
class Target:
    """A domain, and what the user says of it.

    `domain` is the A-label form in lower case without trailing dot (diag.names.Domain makes it).
    """

    domain: str
    selectors: tuple[str, ...] = ()
    """DKIM selectors the user knows of."""
    hosts: tuple[str, ...] = ()
    """Hosts to look at for submission and mailbox access beside those discovered."""
    helo: str = ""
    """What we call ourselves in EHLO; empty: an address literal or the name of our own address."""
    ipv4: bool = True
    ipv6: bool = True
    public: tuple[str, ...] = ()
    """Networks to judge as if they were public: laboratories, tunnels, the sandbox."""
    timeout: float = 60.0
    """The most seconds one probe may take."""
    dialogues: bool = True
    """False: DNS and policies only, no connection to a mail host."""
    dns_only: bool = False
    """Nothing but the DNS: no mail host, and no policy either."""
    sends: bool | None = None
    """The user's word on whether the domain sends mail; None: presume from its records."""
    authoritative: bool | None = None
    """Ask the name servers of the domain's zone themselves; None: yes, but not in a run over a long list."""
    shared: bool = False
    """The run is over several domains: what hosts of others say is asked once, for all of them."""
    confirm: bool = False
    """Wait between two looks, so that a grave verdict on a conversation is certain."""
    second_opinion: bool = False
    """Ask other implementations about the same records."""
    intrusive: bool = False
    """Try also what is no ordinary use of a server: whether it relays. Only for servers of one's own."""
    mailbox: str = ""
    """A mailbox of the user's. With `intrusive`, test messages are sent to it."""
    login: str = ""
    """The name to log in with: over TLS, and with `intrusive` also in clear."""
    password: str = ""
    """Where its password is: `env:NAME`, `file:PATH` or `fd:NUMBER`, never the password itself."""
    token: str = ""
    """Where an access token is, in the same way, that is used in place of a password."""
    insecure_auth: bool = False
    """Log in also where the certificate is not good: whoever stands in between learns the password."""
    wait: float = 0.0
    """Seconds to wait for a message that is sent through submission to the mailbox; 0: none is sent."""
    via: str = ""
    """Where it is handed in, HOST:PORT; empty: wherever mail programs would."""
    reading: str = ""
    """How it is looked for: "imap", "pop3"; empty: as is possible, the first of these."""

    tls: Depth = Depth.STANDARD
    offers: int = 24
    """The most connections that go into finding out what TLS one endpoint speaks, beside the usual ones."""
    tls_profile: str = ""
    """The profile of diag.tls.profiles that endpoints are held against; empty: none."""
    inventory: bool = False
    """Also list what every host offers: no fault, and never told unasked."""
    at: str = ""
    """The moment to judge at, ISO 8601 with its offset from UTC; empty: that of the run."""
    references: tuple[str, ...] = ("gmail.com", "outlook.com")
    """Domains whose MX hosts are known to answer: if none does on port 25, it is our port 25 that is shut."""

    @property
    def own_mailbox(self) -> str:
        """The user's mailbox where it is one of this domain; empty otherwise."""
        return self.mailbox if self.mailbox.rpartition("@")[2].lower() == self.domain else ""

    @property
    def secret(self) -> str:
        """Where the token or password is that one logs in with."""
        return self.token or self.password

    def counts_as_public(self, address: str) -> bool:
        """Whether an address is reachable by strangers (RFC 6890), or declared to count as such."""
        ip = ipaddress.ip_address(address)
        return any(ip in net for net in _networks(self.public)) or globally_reachable(ip)


@lru_cache(maxsize=16)
def _networks(written: tuple[str, ...]) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    return tuple(map(ipaddress.ip_network, written))


def globally_reachable(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Whether the IANA special-purpose registries leave an address to the public (RFC 6890)."""
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        return False
    if ip in _PROTOCOLS:
        return str(ip) in _ANYCAST
    return ip.is_global and not ip.is_multicast and not any(ip in net for net in _RESERVED)


_PROTOCOLS = ipaddress.ip_network("192.0.0.0/24")
"""For protocols of the IETF (RFC 6890 section 2.2.2): what is public of it is anycast (RFC 7723, RFC 8155)."""
_ANYCAST = frozenset({"192.0.0.9", "192.0.0.10"})
_RESERVED = tuple(
    map(
        ipaddress.ip_network,
        (
            "192.88.99.2/32",
            "64:ff9b:1::/48",
            "100:0:0:1::/64",
            "2002::/16",
            "3fff::/20",
            "5f00::/16",
            "fec0::/10",
        ),
    )
)
"""What the registries keep from the public and not every Python knows: RFC 6751, RFC 8215, RFC 9780, RFC 3056 (not told
there, and relayed by nobody since RFC 7526), RFC 9637, RFC 9602, RFC 3879."""


@dataclass(frozen=True, slots=True, order=True)
class Endpoint:
    """One host at one address on one port."""

    host: str
    address: str
    port: int

    def __str__(self) -> str:
        return f"{self.host} [{self.address}]:{self.port}"
