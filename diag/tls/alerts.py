"""The names of alerts (IANA, TLS Alerts)."""

from __future__ import annotations

UNRECOGNIZED_NAME, INAPPROPRIATE_FALLBACK, NO_APPLICATION_PROTOCOL = 112, 86, 120
"""RFC 6066 section 3, RFC 7507 section 3, RFC 7301 section 3.2."""

_NAMES = {
    0: "close_notify",
    10: "unexpected_message",
    20: "bad_record_mac",
    22: "record_overflow",
    40: "handshake_failure",
    42: "bad_certificate",
    43: "unsupported_certificate",
    46: "certificate_unknown",
    47: "illegal_parameter",
    48: "unknown_ca",
    49: "access_denied",
    50: "decode_error",
    51: "decrypt_error",
    70: "protocol_version",
    71: "insufficient_security",
    80: "internal_error",
    INAPPROPRIATE_FALLBACK: "inappropriate_fallback",
    90: "user_canceled",
    100: "no_renegotiation",
    109: "missing_extension",
    110: "unsupported_extension",
    UNRECOGNIZED_NAME: "unrecognized_name",
    113: "bad_certificate_status_response",
    115: "unknown_psk_identity",
    116: "certificate_required",
    NO_APPLICATION_PROTOCOL: "no_application_protocol",
}


def alert_name(number: int) -> str:
    """The name of an alert; of one that is not known here, its number."""
    return _NAMES.get(number, str(number))
