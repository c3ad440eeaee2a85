"""Sparse convolution in plain torch."""
