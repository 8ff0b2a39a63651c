"""The parts of cryptography by which certificates are read, loaded when the first one is.

That takes as long as judging a domain, and the program has nothing else to do while it waits for a handshake.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cryptography import exceptions, x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, padding, rsa
    from cryptography.hazmat.primitives.serialization import pkcs7
    from cryptography.x509 import ocsp, oid
else:

    class _Late:
        """A module that is imported when something of it is first used."""

        def __init__(self, name: str) -> None:
            self._name = name

        def __getattr__(self, name: str) -> Any:
            found = getattr(import_module(self._name), name)
            setattr(self, name, found)
            return found

    _ASYMMETRIC = "cryptography.hazmat.primitives.asymmetric"
    dsa, ec, ed448, ed25519, padding, rsa = (
        _Late(f"{_ASYMMETRIC}.{name}") for name in ("dsa", "ec", "ed448", "ed25519", "padding", "rsa")
    )
    exceptions = _Late("cryptography.exceptions")
    hashes = _Late("cryptography.hazmat.primitives.hashes")
    serialization = _Late("cryptography.hazmat.primitives.serialization")
    pkcs7 = _Late("cryptography.hazmat.primitives.serialization.pkcs7")
    x509 = _Late("cryptography.x509")
    ocsp = _Late("cryptography.x509.ocsp")
    oid = _Late("cryptography.x509.oid")

__all__ = (
    "dsa",
    "ec",
    "ed448",
    "ed25519",
    "exceptions",
    "hashes",
    "ocsp",
    "oid",
    "padding",
    "pkcs7",
    "rsa",
    "serialization",
    "x509",
)
