"""What the frozen first stages of the encoder make of views, kept on disk.

    python -m models.clickpose.training.cache CACHE --lspe LSPE --imagenet LITE0.pth --variants 8
    python -m models.clickpose.training.cache CACHE --coco TABLE.json PHOTOS --reserved COCO.txt
        --imagenet LITE0.pth --first 8 --variants 6

Every variant is a pass over the training people with other augmentations. One that is on disk is
not made again.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from models.clickpose.compact.backbone import Backbone, load_imagenet
from models.clickpose.training.people import add_arguments, training_people
from models.clickpose.training.views import View, augmented_view

_BATCH = 32


def main() -> None:
    """Make the variants that are missing."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cache", type=Path)
    add_arguments(parser)
    parser.add_argument("--imagenet", type=Path, required=True)
    parser.add_argument("--variants", type=int, default=4)
    parser.add_argument("--first", type=int, default=0, help="number of the first variant")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    torch.set_num_threads(1)
    given.cache.mkdir(parents=True, exist_ok=True)
    backbone = Backbone().eval()
    load_imagenet(backbone, given.imagenet)
    people = training_people(given)
    for number in range(given.first, given.first + given.variants):
        seed = given.seed * 1000 + number
        views = (augmented_view(p, np.random.default_rng((seed, i))) for i, p in enumerate(people))
        write(given.cache / f"{number:02d}", views, len(people), backbone)


def write(folder: Path, views: Iterator[View], count: int, backbone: Backbone) -> None:
    """Write a variant: `x4.npy`, `x8.npy` (float16), `joints.npy`, `known.npy`."""
    if (folder / "known.npy").exists():
        return
    folder.mkdir(exist_ok=True)
    joints, known, start = [], [], 0
    files = [_empty(folder / f"{name}.npy", (count, *shape)) for name, shape in _SHAPES]
    for batch in _batches(views):
        rgb = torch.from_numpy(np.stack([view[0] for view in batch]))
        with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
            early = backbone.early(rgb.permute(0, 3, 1, 2).float() / 255)
        for file, maps in zip(files, early, strict=True):
            file[start : start + len(batch)] = maps.half().numpy()
        start += len(batch)
        joints += [view[1] for view in batch]
        known += [view[2] for view in batch]
    np.save(folder / "joints.npy", np.stack(joints).astype(np.float32))
    np.save(folder / "known.npy", np.stack(known))
    print(f"{folder.name}: {count} views", flush=True)  # noqa: T201 - the command's output


_SHAPES = (("x4", (24, 48, 48)), ("x8", (40, 24, 24)))


def _empty(path: Path, shape: tuple[int, ...]) -> np.memmap[tuple[int, ...], np.dtype[np.float16]]:
    return np.lib.format.open_memmap(path, mode="w+", dtype=np.float16, shape=shape)


def _batches(views: Iterator[View]) -> Iterator[list[View]]:
    batch: list[View] = []
    for view in views:
        batch.append(view)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


if __name__ == "__main__":
    main()
