import threading
import time

import numpy as np
import pytest

from annotator.domain import AnnotatorError, Cancelled, CancelToken
from annotator.engine.session import EngineSession
from tests.engine.helpers import Recorder, click_prompt, line_cloud, nearest_click_registry


@pytest.fixture
def session():
    made = EngineSession(nearest_click_registry(), device="cpu")
    yield made
    made.close()


@pytest.fixture
def recorder(session):
    return Recorder(session)


def use(session, recorder, **parameters):
    before = recorder.kinds().count("ready")
    session.use("nearest-click", parameters)
    recorder.wait("ready", count=before + 1)


def test_a_click_is_queued_run_and_done(session, recorder):
    use(session, recorder)
    session.open_asset(1, line_cloud())
    generation = session.request(1, click_prompt((0, 1), (9, 2)))
    done = recorder.wait("done", generation=generation)
    assert done.result.labels.tolist() == [1] * 5 + [2] * 5
    assert recorder.kinds(generation=generation) == ["queued", "running", "done"]
    assert done.asset_id == 1
    assert done.prompt == click_prompt((0, 1), (9, 2))
    assert session.is_current(done)


def test_the_calling_thread_is_never_used(session, recorder):
    threads = set()
    session.events.connect(lambda event: threads.add(threading.current_thread().name))
    use(session, recorder)
    assert threads == {"inference-events"}


def test_rapid_clicks_give_one_result_of_the_newest_prompt(session, recorder):
    use(session, recorder, predict_seconds=0.05)
    session.open_asset(1, line_cloud())
    recorder.wait("encoded")
    prompts = [click_prompt((0, k)) for k in range(1, 11)]
    generations = [session.request(1, prompt) for prompt in prompts]
    done = recorder.wait("done")
    assert done.generation == generations[-1]
    assert set(done.result.labels) == {10}
    assert recorder.kinds().count("dropped") == 9
    assert recorder.kinds().count("done") == 1


def test_a_running_prediction_stops_when_a_newer_click_comes(session, recorder):
    use(session, recorder)
    session.open_asset(1, line_cloud())
    recorder.wait("encoded")
    session.use("nearest-click", {"predict_seconds": 0.3})
    recorder.wait("ready", count=2)
    first = session.request(1, click_prompt((0, 1)))
    recorder.wait("running", generation=first)
    second = session.request(1, click_prompt((0, 2)))
    recorder.wait("done", generation=second)
    assert recorder.kinds(generation=first) == ["queued", "running", "dropped"]


def test_each_asset_keeps_its_own_newest_request(session, recorder):
    use(session, recorder)
    session.open_asset(1, line_cloud(4))
    session.open_asset(2, line_cloud(6))
    first = session.request(1, click_prompt((0, 1)))
    second = session.request(2, click_prompt((0, 2)))
    assert len(recorder.wait("done", generation=first).result.labels) == 4
    assert len(recorder.wait("done", generation=second).result.labels) == 6


def test_a_request_before_the_engine_is_ready_waits_for_it(session, recorder):
    session.open_asset(1, line_cloud())
    session.use("nearest-click")
    generation = session.request(1, click_prompt((0, 3)))
    assert set(recorder.wait("done", generation=generation).result.labels) == {3}


def test_a_request_without_any_engine_says_so(session, recorder):
    session.open_asset(1, line_cloud())
    session.request(1, click_prompt((0, 3)))
    assert "No engine" in recorder.wait("failed").error.message


def test_a_request_for_an_asset_that_is_not_open_is_a_programming_error(session):
    with pytest.raises(KeyError):
        session.request(7, click_prompt((0, 1)))


