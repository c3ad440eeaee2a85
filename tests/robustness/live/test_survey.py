"""What clicks elsewhere give, checked against asking for every place by hand."""

import numpy as np
import pytest

from annotator.domain import Cancelled, CancelToken, Click, Image, PointCloud, Prompt
from annotator.engine.registry import PluginRegistry
from annotator.robustness.live import survey as surveys
from annotator.robustness.live.comparing import Tally, quality
from annotator.robustness.live.subjects import PhotoSubject, Question, SceneSubject
from annotator.robustness.live.survey import Survey
from annotator.robustness.live.words import EXPLANATIONS, describe
from tests.ui.conftest import FIXTURE_PLUGINS

SHAPE = (60, 100)


def squares():
    """A red square (10..40) and an orange one (50..80) on grey, the second one doubtful."""
    rgb = np.full((*SHAPE, 3), 128, np.uint8)
    rgb[10:40, 10:40] = (200, 40, 40)
    rgb[10:40, 50:80] = (200, 68, 40)
    return rgb


@pytest.fixture
def engine(tmp_path, monkeypatch):
    monkeypatch.setenv("ANNOTATOR_HOME", str(tmp_path / "home"))
    folders = [FIXTURE_PLUGINS / name for name in ("flood_fill", "nearest_click")]
    registry = PluginRegistry.discover(folders, disk=False)
    opened = []

    def open_(ref):
        opened.append(registry.open(ref, device="cpu"))
        return opened[-1]

    yield open_
    for one in opened:
        one.close()


def run(survey, engine, encoding, most=500):
    pieces = 0
    while survey.piece(engine, encoding, CancelToken()):
        pieces += 1
        assert pieces < most, "it does not end"


def prompt_of(*clicks):
    return Prompt.from_clicks(
        [Click(place, 1, order, positive=inside) for order, (place, inside) in enumerate(clicks)]
    )


def iou(first, second):
    union = (first | second).sum()
    return (first & second).sum() / union if union else 1.0


def ask(engine, encoding, prompt):
    return engine.predict(encoding, prompt).labels > 0


def test_next_clicks_agree_with_asking_for_them_one_by_one(engine, monkeypatch):
    monkeypatch.setattr(surveys, "COARSE", 40)
    flood, reports = engine("flood-fill"), []
    encoding = flood.encode(Image(squares()))
    prompt = prompt_of(((20.5, 20.5), True))
    run(Survey(PhotoSubject(Question(prompt, 1), SHAPE), reports.append), flood, encoding)
    report = reports[-1]
    assert report.how_far.finished
    assert not report.how_far.coarse
    now = ask(flood, encoding, prompt)
    for spot in (report.safest, report.riskiest, report.suggestion):
        x, y = spot.position
        assert spot.inside == (not now[int(y), int(x)])
        with_it = ask(flood, encoding, prompt_of(((20.5, 20.5), True), ((x, y), spot.inside)))
        assert spot.agreement == pytest.approx(iou(with_it, now))
    assert report.riskiest.agreement <= report.safest.agreement


def test_the_suggestion_is_on_the_doubtful_square_not_on_the_ground(engine):
    flood, reports = engine("flood-fill"), []
    encoding = flood.encode(Image(squares()))
    question = Question(prompt_of(((20.5, 20.5), True)), 1)
    run(Survey(PhotoSubject(question, SHAPE), reports.append), flood, encoding)
    suggestion = reports[-1].suggestion
    x, y = suggestion.position
    assert suggestion.inside
    assert 50 <= x < 80
    assert 10 <= y < 40
    assert 0 < suggestion.right < 0.5
    assert suggestion.gain > 0.1


def test_the_newest_click_is_compared_with_the_consensus_of_where_it_could_have_been(engine):
    rgb = squares()
    rgb[10:13, 10:40] = (190, 50, 40)  # an odd strip: a click there floods less
    flood, reports = engine("flood-fill"), []
    encoding = flood.encode(Image(rgb))
    question = Question(prompt_of(((20.5, 25.5), True)), 1, "newest")
    run(Survey(PhotoSubject(question, SHAPE), reports.append), flood, encoding)
    report = reports[-1]
    inside = ask(flood, encoding, question.prompt)
    assert set(report.places.flat) <= set(np.flatnonzero(inside))
    assert report.own == pytest.approx(1.0)
    assert report.suggestion is None
    assert report.safest.agreement == pytest.approx(1.0)
    assert 0.0 <= report.unsafe <= 1.0
    assert report.near == pytest.approx(1.0)


