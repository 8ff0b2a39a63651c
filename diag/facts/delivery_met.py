"""What each kind of sender meets at one address of a mail host, read from the conversations that were held there."""

from __future__ import annotations

import enum
import re
from dataclasses import field, replace

from diag.model.finding import Certainty
from diag.model.frozen import frozen
from diag.model.knowing import Absent, Cite, Unavailable
from diag.records.mta_sts import Mode
from diag.tls.handshake import ON_THE_WAY, Handshake, TlsFailure
from diag.wire.reach import Reached
from diag.wire.smtp_session import SmtpExchange

from .certificate_peers import CertificatePeers, Peer, PeerVerdict
from .dane import DaneHost
from .delivery import DeliveryAttempt as Attempt, DeliveryCause as Cause, DeliveryOutcome as Outcome, Sender
from .dnssec import Security
from .hellos import InboundHandshake, failure, shaken
from .inbound import InboundContact, InboundMailbox, InboundOffer
from .mta_sts import StsPolicy

_SILENT = frozenset({Reached.FILTERED, Reached.SILENT})
"""Dead, and not known to be before all patience is spent."""
_WRONG = frozenset({Reached.SPEAKS_TLS, Reached.MALFORMED})
"""What speaks there is no mail host."""
_SEEN_ONCE = frozenset({Cause.TAKEN, Cause.NOT_PUBLIC, Cause.NOT_COVERED, Cause.CERTIFICATE, Cause.TLSA})
"""What one look shows beyond doubt: it was taken, or is as it was published or presented."""
_OF_DANE = frozenset({Cause.TLSA, Cause.TLSA_LOOK_UP})
_RELAY = re.compile(r"\brelay", re.IGNORECASE)


@frozen(kw_only=True)
class Place:
    """One address of one mail host, with what is known of it."""

    host: str
    address: str
    preference: int
    contact: InboundContact | Absent | Unavailable
    handshake: InboundHandshake | Absent | Unavailable | None = None
    mailbox: InboundMailbox | Absent | Unavailable | None = None
    offer: InboundOffer | Absent | Unavailable | None = None
    peers: CertificatePeers | None = None
    dane: DaneHost | Absent | Unavailable | None = None
    port_25: bool = False
    """Our own port 25 is open, as a reference shows."""
    signed_mx: bool = False
    """The records that name the host are signed."""
    proven: bool = False
    """It is named securely, and its certificate is refused by nobody who verifies."""

    def attempt(self, outcome: Outcome, cause: Cause, because: str, *cites: Cite, **more: bool) -> Attempt:
        """How it goes here."""
        return Attempt(
            host=self.host,
            preference=self.preference,
            address=self.address,
            outcome=outcome,
            cause=cause,
            because=because,
            cites=cites,
            answered=isinstance(self.contact, InboundContact) and self.contact.answered,
            certain=self._certain(cause),
            **more,
        )

    def _certain(self, cause: Cause) -> bool:
        """Whether one look shows it beyond doubt, or it was looked at twice with a pause."""
        if cause in _OF_DANE and not self.signed_mx:
            return False  # senders may leave it at opportunistic TLS then (RFC 7672 section 2.2.1)
        if cause in _SEEN_ONCE:
            return True
        if cause is Cause.TLSA_LOOK_UP:
            return isinstance(self.dane, DaneHost) and self.dane.waited
        contact = self.contact
        return isinstance(contact, InboundContact) and contact.certainty is Certainty.CERTAIN

    def unheard(self, because: str, *cites: Cite) -> Attempt:
        """Nothing that would decide was heard."""
        return self.attempt(Outcome.UNKNOWN, Cause.NOT_HEARD, f"is not known: {because}", *cites)

    def passed_over(self, cause: Cause, because: str, *cites: Cite, **more: bool) -> Attempt:
        """A sender tries the next one, and this one again later."""
        return self.attempt(Outcome.DEFERRED, cause, because, *cites, goes_on=True, **more)


class _Tls(enum.Enum):
    WORKS, FAILS, MISSING, OPEN = range(4)


@frozen
class _Secured:
    """What TLS came to, whoever asks for it."""

    state: _Tls
    words: str
    cites: tuple[Cite, ...] = field(default=())
    named: bool = False
    """It fails because the host is called by its name: who verifies says it (RFC 7672 section 8.1), others may or not."""


