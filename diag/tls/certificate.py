"""One certificate, read once into plain values. A broken one is returned too, marked as such."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from typing import TypeVar

from diag.model.frozen import frozen

from .der import names_of, same_algorithm
from .library import dsa, ec, exceptions, oid, padding, rsa, serialization, x509

T = TypeVar("T")
E = TypeVar("E", bound="x509.ExtensionType")

SIZE_LIMIT = 64 * 1024
"""A larger certificate is not read: the largest in public use are about a tenth of this."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_PROCESSED = {
    "2.5.29.19",  # basicConstraints
    "2.5.29.15",  # keyUsage
    "2.5.29.37",  # extKeyUsage
    "2.5.29.17",  # subjectAltName
    "2.5.29.30",  # nameConstraints
    "2.5.29.32",  # certificatePolicies
    "2.5.29.36",  # policyConstraints
    "2.5.29.33",  # policyMappings
    "2.5.29.54",  # inhibitAnyPolicy
}
"""Extensions that clients process when they are critical (RFC 5280 section 4.2)."""
_NEVER_CRITICAL = {
    "2.5.29.35",  # authorityKeyIdentifier
    "2.5.29.14",  # subjectKeyIdentifier
    "1.3.6.1.5.5.7.1.1",  # authorityInfoAccess
}
"""Known to everyone, though RFC 5280 forbids marking them critical (sections 4.2.1.1, 4.2.1.2, 4.2.2.1)."""


@frozen
class Certificate:
    """What one certificate says. Text is remote: escape it where it is shown."""

    der: bytes
    problem: str = ""
    """Why it could not be read in full; empty when it could."""
    version: int = 3
    subject: str = ""
    """The subject in the notation of RFC 4514; empty for an empty Name."""
    issuer: str = ""
    subject_der: bytes = b""
    issuer_der: bytes = b""
    serial: int = 0
    not_before: datetime = EPOCH
    not_after: datetime = EPOCH
    common_names: tuple[str, ...] = ()
    organizations: tuple[str, ...] = ()
    dns_names: tuple[str, ...] = ()
    """dNSNames of the subjectAltName, as sent."""
    addresses: tuple[str, ...] = ()
    """iPAddresses of the subjectAltName."""
    key: str = ""
    """"RSA", "EC", "DSA", "Ed25519" ...; empty where it could not be read."""
    bits: int = 0
    curve: str = ""
    exponent: int = 0
    """The public exponent of an RSA key."""
    signature: str = ""
    """The hash of its signature ("sha256"), or the algorithm's name where that has none."""
    ca: bool | None = None
    """basicConstraints cA; None where the extension is absent."""
    path_length: int | None = None
    key_usage: tuple[str, ...] | None = None
    """The bits set, in the spelling of RFC 5280 section 4.2.1.3; None where the extension is absent."""
    extended_key_usage: tuple[str, ...] | None = None
    """Object identifiers; None where the extension is absent."""
    ca_issuers: tuple[str, ...] = ()
    """Where its issuer's certificate can be fetched (RFC 5280 section 4.2.2.1)."""
    ocsp: tuple[str, ...] = ()
    must_staple: bool = False
    """The TLS feature extension asks for a stapled OCSP response (RFC 7633)."""
    policies: tuple[str, ...] = ()
    """Object identifiers of the policies that it was issued under (RFC 5280 section 4.2.1.4)."""
    timestamps: bool = False
    """Signed certificate timestamps are embedded (RFC 6962 section 3.3)."""
    unknown_critical: tuple[str, ...] = ()
    """Object identifiers of critical extensions that nobody processes."""
    departures: tuple[str, ...] = ()
    """Where it departs from the profile of RFC 5280 in ways that clients forgive."""

    @property
    def self_issued(self) -> bool:
        """Whether subject and issuer are the same name (RFC 5280 section 6.1)."""
        return self.subject_der == self.issuer_der and self.subject_der != b""

    @property
    def lifetime(self) -> timedelta:
        """From notBefore to notAfter, both seconds included (CA/Browser Forum BR section 6.3.2)."""
        return self.not_after - self.not_before + timedelta(seconds=1)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the certificate, in hexadecimal."""
        return sha256(self.der).hexdigest()

    @property
    def label(self) -> str:
        """What to call it in a sentence: its common name, a dNSName, or its whole subject."""
        return next(iter((*self.common_names, *self.dns_names[:1])), self.subject or "(no subject)")


@lru_cache(maxsize=512)
def parsed(der: bytes) -> x509.Certificate | None:
    """The library's view of a certificate; None where it cannot be had."""
    if len(der) > SIZE_LIMIT:
        return None
    with warnings.catch_warnings():
        # Odd serial numbers and the like are noted by us, not printed by the library.
        warnings.simplefilter("ignore")
        try:
            return x509.load_der_x509_certificate(der)
        except Exception:  # whatever the library minds: it is no certificate to us
            return None


