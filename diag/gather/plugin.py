"""Our facts, as a plugin."""

from . import (
    access_hosts,
    clients,
    dane,
    dkim,
    dmarc,
    dmarc_alignment,
    dmarc_reports,
    dnssec,
    inbound,
    moment,
    mta_sts,
    mx,
    reverse,
    roles,
    spf,
    tlsrpt,
)

modules = (
    moment,
    mx,
    spf,
    dkim,
    dmarc,
    dmarc_reports,
    dmarc_alignment,
    roles,
    inbound,
    access_hosts,
    clients,
    dnssec,
    mta_sts,
    tlsrpt,
    dane,
    reverse,
)
