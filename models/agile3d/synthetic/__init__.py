"""Synthetic scans with labels: numpy and scipy only."""
