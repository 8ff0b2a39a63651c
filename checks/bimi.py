"""BIMI: the logo that some mailbox providers show beside mail of the domain. No mail is affected by any of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from diag.api import (
    Absent,
    BimiCertificate,
    BimiFound,
    BimiLogo,
    BimiProblem,
    Certainty,
    DmarcDiscovery,
    DmarcPolicy,
    DmarcRecord,
    Document,
    Fetched,
    Finding,
    Kind,
    MarkFault,
    Policy,
    Replace,
    Rfc,
    RunMoment,
    Severity,
    SvgDefect,
    SvgProblem,
    Undecided,
    Verdict,
    Withdraw,
    check,
    rule,
)

from .txt import as_written

BIMI = Document(
    "Brand Indicators for Message Identification (draft 14)",
    "https://datatracker.ietf.org/doc/draft-brand-indicators-for-message-identification/",
)
TINY_PS = Document(
    "SVG Tiny Portable/Secure (draft-svg-tiny-ps-abrotman)",
    "https://datatracker.ietf.org/doc/draft-svg-tiny-ps-abrotman/",
)
VMC = Document(
    "Minimum Security Requirements for Issuance of Mark Certificates",
    "https://bimigroup.org/resources/VMC_Requirements_latest.pdf",
)
LAST_DAYS = timedelta(days=14)


@rule("bimi/record-invalid", Severity.NOTICE, BIMI, since="1.0")
class RecordInvalid(Finding):
    """The BIMI record cannot be used.

    ## Why it matters
    Mailbox providers that show logos pass the record over. Mail arrives all the same.

    ## How to fix
    Publish exactly one record of the form `v=BIMI1; l=https://…/logo.svg; a=https://…/mark.pem`. A domain that
    wants no logo publishes `v=BIMI1; l=; a=;`.
    """

    message = "The BIMI record of {subject} cannot be used: {why}."
    why: str


_RECORD_WORDS = {
    BimiProblem.MALFORMED: '"{text}" is no tag',
    BimiProblem.TAG_TWICE: "the tag {text} stands twice",
    BimiProblem.LOGO_MISSING: "it does not say where the logo is (l=)",
    BimiProblem.LOGO_NOT_HTTPS: '"{text}" in l= is no HTTPS address',
    BimiProblem.EVIDENCE_NOT_HTTPS: '"{text}" in a= is no HTTPS address',
    BimiProblem.LOCAL_PART_INVALID: '"{text}" in lps= is no list of prefixes of at most 63 characters',
}


@check
def bimi_record_can_be_used(found: BimiFound) -> Iterator[Finding]:
    """The domain has one BIMI record, and it can be used."""
    if found.valid is not None:
        return
    fix: tuple[Withdraw, ...] = ()
    if len(found.records) > 1:
        why = f"there are {len(found.records)}, and one is allowed"
        good = next((each for each in found.records if not each.defects), None)
        if good is not None:
            others = [each.tags.text for each in found.records if each is not good]
            fix = tuple(Withdraw(found.owner, "TXT", as_written(text)) for text in dict.fromkeys(others))
    elif found.records:
        defect = found.records[0].defects[0]
        why = _RECORD_WORDS[defect.problem].format(text=defect.text[:100])
    else:
        why = f'"{found.near[0][:100]}" does not begin with "v=BIMI1;"'
    yield RecordInvalid(subject=found.name, why=why, evidence=found.asked, fix=fix)


@rule("bimi/avatar-unknown", Severity.NOTICE, BIMI, since="1.0")
class AvatarUnknown(Finding):
    """The BIMI record asks for a kind of avatar that does not exist.

    ## Why it matters
    Most mailbox providers pass over it; one that does not may show no logo.

    ## How to fix
    Write `avp=brand` or `avp=personal`, or leave it out.
    """

    message = "The BIMI record of {subject} says avp={value}, and may say brand or personal."
    value: str


@check
def bimi_record_names_a_kind_of_avatar(found: BimiFound) -> Iterator[Finding]:
    """The kind of avatar that a BIMI record asks for exists."""
    record = found.valid
    if record is None or not record.odd_avatar:
        return
    mended = Replace(found.owner, "TXT", record.tags.rewritten("avp", None), old=as_written(record.tags.text))
    yield AvatarUnknown(
        subject=found.name, value=record.odd_avatar[:100], evidence=found.asked, fix=(mended,)
    )


@rule("bimi/dmarc-too-weak", Severity.NOTICE, BIMI, since="1.0")
class DmarcTooWeak(Finding):
    """The DMARC policy is too weak for a logo to be shown.

    ## Why it matters
    A logo is shown only beside mail that nobody else can send as the domain: DMARC must ask receivers to
    quarantine or reject all mail that fails, for subdomains as well.

    ## How to fix
    Once the DMARC reports show that your own mail passes, publish `p=quarantine` or `p=reject`, without
    `t=y`, without `sp=none` and without `pct`.
    """

    message = "No logo is shown for {subject}: {why}."
    why: str


@check
def dmarc_is_strong_enough_for_bimi(
    found: BimiFound, policy: DmarcPolicy | Absent, discovery: DmarcDiscovery
) -> Iterator[Verdict]:
    """The DMARC policy is strong enough for a logo to be shown."""
    if found.shown is None:
        return
    if isinstance(policy, Absent):
        why, asked = "it has no DMARC policy", policy.evidence
    else:
        above = next((step for step in discovery.walked if step.name == policy.organizational), None)
        why, asked = _too_weak(policy.record, policy.kind, policy.found_at), policy.asked
        if not why and above is not None and above.record is not None:
            why, asked = _too_weak(above.record, Kind.DOMAIN, above.name), (*policy.asked, *above.asked)
        if not why and not policy.organizational:
            yield Undecided(discovery.unknown, discovery.asked)
    if why:
        yield DmarcTooWeak(subject=found.domain, why=why, evidence=(*found.asked, *asked))


def _too_weak(record: DmarcRecord, kind: Kind, at: str) -> str:
    """Why a record does not do for BIMI (draft section 7); what `pct` says of `p=reject` does not matter."""
    applied = record.published_policy(kind)
    if applied is Policy.NONE:
        return f"the DMARC policy of {at} asks for nothing ({kind.value}=none)"
    if record.published_policy(Kind.SUBDOMAIN) is Policy.NONE:
        return f"the DMARC policy of {at} asks for nothing where subdomains are concerned (sp=none)"
    if record.is_testing:
        return f"the DMARC policy of {at} is marked as a test (t=y)"
    if applied is Policy.QUARANTINE and record.pct is not None and record.pct < 100:
        return f"the DMARC policy of {at} is for a part of the mail only (pct={record.pct})"
    return ""


@rule("bimi/logo-unreachable", Severity.NOTICE, BIMI, since="1.0")
class LogoUnreachable(Finding):
    """The logo cannot be fetched.

    ## Why it matters
    Mailbox providers show none. Mail arrives all the same.

    ## How to fix
    Serve the file at exactly the address in `l=`, with status 200 and a valid certificate, to everybody.
    """

    message = "The logo of {subject} cannot be fetched from {url}: {why}."
    url: str
    why: str


@check
def bimi_logo_can_be_fetched(found: BimiFound, logo: BimiLogo) -> Iterator[Finding]:
    """The logo can be fetched."""
    if logo.fetched.trouble:
        yield LogoUnreachable(
            subject=found.domain,
            url=logo.fetched.url,
            why=logo.fetched.trouble,
            certainty=_certainty(logo.fetched),
            evidence=(*found.asked, *logo.fetched.asked),
        )


def _certainty(fetched: Fetched) -> Certainty:
    return Certainty.LIKELY if fetched.doubtful else Certainty.CERTAIN


@rule("bimi/logo-not-tiny-ps", Severity.NOTICE, TINY_PS, BIMI, since="1.0")
class LogoNotTinyPs(Finding):
    """The logo is not of the kind of SVG that mailbox providers show.

    ## Why it matters
    They show only SVG Tiny Portable/Secure: without anything that moves, runs or is fetched from elsewhere. A logo
    that is not square, is larger than 32 KiB or has a document type declaration some of them show all the same.

    ## How to fix
    Convert the file; the BIMI group offers tools for it. The root element must say `version="1.2"` and
    `baseProfile="tiny-ps"`, and hold a `<title>` with the name of the brand.
    """

    message = "The logo of {subject} {may} not be shown: {why}."
    may: str
    why: str


_LOGO_WORDS = {
    SvgProblem.NOT_SVG: "it is no SVG document ({text})",
    SvgProblem.NOT_INFLATABLE: "it is compressed, and cannot be inflated",
    SvgProblem.TOO_LARGE: "it has {text}, and 32 KiB are allowed",
    SvgProblem.TOO_DEEP: "its elements are nested too deeply",
    SvgProblem.DOCTYPE: "it has a document type declaration",
    SvgProblem.VERSION: 'its version is "{text}", and must be "1.2"',
    SvgProblem.PROFILE: 'its baseProfile is "{text}", and must be "tiny-ps"',
    SvgProblem.TITLE_MISSING: "it has no title",
    SvgProblem.POSITIONED: "its root element has the attribute {text}",
    SvgProblem.NOT_SQUARE: "it is not square ({text})",
    SvgProblem.SCRIPT: "it holds a script ({text})",
    SvgProblem.ANIMATION: "it holds an animation ({text})",
    SvgProblem.RASTER: "it holds something else than vectors ({text})",
    SvgProblem.EFFECT: "it holds an effect ({text})",
    SvgProblem.EXTERNAL: 'it refers to something outside itself ("{text}")',
}


@check
def bimi_logo_is_svg_tiny_ps(found: BimiFound, logo: BimiLogo) -> Iterator[Finding]:
    """The logo is of the kind of SVG that mailbox providers show."""
    defects = logo.image.defects if logo.image is not None else ()
    why = "; ".join(dict.fromkeys(_told(defect) for defect in defects[:3]))
    may = "may" if all(defect.problem in _SHOWN_BY_SOME for defect in defects) else "will"
    if logo.fetched.oversized:
        may, why = "will", "it is too large by far, and 32 KiB are allowed"
    if why:
        yield LogoNotTinyPs(subject=found.domain, may=may, why=why, evidence=logo.fetched.asked)


_SHOWN_BY_SOME = frozenset({SvgProblem.TOO_LARGE, SvgProblem.NOT_SQUARE, SvgProblem.DOCTYPE})
"""A size is what a receiver MAY mind (draft section 7.6), a shape is advice, a bare document type is read by some."""


def _told(defect: SvgDefect) -> str:
    where = f" in line {defect.line}" if defect.line > 1 else ""
    return _LOGO_WORDS[defect.problem].format(text=defect.text) + where


@rule("bimi/certificate-unreachable", Severity.NOTICE, BIMI, since="1.0")
class CertificateUnreachable(Finding):
    """The mark certificate cannot be fetched.

    ## Why it matters
    Mailbox providers that ask for one, and the large ones do, show no logo. Mail arrives all the same.

    ## How to fix
    Serve the PEM file of the certificate authority at exactly the address in `a=`, with status 200 and a
    valid certificate of the web server.
    """

    message = "The mark certificate of {subject} cannot be fetched from {url}: {why}."
    url: str
    why: str


@check
def mark_certificate_can_be_fetched(found: BimiFound, mark: BimiCertificate) -> Iterator[Finding]:
    """The mark certificate can be fetched."""
    why = "it is too large by far" if mark.fetched.oversized else mark.fetched.trouble
    if why:
        yield CertificateUnreachable(
            subject=found.domain,
            url=mark.fetched.url,
            why=why,
            certainty=_certainty(mark.fetched),
            evidence=(*found.asked, *mark.fetched.asked),
        )


@rule("bimi/certificate-invalid", Severity.NOTICE, VMC, BIMI, since="1.0")
class CertificateInvalid(Finding):
    """The mark certificate is not valid.

    ## Why it matters
    Mailbox providers that ask for one, and the large ones do, show no logo. Mail arrives all the same.

    ## How to fix
    Have a mark certificate (VMC or CMC) issued for the domain by a mark authority, and serve the file as it was
    delivered: the certificate first, then those of its issuers.
    """

    message = "The mark certificate of {subject} is not valid: {why}."
    why: str


_MARK_WORDS = {
    MarkFault.UNREADABLE: "it cannot be read",
    MarkFault.EXPIRED: "it, or one of its issuers, has expired",
    MarkFault.NOT_YET_VALID: "its time has not come yet",
    MarkFault.NO_USAGE: "it was not issued for marks",
    MarkFault.UNTRUSTED: "no known mark authority vouches for it",
    MarkFault.CHAIN: "its chain of issuers breaks a rule",
    MarkFault.OTHER_NAMES: "it is for other domains ({names})",
    MarkFault.NO_LOGO: "it holds no logo",
}


@check
def mark_certificate_is_valid(found: BimiFound, mark: BimiCertificate) -> Iterator[Verdict]:
    """The mark certificate is valid for the domain."""
    if not mark.fetched.whole:
        return
    if mark.verdict is None:
        why = "the file holds no certificate"
    else:
        faults = [each for each in mark.verdict.faults if not (mark.distrust and each is MarkFault.UNTRUSTED)]
        names = ", ".join(mark.verdict.names[:3]) or "none"
        why = "; ".join(_MARK_WORDS[fault].format(names=names) for fault in faults[:2])
        if not why and mark.distrust:
            yield Undecided(mark.distrust, mark.asked)
    if why:
        yield CertificateInvalid(subject=found.domain, why=why, evidence=mark.asked)


@rule("bimi/certificate-expires", Severity.WARNING, VMC, since="1.0")
class CertificateExpires(Finding):
    """The mark certificate is about to expire.

    ## Why it matters
    From that day on the large mailbox providers show no logo, and a new certificate takes weeks: the mark
    authority checks the trademark and the people anew.

    ## How to fix
    Order the next one now, and replace the file at the address in `a=`.
    """

    message = "The mark certificate of {subject} expires on {day}."
    day: str


@check
def mark_certificate_lasts(found: BimiFound, mark: BimiCertificate, moment: RunMoment) -> Iterator[Finding]:
    """The mark certificate is not about to expire."""
    leaf = mark.verdict.chain.leaf if mark.verdict is not None else None
    if leaf is None or leaf.problem:
        return
    if timedelta() <= leaf.not_after - moment.at <= LAST_DAYS:
        yield CertificateExpires(subject=found.domain, day=f"{leaf.not_after:%Y-%m-%d}", evidence=mark.asked)


@rule("bimi/logo-differs", Severity.NOTICE, Rfc(6170, "4"), BIMI, since="1.0")
class LogoDiffers(Finding):
    """The logo is not the one in the mark certificate.

    ## Why it matters
    The certificate vouches for the logo that it holds. Some mailbox providers show that one, whatever is
    published; others show none.

    ## How to fix
    Serve the very file that was handed in for the certificate, octet by octet.
    """

    message = "The logo at {url} is not the one that the mark certificate of {subject} vouches for."
    url: str


@check
def bimi_logo_is_the_certified_one(
    found: BimiFound, logo: BimiLogo, mark: BimiCertificate
) -> Iterator[Finding]:
    """The logo is the one in the mark certificate."""
    if logo.image is not None and mark.logo is not None and logo.image.octets != mark.logo:
        yield LogoDiffers(
            subject=found.domain, url=logo.fetched.url, evidence=(*logo.fetched.asked, *mark.asked)
        )


@rule("bimi/no-certificate", Severity.INFO, BIMI, since="1.0")
class NoCertificate(Finding):
    """A logo is published without a mark certificate.

    ## Why it matters
    Gmail and Apple Mail, among others, show a logo only where a mark authority vouches for it.

    ## How to fix
    Where their readers matter, order a VMC (for a registered trademark) or a CMC (for a logo in use), and name
    its file in `a=`.
    """

    message = "{subject} publishes a logo without a mark certificate: most mailbox providers do not show it."


@check
def bimi_logo_has_a_certificate(found: BimiFound) -> Iterator[Finding]:
    """A mark certificate vouches for the logo."""
    record = found.shown
    if record is not None and record.logo and not record.evidence:
        yield NoCertificate(subject=found.domain, evidence=found.asked)
