"""The web server of the world: nginx with the MTA-STS policies, one name and certificate each, and the CRL."""

from collections.abc import Mapping
from pathlib import Path

from lab.addresses import LIST_HOST, POLICY_DOMAINS
from lab.files import write

_COVERED = {"sts-partial.test": ("mx1.lab.test",), "sts-uncovered.test": ("mx.elsewhere.test",)}
_WITHOUT_POLICY = "sts-missing.test"
_FORTNIGHT_S = 1209600


def nginx(folder: Path, places: Mapping[str, str]) -> Path:
    """Write the policies (RFC 8461, 3.2) and a configuration that serves them as text/plain over TLS."""
    home, log = folder / "web", folder / "log"
    servers = f"""
    server {{
        listen {places[LIST_HOST]}:80;
        root {folder}/pki/lists;
    }}
"""
    for domain in POLICY_DOMAINS:
        host, root = f"mta-sts.{domain}", home / domain
        if domain != _WITHOUT_POLICY:
            covered = _COVERED.get(domain, ("mx1.lab.test", "mx2.lab.test"))
            fields = (
                "version: STSv1",
                "mode: enforce",
                *(f"mx: {mx}" for mx in covered),
                f"max_age: {_FORTNIGHT_S}",
            )
            write(root / ".well-known/mta-sts.txt", "".join(f"{field}\r\n" for field in fields))
        servers += f"""
    server {{
        listen {places[host]}:443 ssl;
        server_name {host};
        ssl_certificate {folder}/pki/{host}.crt;
        ssl_certificate_key {folder}/pki/{host}.key;
        root {root};
    }}
"""
    temporary = "".join(
        f"    {kind}_temp_path {home}/tmp;\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    return write(
        home / "nginx.conf",
        f"""\
daemon off;
master_process off;
pid {home}/pid;
error_log {log}/nginx.log;
events {{ }}
http {{
    access_log {log}/nginx-access.log;
    default_type text/plain;
    server_tokens off;
    ssl_protocols TLSv1.2 TLSv1.3;
{temporary}{servers}}}
""",
    )
