from dataclasses import replace

import pytest

from annotator.domain import Box, Cancelled, CancelToken
from annotator.engine.contract import prompt_in
from annotator.engine.replay import REMEMBERED, Replay, history

PLACES = [(1.0, 1.0, 0), (2.0, 2.0, 1), (3.0, 3.0, 1), (4.0, 4.0, 0)]


def recorder():
    asked = []

    def step(encoding, prompt, before):
        asked.append(len(prompt.clicks))
        return (encoding, len(prompt.clicks), before)

    return Replay(step), asked


def test_history_begins_with_the_first_prompt_that_can_give_a_mask():
    prompt = prompt_in(*PLACES)
    assert [len(step.clicks) for step in history(prompt)] == [2, 3, 4]
    assert history(prompt)[-1] == prompt
    assert history(prompt_in((1.0, 1.0, 0))) == []


def test_a_box_is_the_first_gesture():
    boxed = replace(prompt_in(*PLACES[:2]), boxes=(Box(1, 0, 0, 5, 5),))
    assert [len(step.clicks) for step in history(boxed)] == [0, 1, 2]


def test_history_follows_the_order_of_the_clicks_and_drops_thresholds():
    prompt = prompt_in(*PLACES)
    shuffled = replace(prompt, clicks=prompt.clicks[::-1], thresholds=((1, 0.7),))
    assert history(shuffled) == history(prompt)


def test_each_answer_is_made_from_the_one_before():
    replay, asked = recorder()
    encoding = object()
    assert replay.before(encoding, prompt_in(*PLACES)) == (
        encoding,
        3,
        (encoding, 2, None),
    )
    assert asked == [2, 3]
    assert replay.before(encoding, prompt_in(*PLACES[:2])) is None


def test_known_answers_are_not_asked_again_but_other_encodings_are():
    replay, asked = recorder()
    first, second = object(), object()
    replay.before(first, prompt_in(*PLACES))
    replay.before(first, prompt_in(*PLACES))
    assert asked == [2, 3]
    replay.before(second, prompt_in(*PLACES))
    assert asked == [2, 3, 2, 3]


def test_a_remembered_answer_serves_the_next_click():
    replay, asked = recorder()
    encoding = object()
    shown = replace(prompt_in(*PLACES[:3]), thresholds=((1, 0.7),))
    replay.remember(encoding, shown, "shown")
    assert replay.before(encoding, prompt_in(*PLACES)) == "shown"
    assert asked == []


def test_memory_is_bounded():
    replay, _ = recorder()
    encoding = object()
    for x in range(2 * REMEMBERED):
        replay.before(encoding, prompt_in((float(x), 0.0, 1), (5.0, 5.0, 0)))
    assert len(replay._known) == REMEMBERED


def test_replaying_heeds_its_cancel_token():
    replay, asked = recorder()
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        replay.before(object(), prompt_in(*PLACES), token)
    assert asked == []