def attempt_of(
    sender: Sender, place: Place, policy: StsPolicy | Absent | Unavailable, *, enforced: bool = False
) -> Attempt:
    """What a sender meets at a place; with `enforced` a policy under test is taken for one in force."""
    if sender is Sender.MTA_STS and (refused := _outside(place, policy, enforced=enforced)) is not None:
        return refused
    unmet = _not_reached(place)
    if unmet is not None:
        return unmet
    tls = _tls(place)
    if sender is Sender.MTA_STS and (judged := _under_policy(place, policy, tls, enforced=enforced)):
        return judged
    if sender is Sender.DANE and (judged := _under_dane(place, tls)):
        return judged
    return _opportunistic(place, tls)


def _not_reached(place: Place) -> Attempt | None:
    """Why no sender comes as far as to think of TLS; None where all do."""
    contact = place.contact
    if isinstance(contact, Absent):
        because = "is not reachable from outside"
        return place.passed_over(Cause.NOT_PUBLIC, because, *contact.evidence)
    if isinstance(contact, Unavailable):
        return place.unheard(contact.because, *contact.evidence)
    first, cites = contact.first, contact.cites()
    if not contact.answered:
        if contact.unreachable or (place.port_25 and contact.family_works):
            silent = first.session.state in _SILENT
            return place.passed_over(Cause.DEAD, _dead(first.session.state), *cites, waits=silent)
        return place.unheard(first.session.inconclusive, *cites)
    if contact.best.greeted:
        return None
    state, line = contact.state, first.line(first.session.because)
    refused = [look for look in contact.looks if look.session.state is Reached.REFUSED_SERVICE]
    if len(refused) > 1 and not any(look.session.blame for look in refused):
        # Another host may be of another mind (RFC 7504 section 3): the message is returned where none is left.
        because = f'refuses service: "{line}"'
        return place.attempt(Outcome.BOUNCED, Cause.GREETING, because, *cites, goes_on=True)
    if state in _WRONG:
        return place.passed_over(Cause.PROTOCOL, _no_greeting(state), *cites)
    return place.unheard(first.session.inconclusive, *cites)


def _dead(state: Reached) -> str:
    return {
        Reached.CLOSED: "refuses connections",
        Reached.SILENT: "takes connections and says nothing",
        Reached.CLOSED_EARLY: "closes connections before it says anything",
        Reached.UNREACHABLE: "cannot be reached",
    }.get(state, "does not answer")


def _no_greeting(state: Reached) -> str:
    return "speaks TLS before it greets" if state is Reached.SPEAKS_TLS else "does not greet as a mail host"


def _tls(place: Place) -> _Secured:
    """Whether TLS comes about, and the mail can go on under it."""
    seen = place.handshake
    if seen is None or isinstance(seen, Absent):
        cites = seen.evidence if seen is not None else ()
        return _Secured(_Tls.MISSING, "offers no STARTTLS", cites)
    if isinstance(seen, Unavailable):
        return _Secured(_Tls.OPEN, seen.because, seen.evidence)
    if seen.completed:
        return _goes_on(seen)
    refused = [look for look in seen.tls.tries if look.refused_starttls is not None]
    if seen.classical is None:
        said = refused[0].refused_starttls if refused else None
        line = refused[0].line(said.last) if refused and said is not None else ""
        if len(refused) > 1:
            return _Secured(_Tls.FAILS, f'refuses STARTTLS: "{line}"', (seen.tls.cite,))
        return _Secured(_Tls.OPEN, "STARTTLS was refused once", (seen.tls.cite,))
    if shaken(seen.classical) or shaken(seen.small):
        return _Secured(
            _Tls.OPEN, "whether TLS comes about depends on the sender's ClientHello", _cites(seen)
        )
    failures = [failure(look) for look in (*seen.failed, seen.classical)]
    if any(each is None or each.put_off or each.ours or each.reason in ON_THE_WAY for each in failures):
        return _Secured(
            _Tls.OPEN, "the TLS handshake broke off, by the host's doing or on the way", _cites(seen)
        )
    named = all(each is not None and each.alert == "unrecognized_name" for each in failures)
    return _Secured(
        _Tls.FAILS, f"fails in the TLS handshake ({_alert(failures[0])})", _cites(seen), named=named
    )


def _goes_on(seen: InboundHandshake) -> _Secured:
    """A handshake that was completed, and whether EHLO is answered under it (RFC 3207 section 4.2)."""
    done = [look for look in seen.usual if isinstance(look.session.handshake, Handshake)]
    made = done[0].session.handshake
    version = made.version.replace("TLSv", "TLS ") if isinstance(made, Handshake) else "TLS"
    if any(look.session.offer_tls is not None for look in done):
        return _Secured(_Tls.WORKS, version, (done[0].cite(done[0].session.secured),))
    doubt = done[0].doubt
    return _Secured(_Tls.OPEN, f"EHLO is not answered under {version} ({doubt.because})", doubt.evidence)


