"""COCO keypoints: every photo with labelled people is a sample."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from annotator.domain import AnnotatorError
from annotator.formats import read_image
from annotator.formats.coco import load_json
from annotator.formats.source import Reading
from annotator.robustness.datasets.base import (
    Dataset,
    People,
    Sample,
    Source,
    fingerprint_of_files,
    make_dataset,
)

Entry = dict[str, Any]
_LARGEST = 2 << 30
_FOLDERS = ("", "images", "val2017", "train2017")
"""Where photos are looked for beside the annotations."""


def is_keypoints(path: Path) -> bool:
    """Say whether a JSON file has the lists of COCO's keypoints."""
    try:
        document = load_json(Reading.of(path.absolute()), _LARGEST)
        return bool(_joints(document, path)) and bool(_people(document))
    except AnnotatorError:
        return False


def people_dataset(path: Path) -> Dataset:
    """Return the photos of a file of COCO keypoints that have labelled people.

    Photos lie beside the file, or in images/, val2017/ or train2017/ beside it.

    Raises:
        AnnotatorError: If it is no such file or a photo is missing.
    """
    document = load_json(Reading.of(path.absolute()), _LARGEST)
    joints, people = _joints(document, path), _people(document)
    sources, photos = [], []
    for image in document.get("images", []):
        mine = [entry for entry in people if entry["image_id"] == image.get("id")]
        if mine:
            photos.append(_find(path.parent, str(image.get("file_name"))))
            name = photos[-1].stem
            sources.append(Source(name, name, partial(_load, photos[-1], mine, joints)))
    prints = fingerprint_of_files([path, *photos], path.parent)
    return make_dataset(f"people in {path.name}", "pose", sources, prints)


def _joints(document: Entry, path: Path) -> tuple[str, ...]:
    for category in document.get("categories", []):
        names = category.get("keypoints") if isinstance(category, dict) else None
        if isinstance(names, list) and names:
            return tuple(map(str, names))
    raise AnnotatorError(
        f"{path.name} names no joints.",
        "Choose a file of COCO keypoints (person_keypoints_*.json).",
    )


def _people(document: Entry) -> list[Entry]:
    """Return the annotations that have joints; crowds have none of their own."""
    found = document.get("annotations", [])
    entries = found if isinstance(found, list) else []
    return [e for e in entries if isinstance(e, dict) and _is_person(e)]


def _is_person(entry: Entry) -> bool:
    joints = entry.get("keypoints")
    labelled = isinstance(joints, list) and any(joints[2::3])
    return labelled and not entry.get("iscrowd") and "bbox" in entry and "image_id" in entry


def _find(folder: Path, name: str) -> Path:
    for place in _FOLDERS:
        if (folder / place / name).is_file():
            return folder / place / name
    raise AnnotatorError(
        f"{name} is not beside its annotations in {folder.name}.",
        "Photos are looked for beside the file and in images/, val2017/ and train2017/.",
    )


def _load(photo: Path, people: list[Entry], joints: tuple[str, ...]) -> Sample:
    try:
        rows = [np.array(p["keypoints"], np.float32).reshape(len(joints), 3) for p in people]
        boxes = np.array([p["bbox"] for p in people], np.float32).reshape(-1, 4)
        areas = np.array([p.get("area") or b[2] * b[3] for p, b in zip(people, boxes, strict=True)])
    except (TypeError, ValueError) as error:
        raise AnnotatorError(f"The people of {photo.name} are malformed: {error}.") from error
    keypoints = np.stack(rows)
    boxes[:, 2:] += boxes[:, :2]
    truth = People(
        np.ascontiguousarray(keypoints[..., :2]),
        keypoints[..., 2].astype(np.uint8),
        boxes,
        areas.astype(np.float32),
        joints,
    )
    return Sample(photo.stem, read_image(photo), truth)
