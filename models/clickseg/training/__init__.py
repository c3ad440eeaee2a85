"""Training and evaluation of the compact click-segmentation network."""
