"""Pose engines, measured with simulated corrections by the published protocol of Click-Pose."""
