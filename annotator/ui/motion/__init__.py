"""Letting regions of a photo move: what a person sets, and the clip that comes of it."""

from annotator.ui.motion.controller import MotionController
from annotator.ui.motion.exporting import ClipExport

__all__ = ["ClipExport", "MotionController"]
