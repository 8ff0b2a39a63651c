"""What the user's own login shows: logins that fail, mailboxes that cannot be used, folders, quota, senders."""

from __future__ import annotations

from collections.abc import Iterator

from diag.api import (
    Certainty,
    Configure,
    DraftPut,
    Finding,
    LoginTried,
    MailboxSeen,
    MaildropSeen,
    MechanismTried,
    Rfc,
    Severity,
    StrangerSender,
    Undecided,
    Verdict,
    check,
    rule,
)

SPECIAL_USES = ("Sent", "Drafts", "Trash", "Junk")
NEAR, FULL = 90, 100
"""Percent."""
NOT_NOW = ("INUSE", "LIMIT", "UNAVAILABLE", "SERVERBUG", "IN-USE", "SYS/TEMP")
"""RFC 5530 section 3, RFC 3206 section 4: these say nothing of the mailbox."""


@rule(
    "access/login-failed",
    Severity.ERROR,
    Rfc(4954, "6"),
    Rfc(5530, "3"),
    Rfc(3206, "5"),
    since="1.0",
)
class LoginFailed(Finding):
    """A server refuses your name and password as wrong.

    ## Why it matters
    A mail program that is set up with them gets no further: no mail is read, or none is sent. Where the same name
    and password do work on another port, that server looks for them in the wrong place.

    ## How to fix
    Make sure that name and password are the right ones, such as by the web mail; many servers want the whole
    address as name. If they are, look into the server's log for the reason: the user database of this service, a
    password kept in a form that the mechanism cannot use (SCRAM and CRAM-MD5 need their own), an account that is
    closed to this protocol.
    """

    message = '{subject} refuses the login with {mechanism}: "{line}".'
    mechanism: str
    line: str


@check
def logins_are_taken(tried: LoginTried) -> Iterator[Finding]:
    """Every port takes the login that was lent."""
    if not tried.taken:
        yield LoginFailed(
            subject=tried.subject,
            mechanism=tried.mechanism,
            line=tried.line.rstrip("."),
            evidence=(tried.cite,),
            # One look, as another failed login might lock the user out.
            certainty=Certainty.LIKELY,
        )


@rule("access/mechanism-fails", Severity.WARNING, Rfc(4954, "3"), Rfc(4954, "6"), since="1.0")
class MechanismFails(Finding):
    """A server offers a way to log in that does not work.

    ## Why it matters
    Mail programs take the strongest way that is offered. Those that take this one cannot log in, while others
    that take a weaker one can, and nobody sees why.

    ## How to fix
    Offer only mechanisms for which the passwords are kept in a fitting form, or keep them in that form: CRAM-MD5
    and SCRAM need secrets of their own, which cannot be made from a hash kept for something else.
    """

    message = '{subject} offers {fails}, and refuses with it the login that it takes with {works}: "{line}".'
    works: str
    fails: str
    line: str


@check
def every_mechanism_offered_works(tried: MechanismTried) -> Iterator[Finding]:
    """Every mechanism that is offered for a login works."""
    if tried.fails:
        host = tried.place.endpoint.host
        yield MechanismFails(
            subject=tried.place.subject,
            works=tried.works,
            fails=tried.fails,
            line=tried.line.rstrip("."),
            evidence=tried.cites,
            certainty=Certainty.LIKELY,
            fix=(Configure(host, f"auth_mechanisms = {_kept(tried)}", "Dovecot"),),
        )


def _kept(tried: MechanismTried) -> str:
    """PLAIN among them: without it Dovecot takes no command LOGIN over IMAP."""
    names = dict.fromkeys(("plain", tried.works.lower()))
    return " ".join(name for name in names if name != tried.fails.lower())


@rule("access/imap-unusable", Severity.ERROR, Rfc(9051, "6.3.2"), Rfc(9051, "5.1"), since="1.0")
class ImapUnusable(Finding):
    """The login over IMAP works, and the inbox cannot be opened.

    ## Why it matters
    A mail program shows an error or an empty mailbox, although mail may well arrive.

    ## How to fix
    Look into the server's log for the reason: often the mail folder has the wrong owner or place, its index is
    damaged, or the file system is full.
    """

    message = "The inbox cannot be used at {subject}: {what}."
    what: str


