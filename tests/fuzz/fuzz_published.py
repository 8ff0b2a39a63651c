"""Readers of what people publish: records, policies, documents, names."""

from __future__ import annotations

import base64
import gzip
from ipaddress import ip_address

from fuzz_target import Target

from diag.gather.spf_tree import Tree
from diag.names.domain import (
    BadDomain,
    domain,
    is_below,
    is_hostname,
    labels,
    looks_like_address,
    normal,
    parents,
    to_unicode,
)
from diag.names.mailbox import BadMailbox, mailbox
from diag.names.organizational import organizational_domain, walk_names
from diag.records.autoconfig import ClientConfig
from diag.records.bimi import BimiRecord, is_bimi, looks_like_bimi
from diag.records.caa import CaaRecord
from diag.records.dkim import DkimKey, KeyProblem, looks_like_key
from diag.records.dkim_keys import RsaKey, shared_factor
from diag.records.dmarc import DmarcRecord, Kind, is_dmarc, looks_like_dmarc, nearest_tag
from diag.records.mta_sts import (
    StsPolicyFile,
    StsRecord,
    is_sts,
    looks_like_sts,
    mx_pattern_covers,
    pattern_problem,
)
from diag.records.pacc import PaccRecord, is_document, is_pacc, pacc_record
from diag.records.report_uri import parse_report_uris
from diag.records.spf import MOST_SUGGESTIONS, SpfRecord, is_spf, looks_like_spf
from diag.records.spf_macros import (
    BadMacro,
    MacroValues,
    Use,
    expand,
    expand_name,
    parse_domain_spec,
    parse_macro_string,
)
from diag.records.svg import SvgImage
from diag.records.tags import TagList, colon_list
from diag.records.tlsa import Tlsa
from diag.records.tlsrpt import TlsrptRecord, is_tlsrpt, looks_like_tlsrpt


def _text(octets: bytes) -> str:
    """As `Found.texts` gives records: a character an octet."""
    return octets.decode("latin-1")


def _spf(octets: bytes) -> object:
    text = _text(octets)
    is_spf(text), looks_like_spf(text)
    record = SpfRecord.parse(text)
    record.with_terms("include:a.example").without(*record.terms[:2]).render()
    Tree({}).node("orchard.example")
    return record


VALUES = MacroValues(
    "Anna+x@orchard.example", "orchard.example", ip_address("2001:db8::1"), "mx.orchard.example"
)


def _macros(octets: bytes) -> object:
    spec = parse_macro_string(_text(octets), Use.EXPLANATION)
    expand(spec, VALUES)
    name = parse_domain_spec(_text(octets))
    expand_name(name, VALUES)
    return name


def _dmarc(octets: bytes) -> object:
    text = _text(octets)
    is_dmarc(text), looks_like_dmarc(text)
    record = DmarcRecord.parse(text)
    near = [nearest_tag(tag.name) for tag in record.tags.tags[:MOST_SUGGESTIONS]]
    return record, near, [record.policy_for(kind).strength for kind in Kind]


def _dkim(octets: bytes) -> object:
    looks_like_key(_text(octets))
    record = DkimKey.parse(_text(octets))
    if isinstance(record.key, RsaKey):
        shared_factor(record.key.modulus, record.key.modulus + 2)
    return record, record.has(*KeyProblem)


def _sts(octets: bytes) -> object:
    is_sts(_text(octets)), looks_like_sts(_text(octets))
    return StsRecord.parse(_text(octets))


def _policy_file(octets: bytes) -> object:
    found = StsPolicyFile.parse(octets)
    return found, found.covers("mx1.orchard.example")


def _pattern(octets: bytes) -> object:
    mx_pattern_covers(_text(octets), "mx1.orchard.example")
    mx_pattern_covers("*.orchard.example", _text(octets))
    return pattern_problem(_text(octets))


def _tlsrpt(octets: bytes) -> object:
    is_tlsrpt(_text(octets)), looks_like_tlsrpt(_text(octets))
    return TlsrptRecord.parse(_text(octets))


def _bimi(octets: bytes) -> object:
    is_bimi(_text(octets)), looks_like_bimi(_text(octets))
    return BimiRecord.parse(_text(octets))


def _pacc(octets: bytes) -> object:
    is_pacc(_text(octets)), is_document(octets)
    record = PaccRecord.parse(_text(octets))
    return record, record.fits(octets), PaccRecord.parse(pacc_record(octets)).fits(octets)


def _uris(octets: bytes) -> object:
    return parse_report_uris(_text(octets), 0, sizes=True), parse_report_uris(_text(octets), 0, sizes=False)


LONGEST_NAME = 1004
"""Characters of the longest name in presentation format, each written as a backslash and three digits."""


