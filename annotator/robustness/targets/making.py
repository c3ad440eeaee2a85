"""From a sample and an engine to what attacks talk to, for every kind of engine."""

from collections.abc import Callable

import numpy as np

from annotator.benchmark.poses.simulator import TruePerson, Truth
from annotator.domain import AnnotatorError, CancelToken, Image, PointCloud, Skeleton
from annotator.engine.api import EngineKind
from annotator.engine.opened import OpenEngine
from annotator.robustness.contract import Target
from annotator.robustness.datasets import People, Sample
from annotator.robustness.settings import Settings
from annotator.robustness.targets.photo import PhotoTarget
from annotator.robustness.targets.pose import PoseTarget
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


def truth_of(people: People, skeleton: Skeleton, width: int, height: int) -> Truth:
    """Return the people of a sample in an engine's joints; those it has not are unlabelled.

    Args:
        people: Of the sample.
        skeleton: The engine's.
        width: Of the photo, pixels.
        height: Of the photo, pixels.
    """
    numbers = {name: number for number, name in enumerate(people.joints)}
    theirs = [numbers.get(name, -1) for name in skeleton.joints]
    known = np.array([number >= 0 for number in theirs], np.bool_)
    found = [
        TruePerson(
            joints[theirs].astype(np.float64),
            known & (visibility[theirs] > 0),
            (float(box[0]), float(box[1]), float(box[2]), float(box[3])),
            float(area),
            crowd=False,
        )
        for joints, visibility, box, area in zip(
            people.keypoints, people.visibility, people.boxes, people.areas, strict=True
        )
    ]
    return Truth(width, height, tuple(found), skeleton)


BUILDERS: dict[EngineKind, Build] = {
    EngineKind.IMAGE: _photo,
    EngineKind.SCENE: _scene,
    EngineKind.POSE: _pose,
}
"""By the kind of engine."""
