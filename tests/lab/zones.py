"""The DNS of the world: a signed root of its own, a zone for each domain, and a validating resolver above.

Zones are signed here and served as they are: a server that signs by itself would mend what must stay broken.
"""

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import dns.dnssec
import dns.zone
from cryptography.hazmat.primitives.asymmetric import ec
from dns.dnssectypes import Algorithm
from dns.rdtypes.ANY.DNSKEY import DNSKEY
from lab.addresses import pointers
from lab.files import write
from lab.published import Published

TTL = 3600
UNSIGNED = ("unsigned.test", "bl.test")
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


class Zones:
    """Builds the zone files and the two configurations below `folder`."""

    def __init__(self, folder: Path, net: str, places: Mapping[str, str]) -> None:
        self.folder, self.net, self.places = folder, net, places
        self._keys: dict[str, _Key] = {}
        self._files: dict[str, str] = {}

    def build(self, domains: Mapping[str, Published], log: Path) -> None:
        """Write every zone, from the leaves to the root, and the configurations of Knot and Unbound."""
        self.folder.mkdir()
        for domain, records in domains.items():
            self._zone(domain, records.lines(domain), signed=domain not in UNSIGNED)
        block = ".".join(reversed(self.net.split(".")))
        # RFC 5782, 5: a list lists 127.0.0.2 and not 127.0.0.1; the second list lists everyone
        listed = ("2.0.0.127", f"*.{block}", "*.all")
        self._zone(
            "bl.test",
            "\n".join(f'{n} A 127.0.0.2\n{n} TXT "Listed by the laboratory"' for n in listed),
            signed=False,
        )
        reverse = "\n".join(
            f"{_reversed(address)} PTR {name}." for address, name in pointers(self.net).items()
        )
        self._zone("127.in-addr.arpa", f"{reverse}\n1.0.0 PTR localhost.", signed=False)
        glue = "\n".join(f"{name} A {self.places[name[:-1]]}" for name in ("ns1.lab.test.", "ns2.lab.test."))
        self._zone("test", f"{glue}\n{self._delegations((*domains, 'bl.test'))}")
        self._zone(".", f"{glue}\n{self._delegations(('test', '127.in-addr.arpa'))}")
        write(self.folder / "anchor.ds", f"{self._ds('.')}\n")
        hints = "\n".join(
            f". {TTL} NS {n}\n{n} {TTL} A {self.places[n[:-1]]}" for n in ("ns1.lab.test.", "ns2.lab.test.")
        )
        write(self.folder / "hints", f"{hints}\n")
        self._knot(log)
        self._unbound(log)

    def _zone(self, name: str, body: str, *, signed: bool = True) -> None:
        origin = name if name == "." else f"{name}."
        head = (
            f"$ORIGIN {origin}\n$TTL {TTL}\n"
            f"@ SOA ns1.lab.test. hostmaster.lab.test. 1 7200 3600 1209600 {TTL}\n"
            "@ NS ns1.lab.test.\n@ NS ns2.lab.test.\n"
        )
        zone = dns.zone.from_text(head + body + "\n", origin=origin, relativize=False)
        if signed:
            self._keys[name] = key = _Key.new()
            now = dt.datetime.now(dt.UTC)
            if name == "stale.test":
                now = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
            with zone.writer() as transaction:
                dns.dnssec.sign_zone(zone, transaction, [(key.private, key.public)], dnskey_ttl=TTL,
                                     inception=now - _DAY, expiration=now + 30 * _DAY)  # fmt: skip
        text = zone.to_text(relativize=False)
        if name == "bogus.test":  # changed after signing, and so worth nothing
            text = re.sub(r"(MX \d+) mx[12]\.lab", r"\1 mx.evil", text).replace("v=spf1 mx", "v=spf1 +all mx")
        self._files[name] = write(self.folder / f"{name.strip('.') or 'root'}.zone", text).name

    def _ds(self, name: str) -> str:
        owner = name if name == "." else f"{name}."
        return f"{owner} {TTL} IN DS {dns.dnssec.make_ds(owner, self._keys[name].public, 'SHA256')}"

    def _delegations(self, children: Iterable[str]) -> str:
        lines = [
            f"{child}. NS {server}" for child in children for server in ("ns1.lab.test.", "ns2.lab.test.")
        ]
        lines += [self._ds(child) for child in children if child in self._keys]
        return "\n".join(lines)

    def _knot(self, log: Path) -> None:
        zones = "".join(f"  - domain: {name}\n    file: {file}\n" for name, file in self._files.items())
        (self.folder / "run").mkdir()
        (self.folder / "db").mkdir()
        write(
            self.folder / "knot.conf",
            f"""\
server:
    listen: [{self.places["ns1.lab.test"]}@53, {self.places["ns2.lab.test"]}@53]
    rundir: {self.folder}/run
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
database:
    storage: {self.folder}/db
log:
  - target: {log}/knot.log
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
                local-zone: "127.in-addr.arpa." nodefault
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


def _reversed(address: str) -> str:
    return ".".join(reversed(address.split(".")[1:]))
