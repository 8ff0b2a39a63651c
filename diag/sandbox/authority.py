"""A private certification authority for the sandbox and the tests: right certificates and wrong ones.

Everything is dated relative to a given moment. Keys are made once a process, by the name they belong
to, so that the same kind gives the same key again; nothing here is fit for real use.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import sha256

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509 import ocsp
from cryptography.x509.oid import (
    AuthorityInformationAccessOID,
    ExtendedKeyUsageOID,
    ExtensionOID,
    NameOID,
)

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Credentials:
    """A server's private key and the chain it sends, leaf first."""

    key: Key
    chain: tuple[bytes, ...]
    """In DER."""

    @property
    def pem(self) -> bytes:
        """Key and chain as one PEM bundle, as TlsServer, Postfix and Dovecot take it."""
        key = self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return key + b"".join(pem(der) for der in self.chain)


def pem(der: bytes) -> bytes:
    """One certificate in PEM."""
    return x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM)


class Authority:
    """A root, an intermediate below it, and server certificates of every kind, as of one moment."""

    def __init__(self, moment: datetime, name: str = "Sandbox") -> None:
        self.moment = moment.astimezone(UTC).replace(microsecond=0)
        self.name = name
        self.root_key = key_of(f"{name} Root")
        self.intermediate_key = key_of(f"{name} Intermediate")
        self.root = self.issue(
            f"{name} Root",
            self.root_key,
            issuer=f"{name} Root",
            by=self.root_key,
            ca=True,
            since=3650 * DAY,
            lasts=7300 * DAY,
        )
        self.intermediate = self.issue(
            f"{name} Intermediate", self.intermediate_key, ca=True, since=1000 * DAY, lasts=2000 * DAY
        )

    @property
    def ca_pem(self) -> bytes:
        """The root in PEM, for `--ca-file`."""
        return pem(self.root)

    def kinds(self) -> dict[str, Callable[[str], Credentials]]:
        """Every kind of credentials by name; each takes the host."""
        return {
            "valid": self.valid,
            "expired": self.expired,
            "not_yet_valid": self.not_yet_valid,
            "wrong_name": self.wrong_name,
            "self_signed": self.self_signed,
            "no_intermediate": self.no_intermediate,
            "untrusted_root": self.untrusted_root,
            "rsa": self.rsa,
            "weak_key": self.weak_key,
            "sha1": self.sha1,
            "wildcard": self.wildcard,
            "common_name_only": self.common_name_only,
            "client_only": self.client_only,
            "long_chain": self.long_chain,
            "wrong_order": self.wrong_order,
            "with_root": self.with_root,
            "cross_signed": self.cross_signed,
            "snakeoil": self.snakeoil,
            "expiring": self.expiring,
            "short_lived": self.short_lived,
            "too_long": self.too_long,
            "not_a_ca": self.not_a_ca,
            "must_staple": self.must_staple,
            "listed": self.listed,
            "listed_short_lived": self.listed_short_lived,
            "lets_encrypt": self.lets_encrypt,
            "public": self.public,
            "unlogged": self.unlogged,
            "for_clients_too": self.for_clients_too,
            "address_as_name": self.address_as_name,
            "internal_name": self.internal_name,
            "name_twice": self.name_twice,
            "same_key": self.same_key,
            "answers_ocsp": self.answers_ocsp,
        }

    def valid(self, host: str) -> Credentials:
        """Nothing wrong: 90 days, 60 of them left, one intermediate."""
        return self._server(host)

    def expired(self, host: str) -> Credentials:
        """Ran out yesterday."""
        return self._server(host, since=90 * DAY, lasts=89 * DAY)

    def not_yet_valid(self, host: str) -> Credentials:
        """Begins tomorrow."""
        return self._server(host, since=-1 * DAY)

    def expiring(self, host: str) -> Credentials:
        """45 days, 4 of them left: the renewal is late."""
        return self._server(host, since=41 * DAY, lasts=45 * DAY)

    def short_lived(self, host: str) -> Credentials:
        """Six days, 3 of them left: nothing is late."""
        return self._server(host, since=3 * DAY, lasts=6 * DAY)

    def too_long(self, host: str) -> Credentials:
        """Logged, as public CAs do, and for a year, which they may not since 2026-03-15 (BR section 6.3.2)."""
        return self._server(host, lasts=365 * DAY, extensions=((_logged(), False),))

    def not_a_ca(self, host: str) -> Credentials:
        """Signed by another server's certificate, which may not sign."""
        neighbour = self.valid("neighbour.invalid")
        key = key_of(host)
        leaf = self.issue(host, key, issuer="neighbour.invalid", by=neighbour.key, names=(host,))
        return Credentials(key, (leaf, *neighbour.chain))

    def must_staple(self, host: str) -> Credentials:
        """It asks for a stapled OCSP response (RFC 7633), which no server here sends."""
        feature = x509.TLSFeature([x509.TLSFeatureType.status_request])
        return self._server(host, extensions=((feature, False),))

    @property
    def list_url(self) -> str:
        """Where the list of the intermediate's revoked certificates is said to be."""
        return f"http://crl.{self.name.lower()}.test/intermediate.crl"

    def listed(self, host: str) -> Credentials:
        """It names the list on which it would stand if it were revoked (RFC 5280 section 4.2.1.13)."""
        return self._server(host, extensions=((_point(self.list_url), False),))

    def listed_short_lived(self, host: str) -> Credentials:
        """The same for six days: nobody would revoke it."""
        return self._server(host, since=3 * DAY, lasts=6 * DAY, extensions=((_point(self.list_url), False),))

    def lets_encrypt(self, host: str) -> Credentials:
        """Issued below an intermediate that carries a well-known organisation's name, as Let's Encrypt's do."""
        name = f"{self.name} E9, Let's Encrypt"
        by = key_of(name)
        intermediate = self.issue(name, by, ca=True, since=1000 * DAY, lasts=2000 * DAY)
        key = key_of(host)
        return Credentials(key, (self.issue(host, key, issuer=name, by=by, names=(host,)), intermediate))

    def public(self, host: str) -> Credentials:
        """As public CAs issue: by the Baseline Requirements, as it says, and logged."""
        return self._server(host, extensions=((_validated(), False), (_logged(), False)))

    def unlogged(self, host: str) -> Credentials:
        """The same, and not logged."""
        return self._server(host, extensions=((_validated(), False),))

    def for_clients_too(self, host: str) -> Credentials:
        """A public one of the kind that was usual until 2026: for servers and clients."""
        also = (ExtendedKeyUsageOID.CLIENT_AUTH,)
        return self._server(host, also=also, extensions=((_validated(), False), (_logged(), False)))

    def address_as_name(self, host: str) -> Credentials:
        """An address stands among its names, where nobody looks for it, and not as an address."""
        return self._server(host, names=(host, "198.51.100.30"))

    def internal_name(self, host: str) -> Credentials:
        """A public one with a name that only an office knows."""
        extensions = ((_validated(), False), (_logged(), False))
        return self._server(host, names=(host, "mail.office.local"), extensions=extensions)

    def name_twice(self, host: str) -> Credentials:
        """The host stands twice in it."""
        return self._server(host, names=(host, host.upper()))

    def same_key(self, host: str) -> Credentials:
        """A certificate of its own for a key that others have too."""
        return self._server(host, key=key_of("one for all"))

    def answers_ocsp(self, host: str) -> Credentials:
        """It says where it can be asked after by OCSP (RFC 5280 section 4.2.2.1)."""
        return self._server(host, ocsp_at=f"http://ocsp.{self.name.lower()}.test/")

    def staple(self, leaf: bytes, status: str = "good") -> bytes:
        """An OCSP response about a certificate of the intermediate's, in DER (RFC 6960 section 4.2).

        "good", "revoked" a week ago; "stale": it held until yesterday; "early": it holds from tomorrow;
        "other": it is about another certificate; "forged": somebody else signed it.
        """
        issuer = x509.load_der_x509_certificate(self.intermediate)
        revoked = status == "revoked"
        began = {"stale": 8 * DAY, "early": -DAY}.get(status, DAY)
        about = self.valid("neighbour.invalid").chain[0] if status == "other" else leaf
        by, signer = self.intermediate_key, issuer
        if status == "forged":
            by = key_of("an impostor")
            signer = x509.load_der_x509_certificate(self.issue(f"{self.name} Intermediate", by, ca=True))
        response = (
            ocsp.OCSPResponseBuilder()
            .add_response(
                cert=x509.load_der_x509_certificate(about),
                issuer=issuer,
                algorithm=hashes.SHA1(),  # noqa: S303  what CAs use here: it names, and protects nothing
                cert_status=ocsp.OCSPCertStatus.REVOKED if revoked else ocsp.OCSPCertStatus.GOOD,
                this_update=self.moment - began,
                next_update=self.moment - began + 7 * DAY,
                revocation_time=self.moment - 7 * DAY if revoked else None,
                revocation_reason=x509.ReasonFlags.key_compromise if revoked else None,
            )
            .responder_id(ocsp.OCSPResponderEncoding.HASH, signer)
        )
        return response.sign(by, hashes.SHA256()).public_bytes(Encoding.DER)

    def wrong_name(self, host: str) -> Credentials:
        """For another host; the common name is that one's too."""
        return self._server(host, names=("other.invalid",))

    def wildcard(self, host: str) -> Credentials:
        """For every host beside this one."""
        return self._server(host, names=("*." + host.partition(".")[2],))

    def common_name_only(self, host: str) -> Credentials:
        """The host is in the common name, and there is no subjectAltName."""
        return self._server(host, names=())

    def client_only(self, host: str) -> Credentials:
        """extendedKeyUsage without serverAuth."""
        return self._server(host, usage=ExtendedKeyUsageOID.CLIENT_AUTH)

    def rsa(self, host: str) -> Credentials:
        """As valid, with a key of RSA, for suites that want one."""
        return self._server(host, key=key_of(f"rsa {host}", 2048))

    def weak_key(self, host: str) -> Credentials:
        """RSA with 1024 bits."""
        return self._server(host, key=key_of(f"weak {host}", 1024))

    def sha1(self, host: str) -> Credentials:
        """The leaf is signed with SHA-1, by an RSA intermediate, which libraries refuse to make today."""
        signer = key_of(f"{self.name} RSA Intermediate", 2048)
        issuer = self.issue(
            f"{self.name} RSA Intermediate", signer, ca=True, since=1000 * DAY, lasts=2000 * DAY
        )
        assert isinstance(signer, rsa.RSAPrivateKey)
        key = key_of(host)
        modern = self.issue(host, key, issuer=f"{self.name} RSA Intermediate", by=signer, names=(host,))
        return Credentials(key, (_resigned_with_sha1(modern, signer), issuer))

    def self_signed(self, host: str) -> Credentials:
        """Signed by its own key."""
        key = key_of(f"self {host}")
        return Credentials(key, (self.issue(host, key, issuer=host, by=key, names=(host,)),))

    def snakeoil(self, host: str) -> Credentials:
        """What Debian's ssl-cert makes at installation: self-signed for ten years."""
        key = key_of(f"snakeoil {host}")
        name = "Snakeoil " + host.partition(".")[0]
        return Credentials(
            key, (self.issue(name, key, issuer=name, by=key, names=(host,), lasts=3650 * DAY),)
        )

    def no_intermediate(self, host: str) -> Credentials:
        """The intermediate is not sent; the leaf says where it can be had."""
        whole = self._server(host, ca_issuers=f"http://ca.{self.name.lower()}.test/intermediate.der")
        return Credentials(whole.key, whole.chain[:1])

    def untrusted_root(self, host: str) -> Credentials:
        """A complete chain with its root, from an authority that nobody trusts."""
        other = Authority(self.moment, f"{self.name} Private")
        found = other.valid(host)
        return Credentials(found.key, (*found.chain, other.root))

    def long_chain(self, host: str) -> Credentials:
        """Four intermediates, one below the other."""
        chain = [self.root]
        issuer, by = f"{self.name} Root", self.root_key
        for level in range(1, 5):
            name = f"{self.name} Level {level}"
            key = key_of(name)
            chain.append(self.issue(name, key, issuer=issuer, by=by, ca=True))
            issuer, by = name, key
        key = key_of(host)
        leaf = self.issue(host, key, issuer=issuer, by=by, names=(host,))
        return Credentials(key, (leaf, *reversed(chain[1:])))

    def wrong_order(self, host: str) -> Credentials:
        """The long chain with its intermediates upside down."""
        found = self.long_chain(host)
        return Credentials(found.key, (found.chain[0], *reversed(found.chain[1:])))

    def with_root(self, host: str) -> Credentials:
        """The root is sent too, as DANE-TA of it needs."""
        found = self.valid(host)
        return Credentials(found.key, (*found.chain, self.root))

    def cross_signed(self, host: str) -> Credentials:
        """A good chain, and after it the root signed by an older one, both of which have expired.

        What Let's Encrypt's chain looked like after DST Root CA X3 ran out in 2021.
        """
        old = key_of(f"{self.name} Old Root")
        crossed = self.issue(
            f"{self.name} Root",
            self.root_key,
            issuer=f"{self.name} Old Root",
            by=old,
            ca=True,
            since=2000 * DAY,
            lasts=1990 * DAY,
        )
        found = self.valid(host)
        return Credentials(found.key, (*found.chain, crossed))

    def old_root(self) -> bytes:
        """The expired root that once signed this one."""
        old, name = key_of(f"{self.name} Old Root"), f"{self.name} Old Root"
        return self.issue(name, old, issuer=name, by=old, ca=True, since=4000 * DAY, lasts=3990 * DAY)

    def _server(
        self,
        host: str,
        *,
        names: tuple[str, ...] | None = None,
        key: Key | None = None,
        since: timedelta = 30 * DAY,
        lasts: timedelta = 90 * DAY,
        usage: x509.ObjectIdentifier = ExtendedKeyUsageOID.SERVER_AUTH,
        also: tuple[x509.ObjectIdentifier, ...] = (),
        ca_issuers: str = "",
        ocsp_at: str = "",
        extensions: tuple[tuple[x509.ExtensionType, bool], ...] = (),
    ) -> Credentials:
        key = key or key_of(host)
        leaf = self.issue(
            names[0] if names else host,
            key,
            issuer=f"{self.name} Intermediate",
            by=self.intermediate_key,
            names=(host,) if names is None else names,
            since=since,
            lasts=lasts,
            usage=usage,
            also=also,
            ca_issuers=ca_issuers,
            ocsp_at=ocsp_at,
            extensions=extensions,
        )
        return Credentials(key, (leaf, self.intermediate))

    def issue(
        self,
        name: str,
        key: Key,
        *,
        issuer: str = "",
        by: Key | None = None,
        names: tuple[str, ...] = (),
        ca: bool = False,
        since: timedelta = 30 * DAY,
        lasts: timedelta = 90 * DAY,
        usage: x509.ObjectIdentifier | None = None,
        also: tuple[x509.ObjectIdentifier, ...] = (),
        ca_issuers: str = "",
        ocsp_at: str = "",
        extensions: tuple[tuple[x509.ExtensionType, bool], ...] = (),
        path_length: int | None = None,
        signs: bool = True,
    ) -> bytes:
        """One certificate in DER, by the root unless another issuer is given.

        It began `since` ago and `lasts` so long; `extensions` are added with their criticality;
        `signs` False leaves keyCertSign out of a CA's keyUsage.
        """
        by = by or self.root_key
        issuer = issuer or f"{self.name} Root"
        began = self.moment - since
        builder = (
            x509.CertificateBuilder()
            .subject_name(_name(name))
            .issuer_name(_name(issuer))
            .public_key(key.public_key())
            .serial_number(_serial(name, issuer, str(began), str(lasts), *names))
            .not_valid_before(began)
            .not_valid_after(began + lasts - timedelta(seconds=1))
            .add_extension(x509.BasicConstraints(ca, path_length if ca else None), critical=True)
            .add_extension(_usage(ca=ca, signs=signs), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(by.public_key()), critical=False
            )
        )
        if names:
            general = [x509.DNSName(one) for one in names]
            builder = builder.add_extension(x509.SubjectAlternativeName(general), critical=False)
        if not ca or usage is not None:
            usages = x509.ExtendedKeyUsage([usage or ExtendedKeyUsageOID.SERVER_AUTH, *also])
            builder = builder.add_extension(usages, critical=False)
        places = (
            (AuthorityInformationAccessOID.CA_ISSUERS, ca_issuers),
            (AuthorityInformationAccessOID.OCSP, ocsp_at),
        )
        access = [
            x509.AccessDescription(method, x509.UniformResourceIdentifier(url))
            for method, url in places
            if url
        ]
        if access:
            builder = builder.add_extension(x509.AuthorityInformationAccess(access), critical=False)
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical=critical)
        return builder.sign(by, hashes.SHA256()).public_bytes(Encoding.DER)


