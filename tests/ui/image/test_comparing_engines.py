"""Two photo engines side by side in the real window: same clicks, same part of the photo."""

import numpy as np
import pytest

from tests.ui.image.conftest import BLUE, RED


@pytest.fixture
def comparison(person, qtbot):
    """Return the open comparison, of flood-fill with three-sizes, after a click."""
    person.click(RED)
    person.answered()
    person.do("compare_engines")
    made = person.window.engines._comparison
    qtbot.waitUntil(lambda: all(found is not None for found in both(made)), timeout=15_000)
    return made


def both(comparison):
    return [side.labels for side in comparison.sides]


def refs(comparison):
    return [side.combo.currentData() for side in comparison.sides]


def test_both_engines_answer_the_documents_clicks(person, comparison, qtbot):
    assert refs(comparison) == ["flood-fill", "three-sizes"]
    first, second = both(comparison)
    square = np.zeros((120, 200), bool)
    square[30:90, 30:90] = True
    assert np.array_equal(first == 1, square)
    assert 0 < (second == 1).sum() < square.sum()
    (click,) = person.asset.clicks
    for side in comparison.sides:
        assert [marker.click_id for marker in side.view.overlay.markers] == [click.click_id]
    count = int((first != second).sum())
    assert f"{count:,} pixels ({count / square.sum():.1%})" in comparison.summary.text()
    comparison.only_differences.setChecked(True)
    shown = comparison.sides[0].view._layers.slots
    assert np.array_equal(shown > 0, square & (second == 0))
    person.do("new_object")
    person.click(BLUE)
    qtbot.waitUntil(lambda: all((found == 2).any() for found in both(comparison)))
    person.do("undo")
    qtbot.waitUntil(lambda: not any((found == 2).any() for found in both(comparison)))


def test_all_three_views_show_the_same_part_of_the_photo(person, comparison, qtbot):
    views = [person.view, *(side.view for side in comparison.sides)]

    def alike():
        places = [view.camera.centre for view in views]
        zooms = [v.camera.scale / v.camera._fitted() for v in views]
        return np.ptp(places, axis=0).max() < 1e-6 and np.ptp(zooms) < 1e-6

    assert alike()
    person.view.camera.zoom_at(3.0, 40.0, 50.0)
    assert alike()
    views[2].camera.pan(-30.0, 12.0)
    assert alike()
    comparison.resize(700, 420)
    qtbot.waitUntil(alike)


def test_another_engine_can_be_chosen_and_closing_the_photo_ends_both(person, comparison, qtbot):
    second = comparison.sides[1]
    second.combo.setCurrentIndex(second.combo.findData("flood-fill"))
    second.chosen.emit("flood-fill")
    qtbot.waitUntil(lambda: np.array_equal(*both(comparison)), timeout=15_000)
    assert "They differ on 0 pixels" in comparison.summary.text()
    sessions = [side.session for side in comparison.sides]
    person.window.engines.close()
    assert not any(thread.is_alive() for session in sessions for thread in session._threads)
