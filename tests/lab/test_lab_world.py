"""The laboratory proves itself: what should be sound is sound, and every planted fault is really there."""

import contextlib
import hashlib
import imaplib
import poplib
import re
import smtplib
import socket
import ssl
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import dns.dnssec
import dns.flags
import dns.message
import dns.name
import dns.node
import dns.query
import dns.rcode
import dns.rdataclass
import dns.rdataset
import dns.rdatatype
import dns.rrset
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from lab.addresses import pointers
from lab.clients import CLIENTS, DEFAULT_TLS
from lab.planted import PLANTED
from lab.world import World

pytestmark = pytest.mark.lab

FROM = "127.0.0.1"  # where the checker comes from


def ask(lab: World, name: str, rdtype: str, *, checking: bool = True) -> dns.message.Message:
    """What the validating resolver answers; over TCP, so that nothing is cut."""
    query = dns.message.make_query(name, rdtype, want_dnssec=True)
    if not checking:
        query.flags |= dns.flags.CD
    return dns.query.tcp(query, lab.resolver, timeout=10)


def data(lab: World, name: str, rdtype: str, *, checking: bool = True) -> list[str]:
    """The RRset's data as text, sorted; an alias is not followed into the list."""
    wanted = dns.rdatatype.from_text(rdtype)
    answer = ask(lab, name, rdtype, checking=checking).answer
    return sorted(rdata.to_text() for rrset in answer if rrset.rdtype == wanted for rdata in rrset)


def text(lab: World, name: str) -> list[str]:
    """The TXT records with their character-strings joined."""
    answer = ask(lab, name, "TXT").answer
    found = (rdata for rrset in answer if rrset.rdtype == dns.rdatatype.TXT for rdata in rrset)
    return sorted(b"".join(rdata.strings).decode() for rdata in found)


class Client(smtplib.SMTP):
    """An SMTP client that reaches a host by address and knows it by name, for SNI and verification."""

    def __init__(self, lab: World, host: str, port: int) -> None:
        super().__init__(timeout=10, local_hostname="localhost")
        self._host = host
        if port == 465:
            plain = socket.create_connection((lab.hosts[host], port), 10)
            self.sock = trusting(lab).wrap_socket(plain, server_hostname=host)
            self.code, self.greeting = self.getreply()
        else:
            self.code, self.greeting = self.connect(lab.hosts[host], port, source_address=(FROM, 0))

    @property
    def tls(self) -> ssl.SSLSocket:
        assert isinstance(self.sock, ssl.SSLSocket)
        return self.sock


@contextlib.contextmanager
def smtp(lab: World, host: str, port: int = 25) -> Iterator[Client]:
    """A conversation with `host`, closed at the end."""
    client = Client(lab, host, port)
    try:
        yield client
    finally:
        client.close()


def trusting(lab: World) -> ssl.SSLContext:
    """A client that trusts the world's root."""
    return ssl.create_default_context(cafile=lab.root_ca)


def offers(server: smtplib.SMTP) -> set[str]:
    """The EHLO keywords, upper case."""
    code, _ = server.ehlo()
    assert code == 250
    return {keyword.upper() for keyword in server.esmtp_features}


def own_mx(kind: str) -> list[str]:
    return [name for name, row in PLANTED.items() if row.kind == kind]


def test_every_domain_of_the_table_is_in_the_world(lab: World) -> None:
    assert lab.domains.keys() == PLANTED.keys()
    answering = {name for name in lab.domains if ask(lab, name, "SOA", checking=False).answer}
    assert answering == set(lab.domains)


def test_every_domain_but_the_broken_zones_validates(lab: World) -> None:
    judged = {name: ask(lab, name, "MX") for name in lab.domains}
    servfail = {name for name, answer in judged.items() if answer.rcode() == dns.rcode.SERVFAIL}
    insecure = {name for name, answer in judged.items() if not answer.flags & dns.flags.AD}
    assert servfail == {"bogus.test", "stale.test"}
    assert insecure == servfail | {"unsigned.test"}


@pytest.mark.parametrize("name", ["nothing.lab.test", "nothing.test", "example.com", "_dmarc.test"])
def test_denials_validate_and_nothing_leaves_the_world(lab: World, name: str) -> None:
    answer = ask(lab, name, "TXT")
    assert answer.rcode() == dns.rcode.NXDOMAIN
    assert answer.flags & dns.flags.AD


def test_the_bogus_zone_still_answers_who_does_not_check(lab: World) -> None:
    assert data(lab, "bogus.test", "MX", checking=False) == ["10 mx.evil.test.", "20 mx.evil.test."]
    assert data(lab, "stale.test", "MX", checking=False) == ["10 mx1.lab.test.", "20 mx2.lab.test."]


