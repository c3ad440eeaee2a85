"""Skeletons are edited, kept in the project, brought from files, and used for new people."""

import json

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from annotator.domain import COCO_17, LSP_14
from annotator.formats.skeletons import read_skeletons
from annotator.ui.pose.commands import match_joint
from annotator.ui.pose.draft import SkeletonDraft


def test_a_draft_of_a_skeleton_is_that_skeleton():
    for skeleton in (COCO_17, LSP_14):
        found = SkeletonDraft.of(skeleton).skeleton()
        assert (found.joints, found.mirror, found.layout) == (
            skeleton.joints, skeleton.mirror, skeleton.layout,
        )  # fmt: skip
        assert set(map(frozenset, found.edges)) == set(map(frozenset, skeleton.edges))


def test_removing_a_joint_keeps_the_others_and_their_edges():
    draft = SkeletonDraft.of(COCO_17)
    draft.remove(COCO_17.joints.index("left_wrist"))
    found = draft.skeleton()
    assert len(found) == 16
    names = {frozenset((found.joints[a], found.joints[b])) for a, b in found.edges}
    assert frozenset(("left_knee", "left_ankle")) in names
    assert all("left_wrist" not in edge for edge in names)
    right = found.joints.index("right_wrist")
    assert found.mirror[right] == right


def test_pairs_are_always_mutual():
    draft = SkeletonDraft.of(COCO_17)
    draft.pair(0, "left_eye")
    found = draft.skeleton()
    assert found.mirror[0] == 1
    assert found.mirror[1] == 0
    assert found.mirror[2] == 2
    draft.rename(1, "ear")
    assert draft.skeleton().mirror[0] == 1


@pytest.fixture
def dialog(posing):
    dialog = posing.controller.edit_skeletons()
    yield dialog
    dialog.close()


def test_a_new_skeleton_is_made_and_used(posing, dialog):
    canvas = dialog.canvas
    for _ in range(15):
        canvas.joint = len(dialog.draft.joints) - 1
        dialog.remove_joint()
    assert len(dialog.draft.joints) == 2
    QTest.mouseDClick(canvas, Qt.MouseButton.LeftButton, pos=canvas.rect().center())
    assert dialog.table.rowCount() == 3
    QTest.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=canvas.place_of(0).toPoint())
    QTest.mouseClick(canvas, Qt.MouseButton.RightButton, pos=canvas.place_of(2).toPoint())
    assert (0, 2) in dialog.draft.edges
    dialog.table.item(2, 0).setText("tail")
    dialog.name.setText("fish")
    dialog.name.textEdited.emit("fish")
    dialog.use()
    assert posing.project.document.skeletons["fish"].joints == ("nose", "left_eye", "tail")
    posing.do("add_from_template")
    (person,) = posing.people.values()
    assert person.skeleton == "fish"
    posing.drag(posing.joint(1, 2), (100.0, 100.0))
    assert person.skeleton == "fish"
    assert posing.people[1].placed[2] is not None


def test_wrong_drafts_are_refused_in_words(dialog):
    dialog.table.item(1, 0).setText("nose")
    assert dialog.save() is None
    assert "a name of its own" in dialog._words.text()


def test_skeletons_come_from_coco_and_go_to_files(posing, dialog, tmp_path):
    category = {"id": 1, "name": "crab", "keypoints": ["left_claw", "right_claw"],
                "skeleton": [[1, 2]]}  # fmt: skip
    (tmp_path / "coco.json").write_text(json.dumps({"categories": [category]}))
    dialog.take_file(tmp_path / "coco.json")
    assert dialog.draft.joints == ["left_claw", "right_claw"]
    assert posing.project.document.skeletons["crab"].pairs == ((0, 1),)
    dialog.write_file(tmp_path / "crab.json")
    assert read_skeletons(tmp_path / "crab.json")[0].name == "crab"
    dialog.take_file(tmp_path / "none.json")
    assert dialog._words.text()


@pytest.mark.parametrize(
    ("text", "name"),
    [("lw", "left_wrist"), ("nose", "nose"), ("right k", "right_knee"), ("ANKLE", "left_ankle")],
)
def test_a_few_letters_mean_a_joint(text, name):
    found = match_joint(text, COCO_17.joints)
    assert COCO_17.joints[found] == name


def test_nothing_means_no_joint():
    assert match_joint("  ", COCO_17.joints) is None
    assert match_joint("xyz", COCO_17.joints) is None
