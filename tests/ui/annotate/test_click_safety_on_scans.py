"""The map of what the next click would give, on a scan in the real window."""

import pytest
from PySide6.QtCore import Qt

from annotator.robustness.live import survey as surveys


@pytest.fixture(autouse=True)
def few_places(monkeypatch):
    monkeypatch.setattr(surveys, "COARSE", 30)
    monkeypatch.setattr(surveys, "BUDGET", 60)


def click(window, row, object_id):
    window.controller.hands.add_click(row, object_id)


def answered(window, qtbot):
    runs = window.controller.bench.runs
    qtbot.waitUntil(lambda: not runs.unanswered and not runs.busy, timeout=20_000)


@pytest.fixture
def mapped(opened, qtbot):
    """Return the window with one click on each box, and the map of object 1 finished."""
    click(opened, 2300, 2)
    click(opened, 1600, 1)
    answered(opened, qtbot)
    opened.controller.bench.choose_object(1)
    opened.actions_manager.trigger("safety")
    safety = opened.controller.safety
    qtbot.waitUntil(
        lambda: safety.report is not None and safety.report.how_far.finished, timeout=20_000
    )
    return opened


def test_every_place_looked_at_is_a_dot_and_three_stand_out(mapped):
    heat, report = mapped.view.overlay.heat, mapped.controller.safety.report
    assert len(heat.positions) == report.how_far.looked == len(report.rows)
    assert len(heat.pins) >= 2
    assert mapped.view.grab_image().size() == mapped.view.size()
    assert "m apart" in mapped.controller.safety.dock.sentences["spread"].text()


def test_the_suggestion_is_an_ordinary_click_on_a_point(mapped, qtbot):
    safety = mapped.controller.safety
    spot = safety.report.suggestion or safety.report.riskiest
    before = len(mapped.workspace.asset.clicks)
    if safety.report.suggestion is not None:
        qtbot.mouseClick(safety.dock.take, Qt.MouseButton.LeftButton)
    else:
        safety._host.click(spot, 1)
    answered(mapped, qtbot)
    clicks = mapped.workspace.asset.clicks
    assert len(clicks) == before + 1
    assert clicks[-1].index == spot.flat
    assert clicks[-1].object_id == (1 if spot.inside else 0)
    mapped.actions_manager.trigger("undo")
    assert len(mapped.workspace.asset.clicks) == before


def test_closing_the_panel_takes_the_dots_away(mapped):
    mapped.controller.safety.dock.close()
    assert mapped.view.overlay.heat is None
    assert not mapped.actions_manager.actions["safety"].isChecked()
