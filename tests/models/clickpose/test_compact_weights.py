"""The weights that ship with the project, on real photos where these are at hand."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from annotator.domain import COCO_17, LSP_14
from models.clickpose.compact import CompactPredictor, Person, load_bundle

ROOT = Path(__file__).resolve().parents[3]
WEIGHTS = ROOT / "weights" / "clickpose-compact.safetensors"
PEOPLE = ROOT.parent / "shared" / "data" / "people"
SHARED = [(COCO_17.joints.index(name), row) for row, name in enumerate(LSP_14.joints)
          if name in COCO_17.joints]  # fmt: skip

needs_people = pytest.mark.skipif(not PEOPLE.is_dir(), reason="the photos of people are absent")


@pytest.fixture(scope="module")
def predictor():
    bundle = load_bundle(WEIGHTS)
    return CompactPredictor(bundle.pose, bundle.detector)


def read(name):
    return np.ascontiguousarray(cv2.imread(str(PEOPLE / name))[..., ::-1])


def labelled():
    """Return (photo, box, joints [12, 2], known [12]) of people with most joints labelled."""
    table = json.loads((PEOPLE / "test_coco.json").read_text())
    names = {image["id"]: image["file_name"] for image in table["images"]}
    found = []
    for one in table["annotations"]:
        points = np.asarray(one["keypoints"], float).reshape(-1, 3)[[c for c, _ in SHARED]]
        if (points[:, 2] > 0).sum() >= 10:
            x, y, w, h = one["bbox"]
            box = np.array([x, y, x + w, y + h])
            found.append((Path(names[one["image_id"]]).name, box, points[:, :2], points[:, 2] > 0))
    return found


def test_the_file_is_small_enough_to_ship():
    assert WEIGHTS.stat().st_size <= 16 * 2**20


def test_nobody_is_found_in_a_plain_picture(predictor):
    assert not predictor.encode(np.full((200, 300, 3), 120, np.uint8)).people


@needs_people
def test_someone_is_found_in_every_photo_of_people(predictor):
    for path in sorted(PEOPLE.glob("*.jpg")):
        assert predictor.encode(read(path.name)).people, path.name


@needs_people
def test_joints_are_near_and_corrections_bring_the_others_nearer(predictor):
    before, after, hits = [], [], []
    for name, box, truth, known in labelled():
        photo = predictor.encode(read(name))
        (first,) = predictor.refine(photo, [Person(box)])
        rows = [row for _, row in SHARED]
        error = np.linalg.norm(first.joints[rows] - truth, axis=1) / (box[2:] - box[:2]).max()
        hits.append((error[known] < 0.1).mean())
        worst = np.argsort(-np.where(known, error, -1))[:3]
        joints, fixed = first.joints.copy(), np.zeros(14, bool)
        joints[np.array(rows)[worst]], fixed[np.array(rows)[worst]] = truth[worst], True
        (second,) = predictor.refine(photo, [Person(box, joints, fixed, np.ones(14, bool))])
        rest = known.copy()
        rest[worst] = False
        moved = np.linalg.norm(second.joints[rows] - truth, axis=1) / (box[2:] - box[:2]).max()
        before.append(error[rest].mean())
        after.append(moved[rest].mean())
    assert np.mean(hits) > 0.5
    assert np.mean(after) <= np.mean(before)
