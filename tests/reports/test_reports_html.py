"""The page: well-formed, self-contained, harmless, complete, in order, and calm where all is well."""

from __future__ import annotations

import dataclasses
import itertools
import re
import shutil
import subprocess
import zlib
from pathlib import Path

import page_reader
import pytest
import sample
from page_reader import Page

from diag.facts.moment import VantagePoint
from diag.facts.mx import MailExchange, MxHost, Routing
from diag.model.finding import Severity
from diag.model.fix import Configure, Publish
from diag.model.knowing import Absent, Cite, Many, Unavailable
from diag.model.report import Report, Result, Status, Waiver
from diag.probes.talks import SmtpTalk
from diag.wire.transcript import Closed, Ending, Event, Opened, Said, Transcript, Who
from reports.html import html
from reports.html.dialogues import MOST_CHARACTERS
from reports.html.endpoints import heard
from reports.html.prose import blocks

ORDER = [
    "first",
    "receivers",
    "sending",
    "route",
    "endpoints",
    "spf",
    "dkim",
    "dmarc",
    "reverse",
    "transport",
    "certificates",
    "dialogues",
    "open",
    "checks",
]
HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "javascript:alert(1)",
    "\x1b[31mred\x1b[0m",
    "\u202eevil\u2066",
    "a\u200bb\u00adc\ufeff",
    "{{ 7 * 7 }}{% raw %}",
    "</pre></details></main><h1>mine</h1>",
    "\x00\x07\r\n\u2028",
)


def page_of(report: Report) -> Page:
    return page_reader.read(html.function(report))


@pytest.fixture(scope="module")
def broken() -> str:
    return html.function(sample.broken())


@pytest.fixture(scope="module")
def healthy() -> str:
    return html.function(sample.healthy())


@pytest.fixture(scope="module", params=["broken", "healthy", "bare"])
def text(request: pytest.FixtureRequest, broken: str, healthy: str) -> str:
    bare = dataclasses.replace(sample.healthy(), facts={}, evidence={}, results=())
    return {"broken": broken, "healthy": healthy, "bare": html.function(bare)}[request.param]


def test_nothing_is_loaded_from_elsewhere(text: str) -> None:
    page = page_reader.read(text)
    assert not page.all("script", "link", "img", "iframe", "object", "embed", "base", "form", "image", "use")
    assert not [e for e in page.elements if {"src", "srcset", "style", "xlink:href"} & e.attributes.keys()]
    (style,) = page.all("style")
    assert "url(" not in style.text
    assert "@import" not in style.text
    policy = next(e for e in page.all("meta") if "http-equiv" in e.attributes).attributes["content"]
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'; img-src data:")
    assert not [e for e in page.elements if e.name != "a" and "href" in e.attributes]
    for link in page.all("a"):
        assert re.match(r"#[a-z0-9-]+\Z|https://", link.attributes["href"])


def test_ids_are_unique_and_every_link_within_the_page_arrives(text: str) -> None:
    page = page_reader.read(text)
    assert len(page.ids) == len(set(page.ids))
    wanted = {
        part
        for element in page.elements
        for name in ("href", "aria-labelledby", "aria-describedby")
        if name != "href" or element.attributes.get("href", "").startswith("#")
        for part in element.attributes.get(name, "").lstrip("#").split()
    }
    assert wanted
    assert wanted <= set(page.ids)


