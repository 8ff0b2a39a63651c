"""DKIM keys: whether a verifier gets a key from each record found, and how good it is (RFC 6376 section 3.6.1)."""

from __future__ import annotations

from collections.abc import Iterator

from diag.api import (
    LONGEST_RSA,
    RECOMMENDED_RSA,
    SHORTEST_RSA,
    SYNTAX,
    UNREADABLE,
    DkimKey,
    DkimKeyFound,
    Document as Doc,
    Finding,
    KeyDefect,
    KeyProblem,
    Many,
    Rfc,
    RsaKey,
    Severity,
    Withdraw,
    check,
    known_key_words,
    rule,
    shared_factor,
)

from .dkim_mend import instead, mend, new_key, revoke, withdraw
from .txt import as_written

PANEL_LIMIT = (255, 256)
"""Where DNS panels cut a record that they take for one string (RFC 1035 section 3.3)."""

_WORDS = {
    KeyProblem.MALFORMED: "“{}” is no tag=value",
    KeyProblem.TAG_TWICE: "the tag {} stands in it twice",
    KeyProblem.VERSION_NOT_FIRST: "v= is not its first tag",
    KeyProblem.VERSION_UNKNOWN: "its version “{}” is not exactly DKIM1",
    KeyProblem.KEY_MISSING: "it has no p=",
    KeyProblem.KEY_NOT_BASE64: "its p= is no base64",
    KeyProblem.KEY_NOT_DER: "its p= holds no key ({})",
    KeyProblem.KEY_OF_OTHER_TYPE: "its p= holds a key of another type than k= says ({})",
    KeyProblem.HASH_UNKNOWN: "it allows only the hash “{}”, which nobody signs with",
}


@rule("dkim/syntax", Severity.ERROR, Rfc(6376, "3.6.1"), Rfc(6376, "6.1.2"), since="1.0")
class Syntax(Finding):
    """A DKIM key record breaks the form that verifiers expect.

    ## Why it matters
    Verifiers must ignore such a record; some lenient ones read it all the same. Mail signed with this key then
    counts as not signed.

    ## How to fix
    Publish the record as `v=DKIM1; k=rsa; p=…`: `v=DKIM1` first and in capitals, every tag once, tags
    separated by semicolons.
    """

    message = "The key record at {subject} is malformed: {what}."
    what: str


@check
def dkim_key_record_is_well_formed(found: DkimKeyFound) -> Iterator[Finding]:
    """A DKIM key record is well formed."""
    if found.key is not None and found.key.has(*SYNTAX):
        yield Syntax(subject=found.name, what=_what(found.key, SYNTAX), evidence=found.asked, fix=mend(found))


@rule("dkim/multiple-records", Severity.ERROR, Rfc(6376, "3.6.2.2"), since="1.0")
class MultipleRecords(Finding):
    """More than one key is published at one selector.

    ## Why it matters
    Which one a verifier takes is not defined, and may change from one look-up to the next: signatures
    fail now and then, for no visible reason.

    ## How to fix
    Leave the key that your server signs with, remove the others. Two keys in use need two selectors.
    """

    message = "{subject} holds {count} key records; verifiers expect exactly one."
    count: int


@check
def dkim_selector_holds_one_key(found: DkimKeyFound) -> Iterator[Finding]:
    """A selector holds one key record."""
    if len(found.keys) < 2:
        return
    good = [key for key in found.keys if key.key is not None and not key.defects]
    # Which key signs is not ours to know, unless only one can, or all are the same key.
    obvious = bool(good) and not found.aliases and all(key.key == good[0].key for key in good)
    spare = [key for key in found.keys if key is not good[0]] if obvious else []
    away = tuple(Withdraw(found.name, "TXT", as_written(key.text)) for key in spare)
    yield MultipleRecords(
        subject=found.name, count=len(found.keys), evidence=found.asked, fix=away or new_key(found)
    )


