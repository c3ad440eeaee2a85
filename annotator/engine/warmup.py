"""A tiny made-up task per engine kind: warms a fresh engine up, and tries it in checks."""

from dataclasses import replace

import numpy as np

from annotator.domain import CancelToken, Click, Image, PersonPrompt, PointCloud, Prompt
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


def sample_image(height: int = 56, width: int = 64) -> Image:
    """Return a bright disc on a dark gradient, [height, width] pixels."""
    rows, columns = np.mgrid[:height, :width]
    rgb = np.zeros((height, width, 3), np.uint8)
    rgb[..., 2] = 40 + 60 * columns // width
    inside = (rows - height / 2) ** 2 + (columns - width / 2) ** 2 < (height / 4) ** 2
    rgb[inside] = (220, 180, 60)
    return Image(rgb, name="warm-up")


def sample_task(kind: EngineKind) -> tuple[Asset, Prompt]:
    """Return a small asset and a prompt for it: two clicks, and for pose engines a box."""
    if kind is EngineKind.SCENE:
        cloud = sample_cloud()
        rows = (0, len(cloud) - 1)
        clicks = [
            Click(tuple(map(float, cloud.xyz[row])), obj, order, index=row)
            for order, (row, obj) in enumerate(zip(rows, (1, 0), strict=True))
        ]
        return cloud, Prompt.from_clicks(clicks)
    prompt = Prompt.from_clicks([Click((32.0, 28.0), 1), Click((4.0, 4.0), 0, 1)])
    if kind is EngineKind.POSE:
        prompt = replace(prompt, people=(PersonPrompt(1, (12.0, 6.0, 52.0, 50.0)),))
    return sample_image(), prompt


def warm_up(engine: OpenEngine, cancel: CancelToken | None = None) -> None:
    """Run the sample task once, past the caches, so that the first click finds all in place.

    Raises:
        AnnotatorError: If the engine cannot do even that.
        Cancelled: If `cancel` was set meanwhile.
    """
    asset, prompt = sample_task(engine.manifest.kind)
    if engine.manifest.kind is EngineKind.POSE:
        prompt = Prompt(people=prompt.people)  # clicks mean nothing to it, and it may refuse them
    engine.predict(engine.encode_uncached(asset, cancel=cancel), prompt, cancel)