def _cites(seen: InboundHandshake) -> tuple[Cite, ...]:
    return tuple(look.cite(look.session.secured) for look in seen.failed) or (seen.tls.cite,)


def _alert(failed: TlsFailure | None) -> str:
    return (failed.alert or failed.reason).replace("_", " ") if failed is not None else ""


def _outside(place: Place, policy: StsPolicy | Absent | Unavailable, *, enforced: bool) -> Attempt | None:
    """A host that an enforced policy does not name is not even connected to (RFC 8461 sections 4.1 and 5)."""
    if _binds(policy, enforced=enforced) and isinstance(policy, StsPolicy) and not policy.covers(place.host):
        return place.passed_over(Cause.NOT_COVERED, "is not named by the MTA-STS policy", *policy.asked)
    return None


def _binds(policy: StsPolicy | Absent | Unavailable, *, enforced: bool) -> bool:
    if not isinstance(policy, StsPolicy) or not policy.usable:
        return False
    return policy.enforced or (enforced and policy.mode is Mode.TESTING)


def _under_policy(
    place: Place, policy: StsPolicy | Absent | Unavailable, tls: _Secured, *, enforced: bool
) -> Attempt | None:
    """STARTTLS and a valid certificate are a must (section 5); None where the policy asks for nothing."""
    if isinstance(policy, Unavailable):
        # Who has kept an earlier policy goes by that, who has none goes on without (sections 3.3 and 5.1).
        return place.unheard(f"the MTA-STS policy could not be had ({policy.because})", *policy.evidence)
    if not _binds(policy, enforced=enforced):
        return None
    verdict = place.peers.of(Peer.MTA_STS) if place.peers is not None else None
    return _authenticated(place, tls, verdict, Cause.CERTIFICATE)


def _under_dane(place: Place, tls: _Secured) -> Attempt | None:
    """What TLSA records ask for (RFC 7672 section 2.2); None where none are heeded."""
    known = place.dane
    if isinstance(known, Unavailable):
        return place.unheard(f"its DANE ({known.because})", *known.evidence)
    if not isinstance(known, DaneHost) or known.security is Security.INSECURE:
        return None
    if known.trouble:  # it is passed over as if it were dead (section 2.1.2)
        because = f"has TLSA records that cannot be looked up ({known.trouble})"
        return place.passed_over(Cause.TLSA_LOOK_UP, because, *known.asked)
    if known.security is not Security.SECURE:
        return place.unheard("its DANE, as our resolver does not validate", *known.asked)
    if known.usable:
        verdict = place.peers.of(Peer.DANE) if place.peers is not None else None
        return _authenticated(place, tls, verdict, Cause.TLSA, known.asked)
    # Records that cannot be used call for TLS all the same, with any certificate (section 2.2).
    must = _insisting(place, tls, known.asked)
    return (
        must if must is not None else _taken(place, tls, Outcome.TLS, "its TLSA records authenticate nobody")
    )


def _insisting(place: Place, tls: _Secured, asked: tuple[Cite, ...] = ()) -> Attempt | None:
    """A sender to which TLS is a must; None where there is TLS."""
    match tls.state:
        case _Tls.MISSING:
            return place.passed_over(Cause.NO_STARTTLS, tls.words, *tls.cites, *asked)
        case _Tls.FAILS:
            return place.passed_over(Cause.TLS_FAILS, tls.words, *tls.cites, *asked)
        case _Tls.OPEN:
            return place.unheard(tls.words, *tls.cites)
        case _:
            return None


def _authenticated(
    place: Place, tls: _Secured, verdict: PeerVerdict | None, cause: Cause, asked: tuple[Cite, ...] = ()
) -> Attempt:
    """A sender to which a certificate that it accepts is a must."""
    if (unmet := _insisting(place, tls, asked)) is not None:
        return unmet
    if verdict is None or verdict.accepts is None:
        why = verdict.undecided if verdict is not None else "its certificate was not seen"
        return place.unheard(why, *tls.cites)
    if not verdict.accepts:
        also = f", and {len(verdict.reasons) - 1} more" if len(verdict.reasons) > 1 else ""
        because = f"presents a certificate that {verdict.reasons[0]}{also}"
        return place.passed_over(cause, because, *tls.cites, *asked)
    # DANE authenticates the host; that it is the domain's, only signed MX records say (RFC 7672 section 2.2.1).
    if cause is Cause.TLSA and not place.signed_mx:
        unsigned = "the host is authenticated, the MX records that name it are not signed"
        return _taken(place, tls, Outcome.TLS, unsigned)
    proof = "a valid certificate" if cause is Cause.CERTIFICATE else "a TLSA record fits"
    return _taken(place, tls, Outcome.AUTHENTICATED, proof)