@lru_cache(maxsize=512)
def public_key_info(der: bytes) -> bytes:
    """The SubjectPublicKeyInfo in DER; empty where it could not be read."""
    certificate = parsed(der)
    if certificate is None:
        return b""
    try:
        return certificate.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    except Exception:  # an unknown algorithm, a point off its curve ...
        return b""


@lru_cache(maxsize=2048)
def signed(der: bytes, issuer: bytes) -> bool:
    """Whether one certificate's name and key signed another: name, algorithm and signature fit."""
    child, parent = parsed(der), parsed(issuer)
    if child is None or parent is None:
        return False
    if read(der).issuer_der != read(issuer).subject_der:
        return False
    try:
        key = parent.public_key()
    except Exception:  # see public_key_info
        return False
    return holds(der, key)


def holds(der: bytes, key: object) -> bool:
    """Whether a public key verifies a certificate's signature, weak hashes included: those are judged apart."""
    found = parsed(der)
    if found is None or not same_algorithm(der):
        return False
    body = found.tbs_certificate_bytes
    try:
        match key:
            case rsa.RSAPublicKey():
                scheme, hashed = found.signature_algorithm_parameters, found.signature_hash_algorithm
                if not isinstance(scheme, padding.PKCS1v15 | padding.PSS) or hashed is None:
                    return False
                key.verify(found.signature, body, scheme, hashed)
            case ec.EllipticCurvePublicKey():
                scheme = found.signature_algorithm_parameters
                if not isinstance(scheme, ec.ECDSA):
                    return False
                key.verify(found.signature, body, scheme)
            case dsa.DSAPublicKey():
                hashed = found.signature_hash_algorithm
                if hashed is None:
                    return False
                key.verify(found.signature, body, hashed)
            case _:
                # Ed25519, Ed448, ML-DSA: the key alone decides how. Keys that cannot sign have no verify.
                key.verify(found.signature, body)  # type: ignore[attr-defined]
    except Exception:
        # The library's reasons (InvalidSignature, ValueError, TypeError, UnsupportedAlgorithm) all
        # mean the same here: nobody can say that it did.
        return False
    return True


@lru_cache(maxsize=512)
def read(der: bytes) -> Certificate:
    """A certificate as values. Never raises: what cannot be read is said in `problem`."""
    found = parsed(der)
    if found is None:
        issuer, subject = names_of(der) or (b"", b"")
        too_large = (
            f"larger than {SIZE_LIMIT} octets" if len(der) > SIZE_LIMIT else "not a readable certificate"
        )
        return Certificate(der, too_large, subject_der=subject, issuer_der=issuer)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _Reader(found, der).certificate()


