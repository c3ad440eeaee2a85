"""Training and evaluation of AGILE3D networks on labelled scans."""
