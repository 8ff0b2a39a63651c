"""Judging a recorded chain at a moment: every fact a rule may need, each by itself, and a best reason."""

from __future__ import annotations

import enum
from datetime import UTC, datetime, time, timedelta
from functools import cache

from diag.model.frozen import frozen
from diag.model.tables import table

from .certificate import Certificate, public_key_info, read, signed
from .der import names_of
from .names import address, address_matches, matches, misused_wildcard
from .path import SENT_LIMIT, Fault, Flaw, Path, search


class Trust(enum.StrEnum):
    """Where the best path leads."""

    TRUSTED = "trusted"
    """To a root of the store."""
    SELF_SIGNED = "self-signed"
    """Nowhere: the server's certificate is signed by its own key."""
    UNTRUSTED_ROOT = "untrusted-root"
    """To a root that is not in the store, sent or not."""
    MISSING_INTERMEDIATE = "missing-intermediate"
    """Nowhere: the issuer was not sent and is no root of the store."""
    UNDECIDED = "undecided"
    """The search budget ended before a path was found."""
    UNREADABLE = "unreadable"
    NO_CERTIFICATE = "no-certificate"


class Surplus(enum.StrEnum):
    """Why a sent certificate is not needed."""

    DUPLICATE = "duplicate"
    ROOT = "root"
    UNRELATED = "unrelated"


@frozen
class Extra:
    """A certificate that was sent and is no part of the path below its root."""

    position: int
    """Its index in the chain as sent."""
    label: str
    surplus: Surplus


@frozen
class NameMatch:
    """Whether one reference identifier is covered by the server's certificate."""

    reference: str
    matched: bool
    by: str = ""
    """The dNSName or iPAddress that covers it."""


@frozen
class ChainVerdict:
    """What a chain is worth at a moment. Nothing here depends on anything but the arguments of `judge`."""

    moment: datetime
    leaf: Certificate | None
    """The server's own certificate: the first one sent; None where none was."""
    sent: tuple[Certificate, ...]
    path: tuple[Certificate, ...]
    """The best path, from the server's certificate up to and with its root where that is known."""
    trust: Trust
    flaws: tuple[Flaw, ...]
    """What is wrong with the certificates of the path, the most telling first; see also diag.tls.path.FORGIVEN."""
    names: tuple[NameMatch, ...]
    common_name_only: bool
    """A reference identifier stands only in the common name, which most clients ignore (RFC 9525 section 2)."""
    misused_wildcards: tuple[str, ...]
    addresses_as_names: tuple[str, ...]
    """IP addresses written as dNSName, where nobody should look for them (RFC 9525 section 6.2)."""
    duplicate_names: tuple[str, ...]
    extras: tuple[Extra, ...]
    wrong_order: bool
    """The path is among the certificates sent, but not one after another from the first on."""
    leaf_first: bool
    """False where the first certificate is an issuer of another one sent that names the reference."""
    forged: bool
    """An issuer's name fits and its key does not: somebody replaced a key or mixed up certificates."""
    missing: str
    """The issuer that was wanted and not found; empty where a path was complete."""
    fetch_from: tuple[str, ...]
    """Where the missing issuer says it can be had (caIssuers)."""
    placeholder: str
    """The product whose default certificate this is; empty for any other."""

    @property
    def name_matched(self) -> bool:
        """Whether any reference identifier is covered; true where none was asked for."""
        return not self.names or any(name.matched for name in self.names)

    @property
    def trusted(self) -> bool:
        """Whether a path to the store holds at the moment, names aside."""
        return Path(self.path, self.trust is Trust.TRUSTED, self.flaws).good

    @property
    def good(self) -> bool:
        """Whether a client that verifies would go on."""
        return self.trusted and self.name_matched

    @property
    def expired(self) -> tuple[Flaw, ...]:
        """The certificates of the path whose time is over."""
        return self.of(Fault.EXPIRED)

    @property
    def not_yet_valid(self) -> tuple[Flaw, ...]:
        """The certificates of the path whose time has not come."""
        return self.of(Fault.NOT_YET_VALID)

    def of(self, *faults: Fault) -> tuple[Flaw, ...]:
        """The flaws of these kinds."""
        return tuple(flaw for flaw in self.flaws if flaw.fault in faults)

    @property
    def remaining(self) -> timedelta:
        """Until the first certificate below the root runs out; negative once one has."""
        below = [c for c in self.path[:-1] if not c.problem] or list(self.path[:1])
        return min((c.not_after for c in below), default=self.moment) - self.moment

    @property
    def lifetime(self) -> timedelta:
        """The whole validity of the server's certificate, both end seconds included."""
        return self.leaf.lifetime if self.leaf else timedelta()

    @property
    def lifetime_limit(self) -> timedelta | None:
        """The longest lifetime a public CA may give such a certificate; None where there was no limit."""
        return lifetime_limit(self.leaf.not_before) if self.leaf else None

    @property
    def lifetime_too_long(self) -> bool:
        """Whether the lifetime exceeds what a public CA may give; meaningless for private ones."""
        return self.lifetime_limit is not None and self.lifetime > self.lifetime_limit