def _opportunistic(place: Place, tls: _Secured) -> Attempt:
    """TLS with any certificate, and clear text where there is none (RFC 3207 section 4.1, RFC 7672 section 2.2)."""
    if tls.state is _Tls.OPEN:
        return place.unheard(tls.words, *tls.cites)
    if tls.state is _Tls.WORKS:
        return _taken(place, tls, Outcome.TLS, "any certificate does")
    if tls.state is _Tls.MISSING:
        return _taken(place, tls, Outcome.CLEAR, "")
    if tls.named:
        return place.unheard(
            "whether TLS comes about depends on whether the sender names the host", *tls.cites
        )
    # The conversation ended with the handshake; a sender may begin one without (RFC 7672 section 2.2).
    attempt = place.attempt(
        Outcome.CLEAR, Cause.TLS_FAILS, f"{tls.words}, and is tried again without TLS", *tls.cites
    )
    return _sized(place, attempt)


def _taken(place: Place, tls: _Secured, outcome: Outcome, proof: str) -> Attempt:
    """The end of an attempt that came to MAIL and RCPT: what is said to them decides for everybody."""
    if (refused := _refused(place)) is not None:
        return refused
    words = f"({', '.join(filter(None, (tls.words, proof)))})"
    missing = tls.state is _Tls.MISSING
    attempt = place.attempt(
        outcome, Cause.NO_STARTTLS if missing else Cause.TAKEN, tls.words if missing else words, *tls.cites
    )
    return _sized(place, attempt)


def _sized(place: Place, attempt: Attempt) -> Attempt:
    """With what the host says of messages that it takes."""
    offer = place.offer
    if not isinstance(offer, InboundOffer):
        return attempt
    best = offer.tls or offer.clear
    size = next((word for word in best.keywords.get("SIZE", ()) if word.isascii() and word.isdigit()), "0")
    wanted = offer.tls is not None and offer.tls.offers("REQUIRETLS")
    return replace(attempt, size=int(size[:18]), requiretls=wanted, proven=place.proven)


def _refused(place: Place) -> Attempt | None:
    """Why the host does not take mail, or why that is not known; None where it does.

    That there is no postmaster says nothing of other mailboxes.
    """
    mail = place.mailbox
    if isinstance(mail, Unavailable):
        return place.unheard(mail.because, *mail.evidence)
    if not isinstance(mail, InboundMailbox) or mail.accepted:
        return None
    named = mail.named
    line = mail.look.line(mail.null.last)
    cites: tuple[Cite, ...] = (mail.look.cite(mail.null.last),)
    if named is None or named.reply is None or named.reply.kind == 4:
        return place.unheard(f'mail was refused once: "{line}"', *cites)
    if named.reply.positive:  # mail arrives; bounces do not
        return None
    if mail.second is not None:
        cites += (mail.second.cite(named.cited),)
    match _meant_for(mail.null), _meant_for(named):
        case _Refusal.EVERYBODY, _Refusal.EVERYBODY:
            return place.attempt(Outcome.BOUNCED, Cause.MAIL_REFUSED, f'refuses mail: "{line}"', *cites)
        case (_Refusal.SOMEBODY, _) | (_, _Refusal.SOMEBODY):
            return None
        case _:
            return place.unheard(f'mail was refused, perhaps because of us: "{line}"', *cites)


class _Refusal(enum.Enum):
    EVERYBODY, SOMEBODY, PERHAPS_US = range(3)


def _meant_for(exchange: SmtpExchange) -> _Refusal:
    """Whom a refusal is about: all mail for the domain, one mailbox, or it may be whoever asks (5.7.z)."""
    reply = exchange.reply
    if reply is not None and _RELAY.search(reply.text[:1000]) is not None:
        return _Refusal.EVERYBODY
    if reply is None or reply.enhanced.startswith("5.7."):
        return _Refusal.PERHAPS_US
    return _Refusal.EVERYBODY if exchange.verb == "MAIL" else _Refusal.SOMEBODY
