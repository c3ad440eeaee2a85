"""Measure a detector on photos that it was not trained on.

python -m models.clickpose.training.finding DETECTOR --imagenet LITE0.pth
--coco INSTANCES.json PHOTOS --coco-joints KEYPOINTS.json PHOTOS --nobody PHOTOS
"""

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from models.checkpoint import load_checkpoint
from models.clickpose.compact.backbone import load_imagenet
from models.clickpose.compact.checkpoint import ready
from models.clickpose.compact.detector import PersonDetector, overlaps
from models.clickpose.compact.network import CompactPoseNet
from models.clickpose.compact.predictor import CompactPredictor, Settings
from models.clickpose.training.labelled import read_photo
from models.clickpose.training.scenes import Scene, from_coco, from_empty

Floats = NDArray[np.float64]
ALIKE, SMALLEST = 0.5, 48.0
"""Intersection over union of a person found; longer side, pixels, of people that count."""
LEAST = (0.2, 0.25, 0.28, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6)
FOUND, WRONG, NEITHER = 1, 0, -1


class Seen(NamedTuple):
    """What a detector makes of one photo.

    Attributes:
        scores: Of its proposals, falling, [n].
        kinds: FOUND, WRONG, or NEITHER (a small person, a crowd) of each, [n].
        people: How many count.
    """

    scores: Floats
    kinds: NDArray[np.int64]
    people: int


class Measured(NamedTuple):
    """How good proposals are at one threshold.

    Attributes:
        least: The threshold.
        recall: Share of people found.
        wrong: Proposals a photo that show no labelled person; where some people are not
            labelled an upper bound of the false ones.
        precision: AP at an intersection over union of 0.5, of the proposals left.
    """

    least: float
    recall: float
    wrong: float
    precision: float


def compare(boxes: Floats, scores: Floats, scene: Scene) -> Seen:
    """Compare proposals with the labelled people of a photo.

    As in COCO (Lin et al., ECCV 2014) a proposal takes the person it overlaps most of those that
    no better one has, and small people and crowds may be found or not.

    Args:
        boxes: Proposals by falling score, [n, 4].
        scores: [n].
        scene: With the labelled boxes.
    """
    counts = (scene.boxes[:, 2:] - scene.boxes[:, :2]).max(axis=1, initial=0) >= SMALLEST
    alike = overlaps(torch.from_numpy(boxes), torch.from_numpy(scene.boxes)).numpy()
    crowded = _covered(boxes, scene.crowds)
    free, kinds = np.ones(len(counts), np.bool_), []
    for row in range(len(boxes)):
        left = np.where(free, alike[row], 0.0)
        best = int(left.argmax()) if len(left) else 0
        if len(left) and left[best] >= ALIKE:
            free[best] = False
            kinds.append(FOUND if counts[best] else NEITHER)
        else:
            kinds.append(NEITHER if crowded[row] else WRONG)
    return Seen(scores, np.array(kinds, np.int64), int(counts.sum()))


def _covered(boxes: Floats, crowds: Floats) -> NDArray[np.bool_]:
    """Return which boxes [n] lie by half in a crowd."""
    low = np.maximum(boxes[:, None, :2], crowds[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], crowds[None, :, 2:])
    shared = (high - low).clip(min=0).prod(-1)
    sizes = (boxes[:, 2:] - boxes[:, :2]).prod(-1).clip(min=1e-6)
    covered: NDArray[np.bool_] = (shared / sizes[:, None]).max(axis=1, initial=0) >= ALIKE
    return covered


def measure(seen: Sequence[Seen], least: float) -> Measured:
    """Return how good the proposals of photos are from a score on."""
    scores = np.concatenate([one.scores for one in seen])
    kinds = np.concatenate([one.kinds for one in seen])
    people = sum(one.people for one in seen)
    kept = (scores >= least) & (kinds != NEITHER)
    order = np.argsort(-scores[kept], kind="stable")
    hits = kinds[kept][order] == FOUND
    recall = float(hits.sum() / people) if people else float("nan")
    wrong = float((~hits).sum() / max(len(seen), 1))
    return Measured(least, recall, wrong, _precision(hits, people))


def _precision(hits: NDArray[np.bool_], people: int) -> float:
    """Return the area below precision, made monotone, over recall."""
    if not people:
        return float("nan")
    precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
    highest = np.maximum.accumulate(precision[::-1])[::-1]
    return float(highest[hits].sum() / people)


def look(predictor: CompactPredictor, scenes: Iterable[Scene]) -> list[Seen]:
    """Look for people in photos."""
    seen = []
    for scene in scenes:
        boxes, scores = predictor.find(read_photo(scene.path))
        seen.append(compare(boxes, scores.astype(np.float64), scene))
    return seen


def predictor_of(detector: Path, imagenet: Path, least: float) -> CompactPredictor:
    """Return a predictor with a detector's weights; it knows nothing of joints.

    Args:
        detector: From the detector's training.
        imagenet: Of EfficientNet-Lite0.
        least: Score below which nobody is proposed.
    """
    network, found = CompactPoseNet(), PersonDetector()
    load_imagenet(network.backbone, imagenet)
    found.load_state_dict(load_checkpoint(detector), strict=False)
    pose, people = (ready(network, "cpu", torch.float32), ready(found, "cpu", torch.float32))
    return CompactPredictor(pose, people, Settings(least=least))


def main() -> None:
    """Print a table for each kind of photos."""
    given = _arguments()
    torch.set_num_threads(1)
    predictor = predictor_of(given.detector, given.imagenet, min(LEAST))
    everyone = [s for t, p in given.coco for s in from_coco(t, p, set())]
    some = [s for t, p in given.coco_joints for s in from_coco(t, p, set(), complete=False)]
    nobody = [s for photos in given.nobody for s in from_empty(photos, set())]
    kinds = {"everyone labelled": everyone, "some labelled": some, "nobody": nobody}
    for name, scenes in kinds.items():
        if scenes:
            _print(name, look(predictor, scenes))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("detector", type=Path)
    parser.add_argument("--imagenet", type=Path, required=True)
    for option, text in (("--coco", "everyone"), ("--coco-joints", "not everyone")):
        parser.add_argument(
            option, type=Path, nargs=2, action="append", default=[], metavar=("TABLE", "PHOTOS"),
            help=f"photos of which {text} is labelled",
        )  # fmt: skip
    parser.add_argument("--nobody", type=Path, nargs="*", default=[], help="photos of no people")
    return parser.parse_args()


def _print(name: str, seen: list[Seen]) -> None:
    lines = [f"{name}: {len(seen)} photos, {sum(one.people for one in seen)} people"]
    for least in LEAST:
        found = measure(seen, least)
        values = f"recall {found.recall:.3f}  wrong {found.wrong:.2f}  AP50 {found.precision:.3f}"
        lines.append(f"  from {least:.2f}: {values}")
    print("\n".join(lines), flush=True)  # noqa: T201 - the command's output


if __name__ == "__main__":
    main()