def test_one_name_server_lags_behind_and_what_each_has_is_signed(lab: World) -> None:
    domain, servers = dns.name.from_text("lagging.test"), ("ns1.lab.test", "ns3.lab.test")
    assert data(lab, "lagging.test", "NS") == [f"{server}." for server in servers]
    keys: dict[dns.name.Name, dns.node.Node | dns.rdataset.Rdataset] = {
        domain: served(lab, servers[0], "lagging.test", "DNSKEY")[0]
    }
    seen = []
    for server in servers:
        soa, _ = served(lab, server, "lagging.test", "SOA")
        records, signatures = served(lab, server, "lagging.test", "TXT")
        dns.dnssec.validate(records, signatures, keys)
        seen.append((soa[0].serial, [str(record) for record in records]))
    assert seen == [(2, ['"v=spf1 mx -all"']), (1, ['"v=spf1 a:mx1.lab.test -all"'])]


def served(lab: World, server: str, name: str, rdtype: str) -> tuple[dns.rrset.RRset, dns.rrset.RRset]:
    """An RRset as one name server has it, and its signatures."""
    query = dns.message.make_query(name, rdtype, want_dnssec=True)
    answer = dns.query.tcp(query, lab.hosts[server], timeout=10)
    assert answer.flags & dns.flags.AA
    owner, wanted = dns.name.from_text(name), dns.rdatatype.from_text(rdtype)
    return (
        answer.find_rrset(answer.answer, owner, dns.rdataclass.IN, wanted),
        answer.find_rrset(answer.answer, owner, dns.rdataclass.IN, dns.rdatatype.RRSIG, wanted),
    )


def test_tlsa_records_that_bind_nobody(lab: World) -> None:
    broken = ask(lab, "_25._tcp.mx.dane-bogus.test", "TLSA")
    assert broken.rcode() == dns.rcode.SERVFAIL
    assert ask(lab, "mx.dane-bogus.test", "A").flags & dns.flags.AD
    unsigned = ask(lab, "_25._tcp.mx.unsigned.test", "TLSA")
    assert len(unsigned.answer[0]) == 2
    assert not unsigned.flags & dns.flags.AD


def test_pointers_are_confirmed_but_for_the_planted_two(lab: World) -> None:
    named = {
        host: data(lab, ".".join(reversed(address.split("."))) + ".in-addr.arpa", "PTR")
        for host, address in lab.hosts.items()
        if not host.startswith(("mta-sts.", "second."))
    }
    odd = {host: names for host, names in named.items() if names != [f"{host}."]}
    assert odd == {"mx.lame-ptr.test": ["elsewhere.lame-ptr.test."], "mx.no-ptr.test": []}
    assert data(lab, "elsewhere.lame-ptr.test", "A") != [lab.hosts["mx.lame-ptr.test"]]
    assert pointers(lab.prefix)[lab.hosts["mx1.lab.test"]] == "mx1.lab.test"


def test_the_sound_domain_publishes_everything(lab: World) -> None:
    assert data(lab, "lab.test", "MX") == ["10 mx1.lab.test.", "20 mx2.lab.test."]
    assert text(lab, "lab.test") == ["v=spf1 mx -all"]
    assert text(lab, "_dmarc.lab.test") == ["v=DMARC1; p=reject; rua=mailto:postmaster@lab.test"]
    assert text(lab, "_smtp._tls.lab.test") == ["v=TLSRPTv1; rua=mailto:postmaster@lab.test"]
    assert text(lab, "_mta-sts.lab.test") == ["v=STSv1; id=20260101"]
    assert text(lab, "sel1._domainkey.lab.test")[0].startswith("v=DKIM1; k=rsa; p=MIIB")
    for host in ("mx1.lab.test", "mx2.lab.test"):
        assert data(lab, host, "A") == [lab.hosts[host]]
        assert len(data(lab, f"_25._tcp.{host}", "TLSA")) == 2
    assert data(lab, "_submissions._tcp.lab.test", "SRV") == ["0 1 465 mx1.lab.test."]
    assert data(lab, "_imap._tcp.lab.test", "SRV") == ["0 0 0 ."]


@pytest.mark.parametrize("host", ["mx1.lab.test", "mx2.lab.test"])
def test_tlsa_matches_what_the_mx_serves(lab: World, host: str) -> None:
    with smtp(lab, host) as server:
        server.starttls(context=trusting(lab))
        leaf = x509.load_der_x509_certificate(server.tls.getpeercert(binary_form=True) or b"")
    spki = leaf.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert f"3 1 1 {hashlib.sha256(spki).hexdigest()}" in data(lab, f"_25._tcp.{host}", "TLSA")


