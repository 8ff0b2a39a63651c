"""What a plugin imports: everything a rule, check, fact, performer or renderer is written with.

Facts are exported area by area, as `Name as Name`; the contract itself stands in __all__.
"""

from .facts.access_hosts import (
    AccessHost as AccessHost,
    AutoconfigDocument as AutoconfigDocument,
    Offer as Offer,
    Origin as Origin,
    Service as Service,
    ServiceRecord as ServiceRecord,
    ServiceRecords as ServiceRecords,
)
from .facts.apop import ApopOffered as ApopOffered
from .facts.autoconfig import (
    AutodiscoverHost as AutodiscoverHost,
    AutodiscoverNames as AutodiscoverNames,
    ClientProvider as ClientProvider,
    MxAutoconfig as MxAutoconfig,
    PaccDocument as PaccDocument,
)
from .facts.bimi import (
    BimiCertificate as BimiCertificate,
    BimiFound as BimiFound,
    BimiLogo as BimiLogo,
    Fetched as Fetched,
)
from .facts.blocklists import (
    AddressOnLists as AddressOnLists,
    Listing as Listing,
    ListState as ListState,
    NameOnLists as NameOnLists,
    OnLists as OnLists,
    SendingAddresses as SendingAddresses,
)
from .facts.caa import CaaPolicy as CaaPolicy, Renewal as Renewal
from .facts.certificate_peers import (
    CertificatePeers as CertificatePeers,
    Peer as Peer,
    PeerVerdict as PeerVerdict,
    against_records as against_records,
    asks as asks,
    of_host as of_host,
    why_unsure as why_unsure,
)
from .facts.certificates import (
    ClientCertificate as ClientCertificate,
    InboundCertificate as InboundCertificate,
    Role as Role,
    ServedCertificate as ServedCertificate,
)
from .facts.client_injection import (
    ImapInjection as ImapInjection,
    Pop3Injection as Pop3Injection,
    SieveInjection as SieveInjection,
)
from .facts.client_looks import (
    PLAINTEXT as PLAINTEXT,
    UNOFFICIAL as UNOFFICIAL,
    ClientLook as ClientLook,
    Lack as Lack,
)
from .facts.clients import (
    ClientContact as ClientContact,
    ImapHeld as ImapHeld,
    ImapInClear as ImapInClear,
    ImapSurvey as ImapSurvey,
    ImapUnderTls as ImapUnderTls,
    Pop3Held as Pop3Held,
    Pop3InClear as Pop3InClear,
    Pop3Survey as Pop3Survey,
    Pop3UnderTls as Pop3UnderTls,
    SieveHeld as SieveHeld,
    SieveInClear as SieveInClear,
    SieveSurvey as SieveSurvey,
    SubmissionHeld as SubmissionHeld,
    SubmissionInClear as SubmissionInClear,
    SubmissionSurvey as SubmissionSurvey,
    SubmissionUnderTls as SubmissionUnderTls,
)
from .facts.clock import by_other_clocks as by_other_clocks, clock_doubt as clock_doubt
from .facts.dane import DaneHost as DaneHost, HeededTlsa as HeededTlsa
from .facts.delivery import (
    Delivery as Delivery,
    DeliveryAttempt as DeliveryAttempt,
    DeliveryCause as DeliveryCause,
    DeliveryOutcome as DeliveryOutcome,
    DeliveryPath as DeliveryPath,
    Families as Families,
    Sender as Sender,
)
from .facts.dkim import (
    Below as Below,
    DkimKeyFound as DkimKeyFound,
    DkimLegacyPolicy as DkimLegacyPolicy,
    DkimSelectors as DkimSelectors,
    Selector as Selector,
)
from .facts.dmarc import (
    DmarcAlignment as DmarcAlignment,
    DmarcDiscovery as DmarcDiscovery,
    DmarcPolicy as DmarcPolicy,
    DmarcStep as DmarcStep,
    Misplaced as Misplaced,
    ReportDestination as ReportDestination,
    SignsAndSends as SignsAndSends,
    SuffixListDomain as SuffixListDomain,
)
from .facts.dnssec import (
    DnssecStatus as DnssecStatus,
    KeySeen as KeySeen,
    Security as Security,
    ServerSignatures as ServerSignatures,
    SignedSet as SignedSet,
    Word as Word,
    ZoneSignatures as ZoneSignatures,
    ZoneTrust as ZoneTrust,
    why as why,
)
from .facts.hellos import InboundHandshake as InboundHandshake, failure as failure, shaken as shaken
from .facts.inbound import (
    HeloName as HeloName,
    InboundContact as InboundContact,
    InboundGreeting as InboundGreeting,
    InboundInjection as InboundInjection,
    InboundMailbox as InboundMailbox,
    InboundOffer as InboundOffer,
    InboundSteps as InboundSteps,
    InboundSurvey as InboundSurvey,
    InboundTls as InboundTls,
    Look as Look,
)
from .facts.intrusive import (
    ClearLogin as ClearLogin,
    InboundChunking as InboundChunking,
    InboundDots as InboundDots,
    InboundEndOfData as InboundEndOfData,
    InboundInquiry as InboundInquiry,
    InboundRelay as InboundRelay,
    InboundReturn as InboundReturn,
    InboundStrangers as InboundStrangers,
    SubmissionRelay as SubmissionRelay,
)
from .facts.inventory import (
    ImapInventory as ImapInventory,
    SmtpInventory as SmtpInventory,
    TlsInventory as TlsInventory,
)
from .facts.known_keys import known_key_words as known_key_words
from .facts.logins import (
    DraftPut as DraftPut,
    LoginTried as LoginTried,
    MailboxSeen as MailboxSeen,
    MaildropSeen as MaildropSeen,
    MechanismTried as MechanismTried,
    StrangerSender as StrangerSender,
)
from .facts.mailbox import InboundInternational as InboundInternational
from .facts.matrix import (
    BEGINS_TLS as BEGINS_TLS,
    Cell as Cell,
    Matrix as Matrix,
    Offered as Offered,
    Sample as Sample,
)
from .facts.moment import RunMoment, VantagePoint
from .facts.mta_sts import (
    StsFetch as StsFetch,
    StsPolicy as StsPolicy,
    StsRecordFound as StsRecordFound,
    StsTrouble as StsTrouble,
)
from .facts.mx import (
    MailExchange,
    MxHost,
    MxOperators as MxOperators,
    MxRegistration as MxRegistration,
    MxWildcard as MxWildcard,
    Routing,
)
from .facts.pipelining import InboundPipelining as InboundPipelining
from .facts.refusal import (
    CHAIN as CHAIN,
    Cause as Cause,
    Reason as Reason,
    Refusal as Refusal,
    ending as ending,
    refusal as refusal,
)
from .facts.reverse import PointerName as PointerName, ReverseName as ReverseName
from .facts.revocation import CertificateRevocation as CertificateRevocation
from .facts.roles import ReceivingDomain as ReceivingDomain, Roles as Roles, SendingDomain as SendingDomain
from .facts.round_trip import MessageSubmitted as MessageSubmitted, RoundTrip as RoundTrip
from .facts.spf import (
    LOOKUP_LIMIT as LOOKUP_LIMIT,
    MX_LIMIT as MX_LIMIT,
    VOID_LIMIT as VOID_LIMIT,
    Network as Network,
    Outcome as Outcome,
    SpfElsewhere as SpfElsewhere,
    SpfEvaluation as SpfEvaluation,
    SpfNode as SpfNode,
    SpfPublished as SpfPublished,
    SpfRegistration as SpfRegistration,
    SpfStep as SpfStep,
    SpfTargetServers as SpfTargetServers,
)
from .facts.spf_hosts import (
    SpfExplanation as SpfExplanation,
    SpfHost as SpfHost,
    SpfProviders as SpfProviders,
    SpfSharedRange as SpfSharedRange,
    SpfType99 as SpfType99,
)
from .facts.tls_after import TlsParting as TlsParting, TlsTickets as TlsTickets
from .facts.tls_depths import (
    FullTls as FullTls,
    SpokenTls as SpokenTls,
    TakenSuites as TakenSuites,
    TlsByProfile as TlsByProfile,
    WeakTls as WeakTls,
    doubt as doubt,
)
from .facts.tls_survey import TlsSurvey as TlsSurvey
from .facts.tlsrpt import TlsrptDestination as TlsrptDestination, TlsrptFound as TlsrptFound
from .facts.vantage import (
    Filtered as Filtered,
    FilteredAnswers as FilteredAnswers,
    Interception as Interception,
    MadeUpAnswers as MadeUpAnswers,
    OurClock as OurClock,
    Witness as Witness,
)
from .facts.zone import (
    Difference as Difference,
    NameServer as NameServer,
    NameServerRegistration as NameServerRegistration,
    Standing as Standing,
    ZoneDelegation as ZoneDelegation,
    ZoneServers as ZoneServers,
)
from .facts.zone_names import (
    Broken as Broken,
    BrokenAlias as BrokenAlias,
    DeniedAbove as DeniedAbove,
    DoubledName as DoubledName,
    PolicyText as PolicyText,
    PolicyTexts as PolicyTexts,
    WildcardPolicy as WildcardPolicy,
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
from .model.shown import shortened as shortened
from .model.target import Endpoint, Target
from .names.domain import MOST_OCTETS, is_below, is_hostname, labels, looks_like_address, parents
from .names.registered import registrable
from .probes.dns import DnsAnswer, DnsQuery, DnsSilence
from .probes.hello import HelloTalk as HelloTalk
from .probes.probe import Impact, Lab, Probe
from .probes.script import IntrusiveScriptTalk as IntrusiveScriptTalk, ScriptTalk as ScriptTalk
from .records.bimi import BimiProblem as BimiProblem, BimiRecord as BimiRecord
from .records.caa import CaaRecord as CaaRecord
from .records.dkim import (
    SYNTAX as SYNTAX,
    UNREADABLE as UNREADABLE,
    DkimKey as DkimKey,
    KeyDefect as KeyDefect,
    KeyProblem as KeyProblem,
)
from .records.dkim_keys import (
    LONGEST_RSA as LONGEST_RSA,
    RECOMMENDED_RSA as RECOMMENDED_RSA,
    SHORTEST_RSA as SHORTEST_RSA,
    Ed25519Key as Ed25519Key,
    NotDer as NotDer,
    RsaKey as RsaKey,
    read_key as read_key,
    shared_factor as shared_factor,
)
from .records.dmarc import (
    TAGS as TAGS,
    DmarcDefect as DmarcDefect,
    DmarcProblem as DmarcProblem,
    DmarcRecord as DmarcRecord,
    Kind as Kind,
    Policy as Policy,
    is_dmarc as is_dmarc,
)
from .records.dnssec_numbers import (
    RETIRED_ALGORITHMS as RETIRED_ALGORITHMS,
    RETIRED_DIGESTS as RETIRED_DIGESTS,
    algorithm_name as algorithm_name,
    digest_name as digest_name,
)
from .records.mta_sts import (
    Mode as Mode,
    PatternProblem as PatternProblem,
    StsDefect as StsDefect,
    StsPolicyFile as StsPolicyFile,
    StsProblem as StsProblem,
    StsRecord as StsRecord,
    pattern_problem as pattern_problem,
)
from .records.pacc import pacc_record as pacc_record
from .records.report_uri import ReportUri as ReportUri, UriProblem as UriProblem
from .records.spf import (
    Mechanism as Mechanism,
    Modifier as Modifier,
    SpfError as SpfError,
    SpfProblem as SpfProblem,
    SpfRecord as SpfRecord,
    Term as Term,
    is_spf as is_spf,
    nearest_term as nearest_term,
)
from .records.svg import SvgDefect as SvgDefect, SvgImage as SvgImage, SvgProblem as SvgProblem
from .records.tags import Tag as Tag, TagList as TagList
from .records.tlsa import Tlsa as Tlsa, TlsaProblem as TlsaProblem
from .records.tlsrpt import TlsrptProblem as TlsrptProblem, TlsrptRecord as TlsrptRecord
from .tls.answer import Accepted as Accepted, Declined as Declined
from .tls.certificate import Certificate as Certificate, public_key_info as public_key_info
from .tls.chain import (
    ChainVerdict as ChainVerdict,
    Surplus as Surplus,
    Trust as Trust,
    rank as rank,
)
from .tls.groups import Group as Group, group as group
from .tls.handshake import (
    LONGEST_TICKET as LONGEST_TICKET,
    ON_THE_WAY as ON_THE_WAY,
    Handshake as Handshake,
    TlsFailure as TlsFailure,
    TlsTrouble as TlsTrouble,
)
from .tls.issuers import Form as Form
from .tls.mark import MarkFault as MarkFault, MarkVerdict as MarkVerdict
from .tls.offer import (
    SSL3 as SSL3,
    TLS10 as TLS10,
    TLS11 as TLS11,
    TLS12 as TLS12,
    TLS13 as TLS13,
    VERSION_NAMES as VERSION_NAMES,
    ServerName as ServerName,
)
from .tls.path import Fault as Fault, Flaw as Flaw
from .tls.schemes import scheme as scheme
from .tls.staple import (
    Revocation as Revocation,
    StapleFault as StapleFault,
    revocation as revocation,
    staple_fault as staple_fault,
)
from .tls.suites import Suite as Suite, by_openssl as by_openssl, suite as suite
from .tls.tlsa import Association as Association, TlsaOutcome as TlsaOutcome, match_all as match_all
from .wire.blame import Blame as Blame
from .wire.inquiry import Trait as Trait
from .wire.introduction import leads_with_name as leads_with_name, named_host as named_host
from .wire.offering import with_keyword as with_keyword, with_login as with_login
from .wire.reach import Reached as Reached
from .wire.relay import Taken as Taken
from .wire.script import Script as Script
from .wire.smtp import EhloReply as EhloReply, Problem as Problem, Reply as Reply
from .wire.smtp_session import SmtpExchange as SmtpExchange
from .wire.software import named_software as named_software
from .wire.transcript import Ending as Ending, visible as visible

__all__ = [
    "MOST_OCTETS",
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
    "registrable",
    "renderer",
    "rule",
]
