"""Probes, the evidence they bring and the Lab protocol."""