@rule("dkim/text-beside-key", Severity.NOTICE, Rfc(6376, "3.6.2.2"), since="1.0")
class TextBesideKey(Finding):
    """Beside a DKIM key stands a text that is none.

    ## Why it matters
    Verifiers may take any TXT record of a selector, and only one may be there. Most look for the key,
    some take the first record that comes and find nothing in it: signatures fail now and then.

    ## How to fix
    Remove the text; a remark belongs into the tag `n=` of the key.
    """

    message = "{subject} holds a key and beside it “{other}”, which is none."
    other: str


@check
def dkim_selector_holds_nothing_else(found: DkimKeyFound) -> Iterator[Finding]:
    """A selector holds nothing but its key."""
    if found.key is None:
        return
    others = [text for text in found.texts if text != found.key.text]
    if others:
        away = tuple(Withdraw(found.name, "TXT", as_written(text)) for text in others)
        fix = () if found.aliases else away
        yield TextBesideKey(subject=found.name, other=others[0], evidence=found.asked, fix=fix)


@rule("dkim/key-unusable", Severity.ERROR, Rfc(6376, "3.6.1"), Rfc(8463, "4"), since="1.0")
class KeyUnusable(Finding):
    """A DKIM key record holds no key that a verifier can use.

    ## Why it matters
    Every signature made with this selector fails. Without another signature the mail counts as not
    signed, and Gmail and Yahoo refuse unsigned bulk mail.

    ## How to fix
    Copy the public key again, whole, without the lines that begin with `-----`. Often the DNS panel cut
    it at 255 characters: split it into several quoted strings of one record.
    """

    message = "The record at {subject} gives verifiers no key: {what}."
    what: str


@check
def dkim_key_can_be_read(found: DkimKeyFound) -> Iterator[Finding]:
    """A DKIM key record holds a key that verifiers can use."""
    useless = (UNREADABLE - {KeyProblem.PRIVATE_KEY}) | {KeyProblem.HASH_UNKNOWN}
    key = found.in_use
    if key is not None and key.has(*useless) and not key.has(KeyProblem.PRIVATE_KEY):
        what = _what(key, useless)
        if len(key.text) in PANEL_LIMIT:
            what += ", and the record ends where DNS panels cut it off"
        yield KeyUnusable(subject=found.name, what=what, evidence=found.asked, fix=mend(found))


@rule("dkim/key-type-unknown", Severity.ERROR, Rfc(6376, "3.6.1"), Rfc(8463, "3"), since="1.0")
class KeyTypeUnknown(Finding):
    """A DKIM key is of a type that verifiers do not know.

    ## Why it matters
    Verifiers know `rsa` and `ed25519`. They ignore any other, and mail signed with it counts as not signed.

    ## How to fix
    Write `k=rsa` or `k=ed25519`, in lower case, as fits the key; or make a new one.
    """

    message = "The key at {subject} says k={key_type}, a type no verifier knows."
    key_type: str


@check
def dkim_key_type_is_known(found: DkimKeyFound) -> Iterator[Finding]:
    """The type of a DKIM key is known to verifiers."""
    if found.key is not None and found.key.has(KeyProblem.KEY_TYPE_UNKNOWN):
        yield KeyTypeUnknown(
            subject=found.name, key_type=found.key.key_type, evidence=found.asked, fix=mend(found)
        )


@rule(
    "dkim/key-compromised",
    Severity.CRITICAL,
    Rfc(6376, "8.3"),
    Rfc(6376, "3.6.1"),
    Doc("CVE-2017-15361 (ROCA)", "https://nvd.nist.gov/vuln/detail/CVE-2017-15361"),
    Doc("CVE-2008-0166 (Debian)", "https://nvd.nist.gov/vuln/detail/CVE-2008-0166"),
    since="1.0",
)
class KeyCompromised(Finding):
    """Strangers can sign as this domain: the key is known, or can be computed.

    ## Why it matters
    Whoever has the key sends mail that passes DKIM and DMARC as yours. No receiver can tell it apart.

    ## How to fix
    Make a new key under a new selector now, sign with it, and revoke this one by publishing an empty
    `p=`. Never reuse the old key.
    """

    message = "The key at {subject} is compromised: {why}."
    why: str


_COMPROMISED = {
    KeyProblem.PRIVATE_KEY: "the record holds the private key itself",
    KeyProblem.EXPONENT: "its exponent lets anyone make signatures",
    KeyProblem.ROCA: "it was made by the faulty generator of CVE-2017-15361 and can be factored",
}


