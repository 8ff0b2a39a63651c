"""ManageSieve (RFC 5804) for maildiag: one of each thing that a plugin can add."""
