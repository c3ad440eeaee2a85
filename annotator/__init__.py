"""A click is the one gesture to learn: annotation of scans, photos, poses and clips.

Importing this package is cheap: it loads neither torch, nor Qt, nor open3d.
"""

__version__ = "0.1.0"
