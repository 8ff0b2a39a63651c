"""What a message that arrived tells of its way: hops, what the receiver found, signatures, and what was changed."""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from email.utils import getaddresses

from diag.facts.round_trip import Arrival, MessageSubmitted, Signature
from diag.message.auth_results import Found as Result, parse_auth_results
from diag.message.header import Message, parse_message
from diag.message.trace import hops
from diag.model.knowing import Unavailable
from diag.names.registered import registrable
from diag.probes.probe import Lab
from diag.records.tags import TagList

from .dns import Found, look_up

MOST_SIGNATURES = 8
COMPARED = ("From", "To", "Subject", "Message-ID")
"""Header fields that nobody on the way has a reason to change."""


async def arrived(
    sent: MessageSubmitted, octets: bytes, receivers: tuple[str, ...], began: datetime, lab: Lab
) -> Arrival:
    """What is told by the message's octets; where and when it was found is for the caller to say."""
    message = parse_message(octets)
    authserv_id, results = _results(message, receivers)
    signatures = await _signatures(octets, message, lab)
    greylist = " ".join((*message.all("x-greylist"), *message.all("x-greylisting"))).lower()
    return Arrival(
        folder="",
        junk=False,
        seconds=0.0,
        hops=hops(message.all("received"), began),
        authserv_id=authserv_id,
        results=results,
        signatures=signatures,
        changes=_changes(sent, message),
        broken=_broken(results, signatures),
        greylisted="delayed" in greylist,
        listed=bool(message.all("list-id") or message.all("list-post")),
        removed=False,
        cite=sent.cite,
    )


def _results(message: Message, receivers: tuple[str, ...]) -> tuple[str, tuple[Result, ...]]:
    """The fields that the receiver itself wrote; anybody can write others (RFC 8601 section 5)."""
    fields = [parse_auth_results(value) for value in message.all("authentication-results")]
    own = {name.lower() for name in receivers}
    bases = {base for name in own if (base := registrable(name))}
    trusted = next(
        (
            field.authserv_id
            for field in fields
            if field.authserv_id in own or registrable(field.authserv_id) in bases
        ),
        "",
    )
    found = (each for field in fields if trusted and field.authserv_id == trusted for each in field.found)
    return trusted, tuple(found)


async def _signatures(octets: bytes, message: Message, lab: Lab) -> tuple[Signature, ...]:
    """Every signature as it verifies now, with keys asked for through the lab."""
    found = []
    for number, value in enumerate(message.all("dkim-signature")[:MOST_SIGNATURES]):
        tags = {tag.name: re.sub(r"\s", "", tag.value) for tag in TagList.parse(value).tags}
        domain, selector = tags.get("d", "").lower(), tags.get("s", "")
        looked = await look_up(lab, f"{selector}._domainkey.{domain}", "TXT") if domain and selector else None
        if looked is None or isinstance(looked, Unavailable):
            because = looked.because if looked is not None else "the signature names no key"
            found.append(Signature(domain=domain, selector=selector, valid=None, because=because))
            continue
        bare = Signature(domain=domain, selector=selector, valid=None)
        if isinstance(looked, Found):
            found.append(_verified(octets, number, looked.texts()[0], bare))
        else:
            found.append(_with(bare, False, "there is no key"))
    return tuple(found)


def _verified(octets: bytes, number: int, key: str, signature: Signature) -> Signature:
    """One signature against the text of its key record."""
    import dkim  # it takes its time to load

    def answer(name: object, timeout: int = 0) -> bytes:
        return key.encode("latin-1", "replace")

    try:
        valid = bool(dkim.DKIM(octets, minkey=512).verify(number, dnsfunc=answer))
    except Exception as error:  # the library has many names for octets that are no signature
        return _with(signature, False, str(error) or type(error).__name__)
    return _with(signature, valid, "" if valid else "it does not verify")


def _with(signature: Signature, valid: bool, because: str) -> Signature:
    return Signature(domain=signature.domain, selector=signature.selector, valid=valid, because=because[:200])


def _changes(sent: MessageSubmitted, message: Message) -> tuple[str, ...]:
    """What is not as it was written: RFC 6409 section 8 lets a server add what is missing, and no more."""
    end = sent.lines.index("")
    written = dict(line.split(": ", 1) for line in sent.lines[:end])
    changed = [name for name in COMPARED if _meant(name, message.first(name)) != _meant(name, written[name])]
    text = _text(message).decode("ascii", "replace").replace("\r\n", "\n").rstrip()
    if text != "\n".join(sent.lines[end + 1 :]).rstrip():
        changed.append("the text")
    return tuple(changed)


def _meant(name: str, value: str) -> object:
    """A field without what changes nothing: of whom it names the mailboxes count, and not how they are written."""
    return [mailbox for _, mailbox in getaddresses([value])] if name in ("From", "To") else value


def _text(message: Message) -> bytes:
    """The text as it is read: in what encoding it travels is the servers' business (RFC 6409 section 8.4)."""
    encoding = message.first("Content-Transfer-Encoding").strip().lower()
    if encoding == "quoted-printable":
        return binascii.a2b_qp(message.body)
    if encoding == "base64":
        with suppress(binascii.Error):
            return binascii.a2b_base64(message.body)
    return message.body


def _broken(results: Iterable[Result], signatures: Iterable[Signature]) -> tuple[str, ...]:
    """Signing domains found good by the receiver, of which no signature is good in the mailbox."""
    good = {each.properties.get("header.d", "").lower() for each in results if _passes(each)} - {""}
    still = {each.domain for each in signatures if each.valid is not False}
    had = {each.domain for each in signatures}
    return tuple(sorted((good & had) - still))


def _passes(result: Result) -> bool:
    return result.method == "dkim" and result.result == "pass"
