"""Features of canvases, kept on disk for the detector's training.

python -m models.clickpose.training.canvases CANVASES --imagenet LITE0.pth --lspe LSPE
--clothing CCP --coco TABLE.json PHOTOS [--coco ...] --coco-joints KEYPOINTS.json PHOTOS
--nobody PHOTOS --reserved COCO.txt --count 4000
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from models.clickpose.compact.backbone import Backbone, load_imagenet
from models.clickpose.compact.detector import PersonDetector
from models.clickpose.training.coco import reserved_numbers
from models.clickpose.training.scenes import (
    CANVAS,
    Canvas,
    Scene,
    canvas_of,
    from_clothing,
    from_coco,
    from_empty,
    from_lspe,
)

_BATCH = 16
_QUARTERS = 0.3
_SHARES = (0.13, 0.09, 0.14, 0.46, 0.18)
"""Of draws: LSPE, clothing, COCO with everyone named, COCO with some named, nobody."""
SHAPES = (("x8", 40, 8), ("x16", 112, 16), ("x32", 320, 32))


def main() -> None:
    """Draw the canvases and write what the frozen encoder makes of them."""
    given = _arguments()
    torch.set_num_threads(1)
    given.folder.mkdir(parents=True, exist_ok=True)
    backbone, detector = Backbone().eval(), PersonDetector().eval()
    load_imagenet(backbone, given.imagenet)
    detector.late.load_state_dict(backbone.stages[3:].state_dict())
    files = [
        np.lib.format.open_memmap(
            given.folder / f"{name}.npy",
            mode="w+",
            dtype=np.float16,
            shape=(given.count, channels, CANVAS // stride, CANVAS // stride),
        )
        for name, channels, stride in SHAPES
    ]
    sources, boxes, weights = _sources(given), [], []
    for start in range(0, given.count, _BATCH):
        rows = range(start, min(start + _BATCH, given.count))
        canvases = [_draw(sources, np.random.default_rng((given.seed, row))) for row in rows]
        for file, maps in zip(files, _features(backbone, detector, canvases), strict=True):
            file[rows.start : rows.stop] = maps
        boxes += [canvas.boxes for canvas in canvases]
        weights += [canvas.weights for canvas in canvases]
        if start % 800 == 0:
            print(f"{rows.stop} canvases", flush=True)  # noqa: T201 - the command's output
    counts = np.array([len(b) for b in boxes])
    np.savez(
        given.folder / "people.npz",
        boxes=np.concatenate(boxes).astype(np.float32),
        counts=counts,
        weights=np.stack(weights),
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--imagenet", type=Path, required=True)
    parser.add_argument("--lspe", type=Path, required=True)
    parser.add_argument("--clothing", type=Path, required=True)
    parser.add_argument("--coco", type=Path, nargs=2, action="append", default=[])
    parser.add_argument(
        "--coco-joints", type=Path, nargs=2, action="append", default=[],
        help="as --coco, but not everyone in the photos is named",
    )  # fmt: skip
    parser.add_argument("--nobody", type=Path, nargs="*", default=[], help="photos of no people")
    parser.add_argument("--reserved", type=Path, required=True)
    parser.add_argument("--count", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def _sources(given: argparse.Namespace) -> list[tuple[float, list[Scene]]]:
    """Return shares of draws and scenes; a COCO photo in two tables counts once."""
    reserved = reserved_numbers(given.reserved)
    whole: dict[str, Scene] = {}
    for table, photos in given.coco:
        whole |= {scene.path.name: scene for scene in from_coco(table, photos, reserved)}
    partly: dict[str, Scene] = {}
    for table, photos in given.coco_joints:
        found = from_coco(table, photos, reserved, complete=False)
        partly |= {s.path.name: s for s in found if s.path.name not in whole}
    people = [scene for scene in whole.values() if len(scene.boxes)]
    nobody = [scene for scene in whole.values() if not len(scene.boxes)]
    empty = {s.path.name: s for photos in given.nobody for s in from_empty(photos, reserved)}
    nobody += [scene for name, scene in empty.items() if name not in whole and name not in partly]
    counted = f"{len(people)} photos with people, {len(nobody)} without, {len(partly)} partly named"
    print(counted, flush=True)  # noqa: T201 - the command's output
    lspe, clothing = from_lspe(given.lspe), from_clothing(given.clothing)
    every = (lspe, clothing, people, list(partly.values()), nobody)
    return [(share, source) for share, source in zip(_SHARES, every, strict=True) if source]


def _draw(sources: list[tuple[float, list[Scene]]], random: np.random.Generator) -> Canvas:
    count = 4 if random.random() < _QUARTERS else 1
    shares = np.array([share for share, _ in sources])
    kinds = random.choice(len(sources), size=count, p=shares / shares.sum())
    scenes = [sources[k][1][random.integers(len(sources[k][1]))] for k in kinds]
    return canvas_of(scenes, random)


def _features(
    backbone: Backbone, detector: PersonDetector, canvases: list[Canvas]
) -> list[NDArray[np.float16]]:
    rgb = torch.from_numpy(np.stack([canvas.rgb for canvas in canvases])).permute(0, 3, 1, 2)
    with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
        x8 = backbone.early(rgb.float() / 255)[1]
        return [maps.half().numpy() for maps in (x8, *detector.features(x8))]


if __name__ == "__main__":
    main()
