"""Annotations made elsewhere come into a project as edits that can be undone."""

import numpy as np
import pytest

from annotator.domain import Image, LabelClass, LabelSet, ObjectInfo, WorkingImage
from annotator.project import Project, add_classes, add_image, paste_labels

FOUND = (ObjectInfo(5, "a cat", "cat", (1, 2, 3)), ObjectInfo(9, "a dog", "dog", (4, 5, 6)))


@pytest.fixture
def project(tmp_path):
    with Project.create(tmp_path / "p.annotation") as opened:
        yield opened


def photo(width=6, height=4):
    return Image(np.zeros((height, width, 3), np.uint8), "photo")


def added(project, tmp_path, **options):
    working = WorkingImage.of(photo(**options))
    return add_image(project, tmp_path / "photo.png", working, "hash")


def test_objects_get_new_ids_and_their_pixels(project, tmp_path):
    asset = added(project, tmp_path)
    project.add_object(asset, name="here before")
    labels = np.zeros((4, 6), np.int32)
    labels[1, 1:4], labels[3, 5] = 5, 9

    new = paste_labels(project, asset, labels, FOUND)

    assert new == {5: 2, 9: 3}
    state = project.asset(asset)
    assert (state.objects[2].name, state.objects[2].label) == ("a cat", "cat")
    assert state.objects[3].colour == (4, 5, 6)
    shown = project.labels_of(asset).reshape(4, 6)
    np.testing.assert_array_equal(shown == 2, labels == 5)
    np.testing.assert_array_equal(shown == 3, labels == 9)
    assert [c.name for c in project.document.label_set.classes] == ["cat", "dog"]


def test_locked_objects_keep_their_pixels(project, tmp_path):
    asset = added(project, tmp_path)
    project.paint(asset, [0, 1], 1)
    project.update_object(asset, 1, locked=True)

    paste_labels(project, asset, np.full((4, 6), 5, np.int32), FOUND)

    assert project.labels_of(asset)[:3].tolist() == [1, 1, 2]


def test_objects_without_pixels_and_the_background_are_left_out(project, tmp_path):
    asset = added(project, tmp_path)
    nothing = np.zeros((4, 6), np.int32)
    assert paste_labels(project, asset, nothing, (*FOUND, ObjectInfo(0, "none"))) == {}
    assert not project.asset(asset).objects


def test_known_classes_keep_their_numbers(project):
    project.set_label_set(LabelSet((LabelClass(7, "dog"),)))
    add_classes(project, ["cat", "dog", "", "cat"])
    assert project.document.label_set.classes == (LabelClass(7, "dog"), LabelClass(8, "cat"))
    last = project.last_seq
    add_classes(project, ["cat"])
    assert project.last_seq == last


def test_the_factor_of_the_working_copy_stands_in_the_asset(project, tmp_path):
    working = WorkingImage.of(photo(7, 5), factor=2)
    asset = project.asset(add_image(project, tmp_path / "photo.png", working, "hash"))
    assert (asset.kind, asset.point_count) == ("image", 35)
    assert (asset.working_spacing, asset.working_count) == (2.0, 12)
