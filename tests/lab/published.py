"""What each mail domain publishes: the sound records, and for every planted fault the ones that differ."""

import base64
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from lab.addresses import CERTIFICATE_FAULTS, HABITS
from lab.pki import Authority

DIGEST_OF_NOTHING = "00" * 32


@dataclass(frozen=True)
class Published:
    """The records of one domain, as lines of its zone file; `{d}` stands for the domain itself.

    RFC 8314, 5.1: mailboxes and submission are announced over TLS, plain IMAP and POP3 as not offered (RFC 2782).
    """

    mx: tuple[str, ...] = ("@ MX 10 mx1.lab.test.", "@ MX 20 mx2.lab.test.")
    spf: tuple[str, ...] = ('@ TXT "v=spf1 mx -all"',)
    dkim: tuple[str, ...] = ()
    dmarc: tuple[str, ...] = ('_dmarc TXT "v=DMARC1; p=reject; rua=mailto:postmaster@{d}"',)
    tlsrpt: tuple[str, ...] = ('_smtp._tls TXT "v=TLSRPTv1; rua=mailto:postmaster@{d}"',)
    clients: tuple[str, ...] = (
        "_submissions._tcp SRV 0 1 465 mx1.lab.test.",
        "_submission._tcp SRV 10 1 587 mx1.lab.test.",
        "_imaps._tcp SRV 0 1 993 imap.lab.test.",
        "_pop3s._tcp SRV 10 1 995 imap.lab.test.",
        "_imap._tcp SRV 0 0 0 .",
        "_pop3._tcp SRV 0 0 0 .",
    )
    more: tuple[str, ...] = ()

    def lines(self, domain: str) -> str:
        """Everything, as the body of a zone file."""
        parts = (self.mx, self.spf, self.dkim, self.dmarc, self.tlsrpt, self.clients, self.more)
        return "\n".join(line for part in parts for line in part).replace("{d}", domain)


def dkim_key(der: bytes) -> str:
    """A DKIM key record for `der`, in as many character-strings as it needs (RFC 6376, 3.6.2.2)."""
    value = f"v=DKIM1; k=rsa; p={base64.b64encode(der).decode()}"
    return " ".join(f'"{value[at : at + 250]}"' for at in range(0, len(value), 250))


