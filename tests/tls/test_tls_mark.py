"""Mark certificates: what receivers refuse, and that nothing in one does harm."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime

import anyio
import pytest
from cryptography import x509
from hypothesis import given, settings, strategies as st

from diag.lab.live.live import Means
from diag.lab.live.marks import mark_anchors, store
from diag.probes.marks import MarkAnchors
from diag.sandbox.authority import DAY, Authority, key_of, pem
from diag.sandbox.marks import KINDS, logotype, mark_certificate
from diag.tls.certificate import read
from diag.tls.mark import LOGOTYPE, MarkFault, certificates_in, judge_mark, logo_in

MOMENT = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
CA = Authority(MOMENT)
LOGO = b"<svg/>"
NAMES = ("orchard.example", "default._bimi.orchard.example")


def judged(kind: str, names: tuple[str, ...] = ("orchard.example",), roots: tuple[bytes, ...] = (CA.root,)):  # type: ignore[no-untyped-def]
    return judge_mark(certificates_in(mark_certificate(CA, kind, names, LOGO)), NAMES, roots, MOMENT)


@pytest.mark.parametrize(
    ("kind", "faults"),
    [
        ("valid", ()),
        ("expiring", ()),
        ("expired", (MarkFault.EXPIRED,)),
        ("for-servers", (MarkFault.NO_USAGE,)),
        ("private", (MarkFault.UNTRUSTED,)),
        ("without-logo", (MarkFault.NO_LOGO,)),
    ],
)
def test_kinds(kind: str, faults: tuple[MarkFault, ...]) -> None:
    assert judged(kind).faults == faults


@pytest.mark.parametrize(
    ("names", "fits"),
    [
        (("orchard.example",), True),
        (("Orchard.Example",), True),
        (("torch.example", "default._bimi.orchard.example"), True),
        (("*.example",), False),
        (("news.orchard.example",), False),
        (("other._bimi.orchard.example",), False),
    ],
)
def test_names_are_compared_as_they_are(names: tuple[str, ...], fits: bool) -> None:
    assert (MarkFault.OTHER_NAMES not in judged("valid", names).faults) is fits


def test_the_logo_is_found_as_it_was_put_in() -> None:
    logo = judged("valid").logo
    assert logo is not None
    assert gzip.decompress(logo) == LOGO


def test_what_is_no_certificate_is_unreadable() -> None:
    assert judge_mark((b"nothing",), NAMES, (CA.root,), MOMENT).faults == (MarkFault.UNREADABLE,)


def test_certificates_in_a_file() -> None:
    text = b"Bag Attributes\n" + pem(CA.root) + b"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n"
    assert certificates_in(text + pem(CA.intermediate)) == (CA.root, CA.intermediate)
    assert certificates_in(b"-----BEGIN CERTIFICATE-----\nA\n-----END CERTIFICATE-----\n") == ()
    assert len(certificates_in(pem(CA.root) * 100)) == 24


def with_extension(octets: bytes) -> bytes:
    extension = x509.UnrecognizedExtension(x509.ObjectIdentifier(LOGOTYPE), octets)
    return CA.issue("mark", key_of("mark"), names=NAMES, extensions=((extension, False),))


@settings(max_examples=60)
@given(
    st.binary(max_size=64)
    | st.tuples(st.integers(0, 200), st.binary(max_size=3)).map(
        lambda change: logotype(LOGO)[: change[0]] + change[1] + logotype(LOGO)[change[0] + 1 :]
    )
)
def test_nothing_in_the_extension_raises(octets: bytes) -> None:
    logo_in(with_extension(octets))


def test_a_logo_of_another_kind_is_none() -> None:
    assert (
        logo_in(with_extension(logotype(LOGO).replace(b"data:image/svg+xml", b"data:image/gif+xml"))) is None
    )
    assert logo_in(CA.root) is None


def test_the_authorities_known_to_checkdmarc() -> None:
    """They are read without importing it, and found by their names."""
    place = store()
    assert place is not None
    roots = certificates_in(place.read_bytes())
    assert roots
    wanted = tuple(read(der).subject_der for der in roots)

    async def asked(names: tuple[bytes, ...]) -> tuple[int, int]:
        found = await mark_anchors.function(MarkAnchors(names), Means())
        return found.count, len(found.roots)

    assert anyio.run(asked, wanted) == (len(roots), len(roots))
    assert anyio.run(asked, ()) == (len(roots), 0)


def test_every_kind_can_be_made_and_read() -> None:
    for kind in KINDS:
        (leaf, *_) = certificates_in(mark_certificate(CA, kind, NAMES, LOGO))
        assert not read(leaf).problem
    assert judged("expiring").chain.leaf.not_after - MOMENT < 14 * DAY
