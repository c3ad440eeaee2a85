"""Two photo engines side by side in the real window: same clicks, same part of the photo."""

import numpy as np
import pytest

from tests.ui.image.conftest import BLUE, RED, Person, save, squares


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


def test_an_engine_that_refuses_says_so_and_shows_nothing_old(person, comparison, qtbot):
    person.bench.set_box((30.0, 30.0, 90.0, 90.0))
    second = comparison.sides[1]
    qtbot.waitUntil(lambda: "understands no boxes" in second.status.text(), timeout=10_000)
    assert second.labels is None
    assert second.view._layers.slots is None
    qtbot.waitUntil(lambda: comparison.sides[0].labels is not None)
    assert comparison.summary.text() == "Waiting for both."


def test_another_engine_can_be_chosen_and_closing_the_photo_ends_both(person, comparison, qtbot):
    second = comparison.sides[1]
    second.combo.setCurrentIndex(second.combo.findData("flood-fill"))
    second.chosen.emit("flood-fill")
    qtbot.waitUntil(lambda: np.array_equal(*both(comparison)), timeout=15_000)
    assert "They differ on 0 pixels" in comparison.summary.text()
    sessions = [side.session for side in comparison.sides]
    person.window.engines.close()
    assert not any(thread.is_alive() for session in sessions for thread in session._threads)


def test_the_comparison_goes_on_with_the_next_photo(window, qtbot, tmp_path):
    for number, width in enumerate((200, 300)):
        save(tmp_path / f"{number}.png", squares(width))
    person = Person(window, qtbot)
    person.open(tmp_path)
    person.click(RED)
    person.answered()
    made = window.engines.compare_engines()
    qtbot.waitUntil(lambda: all(found is not None for found in both(made)), timeout=15_000)
    person.do("next_asset")
    qtbot.waitUntil(lambda: window.workspace.path.name == "1.png", timeout=10_000)
    assert both(made) == [None, None]
    idle = ["No clicks yet"] * 2
    qtbot.waitUntil(lambda: [side.status.text() for side in made.sides] == idle)
    assert [side.view.camera.size for side in made.sides] == [(300, 120)] * 2
    assert [side.view.overlay.markers for side in made.sides] == [(), ()]
    person.click(BLUE)
    qtbot.waitUntil(lambda: all(found is not None for found in both(made)), timeout=15_000)
    assert [found.shape for found in both(made)] == [(120, 300)] * 2
    person.view.camera.zoom_at(2.0, 50.0, 50.0)
    assert made.sides[0].view.camera.centre == person.view.camera.centre
