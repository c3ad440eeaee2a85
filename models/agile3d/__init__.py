"""AGILE3D: interactive multi-object segmentation of point clouds."""