def judge(
    chain: tuple[bytes, ...],
    reference_names: tuple[str, ...],
    roots: tuple[bytes, ...],
    moment: datetime,
) -> ChainVerdict:
    """Judge a chain in DER, as sent, against trust anchors in DER at a moment with time zone.

    `reference_names` are the host names in A-labels (or IP literals) any of which will do; without
    any, names are not judged. Never raises for anything a chain holds; cost is bounded.
    """
    sent = tuple(read(der) for der in chain[:SENT_LIMIT])
    if not sent:
        return _verdict(moment, sent, Path((), False), Trust.NO_CERTIFICATE)
    leaf = sent[0]
    found = search(leaf.der, chain[1:], roots, moment)
    path = found.best
    trust = _trust(path, exhausted=found.exhausted)
    names = tuple(_named(leaf, reference) for reference in reference_names)
    covered = any(name.matched for name in names)
    last = path.certificates[-1]
    complete = path.anchored or trust is Trust.SELF_SIGNED or signed(last.der, last.der)
    return _verdict(
        moment,
        sent,
        path,
        trust,
        names=names,
        common_name_only=not covered
        and any(matches(cn, reference) for cn in leaf.common_names for reference in reference_names),
        extras=_extras(sent, path),
        wrong_order=_wrong_order(sent, path),
        leaf_first=_leaf_first(sent, reference_names),
        forged=found.forged,
        missing="" if complete else last.issuer,
        fetch_from=() if complete else last.ca_issuers,
    )


def _verdict(
    moment: datetime,
    sent: tuple[Certificate, ...],
    path: Path,
    trust: Trust,
    *,
    names: tuple[NameMatch, ...] = (),
    common_name_only: bool = False,
    extras: tuple[Extra, ...] = (),
    wrong_order: bool = False,
    leaf_first: bool = True,
    forged: bool = False,
    missing: str = "",
    fetch_from: tuple[str, ...] = (),
) -> ChainVerdict:
    leaf = sent[0] if sent else None
    dns_names = leaf.dns_names if leaf else ()
    folded = [name.lower() for name in dns_names]
    return ChainVerdict(
        moment=moment,
        leaf=leaf,
        sent=sent,
        path=path.certificates,
        trust=trust,
        flaws=path.flaws,
        names=names,
        common_name_only=common_name_only,
        misused_wildcards=tuple(name for name in dns_names if misused_wildcard(name)),
        addresses_as_names=tuple(name for name in dns_names if address(name) is not None),
        duplicate_names=tuple(dict.fromkeys(name for name in folded if folded.count(name) > 1))
        if len(folded) <= 1000  # counting is quadratic
        else (),
        extras=extras,
        wrong_order=wrong_order,
        leaf_first=leaf_first,
        forged=forged,
        missing=missing,
        fetch_from=fetch_from,
        placeholder=placeholder(leaf) if leaf else "",
    )


def _trust(path: Path, *, exhausted: bool) -> Trust:
    leaf, last = path.certificates[0], path.certificates[-1]
    if path.anchored:
        return Trust.TRUSTED
    if not leaf.key and leaf.problem:
        return Trust.UNREADABLE
    if exhausted:
        return Trust.UNDECIDED
    if last.self_issued and signed(last.der, last.der):
        return Trust.SELF_SIGNED if len(path.certificates) == 1 else Trust.UNTRUSTED_ROOT
    # A root need not be sent. An intermediate that does not say where its issuer can be had is taken
    # for the child of a private root; a lone certificate always lacks an intermediate or says nothing.
    if len(path.certificates) > 1 and not last.ca_issuers:
        return Trust.UNTRUSTED_ROOT
    return Trust.MISSING_INTERMEDIATE


def _named(leaf: Certificate, reference: str) -> NameMatch:
    if address(reference) is not None:
        by = next((given for given in leaf.addresses if address_matches(given, reference)), None)
    else:
        by = next((given for given in leaf.dns_names if matches(given, reference)), None)
    return NameMatch(reference, by is not None, by or "")


