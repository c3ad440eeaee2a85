"""A compact pose engine: finds people, proposes their joints, lets them follow corrections."""

from models.clickpose.compact.bundle import Bundle, load_bundle
from models.clickpose.compact.network import CompactPoseNet
from models.clickpose.compact.predictor import CompactPhoto, CompactPredictor, Person, Settings

__all__ = [
    "Bundle",
    "CompactPhoto",
    "CompactPoseNet",
    "CompactPredictor",
    "Person",
    "Settings",
    "load_bundle",
]