@pytest.mark.parametrize("host", ["mx1.lab.test", "mx2.lab.test", "mx.sound.test", "mx.mx-alias.test"])
def test_a_sound_mx_accepts_the_role_mailboxes_and_nothing_else(lab: World, host: str) -> None:
    domain = host.split(".", 1)[1]
    with smtp(lab, host) as server:
        assert server.greeting.decode().split()[0] == host
        assert "AUTH" not in offers(server)
        server.starttls(context=trusting(lab))
        keywords = offers(server)
        assert {"SIZE", "8BITMIME", "PIPELINING"} <= keywords
        assert not keywords & {"AUTH", "STARTTLS"}
        assert int(server.esmtp_features["size"]) > 10 * 1024 * 1024
        assert server.docmd("MAIL FROM:<>")[0] == 250
        replies = {to: server.docmd(f"RCPT TO:<{to}>")[0] for to in (
            f"postmaster@{domain}", f"abuse@{domain}", "postmaster", f"nobody@{domain}", "x@example.org")}  # fmt: skip
        assert list(replies.values())[:3] == [250, 250, 250], replies
        assert all(code // 100 == 5 for code in list(replies.values())[3:]), replies


@pytest.mark.parametrize("host", ["mx1.lab.test", "mx2.lab.test"])
@pytest.mark.parametrize("domain", sorted(set(PLANTED) - {"parked.test"}))
def test_both_shared_mx_accept_postmaster_of_every_domain(lab: World, host: str, domain: str) -> None:
    with smtp(lab, host) as server:
        offers(server)
        assert server.docmd("MAIL FROM:<>")[0] == 250
        assert server.docmd(f"RCPT TO:<postmaster@{domain}>")[0] == 250


@pytest.mark.parametrize("port", [587, 2525])
@pytest.mark.parametrize("host", ["mx1.lab.test", "mx2.lab.test"])
def test_submission_offers_auth_only_under_tls(lab: World, host: str, port: int) -> None:
    if (host, port) == ("mx2.lab.test", 2525):
        return  # only Postfix listens there
    with smtp(lab, host, port) as server:
        assert "AUTH" not in offers(server)
        server.starttls(context=trusting(lab))
        assert "AUTH" in offers(server)
        server.login("alice@lab.test", lab.users["alice@lab.test"])


@pytest.mark.parametrize("host", ["mx1.lab.test", "mx2.lab.test", "mail.submission-clear.test"])
def test_implicit_tls_submission_lets_users_in_and_nobody_else(lab: World, host: str) -> None:
    with smtp(lab, host, 465) as server:
        assert server.code == 220
        assert "AUTH" in offers(server)
        server.docmd("MAIL FROM:<>")
        assert server.docmd("RCPT TO:<postmaster@lab.test>")[0] // 100 == 5
        server.docmd("RSET")
        server.login("alice@lab.test", lab.users["alice@lab.test"])


def test_mail_submitted_arrives_in_the_mailbox(lab: World) -> None:
    with smtp(lab, "mx1.lab.test", 587) as server:
        server.starttls(context=trusting(lab))
        server.login("alice@lab.test", lab.users["alice@lab.test"])
        server.sendmail("alice@lab.test", ["bob@lab.test"], "Subject: it arrives\r\n\r\nHello.\r\n")
    with imap(lab, "imap.lab.test") as mailbox:
        mailbox.starttls(trusting(lab))
        mailbox.login("bob@lab.test", lab.users["bob@lab.test"])
        until = time.monotonic() + 30
        while time.monotonic() < until:
            mailbox.select("INBOX")
            if mailbox.search(None, "SUBJECT", '"it arrives"')[1] != [b""]:
                break
            time.sleep(0.05)
        else:
            pytest.fail("the message did not arrive")


# ---- certificates ---------------------------------------------------------------------------------------

VERDICTS = {
    "no-intermediate.test": "unable to get local issuer certificate",
    "expired.test": "certificate has expired",
    "not-yet-valid.test": "certificate is not yet valid",
    "self-signed.test": "self-signed certificate",
    "wrong-name.test": "Hostname mismatch",
    "weak-key.test": "EE certificate key too weak",
    "untrusted-root.test": "self-signed certificate in certificate chain",
    "revoked.test": "certificate revoked",
    "expired-intermediate.test": "certificate has expired",
    "client-only.test": "certificate purpose",
}

SENT = {
    "wrong-order.test": ["mx.wrong-order.test", "Lab Intermediate", "Lab Second"],
    "extra-root.test": ["mx.extra-root.test", "Lab Intermediate", "Lab Root"],
    "ends-soon.test": ["mx.ends-soon.test", "Lab Intermediate"],
    "sni-default.test": ["mx2.lab.test", "Lab Intermediate"],
}
"""What clients that name no host are sent where OpenSSL has nothing against it."""


@pytest.mark.parametrize("domain", SENT)
def test_certificates_that_verify_all_the_same(lab: World, domain: str) -> None:
    host = f"mx.{domain}"
    with smtp(lab, host) as server:
        server.starttls(context=trusting(lab))
        ends = server.tls.getpeercert() or {}
    days = (ssl.cert_time_to_seconds(str(ends["notAfter"])) - time.time()) / 86400
    assert (days < 4) is (domain == "ends-soon.test")
    asked = ["openssl", "s_client", "-starttls", "smtp", "-noservername", "-connect", f"{lab.hosts[host]}:25"]
    shown = subprocess.run(asked, input="QUIT\r\n", capture_output=True, text=True, timeout=20, check=False)
    assert re.findall(r"(?m)^ *\d+ s:CN ?= ?(.+)$", shown.stdout) == SENT[domain]


@pytest.mark.parametrize("domain", sorted(set(own_mx("certificate")) - set(SENT)))
def test_every_faulty_certificate_has_its_fault_and_no_other(lab: World, domain: str, tmp_path: Path) -> None:
    host = f"mx.{domain}"
    context = trusting(lab)
    if domain == "revoked.test":
        # OpenSSL looks into lists where it is told to, and has them all.
        context.load_verify_locations(cafile=revoked(lab, tmp_path))
        context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
    with smtp(lab, host) as server, pytest.raises(ssl.SSLCertVerificationError) as raised:
        server.starttls(context=context)
    assert VERDICTS[domain] in raised.value.verify_message


def revoked(lab: World, folder: Path) -> Path:
    """The list of revoked certificates as the web server has it, in PEM."""
    assert data(lab, "crl.lab.test", "A") == [lab.hosts["crl.lab.test"]]
    with urllib.request.urlopen(f"http://{lab.hosts['crl.lab.test']}/intermediate.crl", timeout=10) as answer:
        found = x509.load_der_x509_crl(answer.read())
    path = folder / "list.pem"
    path.write_bytes(found.public_bytes(Encoding.PEM))
    return path


def test_the_policy_host_serves_policies_with_the_certificates_planted(lab: World) -> None:
    seen = {}
    for domain in ("lab.test", "sts-partial.test", "sts-uncovered.test", "sts-missing.test"):
        seen[domain] = fetch(lab, domain)
    head, body = seen["lab.test"].split("\r\n\r\n", 1)
    assert "200 OK" in head
    assert re.search(r"(?m)^Content-Type: text/plain\r?$", head)
    assert body.splitlines() == [
        "version: STSv1", "mode: enforce", "mx: mx1.lab.test", "mx: mx2.lab.test", "max_age: 1209600"]  # fmt: skip
    assert "mx2" not in seen["sts-partial.test"]
    assert "mx: mx.elsewhere.test" in seen["sts-uncovered.test"]
    assert " 404 " in seen["sts-missing.test"].splitlines()[0]
    with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
        fetch(lab, "sts-expired.test")


def fetch(lab: World, domain: str) -> str:
    """The whole HTTP response for a domain's MTA-STS policy."""
    host = f"mta-sts.{domain}"
    assert data(lab, host, "A") == [lab.hosts[host]]
    with (
        socket.create_connection((lab.hosts[host], 443), 10) as plain,
        trusting(lab).wrap_socket(plain, server_hostname=host) as tls,
    ):
        request = f"GET /.well-known/mta-sts.txt HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        tls.sendall(request.encode())
        return b"".join(iter(lambda: tls.recv(65536), b"")).decode()


# ---- habits on port 25 ----------------------------------------------------------------------------------


def test_no_tls_offers_none(lab: World) -> None:
    with smtp(lab, "mx.no-tls.test") as server:
        assert "STARTTLS" not in offers(server)


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1 is deprecated")
@pytest.mark.parametrize(("low", "high", "works"), [("TLSv1", "TLSv1", True), ("TLSv1_2", "TLSv1_3", False)])
def test_tls10_speaks_nothing_newer(lab: World, low: str, high: str, works: bool) -> None:
    context = unverifying()
    context.minimum_version, context.maximum_version = ssl.TLSVersion[low], ssl.TLSVersion[high]
    with smtp(lab, "mx.tls10.test") as server:
        with contextlib.nullcontext() if works else pytest.raises(ssl.SSLError):
            server.starttls(context=context)
        assert not works or server.tls.version() == "TLSv1"


def test_anon_has_no_certificate(lab: World) -> None:
    context = unverifying()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with smtp(lab, "mx.anon.test") as server:
        server.starttls(context=context)
        assert server.tls.getpeercert(binary_form=True) is None
    with smtp(lab, "mx.anon.test") as server, pytest.raises(ssl.SSLError):
        server.starttls(context=trusting(lab))


def unverifying() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("ALL:aNULL:@SECLEVEL=0")
    return context


def test_suites_without_a_certificate_are_what_postfix_takes_unless_told_otherwise(lab: World) -> None:
    names = [setting.partition(" =")[0] for setting in DEFAULT_TLS]
    told = subprocess.run(["postconf", "-d", *names], capture_output=True, text=True, check=True).stdout
    assert told.splitlines() == list(DEFAULT_TLS)
    for host, port, taken in (
        ("mx.default-25.test", 25, True),
        ("mail.default-587.test", 587, True),
        ("mx.sound.test", 25, False),
    ):
        context = unverifying()
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers("aNULL:@SECLEVEL=0")
        with smtp(lab, host, port) as server:
            with contextlib.nullcontext() if taken else pytest.raises(ssl.SSLError):
                server.starttls(context=context)
            assert not taken or server.tls.getpeercert(binary_form=True) is None


def test_clear_auth_offers_auth_before_tls(lab: World) -> None:
    with smtp(lab, "mx.clear-auth.test") as server:
        assert {"AUTH", "STARTTLS"} <= offers(server)


def test_throttle_answers_421_from_the_fourth_connection_on(lab: World) -> None:
    codes = []
    for _ in range(5):
        with smtp(lab, "mx.throttle.test") as server:
            codes.append(server.code)
    assert codes == [220, 220, 220, 421, 421]


@pytest.mark.parametrize(
    ("domain", "greeting"), [("busy.test", 421), ("blocked.test", 554), ("slow.test", 220)]
)
def test_greetings(lab: World, domain: str, greeting: int) -> None:
    with smtp(lab, f"mx.{domain}") as server:
        assert server.code == greeting


@pytest.mark.parametrize(("domain", "reply"), [("greylist.test", 450), ("blocked-rcpt.test", 554)])
def test_replies_to_rcpt(lab: World, domain: str, reply: int) -> None:
    with smtp(lab, f"mx.{domain}") as server:
        offers(server)
        server.docmd("MAIL FROM:<>")
        assert server.docmd(f"RCPT TO:<postmaster@{domain}>")[0] == reply


@pytest.mark.parametrize(("domain", "after"), [("bare-newline.test", 250), ("sound.test", 221)])
def test_bare_newline_takes_line_feeds_for_the_end_of_a_message(lab: World, domain: str, after: int) -> None:
    with smtp(lab, f"mx.{domain}") as server:
        offers(server)
        server.docmd("MAIL FROM:<>")
        server.docmd(f"RCPT TO:<postmaster@{domain}>")
        assert server.docmd("DATA")[0] == 354
        server.send(b"Subject: x\r\n\r\nx\n.\nNOOP\r\n.\r\n")
        assert server.getreply()[0] == 250
        assert server.docmd("QUIT")[0] == after, "the reply to NOOP comes first where that was a command"


def test_helo_only_refuses_ehlo(lab: World) -> None:
    with smtp(lab, "mx.helo-only.test") as server:
        assert server.ehlo()[0] // 100 == 5
        assert server.helo()[0] == 250


def test_postscreen_greets_in_two_lines_and_serves_the_patient(lab: World) -> None:
    for _ in range(2):
        with smtp(lab, "mx.postscreen.test") as server:
            assert server.code == 220
            assert len(server.greeting.splitlines()) == 2
            server.starttls(context=trusting(lab))
            offers(server)
            server.docmd("MAIL FROM:<>")
            assert server.docmd("RCPT TO:<postmaster@postscreen.test>")[0] == 250


@pytest.mark.parametrize(
    ("host", "keyword", "there"),
    [
        ("mx.no-8bitmime.test", "8BITMIME", False),
        ("mx.no-smtputf8.test", "SMTPUTF8", False),
        ("mx.xclient.test", "XCLIENT", True),
        ("mx.xforward.test", "XFORWARD", True),
        ("mx.vrfy.test", "VRFY", True),
        ("mx.masked.test", "STARTTLS", False),
        ("mx.masked.test", "XXXXXXXA", True),
        ("second.half-tls.test", "STARTTLS", False),
        ("mx.half-tls.test", "STARTTLS", True),
    ],
)
def test_keywords(lab: World, host: str, keyword: str, there: bool) -> None:
    with smtp(lab, host) as server:
        assert (keyword in offers(server)) is there


@pytest.mark.parametrize(("domain", "size"), [("tiny-size.test", 60_000), ("small-size.test", 5_000_000)])
def test_sizes(lab: World, domain: str, size: int) -> None:
    with smtp(lab, f"mx.{domain}") as server:
        offers(server)
        assert int(server.esmtp_features["size"]) == size


@pytest.mark.parametrize(
    ("domain", "sender", "recipient", "reply"),
    [
        ("no-bounces.test", "", "postmaster@no-bounces.test", 550),
        ("no-bounces.test", "a@example.org", "postmaster@no-bounces.test", 250),
        ("no-postmaster.test", "", "postmaster@no-postmaster.test", 550),
        ("no-postmaster.test", "", "abuse@no-postmaster.test", 250),
        ("demands-tls.test", "", "postmaster@demands-tls.test", 530),
        ("deep.test", "", "postmaster@deep.test", 450),
        ("open-relay.test", "a@example.org", "b@example.net", 250),
        ("sound.test", "a@example.org", "b@example.net", 554),
    ],
)
def test_what_is_taken(lab: World, domain: str, sender: str, recipient: str, reply: int) -> None:
    with smtp(lab, f"mx.{domain}") as server:
        offers(server)
        first = server.docmd(f"MAIL FROM:<{sender}>")[0]
        assert (first if first == 530 else server.docmd(f"RCPT TO:<{recipient}>")[0]) == reply


@pytest.mark.parametrize(
    ("name", "low", "high", "suites", "spoken"),
    [
        ("tls12", "TLSv1_2", "TLSv1_3", "", "TLSv1.2"),
        ("tls11", "TLSv1_1", "TLSv1_1", "", "TLSv1.1"),
        ("null", "TLSv1_2", "TLSv1_2", "ECDHE-ECDSA-NULL-SHA", "NULL-SHA"),
        ("rsa-exchange", "TLSv1_2", "TLSv1_2", "kRSA", "AES256-GCM-SHA384"),
        ("rsa-only", "TLSv1_2", "TLSv1_3", "", "AES256-GCM-SHA384"),
        ("dh-1024", "TLSv1_2", "TLSv1_2", "kDHE", "DHE-RSA-AES256-GCM-SHA384"),
    ],
)
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated")
def test_old_versions_and_suites(
    lab: World, name: str, low: str, high: str, suites: str, spoken: str
) -> None:
    context = unverifying()
    context.minimum_version, context.maximum_version = ssl.TLSVersion[low], ssl.TLSVersion[high]
    context.set_ciphers(f"{suites or 'ALL'}:@SECLEVEL=0")
    with smtp(lab, f"mx.{name}.test") as server:
        server.starttls(context=context)
        suite = server.tls.cipher()
        assert suite is not None
        assert server.tls.version() == spoken or suite[0].endswith(spoken)


@pytest.mark.parametrize(
    ("host", "port", "newest"),
    [("mx.ssl3.test", 25, 0), ("mx.ssl3-too.test", 25, 3), ("mail.ssl3-993.test", 993, 3)],
)
@pytest.mark.filterwarnings("ignore:The asyncore module is deprecated")
def test_mail_is_taken_and_read_over_ssl3(lab: World, host: str, port: int, newest: int) -> None:
    from tlslite.api import HandshakeSettings, TLSConnection

    for offered in (0, 3):
        with contextlib.closing(socket.create_connection((lab.hosts[host], port), 10)) as plain:
            if port == 25:
                for said, code in (
                    (b"", b"220 "),
                    (b"EHLO localhost\r\n", b"250-"),
                    (b"STARTTLS\r\n", b"220 "),
                ):
                    plain.sendall(said)
                    assert plain.recv(1000).startswith(code)
            settings = HandshakeSettings()
            settings.minVersion, settings.maxVersion = (3, 0), (3, offered)
            tls = TLSConnection(plain)
            tls.handshakeClientCert(settings=settings)
            assert tls.version == (3, min(offered, newest))
            tls.sendall(b"EHLO localhost\r\n" if port == 25 else b"a CAPABILITY\r\n")
            assert bytes(tls.read(4, 4)) == (b"250-" if port == 25 else b"* OK")


@pytest.mark.parametrize("name", ["demands-certificate", "asks-certificate"])
def test_certificates_of_clients(lab: World, name: str) -> None:
    with smtp(lab, f"mx.{name}.test") as server:
        server.starttls(context=trusting(lab))
        assert server.ehlo()[0] == (421 if name == "demands-certificate" else 250)


@pytest.mark.parametrize(("name", "obeyed"), [("injected", True), ("sound", False)])
def test_commands_sent_with_starttls_are_obeyed_only_by_the_relay(
    lab: World, name: str, obeyed: bool
) -> None:
    with smtp(lab, f"mx.{name}.test") as server:
        offers(server)
        assert server.sock is not None
        server.send(b"STARTTLS\r\nNOOP\r\n")
        assert server.getreply()[0] == 220
        with trusting(lab).wrap_socket(server.sock, server_hostname=f"mx.{name}.test") as tls:
            tls.sendall(b"EHLO localhost\r\n")
            said = tls.recv(100)
    assert said.startswith(b"250 " if obeyed else b"250-"), "the reply to NOOP, or that to EHLO"


def test_names_in_greetings_and_dead_addresses(lab: World) -> None:
    with smtp(lab, "mx.other-name.test") as server:
        assert server.greeting.startswith(b"mx.elsewhere.test")
    with smtp(lab, "mx.tells-version.test") as server:
        assert re.search(rb"Postfix \d+\.\d+", server.greeting)
    assert len(data(lab, "mx.half-dead.test", "A")) == 2
    for host, port in (
        ("second.half-dead.test", 25),
        ("mail.closed-993.test", 993),
        ("mail.only-587.test", 465),
    ):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((lab.hosts[host], port), 5)


# ---- submission and mailboxes ---------------------------------------------------------------------------


def test_submission_clear_offers_auth_before_tls(lab: World) -> None:
    with smtp(lab, "mail.submission-clear.test", 587) as server:
        assert {"AUTH", "STARTTLS"} <= offers(server)


def ports_of_clients() -> Iterator[tuple[str, int, bool]]:
    """Every port of the careless hosts, and whether TLS comes first there."""
    yield "mx.tls-on-25.test", 25, True
    for name, careless in CLIENTS.items():
        for port, settings in careless.postfix.items():
            yield f"mail.{name}.test", port, "smtpd_tls_wrappermode = yes" in settings
        for each in careless.dovecot:
            yield f"mail.{name}.test", each.port, each.tls


@pytest.mark.parametrize(("host", "port", "tls"), list(ports_of_clients()))
def test_tls_comes_first_where_the_table_says_so(lab: World, host: str, port: int, tls: bool) -> None:
    with socket.create_connection((lab.hosts[host], port), 10) as plain:
        if not tls:
            assert plain.recv(4) in (b"220 ", b"* OK", b"+OK ", b'"IMP')
            return
        with contextlib.closing(unverifying().wrap_socket(plain, server_hostname=host)) as secured:
            assert secured.recv(4) in (b"220 ", b"* OK", b"+OK ", b'"IMP')


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("no-login-587", set(), set()),
        ("no-tls-587", {"PLAIN", "LOGIN", "SCRAM-SHA-256"}, None),
        ("login-only", set(), {"LOGIN"}),
        ("cram-only", set(), {"CRAM-MD5"}),
    ],
)
def test_logins_on_port_587(lab: World, name: str, before: set[str], after: set[str] | None) -> None:
    with smtp(lab, f"mail.{name}.test", 587) as server:
        assert ("STARTTLS" in offers(server)) is (after is not None)
        assert set(server.esmtp_features.get("auth", "").split()) == before
        if after is not None:
            server.starttls(context=trusting(lab))
            offers(server)
            assert set(server.esmtp_features.get("auth", "").split()) == after