@check
def the_inbox_can_be_opened(seen: MailboxSeen) -> Iterator[Verdict]:
    """INBOX is there over IMAP and can be opened."""
    selected, listed = seen.visit.selected, seen.visit.listed
    if selected is None:
        yield Undecided("the conversation did not come to opening INBOX", seen.cite(None), seen.subject)
    elif not selected.ok and selected.code in NOT_NOW:
        yield Undecided(
            f"INBOX cannot be opened now: {selected.line}", seen.cite(selected.event), seen.subject
        )
    elif not selected.ok:
        what = f"SELECT INBOX is answered by {selected.line}"
        yield ImapUnusable(subject=seen.subject, what=what, evidence=seen.cite(selected.event))
    elif listed is not None and not listed.ok and listed.line.startswith("OK"):
        what = "LIST does not show INBOX"
        yield ImapUnusable(subject=seen.subject, what=what, evidence=seen.cite(listed.event))


@rule("access/special-use-missing", Severity.INFO, Rfc(6154, "2"), since="1.0")
class SpecialUseMissing(Finding):
    """The server does not tell which folders are for sent mail, drafts, deleted mail and junk.

    ## Why it matters
    Every mail program makes folders with names of its own, in its own language, and people end up with Sent, Sent
    Items and Gesendet side by side.

    ## How to fix
    Mark the folders with their special use, and have them made for new mailboxes.
    """

    message = "{subject} marks no folder for {uses}."
    uses: str


@check
def folders_are_marked_with_their_use(seen: MailboxSeen) -> Iterator[Finding]:
    """Folders for sent mail, drafts, deleted mail and junk are marked as such."""
    marked = seen.visit.special_uses
    missing = [] if marked is None else [use for use in SPECIAL_USES if f"\\{use}" not in marked]
    if missing:
        lines = "\n".join(
            f"  mailbox {use} {{\n    special_use = \\{use}\n    auto = subscribe\n  }}" for use in missing
        )
        yield SpecialUseMissing(
            subject=seen.subject,
            uses=", ".join(missing),
            evidence=seen.cite(seen.visit.special_event),
            fix=(Configure(seen.place.endpoint.host, f"namespace inbox {{\n{lines}\n}}", "Dovecot"),),
        )


@rule("access/pop-unusable", Severity.ERROR, Rfc(1939, "5"), Rfc(1939, "7"), since="1.0")
class PopUnusable(Finding):
    """The login over POP3 works, and the messages cannot be fetched as they should be.

    ## Why it matters
    A mail program that leaves messages on the server knows them by their unique-ids. Without these it fetches everything
    again and again, or leaves messages out.

    ## How to fix
    Look into the server's log for the reason. In Dovecot the form of unique-ids is `pop3_uidl_format`.
    """

    message = "The maildrop cannot be used at {subject}: {what}."
    what: str


@rule("access/pop-ids-alike", Severity.WARNING, Rfc(1939, "7"), since="1.0")
class PopIdsAlike(Finding):
    """Two messages of the maildrop have one unique-id.

    ## Why it matters
    A mail program that leaves messages on the server takes the second one for fetched and leaves it out. Only where
    both are copies of the very same message does nothing get lost: such copies may share one.

    ## How to fix
    Fetch both and compare them. If they differ, the ids are at fault; in Dovecot their form is `pop3_uidl_format`.
    """

    message = "At {subject} two messages have the unique-id {id_shared}."
    id_shared: str


@check
def the_maildrop_can_be_read(seen: MaildropSeen) -> Iterator[Verdict]:
    """STAT and UIDL work over POP3, and every message has a unique-id of its own."""
    visit = seen.visit
    for name, answer in (("STAT", visit.stat), ("UIDL", visit.uidl)):
        if answer is None:
            yield Undecided(f"the conversation did not come to {name}", seen.cite(None), seen.subject)
            return
        if not answer.ok and answer.code in NOT_NOW:
            yield Undecided(f"{name}: {answer.line}", seen.cite(answer.event), seen.subject)
            return
        if not answer.ok and (name == "STAT" or visit.offers_uidl):
            what = f"{name} is answered by {answer.line}"
            yield PopUnusable(subject=seen.subject, what=what, evidence=seen.cite(answer.event))
            return
    cites = seen.cite(visit.uidl.event if visit.uidl else None)
    if visit.twice:
        yield PopIdsAlike(subject=seen.subject, id_shared=visit.twice, evidence=cites)
    elif visit.bad:
        what = f"a unique-id is not of 1 to 70 characters: {visit.bad}"
        yield PopUnusable(subject=seen.subject, what=what, evidence=cites)


