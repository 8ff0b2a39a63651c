"""A world for long lists: synthetic domains as their owners publish them, served by Knot.

`python list_world.py --rtt MS --domains N` serves it until its standard input closes. Needs root, for standard
ports, and the Debian package knot. Every domain has the trees of two of four providers in its SPF record, three
selectors, and DMARC, MTA-STS, TLS-RPT and CAA records; all of it lies in one zone, the root. Nothing but the DNS is
there: who fetches policies is refused at once.
"""

from __future__ import annotations

import argparse
import base64
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import dns.exception
import dns.message
import dns.query
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

sys.path.insert(0, str(Path(__file__).parents[1]))

from lab.delay import Relay, delayed

NET = "127.26.0"
SERVER, POLICIES = f"{NET}.53", f"{NET}.80"
FAR_SERVER = f"{NET}.153"
"""Where the relay listens that makes a round trip of what lies behind it."""
PROVIDERS = 4
NETWORKS = 6
"""ip4 terms in each of a provider's SPF records."""


def domains(count: int) -> list[str]:
    """The domains of a world of this size."""
    return [f"d{number}.example" for number in range(1, count + 1)]


def zone(names: list[str], key: str) -> Iterator[str]:
    """The zone, a record a line."""
    yield "$ORIGIN .\n$TTL 3600\n@ SOA ns.example. hostmaster.example. 1 7200 3600 1209600 300\n@ NS ns.example."
    yield f"ns.example. A {SERVER}"
    for number in range(PROVIDERS):
        yield from _provider(number, key)
    for place, name in enumerate(names):
        yield from _domain(name, place % PROVIDERS, key)


def _provider(number: int, key: str) -> Iterator[str]:
    name = f"provider{number}.example."
    parts = range(1, 4)
    included = " ".join(f"include:_part{part}.{name[:-1]}" for part in parts)
    yield f'_spf.{name} TXT "v=spf1 {included} ~all"'
    for part in parts:
        networks = " ".join(f"ip4:198.18.{number * 16 + part}.{n * 32}/27" for n in range(NETWORKS))
        yield f'_part{part}.{name} TXT "v=spf1 {networks} ~all"'
    for host in (1, 2):
        address = f"198.19.{number}.{host}"
        yield f"mx{host}.{name} A {address}"
        yield f"{host}.{number}.19.198.in-addr.arpa. PTR mx{host}.{name}"
    yield f'selector1._domainkey.{name} TXT "v=DKIM1; k=rsa; p=" {key}'


def _domain(name: str, provider: int, key: str) -> Iterator[str]:
    host = f"provider{provider}.example."
    other = f"provider{(provider + 1) % PROVIDERS}.example"
    yield f"{name}. A 198.19.9.{provider}"
    yield f"{name}. MX 10 mx1.{host}\n{name}. MX 20 mx2.{host}"
    yield f'{name}. TXT "v=spf1 include:_spf.{host[:-1]} include:_spf.{other} ip4:198.18.200.0/28 -all"'
    yield f'{name}. CAA 0 issue "letsencrypt.org"'
    yield f'_dmarc.{name}. TXT "v=DMARC1; p=reject; rua=mailto:dmarc@{name}"'
    yield f'_mta-sts.{name}. TXT "v=STSv1; id=20260101000000"'
    yield f"mta-sts.{name}. A {POLICIES}"
    yield f'_smtp._tls.{name}. TXT "v=TLSRPTv1; rua=mailto:tls@{name}"'
    for selector in ("default", "s1"):
        yield f'{selector}._domainkey.{name}. TXT "v=DKIM1; k=rsa; p=" {key}'
    yield f"selector1._domainkey.{name}. CNAME selector1._domainkey.{host}"


def _dkim_key() -> str:
    """A key of 2048 bits as the strings of a TXT record."""
    der = (
        rsa.generate_private_key(65537, 2048)
        .public_key()
        .public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    text = base64.b64encode(der).decode()
    return " ".join(f'"{text[at : at + 250]}"' for at in range(0, len(text), 250))


def _knot(folder: Path) -> list[str]:
    (folder / "db").mkdir()
    (folder / "knot.conf").write_text(
        f"server:\n    listen: {SERVER}@53\n    rundir: {folder}\n    udp-workers: 1\n    tcp-workers: 1\n"
        f"    background-workers: 1\ndatabase:\n    storage: {folder}/db\nlog:\n  - target: {folder}/knot.log\n"
        f"    any: error\nzone:\n  - domain: .\n    file: {folder}/root.zone\n    zonefile-sync: -1\n"
        "    journal-content: none\n"
    )
    return ["knotd", "-c", str(folder / "knot.conf")]


def serve(folder: Path, count: int, rtt: float) -> None:
    """Serve until standard input closes; prints where things are as one JSON line."""
    names = domains(count)
    (folder / "root.zone").write_text("\n".join(zone(names, _dkim_key())) + "\n")
    with ExitStack() as stack:
        process = stack.enter_context(subprocess.Popen(_knot(folder)))
        stack.callback(process.terminate)
        if rtt:
            relays = [Relay(kind, (FAR_SERVER, 53), (SERVER, 53)) for kind in ("udp", "tcp")]
            stack.enter_context(delayed(*relays, rtt_ms=rtt))
        _ready(names[-1])
        print(json.dumps({"resolver": FAR_SERVER if rtt else SERVER}), flush=True)
        sys.stdin.read()


def _ready(name: str) -> None:
    for _ in range(200):
        try:
            if dns.query.udp(dns.message.make_query(name, "MX"), SERVER, timeout=0.2).answer:
                return
        except (dns.exception.DNSException, OSError):
            pass
        time.sleep(0.1)
    raise SystemExit("list_world: knotd does not answer")


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("--rtt", type=float, default=0)
    options.add_argument("--domains", type=int, default=200)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as place:
        serve(Path(place), chosen.domains, chosen.rtt)
