"""Lists of what every host offers, for whoever wished for them (`--inventory`): no fault, and never told unasked."""

from __future__ import annotations

from collections.abc import Iterator

from diag.api import (
    Document,
    Finding,
    ImapInventory,
    Rfc,
    Severity,
    SmtpInventory,
    TlsInventory,
    check,
    rule,
)

IANA_MAIL = Document(
    "IANA, Mail Parameters", "https://www.iana.org/assignments/mail-parameters/mail-parameters.xhtml"
)
REV2 = "IMAP4REV2"
PARTS_OF_REV2 = (
    "ENABLE",
    "ESEARCH",
    "IDLE",
    "LIST-EXTENDED",
    "LIST-STATUS",
    "LITERAL-",
    "MOVE",
    "NAMESPACE",
    "SASL-IR",
    "SEARCHRES",
    "SPECIAL-USE",
    "STATUS=SIZE",
    "UIDPLUS",
    "UNSELECT",
)
"""Extensions of IMAP4rev1 that IMAP4rev2 has in it (RFC 9051 appendix E)."""


@rule("smtp/extension-inventory", Severity.INFO, Rfc(5321, "2.2.2"), IANA_MAIL, since="1.0")
class ExtensionInventory(Finding):
    """What a mail host offers, before TLS and under it.

    ## Why it matters
    You asked for the list (`--inventory`). That an extension is missing is no fault; what its presence costs, the other
    rules of this area tell.

    ## How to fix
    Nothing has to be done.
    """

    message = "{subject} offers in clear: {in_clear}. Under TLS: {under_tls}."
    in_clear: str
    under_tls: str


@check
def extensions_of_mail_hosts_are_listed(offered: SmtpInventory) -> Iterator[Finding]:
    """What an MX host offers is listed."""
    yield ExtensionInventory(
        subject=str(offered.endpoint),
        in_clear=_listed(offered.in_clear),
        under_tls=_listed(offered.under_tls),
        evidence=offered.cites,
    )


@rule("imap/rev2-missing", Severity.INFO, Rfc(9051, "E"), since="1.0")
class Rev2Missing(Finding):
    """An IMAP server offers IMAP4rev1, not IMAP4rev2.

    ## Why it matters
    You asked for the list (`--inventory`). Most servers are of rev1, and every program can use them; what rev2 brought
    in one piece they offer by parts, and many of them only once somebody has logged in.

    ## How to fix
    Nothing has to be done.
    """

    message = (
        "{subject} does not offer IMAP4rev2. Before a login it offers: {offered}. "
        "Of the parts of rev2 it does not name: {parts}."
    )
    offered: str
    parts: str


@check
def imap4rev2_is_offered(offered: ImapInventory) -> Iterator[Finding]:
    """The current version of IMAP is offered."""
    names = offered.under_tls if offered.under_tls is not None else offered.in_clear or ()
    known = {name.upper() for name in names}
    if REV2 not in known:
        # LITERAL+ is more than LITERAL- (RFC 7888 section 4).
        missing = [
            part
            for part in PARTS_OF_REV2
            if part not in known and not (part == "LITERAL-" and "LITERAL+" in known)
        ]
        yield Rev2Missing(
            subject=str(offered.endpoint),
            offered=_listed(names),
            parts=_listed(tuple(missing)),
            evidence=offered.cites,
        )


@rule("tls/extras", Severity.INFO, Rfc(9325, "3.4"), Rfc(9325, "3.8"), since="1.0")
class Extras(Finding):
    """What a server's TLS has beside its handshake.

    ## Why it matters
    You asked for the list (`--inventory`). None of it is a fault; early data and tickets that are good for too long
    have rules of their own.

    ## How to fix
    Nothing has to be done.
    """

    message = (
        "{subject}: application protocol (ALPN) {alpn}; session tickets {tickets}; OCSP response {staple}."
    )
    alpn: str
    tickets: str
    staple: str


@check
def extras_of_tls_are_listed(seen: TlsInventory) -> Iterator[Finding]:
    """What TLS has beside the handshake is listed."""
    tickets = "not seen"
    if seen.tickets is not None:
        tickets = _listed(tuple(f"for {each.lifetime} s" for each in seen.tickets))
    yield Extras(
        subject=str(seen.endpoint),
        alpn=_listed(seen.alpn, "not asked for"),
        tickets=tickets,
        staple="stapled" if seen.stapled else "none",
        evidence=seen.cites,
    )


def _listed(names: tuple[str, ...] | None, unknown: str = "not seen") -> str:
    return unknown if names is None else ", ".join(names) or "none"
