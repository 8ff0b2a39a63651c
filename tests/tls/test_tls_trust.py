"""The trust store as a probe: only what a chain could lead to is handed out."""

from pathlib import Path

import anyio
import pytest
from tls_peers import CA, HOST, MOMENT

from diag.lab.live.live import Means
from diag.lab.live.trust import load, system_store, trust_anchors
from diag.probes.trust import Anchors, TrustAnchors
from diag.sandbox.authority import Authority, pem
from diag.tls.chain import issuers_of, judge

STRANGER = Authority(MOMENT, "Stranger")


def look(issuers: tuple[bytes, ...], place: Path) -> Anchors:
    async def main() -> Anchors:
        found = await trust_anchors.function(TrustAnchors(issuers), Means(ca_file=place))
        assert isinstance(found, Anchors)
        return found

    return anyio.run(main)


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    place = tmp_path / "roots.pem"
    place.write_bytes(
        b"# a comment\n" + CA.ca_pem + b"\n" + STRANGER.ca_pem + b"-----BEGIN CERTIFICATE-----\n%%%\n"
    )
    return place


def test_only_the_issuers_of_a_chain_come_back(bundle: Path) -> None:
    chain = CA.valid(HOST).chain
    found = look(issuers_of(chain), bundle)
    assert (found.store, found.count, found.roots, found.trouble) == (str(bundle), 2, (CA.root,), "")
    assert judge(chain, (HOST,), found.roots, MOMENT).good


def test_an_unknown_issuer(bundle: Path) -> None:
    found = look((b"\x30\x00",), bundle)
    assert (found.count, found.roots) == (2, ())


def test_a_directory_with_the_same_certificate_twice(tmp_path: Path) -> None:
    (tmp_path / "a.pem").write_bytes(CA.ca_pem)
    (tmp_path / "b.pem").write_bytes(CA.ca_pem + pem(STRANGER.root))
    (tmp_path / "sub").mkdir()
    assert look(issuers_of((CA.root,)), tmp_path) == Anchors(str(tmp_path), 2, (CA.root,))


def test_a_replaced_file_is_read_again(bundle: Path) -> None:
    assert load(bundle, 1).count == 2
    bundle.write_bytes(CA.ca_pem)
    assert load(bundle, 1).count == 2
    assert load(bundle, 2).count == 1


def test_no_such_store(tmp_path: Path) -> None:
    found = look((), tmp_path / "absent.pem")
    assert (found.count, found.roots) == (0, ())
    assert found.trouble


def test_the_machines_own_store() -> None:
    """Every machine has one, if only the copy that certifi brings."""
    place = system_store()
    if place is None:
        pytest.skip("neither a system store nor certifi is on this machine")
    assert load(place, 0).count > 20
