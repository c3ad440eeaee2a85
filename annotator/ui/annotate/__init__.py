"""Clicking objects in a scan: tools, docks and the flow from click to mask."""

from annotator.ui.annotate.cloud_controller import CloudController
from annotator.ui.annotate.controller import AnnotationController

__all__ = ["AnnotationController", "CloudController"]
