"""People on photos in the window: skeletons, joints, and the engine that lets them follow."""

from annotator.ui.pose.controller import PoseController

__all__ = ["PoseController"]
