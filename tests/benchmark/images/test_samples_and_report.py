"""Published layouts of photos and masks are read; figures follow their definitions."""

import json

import numpy as np
import pytest
from PIL import Image as Pillow

from annotator.benchmark.images.protocol import Budget, Run, prompt_of, run_sample
from annotator.benchmark.images.report import summarise, write_csv, write_json
from annotator.benchmark.images.samples import find_samples
from annotator.benchmark.images.simulator import PixelClick
from annotator.domain import AnnotatorError

SIZE = (24, 32)


def save(path, values):
    path.parent.mkdir(parents=True, exist_ok=True)
    Pillow.fromarray(np.asarray(values, np.uint8)).save(path)


def photo(folder, stem):
    save(folder / f"{stem}.jpg", np.full((*SIZE, 3), 90))


@pytest.mark.parametrize("folders", [("images", "masks"), ("data_GT", "boundary_GT")])
def test_grabcut_masks_have_a_seam_to_be_ignored(tmp_path, folders):
    photos, masks = (tmp_path / name for name in folders)
    photo(photos, "b")
    photo(photos, "a")
    values = np.zeros((*SIZE, 3))
    values[4:10, 4:10], values[10, 4:10] = 255, 128
    for stem in "ab":
        save(masks / f"{stem}.bmp", values)
    samples = find_samples(tmp_path)
    assert [sample.name for sample in samples] == ["a", "b"]
    truth = samples[0].read_truth(SIZE)
    assert truth.dtype == np.int8
    assert {k: int((truth == k).sum()) for k in (1, -1)} == {1: 36, -1: 6}


def test_berkeley_masks_with_a_letter_are_objects_of_one_photo(tmp_path):
    photo(tmp_path / "images", "189011")
    for letter in "ab":
        save(tmp_path / "masks" / f"189011{letter}.png", np.zeros(SIZE))
    samples = find_samples(tmp_path)
    assert [sample.name for sample in samples] == ["189011a", "189011b"]
    assert len({sample.photo for sample in samples}) == 1


def test_davis_masks_count_every_colour(tmp_path):
    photo(tmp_path / "img", "x")
    values = np.zeros((*SIZE, 3))
    values[0, 0, 1], values[5:7, 5:7, 2] = 3, 128
    save(tmp_path / "gt" / "x.png", values)
    assert find_samples(tmp_path)[0].read_truth(SIZE).sum() == 5


def test_indexed_masks_count_by_their_colours(tmp_path):
    photo(tmp_path / "img", "x")
    indexed = Pillow.fromarray(np.eye(*SIZE, dtype=np.uint8), "P")
    indexed.putpalette([0, 0, 0, 128, 0, 0])
    (tmp_path / "gt").mkdir()
    indexed.save(tmp_path / "gt" / "x.png")
    assert find_samples(tmp_path)[0].read_truth(SIZE).sum() == min(SIZE)


def test_what_cannot_be_used_is_named(tmp_path):
    with pytest.raises(AnnotatorError, match="No photos with masks"):
        find_samples(tmp_path)
    photo(tmp_path / "images", "x")
    save(tmp_path / "masks" / "lonely.png", np.zeros(SIZE))
    with pytest.raises(AnnotatorError, match=r"lonely\.png has no photo"):
        find_samples(tmp_path)
    (tmp_path / "masks" / "lonely.png").rename(tmp_path / "masks" / "x.png")
    (sample,) = find_samples(tmp_path)
    with pytest.raises(AnnotatorError, match=r"x\.png and x\.jpg differ in size"):
        sample.read_truth((3, 3))
    sample.mask.write_bytes(b"no picture")
    with pytest.raises(AnnotatorError, match=r"x\.png cannot be read"):
        sample.read_truth(SIZE)


def test_clicks_of_the_protocol_are_at_the_centres_of_pixels():
    prompt = prompt_of([PixelClick(True, 3, 7), PixelClick(False, 0, 1)])
    assert [click.position for click in prompt.clicks] == [(7.5, 3.5), (1.5, 0.5)]
    assert [click.positive for click in prompt.clicks] == [True, False]
    assert prompt.object_ids == (1,)


def test_a_sample_ends_at_its_target_but_not_before_enough_clicks():
    truth = np.zeros(SIZE, np.int8)
    truth[5:15, 5:15] = 1
    perfect = truth == 1
    assert len(run_sample("x", truth, lambda _: perfect, Budget()).clicks) == 1
    assert len(run_sample("x", truth, lambda _: perfect, Budget(0.9, 20, 3)).clicks) == 3
    assert len(run_sample("x", truth, lambda _: perfect, Budget(1.01, 5)).clicks) == 5


def runs():
    first = Run("a", [PixelClick(True, 1, 2)], [0.95], [0.5], [0.2], 1.0)
    second = Run("b", [PixelClick(True, 1, 2)] * 2, [0.6, 0.86], [0.1, 0.2], [0.1, 0.3])
    return [first, second]


def test_figures_follow_their_definitions():
    figures = summarise(runs(), Budget(0.9, 2))
    assert figures["NoC@80"] == figures["NoC@85"] == figures["NoC@90"] == 1.5
    assert "NoC@95" not in figures
    assert figures["NoF@85"] == 1
    assert figures["NoF@85 strict"] == 0
    assert figures["NoF@90 strict"] == 1
    assert figures["IoU@1"] == pytest.approx((0.95 + 0.6) / 2)
    assert "IoU@3" not in figures
    assert figures["BIoU@1"] == pytest.approx(0.3)
    assert figures["seconds a click"] == pytest.approx(0.2)
    assert figures["encode seconds"] == 1.0
    assert "NoC@95" in summarise(runs(), Budget(1.01, 2))


def test_results_are_written_whole(tmp_path):
    write_json(tmp_path / "r.json", {"plugin": "x"}, runs(), Budget(0.9, 2))
    write_csv(tmp_path / "r.csv", runs())
    content = json.loads((tmp_path / "r.json").read_text())
    assert content["settings"]["mean_iou_curve"] == [pytest.approx(0.775)]
    assert content["summary"] == summarise(runs(), Budget(0.9, 2))
    assert content["samples"][1]["ious"] == [0.6, 0.86]
    lines = (tmp_path / "r.csv").read_text().splitlines()
    assert lines[1:] == [
        "a,1,True,1,2,0.95,0.5,0.2",
        "b,1,True,1,2,0.6,0.1,0.1",
        "b,2,True,1,2,0.86,0.2,0.3",
    ]
