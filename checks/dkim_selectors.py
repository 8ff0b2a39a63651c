"""DKIM selectors: whether the domain can have keys at all, and what the search shows (RFC 6376 section 3.6.2)."""

from __future__ import annotations

from collections.abc import Iterator

from diag.api import (
    Below,
    Certainty,
    Configure,
    DkimKey,
    DkimKeyFound,
    DkimSelectors,
    DmarcAlignment,
    Ed25519Key,
    Finding,
    Many,
    Rfc,
    SendingDomain,
    Severity,
    Undecided,
    Verdict,
    check,
    rule,
)

from .dkim_mend import make_key


@rule("dkim/no-keys", Severity.ERROR, Rfc(6376, "3.6.2"), Rfc(8020, "2"), since="1.0")
class NoKeys(Finding):
    """The domain sends mail but has no DKIM key at all.

    ## Why it matters
    Its mail cannot be signed as its own. Gmail and Yahoo refuse bulk mail without a signature, and
    forwarded mail fails DMARC.

    ## How to fix
    Turn DKIM signing on at your mail provider or server, and publish the key it shows you.
    """

    message = "{subject} sends mail but can have no DKIM key: nothing exists below _domainkey.{subject}."


@check
def domain_that_sends_has_a_dkim_key(
    selectors: DkimSelectors, sending: SendingDomain, keys: Many[DkimKeyFound], alignment: DmarcAlignment
) -> Iterator[Verdict]:
    """A domain that sends mail has a DKIM key."""
    if any(found.usable for found in keys.values()):
        return
    if selectors.below is not Below.NONE:
        # Selectors cannot be listed: one that was not found proves nothing (RFC 6376 section 3.1).
        yield Undecided(
            f"none of the {len(selectors.tried)} selectors tried has a key, and selectors cannot be listed; "
            "name yours to have it judged",
            selectors.asked,
        )
        return
    if any(other.dkim for other in alignment.others):
        return  # signed as a name that aligns
    for other in alignment.others:
        if other.dkim is None:
            yield Undecided(f"whether keys exist below {other.name} could not be found out", alignment.asked)
            return
    yield NoKeys(
        subject=selectors.domain,
        evidence=selectors.asked,
        certainty=Certainty.CERTAIN if selectors.servers_agree else Certainty.LIKELY,
        fix=make_key(selectors.domain, "s1"),
    )


@rule("dkim/wildcard", Severity.WARNING, Rfc(4592), since="1.0")
class Wildcard(Finding):
    """Every DKIM selector seems to exist, because a wildcard answers for all names.

    ## Why it matters
    Nobody can tell from outside which selectors are real, and a mistyped selector gives verifiers
    something that is no key instead of a clear “there is none”.

    ## How to fix
    Remove the wildcard, or give `_domainkey` a record of its own, which keeps the wildcard from
    answering below it.
    """

    message = "Every name below _domainkey.{subject} exists: a wildcard answers {answer}."
    answer: str


@rule("dkim/wildcard-key", Severity.ERROR, Rfc(4592, "2.2.1"), Rfc(6376, "3.6.2"), since="1.0")
class WildcardKey(Finding):
    """One DKIM key answers for every selector.

    ## Why it matters
    Revoking or replacing one selector does not revoke the key: whoever has it signs under any other name, for as
    long as the wildcard stands.

    ## How to fix
    Publish the key at its selector only, and remove the wildcard.
    """

    message = "A wildcard publishes one key for every selector of {subject}."


@check
def dkim_selectors_exist_one_by_one(selectors: DkimSelectors) -> Iterator[Finding]:
    """DKIM selectors exist one by one, not by a wildcard."""
    if selectors.below is not Below.WILDCARD or _revokes_all(selectors):
        return
    domain = selectors.domain
    shield = Configure(
        domain, f'_domainkey.{domain}. 3600 IN TXT "selectors of {domain} live below this name"'
    )
    away = Configure(domain, f"remove *._domainkey.{domain}")
    if selectors.wildcard_is_key:
        yield WildcardKey(subject=domain, evidence=selectors.asked, fix=(away,))
    else:
        answer = "; ".join(selectors.wildcard)
        yield Wildcard(subject=domain, answer=answer, evidence=selectors.asked, fix=(shield, away))


def _revokes_all(selectors: DkimSelectors) -> bool:
    """Whether the wildcard says of every selector that it is void, as domains without mail are advised to do."""
    keys = [DkimKey.parse(text) for text in selectors.wildcard]
    return selectors.wildcard_is_key and all(key.is_revoked for key in keys)


@rule("dkim/ed25519-only", Severity.WARNING, Rfc(8463), since="1.0")
class Ed25519Only(Finding):
    """All DKIM keys found are Ed25519 keys, which many receivers cannot use.

    ## Why it matters
    Large receivers still ignore Ed25519 signatures. To them the mail is not signed.

    ## How to fix
    Sign twice: with an RSA key of 2048 bits under a second selector, too.
    """

    message = "All DKIM keys found for {subject} ({keys}) are Ed25519 keys; many receivers ignore those."
    keys: str


@check
def dkim_keys_suit_every_receiver(selectors: DkimSelectors, keys: Many[DkimKeyFound]) -> Iterator[Verdict]:
    """Some DKIM key is an RSA key, which every receiver can use."""
    usable = [found for found in keys.values() if found.usable]
    if not usable or any(found.key and not isinstance(found.key.key, Ed25519Key) for found in usable):
        return
    for subject, unknown in keys.unknown():
        yield Undecided(unknown.because, unknown.evidence, subject)
        return
    yield Ed25519Only(
        subject=selectors.domain,
        keys=", ".join(found.selector.name for found in usable),
        evidence=tuple(cite for found in usable for cite in found.asked),
        certainty=Certainty.LIKELY,  # an RSA key may stand at a selector nobody guesses
        fix=make_key(selectors.domain, "rsa1"),
    )
