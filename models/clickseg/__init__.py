"""Networks for click segmentation of photos."""
