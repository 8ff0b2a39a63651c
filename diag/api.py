"""What a plugin imports: everything a rule, check, fact, performer or renderer is written with.

Facts are exported area by area, as `Name as Name`; the contract itself stands in __all__.
"""

from .facts.access_hosts import AccessHost as AccessHost
from .facts.access_hosts import AutoconfigDocument as AutoconfigDocument
from .facts.access_hosts import Offer as Offer
from .facts.access_hosts import Origin as Origin
from .facts.access_hosts import Service as Service
from .facts.access_hosts import ServiceRecord as ServiceRecord
from .facts.access_hosts import ServiceRecords as ServiceRecords
from .facts.certificates import ClientCertificate as ClientCertificate
from .facts.certificates import InboundCertificate as InboundCertificate
from .facts.certificates import Role as Role
from .facts.certificates import ServedCertificate as ServedCertificate
from .facts.clients import ClientContact as ClientContact
from .facts.clients import ImapInClear as ImapInClear
from .facts.clients import ImapSurvey as ImapSurvey
from .facts.clients import ImapUnderTls as ImapUnderTls
from .facts.clients import Pop3InClear as Pop3InClear
from .facts.clients import Pop3Survey as Pop3Survey
from .facts.clients import Pop3UnderTls as Pop3UnderTls
from .facts.clients import SubmissionInClear as SubmissionInClear
from .facts.clients import SubmissionSurvey as SubmissionSurvey
from .facts.clients import SubmissionUnderTls as SubmissionUnderTls
from .facts.dane import DaneHost as DaneHost
from .facts.dkim import Below as Below
from .facts.dkim import DkimKeyFound as DkimKeyFound
from .facts.dkim import DkimSelectors as DkimSelectors
from .facts.dkim import Selector as Selector
from .facts.dmarc import DmarcAlignment as DmarcAlignment
from .facts.dmarc import DmarcDiscovery as DmarcDiscovery
from .facts.dmarc import DmarcPolicy as DmarcPolicy
from .facts.dmarc import DmarcStep as DmarcStep
from .facts.dmarc import Misplaced as Misplaced
from .facts.dmarc import ReportDestination as ReportDestination
from .facts.dmarc import SignsAndSends as SignsAndSends
from .facts.dnssec import DnssecStatus as DnssecStatus
from .facts.dnssec import Security as Security
from .facts.inbound import HeloName as HeloName
from .facts.inbound import InboundContact as InboundContact
from .facts.inbound import InboundGreeting as InboundGreeting
from .facts.inbound import InboundInjection as InboundInjection
from .facts.inbound import InboundMailbox as InboundMailbox
from .facts.inbound import InboundOffer as InboundOffer
from .facts.inbound import InboundSurvey as InboundSurvey
from .facts.inbound import InboundTls as InboundTls
from .facts.inbound import Look as Look
from .facts.moment import RunMoment, VantagePoint
from .facts.mta_sts import StsFetch as StsFetch
from .facts.mta_sts import StsPolicy as StsPolicy
from .facts.mta_sts import StsRecordFound as StsRecordFound
from .facts.mta_sts import StsTrouble as StsTrouble
from .facts.mx import MailExchange, MxHost, Routing
from .facts.reverse import PointerName as PointerName
from .facts.reverse import ReverseName as ReverseName
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
from .facts.tlsrpt import TlsrptDestination as TlsrptDestination
from .facts.tlsrpt import TlsrptFound as TlsrptFound
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
from .records.dkim import SYNTAX as SYNTAX
from .records.dkim import UNREADABLE as UNREADABLE
from .records.dkim import DkimKey as DkimKey
from .records.dkim import KeyDefect as KeyDefect
from .records.dkim import KeyProblem as KeyProblem
from .records.dkim_keys import Ed25519Key as Ed25519Key
from .records.dkim_keys import NotDer as NotDer
from .records.dkim_keys import RsaKey as RsaKey
from .records.dkim_keys import read_key as read_key
from .records.dkim_keys import shared_factor as shared_factor
from .records.dmarc import TAGS as TAGS
from .records.dmarc import DmarcDefect as DmarcDefect
from .records.dmarc import DmarcProblem as DmarcProblem
from .records.dmarc import DmarcRecord as DmarcRecord
from .records.dmarc import Kind as Kind
from .records.dmarc import Policy as Policy
from .records.dmarc import is_dmarc as is_dmarc
from .records.mta_sts import Mode as Mode
from .records.mta_sts import PatternProblem as PatternProblem
from .records.mta_sts import StsDefect as StsDefect
from .records.mta_sts import StsPolicyFile as StsPolicyFile
from .records.mta_sts import StsProblem as StsProblem
from .records.mta_sts import StsRecord as StsRecord
from .records.mta_sts import pattern_problem as pattern_problem
from .records.report_uri import ReportUri as ReportUri
from .records.report_uri import UriProblem as UriProblem
from .records.spf import Mechanism as Mechanism
from .records.spf import Modifier as Modifier
from .records.spf import SpfError as SpfError
from .records.spf import SpfRecord as SpfRecord
from .records.tags import Tag as Tag
from .records.tags import TagList as TagList
from .records.tlsa import Tlsa as Tlsa
from .records.tlsa import TlsaProblem as TlsaProblem
from .records.tlsrpt import TlsrptProblem as TlsrptProblem
from .records.tlsrpt import TlsrptRecord as TlsrptRecord
from .tls.certificate import Certificate as Certificate
from .tls.certificate import public_key_info as public_key_info
from .tls.chain import ChainVerdict as ChainVerdict
from .tls.chain import Trust as Trust
from .tls.chain import rank as rank
from .tls.handshake import Handshake as Handshake
from .tls.handshake import TlsFailure as TlsFailure
from .tls.handshake import TlsTrouble as TlsTrouble
from .tls.path import Fault as Fault
from .tls.path import Flaw as Flaw
from .tls.tlsa import Association as Association
from .tls.tlsa import TlsaOutcome as TlsaOutcome
from .tls.tlsa import match_all as match_all
from .wire.blame import Blame as Blame
from .wire.reach import Reached as Reached
from .wire.smtp import Problem as Problem
from .wire.smtp import Reply as Reply
from .wire.smtp_session import SmtpExchange as SmtpExchange
from .wire.transcript import Ending as Ending
from .wire.transcript import visible as visible

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
