"""DNSSEC: whether the zone is signed, and whether its signatures hold (RFC 4035)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta

from diag.api import (
    Absent,
    Certainty,
    Configure,
    Finding,
    Fix,
    OurClock,
    Publish,
    Replace,
    Rfc,
    RunMoment,
    ServerSignatures,
    Severity,
    SignedSet,
    Unavailable,
    Undecided,
    Verdict,
    Withdraw,
    Word,
    ZoneSignatures,
    ZoneTrust,
    check,
    clock_doubt,
    rule,
    why,
)

_SIGN = "dnssec-policy default;\ninline-signing yes;"
_EARLY = timedelta(minutes=5)
"""Clocks differ."""


@rule("dnssec/unsigned", Severity.NOTICE, Rfc(9364, "1.1"), since="1.0")
class Unsigned(Finding):
    """The domain is not signed, though its parent zone is.

    ## Why it matters
    Whoever can forge DNS answers, near a sender or on the way, can send your mail elsewhere. DANE, which
    would keep him from it, needs signed zones.

    ## How to fix
    Switch signing on with whoever runs your name servers, and have the DS record that they give you entered
    at the registrar. Most providers do both at the press of a button.
    """

    message = "{subject} is not signed: it has neither keys nor a DS record at its parent."


@rule("dnssec/island", Severity.NOTICE, Rfc(4035, "5"), Rfc(8078), since="1.0")
class Island(Finding):
    """The zone is signed, but its parent has no DS record, so nobody can trust the signatures.

    ## Why it matters
    To everybody else the zone counts as unsigned: the work is done and the protection is missing.

    ## How to fix
    Have the DS record entered at the registrar.
    """

    message = "{subject} is signed, and its parent has no DS record that says so: it counts as unsigned."


@check
def zone_is_signed_and_its_parent_says_so(trust: ZoneTrust) -> Iterator[Verdict]:
    """The zone is signed, and its parent says so."""
    if trust.ds or (trust.vouched and not trust.keys):
        return
    if trust.on_its_way:
        told = f"{trust.on_its_way} has a DS record of {trust.zone}, and our resolver does not know of it yet"
        yield Undecided(told, trust.asked)
    elif trust.keys:
        yield Island(subject=trust.zone, evidence=trust.asked, fix=_bridge(trust))
    elif trust.parent_signed:  # below an unsigned parent there is nothing that the domain could do
        sign = Configure(f"the name servers of {trust.zone}", _SIGN, "BIND")
        yield Unsigned(subject=trust.zone, evidence=trust.asked, fix=(sign,))
    elif not trust.validating:
        yield Undecided("our resolver does not validate, and shows no signatures of the parent", trust.asked)


def _bridge(trust: ZoneTrust) -> tuple[Fix, ...]:
    """The DS record of the entry point, once the keys are signed by it: before, it would cut the domain off."""
    if trust.island is not None and trust.island.failing:
        return (_sign_anew(trust.zone, "before a DS record is entered: signatures do not hold"),)
    entry = [key for key in trust.keys if key.entry] or list(trust.keys)
    return (Publish(trust.zone, "DS", entry[0].ds),)


@rule("dnssec/ds-matches-no-key", Severity.CRITICAL, Rfc(4035, "5.2"), since="1.0")
class DsMatchesNoKey(Finding):
    """The DS record at the parent fits none of the zone's keys.

    ## Why it matters
    To everybody who validates, the whole domain has disappeared: its mail is not delivered, and mail from
    it is put off or refused. This mostly follows a move to other name servers.

    ## How to fix
    Have the registrar replace the DS record by the one of the present key, or remove it until the zone is
    signed. The old one is remembered for as long as its TTL says.
    """

    message = "No DS record of {subject} fits its keys: the parent names {named}, the zone has {present}."
    named: str
    present: str


@rule("dnssec/ds-orphaned", Severity.INFO, Rfc(6840, "5.11"), since="1.0")
class DsOrphaned(Finding):
    """One of the DS records at the parent fits no key of the zone; another does.

    ## Why it matters
    It does no harm as long as the zone has a key of the same algorithm; without one the zone breaks the standard, and
    strict validators may refuse it. It may belong to the next key, published in advance, or have been left over.

    ## How to fix
    Have it removed at the registrar, unless it belongs to your next key.
    """

    message = "A DS record of {subject} fits no key: key {tag}."
    tag: int


@check
def ds_records_fit_keys(trust: ZoneTrust) -> Iterator[Verdict]:
    """Every DS record at the parent fits a key of the zone."""
    if (
        trust.severed and trust.vouched
    ):  # what we were given is of different times: an old DS record, new keys
        doubt = (
            f"our resolver vouches for the keys of {trust.zone}, and no DS record that it gives us fits one"
        )
        yield Undecided(doubt, trust.asked)
        return
    if trust.severed:
        yield DsMatchesNoKey(
            subject=trust.zone,
            named=_tags(each.key_tag for each in trust.supported),
            present=_tags(key.key_tag for key in trust.keys) if trust.keys else "no keys at all",
            evidence=trust.asked,
            fix=_ds_of_today(trust),
        )
        return
    for tag in dict.fromkeys(each.key_tag for each in trust.supported if each.key is None):
        gone = tuple(each for each in trust.supported if each.key is None and each.key_tag == tag)
        yield DsOrphaned(
            subject=trust.zone,
            tag=tag,
            evidence=trust.asked,
            # No record to withdraw at once: without the DS record of the next key, its first day is the domain's last.
            fix=tuple(
                Configure("the registrar", f"unless its key is to come: remove {trust.zone}. DS {each.text}")
                for each in gone
            ),
        )


def _ds_of_today(trust: ZoneTrust) -> tuple[Fix, ...]:
    """The DS record of the entry point in place of all that stand there; none at all where there is no key."""
    entry = [key for key in trust.keys if key.entry] or list(trust.keys)
    return (Replace(trust.zone, "DS", entry[0].ds),) if entry else (Withdraw(trust.zone, "DS"),)


def _tags(tags: Iterable[int]) -> str:
    found = list(dict.fromkeys(tags))
    return f"key{'s' if len(found) > 1 else ''} {', '.join(map(str, found))}"


@rule("dnssec/bogus", Severity.CRITICAL, Rfc(4035, "5.3"), Rfc(4035, "5.5"), since="1.0")
class Bogus(Finding):
    """Signatures of the domain do not hold: validating resolvers refuse its records.

    ## Why it matters
    To everybody who validates, the large mailbox providers among them, these records have disappeared. Where
    they name the mail hosts, mail is not delivered; where they are policies, mail from the domain is put
    off or refused.

    ## How to fix
    Sign the zone anew with the keys that its DS record names, and see why that does not happen by itself: a
    signer that has stopped, a key that was taken away too early, records changed after signing. Where it
    takes long, have the DS record removed at the registrar: an unsigned zone works.
    """

    message = "Validating resolvers refuse {which}: {reason}."
    which: str
    reason: str


@check
def signatures_hold(
    trust: ZoneTrust, signed: ZoneSignatures, clock: OurClock | Absent | Unavailable, moment: RunMoment
) -> Iterator[Verdict]:
    """The signatures over the records that mail needs hold."""
    for reason, sets in _by_reason(signed.bogus):
        refused = any(each.word is Word.REFUSES for each in sets)
        if sets[0].by_time and (doubt := _doubt(clock, moment)) and not (moment.chosen and refused):
            yield Undecided(f"of {_named(sets)} {reason}; {doubt}", sets[0].asked, sets[0].name)
            continue
        yield Bogus(
            subject=sets[0].name,
            which="everything in the zone" if sets[0].rdtype == "DNSKEY" else _named(sets),
            reason=reason,
            certainty=Certainty.CERTAIN if refused else Certainty.LIKELY,
            evidence=tuple(dict.fromkeys(cite for each in sets for cite in each.asked)),
            fix=(_sign_anew(trust.zone, "sign the zone anew, with the keys that the DS records name"),),
        )
    for each in signed.sets:
        if each.failing and not each.bogus and each.early is None and each.word is Word.VOUCHES:
            doubt = f"our resolver vouches for {each.label}, and of what it gives us {why(each)}"
            yield Undecided(doubt, each.asked, each.name)


def _doubt(clock: OurClock | Absent | Unavailable, moment: RunMoment) -> str:
    """Why nothing can be judged by the time, the end of a sentence; empty where it can.

    Unlike certificates, which a renewal may miss, signatures are made anew all the time.
    """
    return "at the moment chosen, there are others" if moment.chosen else clock_doubt(clock)


def _by_reason(sets: Iterable[SignedSet]) -> Iterator[tuple[str, list[SignedSet]]]:
    reasons: dict[str, list[SignedSet]] = {}
    for each in sets:
        reasons.setdefault(why(each), []).append(each)
    yield from reasons.items()


def _named(sets: Sequence[SignedSet]) -> str:
    """`MX a.example, TXT a.example and 7 others`; the keys' own come first."""
    shown = ", ".join(each.label for each in sets[:3])
    return f"{shown} and {len(sets) - 3} others" if len(sets) > 4 else ", ".join(each.label for each in sets)


