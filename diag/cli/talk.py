"""`maildiag talk`: one dialogue, as operators hold it by hand: shown as it goes, judged at its end."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from .options import PATH, command, option, port as port_number, seconds

if TYPE_CHECKING:
    from diag.probes.probe import Lab
    from diag.probes.script import ScriptTalk
    from diag.probes.talks import AnyTalk
    from diag.wire.script import Protocol, Script
    from diag.wire.transcript import Event, Transcript

PORTS = {"smtp": 25, "imap": 143, "pop3": 110, "sieve": 4190}
IMPLICIT = (465, 993, 995)
"""Ports where TLS begins with the first octet (RFC 8314 section 3)."""
WAYS = ("starttls", "implicit", "none")


@command(short_help="Hold one dialogue with a host: shown live, judged at the end.")
@click.argument("protocol", metavar="smtp|imap|pop3|sieve", required=False)
@click.argument("host", metavar="HOST", required=False)
@option("-p", "--port", metavar="PORT", type=port_number, help="25, 143, 110 or 4190 where none is given.")
@option("--tls", metavar="starttls|implicit|none", help="How TLS begins; by the port where nothing is said.")
@option("--sni", metavar="NAME", help="The server name sent in TLS; '' sends none. Default: HOST.")
@option("--client-cert", metavar="PEM", type=PATH, help="Certificate and key to show to a server that asks.")
@option("--helo", metavar="NAME", help="What we call ourselves in EHLO.")
@option("--from", "mail_from", metavar="MAILBOX", help="Begin a transaction (reset, never sent); '' is null.")
@option("--to", "recipients", metavar="MAILBOX", multiple=True, help="A recipient to ask for.")
@option(
    "--say", "lines", metavar="LINE", multiple=True, help="Say this after the usual beginning; repeatable."
)
@option(
    "--script", "script_file", metavar="FILE", type=PATH, help="Speak this script: C: and S: lines, or TOML."
)
@option(
    "--intrusive", is_flag=True, help="Let what is said hold DATA, VRFY, USER...: on servers of your own."
)
@option("--raw", is_flag=True, help="The octets of each line, escaped, and nothing else.")
@option("--save", metavar="TAPE", type=PATH, help="Keep the dialogue, for --replay.")
@option(
    "--replay", metavar="TAPE", type=PATH, help="Show and judge a kept dialogue; nothing is connected to."
)
@option("-n", "--nameserver", "nameservers", metavar="ADDR[:PORT]", multiple=True, help="Ask this resolver.")
@option("-4", "ipv4", is_flag=True, help="IPv4 only.")
@option("-6", "ipv6", is_flag=True, help="IPv6 only.")
@option("--timeout", metavar="S", type=seconds, default=60.0, help="The most seconds for the dialogue: 60.")
@option("--port-map", metavar="HOST:PORT=ADDR:PORT", multiple=True, help="Connect elsewhere.")
def talk(protocol: str | None, host: str | None, replay: Path | None, **options: Any) -> int:
    """Hold one polite dialogue with a host, print every line as it comes, and say what is to be said of it.

    Marks: -> we, <- the peer, ~> and <~ the same under TLS, <** and <~* the peer unasked. Nothing is ever sent as
    mail without --intrusive, and no password is ever part of a dialogue here.

    On port 25 smtp is judged as senders meet it; on any other port as mail programs do, which submit mail there.

    Exits with 2 where HOST has no address; with 3 where that cannot be looked up, no connection comes about, or a
    script breaks off; with 1 where a script gets another reply than it expects.
    """
    from .faults import Fault

    if replay is not None:
        if protocol is not None:
            raise Fault("--replay shows a kept dialogue: no host is named beside it")
        return _replayed(replay, raw=options["raw"])
    if protocol is None or host is None:
        raise Fault("talk needs a protocol and a host: maildiag talk smtp mx.example.org")
    return _held(protocol, host, **options)


def _held(
    protocol: str, host: str, *, nameservers: tuple[str, ...], ipv4: bool, ipv6: bool, raw: bool, **said: Any
) -> int:
    import anyio

    from . import judging
    from .tapes import refuse_unwritable
    from .world import live

    wanted = _Wanted(protocol, host, said)
    if said["save"] is not None:
        refuse_unwritable(said["save"])
    registry = judging.plugins()
    watch = _Shower(wanted.protocol, raw, goes_on=said["save"] is not None)
    lab = live(registry, nameservers=nameservers, port_map=said["port_map"], watch=watch)

    async def held() -> tuple[AnyTalk | ScriptTalk, Transcript]:
        address = await _address(lab, host, (ipv4 or not ipv6, ipv6 or not ipv4))
        probe = await wanted.probe(address, lab)
        if wanted.script is not None and wanted.script.intrusive:
            _announce(probe)
        return probe, await lab.run(probe)

    probe, transcript = anyio.run(held)
    if said["save"] is not None:
        _save(said["save"], wanted.protocol, probe, transcript)
    if watch.failed is not None:
        raise watch.failed
    return _told(probe, transcript, raw=raw)


class _Wanted:
    """What the options ask for, found consistent. Raises Fault."""

    def __init__(self, protocol: str, host: str, said: dict[str, Any]) -> None:
        from . import addresses
        from .faults import Fault, unknown

        if protocol not in PORTS:
            raise unknown("protocol", protocol, PORTS)
        if said["tls"] not in (None, *WAYS):
            raise unknown("way of TLS", said["tls"], WAYS, where="--tls")
        if protocol != "smtp" and any(
            said[name] not in (None, ()) for name in ("mail_from", "recipients", "helo")
        ):
            raise Fault(f"--helo, --from and --to are for smtp, not for {protocol}")
        if said["lines"] and said["script_file"] is not None:
            raise Fault("--say and --script exclude each other: a script says everything itself")
        self.protocol = cast("Protocol", protocol)
        self._host = host
        self._said = said
        self._name = host if said["sni"] is None else addresses.server_name(said["sni"])
        self._helo = addresses.helo_name(said["helo"]) if said["helo"] is not None else ""
        self._recipients = tuple(addresses.recipient(each) for each in said["recipients"])
        # Who names a recipient alone asks from nobody, as bounces come.
        sender = "" if self._recipients and said["mail_from"] is None else said["mail_from"]
        self._mail_from = addresses.sender(sender) if sender is not None else None
        self._port: int = said["port"] or PORTS[protocol]
        self._tls: str = said["tls"] or ("implicit" if self._port in IMPLICIT else "starttls")
        self.script = self._script()
        if self.script is not None and self._mail_from is not None:
            raise Fault(
                "--from and --to belong to the usual dialogue, with TLS and without a certificate of ours; "
                "say MAIL and RCPT in a script"
            )
        if self.script is not None and self.script.intrusive and not said["intrusive"]:
            raise Fault(
                "what is to be said is no ordinary use of a server: only with --intrusive, on one of your own"
            )
        if said["client_cert"] is not None:
            _refuse_useless(said["client_cert"])

    def _script(self) -> Script | None:
        from diag.wire import script_text
        from diag.wire.script import BadScript, carries_secret

        from .faults import Fault, reason

        lines, file = self._said["lines"], self._said["script_file"]
        if any(carries_secret(each, self.protocol) for each in lines):
            raise Fault(
                "--say: a password on a command line can be read by everybody on this machine, and would stand on "
                "tape; to log in: maildiag check DOMAIN --login NAME --password env:VARIABLE"
            )
        try:
            if file is not None:
                return script_text.parse(file.read_text(encoding="utf-8-sig"), self.protocol)
            if lines or self._said["client_cert"] is not None or self._tls == "none":
                return script_text.said(self.protocol, lines)
        except BadScript as error:
            raise Fault(f"{f'--script {file}' if file is not None else '--say'}: {error}") from None
        except OSError as error:
            raise Fault(f"--script {file}: cannot be read: {reason(error)}") from None
        except UnicodeDecodeError as error:
            raise Fault(f"--script {file}: not UTF-8 at octet {error.start}") from None
        return None

    async def probe(self, address: str, lab: Lab) -> AnyTalk | ScriptTalk:
        """The question to ask."""
        from diag.probes.moment import Nonce
        from diag.probes.script import IntrusiveScriptTalk, ScriptTalk
        from diag.probes.talks import ImapTalk, Pop3Talk, SieveTalk, SmtpTalk, Tls

        said, timeout = self._said, self._said["timeout"]
        name = self._name
        helo = await _our_name(lab, self._helo) if self.protocol == "smtp" else ""
        if self.script is not None:
            kind = IntrusiveScriptTalk if self.script.intrusive else ScriptTalk
            nonce = (await lab.run(Nonce())).text
            pem = str(said["client_cert"] or "")
            return kind(
                address, self._port, name, self.script, helo, self._host, nonce, self._tls, pem, timeout
            )
        way = cast("Tls", self._tls)
        if self.protocol == "smtp":
            begun, recipients = self._mail_from, self._recipients
            return SmtpTalk(address, self._port, name, helo, way, begun, recipients, timeout)
        kinds: dict[str, type[ImapTalk | Pop3Talk | SieveTalk]] = {
            "imap": ImapTalk,
            "pop3": Pop3Talk,
            "sieve": SieveTalk,
        }
        return kinds[self.protocol](address, self._port, name, way, timeout)


def _refuse_useless(pem: Path) -> None:
    import ssl  # only who shows a certificate pays for it

    from .faults import Fault, reason

    try:
        # A key that wants a passphrase would have OpenSSL ask at the terminal: an empty one is told to it.
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(pem, password="")
    except ssl.SSLError:
        raise Fault(
            f"--client-cert {pem}: expected a certificate and its key, without a passphrase, in PEM"
        ) from None
    except OSError as error:
        raise Fault(f"--client-cert {pem}: cannot be read: {reason(error)}") from None


class _Shower:
    """Prints each line as it comes. Raises as `tell` does."""

    def __init__(self, spoken: Protocol, raw: bool, *, goes_on: bool = False) -> None:
        self._spoken = spoken
        self._raw = raw
        self._goes_on = goes_on
        """A dialogue that is to be kept goes on where it cannot be shown."""
        self.failed: Exception | None = None
        """What kept it from being shown to its end, where the dialogue went on."""

    def __call__(self, event: Event) -> None:
        from . import talk_shown
        from .faults import Fault
        from .tell import NobodyReads, tell

        line = talk_shown.raw(event) if self._raw else talk_shown.line(event, self._spoken)
        if not line or self.failed is not None:
            return
        try:
            tell(f"{line}\n")
        except (NobodyReads, Fault) as error:
            if not self._goes_on:
                raise
            self.failed = error


def _announce(probe: AnyTalk | ScriptTalk) -> None:
    click.echo(f"{probe.host} [{probe.address}]:{probe.port}: {probe.announcement()}", err=True)


def _told(probe: AnyTalk | ScriptTalk, transcript: Transcript, *, raw: bool) -> int:
    """Say what is to be said of a dialogue that was shown; the exit code."""
    import anyio

    from diag.probes.script import ScriptTalk
    from diag.run.endpoint import judged, leaves_tls_out, usual
    from diag.wire.transcript import Opened

    from . import exits, judging, talk_shown
    from .tell import tell

    opened = any(isinstance(event, Opened) for event in transcript.events)
    asked = usual(probe)
    if asked is None:
        assert isinstance(probe, ScriptTalk)
        read = probe.read(transcript)
        if not raw:
            tell("\n" + "".join(f"{line}\n" for line in talk_shown.outcome(read)))
        if read.unexpected:
            return exits.FOUND
        return exits.OK if read.done else exits.UNDETERMINED
    if opened and not raw:
        lines = talk_shown.UNJUDGED
        if not leaves_tls_out(probe, transcript):
            lines = talk_shown.verdict(asked, anyio.run(judged, judging.plugins(), asked, transcript))
        tell("\n" + "".join(f"{line}\n" for line in lines))
    return exits.OK if opened else exits.UNDETERMINED


def _save(path: Path, spoken: Protocol, probe: AnyTalk | ScriptTalk, transcript: Transcript) -> None:
    from diag.lab.tape import Tape

    from .faults import Fault, reason

    try:
        Tape({probe: transcript}, {"talk": spoken}).save(path)
    except OSError as error:
        raise Fault(f"--save {path}: cannot be written: {reason(error)}") from None


def _replayed(path: Path, *, raw: bool) -> int:
    from diag.lab.tape import BadTape, Tape
    from diag.probes.script import ScriptTalk
    from diag.probes.talks import ImapTalk, Pop3Talk, SieveTalk, SmtpTalk
    from diag.wire.transcript import Transcript

    from . import judging
    from .faults import Fault, reason

    try:
        tape = Tape.load(path, judging.plugins().probes)
    except OSError as error:
        raise Fault(f"{path}: cannot be read: {reason(error)}") from None
    except BadTape as error:
        raise Fault(str(error)) from None
    spoken = tape.header.get("talk")
    if spoken not in PORTS:
        raise Fault(f"{path}: this is no single dialogue; a run is judged again by maildiag replay")
    for probe, transcript in tape.exchanges.items():
        talks = SmtpTalk | ImapTalk | Pop3Talk | SieveTalk | ScriptTalk
        if isinstance(probe, talks) and isinstance(transcript, Transcript):
            show = _Shower(cast("Protocol", spoken), raw)
            for event in transcript.events:
                show(event)
            return _told(probe, transcript, raw=raw)
    raise Fault(f"{path}: there is no dialogue in it")


async def _address(lab: Lab, host: str, families: tuple[bool, bool]) -> str:
    """The host's first address of a family that is wanted.

    Raises Fault where there is none, and Undetermined where the DNS does not tell.
    """
    import ipaddress

    from diag.gather.dns import Found, look_up
    from diag.model.knowing import Unavailable
    from diag.names.domain import BadDomain, domain

    from .faults import Fault, Undetermined

    try:
        return str(ipaddress.ip_address(host.strip("[]")))
    except ValueError:
        pass
    try:
        name = domain(host)
    except BadDomain as error:
        raise Fault(str(error)) from None
    because = ""
    open_ones = []
    for rdtype, wanted in zip(("A", "AAAA"), families, strict=True):
        if wanted:
            looked = await look_up(lab, name, rdtype)
            if isinstance(looked, Found):
                return str(looked.rdatas[0])
            because = because or looked.because
            open_ones += [looked.because] if isinstance(looked, Unavailable) else []
    if open_ones:
        raise Undetermined(f"{host}: its address could not be looked up: {open_ones[0]}")
    raise Fault(f"{host}: no address to talk to: {because}")


async def _our_name(lab: Lab, helo: str) -> str:
    from diag.gather.helo import helo as name_of
    from diag.model.target import Target

    return await name_of(Target("", helo=helo), lab)
