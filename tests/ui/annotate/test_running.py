"""When the engine is asked, which answers count, and what is said when it fails."""

import numpy as np
from PySide6.QtTest import QTest

from annotator.ui.annotate.batch_key import KEY

FIRST, SECOND, THIRD = 465, 1365, 2265
SLOW = ("nearest-click", {"predict_seconds": 0.3})


def words(bench):
    return " ".join(part for message in bench.messages for part in message)


def test_holding_the_batch_key_runs_the_engine_once_for_all_clicks(bench):
    bench.click(FIRST)
    bench.wait_answer()
    QTest.keyPress(bench.view, KEY)
    bench.click(SECOND)
    bench.do("select_object", 2)
    bench.click(THIRD)
    assert bench.states() == ["done", "waiting", "waiting"]
    assert len(bench.requests) == 1
    QTest.keyRelease(bench.view, KEY)
    bench.wait_answer()
    assert len(bench.requests) == 2
    assert len(bench.requests[-1][1].clicks) == 3
    assert bench.labels[THIRD] == 2


def test_losing_the_keyboard_lets_the_batch_key_go(bench):
    QTest.keyPress(bench.view, KEY)
    bench.click(FIRST)
    assert not bench.requests
    bench.view.clearFocus()
    bench.wait_answer()
    assert len(bench.requests) == 1


def test_without_auto_run_clicks_wait_for_run_now(bench):
    bench.do("set_auto_run", False)
    assert "auto_run" not in bench.controller.conditions()
    bench.click(FIRST)
    bench.click(SECOND)
    assert bench.states() == ["waiting", "waiting"]
    assert not bench.requests
    bench.do("run_now")
    bench.wait_answer()
    assert len(bench.requests) == 1
    assert bench.states() == ["done", "done"]


def test_switching_auto_run_on_answers_waiting_clicks(bench):
    bench.do("set_auto_run", False)
    bench.click(FIRST)
    bench.do("set_auto_run", True)
    bench.wait_answer()
    assert (bench.labels == 1).all()


def test_the_newest_of_quick_clicks_wins_and_no_stale_mask_is_shown(make_bench):
    bench = make_bench(engine=SLOW)
    shown = []
    show = bench.controller.bench.canvas.show_labels
    bench.controller.bench.canvas.show_labels = lambda labels: (
        shown.append(None if labels is None else set(np.unique(labels))) or show(labels)
    )
    for object_id, row in ((1, FIRST), (2, SECOND), (3, THIRD)):
        bench.do("select_object", object_id)
        bench.click(row)
    bench.wait_answer()
    assert len(bench.requests) == 3
    assert [ids for ids in shown if ids] == [{1, 2, 3}]
    assert bench.states() == ["done"] * 3


def test_the_old_mask_stays_dimmed_until_the_new_one_comes(make_bench):
    bench = make_bench(engine=SLOW)
    bench.click(FIRST)
    bench.wait_answer()
    bright = bench.view.label_opacity
    bench.do("select_object", 2)
    bench.click(THIRD)
    bench.qtbot.waitUntil(lambda: bench.view.label_opacity < bright)
    assert (bench.shown == 1).all()
    bench.wait_answer()
    assert bench.view.label_opacity == bright
    assert bench.labels[THIRD] == 2


def test_a_running_click_shows_its_time_so_far_and_a_done_one_its_time(make_bench):
    bench = make_bench(engine=SLOW)
    bench.click(FIRST)
    model = bench.controller._clicks_model
    bench.qtbot.waitUntil(lambda: bench.states() == ["running"])
    bench.qtbot.waitUntil(lambda: model.index(0, 3).data() not in ("", "0 ms"))
    bench.wait_answer()
    assert bench.states() == ["done"]
    assert int(model.index(0, 3).data().removesuffix(" ms")) >= 300


def test_undo_and_redo_show_stored_masks_without_asking_the_engine(bench):
    bench.click(FIRST)
    bench.wait_answer()
    bench.do("select_object", 2)
    bench.click(THIRD)
    bench.wait_answer()
    after = bench.labels.copy()
    bench.do("undo")
    assert (bench.labels == 1).all()
    assert (bench.shown == 1).all()
    bench.do("undo")
    assert bench.labels is None
    assert not bench.view.overlay.markers
    bench.do("redo")
    bench.do("redo")
    assert np.array_equal(bench.labels, after)
    assert len(bench.requests) == 2
    assert bench.states() == ["done", "done"]


