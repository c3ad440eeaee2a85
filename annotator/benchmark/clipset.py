"""What clips are measured on: photos, regions and words, listed in one JSON file."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from annotator.domain import AnnotatorError, Prompt, Region

Bool = npt.NDArray[np.bool_]
LIST_NAME = "clips.json"
_FIELDS = {"name", "photo", "mask", "polygon", "ellipse", "prompt", "strength", "direction",
           "confined"}  # fmt: skip


@dataclass(frozen=True)
class ClipCase:
    """One clip to make.

    Attributes:
        name: In tables.
        photo: File.
        shape: ("mask", file), ("polygon", corners) or ("ellipse", x, y, half axes), in pixels.
        words: A few.
        strength: Pixels a frame; None for what the words say.
        direction: Degrees anticlockwise from "right"; None for what the words say.
        confined: Whether nothing outside of the region may change.
    """

    name: str
    photo: Path
    shape: tuple[str, Any]
    words: str = ""
    strength: float | None = None
    direction: float | None = None
    confined: bool = False

    def region(self, size: tuple[int, int]) -> Bool:
        """Return the region [H, W] in a photo of (height, width).

        Raises:
            AnnotatorError: If a mask has another size, or nothing is inside.
        """
        kind, value = self.shape
        mask = _read_mask(value) if kind == "mask" else _drawn(kind, value, size)
        if mask.shape != size:
            raise AnnotatorError(
                f"{self.name}: the mask has {mask.shape[1]} x {mask.shape[0]} pixels, the photo "
                f"{size[1]} x {size[0]}.",
                "Give a mask of the photo's size.",
            )
        if not mask.any():
            raise AnnotatorError(f"{self.name}: the region is empty.", "Choose another.")
        return mask

    def prompt(self, region: Bool) -> Prompt:
        """Return the prompt of object 1."""
        arrow = None
        if self.direction is not None:
            angle = np.radians(self.direction)
            arrow = (float(np.cos(angle)), float(-np.sin(angle)))
        return Prompt(
            object_ids=(1,),
            words=((1, self.words),) if self.words else (),
            regions=(Region(1, region, arrow, self.strength, self.confined),),
        )


def read_cases(path: Path) -> list[ClipCase]:
    """Read a list of clips.

    Args:
        path: The JSON file, or a folder with `clips.json`: `{"clips": [{"photo": "stream.jpg",
            "polygon": [[x, y], …], "prompt": "water flows", "strength": 1.0, "direction": 270,
            "confined": true}, …]}`; instead of a polygon an `ellipse` (x, y, half width, half
            height) or a `mask` (PNG). Files are looked for beside the list.

    Raises:
        AnnotatorError: Naming the file and the entry that is wrong.
    """
    file = path / LIST_NAME if path.is_dir() else path
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise AnnotatorError(f"{file} cannot be read: {error}.", f"See {LIST_NAME}.") from error
    entries = content.get("clips") if isinstance(content, dict) else None
    if not isinstance(entries, list) or not entries:
        raise AnnotatorError(f"{file} lists no clips.", 'Write {"clips": [{"photo": …}, …]}.')
    cases = [_case(entry, file.parent, f"{file}, clip {n}") for n, entry in enumerate(entries, 1)]
    if len({case.name for case in cases}) < len(cases):
        raise AnnotatorError(f"{file}: two clips have one name.", "Give each its own `name`.")
    return cases


def _case(entry: object, folder: Path, where: str) -> ClipCase:
    if not isinstance(entry, dict) or not isinstance(entry.get("photo"), str):
        raise AnnotatorError(f"{where}: there is no `photo`.", "Name a file.")
    unknown = set(entry) - _FIELDS
    if unknown:
        raise AnnotatorError(f"{where}: unknown is {', '.join(sorted(unknown))}.")
    words = entry.get("prompt", "")
    if not isinstance(words, str):
        raise AnnotatorError(f"{where}: `prompt` is no text.")
    name = entry.get("name") or f"{Path(entry['photo']).stem}: {words}"
    return ClipCase(
        name=str(name),
        photo=folder / entry["photo"],
        shape=_shape(entry, folder, where),
        words=words,
        strength=_number(entry, "strength", where),
        direction=_number(entry, "direction", where),
        confined=bool(entry.get("confined", False)),
    )


def _number(entry: Mapping[str, Any], field: str, where: str) -> float | None:
    value = entry.get(field)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not np.isfinite(value):
        raise AnnotatorError(f"{where}: `{field}` is no number.")
    return float(value)


def _shape(entry: Mapping[str, Any], folder: Path, where: str) -> tuple[str, Any]:
    given = [kind for kind in ("mask", "polygon", "ellipse") if kind in entry]
    if len(given) != 1:
        raise AnnotatorError(f"{where}: give one of mask, polygon and ellipse.")
    kind, value = given[0], entry[given[0]]
    if kind == "mask":
        return kind, folder / str(value)
    try:
        numbers = np.array(value, np.float64)
    except (TypeError, ValueError):
        numbers = np.zeros(0)
    fits = numbers.shape == (4,) if kind == "ellipse" else numbers.ndim == 2
    if not fits or (kind == "polygon" and (numbers.shape[1] != 2 or len(numbers) < 3)):
        raise AnnotatorError(f"{where}: `{kind}` is not {_EXPECTED[kind]}.")
    return kind, numbers


_EXPECTED = {"polygon": "three or more [x, y]", "ellipse": "[x, y, half width, half height]"}


def _read_mask(path: Path) -> Bool:
    from annotator.formats.mask_png import read_mask_png

    mask: Bool = read_mask_png(path).labels > 0
    return mask


def _drawn(kind: str, numbers: npt.NDArray[np.float64], size: tuple[int, int]) -> Bool:
    if kind == "ellipse":
        x, y, across, down = numbers
        rows, columns = np.mgrid[: size[0], : size[1]] + 0.5
        inside: Bool = ((columns - x) / across) ** 2 + ((rows - y) / down) ** 2 < 1
        return inside
    canvas = np.zeros(size, np.uint8)
    cv2.fillPoly(canvas, [np.rint(numbers).astype(np.int32)], 1)
    return canvas > 0
