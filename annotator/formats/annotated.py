"""An annotated photo, as its writers take it and its readers give it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from annotator.domain import AnnotatorError, ObjectInfo
from annotator.domain.cloud import Int32
from annotator.domain.masks import Inside

UNLABELLED = "object"
"""Class of objects that have none, in formats that need one."""

Probability = npt.NDArray[np.float32]


@dataclass(frozen=True)
class AnnotatedImage:
    """Labels for every pixel of a photo.

    Attributes:
        file_name: Name of the photo's file, with its suffix.
        labels: [H, W] int32 object ids at full resolution, 0 = background.
        objects: The objects, by ascending id; those without pixels may be among them.
        path: Where the photo is; None if unknown.
        probabilities: By object id, [H, W] float32 probability of the object, for soft
            masks; may lack objects or be empty.
    """

    file_name: str
    labels: Int32
    objects: tuple[ObjectInfo, ...] = ()
    path: Path | None = None
    probabilities: Mapping[int, Probability] = field(default_factory=dict)

    @property
    def width(self) -> int:
        """Pixels in a row."""
        return int(self.labels.shape[1])

    @property
    def height(self) -> int:
        """Number of rows."""
        return int(self.labels.shape[0])

    def masks(self) -> Iterator[tuple[ObjectInfo, Inside]]:
        """Yield every object that has pixels, with its mask [H, W], by ascending id."""
        known = {info.object_id: info for info in self.objects}
        for object_id in np.unique(self.labels).tolist():
            if object_id > 0:
                info = known.get(object_id) or ObjectInfo(object_id, f"Object {object_id}")
                yield info, self.labels == object_id


class ClassNumbers:
    """Numbers the classes of objects: those of the project first, others as they appear."""

    def __init__(self, names: Sequence[str] = ()) -> None:
        self._numbers: dict[str, int] = {}
        for name in names:
            self.number(name)

    def number(self, name: str) -> int:
        """Return the 0-based number of a class; "" is `UNLABELLED`."""
        return self._numbers.setdefault(name or UNLABELLED, len(self._numbers))

    @property
    def names(self) -> list[str]:
        """The names by their numbers."""
        return list(self._numbers)


class FileNames:
    """Keeps the files of photos of the same name in different folders apart."""

    def __init__(self) -> None:
        self._used: set[str] = set()

    def stem(self, file_name: str) -> str:
        """Return the name without suffix, with a number if it was given out before."""
        plain = Path(file_name).stem or "photo"
        stem, number = plain, 1
        while stem.casefold() in self._used:
            number += 1
            stem = f"{plain}_{number}"
        self._used.add(stem.casefold())
        return stem


def safe_name(text: str) -> str:
    """Return a name that every file system takes, without dots."""
    return re.sub(r"[^\w-]+", "_", text).strip("_")[:60] or "object"


def layered(
    masks: Iterator[tuple[ObjectInfo, Inside]] | Sequence[tuple[ObjectInfo, Inside]],
    height: int,
    width: int,
) -> tuple[Int32, tuple[ObjectInfo, ...]]:
    """Lay masks that may overlap over each other: smaller ones lie on top.

    Returns:
        Labels [H, W] and the objects.
    """
    by_size = sorted(masks, key=lambda pair: -int(pair[1].sum()))
    labels = np.zeros((height, width), np.int32)
    for info, mask in by_size:
        labels[mask] = info.object_id
    return labels, tuple(sorted((info for info, _ in by_size), key=lambda info: info.object_id))


def require_pixels(name: str, height: object, width: object, limit: int) -> tuple[int, int]:
    """Check a size that a file claims.

    Raises:
        AnnotatorError: If it is no size, or larger than any photo that can be read.
    """
    sides = [s for s in (height, width) if isinstance(s, int) and not isinstance(s, bool) and s > 0]
    if len(sides) != 2 or sides[0] * sides[1] > limit:
        raise AnnotatorError(
            f"{name} claims a photo of {width!r} x {height!r} pixels.",
            "The file is damaged; export it again.",
        )
    return sides[0], sides[1]