class QuotaFinding(Finding):
    """What both rules about the quota say."""

    message = "The mailbox at {subject} is {percent} % full: {used} of {limit} KiB are used."
    percent: int
    used: int
    limit: int


@rule("access/quota-near", Severity.WARNING, Rfc(9208, "5.1"), since="1.0")
class QuotaNear(QuotaFinding):
    """The mailbox is nearly full.

    ## Why it matters
    Once it is full, mail for it bounces, and sent mail and drafts cannot be stored.

    ## How to fix
    Delete what is not needed, beginning with large attachments and the folder for deleted mail, or give the
    mailbox more room.
    """


@rule("access/quota-full", Severity.ERROR, Rfc(9208, "5.1"), since="1.0")
class QuotaFull(QuotaFinding):
    """The mailbox is full.

    ## Why it matters
    Mail for it bounces or waits with its senders, and sent mail and drafts cannot be stored.

    ## How to fix
    Delete what is not needed, beginning with large attachments and the folder for deleted mail, or give the
    mailbox more room.
    """


@check
def the_mailbox_has_room(seen: MailboxSeen) -> Iterator[Finding]:
    """The mailbox has room for more mail."""
    storage = [quota for quota in seen.visit.quotas if quota.resource == "STORAGE" and quota.limit]
    worst = max(storage, key=lambda quota: quota.percent, default=None)
    if worst is not None and worst.percent >= NEAR:
        kind = QuotaFull if worst.percent >= FULL else QuotaNear
        yield kind(
            subject=seen.subject,
            percent=worst.percent,
            used=worst.used,
            limit=worst.limit,
            evidence=seen.cite(worst.event),
        )


@rule("access/from-unrestricted", Severity.ERROR, Rfc(6409, "6.1"), since="1.0")
class FromUnrestricted(Finding):
    """Whoever has a mailbox can send in the name of any other.

    ## Why it matters
    One stolen password is enough to write as the management, and such mail passes SPF, DKIM and DMARC: it is
    genuine in all that receivers can see. The standard allows a server to refuse that, and does not demand it.

    ## How to fix
    Let the submission server take a sender only from the login that it belongs to; for roles that several
    people write as, list who may.
    """

    message = "{subject} lets {login} send as {stranger}, which is nobody's."
    login: str
    stranger: str


@check
def senders_are_those_logged_in(sender: StrangerSender) -> Iterator[Finding]:
    """A submission server takes a sender only from the login it belongs to."""
    if sender.accepted:
        host = sender.place.endpoint.host
        yield FromUnrestricted(
            subject=sender.place.subject,
            login=sender.login,
            stranger=sender.stranger,
            evidence=(sender.cite,),
            # The right to send as anybody at all may have been given to this very login.
            certainty=Certainty.LIKELY,
            fix=(
                Configure(
                    host,
                    "# everybody's sender and login in that file first, then postmap it\n"
                    "smtpd_sender_login_maps = $default_database_type:/etc/postfix/sender_login",
                    "Postfix main.cf",
                ),
                Configure(
                    host,
                    "# to each of the services submission and submissions\n"
                    "  -o smtpd_sender_restrictions=reject_authenticated_sender_login_mismatch",
                    "Postfix master.cf",
                ),
            ),
        )


@rule("access/append-refused", Severity.NOTICE, Rfc(9051, "6.3.12"), since="1.0")
class AppendRefused(Finding):
    """The server does not let a mail program store a draft.

    ## Why it matters
    What people write and send is kept by the same way: drafts get lost, and sent mail is nowhere to be found.

    ## How to fix
    Look into the server's log for the reason: often the folder has the wrong owner, or is read-only.
    """

    message = '{subject} refuses to store a draft in {folder}: "{line}".'
    folder: str
    line: str


@check
def drafts_can_be_stored(draft: DraftPut) -> Iterator[Verdict]:
    """A mail program can store a draft."""
    if not draft.taken and draft.code in ("TRYCREATE", "OVERQUOTA", *NOT_NOW):
        yield Undecided(f"the draft was not stored: {draft.line}", (draft.cite,), draft.place.subject)
    elif not draft.taken:
        yield AppendRefused(
            subject=draft.place.subject,
            folder=draft.folder,
            line=draft.line.rstrip("."),
            evidence=(draft.cite,),
        )