def _sign_anew(zone: str, how: str) -> Configure:
    return Configure(f"the signer of {zone}", f"rndc sign {zone}\n# {how}", "BIND")


@rule("dnssec/bogus-at-one-server", Severity.ERROR, Rfc(4035, "5.5"), since="1.0")
class BogusAtOneServer(Finding):
    """Signatures from one of the name servers do not hold; those from another do.

    ## Why it matters
    Whether a receiver can validate the domain depends on the server it happens to ask. Mail fails now and
    then, and nobody can say why.

    ## How to fix
    See why the zone no longer reaches that server: a transfer that is refused, a copy that has been
    forgotten.
    """

    message = "{subject} gives signatures that do not hold, unlike {others}: {which}, {reason}."
    others: str
    which: str
    reason: str


@check
def signatures_hold_at_every_server(
    trust: ZoneTrust, signed: ServerSignatures, clock: OurClock | Absent | Unavailable, moment: RunMoment
) -> Iterator[Verdict]:
    """Signatures hold at every name server."""
    sound = [each.server for each in signed.servers if each.sets and not each.bogus]
    for each in signed.servers if sound else ():
        if each.bogus and each.bogus[0].by_time and (doubt := _doubt(clock, moment)):
            yield Undecided(
                f"of {_named(each.bogus)} {why(each.bogus[0])}; {doubt}", each.bogus[0].asked, each.server
            )
        elif each.bogus:
            yield BogusAtOneServer(
                subject=each.server,
                others=" and ".join(sound[:2]),
                which=_named(each.bogus),
                reason=why(each.bogus[0]),
                certainty=Certainty.CERTAIN if signed.waited else Certainty.LIKELY,
                evidence=tuple(cite for failing in each.bogus for cite in failing.asked),
                fix=(Configure(each.server, f"rndc retransfer {trust.zone}", "BIND"),),
            )


