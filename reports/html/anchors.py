"""Where in the page each piece of evidence stands, and which findings point at it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from diag.api import Cite, DnsAnswer, DnsQuery, DnsSilence, Finding, Report
from diag.probes.https import HttpExchange, HttpsGet
from diag.probes.renegotiation import TlsRenegotiation
from diag.probes.script import ScriptTalk
from diag.probes.talks import AnyTalk, ImapTalk, Pop3Talk, SieveTalk, SmtpTalk, TalkProbe
from diag.probes.tls_offer import TlsOffer
from diag.wire.transcript import Transcript
from reports.mentions import Mentions

Held = AnyTalk | ScriptTalk | TlsRenegotiation
"""A conversation that the page shows whole."""


@dataclass(frozen=True, slots=True)
class Link:
    """A link within the page. `target` is made of letters, digits and hyphens only."""

    target: str
    text: str


class Anchors(Mentions):
    """Ids for the evidence of one report, and the mentions of each piece."""

    def __init__(self, report: Report) -> None:
        super().__init__(report)
        self.talks: dict[Held, Transcript] = {}
        self.questions: dict[DnsQuery, DnsAnswer | DnsSilence] = {}
        self.fetched: dict[HttpsGet, HttpExchange] = {}
        self.offers: dict[TlsOffer, Transcript] = {}
        """Those that something points at: there are too many of them to show all."""
        self._ids: dict[object, str] = {}
        self._looks: dict[Held, int] = {}
        met: Counter[tuple[str, str, int]] = Counter()
        for probe, seen in report.evidence.items():
            if isinstance(probe, Held) and isinstance(seen, Transcript):
                self.talks[probe] = seen
                met[probe.host, probe.address, probe.port] += 1
                self._looks[probe] = met[probe.host, probe.address, probe.port]
                self._ids[probe] = f"d{len(self.talks)}"
            elif isinstance(probe, TlsOffer) and isinstance(seen, Transcript):
                if self.mentions(probe):
                    self.offers[probe] = seen
                    self._ids[probe] = f"o{len(self.offers)}"
            elif isinstance(probe, DnsQuery) and isinstance(seen, DnsAnswer | DnsSilence):
                self.questions[probe] = seen
                self._ids[probe] = f"q{len(self.questions)}"
            elif isinstance(probe, HttpsGet) and isinstance(seen, HttpExchange):
                self.fetched[probe] = seen
                self._ids[probe] = f"h{len(self.fetched)}"

    def id_of(self, probe: object) -> str:
        """The id of a probe's evidence; empty where the page does not show it."""
        return self._ids.get(probe, "")

    def ordinal(self, talk: Held) -> str:
        """Which dialogue with this endpoint it is, with a space behind; empty for the first."""
        return _ORDINALS[min(self._looks[talk], len(_ORDINALS)) - 1]

    def links(self, finding: Finding) -> list[Link]:
        """Links to what shows a finding, each place once: every line of a dialogue, a handful of answers."""
        links: dict[str, Link] = {}
        answers = 0
        for cite in finding.evidence:
            link = self.link(cite)
            if link is None or link.target in links:
                continue
            answers += cite.probe not in self.talks
            if cite.probe in self.talks or answers <= _MOST_ANSWERS:
                links[link.target] = link
        return list(links.values())[:_MOST_LINKS]

    def link(self, cite: Cite) -> Link | None:
        """A link to one piece of evidence; None where the page does not show it."""
        target = self.id_of(cite.probe)
        if not target:
            return None
        match cite.probe:
            case (
                SmtpTalk() | ImapTalk() | Pop3Talk() | SieveTalk() | ScriptTalk() | TlsRenegotiation() as talk
            ):
                where = f"the {self.ordinal(talk)}dialogue with {place(talk)}"
                events = self.talks[talk].events
                if cite.event is not None and 0 <= cite.event < len(events):
                    return Link(f"{target}-{cite.event}", f"line {cite.event + 1} of {where}")
                return Link(f"{target}-{len(events) - 1}" if events else target, where)
            case TlsOffer() as offer:
                last = len(self.offers[offer].events) - 1
                event = last if cite.event is None else cite.event
                return Link(f"{target}-{event}", f"what {place(offer)} answered to {offer.offer.name}")
            case DnsQuery() as query:
                return Link(target, f"the answer to {query}")
            case HttpsGet() as get:
                return Link(target, f"what {get.url} gave")
        return None


_MOST_LINKS, _MOST_ANSWERS = 24, 4
_ORDINALS = ("", "second ", "third ", "later ")


def place(talk: TalkProbe) -> str:
    """Host, address and port of a talk, as operators write it."""
    return f"{talk.host} [{talk.address}]:{talk.port}"