@check
def dkim_key_is_secret(found: DkimKeyFound) -> Iterator[Finding]:
    """Nobody but its owner has the private key."""
    known = {defect.problem for key in found.keys for defect in key.defects}
    for problem, why in _COMPROMISED.items():
        if problem in known:
            fix = revoke(found) if found.key is not None else new_key(found)
            yield KeyCompromised(subject=found.name, why=why, evidence=found.asked, fix=fix)
            return
    if found.listed:
        why = known_key_words(found.listed)
        fix = revoke(found) if found.key is not None else new_key(found)
        yield KeyCompromised(subject=found.name, why=why, evidence=found.asked, fix=fix)


@check
def dkim_keys_share_no_factor(keys: Many[DkimKeyFound]) -> Iterator[Finding]:
    """No two DKIM keys share a prime."""
    known = [(f, f.key.key) for f in keys.values() if f.key is not None and isinstance(f.key.key, RsaKey)]
    for at, (found, key) in enumerate(known):
        for other, its in known[:at]:
            if (
                isinstance(key, RsaKey)
                and isinstance(its, RsaKey)
                and shared_factor(key.modulus, its.modulus)
            ):
                for one, two in ((found, other), (other, found)):
                    why = f"it shares a prime with the key at {two.name}, which gives both away"
                    evidence = one.asked + two.asked
                    yield KeyCompromised(subject=one.name, why=why, evidence=evidence, fix=revoke(one))


@rule("dkim/key-short", Severity.ERROR, Rfc(8301, "3.2"), since="1.0")
class KeyShort(Finding):
    """A DKIM key is so short that verifiers reject it.

    ## Why it matters
    RSA keys under 1024 bits can be broken by one person with a rented computer; verifiers must not
    accept them, so the mail counts as not signed.

    ## How to fix
    Make a key of 2048 bits under a new selector, sign with it, then revoke this one.
    """

    message = "The RSA key at {subject} has {bits} bits; verifiers accept none under 1024."
    bits: int


@rule("dkim/key-1024", Severity.NOTICE, Rfc(8301, "3.2"), since="1.0")
class Key1024(Finding):
    """A DKIM key is shorter than recommended.

    ## Why it matters
    Verifiers accept it today. States and large companies can probably break 1024 bits.

    ## How to fix
    Make a key of 2048 bits under a new selector, sign with it, then revoke this one.
    """

    message = "The RSA key at {subject} has {bits} bits; 2048 are recommended."
    bits: int


@rule("dkim/key-long", Severity.WARNING, Rfc(8301, "3.2"), since="1.0")
class KeyLong(Finding):
    """A DKIM key is longer than verifiers must accept.

    ## Why it matters
    Verifiers need not take RSA keys over 4096 bits. Those that do not treat the mail as not signed.

    ## How to fix
    Make a key of 2048 bits under a new selector.
    """

    message = "The RSA key at {subject} has {bits} bits; verifiers need not accept more than 4096."
    bits: int


@check
def dkim_key_has_a_good_length(found: DkimKeyFound) -> Iterator[Finding]:
    """An RSA key has at least 2048 bits, and no more than 4096."""
    key = found.key.key if found.key is not None else None
    if not isinstance(key, RsaKey):
        return
    for kind, applies in (
        (KeyShort, key.bits < SHORTEST_RSA),
        (Key1024, SHORTEST_RSA <= key.bits < RECOMMENDED_RSA),
        (KeyLong, key.bits > LONGEST_RSA),
    ):
        if applies:
            yield kind(subject=found.name, bits=key.bits, evidence=found.asked, fix=new_key(found))


@rule("dkim/sha1-only", Severity.ERROR, Rfc(8301, "3.1"), since="1.0")
class Sha1Only(Finding):
    """A DKIM key may only be used with SHA-1.

    ## Why it matters
    Verifiers must not accept SHA-1 any more, and the record forbids SHA-256: no signature is valid.

    ## How to fix
    Remove the tag `h=`, and let the signer use `rsa-sha256`.
    """

    message = "The key record at {subject} allows only SHA-1, which verifiers no longer accept."


