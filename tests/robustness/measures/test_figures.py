import numpy as np
import pytest

from annotator.domain import Click
from annotator.robustness.contract import About
from annotator.robustness.measures.densities import (
    cvar,
    expected,
    field_summary,
    finger_drop,
    mean_finger_drop,
    quantiles,
    radius_to_failure,
)
from annotator.robustness.measures.metrics import area, areas, coverage, summary
from annotator.robustness.measures.statistics import bootstrap, paired, rank_stability
from annotator.robustness.records import Field, Record, Step
from annotator.robustness.settings import Mode, Settings


def record_of(low, base, high):
    paths = {
        name: tuple(
            Step((Click((0.5, 0.5), 1),) * (k + 1), q, second=q / 2, seconds=1.0)
            for k, q in enumerate(curve)
        )
        for name, curve in zip(("min", "base", "max"), (low, base, high), strict=True)
    }
    return Record(About("image", "e", "s"), Mode.OURS, Settings(clicks=len(base)), paths)


def line(quality, weight=None):
    """Candidates in a row, 1 px apart; the simulated user clicks the middle one."""
    quality = np.asarray(quality, float)
    count = len(quality)
    weight = np.full(count, 1 / count) if weight is None else np.asarray(weight, float)
    positions = np.stack([np.arange(count) + 0.5, np.zeros(count)], axis=1)
    return Field(
        (), True, 1, positions, quality, weight, np.full(count, 1 / count), count // 2, count, 1,
        quality.min(), quality.max(), "exact",
    )  # fmt: skip


def test_areas_are_trapezoids_and_one_click_is_its_value():
    assert area(np.array([0.0, 1.0, 1.0])) == pytest.approx(0.75)
    assert area(np.array([0.3])) == 0.3
    assert np.isnan(area(np.array([])))


def test_the_summary_has_published_figures_along_all_trajectories():
    records = [
        record_of([0.2, 0.4], [0.5, 0.9], [0.8, 0.95]),
        record_of([0.4, 0.6], [0.7, 0.7], [0.9, 0.91]),
    ]
    figures = summary(records, qualities=(0.9,))
    assert figures["quality min"] == pytest.approx(0.4)
    assert figures["quality base"] == pytest.approx(0.7)
    assert figures["quality d"] == pytest.approx(figures["quality max"] - 0.4)
    assert figures["second max"] == pytest.approx(figures["quality max"] / 2)
    assert figures["NoC@90 base"] == 2
    assert figures["NoC@90 max"] == pytest.approx(1.5)
    # success on the last click counts as a failure in the published count
    assert figures["NoF@90 base"] == 2
    assert figures["NoF@90 base strict"] == 1
    assert figures["ordered"] == 1
    assert figures["seconds a sample"] == 6
    assert areas(records[0])["d"] == pytest.approx(0.875 - 0.3)


def test_users_weights_decide_quantiles_and_risk():
    field = line([0.1, 0.5, 0.9], [0.2, 0.3, 0.5])
    np.testing.assert_array_equal(
        quantiles(field, np.array([0.1, 0.2, 0.5, 1])), [0.1, 0.1, 0.5, 0.9]
    )
    assert expected(field) == pytest.approx(0.62)
    assert cvar(field, 0.1) == pytest.approx(0.1)
    # the worst 40 % are the first candidate and two thirds of the second
    assert cvar(field, 0.4) == pytest.approx((0.2 * 0.1 + 0.2 * 0.5) / 0.4)
    assert cvar(field, 1.0) == pytest.approx(expected(field))


def test_a_finger_that_is_off_costs_what_lies_within_its_reach():
    field = line([0.2, 0.8, 0.9, 0.85, 0.3])
    assert finger_drop(field, 1.0) == pytest.approx(0.1)
    assert finger_drop(field, 2.0) == pytest.approx(0.7)
    drops = [0.0, 0.6, 0.1, 0.55, 0.0]
    assert mean_finger_drop(field, 1.0) == pytest.approx(np.mean(drops))
    assert radius_to_failure(field, 0.5) == 2.0
    assert radius_to_failure(field, 0.1) == np.inf


def test_a_fields_summary_counts_unsafe_places_and_unsafe_users():
    figures = field_summary(line([0.1, 0.9, 0.9, 0.9], [0.7, 0.1, 0.1, 0.1]), 0.5, 1.0)
    assert figures["unsafe share"] == pytest.approx(0.25)
    assert figures["unsafe users"] == pytest.approx(0.7)
    assert figures["min"] == 0.1


def test_coverage_counts_users_between_the_bounds():
    low, high = np.array([0.2, 0.2, 0.2]), np.array([0.8, 0.8, 0.8])
    assert coverage(low, high, np.array([0.1, 0.5, 0.8])) == pytest.approx(2 / 3)


def test_intervals_hold_the_true_mean_about_as_often_as_they_say():
    draw = np.random.default_rng(5)
    held = 0
    for seed in range(200):
        found = bootstrap(draw.normal(1.0, 2.0, 40), seed, draws=300)
        held += found.low <= 1.0 <= found.high
    assert 0.88 <= held / 200 <= 0.99


def test_paired_differences_see_what_separate_intervals_do_not():
    draw = np.random.default_rng(1)
    hard = draw.uniform(0.3, 0.9, 50)
    first, second = hard + 0.02 + draw.normal(0, 0.01, 50), hard
    difference = paired(first, second)
    assert difference.low > 0
    assert bootstrap(first).low < bootstrap(second).high


def test_ranks_are_stable_where_engines_differ_and_not_where_they_do_not():
    draw = np.random.default_rng(0)
    base = draw.uniform(0.5, 0.9, 60)
    apart = rank_stability({"a": base, "b": base - 0.1, "c": base - 0.2}, draws=100)
    assert apart.kendall == pytest.approx(1)
    assert apart.first == {"a": 1.0, "b": 0.0, "c": 0.0}
    close = rank_stability({k: draw.normal(0.7, 0.1, 60) for k in "abc"}, draws=100)
    assert close.kendall < 0.9
    assert max(close.first.values()) < 0.95
    assert close.ranks["a"].low < close.ranks["a"].high


@pytest.mark.parametrize(("kind", "reach"), [("image", 5.0), ("scene", 0.1), ("pose", 5.0)])
def test_a_finger_is_off_by_pixels_on_photos_and_by_a_tenth_of_a_metre_in_scans(kind, reach):
    assert Settings().for_kind(kind).finger == reach
    assert Settings(finger=2.0).for_kind(kind).finger == 2.0
    assert Settings.from_json(Settings().to_json()).finger_on(kind) == reach
