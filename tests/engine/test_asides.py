"""What is done aside uses the engine's thread, but only while nobody waits for an answer."""

import threading

import pytest

from annotator.domain import AnnotatorError
from annotator.engine.asides import Aside
from annotator.engine.session import EngineSession
from tests.engine.helpers import WAIT, Recorder, click_prompt, line_cloud, nearest_click_registry


@pytest.fixture
def session():
    made = EngineSession(nearest_click_registry(), device="cpu")
    yield made
    made.close()


@pytest.fixture
def recorder(session):
    recorder = Recorder(session)
    session.use("nearest-click")
    session.open_asset(1, line_cloud())
    recorder.wait("encoded")
    return recorder


def test_pieces_are_done_until_there_is_no_more(session, recorder):
    answers, ended = [], threading.Event()

    def piece(engine, encoding, cancel):
        mask = engine.predict(encoding, click_prompt((0, 1), (9, len(answers) + 2)), cancel)
        answers.append(set(mask.labels.tolist()))
        if len(answers) == 3:
            ended.set()
        return len(answers) < 3

    session.do_aside(1, Aside(piece))
    assert ended.wait(WAIT)
    session.request(1, click_prompt((0, 1)))
    recorder.wait("done")
    assert answers == [{1, 2}, {1, 3}, {1, 4}]


def test_a_request_cancels_the_piece_and_is_answered_first(session, recorder):
    order, started, resumed = [], threading.Event(), threading.Event()

    def piece(engine, encoding, cancel):
        started.set()
        if "cancelled" not in order:
            assert cancel._event.wait(WAIT)
            order.append("cancelled")
            cancel.check()
        order.append("resumed")
        resumed.set()
        return False

    session.events.connect(lambda event: order.append(event.kind))
    session.do_aside(1, Aside(piece))
    assert started.wait(WAIT)
    generation = session.request(1, click_prompt((0, 1)))
    recorder.wait("done", generation=generation)
    assert resumed.wait(WAIT)
    assert order.index("cancelled") < order.index("resumed")
    assert recorder.kinds(generation=generation) == ["queued", "running", "done"]


def test_replacing_or_closing_ends_it(session, recorder):
    calls, going = {"first": 0, "second": 0}, threading.Event()

    def counting(name):
        def piece(engine, encoding, cancel):
            calls[name] += 1
            if calls[name] >= 3:
                going.set()
            return not cancel._event.wait(0.002)

        return piece

    for name in ("first", "second"):
        session.do_aside(1, Aside(counting(name)))
        assert going.wait(WAIT)
        going.clear()
    session.do_aside(1, None)
    session.request(1, click_prompt((0, 1)))
    recorder.wait("done")
    seen = dict(calls)
    session.request(1, click_prompt((0, 2)))
    recorder.wait("done", count=2)
    assert calls == seen
    with pytest.raises(KeyError):
        session.do_aside(2, None)


def test_a_failure_ends_it_in_words_and_the_session_goes_on(session, recorder):
    told = []

    def piece(engine, encoding, cancel):
        raise ValueError("no such place")

    session.do_aside(1, Aside(piece, told.append))
    session.request(1, click_prompt((0, 1)))
    recorder.wait("done")
    session.request(1, click_prompt((0, 2)))
    recorder.wait("done", count=2)
    assert len(told) == 1
    assert isinstance(told[0], AnnotatorError)
    assert "no such place" in told[0].message
    assert "failed" not in recorder.kinds()


def test_another_engine_takes_over_where_the_first_was(session, recorder):
    engines, started, changed = [], threading.Event(), threading.Event()

    def piece(engine, encoding, cancel):
        engines.append(engine)
        started.set()
        if engine is not engines[0]:
            changed.set()
        return not changed.is_set() and not cancel._event.wait(0.002)

    session.do_aside(1, Aside(piece))
    assert started.wait(WAIT)
    session.use("nearest-click", {"predict_seconds": 0.01})
    assert changed.wait(WAIT)
