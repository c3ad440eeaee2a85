"""The project file: an append-only event log, replayed into a document."""

from annotator.project.document import AssetState, Change, ChosenEngine, Document, MaskEdit
from annotator.project.pasting import add_classes, add_image, paste_labels
from annotator.project.points import PointSet
from annotator.project.project import Project
from annotator.project.replay import ReplayStep, replay
from annotator.project.results import ResultRecord
from annotator.project.salvaging import SalvageReport
from annotator.project.stats import ObjectStatistics, Statistics, statistics
from annotator.project.store import LogRow, SessionRecord

__all__ = [
    "AssetState",
    "Change",
    "ChosenEngine",
    "Document",
    "LogRow",
    "MaskEdit",
    "ObjectStatistics",
    "PointSet",
    "Project",
    "ReplayStep",
    "ResultRecord",
    "SalvageReport",
    "SessionRecord",
    "Statistics",
    "add_classes",
    "add_image",
    "paste_labels",
    "replay",
    "statistics",
]