def test_an_outside_click_is_moved_within_what_it_took_away(engine):
    flood, reports = engine("flood-fill"), []
    encoding = flood.encode(Image(squares()))
    question = Question(
        prompt_of(((20.5, 20.5), True), ((60.5, 20.5), True), ((70.5, 30.5), False)), 1, "newest"
    )
    run(Survey(PhotoSubject(question, SHAPE), reports.append), flood, encoding)
    then = ask(flood, encoding, question.base)
    now = ask(flood, encoding, question.prompt)
    assert set(reports[-1].places.flat) <= set(np.flatnonzero(then & ~now))
    assert not reports[-1].riskiest.inside


def test_a_cancelled_piece_is_looked_at_again(engine):
    flood, reports = engine("flood-fill"), []
    encoding = flood.encode(Image(squares()))
    survey = Survey(
        PhotoSubject(Question(prompt_of(((20.5, 20.5), True)), 1), SHAPE), reports.append
    )
    survey.piece(flood, encoding, CancelToken())
    stopped = CancelToken()
    stopped.cancel()
    with pytest.raises(Cancelled):
        survey.piece(flood, encoding, stopped)
    run(survey, flood, encoding)
    looked = [report.how_far.looked for report in reports]
    assert looked == sorted(looked)
    assert reports[-1].how_far.finished


def test_another_engine_begins_anew(engine):
    first, second, reports = engine("flood-fill"), engine("flood-fill"), []
    encodings = [one.encode(Image(squares())) for one in (first, second)]
    survey = Survey(
        PhotoSubject(Question(prompt_of(((20.5, 20.5), True)), 1), SHAPE), reports.append
    )
    run(survey, first, encodings[0])
    survey.piece(second, encodings[1], CancelToken())
    assert reports[-1].how_far.coarse


def test_scans_are_looked_at_by_their_points(engine):
    rng = np.random.default_rng(3)
    xyz = np.concatenate([rng.uniform(0, 1, (400, 3)), rng.uniform(2, 3, (400, 3))])
    cloud = PointCloud(xyz.astype(np.float32))
    nearest, reports = engine("nearest-click"), []
    encoding = nearest.encode(cloud)
    clicks = [Click(tuple(map(float, cloud.xyz[row])), o, o - 1, index=row)
              for row, o in ((0, 1), (400, 2))]  # fmt: skip
    question = Question(Prompt.from_clicks(clicks), 1)
    run(Survey(SceneSubject(question, cloud), reports.append), nearest, encoding)
    report = reports[-1]
    row, spot = report.riskiest.flat, report.riskiest
    more = Click(tuple(map(float, cloud.xyz[row])), int(spot.inside), 2, index=row)
    answer = nearest.predict(encoding, Prompt.from_clicks([*clicks, more])).labels == 1
    now = nearest.predict(encoding, question.prompt).labels == 1
    rows = SceneSubject(question, cloud)
    rows.begin(nearest, encoding, CancelToken())
    compared = rows.compared
    assert spot.agreement == pytest.approx(iou(answer[compared], now[compared]))
    assert set(describe(report, "m")) == {"safest", "riskiest", "spread", "suggestion"}


def test_quality_is_the_ratio_of_expected_intersection_and_union():
    mask = np.array([True, True, False, False])
    probability = np.array([1.0, 0.5, 0.5, 0.0], np.float32)
    assert quality(mask, probability) == pytest.approx(1.5 / 2.5)
    assert quality(np.zeros(4, np.bool_), np.zeros(4, np.float32)) == 1.0


def test_the_consensus_is_made_by_the_first_masks_alone():
    tally = Tally(np.array([True, True, False, False] * 4), voters=3)
    for number in range(3):
        tally.add(number, np.array([True, number > 0, number > 1, False] * 4), 0.0)
    before = tally.agreements()[:3]
    tally.add(3, np.ones(16, np.bool_), 0.0)
    assert tally.own() == 1.0
    assert tally.agreements() == pytest.approx([0.5, 1.0, 2 / 3, 0.5])
    assert before == pytest.approx(tally.agreements()[:3])


@pytest.mark.parametrize("mode", ["next", "newest"])
def test_every_mode_says_that_there_is_no_ground_truth(mode):
    assert "no ground truth" in EXPLANATIONS[mode].replace("There is no", "no")
