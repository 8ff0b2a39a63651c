"""Whether certificates that were served have been taken back by their issuers."""

from __future__ import annotations

from diag.model.frozen import frozen
from diag.model.knowing import Cite
from diag.tls.staple import Revocation

from .certificates import ServedCertificate


@frozen(kw_only=True)
class CertificateRevocation:
    """What the issuer says of one served certificate.

    Absent where there is nobody to ask: a certificate that signs itself, one that lives seven days at most
    (CA/Browser Forum BR section 1.6.1), one that names no list and comes with no staple. Unavailable where
    what there is could not be had, or does not decide.
    """

    served: ServedCertificate
    revoked: Revocation | None
    """None: it has not been."""
    source: str = ""
    """What says that it has been, as in "says SOURCE"."""
    cites: tuple[Cite, ...] = ()
    """The handshake, and the list."""


@frozen(kw_only=True)
class InboundRevocation(CertificateRevocation):
    """The same of an MX host's."""


@frozen(kw_only=True)
class ClientRevocation(CertificateRevocation):
    """The same of a server's for mail programs."""