def _names(octets: bytes) -> object:
    text = octets.decode("utf-8", "replace")
    is_hostname(text), normal(text), to_unicode(text), looks_like_address(text), labels(text)
    parents(text[:LONGEST_NAME])  # what it gives grows by the square of a name that could be longer
    is_below(text, "orchard.example"), is_below("orchard.example", text), is_below(text, text)
    organizational_domain(text, [(name, None) for name in walk_names(text)])
    return domain(text)


def _mailbox(octets: bytes) -> object:
    return mailbox(octets.decode("utf-8", "replace"))


LOGO = (
    b"<svg xmlns='http://www.w3.org/2000/svg' version='1.2' baseProfile='tiny-ps' viewBox='0 0 64 64'>"
    b"<title>Orchard</title><g><path d='M0 0h64v64z'/></g></svg>"
)
TAG_WORDS = (b"v=", b";", b" ; ", b"=", b" ", b"\t", b",", b":", b"a", b"b=c;")
URI_WORDS = (
    b"mailto:",
    b"https://",
    b"a@b.example",
    b"!10m",
    b"!",
    b",",
    b" ",
    b"?",
    b"%40",
    b"@",
    b"//",
    b":",
    b"[::1]",
)


RSA_KEY = b"\x30\x81\x89\x02\x81\x81\0" + bytes(range(129, 256)) + b"\xff\x02\x03\1\0\1"
"""PKCS #1, of 1024 bits."""


def _caa(octets: bytes) -> object:
    return [CaaRecord(128, tag, _text(octets)) for tag in ("issue", "issuewild", "iodef", "other")]


