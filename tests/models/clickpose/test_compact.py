"""The compact pose engine: views, candidates that agree, people that do not disturb each other."""

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from models.checkpoint import CheckpointError
from models.clickpose.compact import Bundle, CompactPredictor, Person, Settings, load_bundle
from models.clickpose.compact.chances import agreed, peaks
from models.clickpose.compact.corrector import Candidates, Corrector
from models.clickpose.compact.detector import (
    STRIDE,
    Found,
    distinct,
    joined,
    overlaps,
    people_in,
)
from models.clickpose.compact.frame import SIDE, Frame
from models.clickpose.compact.neck import FINE, MIDDLE, Maps
from models.clickpose.compact.network import MIRROR
from models.clickpose.compact.predictor import frame_at
from models.clickpose.compact.prompt import FIXED, GUESSED, UNKNOWN, JointPrompt

JOINTS = len(MIRROR)


@pytest.fixture(scope="module")
def predictor():
    torch.manual_seed(3)
    bundle = Bundle.blank()
    bundle.pose.corrector.pairs.data.normal_()
    for part in bundle:
        part.eval().requires_grad_(False)
    return CompactPredictor(bundle.pose, bundle.detector, Settings(sides=(64,), least=0.01))


@pytest.fixture(scope="module")
def photo(predictor):
    rgb = np.random.default_rng(0).integers(0, 256, (90, 120, 3), dtype=np.uint8)
    return predictor.encode(rgb)


def person(seed=0, fixed=()):
    random = np.random.default_rng(seed)
    joints = random.uniform((20, 15), (100, 80), (JOINTS, 2))
    marks = np.isin(np.arange(JOINTS), fixed)
    return Person(np.array([18.0, 12.0, 104.0, 84.0]), joints, marks, np.ones(JOINTS, bool))


@pytest.mark.parametrize("mirrored", [False, True])
def test_a_frame_leads_to_the_view_and_back(mirrored):
    frame = Frame.around(np.array([10.0, 20.0, 50.0, 100.0]), 1.3, 0.4, mirrored)
    points = np.random.default_rng(1).uniform(0, 100, (7, 2))
    np.testing.assert_allclose(frame.to_photo(frame.to_view(points)), points, atol=1e-9)
    np.testing.assert_allclose(frame.to_view(np.array([30.0, 60.0])), [SIDE / 2] * 2, atol=1e-9)
    assert frame.scale == pytest.approx(SIDE / 80 / 1.3)


@pytest.mark.parametrize("scale", [1, 5])
def test_a_view_shows_the_photo_where_the_frame_says(scale):
    rgb = np.zeros((90 * scale, 80 * scale, 3), np.uint8)
    spot = np.array([31.0, 42.0]) * scale
    rgb[
        int(spot[1]) - scale : int(spot[1]) + scale, int(spot[0]) - scale : int(spot[0]) + scale
    ] = 255
    frame = Frame.around(np.array([20.0, 25.0, 60.0, 65.0]) * scale, 1.2)
    view = frame.cut(rgb)[..., 0].astype(float)
    rows, columns = np.indices(view.shape) + 0.5
    seen = [(view * columns).sum() / view.sum(), (view * rows).sum() / view.sum()]
    np.testing.assert_allclose(seen, frame.to_view(spot), atol=0.8)


def test_peaks_are_found_between_cells():
    y, x = torch.meshgrid(torch.arange(16) + 0.5, torch.arange(16) + 0.5, indexing="ij")
    bumps = [-((x - 4.25) ** 2 + (y - 9.2) ** 2), -((x - 12.1) ** 2 + (y - 3.5) ** 2) - 1]
    places = peaks(torch.maximum(*bumps)[None, None], 2)[0, 0] * 16
    np.testing.assert_allclose(places, [[4.25, 9.2], [12.0, 3.5]], atol=0.2)


def test_a_view_and_its_mirror_image_agree_on_swapped_joints():
    mirror = torch.tensor([1, 0])
    logits = torch.zeros(1, 2, 8, 8)
    logits[0, 0, 2, 1], logits[0, 1, 5, 6] = 9.0, 9.0
    mirrored = logits[:, mirror].flip(3)
    found = agreed(logits, mirrored, mirror)
    assert found.shape == logits.shape
    np.testing.assert_allclose(found.exp().sum((2, 3)), 1.0, atol=0.1)
    assert found[0, 0].argmax() == 2 * 8 + 1
    assert found[0, 1].argmax() == 5 * 8 + 6


