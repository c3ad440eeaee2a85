"""Samples with ground truth come from published layouts, scans, people and own projects."""

import json

import numpy as np
import pytest
from PIL import Image as Pillow

from annotator.domain import AnnotatorError, Click, Mask
from annotator.formats import read_image
from annotator.project import Project
from annotator.robustness.datasets import People, open_dataset
from annotator.robustness.datasets.photos import TETRIS_SIDE
from tests.robustness.records_for_tests import SHAPE, write_photos


@pytest.fixture
def photos(tmp_path):
    return write_photos(tmp_path / "photos")


def test_photos_with_masks_are_found_and_read(photos):
    dataset = open_dataset(photos)
    assert (dataset.kind, [s.name for s in dataset.sources]) == ("image", ["one", "two"])
    sample = dataset.source("one").load()
    assert sample.asset.rgb.shape == (*SHAPE, 3)
    assert sample.truth.sum() == 40 * 40
    with pytest.raises(AnnotatorError, match="no sample 'three'"):
        dataset.source("three")


def test_the_fingerprint_follows_contents_not_places(photos, tmp_path):
    first = open_dataset(photos).fingerprint
    moved = photos.rename(tmp_path / "elsewhere")
    assert open_dataset(moved).fingerprint == first
    mask = np.zeros(SHAPE, np.uint8)
    mask[5:9, 5:9] = 255
    Pillow.fromarray(mask).save(moved / "masks" / "one.png")
    assert open_dataset(moved).fingerprint != first


def test_whom_photos_are_by_is_told(photos):
    (photos / "CREDITS.txt").write_text("By Ann, CC BY 4.0.\n\n")
    assert open_dataset(photos).notes == ("By Ann, CC BY 4.0.",)


def test_a_mask_of_another_size_is_refused_when_it_is_read(photos):
    Pillow.fromarray(np.zeros((5, 5), np.uint8)).save(photos / "masks" / "one.png")
    with pytest.raises(AnnotatorError, match=r"one\.png and one\.png differ in size"):
        open_dataset(photos).source("one").load()


def test_an_empty_folder_is_told_what_it_should_hold(tmp_path):
    with pytest.raises(AnnotatorError, match=r"images/ with masks/") as caught:
        open_dataset(tmp_path)
    assert "Nothing to test" in caught.value.message
    with pytest.raises(AnnotatorError, match="There is no"):
        open_dataset(tmp_path / "missing")
    with pytest.raises(AnnotatorError, match="no layout 'coco'"):
        open_dataset(tmp_path, "coco")


@pytest.fixture
def coloured(tmp_path):
    folder = write_photos(tmp_path / "tetris", ("alley",))
    values = np.zeros((*SHAPE, 3), np.uint8)
    values[5:15, 5:25] = (255, 0, 0)
    values[30:50, 40:70] = (0, 0, 7)
    Pillow.fromarray(values).save(folder / "masks" / "alley.png")
    return folder


def test_every_colour_of_a_tetris_mask_is_one_instance(coloured):
    dataset = open_dataset(coloured)
    assert [s.name for s in dataset.sources] == ["alley-000007", "alley-ff0000"]
    assert {s.group for s in dataset.sources} == {"alley"}
    sizes = [int(s.load().truth.sum()) for s in dataset.sources]
    assert sizes == [20 * 30, 10 * 20]


def test_long_tetris_photos_are_reduced(tmp_path):
    for name in ("images", "masks"):
        (tmp_path / name).mkdir()
    rgb = np.zeros((10, 2 * TETRIS_SIDE, 3), np.uint8)
    Pillow.fromarray(rgb).save(tmp_path / "images" / "wide.png")
    rgb[:, TETRIS_SIDE:] = (9, 0, 0)
    Pillow.fromarray(rgb).save(tmp_path / "masks" / "wide.png")
    sample = open_dataset(tmp_path).sources[0].load()
    assert sample.asset.rgb.shape == (5, TETRIS_SIDE, 3)
    assert sample.truth.sum() == 5 * TETRIS_SIDE // 2


