import numpy as np
import pytest

from annotator.robustness.measures.curves import area
from annotator.robustness.measures.densities import (
    cvar,
    expected,
    field_summary,
    finger_drop,
    mean_finger_drop,
    quantiles,
    radius_to_failure,
)
from annotator.robustness.records import Field
from annotator.robustness.settings import Settings


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


@pytest.mark.parametrize(("kind", "reach"), [("image", 5.0), ("scene", 0.1), ("pose", 5.0)])
def test_a_finger_is_off_by_pixels_on_photos_and_by_a_tenth_of_a_metre_in_scans(kind, reach):
    assert Settings().for_kind(kind).finger == reach
    assert Settings(finger=2.0).for_kind(kind).finger == 2.0
    assert Settings.from_json(Settings().to_json()).finger_on(kind) == reach
