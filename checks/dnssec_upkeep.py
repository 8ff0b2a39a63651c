"""The upkeep of a signed zone: algorithms, digests, keys and hashes that no longer count."""

from __future__ import annotations

from collections.abc import Iterator

from diag.api import (
    RETIRED_ALGORITHMS,
    RETIRED_DIGESTS,
    Configure,
    Finding,
    KeySeen,
    Publish,
    Rfc,
    Severity,
    ZoneSignatures,
    ZoneTrust,
    algorithm_name,
    check,
    digest_name,
    rule,
)

_POLICY = (
    "// first a policy with the algorithm and key lengths of now, until rndc dnssec -status says omnipresent; then\n"
    "// this one; the DS record is replaced when BIND asks for it, and the old one goes last\n"
    "dnssec-policy default;\ninline-signing yes;"
)


@rule(
    "dnssec/algorithm-retired", Severity.WARNING, Rfc(9904, "3"), Rfc(9905, "2"), Rfc(9906, "2"), since="1.0"
)
class AlgorithmRetired(Finding):
    """The zone is signed by an algorithm that has been retired.

    ## Why it matters
    Whoever runs a validator is to take the zone for unsigned, and some do: DANE and all else that needs signatures is
    lost there.

    ## How to fix
    Move to ECDSA P-256 (algorithm 13). Signers do it step by step; changing keys by hand breaks the chain.
    """

    message = "{subject} is signed with {algorithm}, which has been retired."
    algorithm: str


@check
def algorithms_are_current(trust: ZoneTrust) -> Iterator[Finding]:
    """The keys to which DS records lead use algorithms that still count."""
    linked = {each.algorithm for each in trust.ds if each.key is not None}
    for number in sorted(linked & RETIRED_ALGORITHMS):
        yield AlgorithmRetired(
            subject=trust.zone,
            algorithm=algorithm_name(number),
            evidence=trust.asked,
            fix=(Configure(f"the zone {trust.zone}", _POLICY, "BIND"),),
        )


@rule("dnssec/digest-retired", Severity.WARNING, Rfc(9904, "4"), Rfc(9905, "5"), since="1.0")
class DigestRetired(Finding):
    """The only DS records of a key use a digest that has been retired.

    ## Why it matters
    Some validators no longer heed it and take the zone for unsigned.

    ## How to fix
    Have a DS record with SHA-256 entered at the registrar, and the old one removed.
    """

    message = "The DS record of {subject} for key {tag} uses only {digest}, which has been retired."
    tag: int
    digest: str


@check
def digests_are_current(trust: ZoneTrust) -> Iterator[Finding]:
    """Each key at the parent has a DS record whose digest still counts."""
    for position, key in enumerate(trust.keys):
        digests = {each.digest_type for each in trust.ds if each.key == position}
        if digests and digests <= RETIRED_DIGESTS:
            yield DigestRetired(
                subject=trust.zone,
                tag=key.key_tag,
                digest=" and ".join(map(digest_name, sorted(digests))),
                evidence=trust.asked,
                fix=(Publish(trust.zone, "DS", key.ds),),
            )


@rule("dnssec/key-small", Severity.NOTICE, Rfc(6781, "3.4.2"), since="1.0")
class KeySmall(Finding):
    """A signing key is an RSA key of fewer than 2048 bits.

    ## Why it matters
    Keys of that length may be broken within the years to come by those who can afford it. RFC 6781 held 1024 bits to be
    enough for ten years: that was in 2012.

    ## How to fix
    Move to ECDSA P-256 (algorithm 13), whose signatures are smaller, too; or to RSA with 2048 bits.
    """

    message = "{subject} is signed by RSA keys of fewer than 2048 bits: {which}."
    which: str


@rule("dnssec/key-breakable", Severity.ERROR, Rfc(6781, "3.4.2"), since="1.0")
class KeyBreakable(Finding):
    """A signing key is an RSA key that can be broken with rented computers.

    ## Why it matters
    Whoever breaks it can sign whatever he likes in your name: mail hosts, keys and policies of his own.

    ## How to fix
    Move to ECDSA P-256 (algorithm 13) now.
    """

    message = "{subject} is signed by RSA keys of fewer than 1024 bits: {which}."
    which: str


@check
def keys_are_long_enough(trust: ZoneTrust) -> Iterator[Finding]:
    """RSA keys have 2048 bits or more."""
    if not trust.trusted:
        return
    policy = (Configure(f"the zone {trust.zone}", _POLICY, "BIND"),)
    if short := [key for key in trust.keys if 0 < key.bits < 1024]:
        yield KeyBreakable(subject=trust.zone, which=_listed(short), evidence=trust.asked, fix=policy)
    elif small := [key for key in trust.keys if 0 < key.bits < 2048]:
        yield KeySmall(subject=trust.zone, which=_listed(small), evidence=trust.asked, fix=policy)


def _listed(keys: list[KeySeen]) -> str:
    return ", ".join(f"key {key.key_tag} ({key.bits} bits)" for key in keys)


@rule("dnssec/nsec3-cost", Severity.NOTICE, Rfc(9276, "3.1"), Rfc(9276, "3.2"), since="1.0")
class Nsec3Cost(Finding):
    """The zone hashes names more than once, or with salt.

    ## Why it matters
    More hashing costs every resolver that asks, and validators are free to disregard or refuse such answers; salt
    protects nothing.

    ## How to fix
    Set iterations to 0 and the salt to none, or use NSEC.
    """

    message = "{subject} hashes names with {iterations} additional iterations and {salt}."
    iterations: int
    salt: str


@rule("dnssec/nsec3-disregarded", Severity.WARNING, Rfc(9276, "3.2"), since="1.0")
class Nsec3Disregarded(Finding):
    """The zone hashes names so often that validators take what it denies for unsigned.

    ## Why it matters
    DANE is lost where a record is missing, and some validators refuse such answers altogether.

    ## How to fix
    Set iterations to 0 and the salt to none, or use NSEC.
    """

    message = "{subject} hashes names with {iterations} additional iterations: validators do not follow."
    iterations: int


@check
def hashing_is_cheap(signed: ZoneSignatures) -> Iterator[Finding]:
    """Names are hashed once and without salt, or not at all."""
    set_to = Configure(f"the zone {signed.zone}", "nsec3param iterations 0 optout no salt-length 0;", "BIND")
    if signed.iterations > 50:
        yield Nsec3Disregarded(
            subject=signed.zone, iterations=signed.iterations, evidence=signed.asked, fix=(set_to,)
        )
    elif signed.iterations or signed.salt:
        yield Nsec3Cost(
            subject=signed.zone,
            iterations=signed.iterations,
            salt=f"the salt {signed.salt}" if signed.salt else "no salt",
            evidence=signed.asked,
            fix=(set_to,),
        )