PUBLISHED = (
    Target(
        "caa",
        _caa,
        (b"ca.example", b";", b" ", b"\t", b"a=b", b"=", b"mailto:", b"https://", b"@", b".", b"-"),
        (
            b"ca.example; accounturi=https://ca.example/1; validationmethods=dns-01",
            b"mailto:a@orchard.example",
        ),
    ),
    Target(
        "svg",
        SvgImage.parse,
        (
            b"<svg version='1.2' baseProfile='tiny-ps'>",
            b"</svg>",
            b"<title>a</title>",
            b"<path d='M0 0'/>",
            b"<script>",
            b"<a xlink:href='#b'>",
            b"</a>",
            b"<!--",
            b"-->",
            b"<!DOCTYPE a [<!ENTITY b 'c'>]>",
            b"&b;",
            b" viewBox='0 0 1 1'",
            b"<g>",
            b"</g>",
            b"x",
        ),
        (LOGO, gzip.compress(LOGO, mtime=0)),
        b"<svg>",
    ),
    Target(
        "spf",
        _spf,
        (
            b" ",
            b"include:",
            b"a:b.example ",
            b"ip4:",
            b"192.0.2.1",
            b"/24",
            b"//64",
            b"ip6:2001:db8::/32 ",
            b"::",
            b"all ",
            b"-all ",
            b"~",
            b"redirect=",
            b"exp=",
            b"x=y ",
            b"%{d}",
            b"%{ir}",
            b"%",
            b"mx ",
            b"moo ",
            b"a/",
            b".",
            b"a.",
            b":",
        ),
        (
            b"v=spf1 incude:a.example mx a:mail.orchard.example ip4:192.0.2.0/24 include:%{i}._spf.%{d2} exp=why.%{d} -all",
        ),
        b"v=spf1 ",
    ),
    Target(
        "spf-macros",
        _macros,
        (
            b"%{",
            b"}",
            b"%{s}",
            b"%{l1r-}",
            b"%{d9.+-=}",
            b"%%",
            b"%_",
            b"%-",
            b".",
            b"a",
            b"a.",
            b"%{I99999}",
            b"/",
        ),
        (b"%{i}.spf.%{d2}", b"%{lr-}.lp._spf.%{d}.example"),
        refuses=(BadMacro,),
    ),
    Target(
        "dmarc",
        _dmarc,
        (
            *TAG_WORDS,
            b"p=reject;",
            b"sp=",
            b"np=none",
            b"rua=",
            b"ruf=",
            b"fo=1:d",
            b"t=y",
            b"psd=y",
            b"pct=5",
            *URI_WORDS[:6],
        ),
        (b"v=DMARC1; p=reject; sp=none; rua=mailto:a@orchard.example!10m,https://b.example/; fo=1; t=y",),
        b"v=DMARC1;",
    ),
    Target(
        "dkim",
        _dkim,
        (
            *TAG_WORDS,
            b"k=rsa",
            b"k=ed25519",
            b"p=",
            b"MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A",
            b"h=sha256",
            b"t=y:s",
            b"s=*",
            b"n=",
        ),
        (
            b"v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
            b"v=DKIM1; k=rsa; p=" + base64.b64encode(RSA_KEY),
        ),
        b"v=DKIM1;",
    ),
    Target("mta-sts", _sts, (*TAG_WORDS, b"id=", b"2026"), (b"v=STSv1; id=20261101T090000;",), b"v=STSv1;"),
    Target(
        "mta-sts-policy",
        _policy_file,
        (
            b"version: STSv1\n",
            b"mode: ",
            b"enforce",
            b"\r\n",
            b"mx: ",
            b"*.a.example\n",
            b"max_age: ",
            b"604800\n",
            b":",
            b" ",
            b"a",
            b"\n",
        ),
        (b"version: STSv1\r\nmode: enforce\r\nmx: *.orchard.example\r\nmax_age: 604800\r\n",),
        b"version: STSv1\n",
    ),
    Target(
        "mta-sts-pattern",
        _pattern,
        (b"*", b".", b"a", b"xn--", b"-", b"orchard.example", "ä".encode()),
        (b"*.orchard.example",),
    ),
    Target(
        "tlsrpt",
        _tlsrpt,
        (*TAG_WORDS, b"rua=", *URI_WORDS),
        (b"v=TLSRPTv1; rua=mailto:a@orchard.example",),
        b"v=TLSRPTv1;",
    ),
    Target(
        "bimi",
        _bimi,
        (*TAG_WORDS, b"l=", b"a=", b"avp=", *URI_WORDS),
        (b"v=BIMI1; l=https://a.example/l.svg; a=",),
        b"v=BIMI1;",
    ),
    Target(
        "pacc",
        _pacc,
        (*TAG_WORDS, b"a=sha256;", b"d=", b"AAAA", b"{", b'{"a":', b"}", b"[", b'"b"', b"1"),
        (pacc_record(b"{}").encode(), b'{"protocols": {"a": [1, "b"]}}'),
        b"v=UAAC1;",
    ),
    Target("report-uri", _uris, URI_WORDS, (b"mailto:a@orchard.example!10m, https://b.example/r?x=%2C",)),
    Target(
        "tags",
        lambda octets: TagList.parse(_text(octets)).rewritten("c", None),
        TAG_WORDS,
        (b"a=b; c = d ;e",),
    ),
    Target(
        "colon-list",
        lambda octets: colon_list(_text(octets)),
        (b":", b" ", b"a", b"\t", b"a:b"),
        (b"a:b : c",),
    ),
    Target(
        "tlsa-text",
        lambda octets: Tlsa.from_text(_text(octets)),
        (b"3", b" ", b"1 ", b"0", b"ab", b"\t", b"F "),
        (b"3 1 1 " + b"ab" * 32,),
        b"3 1 1 ",
    ),
    Target("tlsa", Tlsa.from_rdata, (b"\3", b"\1", b"\0", b"\xff", b"ab"), (b"\3\1\1" + b"a" * 32,)),
    Target(
        "autoconfig",
        ClientConfig.parse,
        (
            b"<clientConfig>",
            b"<emailProvider id='a'>",
            b"<domain>a</domain>",
            b"<incomingServer type='imap'>",
            b"<outgoingServer>",
            b"<hostname>a</hostname>",
            b"<port>1</port>",
            b"</incomingServer>",
            b"&amp;",
            b"&#x202e;",
            b"<!DOCTYPE a [<!ENTITY b 'c'>]>",
            b"&b;",
            b"<a>",
            b"</a>",
            b"<!--",
            b"-->",
            b"<![CDATA[",
            b"]]>",
            b"x",
            b"<a b='",
        ),
        (
            b"<?xml version='1.0'?><clientConfig version='1.1'><emailProvider id='a.example'><domain>a.example</domain>"
            b"<incomingServer type='imap'><hostname>mail.a.example</hostname><port>993</port><socketType>SSL</socketType>"
            b"<username>%EMAILADDRESS%</username><authentication>password-cleartext</authentication></incomingServer>"
            b"</emailProvider></clientConfig>",
        ),
        b"<clientConfig>",
    ),
    Target(
        "domain",
        _names,
        (b".", b"a", b"xn--", b"-", b"_", b"\\", "ä".encode(), "。".encode(), b"A", b"1", b"orchard.example"),
        (b"orchard.example.",),
        refuses=(BadDomain,),
    ),
    Target(
        "mailbox",
        _mailbox,
        (b"@", b".", b"a", b'"', "ä".encode(), b"+", b"orchard.example"),
        (b"anna@orchard.example",),
        refuses=(BadMailbox,),
    ),
)
