import numpy as np
import pytest

from annotator.benchmark.comparing import (
    ObjectTrial,
    figures_of,
    growing,
    mean_by_click,
    paired_difference,
    try_clicks,
)
from annotator.domain import Click, Prompt

TRUTH = np.repeat([0, 1, 2], 10).astype(np.int32)
PROMPT = Prompt.from_clicks(
    [Click((0.0,), 1, 0, index=10), Click((0.0,), 2, 1, index=20), Click((0.0,), 1, 2, index=11)]
)


def spreading(width):
    """An engine that gives each clicked object `width` points from its click on."""

    def answer(prompt):
        labels = np.zeros(30, np.int32)
        for click in prompt.clicks:
            labels[click.index : click.index + width] = click.object_id
        return labels, 0.5

    return answer


def test_prompts_grow_by_one_click():
    prompts = growing(PROMPT)
    assert [len(prompt.clicks) for prompt in prompts] == [1, 2, 3]
    assert all(prompt.object_ids == (1, 2) for prompt in prompts)


def test_ious_and_clicks_needed_are_those_by_hand():
    trial = try_clicks("a", growing(PROMPT), TRUTH, spreading(5), 1.0)
    first, second = trial.objects
    assert first.ious == (0.5, 0.5, 0.6)
    assert second.ious == (0.0, 0.5, 0.5)
    assert first.clicks == (1, 1, 2)
    assert first.needed(0.5) == 1
    assert first.needed(0.6) == 2
    assert first.needed(0.9) == 3  # never: one more than it had
    assert trial.mean_ious == [0.25, 0.5, 0.55]
    assert trial.click_seconds == (0.5, 0.5, 0.5)


def test_objects_that_vanished_from_the_finished_work_do_not_count():
    truth = np.where(TRUTH == 2, 0, TRUTH)
    assert [
        o.object_id for o in try_clicks("a", growing(PROMPT), truth, spreading(9), 0).objects
    ] == [1]


def test_short_assets_count_on_with_their_last_iou():
    long = try_clicks("a", growing(PROMPT), TRUTH, spreading(10), 0)
    short = try_clicks("b", growing(PROMPT)[:1], TRUTH, spreading(5), 0)
    assert mean_by_click([long, short]) == pytest.approx([0.5, 0.75, 0.75], abs=0.05)


def test_a_clear_difference_is_sure_and_none_is_not():
    rng = np.random.default_rng(0)
    base = rng.random(60)
    groups = [str(i // 6) for i in range(60)]
    better = paired_difference(base, base + 0.1 + rng.normal(0, 0.01, 60), groups)
    assert better.sure
    assert better.low < 0.1 < better.high
    assert better.count == 60
    assert not paired_difference(base, base + rng.normal(0, 0.1, 60), groups).sure
    assert paired_difference([], [], []).count == 0


def test_intervals_cover_the_truth_about_as_often_as_they_say():
    rng = np.random.default_rng(1)
    covered = 0
    for trial in range(120):
        apart = rng.normal(0.05, 0.2, 40)
        found = paired_difference(np.zeros(40), apart, [str(i) for i in range(40)], seed=trial)
        covered += found.low <= 0.05 <= found.high
    assert 0.88 <= covered / 120 <= 0.99


def test_whole_assets_are_drawn_where_their_objects_are_alike():
    apart = np.repeat(np.random.default_rng(2).normal(0, 0.2, 8), 20)
    alike = paired_difference(np.zeros(160), apart, [str(i // 20) for i in range(160)])
    single = paired_difference(np.zeros(160), apart, [str(i) for i in range(160)])
    assert alike.high - alike.low > 2 * (single.high - single.low)


def test_figures_are_of_objects_and_of_clicks():
    figures = figures_of([try_clicks("a", growing(PROMPT), TRUTH, spreading(10), 0)])
    assert figures["IoU, last click"][0] == pytest.approx([1.0 * 10 / 11, 1.0], abs=0.1)
    assert figures["clicks to 80%"][0] == [1.0, 1.0]
    assert len(figures["seconds a click"][0]) == 3
    assert ObjectTrial("a", 1, (1,), (0.3,)).final == 0.3
