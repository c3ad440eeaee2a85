"""Training of the compact pose network: data, views, simulated corrections."""
