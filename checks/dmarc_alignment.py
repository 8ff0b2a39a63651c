"""DMARC alignment: whether the domain's own mail can pass at all (RFC 9989 section 4.4)."""

from __future__ import annotations

from collections.abc import Iterator

from diag.api import (
    Certainty,
    DmarcAlignment,
    DmarcPolicy,
    Finding,
    Policy,
    Rfc,
    SendingDomain,
    Severity,
    SignsAndSends,
    Undecided,
    Verdict,
    check,
    rule,
)

from .dkim_mend import make_key
from .dmarc_mend import mend


@rule("dmarc/cannot-align", Severity.ERROR, Rfc(9989, "4.4"), since="1.0")
class CannotAlign(Finding):
    """The domain asks receivers to stop mail that fails DMARC, and none of its own can pass.

    ## Why it matters
    DMARC wants a DKIM signature or an SPF pass in the domain's name. With neither, the policy hits your
    own mail: it goes to spam or is refused.

    ## How to fix
    Turn DKIM signing on and publish the key; list your servers in SPF. Until then say `p=none`.
    """

    message = (
        "The DMARC policy of {subject} is {policy}, but no DKIM key and no SPF record lets its mail pass."
    )
    policy: str


@rule("dmarc/spf-only", Severity.ERROR, Rfc(9989, "7.4"), since="1.0")
class SpfOnly(Finding):
    """Mail that fails DMARC is refused, and only SPF makes the domain's own mail pass.

    ## Why it matters
    SPF breaks whenever a message is forwarded, for instance by a mailbox rule or a mailing list. Without
    DKIM such mail is refused.

    ## How to fix
    Turn DKIM signing on and publish the key. Until then say `p=quarantine` or `p=none`.
    """

    message = (
        "The DMARC policy of {subject} is reject, but no DKIM key aligns with it: forwarded mail is refused."
    )


@check
def own_mail_can_pass_dmarc(
    alignment: DmarcAlignment, policy: DmarcPolicy, sending: SendingDomain
) -> Iterator[Verdict]:
    """The domain's own mail can pass DMARC, even when forwarded."""
    if policy.policy is Policy.NONE:
        return
    signers = _aligned(alignment, policy.record.adkim)
    senders = _aligned(alignment, policy.record.aspf)
    if any(each.dkim for each in signers):
        return
    if any(each.dkim is None for each in signers):
        yield Undecided("whether the domain can have DKIM keys could not be determined", alignment.asked)
        return
    sends = [each.spf for each in senders]
    key = make_key(policy.domain, "s1")
    if not any(sends) and None not in sends:
        # In relaxed mode any subdomain aligns, and nobody can list those.
        strict = policy.record.adkim == policy.record.aspf == "s"
        yield CannotAlign(
            subject=policy.domain,
            policy=policy.policy,
            evidence=alignment.asked + policy.asked,
            certainty=Certainty.CERTAIN if strict else Certainty.LIKELY,
            fix=key,
        )
    elif any(sends) and policy.policy is Policy.REJECT:
        yield SpfOnly(
            subject=policy.domain,
            evidence=alignment.asked + policy.asked,
            certainty=Certainty.CERTAIN if policy.record.adkim == "s" else Certainty.LIKELY,
            fix=key,
        )


def _aligned(alignment: DmarcAlignment, mode: str) -> tuple[SignsAndSends, ...]:
    """The names that were looked at and align with the domain in this mode."""
    return (alignment.own,) if mode == "s" else (alignment.own, *alignment.others)


@rule("dmarc/strict-with-subdomains", Severity.WARNING, Rfc(9989, "4.4"), since="1.0")
class StrictWithSubdomains(Finding):
    """Strict alignment shuts out mail that is signed or sent by a subdomain.

    ## Why it matters
    Services that send for you often sign as, or take bounces at, a subdomain. With `adkim=s` or
    `aspf=s` that does not count for mail from the domain itself.

    ## How to fix
    Remove the tag shown (`adkim=s` or `aspf=s`), unless you know that every service uses the domain itself.
    """

    message = "{subject} aligns strictly ({modes}), but {names} may sign or send its mail."
    modes: str
    names: str


@check
def strict_alignment_shuts_nobody_out(alignment: DmarcAlignment, policy: DmarcPolicy) -> Iterator[Finding]:
    """Strict alignment shuts out no subdomain that sends."""
    record = policy.record
    below = [
        each for each in alignment.others if not each.own_policy and each.name.endswith(f".{policy.domain}")
    ]
    strict = {
        "adkim": [each.name for each in below if record.adkim == "s" and each.dkim],
        "aspf": [each.name for each in below if record.aspf == "s" and each.spf],
    }
    modes = [tag for tag, names in strict.items() if names]
    if modes:
        yield StrictWithSubdomains(
            subject=policy.domain,
            modes=" ".join(f"{tag}=s" for tag in modes),
            names=", ".join(dict.fromkeys(name for names in strict.values() for name in names)),
            evidence=policy.asked + alignment.asked,
            fix=mend(policy, dict.fromkeys(modes, "")),
        )
