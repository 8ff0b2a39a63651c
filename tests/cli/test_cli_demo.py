"""`maildiag demo`: both worlds, two files, and nothing beyond loopback."""

from __future__ import annotations

import ipaddress
import json
import socket
from pathlib import Path
from typing import Any

import pytest
from conftest import Run


@pytest.mark.slow
def test_the_demo_tells_of_both_worlds_and_stays_at_home(
    maildiag: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect = socket.socket.connect
    went: list[str] = []

    def noted(self: socket.socket, address: Any) -> None:
        went.append(address[0])
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", noted)
    folder = tmp_path / "out"
    folder.mkdir()
    done = maildiag("demo", "-o", folder)
    assert done.code == 0, done.err
    assert done.out.startswith("lantern.example   A+\n")
    assert "\nharbour.example   " in done.out
    assert {address for address in went if not ipaddress.ip_address(address).is_loopback} == set()
    assert went, "nobody was asked at all"
    report = json.loads((folder / "maildiag-demo.json").read_text())
    assert (report["target"]["domain"], report["moment"]) == ("harbour.example", "2026-11-21T09:00:00+00:00")
    assert (folder / "maildiag-demo.html").read_text().lower().startswith("<!doctype html>")
    assert sorted(path.name for path in folder.iterdir()) == ["maildiag-demo.html", "maildiag-demo.json"]
