"""What a plugin imports: everything a rule, check, fact, performer or renderer is written with."""

from .facts.moment import RunMoment, VantagePoint
from .facts.mx import MailExchange, MxHost, Routing
from .model.finding import (
    Certainty,
    Document,
    Finding,
    Page,
    Rfc,
    Severity,
    Undecided,
    Verdict,
    as_cites,
    rule,
)
from .model.fix import Configure, DnsFix, Fix, Publish, Replace, Withdraw
from .model.knowing import Absent, Cite, Many, Unavailable
from .model.plugin import Check, Fact, Performer, Renderer, check, fact, performs, renderer
from .model.report import Report, Result, Status, Waiver
from .model.target import Endpoint, Target
from .names.domain import is_below, is_hostname, labels, looks_like_address, parents
from .probes.dns import DnsAnswer, DnsQuery, DnsSilence
from .probes.probe import Impact, Lab, Probe

__all__ = [
    "Absent",
    "Certainty",
    "Check",
    "Cite",
    "Configure",
    "DnsAnswer",
    "DnsFix",
    "DnsQuery",
    "DnsSilence",
    "Document",
    "Endpoint",
    "Fact",
    "Finding",
    "Fix",
    "Impact",
    "Lab",
    "MailExchange",
    "Many",
    "MxHost",
    "Page",
    "Performer",
    "Probe",
    "Publish",
    "Renderer",
    "Replace",
    "Report",
    "Result",
    "Rfc",
    "Routing",
    "RunMoment",
    "Severity",
    "Status",
    "Target",
    "Unavailable",
    "Undecided",
    "VantagePoint",
    "Verdict",
    "Waiver",
    "Withdraw",
    "as_cites",
    "check",
    "fact",
    "is_below",
    "is_hostname",
    "labels",
    "looks_like_address",
    "parents",
    "performs",
    "renderer",
    "rule",
]
