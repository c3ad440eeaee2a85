"""From a sample and an engine to what attacks talk to, for every kind of engine."""

from collections.abc import Callable

import numpy as np

from annotator.domain import AnnotatorError, CancelToken
from annotator.engine.api import EngineKind
from annotator.engine.opened import OpenEngine
from annotator.robustness.datasets import Sample
from annotator.robustness.photo import PhotoTarget
from annotator.robustness.settings import Settings
from annotator.robustness.target import Target

Build = Callable[[OpenEngine, object, Sample, Settings], Target]


def make_target(
    engine: OpenEngine, sample: Sample, settings: Settings, cancel: CancelToken | None = None
) -> Target:
    """Encode a sample and make it a target.

    Raises:
        AnnotatorError: If there is no attack for this kind of engine.
        Cancelled: If `cancel` was set.
    """
    build = BUILDERS.get(engine.manifest.kind)
    if build is None:
        raise AnnotatorError(f"There is no attack on engines of kind {engine.manifest.kind!s}.")
    encoding = engine.encode(sample.asset, cancel=cancel)
    return build(engine, encoding, sample, settings)


def _photo(engine: OpenEngine, encoding: object, sample: Sample, settings: Settings) -> Target:
    assert isinstance(sample.truth, np.ndarray)  # as datasets of this kind have it
    return PhotoTarget(engine, encoding, sample.truth, engine.ref, sample.name)


BUILDERS: dict[EngineKind, Build] = {EngineKind.IMAGE: _photo}
"""By the kind of engine."""
