"""Masks, poses, motion: turning to another task in the real window."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from annotator.engine.api import EngineKind
from annotator.ui.image.controller import PhotoController
from annotator.ui.motion import MotionController
from tests.ui.conftest import wait_open
from tests.ui.image.conftest import LEFT, RED


def switch_of(person):
    return {button.text(): button for button in person.window.task_switch.buttons}


def turn_to_motion(person):
    person.do("task_motion")
    person.qtbot.waitUntil(lambda: not person.bench.runs.busy, timeout=10_000)


def test_the_switch_says_what_the_photo_is_worked_on_for(person):
    buttons = switch_of(person)
    assert list(buttons) == ["Masks", "Poses", "Motion"]
    assert all(button.isVisible() for button in buttons.values())
    assert buttons["Masks"].isChecked()
    assert not buttons["Motion"].isChecked()
    QTest.mouseClick(buttons["Motion"], LEFT)
    assert isinstance(person.window.controller, MotionController)
    assert buttons["Motion"].isChecked()
    assert not buttons["Masks"].isChecked()


def test_a_scan_has_no_switch(opened):
    assert not opened.task_switch.isVisible()
    assert not opened.actions_manager.actions["task_motion"].isVisible()
    opened.desk.set_task("motion")
    assert opened.desk.task.name == "masks"


def test_keys_turn_to_motion_and_back(person):
    person.key(Qt.Key.Key_F9)
    assert isinstance(person.window.controller, MotionController)
    person.key(Qt.Key.Key_F7)
    assert type(person.window.controller) is PhotoController


def test_the_choice_that_is_in_force_already_changes_nothing(person):
    controller = person.window.controller
    person.do("task_masks")
    assert person.window.controller is controller
    assert switch_of(person)["Masks"].isChecked()


def test_each_task_lists_and_uses_the_engines_of_its_kind(person):
    assert "flood-fill" in person.window.engines.menu.actions
    turn_to_motion(person)
    entries = person.window.engines.registry.entries
    refs = person.window.engines.menu.actions
    kinds = {entries[ref.partition(":")[0]].manifest.kind for ref in refs}
    assert kinds == {EngineKind.ANIMATION}
    assert person.asset.engine_for("motion").ref == "followclick"
    assert person.asset.engine_ref == "flood-fill"
    assert person.window.engines.menu.actions["followclick"].isChecked()


def test_the_preferred_engine_of_a_task_is_taken(window, qtbot, photo, preferences, person):
    preferences["animation_engine"] = "no-such-plugin"
    turn_to_motion(person)
    assert person.asset.engine_for("motion").ref == "followclick", "any of the kind instead"


def test_masks_stay_visible_but_fainter_and_come_back(person):
    person.click(RED)
    person.answered()

    def colour():
        place = person.at((45, 75))  # docks may have moved the photo
        return person.view.grab_image().pixelColor(place).getRgb()[:3]

    def away(one, other):
        return sum(abs(a - b) for a, b in zip(one, other, strict=True))

    plain, full = (200, 40, 40), colour()
    turn_to_motion(person)
    person.answered()
    faint = colour()
    assert 0 < away(faint, plain) < away(full, plain)
    person.do("task_masks")
    person.answered()
    assert colour() == full


def test_clicks_make_regions_while_working_on_motion(person):
    turn_to_motion(person)
    person.click(RED)
    person.answered()
    assert (person.labels == 1).sum() == 60 * 60
    person.do("task_masks")
    person.answered()
    assert (person.labels == 1).sum() == 60 * 60
    person.do("undo")
    assert not person.asset.clicks


def test_the_task_is_still_there_when_the_photo_is_opened_again(person, photo):
    turn_to_motion(person)
    person.window.close_workspace()
    person.qtbot.waitUntil(lambda: not person.window.task_switch.isVisible())
    person.open(photo)
    assert isinstance(person.window.controller, MotionController)
    assert person.window.desk.task.name == "motion"


def test_a_read_only_project_is_looked_at_for_another_task(person, make_shown_window, photo):
    seq = person.window.workspace.project.last_seq
    second = make_shown_window()
    second.opener.open(photo, read_only=True)
    wait_open(person.qtbot, second)
    assert second.workspace.read_only
    second.actions_manager.trigger("task_motion")
    assert isinstance(second.controller, MotionController)
    assert second.workspace.project.last_seq == seq


def test_the_task_may_be_changed_while_replaying(person):
    person.click(RED)
    person.answered()
    person.do("replay")
    person.do("task_motion")
    assert person.window.controller is None
    person.window.desk.set_replaying(False)
    assert isinstance(person.window.controller, MotionController)


@pytest.mark.parametrize("action", ["compare_engines"])
def test_what_is_only_for_masks_is_not_offered_for_motion(person, action):
    assert person.enabled(action)
    turn_to_motion(person)
    assert not person.enabled(action)


def test_panels_are_where_they_were_after_turning_away_and_back(person):
    def areas():
        docks = person.window.controller.docks()
        return {dock.objectName(): person.window.dockWidgetArea(dock) for dock in docks}

    def closed():
        return {d.objectName() for d in person.window.controller.docks() if d.isHidden()}

    before, closed_before = areas(), closed()
    turn_to_motion(person)
    assert areas().items() >= before.items()
    person.do("task_masks")
    assert areas() == before
    person.qtbot.waitUntil(lambda: closed() == closed_before)
