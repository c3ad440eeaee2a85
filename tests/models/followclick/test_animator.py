"""What the embedded animator promises: strength, direction, stillness elsewhere, a loop."""

import cv2
import numpy as np
import pytest

from annotator.benchmark.clips import measure
from models.followclick import MotionError, Request, animate
from models.followclick.flowing import Schedule
from models.followclick.guard import LIMIT, structure
from models.followclick.words import TEMPLATES, Family, parse

SIZE, FRAMES = 256, 24


def texture(height=SIZE, width=SIZE, seed=0):
    random = np.random.default_rng(seed)
    noise = random.standard_normal((2, height, width, 3)).astype(np.float32)
    fine, coarse = cv2.GaussianBlur(noise[0], (0, 0), 1.5), cv2.GaussianBlur(noise[1], (0, 0), 4)
    mixed = fine + 1.75 * coarse
    mixed = (mixed - mixed.mean()) / mixed.std()
    return np.clip(128 + 45 * mixed, 0, 255).astype(np.uint8)


def ellipse(height=SIZE, width=SIZE):
    y, x = np.mgrid[:height, :width]
    return ((x - width / 2) / (0.32 * width)) ** 2 + ((y - height / 2) / (0.28 * height)) ** 2 < 1


def made(words, strength, frames=FRAMES, **options):
    photo, mask = texture(), ellipse()
    clip = animate(photo, [Request(mask, words, strength=strength, **options)], frames)
    return clip, measure(clip.frames, mask, clip.support, photo)


@pytest.mark.parametrize("strength", [0.25, 0.5, 1.0, 2.0, 4.0])
def test_a_flow_keeps_every_promise_at_every_strength(strength):
    _, found = made("flows to the right", strength)
    assert found.flow == pytest.approx(strength, rel=0.1)
    assert abs((found.direction + 180) % 360 - 180) < 5
    assert (found.outside, found.first, found.i1_mse) == (0, 0, 0)
    assert 0.8 <= found.seam <= 1.25
    assert found.sharpness >= 0.85


@pytest.mark.parametrize("degrees", [30.0, 90.0, 200.0, 270.0])
def test_a_flow_goes_where_the_arrow_points(degrees):
    _, found = made("water", 1.0, direction=degrees)
    assert abs((found.direction - degrees + 180) % 360 - 180) < 5


@pytest.mark.parametrize(
    ("words", "strength"),
    [("sways in the wind", 0.5), ("sway", 1.0), ("breathes", 0.5), ("bounce", 0.5),
     ("turns", 0.5), ("flutters", 0.5), ("nods", 0.5), ("bobs", 0.5), ("drifts", 0.5)],
)  # fmt: skip
@pytest.mark.parametrize("confined", [False, True])
def test_an_object_moves_as_much_as_asked_and_nothing_else_does(words, strength, confined):
    clip, found = made(words, strength, confined=confined)
    if confined:
        assert not (clip.support & ~ellipse()).any()
    assert found.flow == pytest.approx(strength, rel=0.1)
    assert (found.outside, found.first) == (0, 0)
    assert 0.8 <= found.seam <= 1.25
    assert found.sharpness >= 0.85


@pytest.mark.parametrize(
    ("words", "strength"),
    [("breathes", 0.2), ("sway", 0.1), ("turns", 0.2), ("bobs", 0.1), ("drifts", 0.1),
     ("ripples", 0.2), ("ripples", 1.0)],
)  # fmt: skip
def test_small_motions_and_ripples_are_as_strong_as_asked(words, strength):
    photo, mask = texture(384, 384), ellipse(384, 384)
    clip = animate(photo, [Request(mask, words, strength=strength)], 12)
    found = measure(clip.frames, mask, clip.support, photo)
    assert found.flow == pytest.approx(strength, rel=0.1)


def test_a_loop_too_short_to_flow_says_so():
    photo, mask = texture(), ellipse()
    slow = Request(mask, "flow", strength=0.05)
    assert "hardly be seen" in animate(photo, [slow], FRAMES).notes[0]
    assert not animate(photo, [slow], FRAMES, loop=False).notes
    assert not animate(photo, [Request(mask, "flow", strength=0.5)], FRAMES).notes


def test_flow_rises_evenly_with_the_strength():
    asked = np.array([0.5, 1.0, 1.5, 2.0, 3.0])
    got = np.array([made("flow", value)[1].flow for value in asked])
    assert (np.diff(got) > 0).all()
    assert np.corrcoef(asked, got)[0, 1] ** 2 > 0.99


@pytest.mark.parametrize("words", ["flicker", "glow softly", "twinkles"])
def test_light_changes_without_motion(words):
    clip, found = made(words, 1.0)
    assert (found.outside, found.first) == (0, 0)
    assert found.flow < 0.1
    assert (clip.frames[5] != clip.frames[0]).any()