@pytest.mark.parametrize(
    ("host", "mechanisms", "starttls"),
    [
        ("imap.lab.test", b'"SASL" "SCRAM-SHA-256"', b"OK "),
        ("mail.sieve-clear.test", b'"SASL" "PLAIN LOGIN SCRAM-SHA-256"', b"OK "),
        ("mail.no-tls-4190.test", b'"SASL" "PLAIN LOGIN SCRAM-SHA-256"', b"NO "),
    ],
)
def test_managesieve_before_tls(lab: World, host: str, mechanisms: bytes, starttls: bytes) -> None:
    with socket.create_connection((lab.hosts[host], 4190), 10) as plain, plain.makefile("rb") as said:
        told = set(iter(lambda: said.readline().strip(), b'OK "Dovecot (Debian) ready."'))
        assert {mechanisms, b'"STARTTLS"'} <= told
        plain.sendall(b"STARTTLS\r\n")
        assert said.readline().startswith(starttls)


def test_mailboxes_without_tls(lab: World) -> None:
    with imap(lab, "mail.no-tls-143.test") as mailbox:
        assert not {"STARTTLS", "LOGINDISABLED"} & set(mailbox.capabilities)
    post = poplib.POP3(lab.hosts["mail.no-tls-110.test"], 110, timeout=10)
    assert "STLS" not in post.capa()
    post.quit()


