"""Letting regions of a photo move: what a person sets, and the clip that comes of it."""

from annotator.ui.motion.controller import MotionController

__all__ = ["MotionController"]
