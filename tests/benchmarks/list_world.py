"""A world for long lists: synthetic domains as their owners publish them, served by Knot, their policies by nginx.

`python list_world.py --rtt MS --domains N` serves it until its standard input closes. Needs root, for standard
ports, and the Debian packages knot and nginx. Every domain has the trees of two of four providers in its SPF
record, three selectors, and DMARC, MTA-STS, TLS-RPT and CAA records; all of it lies in one zone, the root.
"""

from __future__ import annotations

import argparse
import base64
import datetime as dt
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
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

sys.path.insert(0, str(Path(__file__).parents[1]))

from lab.delay import Relay, delayed

NET = "127.26.0"
SERVER, POLICIES = f"{NET}.53", f"{NET}.80"
FAR_SERVER, FAR_POLICIES = f"{NET}.153", f"{NET}.180"
"""Where the relays listen that make a round trip of what lies behind them."""
PROVIDERS = 4
NETWORKS = 6
"""ip4 terms in each of a provider's SPF records."""
POLICY = "\r\n".join(
    (
        "version: STSv1",
        "mode: enforce",
        "mx: mx1.provider{0}.example",
        "mx: mx2.provider{0}.example",
        "max_age: 604800",
        "",
    )
)


def domains(count: int) -> list[str]:
    """The domains of a world of this size."""
    return [f"d{number}.example" for number in range(1, count + 1)]


def zone(names: list[str], key: str, policies: str) -> Iterator[str]:
    """The zone, a record a line."""
    yield "$ORIGIN .\n$TTL 3600\n@ SOA ns.example. hostmaster.example. 1 7200 3600 1209600 300\n@ NS ns.example."
    yield f"ns.example. A {SERVER}"
    for number in range(PROVIDERS):
        yield from _provider(number, key)
    for place, name in enumerate(names):
        yield from _domain(name, place % PROVIDERS, key, policies)


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


def _domain(name: str, provider: int, key: str, policies: str) -> Iterator[str]:
    host = f"provider{provider}.example."
    other = f"provider{(provider + 1) % PROVIDERS}.example"
    yield f"{name}. A 198.19.9.{provider}"
    yield f"{name}. MX 10 mx1.{host}\n{name}. MX 20 mx2.{host}"
    yield f'{name}. TXT "v=spf1 include:_spf.{host[:-1]} include:_spf.{other} ip4:198.18.200.0/28 -all"'
    yield f'{name}. CAA 0 issue "letsencrypt.org"'
    yield f'_dmarc.{name}. TXT "v=DMARC1; p=reject; rua=mailto:dmarc@{name}"'
    yield f'_mta-sts.{name}. TXT "v=STSv1; id=20260101000000"'
    yield f"mta-sts.{name}. A {policies}"
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


def certify(folder: Path, names: list[str]) -> Path:
    """A certificate for every policy host, all with one key; the root they lead to."""
    key = ec.generate_private_key(ec.SECP256R1())
    now = dt.datetime.now(dt.UTC)
    root = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Benchmark Root")])

    def made(subject: x509.Name, *extensions: x509.ExtensionType, number: int) -> bytes:
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(root)
            .public_key(key.public_key())
            .serial_number(number)
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=60))
        )
        for extension in extensions:
            builder = builder.add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
        return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    (folder / "root.pem").write_bytes(made(root, x509.BasicConstraints(ca=True, path_length=None), number=1))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    (folder / "certificates").mkdir()
    for number, name in enumerate(names, 2):
        host = f"mta-sts.{name}"
        pem = made(
            x509.Name([]),
            x509.SubjectAlternativeName([x509.DNSName(host)]),
            x509.ExtendedKeyUsage([x509.oid.ExtendedKeyUsageOID.SERVER_AUTH]),
            number=number,
        )
        (folder / "certificates" / f"{host}.pem").write_bytes(pem)
    return folder / "root.pem"


def _knot(folder: Path) -> list[str]:
    (folder / "db").mkdir()
    (folder / "knot.conf").write_text(
        f"server:\n    listen: {SERVER}@53\n    rundir: {folder}\n    udp-workers: 1\n    tcp-workers: 1\n"
        f"    background-workers: 1\ndatabase:\n    storage: {folder}/db\nlog:\n  - target: {folder}/knot.log\n"
        f"    any: error\nzone:\n  - domain: .\n    file: {folder}/root.zone\n    zonefile-sync: -1\n"
        "    journal-content: none\n"
    )
    return ["knotd", "-c", str(folder / "knot.conf")]


def _nginx(folder: Path) -> list[str]:
    for provider in range(PROVIDERS):
        (folder / f"policy{provider}").write_text(POLICY.format(provider), newline="")
    remainders = "".join(f"        ~{pattern} {provider};\n" for provider, pattern in _remainders())
    temporary = "".join(
        f"    {kind}_temp_path {folder}/tmp;\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"""daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log;
events {{ worker_connections 2048; }}
http {{
    access_log off;
    default_type text/plain;
{temporary}    map $ssl_server_name $provider {{
{remainders}    }}
    server {{
        listen {POLICIES}:443 ssl;
        ssl_certificate {folder}/certificates/$ssl_server_name.pem;
        ssl_certificate_key {folder}/key.pem;
        location = /.well-known/mta-sts.txt {{ alias {folder}/policy$provider; }}
    }}
}}
"""
    )
    return ["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf")]


def _remainders() -> Iterator[tuple[int, str]]:
    """By the last two digits of a domain's number, whose customer it is."""
    for provider in range(PROVIDERS):
        ends = "|".join(f"{n:02d}" for n in range(100) if (n - 1) % PROVIDERS == provider)
        short = "|".join(str(n) for n in range(1, 10) if (n - 1) % PROVIDERS == provider)
        yield provider, rf"^mta-sts\.d(\d*({ends})|({short}))\.example$"


def serve(folder: Path, count: int, rtt: float) -> None:
    """Serve until standard input closes; prints where things are as one JSON line."""
    folder.chmod(0o755)
    names = domains(count)
    root = certify(folder, names)
    policies = FAR_POLICIES if rtt else POLICIES
    (folder / "root.zone").write_text("\n".join(zone(names, _dkim_key(), policies)) + "\n")
    with ExitStack() as stack:
        for command in (_knot(folder), _nginx(folder)):
            process = stack.enter_context(subprocess.Popen(command))
            stack.callback(process.terminate)
        if rtt:
            relays = [
                Relay("udp", (FAR_SERVER, 53), (SERVER, 53)),
                Relay("tcp", (FAR_SERVER, 53), (SERVER, 53)),
                Relay("tcp", (FAR_POLICIES, 443), (POLICIES, 443)),
            ]
            stack.enter_context(delayed(*relays, rtt_ms=rtt))
        _ready(names[-1])
        print(json.dumps({"root": str(root), "resolver": FAR_SERVER if rtt else SERVER}), flush=True)
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
