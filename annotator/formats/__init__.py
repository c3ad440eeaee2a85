"""Readers and writers, one module a format, one registry."""