def test_every_object_of_a_scan_is_a_sample(tmp_path):
    generator = np.random.default_rng(0)
    labels = np.repeat([0, 4, 7], [900, 300, 20]).astype(np.int32)
    xyz = generator.uniform(0, 2, (1220, 3)).astype(np.float32)
    np.savez(tmp_path / "room.npz", xyz=xyz, labels=labels)
    dataset = open_dataset(tmp_path)
    assert (dataset.kind, [s.name for s in dataset.sources]) == ("scene", ["room-4"])
    assert dataset.sources[0].load().truth.sum() == 300


def write_people(folder, **changes):
    Pillow.fromarray(np.zeros((40, 50, 3), np.uint8)).save(folder / "walk.jpg")
    person = {
        "id": 1, "image_id": 3, "category_id": 1, "bbox": [2, 3, 10, 20], "area": 150.0,
        "iscrowd": 0, "keypoints": [4, 5, 2, 0, 0, 0], "num_keypoints": 1, **changes,
    }  # fmt: skip
    content = {
        "images": [{"id": 3, "file_name": "walk.jpg"}, {"id": 4, "file_name": "nobody.jpg"}],
        "categories": [{"id": 1, "name": "person", "keypoints": ["nose", "left_eye"]}],
        "annotations": [person],
    }
    path = folder / "people.json"
    path.write_text(json.dumps(content))
    return path


def test_photos_with_labelled_people_are_samples(tmp_path):
    dataset = open_dataset(write_people(tmp_path))
    assert (dataset.kind, [s.name for s in dataset.sources]) == ("pose", ["walk"])
    truth = dataset.sources[0].load().truth
    assert isinstance(truth, People)
    assert truth.joints == ("nose", "left_eye")
    np.testing.assert_array_equal(truth.boxes, [[2, 3, 12, 23]])
    np.testing.assert_array_equal(truth.visibility, [[2, 0]])
    assert open_dataset(tmp_path).fingerprint == dataset.fingerprint


def test_malformed_people_are_named(tmp_path):
    with pytest.raises(AnnotatorError, match="people of walk"):
        open_dataset(write_people(tmp_path, keypoints=[1, 2, 2])).sources[0].load()
    (tmp_path / "walk.jpg").unlink()
    with pytest.raises(AnnotatorError, match=r"walk\.jpg is not beside"):
        open_dataset(tmp_path / "people.json")


@pytest.fixture
def project(tmp_path, photos):
    image = read_image(photos / "images" / "one.png")
    path = tmp_path / "mine.annotator"
    with Project.create(path) as opened:
        asset = opened.add_asset(
            photos / "images" / "one.png", "image", image.content_hash, SHAPE[0] * SHAPE[1]
        )
        opened.add_clicks(
            asset,
            [
                Click((5.5, 5.5), 0),
                Click((30.5, 30.5), 1),
                Click((3.5, 3.5), 2),
                Click((70.5, 50.5), 1, positive=False),
            ],
        )
        labels = np.zeros(SHAPE, np.int32)
        labels[10:50, 20:60] = 1
        labels[:8, :8] = 2
        opened.store_result(asset, opened.asset(asset).prompt(), Mask(labels))
    return path


def test_finished_objects_of_projects_are_samples_with_their_clicks(project):
    dataset = open_dataset(project)
    assert [s.name for s in dataset.sources] == ["mine/one.png#1", "mine/one.png#2"]
    sample = dataset.sources[0].load()
    assert sample.truth.sum() == 40 * 40
    said = [[(c.position, c.object_id) for c in prompt.clicks] for prompt in sample.user]
    assert said == [
        [((5.5, 5.5), 0), ((30.5, 30.5), 1)],
        [((5.5, 5.5), 0), ((30.5, 30.5), 1), ((70.5, 50.5), 0)],
    ]
    assert open_dataset(project.parent).fingerprint == dataset.fingerprint


def test_work_without_a_stored_result_is_left_out_in_words(project):
    with Project.open(project) as opened:
        opened.add_clicks(1, [Click((31.5, 30.5), 1)])
    with pytest.raises(AnnotatorError, match="no stored result of its last click"):
        open_dataset(project)