@rule("dnssec/denial-broken", Severity.ERROR, Rfc(4035, "5.4"), Rfc(7672, "2.1"), since="1.0")
class DenialBroken(Finding):
    """The proof that a record does not exist does not hold.

    ## Why it matters
    Validating resolvers answer with a failure where the honest answer is "there is none". Senders that
    honour DANE ask for TLSA records of every signed host, and do not deliver where that fails.

    ## How to fix
    Have the zone signed anew as a whole, so that its NSEC or NSEC3 records are made afresh; a name server
    that makes up answers must sign those too.
    """

    message = "That {which} does not exist is not proved: {reason}."
    which: str
    reason: str


@check
def denials_are_proved(trust: ZoneTrust, signed: ZoneSignatures) -> Iterator[Finding]:
    """What does not exist is proved not to."""
    broken = [each for each in signed.denials if each.broken]
    if broken and not signed.bogus:
        yield DenialBroken(
            subject=trust.zone,
            which=" and ".join(f"{each.rdtype} {each.name}" for each in broken[:3]),
            reason=broken[0].trouble,
            certainty=Certainty.CERTAIN if broken[0].word is Word.REFUSES else Certainty.LIKELY,
            evidence=tuple(dict.fromkeys(cite for each in broken for cite in each.asked)),
            fix=(_sign_anew(trust.zone, "make its NSEC or NSEC3 records afresh"),),
        )


