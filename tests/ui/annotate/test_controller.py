"""The controller as the shell sees it: conditions, handlers, status, opening and closing."""

from itertools import pairwise

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QSlider

from annotator.project import Project
from annotator.ui.annotate.batch_key import KEY
from annotator.ui.annotate.camera_log import REST_MS
from annotator.ui.commands.actions import ACTIONS, ANNOTATION_HANDLERS, KINDS, OFFERS, SCAN_HANDLERS
from tests.ui.annotate.conftest import Bench, three_blobs

FIRST, SECOND, THIRD = 465, 1365, 2265


def test_every_annotation_row_of_the_action_table_has_a_handler(bench):
    assert set(bench.handlers) == ANNOTATION_HANDLERS | SCAN_HANDLERS


def test_the_batch_key_is_no_shortcut_of_an_action():
    taken = {key for spec in ACTIONS for key in spec.shortcuts}
    assert Qt.Key(KEY).name.removeprefix("Key_") not in taken


def test_every_condition_of_an_annotation_row_is_one_the_controller_knows(bench):
    bench.do("select_object", 1)
    bench.click(FIRST)
    bench.wait_answer()
    bench.do("undo")
    bench.do("redo")
    bench.do("isolate_object", True)
    bench.do("toggle_clip_box", True)
    bench.controller.bench.select_click(bench.asset.clicks[0].click_id)
    held = set(bench.controller.conditions())
    bench.do("select_object", 0)
    held |= bench.controller.conditions()
    for tool in ("brush", "eraser", "lasso"):
        bench.do("select_tool", tool)
        held |= bench.controller.conditions()
    bench.do("undo")
    bench.do("show_safety", True)
    held |= bench.controller.conditions() | {"busy", "suggestion"}
    mine = ANNOTATION_HANDLERS | SCAN_HANDLERS
    rows = [s for s in ACTIONS if s.handler in mine and "kind_image" not in s.needs]
    asked = {c for spec in rows for c in (*spec.needs, spec.checked_when) if c}
    assert asked - KINDS - OFFERS - {"task_masks"} <= held  # which task it is, the desk knows


def test_conditions_follow_and_are_announced_only_when_they_change(bench):
    seen = []
    bench.controller.conditionsChanged.connect(lambda: seen.append(bench.controller.conditions()))
    assert not {"object", "can_undo"} & bench.controller.conditions()
    bench.click(FIRST)
    assert {"asset", "writable", "object", "can_undo"} <= bench.controller.conditions()
    bench.wait_answer()
    bench.do("undo")
    assert "can_redo" in bench.controller.conditions()
    assert all(one != other for one, other in pairwise(seen))


def test_busy_is_announced_while_the_engine_works(make_bench):
    bench = make_bench(engine=("nearest-click", {"predict_seconds": 0.2}))
    bench.wait_answer()
    seen = []
    bench.controller.busyChanged.connect(seen.append)
    bench.click(FIRST)
    bench.wait_answer()
    assert seen == [True, False]


def test_the_status_tells_clicks_time_iou_and_engine(bench):
    assert bench.status("clickStatus") == "0 clicks"
    bench.click(FIRST)
    bench.wait_answer()
    assert bench.status("clickStatus").startswith("1 click · ")
    assert (
        bench.status("iouStatus") == "IoU 33.3%"
    )  # all points are object 1, a third of them right
    for object_id, row in ((2, SECOND), (3, THIRD)):
        bench.do("select_object", object_id)
        bench.click(row)
    bench.wait_answer()
    assert bench.status("clickStatus").startswith("3 clicks · ")
    assert float(bench.status("iouStatus").removeprefix("IoU ").removesuffix("%")) > 95
    assert bench.status("engineStatus").startswith("Done in ")
    assert bench.status("currentObject") == "Object 3"


def test_without_ground_truth_no_iou_is_shown(make_bench):
    bench = make_bench(cloud=three_blobs(labels=False))
    bench.click(FIRST)
    bench.wait_answer()
    strip = {w.objectName(): w for w in bench.controller.status_widgets()}
    assert not strip["iouStatus"].isVisible()


def test_the_clip_box_hides_points_follows_its_sliders_and_goes_off(bench):
    bench.do("toggle_clip_box", True)
    assert "clip_box" in bench.controller.conditions()
    clip = bench.controller.docks()[2]
    assert clip.isVisible()
    slider = next(s for s in clip.findChildren(QSlider) if s.accessibleName() == "X to")
    slider.setValue(400)
    assert bench.view.clip_box[1][0] == pytest.approx(2.0, abs=0.05)
    assert bench.view.pick(*bench.place(FIRST), 9) is not None
    assert bench.view.pick(*bench.place(THIRD), 9) is None
    bench.do("toggle_clip_box", False)
    assert bench.view.clip_box is None
    assert bench.view.pick(*bench.place(THIRD), 9) is not None


