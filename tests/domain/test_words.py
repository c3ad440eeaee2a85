"""Clicks, prompts, colours, masks, signals, progress and errors."""

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotator.domain import (
    AnnotatorError,
    Cancelled,
    CancelToken,
    Click,
    LabelClass,
    LabelSet,
    Mask,
    Prompt,
    Signal,
    no_progress,
    object_colour,
)
from annotator.domain.labels import BACKGROUND_COLOUR, SAFE_COLOURS


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 100)), max_size=20))
def test_a_prompt_orders_clicks_and_lists_the_clicked_objects(pairs):
    clicks = [Click((0.0,), object_id, order) for object_id, order in pairs]
    prompt = Prompt.from_clicks(clicks)
    assert [c.order for c in prompt.clicks] == list(range(len(pairs)))
    assert [c.object_id for c in prompt.clicks] == [
        object_id for object_id, _ in sorted(pairs, key=lambda pair: pair[1])
    ]
    assert prompt.object_ids == tuple(sorted({i for i, _ in pairs} - {0}))


def test_the_first_dozen_objects_have_the_safe_colours_and_background_is_grey():
    assert tuple(object_colour(i) for i in range(1, 13)) == SAFE_COLOURS
    assert object_colour(0) == BACKGROUND_COLOUR


def test_the_first_200_objects_all_look_different_and_none_like_background():
    colours = [object_colour(i) for i in range(201)]
    assert len(set(colours)) == 201
    assert all(0 <= part <= 255 for colour in colours for part in colour)


def test_neighbouring_objects_are_far_apart_in_colour():
    for i in range(1, 200):
        a, b = np.array(object_colour(i), int), np.array(object_colour(i + 1), int)
        assert np.abs(a - b).sum() > 40, (i, a, b)


def test_a_class_is_found_by_its_exact_name():
    labels = LabelSet((LabelClass(1, "chair"), LabelClass(2, "table")))
    assert labels.by_name("table").label_id == 2
    assert labels.by_name("Table") is None


def test_a_mask_tells_which_points_changed():
    old, new = Mask(np.array([0, 1, 2], np.int32)), Mask(np.array([0, 2, 2], np.int32))
    assert new.changed_from(old).tolist() == [1]
    assert new.changed_from(new).tolist() == []
    assert new.changed_from(None).tolist() == [0, 1, 2]
    assert new.changed_from(Mask(np.zeros(5, np.int32))).tolist() == [0, 1, 2]


def test_the_changed_pixels_of_a_photo_are_flat_indices():
    old = Mask(np.zeros((2, 3), np.int32))
    new = Mask(np.array([[0, 0, 0], [0, 1, 0]], np.int32))
    assert new.changed_from(old).tolist() == [4]


def test_a_signal_calls_in_order_of_connection_until_disconnected():
    signal, calls = Signal[[int]](), []
    first = signal.connect(lambda value: calls.append(("first", value)))
    signal.connect(lambda value: calls.append(("second", value)))
    signal.emit(1)
    first()
    first()
    signal.emit(2)
    assert calls == [("first", 1), ("second", 1), ("second", 2)]


def test_a_slot_may_disconnect_itself_while_called():
    signal, calls = Signal[[]](), []

    def once():
        calls.append("once")
        disconnect()

    disconnect = signal.connect(once)
    signal.connect(lambda: calls.append("always"))
    signal.emit()
    signal.emit()
    assert calls == ["once", "always", "always"]


def test_a_cancel_token_stops_work_in_another_thread():
    token, stopped = CancelToken(), threading.Event()

    def work():
        try:
            while True:
                token.check()
        except Cancelled:
            stopped.set()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    assert not token.cancelled
    token.cancel()
    assert stopped.wait(10)
    assert token.cancelled


def test_a_token_that_was_not_set_lets_work_go_on():
    CancelToken().check()
    no_progress(0.5, "half")


def test_cancelling_is_not_an_error_a_person_reads():
    assert not issubclass(Cancelled, AnnotatorError)


@pytest.mark.parametrize(
    ("remedy", "text"), [("", "It broke."), ("Mend it.", "It broke. Mend it.")]
)
def test_an_error_says_what_happened_and_what_to_do(remedy, text):
    error = AnnotatorError("It broke.", remedy)
    assert (error.message, error.remedy, str(error)) == ("It broke.", remedy, text)
