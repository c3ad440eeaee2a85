"""From a sample and an engine to what attacks talk to, for every kind of engine."""

from collections.abc import Callable

import numpy as np

from annotator.domain import AnnotatorError, CancelToken, Image, PointCloud
from annotator.engine.api import EngineKind
from annotator.engine.opened import OpenEngine
from annotator.robustness.contract import Target
from annotator.robustness.datasets import People, Sample
from annotator.robustness.settings import Settings
from annotator.robustness.targets.photo import PhotoTarget
from annotator.robustness.targets.pose import PoseTarget, truth_of
from annotator.robustness.targets.scene import SceneTarget

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


def _scene(engine: OpenEngine, encoding: object, sample: Sample, settings: Settings) -> Target:
    assert isinstance(sample.asset, PointCloud)
    assert isinstance(sample.truth, np.ndarray)
    return SceneTarget(engine, encoding, sample.asset, sample.truth, engine.ref, sample.name)


def _pose(engine: OpenEngine, encoding: object, sample: Sample, settings: Settings) -> Target:
    assert isinstance(sample.asset, Image)
    assert isinstance(sample.truth, People)
    if engine.skeleton is None:
        raise AnnotatorError(f"{engine.ref} does not say which joints it finds.")
    height, width = sample.asset.rgb.shape[:2]
    truth = truth_of(sample.truth, engine.skeleton, width, height)
    return PoseTarget(engine, encoding, truth, engine.ref, sample.name)


BUILDERS: dict[EngineKind, Build] = {
    EngineKind.IMAGE: _photo,
    EngineKind.SCENE: _scene,
    EngineKind.POSE: _pose,
}
"""By the kind of engine."""
