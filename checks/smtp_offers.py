"""Port 25 of the MX hosts: whether what is offered after EHLO is written well, and whether it fits together."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator

from diag.api import (
    Cite,
    Document,
    EhloReply,
    Finding,
    InboundOffer,
    Rfc,
    Severity,
    Target,
    as_cites,
    check,
    rule,
    with_keyword,
)

from .smtp_commands import SMALLEST_SIZE
from .smtp_settings import ORDINARY_SIZE, postfix_size, settings

Lines = Callable[[Callable[[EhloReply], bool]], tuple[Cite, ...]]
"""From what is looked for to the lines of a reply that offer it."""
OBSOLETE = ("TURN", "SEND", "SOML", "SAML")
"""Commands that RFC 5321 (appendix F.1, F.6) retired."""
SMALL_SIZE = 10_485_760
"""Octets; base64 makes a file larger by 37 %, so that this is a file of some 7 MB."""
FEWEST_RECIPIENTS = 100
"""Recipients of one message that every server must take (RFC 5321 section 4.5.3.1.8)."""
COUNTED = ("MAILMAX", "RCPTMAX", "RCPTDOMAINMAX")
"""Limits whose values are numbers (RFC 9422 sections 4.1 to 4.3)."""
_COUNT = re.compile("[1-9][0-9]{0,5}")
_LIMIT = re.compile("[A-Za-z0-9_-]+(?:=[\x21-\x3a\x3c-\x7e]+)?")


@rule("smtp/ehlo-keyword-syntax", Severity.NOTICE, Rfc(5321, "4.1.1.1"), since="1.0")
class EhloKeywordSyntax(Finding):
    """A mail host's list of what it can do has a line that is no keyword.

    ## Why it matters
    Senders skip what they cannot read, and the strict ones stop reading: what was to be offered there is not used.

    ## How to fix
    Correct the line: a keyword has letters, digits and hyphens, and what follows it is plain ASCII.
    """

    message = '{subject} offers "{line}", which is no keyword.'
    line: str


@rule("smtp/ehlo-duplicate-keyword", Severity.NOTICE, Rfc(5321, "4.1.1.1"), since="1.0")
class EhloDuplicateKeyword(Finding):
    """A mail host offers one thing twice, and differently.

    ## Why it matters
    Some senders heed the first line, some the last. Which limit or which logins hold is a matter of luck.

    ## How to fix
    Leave one of the lines; look for two programs, or two settings, that both add it.
    """

    message = "{subject} offers {keyword} twice: {lines}."
    keyword: str
    lines: str


@rule("smtp/obsolete-verbs", Severity.NOTICE, Rfc(5321, "F"), since="1.0")
class ObsoleteVerbs(Finding):
    """A mail host offers commands that were retired long ago.

    ## Why it matters
    Nobody needs them. With TURN a stranger could fetch mail that waits for somebody else.

    ## How to fix
    Switch them off; where that cannot be done, the software is due for replacement.
    """

    message = "{subject} offers {verbs}."
    verbs: str


@rule("smtp/size-malformed", Severity.NOTICE, Rfc(1870, "4"), since="1.0")
class SizeMalformed(Finding):
    """A mail host tells the largest message it takes in a way that nobody understands.

    ## Why it matters
    Senders cannot tell that a message is too large before they have sent all of it.

    ## How to fix
    Let `SIZE` be followed by one number of octets, without unit or punctuation.
    """

    message = '{subject} offers "{line}".'
    line: str


@rule("smtp/size-small", Severity.NOTICE, Rfc(1870, "4"), since="1.0")
class SizeSmall(Finding):
    """A mail host takes no large messages.

    ## Why it matters
    An attachment grows by more than a third on its way. Mail with a few photographs is returned to its author.

    ## How to fix
    Raise the limit, unless you want it; 25 MB or more is usual.
    """

    message = "{subject} takes messages of at most {size} octets."
    size: int


@check
def the_list_of_offers_is_well_written(offer: InboundOffer) -> Iterator[Finding]:
    """What is offered after EHLO follows the grammar, and says each thing once."""
    subject, told = str(offer.endpoint), set[type[Finding]]()
    for reply, lines in _replies(offer):
        for finding in (*_written(subject, reply, lines), *_sized(subject, offer, reply, lines)):
            if type(finding) not in told:
                told.add(type(finding))
                yield finding


def _replies(offer: InboundOffer) -> Iterator[tuple[EhloReply, Lines]]:
    """The reply under TLS, which is what senders go by in the end, and then that in clear; each with its lines."""
    if offer.tls is not None:
        yield offer.tls, offer.under_tls
    yield offer.clear, offer.in_clear


def _written(subject: str, reply: EhloReply, lines: Lines) -> Iterator[Finding]:
    odd = [each.line for each in reply.offered if not each.well_formed]
    if odd:
        shown = lines(lambda line: any(each.line == odd[0] for each in line.offered))
        yield EhloKeywordSyntax(subject=subject, line=odd[0], evidence=shown)
    kinds: dict[str, list[str]] = defaultdict(list)
    for each in reply.offered:
        words = " ".join((each.name, *each.parameters))
        if words not in kinds[each.name]:  # the same again harms nobody
            kinds[each.name].append(words)
    twice = next((name for name, said in kinds.items() if len(said) > 1), None)
    if twice is not None:
        shown = lines(with_keyword(twice))
        yield EhloDuplicateKeyword(
            subject=subject, keyword=twice, lines="; ".join(kinds[twice]), evidence=shown
        )
    old = [verb for verb in OBSOLETE if reply.offers(verb)]
    if old:
        yield ObsoleteVerbs(subject=subject, verbs=", ".join(old), evidence=lines(with_keyword(*old)))


def _sized(subject: str, offer: InboundOffer, reply: EhloReply, lines: Lines) -> Iterator[Finding]:
    said = [each for each in reply.offered if each.name == "SIZE"]
    if len(said) != 1 or not said[0].parameters:  # no limit is told; two limits are told of above
        return
    number, shown = said[0].parameters[0], lines(with_keyword("SIZE"))
    if len(said[0].parameters) > 1 or not (number.isascii() and number.isdigit() and len(number) <= 20):
        yield SizeMalformed(subject=subject, line=said[0].line, evidence=shown)
    elif SMALLEST_SIZE <= int(number) < SMALL_SIZE:
        fix = settings(offer.look, Postfix=postfix_size(ORDINARY_SIZE), Exim="message_size_limit = 50M")
        yield SizeSmall(subject=subject, size=int(number), evidence=shown, fix=fix)


@rule("smtp/no-8bitmime", Severity.NOTICE, Rfc(6152, "3"), since="1.0")
class No8BitMime(Finding):
    """A mail host does not say that it takes letters beyond ASCII.

    ## Why it matters
    Senders must write such mail anew for it, which breaks its signature (DKIM), or return it.

    ## How to fix
    Every mail server of this century can do it: switch 8BITMIME on, or look for what takes it off the list.
    """

    message = "{subject} does not offer 8BITMIME."


@rule("smtp/no-smtputf8", Severity.INFO, Rfc(6531, "3.2"), since="1.0")
class NoSmtputf8(Finding):
    """A mail host takes no mail from or to addresses with letters beyond ASCII.

    ## Why it matters
    People with such addresses cannot write here. There are few of them yet.

    ## How to fix
    Switch SMTPUTF8 on where the server and the mailboxes behind it can do it.
    """

    message = "{subject} does not offer SMTPUTF8."


@rule("smtp/smtputf8-without-8bitmime", Severity.NOTICE, Rfc(6531, "3.1"), since="1.0")
class Smtputf8Without8BitMime(Finding):
    """A mail host offers international addresses without what they build on.

    ## Why it matters
    The standard demands both together. What senders do with one alone is not said: such mail may be returned.

    ## How to fix
    Switch 8BITMIME on as well, or look for what takes it off the list.
    """

    message = "{subject} offers SMTPUTF8 without 8BITMIME."


@rule("smtp/binarymime-without-chunking", Severity.NOTICE, Rfc(3030, "3"), since="1.0")
class BinaryMimeWithoutChunking(Finding):
    """A mail host offers to take raw data without the command that it needs.

    ## Why it matters
    Raw data can be sent in chunks only. Senders cannot use the offer.

    ## How to fix
    Offer CHUNKING as well, or take BINARYMIME off the list.
    """

    message = "{subject} offers BINARYMIME without CHUNKING."


@check
def offers_fit_together(offer: InboundOffer, target: Target) -> Iterator[Finding]:
    """What senders need is offered, and nothing without what it builds on."""
    subject, best, cites = str(offer.endpoint), offer.tls or offer.clear, offer.cites[-1:]
    if best.offers("BINARYMIME") and not best.offers("CHUNKING"):
        shown = as_cites(offer.in_the_end(with_keyword("BINARYMIME")), cites)
        yield BinaryMimeWithoutChunking(subject=subject, evidence=shown)
    if best.offers("SMTPUTF8"):
        if not best.offers("8BITMIME"):
            shown = as_cites(offer.in_the_end(with_keyword("SMTPUTF8")), cites)
            yield Smtputf8Without8BitMime(subject=subject, evidence=shown)
    elif best.offers("8BITMIME"):
        if not target.own_mailbox.isascii():  # graver, and told by itself
            return
        yield NoSmtputf8(
            subject=subject, evidence=cites, fix=settings(offer.look, Postfix="smtputf8_enable = yes")
        )
    elif not offer.clear.offers("8BITMIME"):
        yield No8BitMime(subject=subject, evidence=offer.cites)


@rule("smtp/limits-malformed", Severity.NOTICE, Rfc(9422, "3"), Rfc(9422, "3.7"), Rfc(9422, "4"), since="1.0")
class LimitsMalformed(Finding):
    """A mail host tells its limits in a way that nobody understands.

    ## Why it matters
    Senders cannot heed a limit that they cannot read, and run into it.

    ## How to fix
    Let each limit be a name, an equals sign and a positive number of at most six digits, as in
    `LIMITS RCPTMAX=1000 MAILMAX=100`.
    """

    message = '{subject} offers the limit "{item}".'
    item: str


@rule(
    "smtp/rcptmax-low",
    Severity.NOTICE,
    Rfc(5321, "4.5.3.1.8"),
    Rfc(9422, "4.2"),
    Rfc(9422, "3.5"),
    since="1.0",
)
class RcptmaxLow(Finding):
    """A mail host takes fewer recipients of one message than it must.

    ## Why it matters
    Mail to many people of the domain arrives in several portions, late.

    ## How to fix
    Raise the limit to 100 at least.
    """

    message = "{subject} takes {count} recipients of one message."
    count: int


@check
def limits_can_be_read_and_kept(offer: InboundOffer) -> Iterator[Finding]:
    """Limits are written as the standard has it, and leave room for ordinary mail."""
    subject, lines = str(offer.endpoint), offer.in_the_end(with_keyword("LIMITS"))
    items = (offer.tls or offer.clear).keywords.get("LIMITS", ())
    limits = [tuple(item.partition("=")) for item in items]
    broken = [item for item in items if not _LIMIT.fullmatch(item)]
    odd = broken or [
        name + sign + value
        for name, sign, value in limits
        if name.upper() in COUNTED and not _COUNT.fullmatch(value)
    ]
    if odd:
        yield LimitsMalformed(subject=subject, item=odd[0], evidence=lines)
    # One limit that breaks the grammar voids all of them, a wrong number itself alone (RFC 9422 section 3.7).
    counts = [
        int(value) for name, _, value in limits if name.upper() == "RCPTMAX" and _COUNT.fullmatch(value)
    ]
    if not broken and counts and min(counts) < FEWEST_RECIPIENTS:
        yield RcptmaxLow(subject=subject, count=min(counts), evidence=lines)


@rule("smtp/requiretls-in-clear", Severity.NOTICE, Rfc(8689, "2"), since="1.0")
class RequireTlsInClear(Finding):
    """A mail host offers REQUIRETLS before there is TLS.

    ## Why it matters
    REQUIRETLS asks for mail to travel under TLS all the way. Without TLS the promise is void: the standard has it
    made in the reply to EHLO after STARTTLS.

    ## How to fix
    Offer it in the reply to EHLO under TLS only.
    """

    message = "{subject} offers REQUIRETLS in plain text."


@rule("smtp/extensions-lost-under-tls", Severity.NOTICE, Rfc(3207, "4.2"), since="1.0")
class ExtensionsLostUnderTls(Finding):
    """A mail host offers less under TLS than in plain text.

    ## Why it matters
    Nearly all mail comes under TLS: what is missing there is never used, and most often nobody meant it so.

    ## How to fix
    Compare the settings for connections with and without TLS. A proxy that ends TLS may have a list of its own.
    """

    message = "{subject} no longer offers {keywords} under TLS."
    keywords: str


@check
def tls_changes_what_it_should(offer: InboundOffer) -> Iterator[Finding]:
    """TLS takes STARTTLS off the list of offers, and nothing else; REQUIRETLS comes with it."""
    subject = str(offer.endpoint)
    if offer.clear.offers("REQUIRETLS"):
        yield RequireTlsInClear(subject=subject, evidence=offer.in_clear(with_keyword("REQUIRETLS")))
    if offer.tls is not None:
        kept = {_bare(name) for name in offer.tls.keywords}
        # Told by themselves: REQUIRETLS in clear, and logins, which belong to other ports.
        gone = [name for name in offer.clear.keywords if _bare(name) not in {*kept, *_MAY_GO}]
        if gone:
            shown = as_cites(offer.in_clear(with_keyword(*gone)), offer.cites[1:])
            yield ExtensionsLostUnderTls(subject=subject, keywords=", ".join(gone), evidence=shown)


_MAY_GO = ("STARTTLS", "REQUIRETLS", "AUTH", "XCLIENT", "XFORWARD")


def _bare(name: str) -> str:
    return name.removesuffix("=")


@rule(
    "smtp/xforward-offered",
    Severity.NOTICE,
    Document("Postfix XFORWARD Howto", "https://www.postfix.org/XFORWARD_README.html"),
    since="1.0",
)
class XforwardOffered(Finding):
    """A mail host lets strangers say what is to stand in its log.

    ## Why it matters
    With XFORWARD a client has its mail logged under another name and address. Whoever looks into the log after
    an attack is led astray.

    ## How to fix
    Allow XFORWARD to your own proxies and filters only.
    """

    message = "{subject} offers XFORWARD to strangers."


@check
def xforward_is_not_offered(offer: InboundOffer) -> Iterator[Finding]:
    """XFORWARD is not offered to strangers."""
    if any(reply.offers("XFORWARD") and not reply.offers("XCLIENT") for reply, _ in _replies(offer)):
        fix = settings(offer.look, Postfix="smtpd_authorized_xforward_hosts = (empty, or your own proxies)")
        shown = offer.anywhere(with_keyword("XFORWARD"))
        yield XforwardOffered(subject=str(offer.endpoint), evidence=shown, fix=fix)
