"""From a sample and an engine to what attacks talk to, for every kind of engine."""

from annotator.domain import AnnotatorError, CancelToken
from annotator.engine.opened import OpenEngine
from annotator.robustness.datasets import Sample
from annotator.robustness.settings import Settings
from annotator.robustness.target import Target


def make_target(
    engine: OpenEngine, sample: Sample, settings: Settings, cancel: CancelToken | None = None
) -> Target:
    """Encode a sample and make it a target.

    Raises:
        AnnotatorError: If there is no attack for this kind of engine.
        Cancelled: If `cancel` was set.
    """
    raise AnnotatorError(f"Nothing attacks engines of kind {engine.manifest.kind!s} yet.")
