"""Attacks against brute force: the toy network's true extremes over all clicks are known."""

import numpy as np
import pytest

from annotator.domain import AnnotatorError, Cancelled, CancelToken, Click, Mask
from annotator.robustness.attacks.attacking import attack
from annotator.robustness.attacks.certifying import certify
from annotator.robustness.attacks.ours import seek
from annotator.robustness.attacks.scored import Scored
from annotator.robustness.measures.regret import compare
from annotator.robustness.records import PATHS
from annotator.robustness.settings import Mode, Permitted, Settings
from annotator.robustness.targets import photo
from annotator.robustness.targets.photo import PhotoTarget
from tests.robustness.toy import toy_data, toy_target

IMAGES = (0, 1, 2)


def click_of(base, order):
    sign, row, column = (int(value) for value in base)
    return Click((column + 0.5, row + 0.5), 1, order, positive=sign > 0)


def second_round(data):
    return (click_of(data["r1_base"], 0),)


def quality_map(round_, name, data):
    """The round's candidates as a map [64, 64], NaN elsewhere."""
    found = np.full(data["gt"].shape, np.nan)
    columns, rows = round_.region.lattice.T
    found[rows, columns] = Scored(round_, 64).quality(np.arange(len(round_.region)))
    return found


@pytest.mark.parametrize("number", IMAGES)
@pytest.mark.parametrize("turn", [1, 2])
def test_every_candidate_scores_as_brute_force_says(number, turn):
    data, target = toy_data(number), toy_target(number)
    history = () if turn == 1 else second_round(data)
    round_ = target.round(history, Permitted.CENTRE)
    assert round_.click(round_.region.baseline) == click_of(data[f"r{turn}_base"], turn - 1)
    expected = np.where(data[f"r{turn}_region"] > 0, data[f"r{turn}_iou"], np.nan)
    np.testing.assert_allclose(quality_map(round_, turn, data), expected, atol=1e-12)


@pytest.mark.parametrize("number", IMAGES)
@pytest.mark.parametrize("turn", [1, 2])
def test_permitted_regions_are_those_of_the_data(number, turn):
    data, target = toy_data(number), toy_target(number)
    history = () if turn == 1 else second_round(data)
    wanted = {Permitted.DISK: data[f"r{turn}_region_disk_inside"]}
    if turn == 2:
        wanted[Permitted.COMPONENT] = data["r2_component8"]
    for permitted, expected in wanted.items():
        region = target.round(history, permitted).region
        found = np.zeros((64, 64), bool)
        found[region.lattice[:, 1], region.lattice[:, 0]] = True
        expected = expected > 0
        _, row, column = data[f"r{turn}_base"]
        expected[row, column] = True  # the simulated user's click is always a candidate
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("number", IMAGES)
def test_enumerated_trajectories_are_those_of_brute_force(number):
    data = toy_data(number)
    record = attack(toy_target(number), Mode.EXHAUSTIVE, Settings(clicks=4, fields=2))
    assert record.ordered
    np.testing.assert_allclose(record.curve("base"), data["traj_base_iou"], atol=1e-12)
    for path in ("min", "max"):
        # greedy extremes may do worse than the simulated user; from there on ours differ
        adopted = [step.adopted for step in record.paths[path]]
        same = adopted.index(True) if any(adopted) else 4
        assert same >= 2
        np.testing.assert_allclose(
            record.curve(path)[:same], data[f"traj_{path}_iou"][:same], atol=1e-12
        )
        clicks = [
            [1 if c.positive else -1, int(c.position[1]), int(c.position[0])]
            for c in record.paths[path][same - 1].clicks
        ]
        np.testing.assert_array_equal(clicks, data[f"traj_{path}_clicks"][:same])
    first = record.fields[0]
    assert first.exact
    np.testing.assert_allclose([first.lower, first.upper], data["r1_ext"][:, 0], atol=1e-12)


@pytest.mark.parametrize("number", IMAGES)
@pytest.mark.parametrize("differentiable", [True, False])
def test_our_search_misses_at_most_a_hundredth(number, differentiable):
    target = toy_target(number, differentiable)
    settings = Settings(clicks=2, certify=2)
    record = attack(target, Mode.OURS, settings)
    certified = certify(target, record)
    regrets = compare(record, certified.fields)
    assert {(r.path, r.round) for r in regrets} == {(p, n) for p in ("min", "max") for n in (1, 2)}
    assert all(-1e-12 <= regret.regret <= 0.01 for regret in regrets)
    for path in ("min", "max"):
        for step in record.paths[path]:
            # the best candidate and the simulated user's are judged by themselves
            assert step.evaluations + step.soft_evaluations <= settings.evaluations + 2
            assert (step.soft_evaluations > 0) == differentiable