def _extras(sent: tuple[Certificate, ...], path: Path) -> tuple[Extra, ...]:
    needed = {certificate.der for certificate in path.certificates}
    keys = {(c.subject_der, public_key_info(c.der)) for c in path.certificates}
    met: set[bytes] = set()
    extras = []
    for position, certificate in enumerate(sent):
        surplus: Surplus | None = None
        if certificate.der in met:
            surplus = Surplus.DUPLICATE
        elif position and certificate.self_issued and signed(certificate.der, certificate.der):
            same = (certificate.subject_der, public_key_info(certificate.der)) in keys
            surplus = Surplus.ROOT if same else Surplus.UNRELATED
        elif position and certificate.der not in needed:
            surplus = Surplus.UNRELATED
        if surplus is not None:
            extras.append(Extra(position, certificate.label, surplus))
        met.add(certificate.der)
    return tuple(extras)


def _wrong_order(sent: tuple[Certificate, ...], path: Path) -> bool:
    """Whether what the path takes from the chain stands there in another order (RFC 8446 section 4.4.2)."""
    first: dict[bytes, int] = {}
    for position, certificate in enumerate(sent):
        first.setdefault(certificate.der, position)
    positions = [first[c.der] for c in path.certificates if c.der in first]
    return positions != sorted(positions)


def _leaf_first(sent: tuple[Certificate, ...], reference_names: tuple[str, ...]) -> bool:
    """False where the server's certificate evidently stands behind one of its issuers."""
    leaf = sent[0]
    if not leaf.ca:
        return True
    return not any(
        other.ca is not True
        and not other.problem
        and (not reference_names or any(_named(other, reference).matched for reference in reference_names))
        for other in sent[1:]
    )


@cache
def _limits() -> tuple[tuple[datetime, timedelta], ...]:
    """From when on which limit holds, the latest first (CA/Browser Forum BR section 6.3.2)."""
    limits = (
        (datetime.combine(limit["issued-from"], time(), UTC), timedelta(days=limit["days"]))
        for limit in table("diag.tls", "lifetimes")["limit"]
    )
    return tuple(sorted(limits, reverse=True))


def lifetime_limit(not_before: datetime) -> timedelta | None:
    """The longest lifetime of a publicly trusted server certificate issued at that time; None where there was none."""
    return next((limit for since, limit in _limits() if not_before >= since), None)


_PLACEHOLDERS = (
    ("snake oil", "Debian's ssl-cert (snakeoil)"),
    ("snakeoil", "Debian's ssl-cert (snakeoil)"),
    ("traefik default cert", "Traefik"),
    ("kubernetes ingress controller fake certificate", "Kubernetes ingress-nginx"),
    ("fortigate", "FortiGate"),
    ("fortinet", "Fortinet"),
    ("plesk", "Plesk"),
    ("cpanel", "cPanel"),
    ("mailcow", "mailcow"),
    ("synology.com", "Synology"),
    ("some-state", "an OpenSSL example"),
    ("internet widgits", "an OpenSSL example"),
    ("imap.example.com", "Dovecot's or Courier's example"),
    ("localhost", "a default for localhost"),
)


def placeholder(leaf: Certificate) -> str:
    """The product whose default certificate this is, told by its names; empty where it is none.

    Only certificates that no public CA would issue are considered: a host called plesk.example.org
    with a proper certificate is no placeholder.
    """
    names = [*leaf.common_names, *leaf.organizations]
    localhost = any(name.lower().split(".")[0] == "localhost" for name in leaf.common_names)
    alone = leaf.self_issued or localhost
    text = " ".join([*names, leaf.subject if leaf.self_issued else "", leaf.issuer]).lower()
    if not alone and not any(mark in leaf.issuer.lower() for mark in ("fortinet", "fortigate", "traefik")):
        return ""
    return next((product for mark, product in _PLACEHOLDERS if mark in text), "")


def rank(verdict: ChainVerdict) -> tuple[str, ...]:
    """Everything for which a verifying client would refuse, what helps the operator most first.

    The values are those of Trust and Fault, and "placeholder", "name-mismatch", "common-name-only".
    """
    reasons: list[str] = []
    if verdict.trust in (Trust.NO_CERTIFICATE, Trust.UNREADABLE):
        return (verdict.trust.value,)
    if verdict.placeholder:
        reasons.append("placeholder")
    # A dead certificate will be replaced anyway; then what never could be trusted; then the names.
    grave = [flaw.fault.value for flaw in Path(verdict.path, True, verdict.flaws).grave]
    dates = [reason for reason in grave if reason in (Fault.EXPIRED, Fault.NOT_YET_VALID)]
    reasons += dates
    if verdict.trust is not Trust.TRUSTED:
        reasons.append(verdict.trust.value)
    if not verdict.name_matched:
        reasons.append("common-name-only" if verdict.common_name_only else "name-mismatch")
    reasons += grave
    return tuple(dict.fromkeys(reasons))


def issuers_of(chain: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """The issuer Names in DER that a chain mentions, each once: what to ask a trust store for."""
    found = (names_of(der) for der in chain[:SENT_LIMIT])
    return tuple(dict.fromkeys(names[0] for names in found if names is not None))