def test_a_schedule_shows_each_moment_of_whole_periods():
    schedule = Schedule.for_travel(48, 4.0)
    moments = [schedule.moment(n) for n in range(48)]
    assert schedule.steps * schedule.pace * 4.0 <= 28 + 1e-9
    assert sorted(set(moments)) == list(range(schedule.steps))
    assert (48 * schedule.stride) % schedule.steps == 0


@pytest.mark.parametrize("words", ["flow left", "sway", "glow", "ripple", "drift up"])
@pytest.mark.parametrize("loop", [True, False])
@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1), (33, 47)])
def test_any_photo_and_mask_is_fine(words, loop, shape):
    photo = texture(*shape) if min(shape) > 1 else np.full((*shape, 3), 90, np.uint8)
    one, edge = np.zeros(shape, bool), np.zeros(shape, bool)
    one[-1, -1] = True
    edge[:, : shape[1] // 2 + 1] = True
    for mask in (np.zeros(shape, bool), np.ones(shape, bool), one, edge):
        for strength in (None, 0.0, 1e9):
            request = Request(mask, words, strength=strength, force=True)
            clip = animate(photo, [request], 8, loop=loop)
            assert clip.frames.shape == (8, *photo.shape)
            assert (clip.frames[0] == photo).all()
            assert (clip.frames[:, ~clip.support] == photo[~clip.support]).all()


def test_an_empty_region_and_an_absurd_strength_are_said():
    photo, mask = texture(64, 64), ellipse(64, 64)
    assert "empty" in animate(photo, [Request(mask & False)], 8).notes[0]
    assert "beyond" in animate(photo, [Request(mask, "flow", strength=1e6)], 8).notes[0]


@pytest.mark.parametrize("strength", [-1.0, float("nan"), float("inf")])
def test_strengths_that_are_none_are_refused(strength):
    with pytest.raises(MotionError, match="strength"):
        made("flow", strength)


@pytest.mark.parametrize("frames", [0, 7, 241])
def test_frames_out_of_range_are_refused(frames):
    with pytest.raises(MotionError, match="frames"):
        made("flow", 1.0, frames=frames)


def test_nonsense_sways_a_little_and_says_so():
    clip, found = made("qwertz 漢字 !!", None)
    assert "no known motion" in clip.notes[0]
    assert 0 < found.flow < 0.5


@pytest.mark.parametrize(
    ("words", "nearest"), [("a man walking", "bob"), ("she smiles", "nod"), ("runs away", "bob")]
)
def test_what_cannot_be_shown_is_said_with_the_nearest_that_can(words, nearest):
    with pytest.raises(MotionError) as caught:
        parse(words)
    assert nearest in caught.value.remedy


@pytest.mark.parametrize(
    ("words", "name", "direction", "pace"),
    [
        ("the water flows slowly to the left", "flow", 180.0, 0.5),
        ("clouds move right", "cloud", 0.0, 1.0),
        ("smoke rising fast", "rise", None, 1.8),
        ("turn the head", "turn", None, 1.0),
        ("trees sway gently in the wind", "sway", None, 0.6),
        ("waterfall", "fall", None, 1.0),
        ("candle flickers", "flicker", None, 1.0),
        ("flag fluttering", "flutter", None, 1.0),
        ("", "sway", None, 1.0),
    ],
)
def test_words_are_understood(words, name, direction, pace):
    motion = parse(words)
    assert (motion.template.name, motion.direction) == (name, direction)
    assert motion.pace == pytest.approx(pace)


def test_every_family_has_templates():
    assert {template.family for template in TEMPLATES} == set(Family)


def test_solid_objects_are_not_poured_unless_forced():
    photo = texture()
    photo[:] = 200
    for top in range(0, SIZE, 32):
        photo[top : top + 16] = 60
    mask = ellipse()
    assert structure(photo, mask, 90.0) > LIMIT
    assert structure(photo, mask, 0.0) < LIMIT
    assert structure(texture(), mask, 90.0) < LIMIT
    with pytest.raises(MotionError, match="solid object"):
        animate(photo, [Request(mask, "flow up")], 8)
    animate(photo, [Request(mask, "flow up", force=True)], 8)


def test_regions_lie_over_one_another():
    photo = texture()
    left, right = ellipse(), ellipse()
    left[:, SIZE // 2 :] = False
    right[:, : SIZE // 2] = False
    both = [Request(left, "flow up", strength=1.0), Request(right, "flow down", strength=1.0)]
    clip = animate(photo, both, 8)
    alone = [animate(photo, [request], 8).frames for request in both]
    assert (clip.frames[:, left] == alone[0][:, left]).all()
    assert (clip.frames[:, right] == alone[1][:, right]).all()


def test_progress_rises_and_a_stop_is_heeded():
    heard = []
    photo, requests = texture(64, 64), [Request(ellipse(64, 64), "flow")]
    animate(photo, requests, 8, progress=lambda part, words: heard.append(part))
    assert heard == sorted(heard)
    assert heard[0] == 0
    assert heard[-1] == 1

    def stop():
        raise InterruptedError

    with pytest.raises(InterruptedError):
        animate(photo, requests, 8, check=stop)
