"""Runs: one task a (plugin, sample, mode), each done once, whatever dies in between."""