def _key_of(numbers: rsa.RSAPublicNumbers) -> bytes:
    return numbers.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def published(places: Mapping[str, str], pki: Authority) -> dict[str, Published]:
    """What every domain of the laboratory publishes, by domain."""
    sound_key = _key_of(rsa.generate_private_key(65537, 2048).public_key().public_numbers())
    # Nobody will ever sign with the short key, so any odd number of 512 bits serves as its modulus.
    short_key = _key_of(rsa.RSAPublicNumbers(65537, secrets.randbits(510) | 1 << 511 | 1))
    sound = Published(dkim=(f"sel1._domainkey TXT {dkim_key(sound_key)}",))

    def own_host(domain: str) -> Published:
        host = ("@ MX 10 mx", f"mx A {places[f'mx.{domain}']}", 'mx TXT "v=spf1 a -all"')
        return replace(sound, mx=host)

    def clients(*lines: str, host: str) -> Published:
        kept = tuple(
            line for line in sound.clients if line.split()[0] not in {one.split()[0] for one in lines}
        )
        return replace(sound, clients=kept + lines, more=(f"mail A {places[host]}",))

    def sts(domain: str) -> Published:
        record = ('_mta-sts TXT "v=STSv1; id=20260101"', f"mta-sts A {places[f'mta-sts.{domain}']}")
        return replace(sound, more=record)

    def tlsa(host: str, *associations: str) -> tuple[str, ...]:
        return tuple(f"_25._tcp.{host} TLSA {one}" for one in associations)

    def served(host: str) -> str:
        return f"3 1 1 {pki.leaves[host].spki_digest}"

    above = f"2 1 1 {pki.intermediate.spki_digest}"
    of_lab = (
        *(
            f"{name.removesuffix('.lab.test')} A {at}"
            for name, at in places.items()
            if name.endswith(".lab.test")
        ),
        '_mta-sts TXT "v=STSv1; id=20260101"',
        *tlsa("mx1", served("mx1.lab.test"), above),
        *tlsa("mx2", served("mx2.lab.test"), above),
        'mx1 TXT "v=spf1 a -all"',
        'mx2 TXT "v=spf1 a -all"',
    )
    domains = {f"{name}.test": own_host(f"{name}.test") for name in (*CERTIFICATE_FAULTS, *HABITS)}
    eleven = " ".join(f"a:a{n}.{{d}}" for n in range(1, 11))
    alias = domains["mx-alias.test"].mx
    return domains | {
        "lab.test": replace(sound, more=of_lab),
        "parked.test": Published(mx=("@ MX 0 .",), spf=('@ TXT "v=spf1 -all"',), clients=(), tlsrpt=(),
                                 dmarc=('_dmarc TXT "v=DMARC1; p=reject"',)),  # fmt: skip
        "submission-clear.test": clients("_submissions._tcp SRV 0 1 465 mail", "_submission._tcp SRV 10 1 587 mail",
                                         host="mail.submission-clear.test"),  # fmt: skip
        "imap-clear.test": clients("_imaps._tcp SRV 0 1 993 mail", "_imap._tcp SRV 20 1 143 mail",
                                   host="mail.imap-clear.test"),  # fmt: skip
        "pop3-clear.test": clients("_pop3s._tcp SRV 10 1 995 mail", "_pop3._tcp SRV 20 1 110 mail",
                                   host="mail.pop3-clear.test"),  # fmt: skip
        # RFC 7208, 4.6.4: `mx` and ten times `a` are eleven terms that cost a look-up
        "spf-lookups.test": replace(sound, spf=(f'@ TXT "v=spf1 mx {eleven} -all"',),
                                    more=tuple(f"a{n} A {places['mx1.lab.test']}" for n in range(1, 11))),  # fmt: skip
        "spf-two.test": replace(sound, spf=(*sound.spf, '@ TXT "v=spf1 a:mx1.lab.test -all"')),
        "spf-plus-all.test": replace(sound, spf=('@ TXT "v=spf1 mx +all"',)),
        "spf-none.test": replace(sound, spf=()),
        "dmarc-missing.test": replace(sound, dmarc=()),
        "dmarc-two.test": replace(sound, dmarc=(*sound.dmarc, '_dmarc TXT "v=DMARC1; p=none; rua=mailto:abuse@{d}"')),
        "dkim-revoked.test": replace(sound, dkim=('sel1._domainkey TXT "v=DKIM1; k=rsa; p="',)),
        "dkim-512.test": replace(sound, dkim=(f"sel1._domainkey TXT {dkim_key(short_key)}",)),
        "mx-alias.test": replace(sound, mx=("@ MX 10 alias", "alias CNAME mx", *alias[1:])),
        "mx-no-address.test": replace(sound, mx=("@ MX 10 mx1.lab.test.", "@ MX 20 gone")),
        "dane-mismatch.test": replace(domains["dane-mismatch.test"], more=tlsa("mx", f"3 1 1 {DIGEST_OF_NOTHING}",
                                                                             f"3 1 1 {'11' * 32}")),  # fmt: skip
        "lame-ptr.test": replace(domains["lame-ptr.test"], more=(f"elsewhere A {places['mx1.lab.test']}",)),
        "bogus.test": sound,
        "stale.test": sound,
        "sts-partial.test": sts("sts-partial.test"),
        "sts-uncovered.test": sts("sts-uncovered.test"),
        "sts-missing.test": sts("sts-missing.test"),
        "sts-expired.test": sts("sts-expired.test"),
    }  # fmt: skip