@rule("dnssec/signature-not-yet-valid", Severity.ERROR, Rfc(4035, "5.3.1"), since="1.0")
class SignatureNotYetValid(Finding):
    """A signature counts only from some time in the future on.

    ## Why it matters
    Some validators grant clocks a few hours and others nothing: to those the records do not exist yet.

    ## How to fix
    Set the clock of the signer right, and sign the zone anew. Signers usually date signatures back by an hour.
    """

    message = "The signature over {which} counts only from {since_when} on."
    which: str
    since_when: str


@check
def signatures_have_begun(
    signed: ZoneSignatures, clock: OurClock | Absent | Unavailable, moment: RunMoment
) -> Iterator[Verdict]:
    """Signatures count from now on, or earlier."""
    early = [(each, first) for each in signed.sets if not each.bogus and (first := each.early) is not None]
    late = [(each, first) for each, first in early if first.inception > signed.at + _EARLY]
    if late and (doubt := _doubt(clock, moment)):
        began = f"the signature over {_named([each for each, _ in late])} is not valid yet"
        yield Undecided(f"{began}; {doubt}", late[0][0].asked)
    elif late:
        yield SignatureNotYetValid(
            subject=signed.zone,
            which=_named([each for each, _ in late]),
            since_when=f"{max(first.inception for _, first in late):%Y-%m-%d, %H:%M} UTC",
            evidence=late[0][0].asked,
            fix=(_sign_anew(signed.zone, "once its clock is right"),),
        )


@rule("dnssec/signature-expiring", Severity.WARNING, Rfc(6781, "4.4.2"), since="1.0")
class SignatureExpiring(Finding):
    """Signatures end within three days, and were made to last for more than a week.

    ## Why it matters
    Signers renew signatures long before they end. That these were not renewed mostly means that the signer
    has stopped: when they end, the domain disappears for everybody who validates.

    ## How to fix
    See whether the signer runs, and sign the zone anew.
    """

    message = "The signature over {which} ends on {end}."
    which: str
    end: str


@rule("dnssec/signature-outlived-by-ttl", Severity.ERROR, Rfc(6781, "4.4.1"), since="1.0")
class SignatureOutlivedByTtl(Finding):
    """Signatures end within the time to live of the records that they cover.

    ## Why it matters
    Unless the zone is signed anew, the domain disappears within that time for everybody who validates.

    ## How to fix
    See why the signer has stopped, and sign the zone anew at once.
    """

    message = "The signature over {which} ends on {end}, before the TTL of {ttl} seconds is over."
    which: str
    end: str
    ttl: int


@check
def signatures_last(
    signed: ZoneSignatures, clock: OurClock | Absent | Unavailable, moment: RunMoment
) -> Iterator[Verdict]:
    """Signatures are renewed before they end."""
    ending = sorted(
        ((good, each) for each in signed.sets if (good := each.good) is not None),
        key=lambda pair: pair[0].expiration,
    )
    for good, first in ending[:1]:
        left, whole = good.expiration - signed.at, good.expiration - good.inception
        same = [each for made, each in ending if made.expiration == good.expiration]
        which, end = _named(same), f"{good.expiration:%Y-%m-%d at %H:%M} UTC"
        fix = (_sign_anew(signed.zone, "and see why its signatures were not renewed"),)
        # Who signs with every answer makes short ones, which have always some of their life left.
        outlived = left < timedelta(seconds=good.ttl) and left < whole / 4
        expiring = left < timedelta(days=3) and whole > timedelta(days=7)
        if (outlived or expiring) and (doubt := _doubt(clock, moment)):
            yield Undecided(f"the signature over {which} ends on {end}; {doubt}", first.asked)
        elif outlived:
            yield SignatureOutlivedByTtl(
                subject=signed.zone, which=which, end=end, ttl=good.ttl, evidence=first.asked, fix=fix
            )
        elif expiring:
            yield SignatureExpiring(subject=signed.zone, which=which, end=end, evidence=first.asked, fix=fix)
