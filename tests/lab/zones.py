"""The DNS of the world: a signed root of its own, a zone for each domain, and a validating resolver above.

Zones are signed here and served as they are: a server that signs by itself would mend what must stay broken.
"""

import datetime as dt
import ipaddress
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import dns.dnssec
import dns.zone
from cryptography.hazmat.primitives.asymmetric import ec
from dns.dnssectypes import Algorithm
from dns.rdtypes.ANY.DNSKEY import DNSKEY
from lab.addresses import AUTHORITIES, SECONDARY, pointers
from lab.files import write
from lab.published import Published

TTL = 3600
UNSIGNED = ("unsigned.test", "bl.test")
REVERSE_4, REVERSE_6 = "127.in-addr.arpa", "d.f.ip6.arpa"
_DAY = dt.timedelta(days=1)
_SEP_ZONE_KEY = 257  # one key signs everything: RFC 4034, 2.1.1


@dataclass(frozen=True)
class _Key:
    private: ec.EllipticCurvePrivateKey
    public: DNSKEY

    @classmethod
    def new(cls) -> "_Key":
        private = ec.generate_private_key(ec.SECP256R1())
        public = dns.dnssec.make_dnskey(private.public_key(), Algorithm.ECDSAP256SHA256, flags=_SEP_ZONE_KEY)
        return cls(private, public)


@dataclass(frozen=True)
class _Knot:
    """One process of Knot, the hosts whose addresses it has, and the file of each zone."""

    name: str
    hosts: tuple[str, ...]
    files: dict[str, str] = field(default_factory=dict)