def blank_maps():
    return Maps(torch.zeros(1, 9, 128), torch.zeros(1, MIDDLE, 6, 6), torch.zeros(1, FINE, 12, 12))


def asked(states, places):
    return JointPrompt(places[None, None], torch.tensor(states)[None, None])


def test_a_fixed_joint_is_where_it_was_put_and_the_tables_move_the_others():
    torch.manual_seed(0)
    corrector = Corrector((1, 0)).eval()
    chances = torch.full((1, 2, 12, 12), -9.0)
    chances[0, 0, 3, 3] = chances[0, 1, 9, 9] = -0.5
    chances[0, 1, 3, 8] = -0.6
    found = corrector.candidates(chances)
    place = torch.tensor([[0.3, 0.3], [0.0, 0.0]])
    with torch.no_grad():
        # joint 1 is at the height of joint 0, says the table of fixed joints
        rows = torch.linspace(-1.1, 1.1, 17).abs()[:, None].expand(17, 17)
        corrector.pairs[2, 1] = -60 * rows
        best, sure = corrector(blank_maps(), found, asked([FIXED, UNKNOWN], place)).best()
    np.testing.assert_allclose(best[0, 0, 0], place[0])
    assert float(sure[0, 0, 0]) == 1.0
    assert abs(float(best[0, 0, 1, 1]) - 0.3) < 0.05


def test_fixed_joints_add_candidates_where_the_tables_expect_others():
    corrector = Corrector((1, 0)).eval()
    with torch.no_grad():
        corrector.pairs[2, 1, 8, 15] = 40.0  # joint 1 to the right of joint 0
    flat = torch.full((1, 2, 12, 12), -5.0)
    found = Candidates(torch.zeros(1, 2, 7, 2), torch.zeros(1, 2, 7), torch.zeros(1, 2, 7), flat)
    place = torch.tensor([[0.2, 0.5], [0.0, 0.0]])
    more = corrector.expected(found, asked([FIXED, UNKNOWN], place))
    assert more.places.shape == (1, 2, 10, 2)
    assert float(more.places[0, 1, 7:, 0].max()) > 0.6
    assert corrector.expected(found, asked([GUESSED, UNKNOWN], place)) is found


def test_detection_reads_centres_and_sides():
    centres = torch.full((1, 8, 10), -9.0)
    centres[0, 3, 4], centres[0, 3, 5] = 4.0, 3.5
    sides = torch.full((1, 4, 8, 10), 12.0)
    boxes, scores = people_in(Found(centres, sides), 0.5)
    x, y = 4.5 * STRIDE, 3.5 * STRIDE
    np.testing.assert_allclose(boxes, [[x - 12, y - 12, x + 12, y + 12]])
    assert scores[0] == pytest.approx(float(torch.tensor(4.0).sigmoid()))


def test_of_boxes_that_overlap_the_surest_stays():
    boxes = torch.tensor([[0.0, 0, 10, 10], [1, 0, 11, 10], [30, 0, 40, 10]])
    assert distinct(boxes, torch.tensor([0.5, 0.9, 0.2])).tolist() == [1, 2]
    np.testing.assert_allclose(overlaps(boxes[:1], boxes)[0], [1, 90 / 110, 0], atol=1e-6)


def test_who_is_seen_at_two_sizes_is_surer_than_who_is_seen_at_one():
    coarse = torch.tensor([[0.0, 0, 10, 20]]), torch.tensor([0.4])
    fine = torch.tensor([[0.0, 0, 10, 16], [50, 0, 60, 20]]), torch.tensor([0.8, 0.8])
    boxes, scores = joined([coarse, fine], share=0.25)
    mean = [0, 0, 10, (0.4 * 20 + 0.8 * 16) / 1.2]
    np.testing.assert_allclose(boxes, [mean, mean, [50, 0, 60, 20]], rtol=1e-6)
    np.testing.assert_allclose(scores, [0.5, 0.7, 0.6], rtol=1e-6)


