"""What a message that arrived tells: whose results count, which signatures hold, and what was changed."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

import anyio
import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from zoned_lab import ZonedLab

from diag.facts.round_trip import Arrival, MessageSubmitted
from diag.gather.arrivals import arrived
from diag.model.knowing import Cite
from diag.model.target import Endpoint
from diag.names.domain import domain

KEY = rsa.generate_private_key(65537, 1024)
PEM = KEY.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
PUBLIC = base64.b64encode(
    KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
).decode()
LINES = (
    "From: <a@d.example>",
    "To: <a@d.example>",
    "Subject: maildiag round trip n",
    "Message-ID: <n.round-trip@d.example>",
    "",
    "The text.",
)
SENT = MessageSubmitted(
    mailbox="a@d.example",
    endpoint=Endpoint("mail.d.example", "192.0.2.1", 465),
    mechanism="PLAIN",
    message_id="n.round-trip@d.example",
    subject="round trip n",
    lines=LINES,
    accepted=True,
    rejected=False,
    line="250 Ok",
    cite=Cite(None),
)
PLAIN = "".join(f"{line}\r\n" for line in LINES).encode()


def signed(octets: bytes = PLAIN) -> bytes:
    return bytes(dkim.sign(octets, b"s1", b"d.example", PEM)) + octets


def told(octets: bytes, key: str = f"v=DKIM1; p={PUBLIC}") -> Arrival:
    strings = " ".join(f'"{key[at : at + 200]}"' for at in range(0, len(key), 200))
    lab = ZonedLab(f"s1._domainkey.d.example. 60 IN TXT {strings}\n" if key else "d.example. 60 IN TXT x\n")
    receivers = (domain("d.example"), "mx1.provider.example", "imap.d.example")

    async def run() -> Arrival:
        return await arrived(SENT, octets, receivers, datetime(2026, 11, 21, tzinfo=UTC), lab)

    return anyio.run(run)


def test_what_is_as_it_was_written_has_no_changes() -> None:
    assert told(PLAIN).changes == ()
    assert told(b"Received: by x; y\r\n" + PLAIN + b"\r\n").changes == ()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"\r\n\r\nThe text.", b"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nThe =74e=\r\nxt."),
        (b"\r\n\r\nThe text.", b"\r\nContent-Transfer-Encoding: BASE64\r\n\r\nVGhlIHRl\r\neHQu"),
        (b"From: <a@d.example>", b"From: Anna <a@d.example>"),
        (b"To: <a@d.example>", b"To: a@d.example"),
    ],
)
def test_what_reads_alike_is_not_changed(before: bytes, after: bytes) -> None:
    assert told(PLAIN.replace(before, after)).changes == ()


@pytest.mark.parametrize(
    ("before", "after", "changes"),
    [
        (b"From: <a@", b"From: <b@", ("From",)),
        (b"Subject: ", b"Subject: [list] ", ("Subject",)),
        (b"Message-ID: <n", b"Message-ID: <m", ("Message-ID",)),
        (b"text.", b"text.\r\n--\r\nCompany", ("the text",)),
        (b"\r\n\r\nThe", b"\r\nContent-Transfer-Encoding: base64\r\n\r\nVGhlI", ("the text",)),
        (b"From: <a@d.example>", b"From: Anna <a@d.example>, b@d.example", ("From",)),
        (b"From: <a@d.example>\r\n", b"", ("From",)),
    ],
)
def test_what_was_changed_is_named(before: bytes, after: bytes, changes: tuple[str, ...]) -> None:
    assert told(PLAIN.replace(before, after)).changes == changes


def test_signatures_are_verified_with_keys_out_of_the_lab() -> None:
    (good,) = told(signed()).signatures
    assert (good.domain, good.selector, good.valid) == ("d.example", "s1", True)
    (broken,) = told(signed().replace(b"The text.", b"Another.")).signatures
    assert broken.valid is False
    assert broken.because
    (keyless,) = told(signed(), key="").signatures
    assert (keyless.valid, keyless.because) == (False, "there is no key")


def test_a_key_that_could_not_be_had_decides_nothing() -> None:
    lab = ZonedLab("d.example. 60 IN TXT x\n", fails={("s1._domainkey.d.example", "TXT"): "servfail"})

    async def run() -> Arrival:
        return await arrived(SENT, signed(), ("d.example",), datetime(2026, 11, 21, tzinfo=UTC), lab)

    (signature,) = anyio.run(run).signatures
    assert signature.valid is None


RESULTS = b"Authentication-Results: %s; dkim=pass header.d=d.example\r\n"


@pytest.mark.parametrize(
    ("writer", "counts"),
    [
        (b"d.example", True),
        (b"mx1.provider.example", True),
        (b"filter.provider.example", True),
        (b"forged.example", False),
        (b"notd.example", False),
    ],
)
def test_only_the_receivers_own_results_count(writer: bytes, counts: bool) -> None:
    arrival = told(RESULTS % writer + PLAIN)
    assert arrival.authserv_id == (writer.decode() if counts else "")
    assert bool(arrival.results) is counts


def test_of_two_that_could_be_the_receivers_the_topmost_counts() -> None:
    lower = b"Authentication-Results: other.d.example; dkim=fail header.d=d.example\r\n"
    arrival = told(RESULTS % b"mx.d.example" + lower + PLAIN)
    assert (arrival.authserv_id, len(arrival.results)) == ("mx.d.example", 1)


def test_a_signature_that_was_good_and_is_broken_was_broken_on_the_way() -> None:
    broken = signed().replace(b"The text.", b"Another.")
    assert told(RESULTS % b"d.example" + broken).broken == ("d.example",)
    assert told(RESULTS % b"forged.example" + broken).broken == ()
    assert told(RESULTS % b"d.example" + signed()).broken == ()
    assert told(RESULTS % b"d.example" + PLAIN).broken == (), "there is no signature left to be broken"


def test_who_made_it_wait_and_who_sent_it_to_many() -> None:
    assert told(b"X-Greylist: delayed 300 seconds by postgrey\r\n" + PLAIN).greylisted
    assert not told(b"X-Greylist: Sender IP whitelisted\r\n" + PLAIN).greylisted
    assert told(b"List-Id: <l.d.example>\r\n" + PLAIN).listed