class _Reader:
    """Reads part by part, collecting what is wrong instead of stopping at it."""

    def __init__(self, found: x509.Certificate, der: bytes) -> None:
        self.found = found
        self.der = der
        self.problems: list[str] = []
        self.departures: list[str] = []
        self.extensions = self.part("extensions", lambda: found.extensions, x509.Extensions([]))

    def part(self, what: str, get: Callable[[], T], otherwise: T) -> T:
        try:
            return get()
        except Exception as error:
            # The library has many exceptions of its own (DuplicateExtension, InvalidVersion ...), and
            # a peer can send whatever raises any of them.
            self.problems.append(f"{what}: {error}")
            return otherwise

    def extension(self, kind: type[E]) -> x509.Extension[E] | None:
        try:
            return self.extensions.get_extension_for_class(kind)
        except x509.ExtensionNotFound:
            return None

    def certificate(self) -> Certificate:
        found = self.found
        issuer_der, subject_der = names_of(self.der) or (b"", b"")
        subject = self.part("subject", lambda: found.subject, x509.Name([]))
        issuer = self.part("issuer", lambda: found.issuer, x509.Name([]))
        serial = self.part("serial number", lambda: found.serial_number, 0)
        key, bits, curve, exponent = self.public_key()
        basic = self.extension(x509.BasicConstraints)
        usage = self.extension(x509.KeyUsage)
        extended = self.extension(x509.ExtendedKeyUsage)
        features = self.extension(x509.TLSFeature)
        dns_names, addresses = self.alternative_names()
        version = self.part("version", lambda: found.version, x509.Version.v3)
        self.depart(serial, subject, issuer, version)
        return Certificate(
            der=self.der,
            version=version.value + 1,
            subject=self.part("subject", subject.rfc4514_string, ""),
            issuer=self.part("issuer", issuer.rfc4514_string, ""),
            subject_der=subject_der,
            issuer_der=issuer_der,
            serial=serial,
            not_before=self.part("notBefore", lambda: found.not_valid_before_utc, EPOCH),
            not_after=self.part("notAfter", lambda: found.not_valid_after_utc, EPOCH),
            common_names=_texts(subject, oid.NameOID.COMMON_NAME),
            organizations=_texts(subject, oid.NameOID.ORGANIZATION_NAME),
            dns_names=dns_names,
            addresses=addresses,
            key=key,
            bits=bits,
            curve=curve,
            exponent=exponent,
            signature=self.signature(),
            ca=basic.value.ca if basic else None,
            path_length=basic.value.path_length if basic else None,
            key_usage=_usages(usage.value) if usage else None,
            extended_key_usage=tuple(o.dotted_string for o in extended.value) if extended else None,
            ca_issuers=self.access(oid.AuthorityInformationAccessOID.CA_ISSUERS),
            ocsp=self.access(oid.AuthorityInformationAccessOID.OCSP),
            must_staple=features is not None and x509.TLSFeatureType.status_request in features.value,
            policies=self.policies(),
            timestamps=self.extension(x509.PrecertificateSignedCertificateTimestamps) is not None,
            unknown_critical=tuple(
                e.oid.dotted_string
                for e in self.extensions
                if e.critical and e.oid.dotted_string not in _PROCESSED | _NEVER_CRITICAL
            ),
            departures=tuple(self.departures),
            problem="; ".join(self.problems),  # last: every part has been tried by now
        )

    def public_key(self) -> tuple[str, int, str, int]:
        key = self.part("public key", self.found.public_key, None)
        match key:
            case None:
                return "", 0, "", 0
            case rsa.RSAPublicKey():
                return "RSA", key.key_size, "", key.public_numbers().e
            case ec.EllipticCurvePublicKey():
                return "EC", key.key_size, key.curve.name, 0
            case dsa.DSAPublicKey():
                return "DSA", key.key_size, "", 0
            case _:
                name = type(key).__name__.removesuffix("PublicKey").lstrip("_")
                return name, 0, "", 0

    def signature(self) -> str:
        try:
            algorithm = self.found.signature_hash_algorithm
        except exceptions.UnsupportedAlgorithm:
            return self.found.signature_algorithm_oid.dotted_string
        if algorithm is not None:
            return algorithm.name
        return self.found.signature_algorithm_oid._name

    def alternative_names(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        names = self.extension(x509.SubjectAlternativeName)
        if names is None:
            return (), ()
        hosts = tuple(names.value.get_values_for_type(x509.DNSName))
        addresses = []
        for value in names.value.get_values_for_type(x509.IPAddress):
            if "/" in str(value):
                self.problems.append(f"subjectAltName: {value} is a network, not an address")
            else:
                addresses.append(str(value))
        return hosts, tuple(addresses)

    def access(self, method: x509.ObjectIdentifier) -> tuple[str, ...]:
        found = self.extension(x509.AuthorityInformationAccess)
        if found is None:
            return ()
        return tuple(
            one.access_location.value
            for one in found.value
            if one.access_method == method and isinstance(one.access_location, x509.UniformResourceIdentifier)
        )

    def policies(self) -> tuple[str, ...]:
        found = self.extension(x509.CertificatePolicies)
        return tuple(one.policy_identifier.dotted_string for one in found.value) if found is not None else ()

    def depart(self, serial: int, subject: x509.Name, issuer: x509.Name, version: x509.Version) -> None:
        """Note what RFC 5280 section 4 forbids and clients accept all the same."""
        say = self.departures.append
        if serial <= 0 or serial.bit_length() > 159:
            say("the serial number is not a positive integer of at most 20 octets (section 4.1.2.2)")
        if not issuer.rdns:
            say("the issuer is empty (section 4.1.2.4)")
        if version is not x509.Version.v3:
            say("it is not version 3 (section 4.1.2.1)")
        for extension in self.extensions:
            if extension.critical and extension.oid.dotted_string in _NEVER_CRITICAL:
                say(f"{extension.oid._name} is critical (section 4.2)")
        basic = self.extension(x509.BasicConstraints)
        ca = basic is not None and basic.value.ca
        authority = self.extension(x509.AuthorityKeyIdentifier)
        if authority is None and subject.rdns != issuer.rdns:
            say("authorityKeyIdentifier is missing (section 4.2.1.1)")
        if ca and self.extension(x509.SubjectKeyIdentifier) is None:
            say("subjectKeyIdentifier is missing in a CA certificate (section 4.2.1.2)")
        if authority is not None and (
            authority.value.key_identifier is None or authority.value.authority_cert_issuer
        ):
            say("authorityKeyIdentifier names the issuer otherwise than by key (BR section 7.1.2)")
        names = self.extension(x509.SubjectAlternativeName)
        if names is not None and not names.critical and not subject.rdns:
            say("subjectAltName is not critical although the subject is empty (section 4.2.1.6)")
        if not ca and names is not None:
            known = {str(one.value) for one in names.value}
            if any(common not in known for common in _texts(subject, oid.NameOID.COMMON_NAME)):
                say("the common name is none of the subjectAltName's, letter for letter (BR section 7.1.4.3)")
        extended = self.extension(x509.ExtendedKeyUsage)
        if not ca and extended is not None and extended.critical:
            say("extendedKeyUsage is critical (BR section 7.1.2.7.6)")
        constraints = self.extension(x509.NameConstraints)
        if constraints is not None and not (constraints.critical and ca):
            say("nameConstraints are not critical or not in a CA certificate (section 4.2.1.10)")
        policies = self.extension(x509.PolicyConstraints)
        if policies is not None and not policies.critical:
            say("policyConstraints are not critical (section 4.2.1.11)")
        usage = self.extension(x509.KeyUsage)
        if usage is not None and usage.value.key_cert_sign and not ca:
            say("keyUsage has keyCertSign in a certificate that is no CA's (section 4.2.1.3)")


def _texts(name: x509.Name, kind: x509.ObjectIdentifier) -> tuple[str, ...]:
    found = name.get_attributes_for_oid(kind)
    return tuple(one.value if isinstance(one.value, str) else one.value.hex() for one in found)


def _usages(usage: x509.KeyUsage) -> tuple[str, ...]:
    bits = {
        "digitalSignature": usage.digital_signature,
        "contentCommitment": usage.content_commitment,
        "keyEncipherment": usage.key_encipherment,
        "dataEncipherment": usage.data_encipherment,
        "keyAgreement": usage.key_agreement,
        "keyCertSign": usage.key_cert_sign,
        "cRLSign": usage.crl_sign,
    }
    return tuple(name for name, set_ in bits.items() if set_)