def test_encoding_reports_progress_and_is_cancelled(session, recorder):
    use(session, recorder)
    session.use("nearest-click", {"encode_seconds": 0.2})
    recorder.wait("ready", count=2)
    session.open_asset(1, line_cloud())
    recorder.wait("encoding")
    session.cancel(1)
    recorder.wait("cancelled", asset_id=1)
    assert "encoded" not in recorder.kinds(asset_id=1)
    session.request(1, click_prompt((0, 1)))  # starts the encoding again
    recorder.wait("encoded", asset_id=1)
    recorder.wait("done", asset_id=1)
    fractions = [e.fraction for e in recorder.events if e.kind == "encoding"]
    assert any(0 < f < 1 for f in fractions)


def test_a_cancelled_prediction_is_reported_as_cancelled(session, recorder):
    use(session, recorder, predict_seconds=0.2)
    session.open_asset(1, line_cloud())
    generation = session.request(1, click_prompt((0, 1)))
    recorder.wait("running", generation=generation)
    session.cancel()
    recorder.wait("cancelled", generation=generation)
    assert "done" not in recorder.kinds()


def test_a_failing_load_keeps_the_old_engine(session, recorder):
    use(session, recorder)
    session.open_asset(1, line_cloud())
    session.use("nearest-click", {"fail": "create"})
    failed = recorder.wait("failed")
    assert "asked to fail at create" in failed.error.message
    generation = session.request(1, click_prompt((0, 1)))
    recorder.wait("done", generation=generation)


def test_an_engine_that_fails_its_warm_up_is_not_taken(session, recorder):
    use(session, recorder)
    session.use("nearest-click", {"fail": "encode"})
    assert "asked to fail at encode" in recorder.wait("failed").error.message
    assert session.engine.parameters["fail"] == "never"


def test_unknown_plugins_fail_in_words(session, recorder):
    session.use("no-such-plugin")
    assert "nearest-click" in recorder.wait("failed").error.remedy


def test_a_new_engine_encodes_open_assets_again(session, recorder):
    use(session, recorder)
    session.open_asset(1, line_cloud())
    recorder.wait("encoded")
    use(session, recorder, reach=2.0)
    recorder.wait("encoded", count=2)
    session.request(1, click_prompt((0, 1)))
    assert recorder.wait("done").result.labels.tolist() == [1, 1, 1] + [0] * 7


def test_a_failing_prediction_leaves_the_session_usable(session, recorder, monkeypatch):
    use(session, recorder)
    session.open_asset(1, line_cloud())
    recorder.wait("encoded")
    real = session.engine.engine.predict
    monkeypatch.setattr(session.engine.engine, "predict", lambda *a, **k: 1 / 0)
    session.request(1, click_prompt((0, 1)))
    failed = recorder.wait("failed")
    assert isinstance(failed.error, AnnotatorError)
    assert "nearest-click" in failed.error.message
    assert "division by zero" in failed.error.message
    monkeypatch.setattr(session.engine.engine, "predict", real)
    session.request(1, click_prompt((0, 1)))
    recorder.wait("done")


def test_a_mask_of_the_wrong_length_never_reaches_the_canvas(session, recorder, monkeypatch):
    use(session, recorder)
    session.open_asset(1, line_cloud())
    recorder.wait("encoded")
    from annotator.domain import Mask

    short = Mask(np.zeros(3, np.int32))
    monkeypatch.setattr(session.engine.engine, "predict", lambda *a, **k: short)
    session.request(1, click_prompt((0, 1)))
    assert "(3,) labels for 10 points" in recorder.wait("failed").error.message


def test_closing_an_asset_cancels_its_work(session, recorder):
    use(session, recorder, predict_seconds=0.2)
    session.open_asset(1, line_cloud())
    generation = session.request(1, click_prompt((0, 1)))
    recorder.wait("running", generation=generation)
    session.close_asset(1)
    recorder.wait("cancelled", "dropped", generation=generation)
    assert "done" not in recorder.kinds()


