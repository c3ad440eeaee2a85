"""The project file: an append-only event log, replayed into a document."""

from annotator.project.document import AssetState, Change, Document, MaskEdit
from annotator.project.points import PointSet
from annotator.project.project import Project
from annotator.project.results import ResultRecord
from annotator.project.salvaging import SalvageReport
from annotator.project.store import LogRow

__all__ = [
    "AssetState",
    "Change",
    "Document",
    "LogRow",
    "MaskEdit",
    "PointSet",
    "Project",
    "ResultRecord",
    "SalvageReport",
]
