"""Many objects in a photo from an engine that sees one object at a time."""

from pathlib import Path

import numpy as np
import pytest

from annotator.domain import Box, Cancelled, CancelToken, Candidate, Click, Image, Mask, Prompt
from annotator.engine.per_object import PerObject, compose
from annotator.engine.registry import PluginRegistry

FIXTURES = Path(__file__).parents[1] / "plugins" / "fixtures"


@pytest.fixture
def engine():
    opened = PluginRegistry.discover([FIXTURES], disk=False).open("flood-fill")
    yield opened
    opened.close()


@pytest.fixture
def stripes():
    """Three vertical stripes: red, green, blue, each 10 pixels wide."""
    rgb = np.zeros((20, 30, 3), np.uint8)
    for colour in range(3):
        rgb[:, 10 * colour : 10 * colour + 10, colour] = 255
    return Image(rgb, "stripes")


def test_the_prompt_of_an_object_holds_its_clicks_and_those_of_the_background():
    prompt = Prompt(
        clicks=(
            Click((1.0, 1.0), 4, 0, time_ns=5, click_id=9),
            Click((2.0, 2.0), 7, 1),
            Click((3.0, 3.0), 4, 2, positive=False),
            Click((4.0, 4.0), 0, 3),
        ),
        object_ids=(4, 7),
        boxes=(Box(4, 0, 0, 9, 9), Box(7, 1, 1, 2, 2)),
        thresholds=((4, 0.3),),
        candidates=((7, 2),),
    )
    alone = prompt.of_object(4)
    assert [(c.position, c.object_id, c.order) for c in alone.clicks] == [
        ((1.0, 1.0), 1, 0), ((3.0, 3.0), 0, 1), ((4.0, 4.0), 0, 2),
    ]  # fmt: skip
    assert alone.boxes == (Box(1, 0, 0, 9, 9),)
    assert alone.thresholds == ((1, 0.3),)
    assert alone.candidates == ()
    assert prompt.prompted_ids == (4, 7)


def test_an_object_with_outside_clicks_only_is_not_asked_for():
    assert (
        Prompt(clicks=(Click((1.0, 1.0), 3, positive=False),), object_ids=(3,)).prompted_ids == ()
    )


def test_objects_share_the_pixels_of_a_photo(engine, stripes):
    prompt = Prompt.from_clicks([Click((5.0, 5.0), 2, 0), Click((15.0, 5.0), 9, 1)])
    labels = engine.predict(engine.encode(stripes), prompt).labels
    assert (labels[:, :10] == 2).all()
    assert (labels[:, 10:20] == 9).all()
    assert not labels[:, 20:].any()


def test_a_further_click_asks_only_for_the_object_it_concerns(engine, stripes):
    encoding = engine.encode(stripes)
    asked = []
    predict = engine.engine.predict
    engine.engine.predict = lambda e, p, cancel=None: asked.append(p) or predict(e, p)
    clicks = [Click((5.0, 5.0), 1, 0), Click((15.0, 5.0), 2, 1)]
    engine.predict(encoding, Prompt.from_clicks(clicks))
    engine.predict(encoding, Prompt.from_clicks([*clicks, Click((25.0, 5.0), 2, 2)]))
    assert len(asked) == 3
    assert [c.position for c in asked[-1].clicks] == [(15.0, 5.0), (25.0, 5.0)]


def test_a_click_on_another_object_says_outside_where_an_answer_took_its_place(engine):
    rgb = np.full((20, 30, 3), 90, np.uint8)
    rgb[:, 15:] = 110  # so alike that each click takes the whole photo
    photo = Image(rgb, "two greys")
    left, right = Click((5.0, 5.0), 1, 0), Click((25.0, 5.0), 2, 1)
    encoding = engine.encode(photo)
    alone = Prompt((left,), (1,), thresholds=((1, 0.3),))
    assert engine.predict(encoding, alone).labels.all()
    both = Prompt((left, right), (1, 2), thresholds=((1, 0.3), (2, 0.3)))
    labels = engine.predict(encoding, both).labels
    assert (labels[:, :15] == 1).all()
    assert (labels[:, 15:] == 2).all()


def test_a_click_on_another_object_elsewhere_leaves_an_answer_alone(engine, stripes):
    encoding = engine.encode(stripes)
    asked = []
    predict = engine.engine.predict
    engine.engine.predict = lambda e, p, cancel=None: asked.append(p) or predict(e, p)
    engine.predict(
        encoding, Prompt.from_clicks([Click((5.0, 5.0), 1, 0), Click((15.0, 5.0), 2, 1)])
    )
    assert [len(prompt.clicks) for prompt in asked] == [1, 1]


def test_answers_are_kept_up_to_a_size(engine, stripes, monkeypatch):
    size = stripes.rgb.shape[0] * stripes.rgb.shape[1] * 8
    monkeypatch.setattr("annotator.engine.per_object.REMEMBERED_BYTES", 2 * size)
    encoding = engine.encode(stripes)
    asked = []
    predict = engine.engine.predict
    engine.engine.predict = lambda e, p, cancel=None: asked.append(p) or predict(e, p)
    clicks = [Click((10.0 * i + 5, 5.0), i + 1, i) for i in range(3)]
    engine.predict(encoding, Prompt.from_clicks(clicks))
    engine.predict(encoding, Prompt.from_clicks(clicks[1:]))
    assert len(asked) == 3
    engine.predict(encoding, Prompt.from_clicks(clicks[:1]))
    assert len(asked) == 4


def test_a_box_alone_selects_an_object(engine, stripes):
    prompt = Prompt(object_ids=(3,), boxes=(Box(3, 2, 4, 12, 14),))
    labels = engine.predict(engine.encode(stripes), prompt).labels
    assert (labels == 3).sum() == 100
    assert (labels[4:14, 2:12] == 3).all()


def test_the_surest_object_wins_relative_to_its_threshold():
    def answer(probability, threshold=0.5):
        p = np.full((2, 2), probability, np.float32)
        return Mask((p > threshold).astype(np.int32), probability=p)

    answers = {1: answer(0.8), 2: answer(0.7, 0.2)}
    assert (compose(answers, {1: 0.5, 2: 0.5}).labels == 1).all()
    assert (compose(answers, {1: 0.5, 2: 0.2}).labels == 2).all()  # 0.625 above beats 0.6


def test_candidates_carry_the_number_of_their_object():
    inside = np.ones((2, 2), bool)
    mask = Mask(np.ones((2, 2), np.int32), candidates=(Candidate(1, inside, 0.5),))
    assert [c.object_id for c in compose({8: mask}, {8: 0.5}).candidates] == [8]


def test_cancelling_stops_between_objects():
    token = CancelToken()

    def predict(encoding, prompt, cancel):
        token.cancel()
        return Mask(np.ones((2, 2), np.int32))

    prompt = Prompt.from_clicks([Click((0.0, 0.0), 1, 0), Click((1.0, 1.0), 2, 1)])
    with pytest.raises(Cancelled):
        PerObject(predict, 0.5).mask(None, prompt, token)


def test_an_equal_prompt_on_another_encoding_is_asked_anew(engine, stripes):
    flipped = Image(np.ascontiguousarray(stripes.rgb[:, ::-1]), "flipped")
    prompt = Prompt.from_clicks([Click((5.0, 5.0), 1, 0)])
    first = engine.predict(engine.encode(stripes), prompt).labels
    second = engine.predict(engine.encode(flipped), prompt).labels
    assert (first == second).all()  # the left stripe, whatever its colour
    assert not np.shares_memory(first, second)