def _name(text: str) -> x509.Name:
    """A common name; what follows a comma is the organisation."""
    common, _, organization = text.partition(", ")
    attributes = [x509.NameAttribute(NameOID.COMMON_NAME, common[:64])]
    if organization:
        attributes.insert(0, x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization))
    return x509.Name(attributes)


def _point(url: str) -> x509.CRLDistributionPoints:
    place = x509.UniformResourceIdentifier(url)
    return x509.CRLDistributionPoints([x509.DistributionPoint([place], None, None, None)])


def _validated() -> x509.CertificatePolicies:
    """The policy of certificates whose domain alone was validated (BR section 7.1.6.1)."""
    policy = x509.ObjectIdentifier("2.23.140.1.2.1")
    return x509.CertificatePolicies([x509.PolicyInformation(policy, None)])


def _logged() -> x509.UnrecognizedExtension:
    """A list of one signed certificate timestamp, of a log that nobody knows (RFC 6962 section 3.3)."""
    # Version, log, time, no extensions, ECDSA with SHA-256, and a signature that verifies nowhere.
    stamp = bytes(1) + bytes(32) + bytes(8) + bytes(2) + b"\x04\x03" + b"\x00\x08" + bytes(8)
    listed = len(stamp).to_bytes(2) + stamp
    octets = len(listed).to_bytes(2) + listed
    return x509.UnrecognizedExtension(
        ExtensionOID.PRECERT_SIGNED_CERTIFICATE_TIMESTAMPS, b"\x04" + len(octets).to_bytes(1) + octets
    )


