"""Interactive evaluation: multi-object IoU@k on labelled scans with simulated clicks."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from models.agile3d.labels import labels_from_logits
from models.agile3d.network import Agile3D
from models.agile3d.quantise import quantize
from models.agile3d.scene import SceneEncoding
from models.agile3d.synthetic.scan import Scan
from models.agile3d.training.crops import VOXEL
from models.agile3d.training.simulator import Clicks, error_regions

Int = npt.NDArray[np.int64]
Refine = Callable[[torch.Tensor], torch.Tensor]
"""Changes logits [N, 1 + M] before the labels are taken."""


@dataclass(frozen=True, eq=False)
class EncodedScan:
    """A scan after the expensive step.

    Attributes:
        encoding: The network's.
        xyz: Voxel positions [N, 3], network units.
        labels: Voxel labels [N].
        inverse: Voxel of every point [P].
        point_labels: Labels of all points [P].
    """

    encoding: SceneEncoding
    xyz: npt.NDArray[np.float32]
    labels: Int
    inverse: Int
    point_labels: Int


@torch.inference_mode()
def encode_scan(network: Agile3D, scan: Scan, voxel: float = VOXEL) -> EncodedScan:
    """Voxelise and encode a scan; positions are scaled so that a voxel counts as 5 cm."""
    coords, rows, inverse = quantize(scan.xyz, voxel)
    xyz = (scan.xyz[rows] * (VOXEL / voxel)).astype(np.float32)
    rgb = scan.rgb[rows].astype(np.float32) / 255
    encoding = network.encode(
        torch.from_numpy(coords), torch.from_numpy(rgb), torch.from_numpy(xyz)
    )
    labels = scan.labels.astype(np.int64)
    return EncodedScan(encoding, xyz, labels[rows], inverse, labels)


@torch.inference_mode()
def predict(
    network: Agile3D,
    encoding: SceneEncoding,
    clicks: Clicks,
    count: int,
    refine: Refine | None = None,
) -> Int:
    """Return the predicted objects [N] for all clicks."""
    voxels, objects = torch.tensor(clicks.voxels), torch.tensor(clicks.objects)
    times = torch.arange(len(voxels))
    logits = network.decode(encoding, voxels, objects, times, count)
    if refine is not None:
        logits = refine(logits)
    return labels_from_logits(logits, voxels, objects, times).numpy()


def mean_iou(truth: Int, predicted: Int, count: int) -> float:
    """Return the mean IoU of objects 1..count."""
    hits = np.bincount(truth[truth == predicted], minlength=count + 1)
    union = np.bincount(truth, minlength=count + 1) + np.bincount(predicted, minlength=count + 1)
    ious = hits / np.maximum(union - hits, 1)
    return float(ious[1 : count + 1].mean())


def run_sample(
    network: Agile3D,
    scene: EncodedScan,
    instances: Sequence[int],
    clicks_per_object: int,
    rng: np.random.Generator,
    refine: Refine | None = None,
) -> list[float]:
    """Annotate some instances of a scan by the published protocol.

    Returns:
        Mean IoU over the instances on all points at 1, 2, ... clicks an object; the last
        value is repeated if nothing was left to correct.
    """
    truth, points = np.zeros_like(scene.labels), np.zeros_like(scene.point_labels)
    for number, instance in enumerate(instances, start=1):
        truth[scene.labels == instance] = number
        points[scene.point_labels == instance] = number
    count = len(instances)
    clicks = Clicks()
    first = error_regions(scene.xyz, truth, np.zeros_like(truth))
    clicks.add([first[i] for i in rng.permutation(len(first))])
    history: list[float] = []
    while len(clicks.voxels) <= clicks_per_object * count:
        predicted = predict(network, scene.encoding, clicks, count, refine)
        if len(clicks.voxels) % count == 0:
            history.append(mean_iou(points, predicted[scene.inverse], count))
        worst = error_regions(scene.xyz, truth, predicted)[:1]
        if not worst:
            break
        clicks.add(worst)
    return history + history[-1:] * (clicks_per_object - len(history))


def evaluate(
    network: Agile3D,
    scan: Scan,
    draws: int,
    *,
    objects: int = 5,
    clicks_per_object: int = 10,
    min_points: int = 50,
    seed: int = 0,
    voxel: float = VOXEL,
    refine_for: Callable[[EncodedScan], Refine] | None = None,
) -> npt.NDArray[np.float64]:
    """Return IoU at 1..clicks_per_object clicks an object for random draws, [draws, k]."""
    network.eval()
    scene = encode_scan(network, scan, voxel)
    refine = refine_for(scene) if refine_for else None
    ids, sizes = np.unique(scene.point_labels, return_counts=True)
    usable = np.intersect1d(ids[(ids > 0) & (sizes >= min_points)], scene.labels)
    results = []
    for draw in range(draws):
        rng = np.random.default_rng([seed, draw])
        chosen = rng.permutation(usable)[:objects].tolist()
        results.append(run_sample(network, scene, chosen, clicks_per_object, rng, refine))
    return np.array(results)
