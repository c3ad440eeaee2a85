"""Choosing, setting up, comparing and trusting engines."""
