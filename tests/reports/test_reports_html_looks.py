"""The page as it looks: contrast by the numbers, and in a real browser where there is one."""

from __future__ import annotations

import re
import shutil
import subprocess
import zlib
from pathlib import Path

import page_reader
import pytest
import sample


@pytest.fixture
def broken() -> str:
    return sample.text_of("broken")


@pytest.fixture
def healthy() -> str:
    return sample.text_of("healthy")


def test_colours_reach_the_contrast_that_wcag_asks_for_in_both_schemes(healthy: str) -> None:
    style = page_reader.read(healthy).all("style")[0].text
    schemes = re.findall(r":root\{([^}]*--ink[^}]*)\}", style)
    assert len(schemes) == 3  # light, dark, print
    for scheme in schemes:
        colours = dict(re.findall(r"--(\w+):#([0-9a-f]{3,6})\b", scheme))
        for ground in ("paper", "wash", "mark"):
            for ink in ("ink", "soft", "link", "crit", "err", "warn", "note", "good", "unk"):
                if ground == "mark" and ink in ("soft", "link"):
                    continue  # neither stands on a marked line
                assert _contrast(colours[ink], colours[ground]) >= 4.5, (ink, ground, colours[ink])


def _contrast(one: str, other: str) -> float:
    """The contrast ratio of WCAG 2.2, "contrast ratio"."""
    bright, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    full = colour if len(colour) == 6 else "".join(digit * 2 for digit in colour)
    parts = [int(full[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
_WIDTHS = (320, 390, 1280)


def _browse(*arguments: str, at: Path) -> str:
    assert CHROMIUM is not None
    quiet = (
        "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
        "--disable-component-update --disable-sync --allow-file-access-from-files"
    )
    command = [CHROMIUM, *quiet.split(), f"--user-data-dir={at / 'profile'}", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout


@pytest.mark.lab
@pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")
@pytest.mark.parametrize("width", _WIDTHS)
def test_a_browser_lays_it_out_without_a_horizontal_scroll(broken: str, tmp_path: Path, width: int) -> None:
    (tmp_path / "report.html").write_text(broken, encoding="utf-8")
    frame = tmp_path / "frame.html"
    frame.write_text(
        f"<iframe id=f src=report.html style='width:{width}px;height:2000px;border:0'></iframe><script>"
        "onload=()=>{const d=f.contentDocument.documentElement;document.title='W'+d.scrollWidth"
        "+' H'+d.scrollHeight+' S'+f.contentDocument.querySelectorAll('h2').length}</script>",
        encoding="utf-8",
    )
    shown = _browse("--dump-dom", f"--window-size={width + 40},2000", frame.as_uri(), at=tmp_path)
    title = re.search(r"<title>W(\d+) H(\d+) S(\d+)</title>", shown)
    assert title, shown[:400]
    assert int(title[1]) <= width
    assert int(title[2]) > 2000
    assert int(title[3]) == broken.count("<h2 ")


@pytest.mark.lab
@pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_browser_paints_it(broken: str, tmp_path: Path, scheme: str) -> None:
    (tmp_path / "report.html").write_text(broken, encoding="utf-8")
    picture = tmp_path / "page.png"
    dark = ["--blink-settings=preferredColorScheme=0"] if scheme == "dark" else []
    _browse(
        "--window-size=500,600",
        "--hide-scrollbars",
        f"--screenshot={picture}",
        *dark,
        (tmp_path / "report.html").as_uri(),
        at=tmp_path,
    )
    rows = _rows(picture.read_bytes())
    assert len(rows) == 600
    assert len(set(rows)) > 150, "most of the page is blank"
    corner = rows[550][1:4]
    assert (min(corner) > 200) == (scheme == "light")


def _rows(png: bytes) -> list[bytes]:
    """The rows of an 8-bit PNG that is not interlaced, filters undone (W3C PNG, section 9)."""
    width, depth, kind = int.from_bytes(png[16:20]), png[24], png[25]
    assert (depth, kind) in ((8, 2), (8, 6))
    per_pixel = 3 if kind == 2 else 4
    data, at = b"", 8
    while at < len(png):
        size, name = int.from_bytes(png[at : at + 4]), png[at + 4 : at + 8]
        data += png[at + 8 : at + 8 + size] if name == b"IDAT" else b""
        at += size + 12
    raw, step = zlib.decompress(data), width * per_pixel + 1
    rows: list[bytes] = []
    above = bytearray(step - 1)
    for start in range(0, len(raw), step):
        filtered, line = raw[start], bytearray(raw[start + 1 : start + step])
        for i in range(len(line)):
            left = line[i - per_pixel] if i >= per_pixel else 0
            corner = above[i - per_pixel] if i >= per_pixel else 0
            line[i] = (line[i] + _predicted(filtered, left, above[i], corner)) & 0xFF
        rows.append(bytes([0]) + bytes(line))
        above = line
    return rows


def _predicted(filtered: int, left: int, up: int, corner: int) -> int:
    if filtered < 3:
        return (0, left, up)[filtered]
    if filtered == 3:
        return (left + up) // 2
    guess = left + up - corner
    distances = (abs(guess - left), abs(guess - up), abs(guess - corner))
    return (left, up, corner)[distances.index(min(distances))]
