"""What each mail domain publishes: the sound records, and for every planted fault the ones that differ."""

import base64
import itertools
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from lab.addresses import CERTIFICATE_FAULTS, EXIM_HABITS, HABITS, POLICY_DOMAINS, RELAYS, SECOND, SIX
from lab.clients import CLIENTS
from lab.pki import Authority

_STS_RECORD = '_mta-sts TXT "v=STSv1; id=20260101"'


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
    before: "Published | None" = None
    """What the secondary, which lags behind, still has; None where there is no such server."""

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
    return _Planting(places, pki).domains()


class _Planting:
    """Sound records, and what each planted fault changes in them."""

    def __init__(self, places: Mapping[str, str], pki: Authority) -> None:
        self.places, self.pki = places, pki
        key = _key_of(rsa.generate_private_key(65537, 2048).public_key().public_numbers())
        self.sound = Published(dkim=(f"sel1._domainkey TXT {dkim_key(key)}",))

    def domains(self) -> dict[str, Published]:
        names = (*CERTIFICATE_FAULTS, *HABITS, *EXIM_HABITS, *RELAYS)
        own = {f"{name}.test": self._own_host(f"{name}.test") for name in names}
        shared = {"lab.test": self._perfect(), "bogus.test": self.sound, "stale.test": self.sound}
        return own | shared | self._records() | self._hosts(own) | self._clients() | self._policies()

    def _own_host(self, domain: str) -> Published:
        host = ("@ MX 10 mx", f"mx A {self.places[f'mx.{domain}']}", 'mx TXT "v=spf1 a -all"')
        six = tuple(itertools.chain(*SIX.get(domain.removesuffix(".test"), ())))
        second = ("@ MX 20 mx.sound.test.",) if six else ()
        return replace(self.sound, mx=(*host, *second, *(f"mx AAAA {at}" for at in six)))

    def _perfect(self) -> Published:
        in_zone = {
            name.removesuffix(".lab.test"): at
            for name, at in self.places.items()
            if name.endswith(".lab.test")
        }
        above = f"2 1 1 {self.pki.intermediate.spki_digest}"
        more = [f"{label} A {at}" for label, at in in_zone.items()]
        for label in ("mx1", "mx2"):
            served = f"3 1 1 {self.pki.leaves[f'{label}.lab.test'].spki_digest}"
            more += [f"_25._tcp.{label} TLSA {one}" for one in (served, above)]
            more.append(f'{label} TXT "v=spf1 a -all"')
        return replace(self.sound, more=(_STS_RECORD, *more))

    def _records(self) -> dict[str, Published]:
        """Faults in TXT records."""
        sound = self.sound
        # RFC 7208, 4.6.4: `mx` and ten times `a` are eleven terms that cost a look-up
        labels = [f"a{n}" for n in range(1, 11)]
        eleven = f'@ TXT "v=spf1 mx {" ".join(f"a:{label}.{{d}}" for label in labels)} -all"'
        addresses = tuple(f"{label} A {self.places['mx1.lab.test']}" for label in labels)
        # Nobody will ever sign with the short key, so any odd number of 512 bits serves as its modulus.
        short = dkim_key(_key_of(rsa.RSAPublicNumbers(65537, secrets.randbits(510) | 1 << 511 | 1)))
        parked = Published(
            mx=("@ MX 0 .",),
            spf=('@ TXT "v=spf1 -all"',),
            dmarc=('_dmarc TXT "v=DMARC1; p=reject"',),
            tlsrpt=(),
            clients=(),
        )
        fewer = replace(sound, spf=('@ TXT "v=spf1 a:mx1.lab.test -all"',))
        second = '_dmarc TXT "v=DMARC1; p=none; rua=mailto:abuse@{d}"'
        return {
            "parked.test": parked,
            "sieve.test": replace(sound, clients=(*sound.clients, "_sieve._tcp SRV 0 1 4190 imap.lab.test.")),
            "lagging.test": replace(sound, before=fewer),
            "spf-lookups.test": replace(sound, spf=(eleven,), more=addresses),
            "spf-two.test": replace(sound, spf=(*sound.spf, '@ TXT "v=spf1 a:mx1.lab.test -all"')),
            "spf-plus-all.test": replace(sound, spf=('@ TXT "v=spf1 mx +all"',)),
            "spf-none.test": replace(sound, spf=()),
            "dmarc-missing.test": replace(sound, dmarc=()),
            "dmarc-two.test": replace(sound, dmarc=(*sound.dmarc, second)),
            "dkim-revoked.test": replace(sound, dkim=('sel1._domainkey TXT "v=DKIM1; k=rsa; p="',)),
            "dkim-512.test": replace(sound, dkim=(f"sel1._domainkey TXT {short}",)),
        }

    def _hosts(self, own: Mapping[str, Published]) -> dict[str, Published]:
        """Faults in how hosts are named."""
        alias, dane, lame = own["mx-alias.test"], own["dane-mismatch.test"], own["lame-ptr.test"]
        bogus, unsigned = own["dane-bogus.test"], own["unsigned.test"]
        of_nobody = tuple(f"_25._tcp.mx TLSA 3 1 1 {digits * 32}" for digits in ("00", "11"))
        elsewhere = f"elsewhere A {self.places['mx1.lab.test']}"
        return {
            "mx-alias.test": replace(alias, mx=("@ MX 10 alias", "alias CNAME mx", *alias.mx[1:])),
            "backup-clear.test": replace(
                self.sound, mx=("@ MX 10 mx.sound.test.", "@ MX 20 mx.no-tls.test.")
            ),
            **{f"{name}.test": self._two_addresses(name, own[f"{name}.test"]) for name in SECOND},
            "mx-no-address.test": replace(self.sound, mx=("@ MX 10 mx1.lab.test.", "@ MX 20 gone")),
            "dane-mismatch.test": replace(dane, more=of_nobody),
            "dane-bogus.test": replace(bogus, more=of_nobody),
            "unsigned.test": replace(unsigned, more=of_nobody),
            "lame-ptr.test": replace(lame, more=(elsewhere,)),
        }

    def _two_addresses(self, name: str, own: Published) -> Published:
        return replace(own, mx=(*own.mx, f"mx A {self.places[f'second.{name}.test']}"))

    def _clients(self) -> dict[str, Published]:
        """Domains whose people are sent to a careless host, `mail.DOMAIN`."""
        domains = {}
        for name, careless in CLIENTS.items():
            replaced = {line.split()[0] for line in careless.srv} | set(careless.without)
            kept = tuple(line for line in self.sound.clients if line.split()[0] not in replaced)
            address = f"mail A {self.places[f'mail.{name}.test']}"
            domains[f"{name}.test"] = replace(self.sound, clients=kept + careless.srv, more=(address,))
        return domains

    def _policies(self) -> dict[str, Published]:
        """Domains with an MTA-STS record; what is wrong is at the policy host."""
        return {
            domain: replace(self.sound, more=(_STS_RECORD, f"mta-sts A {self.places[f'mta-sts.{domain}']}"))
            for domain in POLICY_DOMAINS
            if domain != "lab.test"
        }
