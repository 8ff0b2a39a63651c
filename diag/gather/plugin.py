"""Our facts, as a plugin."""

from . import dkim, dmarc, dmarc_alignment, dmarc_reports, inbound, moment, mx, roles, spf

modules = (moment, mx, spf, dkim, dmarc, dmarc_reports, dmarc_alignment, roles, inbound)
