"""Small parts without a window: agreement with ground truth, click states, pace, chips."""

import numpy as np
import pytest
from PySide6.QtGui import QColor

from annotator.domain import Click, object_colour
from annotator.project.stats import IDLE_SECONDS
from annotator.ui.annotate.chips import ink_on
from annotator.ui.annotate.click_runs import ClickRuns, Phase
from annotator.ui.annotate.pace import Pace
from annotator.ui.annotate.quality import GroundTruth, Tally


def clicks(*pairs):
    return [Click((0.0, 0.0, 0.0), object_id, index=index) for object_id, index in pairs]


def ious(truth, labels, pairs):
    tally = Tally(GroundTruth(np.array(truth, np.int32)))
    tally.show(np.array(labels, np.int32))
    return tally.iou_by_object(clicks(*pairs))


def test_iou_is_taken_with_the_segment_under_most_clicks():
    found = ious([5, 5, 5, 5, 9, 9], [1, 1, 0, 0, 1, 0], [(1, 0), (1, 1), (1, 4)])
    assert found == {1: pytest.approx(2 / 5)}


def test_clicks_on_unlabelled_points_and_the_background_do_not_choose_a_segment():
    truth, labels = [0, 0, 3, 3], [1, 0, 1, 1]
    assert ious(truth, labels, [(1, 0), (1, 2), (0, 3)]) == {1: pytest.approx(2 / 3)}
    assert ious(truth, labels, [(1, 0)]) == {}


def test_huge_ground_truth_ids_cost_no_memory():
    assert ious([2**31 - 1, 2**31 - 1, -7], [4, 4, 0], [(4, 1)]) == {4: 1.0}


def test_counts_after_many_changes_equal_counts_from_scratch():
    rng = np.random.default_rng(0)
    truth = GroundTruth(rng.integers(0, 4, 500).astype(np.int32))
    asked = clicks(*((object_id, int(rng.integers(500))) for object_id in (1, 2, 3, 9)))
    tally = Tally(truth)
    labels = rng.integers(0, 3, 500).astype(np.int32)
    for step in range(30):
        labels = labels.copy()
        labels[rng.integers(0, 500, 40)] = rng.integers(0, 4 + 6 * (step > 10), 40)
        tally.show(labels)
        afresh = Tally(truth)
        afresh.show(labels)
        assert tally.iou_by_object(asked) == afresh.iou_by_object(asked)
        counted = np.bincount(labels, minlength=len(tally.points))
        assert np.array_equal(tally.points, counted)
    tally.show(None)
    assert not tally.points.any()


def test_iou_agrees_with_sets_of_points():
    rng = np.random.default_rng(0)
    truth, labels = rng.integers(0, 4, 500), rng.integers(0, 4, 500)
    found = ious(truth, labels, [(3, int(np.flatnonzero(truth == 2)[0]))])
    mine, right = set(np.flatnonzero(labels == 3)), set(np.flatnonzero(truth == 2))
    assert found == {3: pytest.approx(len(mine & right) / len(mine | right))}


def test_a_click_belongs_to_the_newest_request_until_it_is_answered():
    runs = ClickRuns()
    runs.request([1], 10)
    runs.request([1, 2], 11)
    runs.advance(10, Phase.DONE, 5.0)  # stale
    assert runs[1].phase is Phase.QUEUED
    runs.advance(11, Phase.RUNNING, 0.0)
    runs.advance_running(11, 40.0)
    assert (runs[2].phase, runs[2].milliseconds) == (Phase.RUNNING, 40.0)
    runs.advance(11, Phase.DONE, 80.0)
    runs.request([1, 2, 3], 12)
    assert [runs[i].phase for i in (1, 2, 3)] == [Phase.DONE, Phase.DONE, Phase.QUEUED]
    assert runs[1].milliseconds == 80.0


def test_a_moved_click_is_asked_for_again():
    runs = ClickRuns()
    runs.settle([1, 2])
    runs.unsettle(1)
    runs.request([1, 2], 3)
    assert [runs[i].phase for i in (1, 2)] == [Phase.QUEUED, Phase.DONE]


def test_pace_counts_from_the_last_mark_and_cuts_pauses(monkeypatch):
    now = [100.0]
    monkeypatch.setattr("annotator.ui.annotate.pace.time.monotonic", lambda: now[0])
    pace = Pace()
    assert pace.mean_seconds is None
    now[0] += 4
    pace.mark()
    now[0] += 2
    pace.click()
    assert pace.mean_seconds == pytest.approx(2)
    now[0] += 10 * IDLE_SECONDS
    pace.click()
    assert pace.mean_seconds == pytest.approx((2 + IDLE_SECONDS) / 2)


@pytest.mark.parametrize("object_id", range(40))
def test_numbers_on_chips_can_be_read(object_id):
    fill = QColor(*object_colour(object_id))
    assert contrast(fill, ink_on(fill)) >= 4.5


def contrast(one, other):
    def luminance(colour):
        parts = [colour.redF(), colour.greenF(), colour.blueF()]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("labels", [
    [3, 1, 1, 0, 9], [-4, -4, 2], [7], [0, 2**31 - 1], [-(2**31), 5, 5], [],
])  # fmt: skip
def test_segments_are_numbered_like_sorted_distinct_ids(labels):
    array = np.array(labels, np.int32)
    values, places = np.unique(array, return_inverse=True)
    truth = GroundTruth(array)
    assert np.array_equal(truth.segments, places)
    assert np.array_equal(truth.sizes, np.bincount(places, minlength=len(values)))