def _serial(*parts: str) -> int:
    """The same for the same certificate, positive, and not the same for another (RFC 5280 section 4.1.2.2)."""
    return int.from_bytes(sha256("\0".join(parts).encode()).digest()[:15], "big") | 1


def _usage(*, ca: bool, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca and signs,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )


@lru_cache(maxsize=512)
def key_of(owner: str, rsa_bits: int = 0) -> Key:
    """The key of one owner, P-256 unless RSA is asked for; P-256 keys follow from the name and are no secret."""
    if rsa_bits:
        return _rsa(rsa_bits)
    secret = int.from_bytes(sha256(b"maildiag sandbox " + owner.encode()).digest(), "big") >> 1
    return ec.derive_private_key(secret or 1, ec.SECP256R1())


@lru_cache(maxsize=8)
def _rsa(bits: int) -> rsa.RSAPrivateKey:
    """Making RSA keys is slow: one of each size does for a process."""
    return rsa.generate_private_key(65537, bits)


_SHA256_RSA = bytes.fromhex("2a864886f70d01010b")
_SHA1_RSA = bytes.fromhex("2a864886f70d010105")
"""Object identifiers of sha256WithRSAEncryption and sha1WithRSAEncryption (RFC 8017 appendix C)."""


def _resigned_with_sha1(der: bytes, key: rsa.RSAPrivateKey) -> bytes:
    """The same certificate signed with SHA-1: both identifiers and the signature keep their lengths."""
    old = x509.load_der_x509_certificate(der)
    tbs = old.tbs_certificate_bytes.replace(_SHA256_RSA, _SHA1_RSA, 1)
    signature = key.sign(tbs, padding.PKCS1v15(), hashes.SHA1())  # noqa: S303  weak on purpose
    start = der.index(old.tbs_certificate_bytes)
    rest = der[start + len(tbs) : -len(signature)].replace(_SHA256_RSA, _SHA1_RSA, 1)
    return der[:start] + tbs + rest + signature
