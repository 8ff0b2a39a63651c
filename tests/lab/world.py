"""One complete, closed mail world on loopback: built below one folder, started, described, stopped.

Nothing in it needs a network.  It needs root (standard ports, mail users, a private /etc/resolv.conf) and the
Debian packages that `tests/lab/install` installs.
"""

import importlib.util
import json
import os
import pwd
import shutil
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from lab.addresses import AUTHORITIES, HABITS, RELAYED_PORT, RELAYS, SECONDARY, hosts
from lab.clients import CLIENTS
from lab.files import run, write
from lab.mail import USERS, MailServers
from lab.pki import Authority
from lab.planted import PLANTED
from lab.policies import nginx
from lab.processes import answers, complain_of_ended, launch, stop, wait_until_answered
from lab.published import published
from lab.zones import Zones

NET = "127.25"
UNPACKED_EXIM = "/opt/maildiag-lab/usr/sbin/exim4"
_PROGRAMS = (
    "postfix",
    "dovecot",
    "knotd",
    "unbound",
    "nginx",
    "postgrey",
    "unshare",
    "nsenter",
    "mount",
    "ip",
)
_ACCOUNTS = ("postfix", "dovecot", "postgrey", "Debian-exim")
_LONGEST_FOLDER = 60  # sockets live below it, and their paths end at 108 octets


@dataclass(frozen=True)
class World:
    """Where everything is; paths are absolute, addresses are dotted quads."""

    folder: str
    prefix: str
    resolver: str
    authorities: list[str]
    root_ca: str
    trust_anchor: str
    resolv_conf: str
    selector: str
    hosts: dict[str, str]
    users: dict[str, str]
    domains: dict[str, dict[str, str]]

    @classmethod
    def load(cls, folder: Path) -> "World":
        """Read the description that a started world left in `folder`."""
        return cls(**json.loads((folder / "world.json").read_text()))


def exim_program() -> str | None:
    """Where Exim is: $LAB_EXIM, the unpacked one, or an installed one."""
    named = os.environ.get("LAB_EXIM", UNPACKED_EXIM)
    return named if os.access(named, os.X_OK) else shutil.which("exim4")


def missing() -> list[str]:
    """What keeps the laboratory from starting on this machine; empty when nothing does."""
    if os.geteuid() != 0:
        return ["root"]
    lacking = [name for name in _PROGRAMS if shutil.which(name) is None]
    if exim_program() is None:
        lacking.append("exim4")
    if importlib.util.find_spec("tlslite") is None:
        lacking.append("tlslite-ng")
    users = {entry.pw_name for entry in pwd.getpwall()}
    lacking += [f"the account {name}" for name in _ACCOUNTS if name not in users]
    if (
        not lacking
        and subprocess.run(
            ["unshare", "--mount", "--net", "true"], capture_output=True, check=False
        ).returncode
    ):
        lacking.append("the right to make namespaces")
    return lacking


def start(folder: Path, net: str = NET) -> World:
    """Build and start a world in `folder`, which must be new or empty, and return once every server answers.

    The servers run in a mount namespace where /etc/resolv.conf is the world's own; the machine sees nothing of it.
    """
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise SystemExit(f"lab: {folder} is not empty")
    if len(str(folder)) > _LONGEST_FOLDER:
        raise SystemExit(
            f"lab: a path of at most {_LONGEST_FOLDER} characters, please: sockets live below {folder}"
        )
    folder.chmod(0o755)
    shut = [str(above) for above in folder.parents if not above.stat().st_mode & 1]
    if shut:
        raise SystemExit(f"lab: mail users cannot enter {', '.join(shut)}")
    write(folder / "resolv.conf", f"nameserver {hosts(net)['resolver.lab.test']}\noptions edns0 trust-ad\n")
    inside = [
        "unshare",
        "--mount",
        "--propagation",
        "private",
        sys.executable,
        "-m",
        "lab",
        "_inside",
        str(folder),
        net,
    ]
    paths = {"PYTHONPATH": str(Path(__file__).parents[1])}
    if subprocess.run(inside, check=False, env=os.environ | paths).returncode:
        raise SystemExit(f"lab: the start failed, see {folder}/log")
    return World.load(folder)


def start_inside(folder: Path, net: str) -> None:
    """The part of `start` that runs in the private mount namespace; what it started ends when it fails."""
    run("mount", "--bind", folder / "resolv.conf", "/etc/resolv.conf")
    try:
        _Start(folder, net).everything()
    except BaseException:
        stop(folder)
        raise


