"""The certificates of the world: a root, an intermediate, and one chain a host, sound or faulty."""

import base64
import datetime as dt
import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from lab.addresses import CERTIFICATE_FAULTS, EXIM_HABITS, HABITS, LIST_HOST, POLICY_DOMAINS, RELAYS
from lab.clients import CLIENTS
from lab.files import write

DAY = dt.timedelta(days=1)
LIFETIME = 90 * DAY
WITH_RSA = (
    "rsa-exchange",
    "rsa-only",
    "dh-1024",
    "ssl3",
    "ssl3-too",
    "ssl3-993",
    "default-25",
    "default-587",
)
"""Hosts whose ways to agree on keys need one of these (RFC 5246, A.5; RFC 6101, A.6)."""
Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True)
class Issued:
    """A certificate and its private key."""

    certificate: x509.Certificate
    key: Key

    @property
    def spki_digest(self) -> str:
        """SHA-256 of the public key, as TLSA selector 1 with matching type 1 wants it (RFC 6698, 2.1)."""
        spki = self.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return hashlib.sha256(spki).hexdigest()


def _issue(
    name: str,
    issuer: Issued | None = None,
    *,
    sans: Iterable[str] = (),
    ca: bool = False,
    begins: dt.timedelta = -DAY,
    lasts: dt.timedelta = LIFETIME,
    key: Key | None = None,
    listed_at: str = "",
    use: x509.ObjectIdentifier = ExtendedKeyUsageOID.SERVER_AUTH,
) -> Issued:
    own: Key = key or ec.generate_private_key(ec.SECP256R1())
    signer = issuer.key if issuer else own
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    start = dt.datetime.now(dt.UTC).replace(microsecond=0) + begins
    usage = x509.KeyUsage(
        digital_signature=not ca,
        key_cert_sign=ca,
        crl_sign=ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .public_key(own.public_key())
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + lasts)
        .add_extension(x509.BasicConstraints(ca, None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(own.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
        )
    )
    if sans:
        builder = builder.add_extension(
            x509.SubjectAlternativeName([x509.DNSName(n) for n in sans]), critical=False
        )
    if not ca:
        builder = builder.add_extension(x509.ExtendedKeyUsage([use]), critical=False)
    if listed_at:
        place = x509.DistributionPoint([x509.UniformResourceIdentifier(listed_at)], None, None, None)
        builder = builder.add_extension(x509.CRLDistributionPoints([place]), critical=False)
    return Issued(builder.sign(signer, hashes.SHA256()), own)


def _rsa(bits: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, bits)


def small_prime() -> str:
    """Parameters for Diffie-Hellman over the prime of 1024 bits that everybody knows (RFC 2409, 6.2), in PEM."""
    # PKCS #3: a sequence of two integers, the prime and the generator 2
    der = bytes.fromhex("308187028181") + _OAKLEY.to_bytes(129) + bytes.fromhex("020102")
    return f"-----BEGIN DH PARAMETERS-----\n{base64.encodebytes(der).decode()}-----END DH PARAMETERS-----\n"


def _arctan_of_inverse(number: int, one: int) -> int:
    total, power, odd = 0, one // number, 1
    while power:
        total += power // odd if odd % 4 == 1 else -(power // odd)
        power, odd = power // number**2, odd + 2
    return total


_ONE = 1 << 960
_PI = 4 * (4 * _arctan_of_inverse(5, _ONE) - _arctan_of_inverse(239, _ONE))
_OAKLEY = 2**1024 - 2**960 - 1 + 2**64 * ((_PI >> 960 - 894) + 129093)


class Authority:
    """Issues every certificate of a world into `folder` as NAME.crt (the chain), NAME.key and NAME.pem (both)."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = _issue("Lab Root", ca=True, begins=-900 * DAY, lasts=3650 * DAY)
        self.intermediate = _issue(
            "Lab Intermediate", self.root, ca=True, begins=-900 * DAY, lasts=2650 * DAY
        )
        self.second = _issue("Lab Second", self.intermediate, ca=True, begins=-800 * DAY, lasts=2000 * DAY)
        self.leaves: dict[str, Issued] = {}

    def issue_all(self) -> None:
        """Write the chain of every host."""
        self._save("root", self.root)
        self._sound("mx1.lab.test", "lab.test", key=_rsa(2048))
        self._sound("mx2.lab.test")
        for name, careless in CLIENTS.items():
            key, begins = (
                _rsa(2048) if name in WITH_RSA else None,
                -LIFETIME - 2 * DAY if careless.expired else -DAY,
            )
            self._sound(f"mail.{name}.test", key=key, begins=begins)
        self._sound("imap.lab.test", "lab.test")
        for domain in POLICY_DOMAINS:
            if domain != "sts-expired.test":
                self._sound(f"mta-sts.{domain}")
        expired = _issue("mta-sts.sts-expired.test", self.intermediate, sans=["mta-sts.sts-expired.test"],
                         begins=-LIFETIME - 2 * DAY)  # fmt: skip
        self._save("mta-sts.sts-expired.test", expired, self.intermediate)
        for name in (*HABITS, *EXIM_HABITS, *RELAYS):
            also = ("alias.mx-alias.test",) if name == "mx-alias" else ()
            self._sound(f"mx.{name}.test", *also, key=_rsa(2048) if name in WITH_RSA else None)
        for fault in CERTIFICATE_FAULTS:
            self._faulty(fault)

    def _sound(self, host: str, *also: str, key: Key | None = None, begins: dt.timedelta = -DAY) -> None:
        leaf = _issue(host, self.intermediate, sans=[host, *also], key=key, begins=begins)
        self._save(host, leaf, self.intermediate)

    def _faulty(self, fault: str) -> None:
        host, mid = f"mx.{fault}.test", self.intermediate
        faults: dict[str, Callable[[], tuple[Issued, ...]]] = {
            "no-intermediate": lambda: (_issue(host, mid, sans=[host]),),
            "expired": lambda: (_issue(host, mid, sans=[host], begins=-LIFETIME - 2 * DAY), mid),
            "not-yet-valid": lambda: (_issue(host, mid, sans=[host], begins=2 * DAY), mid),
            "self-signed": lambda: (_issue(host, sans=[host]),),
            "wrong-name": lambda: (_issue("mx.other.test", mid, sans=["mx.other.test"]), mid),
            "weak-key": lambda: (_issue(host, mid, sans=[host], key=_rsa(1024)), mid),
            "untrusted-root": lambda: self._alien(host),
            "revoked": lambda: (self._revoked(host), mid),
            "wrong-order": lambda: (_issue(host, self.second, sans=[host]), mid, self.second),
            "extra-root": lambda: (_issue(host, mid, sans=[host]), mid, self.root),
            "expired-intermediate": lambda: self._outlived(host),
            "client-only": lambda: (_issue(host, mid, sans=[host], use=ExtendedKeyUsageOID.CLIENT_AUTH), mid),
            "ends-soon": lambda: (_issue(host, mid, sans=[host], begins=3 * DAY - LIFETIME), mid),
        }
        self._save(host, *faults[fault]())

    def _revoked(self, host: str) -> Issued:
        """A certificate that names the list it stands on; the list is put where the web server serves it."""
        leaf = _issue(host, self.intermediate, sans=[host], listed_at=f"http://{LIST_HOST}/intermediate.crl")
        now = dt.datetime.now(dt.UTC).replace(microsecond=0)
        entry = (
            x509.RevokedCertificateBuilder()
            .serial_number(leaf.certificate.serial_number)
            .revocation_date(now - DAY)
            .add_extension(x509.CRLReason(x509.ReasonFlags.key_compromise), critical=False)
        )
        made = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.intermediate.certificate.subject)
            .last_update(now - DAY)
            .next_update(now + 7 * DAY)
            .add_revoked_certificate(entry.build())
            .sign(self.intermediate.key, hashes.SHA256())
        )
        folder = self.folder / "lists"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "intermediate.crl").write_bytes(made.public_bytes(Encoding.DER))
        return leaf

    def _outlived(self, host: str) -> tuple[Issued, ...]:
        """A certificate that is valid, of an intermediate that no longer is."""
        ended = _issue("Lab Former", self.root, ca=True, begins=-900 * DAY, lasts=898 * DAY)
        return _issue(host, ended, sans=[host]), ended

    @staticmethod
    def _alien(host: str) -> tuple[Issued, ...]:
        root = _issue("Alien Root", ca=True, begins=-900 * DAY, lasts=3650 * DAY)
        return _issue(host, root, sans=[host]), root

    def _save(self, name: str, leaf: Issued, *above: Issued) -> None:
        self.leaves[name] = leaf
        key = leaf.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        chain = "".join(one.certificate.public_bytes(Encoding.PEM).decode() for one in (leaf, *above))
        write(self.folder / f"{name}.key", key, 0o640)
        write(self.folder / f"{name}.crt", chain)
        write(self.folder / f"{name}.pem", key + chain, 0o640)
