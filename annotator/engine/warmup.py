"""A tiny made-up task per engine kind: warms a fresh engine up, and tries it in checks."""

import numpy as np

from annotator.domain import Click, Image, PointCloud, Prompt
from annotator.engine.api import EngineKind
from annotator.engine.opened import Asset, OpenEngine


def sample_cloud(points: int = 400) -> PointCloud:
    """Return two separate coloured blobs of half the points each, one metre across."""
    rng = np.random.default_rng(0)
    half = points // 2
    xyz = rng.uniform(0, 1, (2 * half, 3)).astype(np.float32)
    xyz[half:, 0] += 2
    rgb = np.repeat(np.array([[200, 60, 40], [40, 90, 200]], np.uint8), half, axis=0)
    return PointCloud(xyz, rgb=rgb, name="warm-up")


def sample_task(kind: EngineKind) -> tuple[Asset, Prompt]:
    """Return a small asset and a prompt of two clicks for it."""
    if kind is EngineKind.SCENE:
        cloud = sample_cloud()
        rows = (0, len(cloud) - 1)
        clicks = [
            Click(tuple(map(float, cloud.xyz[row])), obj, order, index=row)
            for order, (row, obj) in enumerate(zip(rows, (1, 0), strict=True))
        ]
        return cloud, Prompt.from_clicks(clicks)
    image = Image(np.full((64, 64, 3), 127, np.uint8), name="warm-up")
    return image, Prompt.from_clicks([Click((32.0, 32.0), 1), Click((4.0, 4.0), 0, 1)])


def warm_up(engine: OpenEngine) -> None:
    """Run the sample task once, past the caches, so that the first click finds all in place.

    Raises:
        AnnotatorError: If the engine cannot do even that.
    """
    asset, prompt = sample_task(engine.manifest.kind)
    engine.predict(engine.encode_uncached(asset), prompt)
