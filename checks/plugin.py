"""Our rules and checks, as a plugin."""

from . import (
    dkim,
    dkim_selectors,
    dmarc,
    dmarc_alignment,
    dmarc_record,
    dmarc_reports,
    mx,
    smtp,
    smtp_commands,
    smtp_tls,
    spf,
)

modules = (
    mx,
    spf,
    dkim,
    dkim_selectors,
    dmarc,
    dmarc_alignment,
    dmarc_record,
    dmarc_reports,
    smtp,
    smtp_commands,
    smtp_tls,
)