@pytest.mark.parametrize("number", IMAGES)
@pytest.mark.parametrize("seed", [1, 2])
def test_our_search_finds_the_extremes_after_the_simulated_users_click(number, seed):
    data, target = toy_data(number), toy_target(number)
    round_ = target.round(second_round(data), Permitted.CENTRE)
    for sign, (extreme, _, _) in zip((1, -1), data["r2_ext"], strict=True):
        scored = Scored(round_, 32)
        found = seek(scored, sign, Settings(seed=seed))
        quality = scored.quality(np.array([found.row]))[0]
        assert sign * (quality - extreme) <= 0.01


@pytest.mark.parametrize("mode", list(Mode))
def test_evaluations_are_what_the_engine_was_asked(mode):
    target = toy_target(1)
    settings = Settings(clicks=2, evaluations=30, stride=4, fields=1)
    before = target.engine.engine.prompts
    record = attack(target, mode, settings)
    steps = [step for path in PATHS for step in record.paths[path]]
    assert sum(step.evaluations for step in steps) == target.engine.engine.prompts - before
    if mode is Mode.EXHAUSTIVE:
        (field,) = record.fields
        assert field.evaluations == len(field.quality)
        # one judgement of each path's click besides, the simulated user's shared by all
        assert sum(record.paths[path][0].evaluations for path in PATHS) <= field.evaluations + 3


@pytest.mark.parametrize("number", IMAGES)
def test_the_published_attacks_regret_is_stated(number, record_property):
    target = toy_target(number)
    exact = attack(target, Mode.EXHAUSTIVE, Settings(clicks=1))
    record = attack(target, Mode.TETRIS, Settings(clicks=1))
    regrets = compare(record, exact.fields)
    assert len(regrets) == 2
    for regret in regrets:
        record_property(f"image {number} {regret.path}", regret.regret)
        print(f"image {number}, {regret.path}: tetris misses {regret.regret:.3f} IoU")  # noqa: T201
        assert regret.bound == "exact"
    for path in ("min", "max"):
        (step,) = record.paths[path]
        assert step.soft_evaluations == 11
        # the toy has no disks: the soft result differs only by where the pixel's centre is
        assert abs(step.soft_gap) < 0.1
    assert record.ordered  # in the first round, from the simulated user's click on


def test_a_certificate_is_of_the_clicks_before_which_the_search_itself_stood():
    target = toy_target(1)
    told = []
    settings = Settings(clicks=3, evaluations=4, starts=1, certify=2, stride=4)
    record = attack(target, Mode.OURS, settings)
    certified = certify(target, record, lambda fraction, message="": told.append(fraction))
    low, high = (record.paths[path][0].clicks for path in ("min", "max"))
    assert [field.history for field in certified.fields] == [(), low, high]
    assert told == pytest.approx([1 / 3, 2 / 3, 1])
    assert {field.stride for field in certified.fields} == {4}
    missed = {(r.path, r.round): r for r in compare(record, certified.fields)}
    assert missed.keys() == {(path, n) for path in ("min", "max") for n in (1, 2)}
    field = certified.fields[1]
    found = record.paths["min"][1].quality
    assert missed["min", 2].regret == pytest.approx(found - field.quality.min())
    assert (certified.paths, record.fields) == (record.paths, ())


def test_the_published_attack_is_certified_in_the_region_that_it_knows():
    target = toy_target(1)
    settings = Settings(clicks=1, permitted=Permitted.DISK, certify=5, stride=4)
    (field,) = certify(target, attack(target, Mode.TETRIS, settings)).fields
    assert field.candidates == len(target.round((), Permitted.CENTRE).region)
    assert field.candidates > len(target.round((), Permitted.DISK).region)


@pytest.mark.parametrize("mode", list(Mode))
def test_equal_attacks_leave_equal_records(mode):
    settings = Settings(clicks=2, evaluations=30, stride=4)
    first, second = (attack(toy_target(2), mode, settings).timeless() for _ in range(2))
    assert repr(first.to_json()) == repr(second.to_json())  # NaN is not equal to itself
    for name, array in first.arrays().items():
        np.testing.assert_array_equal(array, second.arrays()[name])


