"""The list of known private keys: asked where it is, missed by nobody where it is not, and never the end of us."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import anyio
import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519

from checks.dkim import dkim_key_is_secret
from diag.facts.dkim import DkimKeyFound, Selector, Source
from diag.facts.known_keys import known_key_words
from diag.lab.live.live import Live, Means
from diag.lab.tape import Tape
from diag.model.finding import Severity
from diag.probes.known_keys import KeyListing, KnownKey
from diag.probes.probe import Probe
from diag.records.dkim import DkimKey
from diag.run.registry import load
from diag.sandbox.authority import Authority, key_of
from diag.tls.key_number import key_number, unsigned

ON, OFF = KnownKey(b"\xc0\xff\xee"), KnownKey(b"\x01\x02")
ENTRY = hashlib.sha256(ON.number).digest()[:15] + b"\x01"
"""What badkeys keeps of a key: fifteen octets of a digest, and which list it is from."""


def asked(probe: KnownKey) -> KeyListing:
    return anyio.run(lambda: Live(load().performers, Means()).run(probe))


@pytest.fixture
def fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small list where badkeys keeps the large one."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = tmp_path / "badkeys"
    folder.mkdir()
    named = {"bkformat": 0, "blocklists": [{"id": 1, "name": "debianssl"}]}
    (folder / "badkeysdata.json").write_text(json.dumps(named))
    (folder / "blocklist.dat").write_bytes(ENTRY)
    return folder


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A library that answers as badkeys does, or is told to end the process as badkeys does."""
    package, module = ModuleType("badkeys"), ModuleType("badkeys.allkeys")
    package.__path__ = []
    package.__spec__ = importlib.util.spec_from_loader("badkeys", loader=None)

    def blocklist(number: bytes) -> dict[str, object] | bool:
        return {"detected": True, "subtest": "debianssl", "blid": 1} if number == ON.number else False

    module.blocklist = blocklist  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "badkeys", package)
    monkeypatch.setitem(sys.modules, "badkeys.allkeys", module)
    return module


def test_a_key_on_the_list_is_told_with_its_list(fetched: Path, stand_in: ModuleType) -> None:
    assert asked(ON) == KeyListing(consulted=True, listed="debianssl")
    assert asked(OFF) == KeyListing(consulted=True)


@pytest.mark.skipif(importlib.util.find_spec("badkeys") is None, reason="the extra badkeys is not installed")
def test_the_library_itself_reads_its_list_as_we_expect(fetched: Path) -> None:
    from badkeys import utils
    from badkeys.allkeys import block

    utils._cachedir.cache_clear()
    block._blmeta = block._bldata = False
    try:
        assert asked(ON) == KeyListing(consulted=True, listed="debianssl")
        assert asked(OFF) == KeyListing(consulted=True)
    finally:
        utils._cachedir.cache_clear()
        block._bldata.close()
        block._blmeta = block._bldata = False


@pytest.mark.parametrize("name", ["badkeysdata.json", "blocklist.dat"])
def test_without_a_whole_list_nothing_is_asked(fetched: Path, stand_in: ModuleType, name: str) -> None:
    def never(number: bytes) -> None:
        raise AssertionError("asked without a list")

    stand_in.blocklist = never  # type: ignore[attr-defined]
    (fetched / name).unlink()
    assert asked(ON) == KeyListing()


def test_without_the_library_nothing_is_asked(fetched: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert asked(ON) == KeyListing()


@pytest.mark.parametrize("error", [SystemExit(1), ValueError("cannot mmap an empty file")])
def test_a_library_that_gives_up_does_not_end_the_run(
    fetched: Path, stand_in: ModuleType, error: BaseException
) -> None:
    def broken(number: bytes) -> None:
        raise error

    stand_in.blocklist = broken  # type: ignore[attr-defined]
    found = asked(ON)
    assert (found.consulted, found.listed) == (False, "")
    assert type(error).__name__ in found.trouble


def test_the_answer_goes_on_tape(tmp_path: Path) -> None:
    path = tmp_path / "a.tape"
    heard: dict[Probe[Any], KeyListing] = {ON: KeyListing(True, "debianssl"), OFF: KeyListing()}
    Tape(heard, {}).save(path)
    assert Tape.load(path, load().probes).exchanges == heard


def test_a_key_is_known_by_its_number() -> None:
    authority = Authority(datetime(2026, 11, 21, tzinfo=UTC))
    weak, valid = authority.weak_key("a.example"), authority.valid("a.example")
    assert key_number(weak.chain[0]) == unsigned(weak.key.public_key().public_numbers().n)  # type: ignore[union-attr]
    assert key_number(valid.chain[0]) == unsigned(key_of("a.example").public_key().public_numbers().x)  # type: ignore[union-attr]
    own = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(32))
    issued = authority.issue("a.example", own)  # type: ignore[arg-type]
    assert key_number(issued) == own.public_key().public_bytes_raw().lstrip(b"\0")
    assert unsigned(0x00C0FFEE) == ON.number
    assert key_number(b"no certificate") == b""


KEY = DkimKey.parse("v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=")


@pytest.mark.parametrize(
    ("listed", "words"),
    [("debianssl", "CVE-2008-0166"), ("keypair", "CVE-2021-41117"), ("rfc", "“rfc” of badkeys")],
)
def test_a_signing_key_that_strangers_have_is_critical(listed: str, words: str) -> None:
    name = "s1._domainkey.d.example"
    found = DkimKeyFound(
        "d.example", Selector("s1", Source.USER), name, name, (), (KEY.text,), (KEY,), (), listed
    )
    (finding,) = dkim_key_is_secret.function(found)
    assert (finding.id, finding.severity) == ("dkim/key-compromised", Severity.CRITICAL)
    assert words in finding.text()
    assert finding.fix


def test_what_a_list_is_called_is_cut_short() -> None:
    assert len(known_key_words("x" * 1000)) < 120
