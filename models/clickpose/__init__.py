"""Click-Pose: keypoints of all persons in a photo, corrected by clicks.

Yang et al., "Neural Interactive Keypoint Detection", ICCV 2023. The module tree has exactly the
state-dict keys of the official checkpoint.
"""

from models.clickpose.config import OFFICIAL, ClickPoseConfig, config_of
from models.clickpose.decoder import Poses
from models.clickpose.loop import Person, PhotoEncoding, PosePredictor
from models.clickpose.network import ClickPose, Encoding

__all__ = [
    "OFFICIAL",
    "ClickPose",
    "ClickPoseConfig",
    "Encoding",
    "Person",
    "PhotoEncoding",
    "PosePredictor",
    "Poses",
    "config_of",
]
