"""What is planted where: every mail domain of the laboratory, and the one thing wrong with it.

The table is what tests read; `addresses`, `pki`, `zones` and `servers` do the planting, and `test_lab_world`
proves that each of these is really there.  Unless its row says otherwise a domain is signed and validates,
has SPF, DKIM (selector `sel1`), DMARC, TLSRPT and SRV records in order, and accepts `postmaster` and `abuse`.
"""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """Where the planted thing shows."""

    HEALTHY = "healthy"
    CERTIFICATE = "certificate"
    SMTP = "smtp"
    SUBMISSION = "submission"
    MAILBOX = "mailbox"
    DNS = "dns"
    HTTPS = "https"


@dataclass(frozen=True)
class Planted:
    """One mail domain: its name, where its fault shows, and the fault in one sentence."""

    domain: str
    kind: Kind
    what: str


_ROWS = (
    Planted(
        "lab.test", Kind.HEALTHY, "Nothing is wrong: everything a domain can publish is published and agrees."
    ),
    Planted(
        "sound.test",
        Kind.HEALTHY,
        "Nothing is wrong: one MX of its own, the control of all faulty ones below.",
    ),
    Planted(
        "slow.test", Kind.HEALTHY, "Nothing is wrong: the greeting takes three seconds, which is patience."
    ),
    Planted(
        "postscreen.test",
        Kind.HEALTHY,
        "Nothing is wrong: the greeting comes in two lines, two seconds apart.",
    ),
    Planted("sieve.test", Kind.HEALTHY, "Nothing is wrong: ManageSieve is published, too, and sound."),
    Planted(
        "parked.test", Kind.HEALTHY, "Nothing is wrong: null MX, SPF that authorises nobody, DMARC reject."
    ),
    Planted("both-families.test", Kind.HEALTHY, "Nothing is wrong: the MX answers over IPv4 and over IPv6."),
    # certificates on port 25, each on an MX host of the domain's own, `mx.DOMAIN`
    Planted(
        "no-intermediate.test", Kind.CERTIFICATE, "The MX sends its certificate without the intermediate."
    ),
    Planted("expired.test", Kind.CERTIFICATE, "The certificate of the MX ended two days ago."),
    Planted("not-yet-valid.test", Kind.CERTIFICATE, "The certificate of the MX begins in two days."),
    Planted("self-signed.test", Kind.CERTIFICATE, "The certificate of the MX is signed by its own key."),
    Planted("wrong-name.test", Kind.CERTIFICATE, "The certificate of the MX names another host."),
    Planted("weak-key.test", Kind.CERTIFICATE, "The certificate of the MX has an RSA key of 1024 bits."),
    Planted(
        "untrusted-root.test",
        Kind.CERTIFICATE,
        "The chain of the MX is complete and ends in an unknown root.",
    ),
    Planted(
        "revoked.test",
        Kind.CERTIFICATE,
        "The certificate of the MX stands on its issuer's list of revoked ones.",
    ),
    Planted("wrong-order.test", Kind.CERTIFICATE, "The MX sends its two intermediates in the wrong order."),
    Planted("extra-root.test", Kind.CERTIFICATE, "The MX sends the root, too, which nobody needs."),
    Planted(
        "expired-intermediate.test",
        Kind.CERTIFICATE,
        "The issuer of the MX has expired, not its own certificate.",
    ),
    Planted("client-only.test", Kind.CERTIFICATE, "The certificate of the MX is made for clients."),
    Planted("ends-soon.test", Kind.CERTIFICATE, "The certificate of the MX ends in three days."),
    Planted(
        "sni-default.test", Kind.CERTIFICATE, "Whoever sends no SNI is shown the certificate of another host."
    ),
    # what an MX does on port 25
    Planted("no-tls.test", Kind.SMTP, "The MX does not offer STARTTLS."),
    Planted("tls10.test", Kind.SMTP, "The MX speaks TLS 1.0 and nothing newer."),
    Planted("anon.test", Kind.SMTP, "The MX offers anonymous key exchange only: no certificate."),
    Planted("clear-auth.test", Kind.SMTP, "The MX offers AUTH on port 25, before TLS too."),
    Planted("throttle.test", Kind.SMTP, "The MX answers 421 from the fourth connection within a minute on."),
    Planted("busy.test", Kind.SMTP, "The MX greets every connection with 421."),
    Planted("greylist.test", Kind.SMTP, "The MX answers RCPT with 450 on the first day."),
    Planted("helo-only.test", Kind.SMTP, "The MX refuses EHLO and accepts HELO."),
    Planted("blocked.test", Kind.SMTP, "The MX greets with 554 because a block list lists the client."),
    Planted(
        "blocked-rcpt.test", Kind.SMTP, "The MX refuses RCPT with 554 because a block list lists the client."
    ),
    Planted("bare-newline.test", Kind.SMTP, "The MX takes LF.LF for the end of a message."),
    Planted("tls12.test", Kind.SMTP, "The MX speaks TLS 1.2 and not 1.3."),
    Planted("default-25.test", Kind.SMTP, "The MX does what Postfix does about TLS unless told otherwise."),
    Planted("tls11.test", Kind.SMTP, "The MX speaks TLS 1.1, too."),
    Planted("null.test", Kind.SMTP, "The MX accepts a suite that does not encrypt."),
    Planted("rsa-exchange.test", Kind.SMTP, "The MX accepts keys encrypted to its certificate, too."),
    Planted("rsa-only.test", Kind.SMTP, "The MX accepts keys encrypted to its certificate and no others."),
    Planted("dh-1024.test", Kind.SMTP, "The MX agrees on keys over a prime of 1024 bits, too."),
    Planted("rc4.test", Kind.SMTP, "The MX, an Exim with GnuTLS, accepts RC4."),
    Planted("3des.test", Kind.SMTP, "The MX, an Exim with GnuTLS, accepts 3DES."),
    Planted("asks-certificate.test", Kind.SMTP, "The MX asks clients for a certificate."),
    Planted(
        "demands-certificate.test", Kind.SMTP, "The MX takes no mail from clients without a certificate."
    ),
    Planted("demands-tls.test", Kind.SMTP, "The MX takes no mail before TLS."),
    Planted("tls-on-25.test", Kind.SMTP, "The MX waits for TLS from the first octet."),
    Planted("vrfy.test", Kind.SMTP, "The MX answers VRFY."),
    Planted("no-8bitmime.test", Kind.SMTP, "The MX does not offer 8BITMIME."),
    Planted("no-smtputf8.test", Kind.SMTP, "The MX does not offer SMTPUTF8."),
    Planted("tiny-size.test", Kind.SMTP, "The MX takes messages of 60000 octets, less than it must."),
    Planted("small-size.test", Kind.SMTP, "The MX takes messages of 5 MB at most."),
    Planted("xclient.test", Kind.SMTP, "The MX offers XCLIENT to everybody."),
    Planted("xforward.test", Kind.SMTP, "The MX offers XFORWARD to everybody."),
    Planted("tells-version.test", Kind.SMTP, "The MX tells its version in its greeting."),
    Planted(
        "other-name.test", Kind.SMTP, "The MX greets with another name than it gives in its reply to EHLO."
    ),
    Planted("no-bounces.test", Kind.SMTP, "The MX refuses mail without a sender."),
    Planted("no-postmaster.test", Kind.SMTP, "The MX refuses mail for the postmaster."),
    Planted(
        "deep.test",
        Kind.SMTP,
        "The MX tests clients after its greeting and puts all mail off with 450 meanwhile.",
    ),
    Planted(
        "open-relay.test",
        Kind.SMTP,
        "The MX takes mail from strangers for anybody.",
    ),
    Planted("half-dead.test", Kind.SMTP, "Nobody listens at the second address of the MX."),
    Planted("dead-ipv6.test", Kind.SMTP, "The IPv6 address of the MX refuses connections."),
    Planted("gone-ipv6.test", Kind.SMTP, "The IPv6 address of the MX is nobody's."),
    Planted("silent-ipv6.test", Kind.SMTP, "Nothing comes back from the IPv6 address of the MX."),
    Planted("half-dead-ipv6.test", Kind.SMTP, "One of two IPv6 addresses of the MX refuses connections."),
    Planted("half-tls.test", Kind.SMTP, "The MX offers no STARTTLS at its second address."),
    Planted("backup-clear.test", Kind.SMTP, "The second MX offers no STARTTLS."),
    Planted("masked.test", Kind.SMTP, "Something before the MX overwrites its offer of STARTTLS."),
    Planted(
        "injected.test",
        Kind.SMTP,
        "What ends TLS for the MX obeys commands that came before it in clear text.",
    ),
    Planted("ssl3.test", Kind.SMTP, "What ends TLS for the MX speaks SSL 3.0 and nothing newer."),
    Planted("ssl3-too.test", Kind.SMTP, "What ends TLS for the MX speaks SSL 3.0, too."),
    # mailboxes and submission
    Planted("submission-clear.test", Kind.SUBMISSION, "Port 587 offers AUTH before TLS."),
    Planted("clear-465.test", Kind.SUBMISSION, "Port 465 begins in clear text."),
    Planted("tls-587.test", Kind.SUBMISSION, "Port 587 waits for TLS from the first octet."),
    Planted("no-login-587.test", Kind.SUBMISSION, "Port 587 offers no AUTH."),
    Planted("no-tls-587.test", Kind.SUBMISSION, "Port 587 offers AUTH and no STARTTLS."),
    Planted("open-587.test", Kind.SUBMISSION, "Port 587 takes mail for its own domains from strangers."),
    Planted("only-587.test", Kind.SUBMISSION, "There is no port 465."),
    Planted(
        "default-587.test",
        Kind.SUBMISSION,
        "Submission does what Postfix does about TLS unless told otherwise: suites without a certificate, too.",
    ),
    Planted("login-only.test", Kind.SUBMISSION, "The only mechanism is LOGIN."),
    Planted("cram-only.test", Kind.SUBMISSION, "The only mechanism is CRAM-MD5."),
    Planted("certificate-587.test", Kind.SUBMISSION, "Port 587 demands a certificate of clients."),
    Planted(
        "expired-465.test", Kind.SUBMISSION, "The certificate of the submission server ended two days ago."
    ),
    Planted("imap-clear.test", Kind.MAILBOX, "Port 143 lets users log in before TLS."),
    Planted("pop3-clear.test", Kind.MAILBOX, "Port 110 lets users log in before TLS."),
    Planted("no-tls-143.test", Kind.MAILBOX, "Port 143 takes logins and offers no STARTTLS."),
    Planted("no-tls-110.test", Kind.MAILBOX, "Port 110 takes logins and offers no STLS."),
    Planted("tls-143.test", Kind.MAILBOX, "Port 143 waits for TLS from the first octet."),
    Planted("tls-110.test", Kind.MAILBOX, "Port 110 waits for TLS from the first octet."),
    Planted("clear-993.test", Kind.MAILBOX, "Port 993 begins in clear text."),
    Planted("clear-995.test", Kind.MAILBOX, "Port 995 begins in clear text."),
    Planted("closed-993.test", Kind.MAILBOX, "Nobody listens on port 993."),
    Planted("expired-993.test", Kind.MAILBOX, "The certificate of the IMAP server ended two days ago."),
    Planted("tls10-993.test", Kind.MAILBOX, "The IMAP server speaks TLS 1.0, too."),
    Planted("sieve-clear.test", Kind.MAILBOX, "ManageSieve lets users log in before TLS."),
    Planted("no-tls-4190.test", Kind.MAILBOX, "ManageSieve takes logins, offers STARTTLS and refuses it."),
    Planted("tls-4190.test", Kind.MAILBOX, "ManageSieve waits for TLS from the first octet."),
    Planted("expired-4190.test", Kind.MAILBOX, "The certificate of ManageSieve ended two days ago."),
    Planted("ssl3-993.test", Kind.MAILBOX, "What ends TLS for the IMAP server speaks SSL 3.0, too."),
    # what is published
    Planted("spf-lookups.test", Kind.DNS, "Evaluating SPF takes eleven look-ups."),
    Planted("spf-two.test", Kind.DNS, "There are two SPF records."),
    Planted("spf-plus-all.test", Kind.DNS, "SPF ends in +all: anyone may send."),
    Planted("spf-none.test", Kind.DNS, "There is no SPF record."),
    Planted("dmarc-missing.test", Kind.DNS, "There is no DMARC record."),
    Planted("dmarc-two.test", Kind.DNS, "There are two DMARC records."),
    Planted("dkim-revoked.test", Kind.DNS, "The DKIM key of sel1 is empty: revoked."),
    Planted("dkim-512.test", Kind.DNS, "The DKIM key of sel1 has 512 bits."),
    Planted("mx-alias.test", Kind.DNS, "The MX names a host that is an alias (CNAME)."),
    Planted("mx-no-address.test", Kind.DNS, "The second MX names a host that does not exist."),
    Planted("dane-mismatch.test", Kind.DNS, "The TLSA record of the MX matches nothing the MX presents."),
    Planted("dane-bogus.test", Kind.DNS, "The TLSA records of the MX were changed after signing."),
    Planted("bogus.test", Kind.DNS, "Records were changed after signing: they do not validate."),
    Planted("stale.test", Kind.DNS, "All signatures of the zone ended in 2020."),
    Planted(
        "unsigned.test",
        Kind.DNS,
        "The zone is not signed, its parent is; its wrong TLSA records bind nobody.",
    ),
    Planted(
        "lagging.test", Kind.DNS, "One of two name servers still has the zone as it was, with another SPF."
    ),
    Planted("lame-ptr.test", Kind.DNS, "The PTR of the MX leads to a name with another address."),
    Planted("no-ptr.test", Kind.DNS, "The address of the MX has no PTR."),
    # MTA-STS
    Planted(
        "sts-partial.test", Kind.HTTPS, "The MTA-STS policy enforces and covers only one of two MX hosts."
    ),
    Planted("sts-uncovered.test", Kind.HTTPS, "The MTA-STS policy enforces and covers no MX host."),
    Planted("sts-missing.test", Kind.HTTPS, "There is an MTA-STS record; the policy host answers 404."),
    Planted("sts-expired.test", Kind.HTTPS, "The certificate of the MTA-STS policy host has expired."),
)

PLANTED: dict[str, Planted] = {row.domain: row for row in _ROWS}