@pytest.mark.parametrize("permitted", list(Permitted))
def test_extremes_enclose_the_simulated_user_in_every_round(permitted):
    for number in IMAGES:
        settings = Settings(clicks=4, permitted=permitted, evaluations=12, starts=3)
        record = attack(toy_target(number), Mode.OURS, settings)
        low, base, high = (record.curve(path) for path in PATHS)
        assert (low <= base).all()
        assert (base <= high).all()


@pytest.mark.parametrize("budget", [1, 2, 5, 11, 30])
def test_a_search_keeps_to_its_budget(budget):
    for differentiable in (True, False):
        round_ = toy_target(2, differentiable).round((), Permitted.CENTRE)
        scored = Scored(round_, 32)
        found = seek(scored, 1, Settings(evaluations=budget))
        assert found.evaluations + found.soft_evaluations <= budget
        assert scored.asked == found.evaluations
        baseline, best = scored.quality(np.array([round_.region.baseline, found.row]))
        assert best <= baseline


def test_a_search_with_more_budget_than_candidates_tries_them_all():
    round_ = toy_target(0, differentiable=False).round((), Permitted.DISK)
    found = seek(Scored(round_, 32), 1, Settings(evaluations=1000))
    assert found.evaluations == len(round_.region)


@pytest.mark.parametrize("number", IMAGES)
def test_looking_into_cells_finds_the_extremes_with_fewer_evaluations(number):
    data = toy_data(number)
    settings = Settings(clicks=1, stride=4, refine=True)
    (field,) = attack(toy_target(number), Mode.EXHAUSTIVE, settings).fields
    assert field.bound == "empirical"
    assert field.evaluations < field.candidates
    lowest, highest = data["r1_ext"][:, 0]
    assert field.quality.min() == pytest.approx(lowest, abs=1e-12)
    assert field.quality.max() == pytest.approx(highest, abs=1e-12)
    assert field.lower <= lowest
    assert field.upper >= highest
    assert field.share.sum() == pytest.approx(1)
    assert field.weight.sum() == pytest.approx(1)


def test_a_stride_scores_one_candidate_a_cell_and_the_simulated_users():
    (field,) = attack(toy_target(1), "exhaustive", Settings(clicks=1, stride=4)).fields
    assert field.bound == "none"
    cells = np.floor(field.positions / 4)
    assert len(np.unique(cells, axis=0)) >= len(field.positions) - 1
    _, row, column = toy_data(1)["r1_base"]
    assert tuple(field.positions[field.baseline]) == (column + 0.5, row + 0.5)


def test_an_engine_without_gradients_cannot_be_attacked_as_published():
    with pytest.raises(AnnotatorError, match="no gradients"):
        attack(toy_target(0, differentiable=False), Mode.TETRIS, Settings(clicks=1))


@pytest.mark.parametrize("mode", list(Mode))
def test_an_attack_can_be_cancelled(mode):
    token = CancelToken()
    told = []

    def after_the_first_round(fraction, message=""):
        told.append(fraction)
        token.cancel()

    with pytest.raises(Cancelled):
        attack(toy_target(0), mode, Settings(clicks=3), after_the_first_round, token)
    assert len(told) == 1


class FarClick:
    """Says that whatever lies within 60 pixels of the newest click is the object."""

    threshold, differentiable = 0.5, False

    def __init__(self, size):
        self.grid, self.asked = np.ogrid[: size[0], : size[1]], []

    def predict_many(self, encoding, prompts, cancel=None):
        self.asked.append(len(prompts))
        places = [prompt.clicks[-1].position for prompt in prompts]
        rows, columns = self.grid
        return [
            Mask(((rows - y) ** 2 + (columns - x) ** 2 < 60**2).astype(np.int32)) for x, y in places
        ]


def test_large_photos_are_attacked_a_few_masks_at_a_time(monkeypatch):
    truth = np.zeros((200, 400), np.int8)
    truth[40:160, 60:340] = 1
    monkeypatch.setattr(photo, "_PIXELS_AT_ONCE", 7 * truth.size)
    engine = FarClick(truth.shape)
    target = PhotoTarget(engine, None, truth, "far", "large")
    record = attack(target, Mode.OURS, Settings(clicks=1, evaluations=40))
    assert max(engine.asked) == 7
    low, base, high = (record.curve(path)[0] for path in PATHS)
    disk, whole = np.pi * 60**2, 120 * 280
    assert base == pytest.approx(disk / whole, rel=0.02)
    assert base <= high <= base + 0.01
    # in a corner of the object only a quarter of the disk hits it
    assert low <= 0.3 * disk / (whole + 0.7 * disk)
