"""Synthetic scanned rooms with labels: numpy and scipy only."""
