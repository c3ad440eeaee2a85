import numpy as np
import pytest

from annotator.robustness.settings import Permitted
from tests.robustness.toy import toy_data, toy_target


@pytest.mark.parametrize("number", [0, 1, 2])
def test_loss_and_gradient_are_those_of_the_data(number):
    data = toy_data(number)
    round_ = toy_target(number).round((), Permitted.CENTRE)
    rows = zip(data["grad_pos_yx"], data["grad_dice_loss"], data["grad_dyx"], strict=True)
    for place, loss, slope in rows:
        soft = round_.soft(place[::-1] + 0.5)
        assert soft.loss == pytest.approx(loss, abs=1e-10)
        np.testing.assert_allclose(soft.gradient, slope[::-1], atol=1e-8)


def test_a_click_well_inside_has_no_location_term():
    round_ = toy_target(0).round((), Permitted.DISK)
    inside = round_.region.positions[len(round_.region) // 2]
    term, slope = round_.penalty(inside)
    assert term == 0
    np.testing.assert_array_equal(slope, 0)


@pytest.mark.parametrize("place", [(5.31, 8.77), (60.23, 3.11), (33.41, 52.93), (0.07, 0.01)])
def test_the_location_term_has_the_right_slope(place):
    round_ = toy_target(0).round((), Permitted.CENTRE)
    term, slope = round_.penalty(np.array(place))
    assert term > 0
    step = 1e-5
    for axis in (0, 1):
        ahead, behind = np.array(place), np.array(place)
        ahead[axis] += step
        behind[axis] -= step
        numeric = (round_.penalty(ahead)[0] - round_.penalty(behind)[0]) / (2 * step)
        assert slope[axis] == pytest.approx(numeric, abs=1e-6)


def test_real_positions_settle_on_pixels_of_the_photo():
    round_ = toy_target(0).round((), Permitted.CENTRE)
    assert round_.settle(np.array([3.9, 70.0])).position == (3.5, 63.5)
    np.testing.assert_array_equal(round_.clamp(np.array([-3.0, 90.0])), [0.0, 63.5])
