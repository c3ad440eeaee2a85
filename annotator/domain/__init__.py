"""Clicks, assets, labels and results: the words of the application, in numpy only."""

from annotator.domain.clicks import BACKGROUND, Box, Click, Prompt
from annotator.domain.cloud import PointCloud
from annotator.domain.errors import AnnotatorError, Cancelled
from annotator.domain.images import Image
from annotator.domain.labels import LabelClass, LabelSet, ObjectInfo, object_colour
from annotator.domain.plans import RegionPlan, motion_prompt
from annotator.domain.poses import COCO_17, LSP_14, PersonPrompt, Skeleton
from annotator.domain.progress import CancelToken, Progress, no_progress
from annotator.domain.regions import Region
from annotator.domain.results import Candidate, Clip, Mask, Pose, Result
from annotator.domain.signals import Signal
from annotator.domain.thinning import WorkingSet, thin
from annotator.domain.working import WorkingImage, working_factor

__all__ = [
    "BACKGROUND",
    "COCO_17",
    "LSP_14",
    "AnnotatorError",
    "Box",
    "CancelToken",
    "Cancelled",
    "Candidate",
    "Click",
    "Clip",
    "Image",
    "LabelClass",
    "LabelSet",
    "Mask",
    "ObjectInfo",
    "PersonPrompt",
    "PointCloud",
    "Pose",
    "Progress",
    "Prompt",
    "Region",
    "RegionPlan",
    "Result",
    "Signal",
    "Skeleton",
    "WorkingImage",
    "WorkingSet",
    "motion_prompt",
    "no_progress",
    "object_colour",
    "thin",
    "working_factor",
]
