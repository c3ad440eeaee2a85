"""Simulated annotators and metrics."""
