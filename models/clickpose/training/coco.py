"""People of COCO (Lin et al., ECCV 2014) with their joints in the order of Leeds Sports Pose."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from models.clickpose.training.labelled import Labelled

FROM_COCO = (16, 14, 12, 11, 13, 15, 10, 8, 6, 5, 7, 9)
"""COCO's number of the first twelve joints; it has neither neck nor top of the head."""
JOINTS = 14
SMALLEST, FEWEST = 64.0, 6
"""Longer side of a person, pixels, and labelled joints; with less a person teaches little."""


def reserved_numbers(path: Path) -> set[int]:
    """Return the photo numbers that a list keeps for evaluation, one a line."""
    return {int(line) for line in path.read_text().split()}


def photos_of(content: dict[str, Any], photos: Path, reserved: set[int]) -> dict[int, Path]:
    """Return the photos of a COCO file that are there and not reserved, by their id.

    Args:
        content: The file.
        photos: Folder of photos named by their number.
        reserved: Photo numbers left out.
    """
    paths = {one["id"]: photos / Path(one["file_name"]).name for one in content["images"]}
    return {
        key: path
        for key, path in paths.items()
        if path.is_file() and int(path.stem) not in reserved
    }


def read_coco(table: Path, photos: Path, reserved: set[int]) -> list[Labelled]:
    """Return the people of a COCO keypoints file whose photos are there and not reserved.

    Args:
        table: COCO JSON of 17 keypoints.
        photos: Folder of photos named by their number.
        reserved: Photo numbers left out.
    """
    content: dict[str, Any] = json.loads(table.read_text())
    there = photos_of(content, photos, reserved)
    people = [
        _person(one, there[one["image_id"]])
        for one in content["annotations"]
        if one["image_id"] in there and not one.get("iscrowd")
    ]
    return [p for p in people if _teaches(p)]


def _person(one: dict[str, Any], path: Path) -> Labelled:
    keypoints = np.asarray(one["keypoints"], np.float64).reshape(-1, 3)[list(FROM_COCO)]
    joints, known = np.zeros((JOINTS, 2)), np.zeros(JOINTS, np.bool_)
    joints[: len(FROM_COCO)], known[: len(FROM_COCO)] = keypoints[:, :2], keypoints[:, 2] > 0
    left, top, wide, high = one["bbox"]
    return Labelled(path, joints, known, np.array([left, top, left + wide, top + high]))


def _teaches(person: Labelled) -> bool:
    assert person.body is not None
    longer = float((person.body[2:] - person.body[:2]).max())
    return longer >= SMALLEST and int(person.known.sum()) >= FEWEST