class Zones:
    """Builds the zone files and the configurations below `folder`."""

    def __init__(self, folder: Path, net: str, places: Mapping[str, str]) -> None:
        self.folder, self.net, self.places = folder, net, places
        self._keys: dict[str, _Key] = {}
        self._primary = _Knot("knot", AUTHORITIES)
        self._secondary = _Knot("secondary", (SECONDARY,))
        self._lagging: set[str] = set()

    def build(self, domains: Mapping[str, Published], log: Path) -> None:
        """Write every zone, from the leaves to the root, and the configurations of Knot and Unbound."""
        self.folder.mkdir()
        self._lagging = {domain for domain, records in domains.items() if records.before is not None}
        for domain, records in domains.items():
            self._zone(domain, records.lines(domain), signed=domain not in UNSIGNED)
            if records.before is not None:
                self._zone(domain, records.before.lines(domain), at=self._secondary)
        block = ".".join(reversed(self.net.split(".")))
        # RFC 5782, 5: a list lists 127.0.0.2 and not 127.0.0.1; the second list lists everyone
        listed = ("2.0.0.127", f"*.{block}", "*.all")
        self._zone(
            "bl.test",
            "\n".join(f'{n} A 127.0.0.2\n{n} TXT "Listed by the laboratory"' for n in listed),
            signed=False,
        )
        reverse = [
            f"{ipaddress.ip_address(at).reverse_pointer}. PTR {name}."
            for at, name in pointers(self.net).items()
        ]
        self._zone(
            REVERSE_4,
            "\n".join(one for one in reverse if REVERSE_4 in one) + "\n1.0.0 PTR localhost.",
            signed=False,
        )
        self._zone(REVERSE_6, "\n".join(one for one in reverse if REVERSE_6 in one), signed=False)
        glue = "\n".join(f"{name}. A {self.places[name]}" for name in AUTHORITIES)
        further = f"{SECONDARY}. A {self.places[SECONDARY]}"
        self._zone("test", f"{glue}\n{further}\n{self._delegations((*domains, 'bl.test'))}")
        self._zone(".", f"{glue}\n{self._delegations(('test', REVERSE_4, REVERSE_6))}")
        write(self.folder / "anchor.ds", f"{self._ds('.')}\n")
        hints = "\n".join(f". {TTL} NS {n}.\n{n}. {TTL} A {self.places[n]}" for n in AUTHORITIES)
        write(self.folder / "hints", f"{hints}\n")
        for knot in (self._primary, self._secondary):
            self._knot(knot, log)
        self._unbound(log)

    def _servers(self, name: str) -> tuple[str, str]:
        return (AUTHORITIES[0], SECONDARY) if name in self._lagging else AUTHORITIES

    def _zone(self, name: str, body: str, *, signed: bool = True, at: _Knot | None = None) -> None:
        knot = at or self._primary
        origin = name if name == "." else f"{name}."
        serial = 2 if name in self._lagging and knot is self._primary else 1
        servers = "".join(f"@ NS {server}.\n" for server in self._servers(name))
        head = (
            f"$ORIGIN {origin}\n$TTL {TTL}\n"
            f"@ SOA ns1.lab.test. hostmaster.lab.test. {serial} 7200 3600 1209600 {TTL}\n{servers}"
        )
        zone = dns.zone.from_text(head + body + "\n", origin=origin, relativize=False)
        if signed:
            key = self._keys.setdefault(name, _Key.new())  # earlier versions are signed by the same one
            now = dt.datetime.now(dt.UTC)
            if name == "stale.test":
                now = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
            with zone.writer() as transaction:
                dns.dnssec.sign_zone(zone, transaction, [(key.private, key.public)], dnskey_ttl=TTL,
                                     inception=now - _DAY, expiration=now + 30 * _DAY)  # fmt: skip
        text = zone.to_text(relativize=False)
        if name == "bogus.test":  # changed after signing, and so worth nothing
            text = re.sub(r"(MX \d+) mx[12]\.lab", r"\1 mx.evil", text).replace("v=spf1 mx", "v=spf1 +all mx")
        if name == "dane-bogus.test":
            text = text.replace("3 1 1 00", "3 1 1 ff")
        file = write(self.folder / f"{knot.name}-{name.strip('.') or 'root'}.zone", text)
        knot.files[name] = file.name

    def _ds(self, name: str) -> str:
        owner = name if name == "." else f"{name}."
        return f"{owner} {TTL} IN DS {dns.dnssec.make_ds(owner, self._keys[name].public, 'SHA256')}"

    def _delegations(self, children: Iterable[str]) -> str:
        lines = [f"{child}. NS {server}." for child in children for server in self._servers(child)]
        lines += [self._ds(child) for child in children if child in self._keys]
        return "\n".join(lines)

    def _knot(self, knot: _Knot, log: Path) -> None:
        zones = "".join(f"  - domain: {name}\n    file: {file}\n" for name, file in knot.files.items())
        own = self.folder / knot.name
        for part in ("run", "db"):
            (own / part).mkdir(parents=True)
        write(
            self.folder / f"{knot.name}.conf",
            f"""\
server:
    listen: [{", ".join(f"{self.places[host]}@53" for host in knot.hosts)}]
    rundir: {own}/run
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
database:
    storage: {own}/db
log:
  - target: {log}/{knot.name}.log
    any: info
template:
  - id: default
    storage: {self.folder}
    zonefile-sync: -1
    journal-content: none
zone:
{zones}""",
        )

    def _unbound(self, log: Path) -> None:
        write(
            self.folder / "unbound.conf",
            f"""
            server:
                interface: {self.places["resolver.lab.test"]}
                port: 53
                access-control: 127.0.0.0/8 allow
                do-not-query-localhost: no
                do-daemonize: no
                do-ip6: no
                username: ""
                chroot: ""
                directory: "{self.folder}"
                pidfile: ""
                use-syslog: no
                logfile: "{log}/unbound.log"
                val-log-level: 2
                ede: yes
                root-hints: "{self.folder}/hints"
                trust-anchor-file: "{self.folder}/anchor.ds"
                # Unbound answers these by itself unless told otherwise (RFC 6303, RFC 6761)
                local-zone: "test." nodefault
                local-zone: "{REVERSE_4}." nodefault
                local-zone: "{REVERSE_6}." nodefault
                # Blocklists that have nothing but their test points (RFC 5782 section 5).
                local-zone: "zen.spamhaus.org." static
                local-data: "2.0.0.127.zen.spamhaus.org. A 127.0.0.2"
                local-zone: "bl.spamcop.net." static
                local-data: "2.0.0.127.bl.spamcop.net. A 127.0.0.2"
                local-zone: "psbl.surriel.com." static
                local-data: "2.0.0.127.psbl.surriel.com. A 127.0.0.2"
                local-zone: "dbl.spamhaus.org." static
                local-data: "dbltest.com.dbl.spamhaus.org. A 127.0.1.2"
                num-threads: 1
                msg-cache-size: 1m
                rrset-cache-size: 1m
            remote-control:
                control-enable: yes
                control-interface: {self.folder}/unbound.sock
                control-use-cert: no
            """,
        )