@rule("dkim/sha1-allowed", Severity.NOTICE, Rfc(8301, "3.1"), since="1.0")
class Sha1Allowed(Finding):
    """A DKIM key may still be used with SHA-1, beside SHA-256.

    ## Why it matters
    Verifiers no longer accept SHA-1. The record invites a signer to use it, and such mail counts as not
    signed.

    ## How to fix
    Remove the tag `h=`, or write `h=sha256`.
    """

    message = "The key record at {subject} allows SHA-1 beside SHA-256; verifiers no longer accept it."


@check
def dkim_key_allows_sha256(found: DkimKeyFound) -> Iterator[Finding]:
    """A DKIM key may be used with SHA-256, and is not offered for SHA-1."""
    key = found.in_use
    if key is None:
        return
    if key.has(KeyProblem.SHA1_ONLY):
        yield Sha1Only(subject=found.name, evidence=found.asked, fix=mend(found))
    elif "sha1" in (key.hashes or ()) and "sha256" in (key.hashes or ()):
        fix = instead(found, key.tags.rewritten("h", "sha256"))
        yield Sha1Allowed(subject=found.name, evidence=found.asked, fix=fix)


@rule("dkim/service-not-email", Severity.ERROR, Rfc(6376, "3.6.1"), since="1.0")
class ServiceNotEmail(Finding):
    """A DKIM key is not meant for mail.

    ## Why it matters
    The tag `s=` names the services the key is for. Without `email` or `*` among them verifiers must
    ignore the key when they check mail.

    ## How to fix
    Remove the tag `s=`, or write `s=email`.
    """

    message = "The key at {subject} is for the service {services} only, not for mail."
    services: str


@check
def dkim_key_is_for_mail(found: DkimKeyFound) -> Iterator[Finding]:
    """A DKIM key may be used for mail."""
    key = found.in_use
    # A key for TLS reports alone is published on purpose (RFC 8460 section 3).
    if key is not None and key.has(KeyProblem.SERVICE_NOT_EMAIL) and key.services != ("tlsrpt",):
        services = ", ".join(key.services) or "(none)"
        yield ServiceNotEmail(
            subject=found.name, services=services, evidence=found.asked, fix=mend(found, withdraw(found))
        )


@rule("dkim/testing", Severity.NOTICE, Rfc(6376, "3.6.1"), since="1.0")
class Testing(Finding):
    """A DKIM key says that it is only being tested.

    ## Why it matters
    With `t=y` verifiers must treat mail no differently from mail without a signature, whether its own is good
    or not. It is meant for the first days.

    ## How to fix
    Remove `t=y` once signatures verify.
    """

    message = "The key at {subject} says that it is being tested (t=y)."


@check
def dkim_key_is_in_earnest(found: DkimKeyFound) -> Iterator[Finding]:
    """A DKIM key is not in test mode."""
    key = found.in_use
    if key is None or not key.is_testing:
        return
    flags = ":".join(flag for flag in key.flags if flag != "y")
    fix = instead(found, key.tags.rewritten("t", flags or None))
    yield Testing(subject=found.name, evidence=found.asked, fix=fix)


@rule("dkim/revoked", Severity.INFO, Rfc(6376, "3.6.1"), since="1.0")
class Revoked(Finding):
    """A DKIM key has been revoked.

    ## Why it matters
    An empty `p=` tells verifiers that signatures of this selector are void. That is right for an old
    key, and an outage if a server still signs with it.

    ## How to fix
    Nothing, if no server signs with this selector any more.
    """

    message = "The key at {subject} is revoked: signatures made with it do not count."


@check
def dkim_key_is_not_revoked(found: DkimKeyFound) -> Iterator[Finding]:
    """A DKIM key is not revoked."""
    if found.key is not None and found.key.is_revoked:
        yield Revoked(subject=found.name, evidence=found.asked)


def _what(key: DkimKey, problems: frozenset[KeyProblem]) -> str:
    return "; ".join(_words(defect) for defect in key.defects if defect.problem in problems)


def _words(defect: KeyDefect) -> str:
    return _WORDS[defect.problem].format(defect.detail)
