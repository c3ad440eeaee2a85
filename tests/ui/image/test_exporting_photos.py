"""Exporting masks and clicks of photos from the real window, and reading them back."""

import json

import cv2
import numpy as np
import pytest

from annotator.domain import Click
from annotator.formats import IMAGE_WRITERS, read_annotations, write_clicks
from annotator.ui.basics.places import beside
from annotator.ui.files.export_dialog import CLICKS_FORMAT, ExportDialog
from tests.ui.conftest import headlines, wait_open
from tests.ui.image.conftest import BLUE, RED, RIGHT, Person, save, squares


@pytest.fixture
def annotated(person):
    """Return a person with two objects on the photo."""
    person.click(RED)
    person.window.actions_manager.trigger("new_object")
    person.click(BLUE)
    person.click((10.0, 10.0), RIGHT)
    person.answered()
    return person


def export(person, path, format_id, scope=0):
    window = person.window
    person.do("export")
    dialog = window.findChild(ExportDialog)
    dialog.choose_format(format_id)
    dialog.scope_box.setCurrentIndex(scope)
    dialog.path_field.setText(str(path))
    assert dialog.choice.path == path
    dialog.accept()
    wanted = f"Exported {path.name}."
    person.qtbot.waitUntil(lambda: wanted in headlines(window), timeout=20_000)


def test_every_format_of_photos_can_be_chosen_and_written(annotated, tmp_path):
    for number, writer in enumerate(IMAGE_WRITERS):
        folder = tmp_path / f"out{number}"
        folder.mkdir()
        path = folder / f"mask{number}{writer.suffix}"
        export(annotated, path, writer.format_id)
        files = [f for f in folder.rglob("*") if f.is_file()]
        assert files, writer.title
        assert all(f.stat().st_size for f in files)


def test_an_indexed_png_has_the_labels_shown(annotated, tmp_path):
    path = tmp_path / "labels.png"
    export(annotated, path, "png")
    (image,) = read_annotations(path)
    assert set(np.unique(image.labels)) == {0, 1, 2}
    assert np.array_equal(image.labels, annotated.labels)


def test_probabilities_of_a_single_object_are_soft(person, tmp_path):
    person.click((105.0, 110.0))
    person.answered()
    path = tmp_path / "soft.png"
    export(person, path, "soft")
    (written,) = tmp_path.glob("soft*.png")
    values = np.unique(cv2.imread(str(written), cv2.IMREAD_UNCHANGED))
    assert not set(values.tolist()) <= {0, 255}


def test_all_photos_of_a_folder_go_into_one_coco_file(window, tmp_path, qtbot):
    folder = tmp_path / "two"
    folder.mkdir()
    for name in ("a.png", "b.png"):
        save(folder / name, np.roll(squares(), ord(name[0]) - 97, axis=0))
    person = Person(window, qtbot)
    person.open(folder)
    person.click(RED)
    person.answered()
    person.do("next_asset")
    qtbot.waitUntil(lambda: window.workspace.path.name == "b.png", timeout=10_000)
    wait_open(qtbot, window)
    person.click(BLUE)
    person.answered()
    qtbot.wait(200)  # the answers are written aside
    path = tmp_path / "all.json"
    export(person, path, "coco", scope=1)
    content = json.loads(path.read_text())
    assert sorted(image["file_name"] for image in content["images"]) == ["a.png", "b.png"]
    assert len(content["annotations"]) == 2


def test_clicks_and_boxes_come_back(annotated, photo, tmp_path):
    annotated.bench.set_box((110.0, 20.0, 190.0, 100.0))
    path = tmp_path / "clicks.json"
    export(annotated, path, CLICKS_FORMAT)
    before = [(c.position, c.object_id, c.positive) for c in annotated.asset.clicks]
    annotated.window.close_workspace()
    beside(photo).unlink()
    annotated.open(photo)
    window = annotated.window
    window.files.add_clicks_of(window.workspace, path)
    annotated.qtbot.waitUntil(lambda: len(annotated.asset.boxes) == 1, timeout=10_000)
    after = [(c.position, c.object_id, c.positive) for c in annotated.asset.clicks]
    assert after == before
    annotated.answered()
    assert annotated.labels[60, 60] == 1


def test_clicks_of_a_scan_are_refused_in_words(person, tmp_path, qtbot):
    path = tmp_path / "scan.json"
    write_clicks(path, [Click((1.0, 2.0, 3.0), 1, index=5)])
    person.window.files.add_clicks_of(person.window.workspace, path)
    qtbot.waitUntil(
        lambda: any("3 coordinates" in line for line in headlines(person.window)), timeout=10_000
    )
    assert not person.asset.clicks