def test_a_stale_event_is_recognised_by_the_receiver(session, recorder):
    use(session, recorder)
    session.open_asset(1, line_cloud())
    session.request(1, click_prompt((0, 1)))
    done = recorder.wait("done")
    session.request(1, click_prompt((0, 2)))
    assert not session.is_current(done)


def test_a_faulty_listener_does_not_end_the_delivery(session, recorder):
    session.events.connect(lambda event: 1 / 0)
    session.use("nearest-click")
    recorder.wait("ready")  # the second event, after the listener failed at the first


def test_closing_ends_both_threads_even_while_computing(recorder, session):
    use(session, recorder, predict_seconds=0.3)
    session.open_asset(1, line_cloud())
    session.request(1, click_prompt((0, 1)))
    recorder.wait("running")
    session.close()
    assert not any(thread.is_alive() for thread in session._threads)


def test_of_thousands_of_requests_each_ends_once_and_the_last_wins(session, recorder):
    use(session, recorder)
    session.open_asset(1, line_cloud(3))
    recorder.wait("encoded")
    for k in range(3000):
        last = session.request(1, click_prompt((0, k % 5 + 1)))
        if k % 500 == 0:
            time.sleep(0.001)
    done = recorder.wait("done", generation=last)
    assert set(done.result.labels) == {2999 % 5 + 1}
    ends = [e for e in recorder.events if e.kind in ("done", "dropped")]
    assert len(ends) == 3000
    assert len({e.generation for e in ends}) == 3000


def test_stopping_gives_up_an_engine_that_is_warming_up(session, recorder):
    session.use("nearest-click", {"encode_seconds": 30.0})
    recorder.wait("loading")
    time.sleep(0.1)
    session.stop()
    session.close(timeout=5.0)
    assert not any(thread.is_alive() for thread in session._threads)


def test_a_prepared_engine_is_taken_at_once_while_the_old_one_answered_on():
    session = EngineSession(nearest_click_registry(disk=False), device="cpu")
    recorder = Recorder(session)
    session.use("nearest-click")
    session.open_asset(1, line_cloud(4))
    recorder.wait("encoded")
    slow = {"encode_seconds": 0.5}
    thread = threading.Thread(target=session.prepare, args=("nearest-click", slow))
    thread.start()
    answer = recorder.wait("done", generation=session.request(1, click_prompt((0, 3))))
    assert answer.result.labels.tolist() == [3] * 4
    assert thread.is_alive(), "the old engine answered only after the new one had come"
    thread.join()
    prepared = session._prepared[2]
    session.use("nearest-click", slow)
    recorder.wait("ready", count=2)
    assert session.engine is prepared
    assert session._prepared is None
    session.close()


def test_preparing_fails_in_words_and_can_be_cancelled():
    session = EngineSession(nearest_click_registry(disk=False), device="cpu")
    with pytest.raises(AnnotatorError, match="asked to fail"):
        session.prepare("nearest-click", {"fail": "create"})
    token = CancelToken()
    token.cancel()
    session._registry.enable("nearest-click")
    with pytest.raises(Cancelled):
        session.prepare("nearest-click", {"encode_seconds": 5.0}, token)
    assert session._prepared is None
    session.close()


def test_two_sessions_open_their_engines_one_after_the_other(monkeypatch):
    """Two threads that import a large package for the first time at once may break it."""
    registry = nearest_click_registry()
    inside, most = [], []
    plain = registry.open

    def slow_open(*arguments, **named):
        inside.append(1)
        most.append(len(inside))
        time.sleep(0.1)
        try:
            return plain(*arguments, **named)
        finally:
            inside.pop()

    monkeypatch.setattr(registry, "open", slow_open)
    sessions = [EngineSession(registry, device="cpu") for _ in range(3)]
    recorders = [Recorder(session) for session in sessions]
    try:
        for session in sessions:
            session.use("nearest-click")
        for recorder in recorders:
            recorder.wait("ready")
    finally:
        for session in sessions:
            session.close()
    assert most == [1, 1, 1]
