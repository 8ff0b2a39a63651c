"""What a plugin imports: everything a rule, check, fact, performer or renderer is written with.

Facts are exported area by area, as `Name as Name`; the contract itself stands in __all__.
"""

from .facts.moment import RunMoment, VantagePoint
from .facts.mx import MailExchange, MxHost, Routing
from .facts.roles import ReceivingDomain as ReceivingDomain
from .facts.roles import Roles as Roles
from .facts.roles import SendingDomain as SendingDomain
from .facts.spf import (
    LOOKUP_LIMIT as LOOKUP_LIMIT,
)
from .facts.spf import (
    MX_LIMIT as MX_LIMIT,
)
from .facts.spf import (
    VOID_LIMIT as VOID_LIMIT,
)
from .facts.spf import (
    Network as Network,
)
from .facts.spf import (
    Outcome as Outcome,
)
from .facts.spf import (
    SpfEvaluation as SpfEvaluation,
)
from .facts.spf import (
    SpfNode as SpfNode,
)
from .facts.spf import (
    SpfPublished as SpfPublished,
)
from .facts.spf import (
    SpfStep as SpfStep,
)
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
from .records.spf import Mechanism as Mechanism
from .records.spf import Modifier as Modifier
from .records.spf import SpfError as SpfError
from .records.spf import SpfRecord as SpfRecord

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