def test_one_size_alone_keeps_its_scores():
    look = torch.tensor([[0.0, 0, 10, 20]]), torch.tensor([0.4])
    nobody = torch.zeros(0, 4), torch.zeros(0)
    for looks, sure in (([look], 0.4), ([look, nobody], 0.3), ([nobody, look], 0.3)):
        boxes, scores = joined(looks, share=0.25)
        np.testing.assert_allclose(boxes, look[0])
        np.testing.assert_allclose(scores, [sure], rtol=1e-6)


def test_a_thousand_corrections_never_move_a_fixed_joint(predictor, photo):
    random = np.random.default_rng(7)
    worst, current, fixed = 0.0, person(0), np.zeros(JOINTS, bool)
    for number in range(1000):
        if number % 5 == 0:
            current, fixed = person(number), np.zeros(JOINTS, bool)
            box = current.box
        joint = random.integers(JOINTS)
        joints = current.joints.copy()
        joints[joint] = random.uniform((18, 12), (104, 84))
        fixed[joint] = True
        told = Person(box, joints, fixed.copy(), np.ones(JOINTS, bool))
        (current,) = predictor.refine(photo, [told])
        worst = max(worst, float(np.abs(current.joints - joints)[fixed].max()))
    assert worst <= 1e-6


def test_people_do_not_disturb_each_other(predictor, photo):
    first, second = person(1, (0, 5)), person(2)
    both = predictor.refine(photo, [first, second])
    for one, found in zip((first, second), both, strict=True):
        np.testing.assert_array_equal(predictor.refine(photo, [one])[0].joints, found.joints)


def test_a_box_that_grows_a_little_keeps_its_view(predictor):
    photo = predictor.encode(np.full((90, 120, 3), 90, np.uint8))
    photo.views.clear()
    predictor.refine(photo, [person(1)])
    one = person(1)
    predictor.refine(photo, [Person(one.box + 0.3, one.joints, one.fixed, one.told)])
    assert len(photo.views) == 1


def test_corrections_within_a_persons_box_are_seen_in_one_view(predictor):
    photo = predictor.encode(np.random.default_rng(3).integers(0, 256, (90, 120, 3), np.uint8))
    photo.views.clear()
    box = np.array([18.0, 12.0, 104.0, 84.0])
    (now,) = predictor.refine(photo, [Person(box)])
    fixed = np.zeros(JOINTS, bool)
    for joint, place in ((3, (30.0, 40.0)), (7, (90.0, 70.0))):
        fixed[joint], now.joints[joint] = True, place
        (now,) = predictor.refine(
            photo, [Person(now.box, now.joints, fixed.copy(), np.ones(JOINTS, bool))]
        )
        np.testing.assert_array_equal(now.box, box)
    assert len(photo.views) == 1
    fixed[0], now.joints[0] = True, (118.0, 40.0)
    (now,) = predictor.refine(photo, [Person(now.box, now.joints, fixed, np.ones(JOINTS, bool))])
    np.testing.assert_array_equal(now.box, [18, 12, 118, 84])


def test_an_answer_does_not_depend_on_what_was_asked_before(predictor):
    rgb = np.random.default_rng(2).integers(0, 256, (90, 120, 3), dtype=np.uint8)
    asked_before, fresh = predictor.encode(rgb), predictor.encode(rgb)
    predictor.refine(asked_before, [person(4, (1,)), person(5)])
    for seed in (4, 6):
        left, right = (predictor.refine(p, [person(seed, (2,))])[0] for p in (asked_before, fresh))
        np.testing.assert_array_equal(left.joints, right.joints)


def test_frames_of_the_grid_follow_the_box():
    frame = frame_at(32, 32, 60)
    side = 1.08**60
    centre = frame.to_photo(np.array([SIDE / 2, SIDE / 2]))
    np.testing.assert_allclose(centre, [2 * side, 2 * side])


def test_weights_are_read_back_and_others_are_refused(tmp_path):
    torch.manual_seed(1)
    bundle = Bundle.blank()
    path = tmp_path / "both.safetensors"
    save_file({k: v.half().contiguous() for k, v in bundle.state().items()}, path)
    again = load_bundle(path)
    for key, value in bundle.state().items():
        torch.testing.assert_close(again.state()[key], value.half().float())
    state = bundle.state()
    state.pop("pose.corrector.pairs")
    save_file({k: v.contiguous() for k, v in state.items()}, path)
    with pytest.raises(CheckpointError, match=r"1 missing: pose\.corrector\.pairs"):
        load_bundle(path)