def test_undoing_while_the_engine_runs_shows_no_late_answer(make_bench):
    bench = make_bench(engine=SLOW)
    bench.click(FIRST)
    bench.qtbot.waitUntil(lambda: bench.states() == ["running"])
    bench.do("undo")
    bench.qtbot.wait(500)
    assert bench.labels is None
    assert not bench.controller.bench.runs.busy


def test_stopping_keeps_the_click_and_running_again_answers_it(make_bench):
    bench = make_bench(engine=SLOW)
    bench.click(FIRST)
    bench.qtbot.waitUntil(lambda: bench.states() == ["running"])
    assert "busy" in bench.controller.conditions()
    bench.do("cancel_run")
    bench.qtbot.waitUntil(lambda: bench.states() == ["waiting"])
    assert "busy" not in bench.controller.conditions()
    assert len(bench.asset.clicks) == 1
    bench.do("run_now")
    bench.wait_answer()
    assert bench.states() == ["done"]


def test_a_failing_engine_says_so_keeps_the_click_and_can_be_tried_again(make_bench):
    bench = make_bench(engine=("nearest-click", {"fail": "predict"}))
    bench.click(FIRST)
    bench.qtbot.waitUntil(lambda: bool(bench.messages))
    assert "asked to fail" in words(bench)
    assert "clicks are kept" in words(bench)
    assert bench.messages[0][2] == "error"
    assert bench.states() == ["failed"]
    assert len(bench.asset.clicks) == 1
    bench.project.set_engine(bench.asset_id, "nearest-click", {})
    bench.wait_answer()
    assert bench.states() == ["done"]
    assert (bench.labels == 1).all()


def test_running_out_of_memory_is_said_in_words(make_bench):
    bench = make_bench(engine=("nearest-click", {"fail": "memory"}))
    bench.qtbot.waitUntil(lambda: bool(bench.messages))
    assert "memory" in words(bench).lower()
    bench.click(FIRST)
    assert bench.states() == ["waiting"]
    bench.messages.clear()
    bench.do("run_now")
    bench.qtbot.waitUntil(lambda: bool(bench.messages))
    assert "memory" in words(bench).lower()
    assert len(bench.asset.clicks) == 1


def test_an_engine_that_cannot_be_loaded_answers_nothing_in_anothers_name(bench):
    bench.click(FIRST)
    bench.wait_answer()
    bench.project.set_engine(bench.asset_id, "nearest-click", {"fail": "create"})
    bench.qtbot.waitUntil(lambda: bool(bench.messages))
    bench.click(SECOND)
    bench.qtbot.wait(200)
    assert bench.project.stored_result(bench.asset_id) is None
    bench.do("undo")
    bench.do("undo")
    bench.wait_answer()
    assert (bench.labels == 1).all()


def test_no_engine_is_said_and_the_click_is_kept(make_bench):
    bench = make_bench(engine=None)
    bench.click(FIRST)
    bench.qtbot.waitUntil(lambda: bool(bench.messages))
    assert "No engine" in words(bench)
    assert len(bench.asset.clicks) == 1


def test_switching_the_engine_asks_it_and_undo_brings_the_earlier_mask_back(bench):
    bench.click(FIRST)
    bench.wait_answer()
    bench.project.set_engine(bench.asset_id, "nearest-click", {"reach": 0.2})
    bench.wait_answer()
    assert 0 < np.count_nonzero(bench.labels) < len(bench.labels)
    asked = len(bench.requests)
    bench.do("undo")
    bench.wait_answer()
    assert (bench.labels == 1).all()
    assert len(bench.requests) == asked


def test_closing_while_the_engine_runs_leaves_nothing_behind(make_bench):
    bench = make_bench(engine=("nearest-click", {"predict_seconds": 1.5}))
    bench.click(FIRST)
    bench.qtbot.waitUntil(lambda: bench.states() == ["running"])
    bench.close()
    bench.session.close()
    bench.qtbot.wait(50)
    assert not bench.messages


def test_running_with_nothing_to_run_says_so(bench):
    bench.do("run_now")
    assert "nothing to run" in words(bench)
    bench.click(FIRST)
    bench.wait_answer()
    bench.do("run_now")
    assert "up to date" in words(bench)
    assert len(bench.requests) == 1
