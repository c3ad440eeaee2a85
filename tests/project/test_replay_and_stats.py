"""Replaying a session in time, and what it took."""

import time

import numpy as np
import pytest

from annotator.domain import Click, Mask
from annotator.project import Project, replay, statistics
from annotator.project.events import ClicksAdded, Redone, Undone

SECOND = 1_000_000_000


class Clock:
    """Stands in for both clocks, so that a session can last minutes in no time."""

    def __init__(self):
        self.now = 1_700_000_000 * SECOND

    def wait(self, seconds):
        self.now += round(seconds * SECOND)


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(time, "time_ns", lambda: clock.now)
    monkeypatch.setattr(time, "monotonic_ns", lambda: clock.now)
    return clock


@pytest.fixture
def session(path, clock):
    """Open, look (2 s), click, result (1 s later), think 4 s, click, undo after 3 s."""
    project = Project.create(path)
    project.add_asset("scan.ply", "cloud", "c", 10)
    project.set_engine(1, "e")
    clock.wait(2)
    project.add_click(1, (0, 0, 0), 1, camera={"yaw": 1})
    clock.wait(1)
    store(project, run_ms=900.0)
    clock.wait(3)
    project.record_camera(1, "{}")
    clock.wait(1)
    project.add_click(1, (1, 0, 0), 2)
    clock.wait(3)
    project.undo()
    yield project
    project.close()


def store(project, run_ms):
    mask = Mask(np.ones(10, np.int32))
    prompt = project.document.assets[1].prompt()
    project.store_result(1, prompt, mask, run_ms=run_ms, queue_ms=5.0, device="cpu")


def test_replay_tells_every_action_in_order_with_its_time(session):
    steps = list(replay(session))
    assert [step.event.kind for step in steps] == [
        "asset_added", "engine_set", "clicks_added", "camera_recorded", "clicks_added", "undo",
    ]  # fmt: skip
    assert [step.number for step in steps] == list(range(6))
    assert [step.pause_s for step in steps] == [0, 0, 2, 4, 1, 3]
    assert [step.elapsed_s for step in steps] == [0, 0, 2, 6, 7, 10]
    assert steps[2].event.camera == '{"yaw":1}'


def test_replay_shows_the_document_after_each_action_undone_ones_too(session):
    steps = list(replay(session))
    assert [len(step.document.assets[1].clicks) for step in steps] == [0, 0, 1, 1, 2, 1]
    assert [step.undone for step in steps] == [False, False, False, False, True, False]
    assert isinstance(steps[-1].event, Undone)
    assert isinstance(steps[-1].target, ClicksAdded)
    assert steps[-1].document == session.document


def test_a_redone_action_counts_as_done(session):
    session.redo()
    steps = list(replay(session))
    assert not steps[4].undone
    assert isinstance(steps[-1].event, Redone)
    assert steps[-1].target == steps[4].event


def test_no_time_passes_in_a_replay_between_sessions(session, clock):
    session.close()
    clock.wait(7 * 3600)
    with Project.open(session.path) as again:
        clock.wait(5)
        again.add_click(1, (2, 0, 0), 1)
        last = list(replay(again))[-1]
        assert (last.pause_s, last.elapsed_s) == (5, 15)
        assert statistics(again).active_s == 15
        assert statistics(again).sessions == 2


def test_time_per_click_counts_from_the_last_action_or_result(session):
    stats = statistics(session)
    assert stats.click_s == (2.0, 4.0)
    assert (stats.mean_click_s, stats.median_click_s) == (3.0, 3.0)
    assert (stats.active_s, stats.idle_s, stats.idle_gaps) == (10.0, 0.0, 0)


def test_actions_are_counted(session):
    session.redo()
    session.move_click(1, 1, (3, 3, 3))
    session.remove_click(1, 2)
    session.paint(1, [1, 2], 1)
    stats = statistics(session)
    assert (stats.clicks, stats.kept) == (2, 1)
    assert (stats.undos, stats.redos, stats.moved, stats.removed, stats.edits) == (1, 1, 1, 1, 1)
    assert (stats.run_ms, stats.queue_ms) == ((900.0,), (5.0,))
    assert stats.events == session.last_seq


def test_long_pauses_count_up_to_the_threshold(session, clock):
    clock.wait(100)
    session.add_click(1, (0, 0, 0), 3)
    stats = statistics(session)
    assert stats.click_s[-1] == 30.0
    assert (stats.idle_s, stats.idle_gaps) == (70.0, 1)
    assert statistics(session, idle_after_s=1000).click_s[-1] == 100.0


def test_time_per_object_adds_clicks_and_repairs(session, clock):
    clock.wait(6)
    session.paint(1, [1], 1)
    clock.wait(2)
    session.add_clicks(1, [Click((0, 0, 0), 1), Click((0, 0, 0), 0)])
    objects = {o.object_id: o for o in statistics(session).objects}
    assert objects[1].name == "Object 1"
    assert (objects[1].clicks, objects[1].kept, objects[1].seconds) == (2, 2, 2 + 6 + 1)
    assert (objects[2].clicks, objects[2].kept, objects[2].name) == (1, 0, "")
    assert (objects[0].name, objects[0].seconds) == ("Background", 1.0)


def test_a_clock_set_back_makes_no_negative_times(session, clock):
    clock.wait(-50)
    session.add_click(1, (0, 0, 0), 1)
    assert min(step.pause_s for step in replay(session)) == 0
    assert min(statistics(session).click_s) == 0


def test_an_empty_project_has_statistics(path):
    with Project.create(path) as project:
        stats = statistics(project)
        assert (stats.clicks, stats.mean_click_s, stats.objects) == (0, 0.0, ())
        assert list(replay(project)) == []


def test_a_project_open_to_read_can_be_replayed(session):
    with Project.open(session.path, read_only=True) as reader:
        assert len(list(replay(reader))) == 6
        assert statistics(reader).clicks == 2
