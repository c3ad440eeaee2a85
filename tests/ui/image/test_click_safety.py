"""The map of what the next click would give, in the real window."""

import pytest
from PySide6.QtCore import Qt

from annotator.robustness.live import survey as surveys
from tests.ui.image.conftest import BLUE, GROUND, RED

SHIFT = Qt.KeyboardModifier.ShiftModifier


@pytest.fixture(autouse=True)
def few_places(monkeypatch):
    monkeypatch.setattr(surveys, "COARSE", 30)
    monkeypatch.setattr(surveys, "BUDGET", 60)


def finished(person):
    safety = person.window.controller.safety
    person.qtbot.waitUntil(
        lambda: safety.report is not None and safety.report.how_far.finished, timeout=20_000
    )
    return safety


def said(safety):
    return {name: label.text() for name, label in safety.dock.sentences.items() if label.text()}


def test_the_map_is_away_until_it_is_asked_for(person):
    safety = person.window.controller.safety
    assert safety.dock.isHidden()
    person.click(RED)
    person.answered()
    assert person.view.overlay.heat is None
    assert not person.enabled("take_suggestion")


def test_a_key_shows_the_map_with_three_places_and_numbers(person):
    person.click(RED)
    person.answered()
    person.key(Qt.Key.Key_S, SHIFT)
    safety = finished(person)
    assert person.window.actions_manager.actions["safety"].isChecked()
    assert not safety.dock.isHidden()
    heat = person.view.overlay.heat
    assert heat is not None
    assert heat.patches.width() > 4
    assert {pin.sign for pin in heat.pins} >= {"\N{CHECK MARK}", "!"}
    assert set(said(safety)) == {"safest", "riskiest", "spread", "suggestion"}
    assert "no ground truth" in safety.dock.explanation.text()
    assert person.view.grab_image().size() == person.view.size()
    person.key(Qt.Key.Key_S, SHIFT)
    assert safety.dock.isHidden()
    assert person.view.overlay.heat is None


def test_without_a_click_it_says_what_to_do(person):
    person.do("safety")
    safety = person.window.controller.safety
    person.qtbot.waitUntil(lambda: "Click the object first" in safety.dock.state.text())
    person.click(RED)
    finished(person)
    assert person.view.overlay.heat is not None


def test_the_suggestion_is_an_ordinary_click_that_undo_takes_back(person):
    person.click(RED)
    person.click(BLUE)
    person.answered()
    person.do("safety")
    safety = finished(person)
    suggestion = safety.report.suggestion
    if suggestion is None:  # flood fill is sure of everything but its edges
        pytest.fail("flood fill lost its doubts")
    assert safety.dock.take.isEnabled()
    person.qtbot.mouseClick(safety.dock.take, Qt.MouseButton.LeftButton)
    person.answered()
    clicks = person.asset.clicks
    assert len(clicks) == 3
    assert clicks[-1].position == pytest.approx(suggestion.position)
    assert clicks[-1].positive == suggestion.inside
    person.do("undo")
    assert len(person.asset.clicks) == 2


def test_a_click_takes_the_old_map_away_and_asks_anew(person):
    person.click(RED)
    person.answered()
    person.do("safety")
    first = finished(person).report
    person.click(GROUND, Qt.MouseButton.RightButton)
    assert person.view.overlay.heat is None
    person.answered()
    safety = person.window.controller.safety
    person.qtbot.waitUntil(
        lambda: safety.report is not None and safety.report.how_far.finished, timeout=20_000
    )
    assert len(safety.report.question.prompt.clicks) == 2
    assert safety.report is not first


def test_a_click_is_answered_while_the_map_is_being_made(person, monkeypatch):
    monkeypatch.setattr(surveys, "COARSE", 4000)
    monkeypatch.setattr(surveys, "BUDGET", 100_000)
    person.click(RED)
    person.answered()
    person.do("safety")
    safety = person.window.controller.safety
    person.qtbot.waitUntil(lambda: safety.report is not None, timeout=20_000)
    assert safety.running
    person.click(BLUE)
    person.answered()
    assert len(person.asset.clicks) == 2
    assert person.bench.runs.last_milliseconds is not None


def test_escape_stops_it_and_the_button_goes_on(person, monkeypatch):
    monkeypatch.setattr(surveys, "COARSE", 4000)
    monkeypatch.setattr(surveys, "BUDGET", 100_000)
    person.click(RED)
    person.answered()
    person.do("safety")
    safety = person.window.controller.safety
    person.qtbot.waitUntil(lambda: safety.report is not None, timeout=20_000)
    person.key(Qt.Key.Key_Escape)
    assert not safety.running
    assert safety.dock.state.text() == "Stopped."
    looked = safety.report.how_far.looked
    person.qtbot.mouseClick(safety.dock.stop, Qt.MouseButton.LeftButton)
    person.qtbot.waitUntil(lambda: safety.report.how_far.looked > looked, timeout=20_000)
    safety.stop()


def test_the_newest_click_can_be_asked_about_too(person):
    person.click(RED)
    person.answered()
    person.do("safety")
    safety = person.window.controller.safety
    safety.dock.mode.setCurrentIndex(1)
    safety.dock.mode.activated.emit(1)
    finished(person)
    assert safety.report.question.mode == "newest"
    assert said(safety)["own"].startswith("This click: 100 % agreement")
    assert safety.dock.take.isHidden()
    assert not person.enabled("take_suggestion")


def test_another_object_is_asked_about_by_itself(person):
    person.click(RED)
    person.answered()
    person.do("safety")
    finished(person)
    person.do("new_object")
    safety = person.window.controller.safety
    person.qtbot.waitUntil(lambda: "Click the object first" in safety.dock.state.text())
    assert safety.report is None
    person.click(BLUE)
    finished(person)
    assert safety.report.question.object_id == 2
    x, y = safety.report.riskiest.position
    assert 100 < x < 200
    assert 0 < y < 120
