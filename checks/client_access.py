"""What the judgements on submission, IMAP and POP3 share: dead hosts, TLS that does not come about, settings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from diag.api import (
    PLAINTEXT as PLAINTEXT,
    Certainty,
    Cite,
    ClientContact,
    Configure,
    DnsFix,
    Ending,
    Endpoint,
    Finding,
    Fix,
    Handshake,
    HelloTalk,
    ImapSurvey,
    Lack,
    Many,
    Pop3Survey,
    Publish,
    Reached,
    Service,
    ServiceRecords,
    SieveSurvey,
    SubmissionSurvey,
    Target,
    TlsFailure,
    TlsTrouble,
    Undecided,
    Verdict,
    Withdraw,
    as_cites,
    shortened,
)

from .tls_hello import TOO_LARGE

Survey = SubmissionSurvey | ImapSurvey | Pop3Survey | SieveSurvey

OFTEN_BLOCKED = frozenset({587})
"""Client ports that access providers are known to filter, as they do 25."""


@dataclass(frozen=True)
class DeadHost:
    """A published host that answers on none of the ports published for a service."""

    name: str
    contacts: tuple[ClientContact, ...]
    decided: bool
    """False where something between us and the host may have swallowed the connection requests, where one
    connection of two came about, and where there was one attempt only."""

    @property
    def ports(self) -> str:
        """The ports tried, for a sentence."""
        tried = sorted({each.endpoint.port for each in self.contacts})
        return f"port{'s' if len(tried) > 1 else ''} {' and '.join(map(str, tried))}"

    @property
    def cites(self) -> tuple[Cite, ...]:
        """Every attempt."""
        looks = (look for each in self.contacts for look in (each, each.other) if look is not None)
        return as_cites(*(look.probe for look in looks))

    @property
    def doubt(self) -> Undecided:
        """What is to be said where it is not decided."""
        what = "answered only one of two connections" if self.flaps else "did not answer"
        ours = ", and hosts that are known to answer there did not either" if self.shut else ""
        return Undecided(f"{self.name} {what} on {self.ports}{ours}", self.cites, self.name)

    @property
    def shut(self) -> bool:
        """Whether a port may be shut at our own end."""
        return any(each.shut for each in self.contacts)

    @property
    def flaps(self) -> bool:
        """Whether a connection did come about."""
        return any(each.differs for each in self.contacts)

    @property
    def certainty(self) -> Certainty:
        """How sure it is that nobody answers."""
        waited = all(each.waited for each in self.contacts if each.other is not None)
        return Certainty.CERTAIN if waited else Certainty.LIKELY


def dead_hosts(contacts: Many[ClientContact], service: Service) -> Iterator[DeadHost]:
    """The published hosts at which no published port of a service answers twice, at any address.

    A closed port is an answer of the host's. Silence is one only where the same address answers on
    another port, and on a port that access providers do not filter.
    """
    by_host: dict[str, list[ClientContact]] = {}
    for contact in contacts.values():
        if contact.service is service and contact.published:
            by_host.setdefault(contact.endpoint.host, []).append(contact)
    awake = {contact.endpoint.address for contact in contacts.values() if contact.state.connected}
    for name, tried in by_host.items():
        if any(each.state.connected and not each.differs for each in tried):
            continue
        twice = [each for each in tried if each.other is not None]
        decided = not any(each.differs or each.shut for each in tried) and any(
            each.state is Reached.CLOSED
            or (
                each.state is Reached.FILTERED
                and each.endpoint.address in awake
                and each.endpoint.port not in OFTEN_BLOCKED
            )
            for each in twice
        )
        yield DeadHost(name, tuple(tried), decided)


def redirected(
    dead: DeadHost,
    contacts: Many[ClientContact],
    records: Many[ServiceRecords],
    target: Target,
    labels: Mapping[int, str],
) -> tuple[DnsFix, ...]:
    """SRV records that lead to a port of the same host that does answer, in place of those that do not.

    Empty where no other port answers. `labels` gives the service name for each port, best first.
    """
    service = dead.contacts[0].service
    alive = {
        contact.endpoint.port
        for contact in contacts.values()
        if contact.service is service and contact.endpoint.host == dead.name and contact.state is Reached.OPEN
    }
    port = next((port for port in labels if port in alive), None)
    if port is None:
        return ()
    gone = tuple(
        Withdraw(found.name, "SRV", f"{record.priority} {record.weight} {record.port} {record.target}.")
        for found in records.values()
        for record in found.records
        if found.service is service and record.target == dead.name
    )
    return (*gone, Publish(f"{labels[port]}._tcp.{target.domain}", "SRV", f"0 1 {port} {dead.name}."))


def says(reply: object) -> str:
    """A reply between quotation marks."""
    return f'"{shortened(str(reply))}"'


def seen_twice(survey: Survey, lack: Lack) -> tuple[Cite, ...] | Undecided:
    """The lines of two conversations that show a lack; Undecided where the other one does not show it."""
    first, other = survey.look, survey.other
    shown = first.showing(lack)
    if other is None:
        return Undecided(f"one look alone does not show that {lack}", shown, survey.subject)
    if lack in other.lacks:
        return (*shown, *other.showing(lack))
    because = f"two connections differ: only one of them shows that {lack}"
    if isinstance(other.probe, HelloTalk) and isinstance(other.session.handshake, Handshake):
        because = (
            f"{lack} on one connection, and does on another, with a small ClientHello of TLS 1.2 at most"
        )
    if (doubt := other.session.inconclusive) != "":
        because = f"only one connection shows that {lack}; on another, {doubt}"
    return Undecided(because, (*shown, *other.cite(other.session.because)), survey.subject)


class LackFinding(Finding):
    """What all rules hold that rest on something missing or refused: two connections must show it."""

    @classmethod
    def twice(cls, survey: Survey, lack: Lack, fix: tuple[Fix, ...] = (), **fields: Any) -> Verdict:
        """The finding with the lines of both, or why it is open; `fields` are those of the rule itself."""
        seen = seen_twice(survey, lack)
        if isinstance(seen, Undecided):
            return seen
        return cls(subject=survey.subject, evidence=seen, certainty=survey.certainty, fix=fix, **fields)


class UnreachableFinding(Finding):
    """What all rules about published hosts that do not answer hold; each says which service it means."""

    ports: str

    @classmethod
    def told_of(cls, dead: DeadHost, fix: tuple[Fix, ...]) -> Verdict:
        """The finding, or the doubt where it is not decided."""
        if not dead.decided:
            return dead.doubt
        return cls(
            subject=dead.name, ports=dead.ports, evidence=dead.cites, certainty=dead.certainty, fix=fix
        )


class PlaintextFinding(Finding):
    """What all rules about plain text on a port for TLS say."""

    message = "{subject} greets in plain text; mail programs begin with TLS on this port."
    instead_of = ("submission/tls-fails", "imap/tls-fails", "pop3/tls-fails")


class TlsFirstFinding(Finding):
    """What the rules about TLS on a port for plain text say."""

    message = "{subject} waits for TLS instead of greeting; mail programs expect STARTTLS on this port."


def misspoken(
    survey: Survey,
    plaintext: type[Finding],
    tls_first: type[Finding],
    settings: Callable[[Endpoint, bool], tuple[Fix, ...]],
) -> Iterator[Verdict]:
    """Whether TLS and plain text are mixed up; `settings` for an endpoint that is to begin with TLS, or not."""
    session = survey.session
    kind = {Reached.SPEAKS_TEXT: plaintext, Reached.SPEAKS_TLS: tls_first}.get(session.state)
    if kind is not None:
        fix = settings(survey.endpoint, kind is plaintext)
        yield kind(subject=survey.subject, evidence=survey.cite(session.because), fix=fix)
    elif (
        session.state in (Reached.SILENT, Reached.SLOW, Reached.CLOSED_EARLY)
        or _cut_short(survey)
        or (session.state is Reached.TLS_FAILED and not _speaks_tls(session.handshake))
    ):
        # Where the server said nothing at all, or without end, it is open what it speaks.
        yield Undecided(session.inconclusive, survey.cite(session.because), survey.subject)


def _speaks_tls(made: object) -> bool:
    """Whether a handshake that failed shows TLS all the same."""
    return isinstance(made, TlsFailure) and made.reason in (TlsTrouble.ALERT, TlsTrouble.PROTOCOL)


def _cut_short(survey: Survey) -> bool:
    """Whether the greeting went on for longer than we read."""
    session = survey.session
    return session.state is Reached.MALFORMED and session.closed is Ending.TOO_MUCH


class TlsFailsFinding(LackFinding):
    """What all rules about TLS that does not come about say and hold."""

    message = "TLS fails on {subject}: {how}."
    how: str

    @classmethod
    def told_of(cls, survey: Survey, fix: tuple[Fix, ...]) -> Iterator[Verdict]:
        """Why TLS did not come about; nothing where it did, was not to be had, or something else is spoken."""
        session = survey.session
        made = session.handshake
        if session.state is Reached.SPEAKS_TEXT:
            how = "plain text is spoken there"
            yield cls(subject=survey.subject, evidence=survey.cite(session.because), fix=fix, how=how)
        elif session.state.wrong_protocol or session.state is Reached.MALFORMED:
            yield Undecided(session.inconclusive, survey.cite(session.because), survey.subject)
        elif Lack.TLS in survey.look.lacks:
            yield cls.twice(survey, Lack.TLS, fix, how=_how(survey))
        elif (put_off := survey.look.put_off) is not None:
            yield Undecided(f"TLS is put off: {says(put_off[0])}", survey.cite(put_off[1]), survey.subject)
        elif session.state is Reached.SILENT or made is None:
            if session.inconclusive:
                yield Undecided(session.inconclusive, survey.cite(session.because), survey.subject)
        elif isinstance(made, TlsFailure):
            because = f"the TLS handshake was not finished: {made.reason}"
            if made.ours:
                because = f"our own TLS library breaks off, and others may not: {made.detail or made.reason}"
            yield Undecided(because, survey.cite(session.secured), survey.subject)


def _how(survey: Survey) -> str:
    refusal, made = survey.look.refusal, survey.session.handshake
    if refusal is not None or not isinstance(made, TlsFailure):
        return f"it refuses to begin: {says(refusal[0] if refusal else '')}"
    match made.reason:
        case TlsTrouble.ALERT:
            return f"it answers with the TLS alert {made.alert or 'without a name'}"
        case TlsTrouble.CLOSED:
            return "it closes the connection after the ClientHello"
        case TlsTrouble.PROTOCOL if made.too_large:
            return TOO_LARGE.replace("the host", "it", 1)
        case TlsTrouble.PROTOCOL:
            return f"it does not keep to the rules of TLS ({made.detail})"
        case _:
            what = "in plain text" if made.text else "with something that is no TLS"
            return f"it answers the ClientHello {what}"


class LeftoverFinding(Finding):
    """What all rules about plain text after the go-ahead for TLS say."""

    message = "{subject} sends plain text between its go-ahead for TLS and the handshake."

    @classmethod
    def told_of(cls, survey: Survey) -> Iterator[Finding]:
        """Only where the handshake came about in spite of it: else that is what is told."""
        session = survey.session
        if session.leftover and isinstance(session.handshake, Handshake):
            begun = session.starttls.cited if session.starttls else None
            yield cls(subject=survey.subject, evidence=survey.cite(begun, session.secured))


def dovecot(endpoint: Endpoint, old: str, new: str) -> tuple[Configure, Configure]:
    """The same setting for both generations of Dovecot."""
    return (
        Configure(endpoint.host, new, "Dovecot 2.4"),
        Configure(endpoint.host, old, "Dovecot 2.3"),
    )


def certificate_settings(endpoint: Endpoint) -> tuple[Configure, Configure]:
    """How Dovecot is told of its certificate, and to take no login without TLS."""
    return dovecot(
        endpoint,
        "ssl = required\nssl_cert = </etc/ssl/mail/fullchain.pem\nssl_key = </etc/ssl/mail/privkey.pem",
        "ssl = required\nssl_server_cert_file = /etc/ssl/mail/fullchain.pem\n"
        "ssl_server_key_file = /etc/ssl/mail/privkey.pem",
    )


def listener(protocol: str, endpoint: Endpoint, implicit: bool) -> tuple[Configure]:
    """How Dovecot is told what to speak on a port; the same in both generations."""
    name = f"{protocol}s" if implicit else protocol
    tls = "yes" if implicit else "no"
    setting = (
        f"service {protocol}-login {{\n"
        f"  inet_listener {name} {{\n    port = {endpoint.port}\n    ssl = {tls}\n  }}\n}}"
    )
    return (Configure(endpoint.host, setting, "Dovecot"),)
