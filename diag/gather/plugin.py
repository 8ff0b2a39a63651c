"""Our facts, as a plugin."""

from . import (
    access_hosts,
    clients,
    dkim,
    dmarc,
    dmarc_alignment,
    dmarc_reports,
    inbound,
    moment,
    mx,
    roles,
    spf,
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
)