class _Start:
    def __init__(self, folder: Path, net: str) -> None:
        self.folder, self.net = folder, net
        self.places = hosts(net)
        self.started: list[subprocess.Popen[bytes]] = []

    def everything(self) -> None:
        (self.folder / "log").mkdir()
        if answers(self.places["ns1.lab.test"], 53):
            raise SystemExit(f"lab: another one answers on {self.net}; stop it, or choose another NET")
        pki = Authority(self.folder / "pki")
        pki.issue_all()
        domains = published(self.places, pki)
        zones = Zones(self.folder / "dns", self.net, self.places)
        zones.build(domains, self.folder / "log")
        self._launch("knot", "knotd", "-c", zones.folder / "knot.conf")
        self._launch("secondary", "knotd", "-c", zones.folder / "secondary.conf")
        self._wait("ns1.lab.test", 53)
        self._launch("unbound", "unbound", "-c", zones.folder / "unbound.conf")
        self._greylister()
        mail = MailServers(self.folder, self.net, self.places, domains)
        self._launch("dovecot", "dovecot", "-F", "-c", mail.dovecot())
        self._launch("nginx", "nginx", "-p", self.folder / "web", "-c", nginx(self.folder, self.places))
        exim = exim_program() or "exim4"
        self._launch("exim", exim, "-bdf", "-q1m", "-C", mail.exim(exim))
        postfix = mail.postfix()  # `postfix start` would hide the pid of its master: run that ourselves
        master = run("postconf", "-c", postfix, "-h", "daemon_directory").strip()
        self._launch("postfix", f"{master}/master", "-c", postfix, "-s")
        self._relays()
        self._wait(SECONDARY, 53)
        self._wait("resolver.lab.test", 53)
        self._wait("greylister.lab.test", 10023)
        self._wait("imap.lab.test", 143, 993, 110, 995, 4190, 24, 12345)
        self._wait("mta-sts.lab.test", 443)
        self._wait("mx2.lab.test", 25, 587, 465)
        self._wait("mx1.lab.test", 25, 587, 465, 2525)
        for name in RELAYS:
            self._wait(f"mx.{name}.test", 25)
        for name, careless in CLIENTS.items():
            self._wait(f"mail.{name}.test", *careless.relays)
        self._wait(f"mx.{next(iter(HABITS))}.test", 25)
        complain_of_ended(self.started)
        self._describe(zones)

    def _relays(self) -> None:
        arguments = [
            f"{habit}={self.places[f'mx.{name}.test']}:25:{RELAYED_PORT}=mx.{name}.test"
            for name, habit in RELAYS.items()
        ]
        for name, careless in CLIENTS.items():
            host, behind = f"mail.{name}.test", careless.dovecot[0].port if careless.dovecot else 0
            arguments += [
                f"{habit}={self.places[host]}:{port}:{behind}={host}"
                for port, habit in careless.relays.items()
            ]
        self._launch("relays", sys.executable, "-m", "lab.relay", self.folder / "pki", *arguments)

    def _greylister(self) -> None:
        state = self.folder / "postgrey"
        state.mkdir()
        os.chown(state, pwd.getpwnam("postgrey").pw_uid, -1)
        lists = (
            "--whitelist-clients=/dev/null",
            "--whitelist-recipients=/dev/null",
            "--auto-whitelist-clients=0",
        )
        at = self.places["greylister.lab.test"]
        self._launch(
            "postgrey", "postgrey", f"--inet={at}:10023", "--delay=86400", f"--dbdir={state}", *lists
        )

    def _launch(self, name: str, *argv: str | Path) -> None:
        self.started.append(launch(self.folder, name, *argv))

    def _wait(self, host: str, *ports: int) -> None:
        for port in ports:
            wait_until_answered(self.places[host], port, self.started)

    def _describe(self, zones: Zones) -> None:
        world = World(
            folder=str(self.folder),
            prefix=self.net,
            resolver=self.places["resolver.lab.test"],
            authorities=[self.places[name] for name in AUTHORITIES],
            root_ca=f"{self.folder}/pki/root.crt",
            trust_anchor=f"{zones.folder}/anchor.ds",
            resolv_conf=f"{self.folder}/resolv.conf",
            selector="sel1",
            hosts=dict(self.places),
            users=USERS,
            domains={name: {"kind": row.kind, "what": row.what} for name, row in PLANTED.items()},
        )
        write(self.folder / "world.json", json.dumps(asdict(world), indent=1) + "\n")