def test_headings_landmarks_and_tables_are_made_for_screen_readers(text: str) -> None:
    page = page_reader.read(text)
    levels = [int(e.name[1]) for e in page.all("h1", "h2", "h3", "h4", "h5", "h6")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    for landmark in ("header", "nav", "main", "footer"):
        assert len(page.all(landmark)) == 1
    (skip,) = [e for e in page.all("a") if e.attributes.get("class") == "skip"]
    assert skip.attributes["href"] == "#main"
    assert all(e.attributes.get("scope") in ("col", "row", "rowgroup") for e in page.all("th"))
    for svg in page.all("svg"):
        assert svg.attributes["role"] == "img"
        assert page.by_id(svg.attributes["aria-labelledby"]).text.strip()
    scrolled = [e for e in page.elements if "scroll" in e.attributes.get("class", "").split()]
    assert all(
        e.attributes.get("tabindex") == "0"
        and e.attributes.get("role") == "region"
        and (e.attributes.get("aria-label") or e.attributes.get("aria-labelledby"))
        for e in scrolled
    )
    assert page.all("html")[0].attributes["lang"] == "en"
    assert "javascript" not in text.lower()


def test_a_state_is_told_by_symbol_and_word_not_by_colour_alone(broken: str) -> None:
    states = [e for e in page_reader.read(broken).all("span") if "s" in e.attributes.get("class", "").split()]
    assert states
    for state in states:
        assert re.search(r"[✓✗!•i?–○]", state.text)
        assert re.search(r"\w{2}", state.text)


def test_sections_come_in_their_order_and_the_navigation_follows(broken: str) -> None:
    page = page_reader.read(broken)
    assert [e.attributes["id"] for e in page.all("h2")] == ORDER
    nav = [e.attributes["href"][1:] for e in page.all("a") if "nav" in e.within]
    assert nav == ORDER


def test_sections_without_facts_are_left_out() -> None:
    bare = dataclasses.replace(
        sample.healthy(), facts={}, evidence={}, results=(sample.passed("x.example", "zone"),)
    )
    page = page_of(bare)
    assert [e.attributes["id"] for e in page.all("h2")] == ["first", "checks"]


@pytest.mark.parametrize("unknown", [Absent("there is none"), Unavailable("nobody answered")], ids=type)
def test_facts_that_are_not_values_leave_no_empty_section(unknown: Absent | Unavailable) -> None:
    report = dataclasses.replace(sample.healthy(), facts=dict.fromkeys(sample.healthy().facts, unknown))
    page = page_of(report)
    shown = [e.attributes["id"] for e in page.all("h2")]
    assert not {"route", "spf", "dkim", "dmarc"} & set(shown)
    for section in page.all("section"):
        assert len(section.text.split()) > 5


def test_an_internationalised_domain_is_named_in_both_forms() -> None:
    report = sample.healthy()
    target = dataclasses.replace(report.target, domain="xn--bcher-kva.example")
    (title,) = page_of(dataclasses.replace(report, target=target)).all("h1")
    assert title.text == "bücher.example (xn--bcher-kva.example)"


def test_a_requirement_that_is_not_met_leads_to_its_fix() -> None:
    base = sample.broken()
    found = sample.SpfTooDeep(subject=base.target.domain, lookups=12)
    page = page_of(dataclasses.replace(base, results=(sample.failed(found),)))
    links = [e for e in page.all("a") if "table" in e.within and e.text == "spf/too-many-lookups"]
    assert page.by_id(links[0].attributes["href"][1:]).name == "article"


def test_the_head_says_verdict_grade_and_figures(broken: str) -> None:
    page = page_reader.read(broken)
    head = page.all("header")[0].text
    assert "Anybody can write as harbour.example, and 4 lesser findings." in head
    assert "F: the worst finding decides, and it is critical (sample/stranger-may-write)." in head
    for figure in ("1 critical", "3 errors", "1 notice", "1 could not be determined", "1 crashed"):
        assert figure in head
    assert "21 Nov 2026 09:00 UTC" in head
    assert "seen from 192.0.2.1 and 2001:db8::1" in head
    assert re.search(r"\d+ questions, \d+ connections, 2\.1 s", head)
    (grade,) = [e for e in page.all("div") if e.attributes.get("aria-label", "").startswith("Grade")]
    assert (grade.text, grade.attributes["aria-label"]) == ("F", "Grade F")


def test_fixes_come_by_consequence_with_what_to_paste_and_how_to_see_it(broken: str) -> None:
    page = page_reader.read(broken)
    cards = page.all("article")
    tags = [card.text.strip().split("\n")[0] for card in cards]
    assert [re.search(r"Critical|Error|Warning|Notice", tag)[0] for tag in tags] == [  # type: ignore[index]
        "Critical",
        "Error",
        "Error",
        "Notice",
    ]
    pasted = [e.text for e in page.all("pre") if e.attributes.get("class") == "paste"]
    assert pasted == [
        '_dmarc.harbour.example. 3600 IN TXT "v=DMARC1; p=reject"',
        'harbour.example. IN TXT "v=spf1 a ~all"',
        'harbour.example. 3600 IN TXT "v=spf1 mx ~all"',
        "smtpd_tls_security_level = may",
    ]
    assert "Remove every SPF record at harbour.example." in cards[0].text
    # What is certain and concerns the whole domain comes before what is likely and concerns one host.
    assert "In Postfix on mx2.harbour.example, mx3.harbour.example:" in cards[2].text
    assert "likely: seen once, or with two possible causes" in cards[2].text
    assert "likely" not in cards[0].text
    assert "dig +noall +answer TXT harbour.example" in cards[1].text
    assert "RFC 7208 section 4.6.4" in cards[1].text
    assert "sample/tree-too-large" in cards[1].text
    (minor,) = [e for e in page.all("summary") if "smaller" in e.text]
    assert minor.text.startswith("1 smaller matter")


def test_a_setting_for_several_hosts_is_said_once(broken: str) -> None:
    assert broken.count("smtpd_tls_security_level = may") == 1


def test_lines_that_findings_cite_are_marked_and_linked_both_ways(broken: str) -> None:
    page = page_reader.read(broken)
    card = next(e for e in page.all("article") if "A host says what it should not" in e.text)
    links = [e for e in page.all("a") if "line" in e.text and "dialogue with mx3" in e.text]
    marked = page.by_id(links[0].attributes["href"][1:])
    assert marked.name == "mark"
    assert "mx3.harbour.example" in marked.text
    assert "sample/line-said" in marked.text
    back = [e for e in page.all("a") if "mark" in e.within and e.text == "sample/line-said"]
    assert back[0].attributes["href"] == f"#{card.attributes['id']}"
    asked = next(e for e in page.all("a") if e.text == "the answer to TXT harbour.example")
    answer = page.by_id(asked.attributes["href"][1:])
    assert answer.name == "mark"
    assert "v=spf1" in answer.text


def test_every_dialogue_is_there_and_folded_unless_an_error_cites_it(broken: str) -> None:
    page = page_reader.read(broken)
    talks = [probe for probe in sample.broken().evidence if isinstance(probe, SmtpTalk)]
    folded = [e for e in page.all("details") if re.match(r"d\d+\Z", e.attributes.get("id", ""))]
    assert len(folded) >= len(talks)
    assert sum("open" in e.attributes for e in folded) == 2


def test_what_could_not_be_determined_is_said_with_its_reason_and_line(broken: str) -> None:
    page = page_reader.read(broken)
    (reasons,) = [e for e in page.all("ul") if e.attributes.get("class") == "reasons"]
    assert "it says 421: too many connections" in reasons.text
    assert "A check of ours crashed: it failed: <KeyError>" in reasons.text
    marks = [e for e in page.all("mark") if "421 4.7.0" in e.text]
    assert marks
    assert "leaves checks open" in marks[0].text


def test_every_check_is_listed_with_its_status(broken: str) -> None:
    page = page_reader.read(broken)
    rows = [e.text for e in page.all("tr") if "details" in e.within and "section" in e.within]
    results = sample.broken().results
    body = [row for row in rows if not row.startswith("Claim")]
    assert len(body) == len(results)
    for word in ("passed", "failed", "undetermined", "crashed", "not applicable"):
        assert any(word in row for row in body)


def test_a_healthy_report_is_calm_and_short(healthy: str) -> None:
    page = page_reader.read(healthy)
    assert "There is nothing to do." in page.all("main")[0].text
    assert not page.all("article", "mark")
    assert not [e for e in page.all("details") if "open" in e.attributes]
    # The legend of the receiver table apart, nothing is shown in the colours of trouble.
    assert not re.search(r'class="(?:s|m|t|bar) (?:crit|err|warn)\b', healthy)
    assert "open" not in [e.attributes["id"] for e in page.all("h2")]
    assert len(healthy) < 200_000


@pytest.mark.parametrize("bad", HOSTILE, ids=lambda bad: ascii(bad)[:16])
def test_remote_text_can_do_nothing(bad: str) -> None:
    report = page_of(_poisoned(bad))
    assert not report.all("script", "img")
    assert len(report.all("h1")) == 1
    assert not [e for e in report.elements if any(name.startswith("on") for name in e.attributes)]
    assert not [e for e in report.all("a") if e.attributes["href"].startswith("javascript")]
    text = html.function(_poisoned(bad))
    hidden = set(
        re.findall("[\x00-\x09\x0b-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]", text)
    )
    assert not hidden
    assert "49" not in report.all("h3")[0].text


def _poisoned(bad: str) -> Report:
    """A report with the same text wherever text comes from elsewhere."""
    base = sample.broken()
    octets = bad.encode()
    talk = SmtpTalk("203.0.113.9", 25, bad, "probe.example")
    transcript = Transcript(
        (
            Opened(1, "203.0.113.9", 25),
            Said(2, Who.PEER, octets + b"\r\n", False),
            Said(3, Who.PEER, octets, False, True),
            Closed(4, Ending.FAILED, bad),
        )
    )
    finding = sample.LineSaid(
        subject=bad,
        said=bad,
        evidence=(Cite(talk, 1), Cite(talk)),
        fix=(Publish(bad, "TXT", bad), Configure(bad, bad, bad)),
    )
    host = MxHost(bad, 10, bad, (bad,), True, ("203.0.113.9",), (), bad, False, ())
    return dataclasses.replace(
        base,
        results=(
            sample.failed(finding),
            sample.undecided(bad, bad, Cite(talk, 2)),
            Result("c", bad, bad, bad, Status.CRASHED, because=bad),
        ),
        evidence={**base.evidence, talk: transcript},
        facts={
            **base.facts,
            Routing: Routing(bad, (MailExchange(10, bad),), False, False, ()),
            MxHost: Many({bad: host}),
            VantagePoint: Unavailable(bad),
        },
        partial=bad,
        proposed=bad,
        versions={bad: bad},
        waived=((finding, Waiver("a/b", bad, bad)),),
    )


def test_partial_and_proposed_reports_say_so_on_top() -> None:
    report = dataclasses.replace(sample.healthy(), partial="you pressed Ctrl-C", proposed="new.zone")
    head = page_of(report).all("header")[0].text
    assert "Partial report. The run ended early: you pressed Ctrl-C." in head
    assert "Proposed, not published." in head
    assert "new.zone" in head
    plain = page_of(sample.healthy()).all("header")[0].text
    assert "Partial" not in plain
    assert "Proposed" not in plain


def test_a_question_mark_in_the_grade_is_explained() -> None:
    report = sample.healthy()
    open_one = sample.undecided("mx1", "it is silent", could=Severity.ERROR)
    page = page_of(dataclasses.replace(report, results=(*report.results, open_one)))
    assert "A+?: no finding of severity notice or worse; the question mark: 1 check undecided" in (
        page.all("header")[0].text
    )


def test_a_thousand_dialogues_stay_within_the_limit_and_cited_lines_are_kept() -> None:
    report = sample.healthy()
    line = b"250-" + b"x" * 380 + b"\r\n"
    events: tuple[Event, ...] = (
        Opened(0, "203.0.113.9", 25),
        *(Said(1, Who.PEER, line, False) for _ in range(30)),
    )
    talks = {
        SmtpTalk("203.0.113.9", 25, f"mx{at}.example", "probe.example"): Transcript(
            (*events, Closed(2, Ending.BY_US, ""))
        )
        for at in range(1000)
    }
    last = list(talks)[-1]
    finding = sample.LineSaid(subject="mx", said="x", evidence=(Cite(last, 29),))
    text = html.function(
        dataclasses.replace(report, evidence=talks, results=(sample.failed(finding),), facts={})
    )
    assert len(text) < MOST_CHARACTERS + 2_000_000
    page = page_reader.read(text)
    assert "d1000-29" in page.ids
    assert "more lines are on the tape, not here" in text


def test_a_route_without_addresses_says_why() -> None:
    base = sample.healthy()
    exchanges = (MailExchange(10, "a.example"), MailExchange(20, "b.example"), MailExchange(30, "c.example"))
    gone = MxHost("a.example", 10, "a.example", (), False, (), (), "", False, ())
    facts = {
        Routing: Routing("lantern.example", exchanges, False, True, ()),
        MxHost: Many({"a.example": gone, "b.example": Unavailable("SERVFAIL")}),
    }
    title = page_of(dataclasses.replace(base, facts=facts)).by_id("route-text").text
    assert "a.example, preference 10:  does not exist." in title.replace(": does", ":  does")
    assert "b.example, preference 20" in title
    assert "could not be looked up" in title
    assert "c.example, preference 30" in title


def test_a_domain_without_mail_hosts_has_no_route() -> None:
    base = sample.healthy()
    for routing in (
        Absent("x does not exist"),
        Routing("x.example", (MailExchange(0, "."),), False, True, ()),
    ):
        page = page_of(dataclasses.replace(base, facts={Routing: routing}))
        assert "route" not in page.ids


@pytest.mark.parametrize(
    ("events", "symbol", "word"),
    [
        ((Closed(1, Ending.REFUSED, ""),), "–", "closed"),
        ((Closed(1, Ending.FILTERED, ""),), "–", "no answer"),
        ((Closed(1, Ending.UNREACHABLE, ""),), "?", "unreachable"),
        ((Opened(1, "a", 25), Closed(2, Ending.SILENT, "")), "?", "silent"),
        ((Opened(1, "a", 25), Closed(2, Ending.BY_PEER, "")), "?", "closed early"),
        (
            (Opened(1, "a", 25), Said(1, Who.PEER, b"421 no\r\n", False), Closed(2, Ending.BY_PEER, "")),
            "?",
            "421",
        ),
        (
            (Opened(1, "a", 25), Said(1, Who.PEER, b"220 hi\r\n", False), Closed(2, Ending.BY_US, "")),
            "–",
            "no TLS",
        ),
        ((), "?", "failed"),
    ],
)
def test_a_conversation_is_told_in_a_word(events: tuple[object, ...], symbol: str, word: str) -> None:
    shown = heard(SmtpTalk("a", 25, "mx", "me"), Transcript(events))  # type: ignore[arg-type]
    assert (shown.symbol, shown.word) == (symbol, word)


def test_prose_knows_paragraphs_lists_code_and_lines() -> None:
    found = blocks("One `two`\nthree.\n\n- a\n- b `c`\n  d\n\n    line 1\n    line 2")
    assert [block.kind for block in found] == ["p", "li", "li", "pre"]
    assert [(span.text, span.code) for span in found[0].spans] == [
        ("One ", False),
        ("two", True),
        (" three.", False),
    ]
    assert found[2].spans[-1].text == " d"
    assert found[3].spans[0].text == "line 1\nline 2"


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
    assert int(title[3]) == len(ORDER)


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
