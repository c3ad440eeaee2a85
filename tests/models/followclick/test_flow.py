"""The flow that the embedded animator states: what its own frames do, from the formula."""

import cv2
import numpy as np
import pytest

from annotator.benchmark.clips import region_core
from models.followclick import MotionError, Request, animate
from tests.models.followclick.test_animator import ellipse, texture

FRAMES = 16


def made(words, strength, **options):
    request = Request(ellipse(), words, strength=strength, **options)
    return animate(texture(), [request], FRAMES, keep_flow=True)


def seen_flow(frames, number):
    grey = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in frames[number : number + 2]]
    dis = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    return dis.calc(grey[0], grey[1], None)


@pytest.mark.parametrize(
    ("words", "strength", "confined"),
    [("flows to the left", 1.0, False), ("smoke rises", 1.0, False), ("sways", 0.6, False),
     ("breathes", 0.6, True), ("turns", 0.6, False)],
)  # fmt: skip
def test_the_stated_flow_is_the_one_that_can_be_seen(words, strength, confined):
    clip = made(words, strength, confined=confined)
    assert clip.flow.shape == (FRAMES - 1, 256, 256, 2)
    assert clip.flow.dtype == np.float32
    core = region_core(ellipse())
    for number in (0, 5, 11):
        stated, seen = clip.flow[number][core], seen_flow(clip.frames, number)[core]
        away = np.linalg.norm(stated - seen, axis=-1)
        assert np.median(away) < 0.15
        assert np.linalg.norm(stated, axis=-1).mean() == pytest.approx(
            np.linalg.norm(seen, axis=-1).mean(), rel=0.12
        )


def test_the_mean_length_of_the_flow_is_the_strength():
    clip = made("sways", 0.6)
    lengths = np.linalg.norm(clip.flow, axis=-1)[:, region_core(ellipse())]
    assert lengths.mean() == pytest.approx(0.6, rel=0.1)


def test_nothing_flows_where_nothing_may_move_and_in_what_only_glows():
    clip = made("flows", 1.0)
    assert not clip.flow[:, ~clip.support].any()
    assert not made("glows", 1.0).flow.any()


def test_the_flow_is_not_worked_out_unless_asked_for():
    assert animate(texture(), [Request(ellipse(), "flows")], 8).flow is None


def test_a_region_above_another_hides_its_flow():
    below = np.ones((256, 256), bool)
    two = [Request(below, "flows right", strength=1.0), Request(ellipse(), "glows")]
    flow = animate(texture(), two, 8, keep_flow=True).flow
    assert not flow[0][128, 128].any()
    assert flow[0][10, 128, 0] > 0.5


@pytest.mark.parametrize("words", ["flows", "sways", "glows"])
def test_a_softer_edge_changes_less_near_the_border(words):
    mask = ellipse()
    near = mask & (cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 5) < 4)
    change = {}
    for softness in (1.0, 40.0):
        clip = animate(
            texture(), [Request(mask, words, strength=1.0, softness=softness, confined=True)], 12
        )
        difference = np.abs(clip.frames.astype(int) - texture()).mean((0, 3))
        change[softness] = difference[near].mean()
        assert not difference[~clip.support].any()
    assert change[40.0] < 0.7 * change[1.0]


def test_a_free_object_with_a_soft_edge_fades_out_beyond_its_mask():
    hard, soft = (
        animate(texture(), [Request(ellipse(), "sways", strength=1.0, softness=s)], 12).support
        for s in (0.0, 30.0)
    )
    assert soft.sum() > hard.sum()


@pytest.mark.parametrize("softness", [-1.0, float("nan"), float("inf")])
def test_a_soft_edge_that_is_no_width_is_refused(softness):
    with pytest.raises(MotionError, match="soft edge"):
        animate(texture(), [Request(ellipse(), "flows", softness=softness)], 8)
