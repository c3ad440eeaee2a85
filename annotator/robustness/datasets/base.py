"""Samples: an asset, what is right about it, and where both come from."""

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from annotator.domain import AnnotatorError, Image, PointCloud, Prompt
from annotator.engine.files import sha256_of

Truth = npt.NDArray[np.int8]
"""1 object, 0 background, -1 to be ignored: [H, W] of a photo, [N] of a scan."""


@dataclass(frozen=True, eq=False)
class People:
    """Ground truth of the people in one photo.

    Attributes:
        keypoints: [P, K, 2] float32 pixels; 0 where a joint is not labelled.
        visibility: [P, K] uint8, COCO values 0 not labelled, 1 occluded, 2 visible.
        boxes: [P, 4] float32, x0 y0 x1 y1 pixels.
        areas: [P] float32 square pixels: the scale of OKS.
        joints: [K] names of the joints.
    """

    keypoints: npt.NDArray[np.float32]
    visibility: npt.NDArray[np.uint8]
    boxes: npt.NDArray[np.float32]
    areas: npt.NDArray[np.float32]
    joints: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Sample:
    """One object of one asset, read.

    Attributes:
        name: Unique within its dataset.
        asset: The photo or scan.
        truth: Its object; People for poses.
        user: What a person said of the object, one click more each; empty if nobody did.
    """

    name: str
    asset: Image | PointCloud
    truth: Truth | People
    user: tuple[Prompt, ...] = ()


@dataclass(frozen=True)
class Source:
    """One sample that was found, but not read yet.

    Attributes:
        name: Unique within its dataset.
        group: Name of the asset; samples of one asset are alike, and share its encoding.
        load: Reads it.
    """

    name: str
    group: str
    load: Callable[[], Sample]


@dataclass(frozen=True)
class Dataset:
    """Samples of one kind.

    Attributes:
        title: What it is, in words.
        kind: "image", "scene" or "pose": the engines that it is for.
        sources: Sorted by asset, then by name.
        fingerprint: sha256 of everything that samples are made from.
        notes: What a person should know of it, such as what was left out and why.
    """

    title: str
    kind: str
    sources: tuple[Source, ...]
    fingerprint: str
    notes: tuple[str, ...] = ()

    def source(self, name: str) -> Source:
        """Return the sample of that name.

        Raises:
            AnnotatorError: If there is none.
        """
        for source in self.sources:
            if source.name == name:
                return source
        raise AnnotatorError(f"There is no sample {name!r} in this dataset ({self.title}).")


def make_dataset(
    title: str, kind: str, sources: Iterable[Source], fingerprint: str, notes: Sequence[str] = ()
) -> Dataset:
    """Put sources in order and make sure that they can be told apart.

    Raises:
        AnnotatorError: If there are none, or two have the same name.
    """
    ordered = sorted(sources, key=lambda source: (source.group, source.name))
    if not ordered:
        raise AnnotatorError(
            f"There is nothing to test in this dataset ({title}).",
            " ".join(notes) or "It needs at least one object with ground truth.",
        )
    names = [source.name for source in ordered]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise AnnotatorError(f"Two samples are called {twice!r}.", "Rename one of their files.")
    return Dataset(title, kind, tuple(ordered), fingerprint, tuple(notes))


CREDITS = "CREDITS.txt"
"""File in a dataset's folder whose lines every report of it shows."""


def credits_of(folder: Path) -> list[str]:
    """Return whom the assets of a folder are by, as reports have to say."""
    path = folder / CREDITS
    if not path.is_file():
        return []
    text = path.read_text(encoding="utf-8", errors="replace")[:2000]
    return [line.strip() for line in text.splitlines() if line.strip()]


def fingerprint_of_files(files: Iterable[Path], root: Path) -> str:
    """Return the sha256 over names, relative to `root`, and contents."""
    entries = {path.relative_to(root).as_posix(): path for path in files}
    return fingerprint_of([name, sha256_of(path)] for name, path in sorted(entries.items()))


def fingerprint_of(parts: Iterable[Any]) -> str:
    """Return the sha256 over plain values, in order."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(json.dumps(part, sort_keys=True).encode() + b"\n")
    return digest.hexdigest()
