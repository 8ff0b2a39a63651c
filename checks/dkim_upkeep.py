"""DKIM keys: what verifiers accept, and what is unusual, left over or harder to keep than need be."""

from __future__ import annotations

from collections.abc import Iterator

from diag.api import (
    Configure,
    DkimKeyFound,
    DkimLegacyPolicy,
    Finding,
    Fix,
    KeyProblem,
    Many,
    Rfc,
    Severity,
    Withdraw,
    check,
    rule,
)

from .dkim_mend import instead, new_key
from .txt import as_written

USUAL_EXPONENT = 65537


@rule("dkim/exponent", Severity.INFO, Rfc(6376, "3.3.2"), since="1.0")
class Exponent(Finding):
    """A DKIM key has an unusual public exponent.

    ## Why it matters
    Any odd exponent works. Signers make 65537; another one comes from an old or home-made generator, and
    some verifiers refuse very small ones.

    ## How to fix
    Nothing at once. The next key comes with 65537 from any common signer.
    """

    message = "The RSA key at {subject} has the exponent {exponent} instead of 65537."
    exponent: str


@check
def dkim_key_has_the_usual_exponent(found: DkimKeyFound) -> Iterator[Finding]:
    """An RSA key has the exponent 65537."""
    exponent = found.key.exponent if found.key is not None else None
    if exponent is None or exponent == USUAL_EXPONENT or (found.key and found.key.has(KeyProblem.EXPONENT)):
        return
    shown = str(exponent) if exponent < 2**64 else f"of {exponent.bit_length()} bits"
    yield Exponent(subject=found.name, exponent=shown, evidence=found.asked, fix=new_key(found))


@rule("dkim/strict-identity", Severity.INFO, Rfc(6376, "3.6.1"), since="1.0")
class StrictIdentity(Finding):
    """A DKIM key may only sign for the domain itself, not for its subdomains.

    ## Why it matters
    With `t=s` a signature whose `i=` names a subdomain fails. Few signers write such an `i=`; whoever
    begins to send as a subdomain meets it.

    ## How to fix
    Nothing, if all mail signed with this key comes from the domain itself. Else remove `s` from `t=`.
    """

    message = "The key at {subject} is for the domain itself only (t=s)."


@check
def dkim_key_may_sign_for_subdomains(found: DkimKeyFound) -> Iterator[Finding]:
    """A DKIM key may sign for subdomains."""
    if found.in_use is not None and found.in_use.is_strict:
        yield StrictIdentity(subject=found.name, evidence=found.asked)


@rule("dkim/granularity-left", Severity.NOTICE, Rfc(4871, "3.6.1"), Rfc(6376), since="1.0")
class GranularityLeft(Finding):
    """A DKIM key record holds the tag `g=`, which was removed from the standard.

    ## Why it matters
    Verifiers of today pass over it; very old ones let the key sign only for the mailboxes it names. The
    same message then passes here and fails there.

    ## How to fix
    Remove `g=`.
    """

    message = "The key record at {subject} holds g={value}, which only old verifiers heed."
    value: str


@rule("dkim/granularity-matches-nobody", Severity.WARNING, Rfc(4871, "3.6.1"), Rfc(6376), since="1.0")
class GranularityMatchesNobody(Finding):
    """An empty tag `g=` makes old verifiers refuse every signature of a DKIM key.

    ## Why it matters
    The tag was removed from the standard. To a verifier that still heeds it, an empty one matches no
    mailbox at all, so that your mail counts as not signed.

    ## How to fix
    Remove `g=`.
    """

    message = "The key record at {subject} holds an empty g=: to old verifiers no signature is valid."


@check
def dkim_key_is_for_every_mailbox(found: DkimKeyFound) -> Iterator[Finding]:
    """A DKIM key is for every mailbox of the domain."""
    key = found.in_use
    if key is None or key.granularity in (None, "*"):  # the default of RFC 4871, and so no restriction
        return
    fix = instead(found, key.tags.rewritten("g", None))
    if key.granularity:
        value = key.granularity
        yield GranularityLeft(subject=found.name, value=value, evidence=found.asked, fix=fix)
    else:
        yield GranularityMatchesNobody(subject=found.name, evidence=found.asked, fix=fix)


@rule("dkim/key-reused", Severity.NOTICE, Rfc(5863), since="1.0")
class KeyReused(Finding):
    """The same DKIM key is published at two selectors.

    ## Why it matters
    A new selector is there for a new key. Whoever got hold of the old one signs on with it, and revoking
    one selector does not revoke the key.

    ## How to fix
    Make a new key for the newer selector, sign with it, and revoke the other.
    """

    message = "{subject} and {other} publish the same key."
    other: str


@check
def dkim_selectors_have_keys_of_their_own(keys: Many[DkimKeyFound]) -> Iterator[Finding]:
    """Every DKIM selector has a key of its own."""
    # What lies behind an alias is rolled over by whoever runs the target, often by exchanging just that.
    own = [found for found in keys.values() if found.usable and not found.aliases]
    first: dict[object, DkimKeyFound] = {}
    for found in own:
        assert found.key is not None
        earlier = first.setdefault(found.key.key, found)
        if earlier is not found:
            yield KeyReused(
                subject=earlier.name,
                other=found.name,
                evidence=earlier.asked + found.asked,
                fix=new_key(found),
            )


@rule("dkim/legacy-policy", Severity.INFO, Rfc(5617), Rfc(4870), since="1.0")
class LegacyPolicy(Finding):
    """A policy of DomainKeys or ADSP is still published.

    ## Why it matters
    Nobody asks for it any more; DMARC took its place. Whoever reads the zone may think that it protects
    the domain.

    ## How to fix
    Remove the record.
    """

    message = "{subject} still holds a policy of the past ({record})."
    record: str


@check
def policies_of_the_past_are_gone(legacy: DkimLegacyPolicy) -> Iterator[Finding]:
    """No policy of DomainKeys or ADSP is left."""
    for name, owner, text in legacy.records:
        away: Fix = Withdraw(name, "TXT", as_written(text))
        if owner != name:
            away = Configure(name, f"remove {name}, an alias of {owner}")
        yield LegacyPolicy(subject=name, record=text, evidence=legacy.asked, fix=(away,))