def test_sides_of_the_clip_box_push_each_other(bench):
    bench.do("toggle_clip_box", True)
    clip = bench.controller.docks()[2]
    sides = {s.accessibleName(): s for s in clip.findChildren(QSlider)}
    sides["X from"].setValue(800)
    sides["X to"].setValue(300)
    low, high = bench.view.clip_box
    assert low[0] < high[0]


def test_clipping_to_an_object_keeps_all_its_points(bench):
    for object_id, row in ((1, FIRST), (2, SECOND)):
        bench.do("select_object", object_id)
        bench.click(row)
    bench.wait_answer()
    bench.do("clip_to_object")
    assert {m.object_id for m in bench.view.overlay.markers} == {2}
    low, high = bench.view.clip_box
    mine = bench.cloud.xyz[bench.labels == 2]
    assert ((mine >= low) & (mine <= high)).all()
    assert low[0] > bench.cloud.xyz[:, 0].min() + 0.5


def test_clipping_to_an_object_without_points_says_so(bench):
    bench.do("clip_to_object")
    assert "no points" in bench.messages[-1][0]
    assert bench.view.clip_box is None


def test_reopening_shows_everything_as_it_was_left_without_a_run(make_bench, project, session):
    bench = make_bench()
    for object_id, row in ((1, FIRST), (2, SECOND)):
        bench.do("select_object", object_id)
        bench.click(row)
    bench.wait_answer()
    bench.do("select_object", 4)
    bench.do("select_tool", "brush")
    bench.drag(bench.at(THIRD), bench.at(THIRD))
    bench.project.update_object(bench.asset_id, 2, name="Sofa", visible=False)
    labels = bench.labels.copy()
    bench.view.camera.orbit(30, -20)
    bench.close()
    path = project.path
    project.close()
    with Project.open(path) as reopened:
        again = Bench(bench.qtbot, reopened, three_blobs(), session)
        assert np.array_equal(again.labels, labels)
        assert np.array_equal(again.shown, labels)
        assert again.asset.objects[2].name == "Sofa"
        assert again.states() == ["done", "done"]
        assert again.controller.bench.hidden == {2}
        assert not again.requests
        assert "can_undo" in again.controller.conditions()
        again.close()


def test_reopening_asks_for_clicks_that_were_never_answered(make_bench, project, session):
    bench = make_bench(engine=("nearest-click", {"predict_seconds": 0.4}))
    bench.click(FIRST)
    bench.close()
    path = project.path
    project.close()
    with Project.open(path) as reopened:
        again = Bench(bench.qtbot, reopened, three_blobs(), session)
        again.wait_answer()
        assert (again.labels == 1).all()
        again.close()


def test_the_camera_is_recorded_once_it_rests_and_comes_back(make_bench, project, session):
    bench = make_bench()
    for _ in range(5):
        bench.view.camera.orbit(10, 0)
    bench.qtbot.waitUntil(
        lambda: project.camera_of(bench.asset_id) == bench.view.camera.to_json(),
        timeout=5 * REST_MS,
    )
    kinds = [row.event.kind for row in project.log()]
    assert kinds.count("camera_recorded") == 1
    assert "can_undo" not in bench.controller.conditions()


def test_a_read_only_project_refuses_clicks_in_words(make_bench, project, session):
    bench = make_bench()
    bench.click(FIRST)
    bench.wait_answer()
    bench.close()
    path = project.path
    project.close()
    with Project.open(path, read_only=True) as looked_at:
        again = Bench(bench.qtbot, looked_at, three_blobs(), session)
        assert "writable" not in again.controller.conditions()
        assert (again.labels == 1).all()
        again.click(SECOND)
        assert len(again.asset.clicks) == 1
        assert "read-only" in again.messages[-1][0]
        again.close()


def test_closing_gives_the_view_back(bench):
    bench.click(FIRST)
    bench.wait_answer()
    bench.close()
    assert bench.view.cloud is None
    assert not bench.view.overlay.markers
    bench.project.add_click(bench.asset_id, (0, 0, 0), 1)
    assert not bench.view.overlay.markers


def test_docks_and_tables_have_names_for_screen_readers_and_saved_layouts(bench):
    docks = bench.controller.docks()
    names = ["objectsDock", "clicksDock", "clipDock", "safetyDock"]
    assert [dock.objectName() for dock in docks] == names
    for dock in docks[:2]:
        assert dock.table.accessibleName()
    for widget in bench.controller.status_widgets():
        assert widget.accessibleName()