@pytest.mark.parametrize(("name", "port"), [("expired-465", 465), ("expired-993", 993)])
def test_certificates_of_mail_programs_that_ended(lab: World, name: str, port: int) -> None:
    with (
        socket.create_connection((lab.hosts[f"mail.{name}.test"], port), 10) as plain,
        pytest.raises(ssl.SSLCertVerificationError, match="expired"),
    ):
        trusting(lab).wrap_socket(plain, server_hostname=f"mail.{name}.test")


@contextlib.contextmanager
def imap(lab: World, host: str) -> Iterator[imaplib.IMAP4]:
    mailbox = imaplib.IMAP4(lab.hosts[host], 143, timeout=10)
    mailbox.host = host  # what starttls() verifies against
    try:
        yield mailbox
    finally:
        mailbox.logout()


@pytest.mark.parametrize(
    ("host", "careless"),
    [("imap.lab.test", False), ("mail.imap-clear.test", True), ("mail.pop3-clear.test", True)],
)
def test_mailbox_servers_let_users_in_before_tls_only_where_planted(
    lab: World, host: str, careless: bool
) -> None:
    user, secret = next(iter(lab.users.items()))
    with imap(lab, host) as mailbox:
        assert ("LOGINDISABLED" not in mailbox.capabilities) is careless
        assert ("AUTH=PLAIN" in mailbox.capabilities) is careless
        mailbox.starttls(trusting(lab))
        assert "AUTH=PLAIN" in mailbox.capabilities
        mailbox.login(user, secret)
    post = poplib.POP3(lab.hosts[host], 110, timeout=10)
    post.host = host
    assert ("USER" in post.capa()) is careless
    post.stls(trusting(lab))
    assert "USER" in post.capa()
    post.quit()


