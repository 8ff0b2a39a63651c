"""What a stapled OCSP response says of the server's certificate (RFC 6960, RFC 6066 section 8)."""

from __future__ import annotations

from datetime import datetime

from diag.model.frozen import frozen

from .certificate import parsed, read, signed
from .library import dsa, ec, hashes, ocsp, oid, padding, rsa, serialization, x509

SIZE_LIMIT = 64 * 1024
"""A larger response is not read: a hundred times what is usual."""
MOST_RESPONSES = 16
"""Single responses and responder certificates looked at; one of each is usual."""


@frozen
class Revocation:
    """That the issuer, or somebody it authorised, took a certificate back."""

    at: datetime
    reason: str
    """In the words of RFC 5280 section 5.3.1, such as "key_compromise"; empty where none is given."""


@frozen
class StapleFault:
    """Why clients have no use for a staple."""

    what: str
    """A predicate of the response."""
    by_time: bool = False
    """Whether the moment decides it."""


def revocation(staple: bytes, leaf: bytes, issuer: bytes) -> Revocation | None:
    """What a staple says of `leaf`, where it is about that one, revoked, and signed for `issuer`. Never raises.

    None where the certificate is good or unknown, and where the response proves nothing: broken, about
    another certificate, or signed by somebody else. Its own dates do not matter: what has been revoked
    stays so (RFC 5280 section 5.3.1 allows to lift a hold alone).
    """
    if not staple or len(staple) > SIZE_LIMIT:
        return None
    try:
        response = ocsp.load_der_ocsp_response(staple)
        if response.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
            return None
        for single, _ in zip(response.responses, range(MOST_RESPONSES), strict=False):
            if single.certificate_status is ocsp.OCSPCertStatus.REVOKED and _is_about(single, leaf, issuer):
                if not _signed_for(response, issuer):
                    return None
                reason = single.revocation_reason
                at = single.revocation_time_utc
                return None if at is None else Revocation(at, reason.name if reason else "")
    except Exception:
        # A peer can send whatever raises any of the library's many exceptions: it proves nothing.
        return None
    return None


def vouches(staple: bytes, leaf: bytes, issuer: bytes, moment: datetime) -> bool:
    """Whether a staple says that `leaf` is good, holds at the moment and is signed for `issuer`. Never raises."""
    if not staple or len(staple) > SIZE_LIMIT:
        return False
    try:
        response = ocsp.load_der_ocsp_response(staple)
        if response.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
            return False
        return any(
            single.certificate_status is ocsp.OCSPCertStatus.GOOD
            and single.this_update_utc <= moment
            and (single.next_update_utc is None or moment <= single.next_update_utc)
            and _is_about(single, leaf, issuer)
            and _signed_for(response, issuer)
            for single, _ in zip(response.responses, range(MOST_RESPONSES), strict=False)
        )
    except Exception:  # see revocation
        return False


def staple_fault(staple: bytes, leaf: bytes, issuer: bytes, moment: datetime) -> StapleFault | None:
    """What is wrong with a staple; None for one that a client can use, be it to learn of a revocation. Never raises."""
    if len(staple) > SIZE_LIMIT:
        return StapleFault(f"is larger than {SIZE_LIMIT} octets")
    try:
        response = ocsp.load_der_ocsp_response(staple)
        if response.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
            return StapleFault(f"holds no answer ({response.response_status.name.lower().replace('_', ' ')})")
        singles = [single for single, _ in zip(response.responses, range(MOST_RESPONSES), strict=False)]
        about = next((single for single in singles if _is_about(single, leaf, issuer)), None)
        if about is None:
            return StapleFault("is about another certificate")
        if not _signed_for(response, issuer):
            return StapleFault("is not signed by the issuer of the certificate")
        if about.certificate_status is ocsp.OCSPCertStatus.UNKNOWN:
            return StapleFault("says that the issuer does not know the certificate")
        if about.this_update_utc > moment:
            return StapleFault(
                f"does not hold before {about.this_update_utc:%Y-%m-%d %H:%M} UTC", by_time=True
            )
        until = about.next_update_utc
        if until is not None and until < moment and about.certificate_status is ocsp.OCSPCertStatus.GOOD:
            return StapleFault(f"held until {until:%Y-%m-%d %H:%M} UTC", by_time=True)
    except Exception:  # see revocation
        return StapleFault("cannot be read")
    return None


def _is_about(single: ocsp.OCSPSingleResponse, leaf: bytes, issuer: bytes) -> bool:
    digest = hashes.Hash(single.hash_algorithm)
    digest.update(read(issuer).subject_der)
    return single.serial_number == read(leaf).serial and single.issuer_name_hash == digest.finalize()


def _signed_for(response: ocsp.OCSPResponse, issuer: bytes) -> bool:
    """By the issuer itself, or by a responder that it made one (RFC 6960 section 4.2.2.2)."""
    found = parsed(issuer)
    if found is not None and _verifies(response, found):
        return True
    return any(
        _may_answer(responder)
        and _verifies(response, responder)
        and signed(responder.public_bytes(serialization.Encoding.DER), issuer)
        for responder in response.certificates[:MOST_RESPONSES]
    )


def _may_answer(responder: x509.Certificate) -> bool:
    usage = responder.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    return oid.ExtendedKeyUsageOID.OCSP_SIGNING in usage.value


def _verifies(response: ocsp.OCSPResponse, signer: x509.Certificate) -> bool:
    key, signature, body = signer.public_key(), response.signature, response.tbs_response_bytes
    hashed = response.signature_hash_algorithm
    try:
        match key:
            case rsa.RSAPublicKey() if hashed is not None:
                key.verify(signature, body, padding.PKCS1v15(), hashed)
            case ec.EllipticCurvePublicKey() if hashed is not None:
                key.verify(signature, body, ec.ECDSA(hashed))
            case dsa.DSAPublicKey() if hashed is not None:
                key.verify(signature, body, hashed)
            case _:
                key.verify(signature, body)  # type: ignore[union-attr,call-arg]
    except Exception:  # see diag.tls.certificate.holds
        return False
    return True
