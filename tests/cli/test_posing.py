"""`annotator pose` and `annotator benchmark poses`: people without a screen."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from annotator.domain import COCO_17
from annotator.domain.people import PosedImage, PosedPerson, drawn
from annotator.formats.people import read_people, write_people

FIXTURE = Path(__file__).resolve().parents[1] / "plugins" / "fixtures" / "stick_figure"
BOX = (20.0, 10.0, 60.0, 90.0)
OTHER = (80.0, 12.0, 110.0, 80.0)


@pytest.fixture(autouse=True)
def engine(home):
    from annotator.engine.paths import user_data
    from annotator.engine.trust import trust

    trust(shutil.copytree(FIXTURE, user_data("plugins") / "stick_figure"))


@pytest.fixture
def photo(tmp_path) -> Path:
    """Write a photo of two red patches."""
    rgb = np.full((100, 130, 3), 30, np.uint8)
    for x0, y0, x1, y1 in (BOX, OTHER):
        rgb[int(y0) : int(y1), int(x0) : int(x1)] = (255, 0, 0)
    path = tmp_path / "photo.png"
    Pillow.fromarray(rgb).save(path)
    return path


def people_in(path):
    (image,) = read_people(path)
    return image.people


def test_it_finds_people_and_writes_coco(run, photo, tmp_path):
    status, out, err = run("pose", photo, "--engine", "stick-figure", "-o", tmp_path / "p.json")
    assert (status, err) == (0, "")
    assert "photo.png: 2 people" in out
    people = people_in(tmp_path / "p.json")
    assert [p.box for p in people] == [BOX, OTHER]
    assert [round(p.score, 3) for p in people] == [0.9, 0.6]


def test_corrections_hold_and_the_rest_follows(run, photo, tmp_path):
    told = {"people": [{"joints": [{"joint": "left_wrist", "x": 66.25, "y": 40.125,
                                    "visibility": 1}]}]}  # fmt: skip
    (tmp_path / "c.json").write_text(json.dumps(told))
    run("pose", photo, "--engine", "stick-figure", "-o", tmp_path / "before.json")
    status, _, err = run(
        "pose", photo, "--engine", "stick-figure", "-o", tmp_path / "after.json",
        "--clicks", tmp_path / "c.json",
    )  # fmt: skip
    assert (status, err) == (0, "")
    before, after = people_in(tmp_path / "before.json"), people_in(tmp_path / "after.json")
    wrist = COCO_17.joints.index("left_wrist")
    elbow = COCO_17.joints.index("left_elbow")
    assert after[0].keypoints[wrist] == (66.25, 40.125)
    assert after[0].visibility[wrist] == 1
    assert after[0].keypoints[elbow] != before[0].keypoints[elbow]
    assert after[1].keypoints == before[1].keypoints
    assert after[0].box[2] == 66.25


def test_a_box_adds_somebody(run, photo, tmp_path):
    told = {"people": [{"box": [5, 5, 15, 30], "name": "missed"}]}
    (tmp_path / "c.json").write_text(json.dumps(told))
    run(
        "pose", photo, "--engine", "stick-figure", "-o", tmp_path / "p.json",
        "--clicks", tmp_path / "c.json", "--score", 0.8,
    )  # fmt: skip
    people = people_in(tmp_path / "p.json")
    assert [p.score is None for p in people] == [False, True]
    assert people[1].box == (5.0, 5.0, 15.0, 30.0)


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"people": [{"joints": [{"joint": "tail", "x": 1, "y": 1}]}]}, "no joint 'tail'"),
        ({"people": [{}]}, "neither box nor joints"),
        ({"people": [{"box": [3, 3, 1, 9]}]}, "has no area"),
        ({"persons": []}, 'no list "people"'),
    ],
)
def test_wrong_corrections_are_refused_in_words(run, photo, tmp_path, told, words):
    (tmp_path / "c.json").write_text(json.dumps(told))
    status, _, err = run(
        "pose", photo, "--engine", "stick-figure", "-o", tmp_path / "p.json",
        "--clicks", tmp_path / "c.json",
    )  # fmt: skip
    assert status == 1
    assert words in err
    assert not (tmp_path / "p.json").exists()


def test_engines_for_something_else_are_refused(run, photo, tmp_path):
    status, _, err = run("pose", photo, "--engine", "flood-fill", "-o", tmp_path / "p.json")
    assert status == 1
    assert "finds no people" in err


def test_the_benchmark_compares_hand_and_feedback(run, photo, tmp_path):
    people = []
    for box in (BOX, OTHER):
        joints = [list(p) for p in drawn_like_the_engine(box)]
        joints[9] = [joints[9][0] + 15, joints[9][1] - 20]  # the left wrist is elsewhere
        people.append(PosedPerson(COCO_17, tuple(map(tuple, joints)), (2,) * 17, box))
    truth = PosedImage(photo.name, 130, 100, tuple(people))
    write_people(tmp_path / "truth.json", [truth])
    status, out, err = run(
        "benchmark", "poses", tmp_path / "truth.json", "--plugin", "stick-figure",
        "-o", tmp_path / "result",
    )  # fmt: skip
    assert (status, err) == (0, "")
    assert "1 photos, 2 people" in out
    for name in ("NoC@85", "NoC@95", "PCK@0.2", "unclicked 1", "people missed"):
        assert name in out
    by_hand = json.loads((tmp_path / "result" / "stick-figure-manual.json").read_text())
    assert by_hand["summary"]["NoC@95"] >= 1
    assert by_hand["samples"][0]["precision"][-1] == pytest.approx(1.0)


def drawn_like_the_engine(box):
    import importlib.util

    spec = importlib.util.spec_from_file_location("stick_figure_adapter", FIXTURE / "adapter.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert len(drawn(COCO_17, 0, box).start) == 17
    return module.fitted(box).tolist()


def test_people_go_into_a_project_and_come_out_again(run, photo, tmp_path):
    run("pose", photo, "--engine", "stick-figure", "-o", tmp_path / "p.json")
    status, out, err = run(
        "import", tmp_path / "new.annot", tmp_path / "p.json", "--people", "--images", tmp_path
    )
    assert (status, err) == (0, "")
    assert "2 objects from 1 annotations" in out
    status, out, err = run(
        "export", tmp_path / "new.annot", "-o", tmp_path / "again", "--format", "yolo-pose"
    )
    assert (status, err) == (0, "")
    assert "2 people on 1 photos" in out
    status, out, err = run(
        "convert", tmp_path / "p.json", tmp_path / "table.csv", "--format", "csv"
    )
    assert (status, err) == (0, "")
    first, second = people_in(tmp_path / "p.json"), people_in(tmp_path / "table.csv")
    assert [p.keypoints for p in first] == [p.keypoints for p in second]