@pytest.mark.parametrize("port", [993, 995])
@pytest.mark.parametrize("name", ["imap.lab.test", "lab.test"])
def test_implicit_tls_mailbox_ports_name_host_and_domain(lab: World, port: int, name: str) -> None:
    with (
        socket.create_connection((lab.hosts["imap.lab.test"], port), 10) as plain,
        trusting(lab).wrap_socket(plain, server_hostname=name) as tls,
    ):
        assert tls.recv(4).startswith((b"* OK", b"+OK"))


# ---- what is published ----------------------------------------------------------------------------------


def test_published_faults(lab: World) -> None:
    assert len(re.findall(r"\b(mx|a:)", text(lab, "spf-lookups.test")[0])) == 11
    assert all(data(lab, f"a{n}.spf-lookups.test", "A") for n in range(1, 11))
    assert len(text(lab, "spf-two.test")) == 2
    assert text(lab, "spf-plus-all.test") == ["v=spf1 mx +all"]
    assert text(lab, "spf-none.test") == []
    assert text(lab, "_dmarc.dmarc-missing.test") == []
    assert len(text(lab, "_dmarc.dmarc-two.test")) == 2
    assert text(lab, "sel1._domainkey.dkim-revoked.test") == ["v=DKIM1; k=rsa; p="]
    assert len(text(lab, "sel1._domainkey.dkim-512.test")[0]) < 160
    assert data(lab, "mx-alias.test", "MX") == ["10 alias.mx-alias.test."]
    assert data(lab, "alias.mx-alias.test", "CNAME") == ["mx.mx-alias.test."]
    assert data(lab, "mx-no-address.test", "MX") == ["10 mx1.lab.test.", "20 gone.mx-no-address.test."]
    assert ask(lab, "gone.mx-no-address.test", "A").rcode() == dns.rcode.NXDOMAIN
    assert data(lab, "parked.test", "MX") == ["0 ."]
    assert text(lab, "parked.test") == ["v=spf1 -all"]
    assert all(
        set(one.split()[-1]) <= {"0", "1"} for one in data(lab, "_25._tcp.mx.dane-mismatch.test", "TLSA")
    )


def test_the_machine_keeps_its_own_resolver(lab: World) -> None:
    assert lab.resolver not in Path("/etc/resolv.conf").read_text()
