"""The engine of maildiag: knows protocols, knows no policy."""
