"""Interactive evaluation: `python -m models.clickseg.training.evaluate WEIGHTS`.

Clicks by the official rule until the wanted IoU or 20 clicks (RITM, Sofiiuk et al. 2022).
NoC@t is the mean number of clicks to IoU t, 20 where it is never reached; NoF@t counts the
objects that need 20.
"""

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import torch

from models.clickseg.compact.checkpoint import load_compact
from models.clickseg.compact.clicks import Click
from models.clickseg.compact.network import CompactClickNet
from models.clickseg.compact.zoom import ZoomPredictor, ZoomSettings
from models.clickseg.training.samples import PhotoStore
from models.clickseg.training.simulator import iou, next_click
from models.clickseg.training.sources import VOID, UInt8

THRESHOLD = 0.49
MOST_CLICKS = 20


@dataclass(frozen=True, eq=False)
class Sample:
    """An image with one object to find.

    Attributes:
        name: The image's.
        image: RGB [H, W, 3].
        target: 0, 1, 255 (ignored), [H, W].
    """

    name: str
    image: UInt8
    target: UInt8


@dataclass(frozen=True)
class Trace:
    """What happened on one sample.

    Attributes:
        name: The image's.
        ious: IoU after each click.
        seconds: Of all clicks, encodings included.
        encoded: How many crops were encoded.
    """

    name: str
    ious: list[float]
    seconds: float
    encoded: int

    def clicks_to(self, wanted: float) -> int:
        """Return the number of clicks to an IoU; 20 if it is never reached."""
        reached = [k for k, value in enumerate(self.ious, start=1) if value >= wanted]
        return reached[0] if reached else MOST_CLICKS


def benchmark_samples(images: Path, masks: Path) -> Iterator[Sample]:
    """Yield images with masks of the same stem: above 128 object, 128 ignored, else outside."""
    for path in sorted(images.iterdir()):
        found = sorted(masks.glob(f"{path.stem}.*"))
        image = cv2.imread(str(path), cv2.IMREAD_COLOR)
        if image is None or not found:
            continue
        raw = cv2.imread(str(found[0]), cv2.IMREAD_COLOR)
        if raw is None:
            continue
        grey = raw[:, :, 2]
        target = (grey > 128).astype(np.uint8)
        target[grey == 128] = VOID
        yield Sample(path.stem, np.ascontiguousarray(image[:, :, ::-1]).astype(np.uint8), target)


def held_back_samples(photos: Path, most: int) -> Iterator[Sample]:
    """Yield whole objects of the validation split, the largest of each photo, at most `most`."""
    chosen = []
    for photo in PhotoStore(photos, "val").all():
        kinds = [kind for kind, _ in photo.layers]
        wanted = "salient" if "salient" in kinds else "object"
        if wanted not in kinds:
            continue
        labels = np.asarray(photo.layers[kinds.index(wanted)][1])
        counts = np.bincount(labels.ravel(), minlength=256)[1:VOID]
        if counts.max() < 0.01 * labels.size:
            continue
        target = (labels == counts.argmax() + 1).astype(np.uint8)
        target[labels == VOID] = VOID
        chosen.append(Sample(photo.name, np.asarray(photo.image), target))
    step = max(len(chosen) / most, 1.0)
    for number in range(min(most, len(chosen))):
        yield chosen[int(number * step)]


def trace(
    network: CompactClickNet,
    sample: Sample,
    settings: ZoomSettings,
    stop_at: float = 0.9,
    least: int = 1,
) -> Trace:
    """Click on a sample until the IoU is reached and `least` clicks are made, or 20."""
    began = time.perf_counter()
    predictor = ZoomPredictor(network, sample.image, settings)
    clicks: list[Click] = []
    mask: npt.NDArray[np.bool_] = np.zeros(sample.target.shape, bool)
    ious: list[float] = []
    while len(ious) < MOST_CLICKS and (len(ious) < least or ious[-1] < stop_at):
        click = next_click(sample.target, mask, clicks)
        if click is None:
            break
        clicks.append(click)
        mask = predictor.answer(clicks) > THRESHOLD
        ious.append(iou(sample.target, mask))
    return Trace(sample.name, ious, time.perf_counter() - began, predictor.encoded)


def summary(traces: Sequence[Trace]) -> dict[str, Any]:
    """Return NoC, NoF and IoU@k of traces; an ended trace keeps its last IoU."""
    result: dict[str, Any] = {"samples": len(traces)}
    for wanted in (0.8, 0.85, 0.9):
        counts = [trace.clicks_to(wanted) for trace in traces]
        result[f"NoC@{wanted * 100:.0f}"] = round(float(np.mean(counts)), 3)
        result[f"NoF@{wanted * 100:.0f}"] = sum(count == MOST_CLICKS for count in counts)
    for k in (1, 2, 3, 5, 10):
        values = [trace.ious[min(k, len(trace.ious)) - 1] for trace in traces]
        result[f"IoU@{k}"] = round(float(np.mean(values)), 4)
    clicks = sum(len(trace.ious) for trace in traces)
    result["seconds/click"] = round(sum(trace.seconds for trace in traces) / clicks, 3)
    result["encodings/click"] = round(sum(trace.encoded for trace in traces) / clicks, 2)
    return result


def main(arguments: Sequence[str] | None = None) -> None:
    """Evaluate what the command line says and print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("weights", type=Path)
    parser.add_argument("--images", type=Path, help="folder of images")
    parser.add_argument("--masks", type=Path, help="folder of masks with the images' names")
    parser.add_argument("--photos", type=Path, help="prepared folder: its validation split")
    parser.add_argument("--most", type=int, default=60, help="validation samples")
    parser.add_argument("--side", type=int, default=448)
    parser.add_argument("--flip", action="store_true")
    parser.add_argument("--again", type=float, default=0.0, help="see ZoomSettings")
    parser.add_argument("--whole", action="store_true", help="never zoom in")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--least", type=int, default=1, help="clicks even if the IoU is reached")
    parser.add_argument("--each", action="store_true", help="print every sample")
    chosen = parser.parse_args(arguments)
    torch.set_num_threads(chosen.threads)
    cv2.setNumThreads(chosen.threads)
    network = load_compact(chosen.weights)
    settings = ZoomSettings(
        side=chosen.side, flip=chosen.flip, zoom=not chosen.whole, again=chosen.again
    )
    if chosen.photos:
        samples = held_back_samples(chosen.photos, chosen.most)
    else:
        samples = benchmark_samples(chosen.images, chosen.masks)
    traces = [trace(network, sample, settings, least=chosen.least) for sample in samples]
    if chosen.each:
        for done in traces:
            print(done.name, [round(value, 3) for value in done.ious])  # noqa: T201
    print(json.dumps(summary(traces)))  # noqa: T201


if __name__ == "__main__":
    main()
