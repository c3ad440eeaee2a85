"""Plugins in a process of their own: same answers, and no death of theirs reaches anybody."""

import gc
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from annotator.domain import AnnotatorError, Cancelled, CancelToken
from annotator.engine.api import DifferentiableClicks, PredictsWithProgress
from annotator.engine.placement import change_settings, read_settings
from annotator.engine.process import LocalPlace, WorkerEnded
from annotator.engine.process.local import SharedFolder
from annotator.engine.registry import PluginRegistry
from annotator.engine.session import EngineSession
from tests.engine.helpers import (
    MINIMAL_ADAPTER,
    MINIMAL_MANIFEST,
    NEAREST_CLICK,
    Recorder,
    click_prompt,
    line_cloud,
    nearest_click_registry,
    write_plugin,
)
from tests.engine.workers import kill, opened, process_of, wait_until

PROMPT = click_prompt((1, 3), (8, 5))


def folder_of(engine):
    return engine.engine.worker._link._folder.path


def test_the_manifest_asks_for_a_process(tmp_path):
    manifest = MINIMAL_MANIFEST + 'isolation = "process"\n'
    adapter = MINIMAL_ADAPTER.replace("return len(asset)", "import os; return os.getpid()")
    adapter = adapter.replace("np.ones(encoding, np.int32)", "np.array([encoding], np.int32)")
    folder = write_plugin(tmp_path / "p", manifest, adapter)
    with opened("tiny", [folder], isolation=None) as engine:
        pid = engine.predict(engine.encode(line_cloud(1)), PROMPT).labels[0]
        assert pid == process_of(engine) != os.getpid()
    with opened("tiny", [folder], isolation="inprocess") as engine:
        assert engine.predict(engine.encode(line_cloud(1)), PROMPT).labels[0] == os.getpid()


def test_the_worker_goes_with_the_engine_and_its_memory_with_it():
    with opened() as engine:
        pid, folder = process_of(engine), folder_of(engine)
        engine.predict(engine.encode(line_cloud(5000)), PROMPT)
        assert any(path.name.startswith("w") for path in folder.iterdir())
    wait_until(lambda: not Path(f"/proc/{pid}").exists())
    assert not folder.exists()


def test_optional_methods_are_those_of_the_plugin():
    with opened() as engine:
        assert hasattr(engine.engine, "encoding_to_arrays")
        assert not hasattr(engine.engine, "representatives")
        assert not hasattr(engine.engine, "predict_many")
        assert not isinstance(engine.engine, DifferentiableClicks)
        assert not isinstance(engine.engine, PredictsWithProgress)


def test_progress_comes_through_and_ends_at_one():
    heard = []
    with opened(parameters={"encode_seconds": 0.2}) as engine:
        engine.encode(line_cloud(), lambda fraction, message="": heard.append(fraction))
    assert len(heard) > 2
    assert heard == sorted(heard)
    assert heard[-1] == 1.0


@pytest.mark.parametrize(
    ("fail", "words"),
    [
        ("encode", "failed while encoding line: ValueError: asked to fail at encode"),
        ("memory", "Memory of cpu ran out while encoding line"),
    ],
)
def test_failures_have_the_words_that_they_have_in_process(fail, words):
    messages = []
    for isolation in ("inprocess", "process"):
        with (
            opened(isolation=isolation, parameters={"fail": fail}) as engine,
            pytest.raises(AnnotatorError, match=words) as problem,
        ):
            engine.encode(line_cloud())
        messages.append((problem.value.message, problem.value.remedy))
    assert messages[0] == messages[1]


def test_a_failure_to_load_marks_the_plugin_and_shows_the_workers_traceback():
    registry = nearest_click_registry(disk=False)
    with pytest.raises(AnnotatorError, match="failed to load: ValueError: asked to fail at create"):
        registry.open("nearest-click", isolation="process", parameters={"fail": "create"})
    assert registry.entry("nearest-click").state == "failed"
    assert "_fail_at" in registry.entry("nearest-click").error


def test_missing_packages_are_those_of_the_workers_environment(tmp_path):
    change_settings("tiny", {"python": sys.executable})
    folder = write_plugin(tmp_path / "p", MINIMAL_MANIFEST + 'requires = ["no-such-package"]\n')
    with (
        pytest.raises(AnnotatorError, match="requires no-such-package") as problem,
        opened("tiny", [folder], isolation=None),
    ):
        pass
    assert sys.executable in problem.value.remedy


def test_cancelling_stops_the_plugin_and_keeps_the_worker():
    token = CancelToken()
    with opened(parameters={"encode_seconds": 30.0}) as engine:
        pid = process_of(engine)
        threading.Timer(0.2, token.cancel).start()
        with pytest.raises(Cancelled):
            engine.encode(line_cloud(), cancel=token)
        assert process_of(engine) == pid
        assert engine.engine.worker.alive


DEAF = MINIMAL_ADAPTER.replace(
    "return Mask", "import time\n        time.sleep(60 * len(prompt.clicks))\n        return Mask"
)


def test_a_plugin_deaf_to_cancelling_is_ended_and_the_next_click_works(tmp_path):
    change_settings("tiny", {"cancel_seconds": 0.3})
    token = CancelToken()
    with opened("tiny", [write_plugin(tmp_path / "p", adapter=DEAF)]) as engine:
        encoding, pid = engine.encode(line_cloud(4)), process_of(engine)
        threading.Timer(0.1, token.cancel).start()
        with pytest.raises(Cancelled):
            engine.predict(encoding, PROMPT, token)
        assert engine.predict(encoding, click_prompt()).labels.tolist() == [1] * 4
        assert process_of(engine) != pid


def test_a_worker_that_gives_no_sign_of_life_is_ended():
    change_settings("nearest-click", {"silence_seconds": 1.5})
    with opened(parameters={"predict_seconds": 1.0}) as engine:
        encoding = engine.encode(line_cloud())
        threading.Timer(0.3, os.kill, (process_of(engine), signal.SIGSTOP)).start()
        with pytest.raises(WorkerEnded, match=r"no sign of life for 1\.5 s"):
            engine.predict(encoding, PROMPT)
        assert not engine.engine.worker.alive


def test_a_worker_that_fell_silent_between_two_clicks_is_replaced_unnoticed():
    change_settings("nearest-click", {"silence_seconds": 1.5})
    with opened() as engine:
        encoding = engine.encode(line_cloud())
        os.kill(process_of(engine), signal.SIGSTOP)
        assert engine.predict(encoding, PROMPT).labels[8] == 5


def test_a_crash_is_reported_with_the_last_lines_and_what_crashed(tmp_path):
    crash = "import ctypes, sys\n        print('on the way down')\n        ctypes.string_at(0)"
    adapter = MINIMAL_ADAPTER.replace(
        "return Mask", f"{crash} if prompt.clicks else 0\n        return Mask"
    )
    with opened("tiny", [write_plugin(tmp_path / "p", adapter=adapter)]) as engine:
        encoding = engine.encode(line_cloud())
        with pytest.raises(WorkerEnded, match=r"SIGSEGV.*while predicting") as problem:
            engine.predict(encoding, PROMPT)
        assert "on the way down" in problem.value.log
        assert "Segmentation fault" in problem.value.remedy
        assert "in predict" in problem.value.log
        assert engine.predict(encoding, click_prompt()).labels.sum() == 10


def test_a_worker_that_died_between_two_clicks_is_replaced_unnoticed():
    with opened() as engine:
        encoding = engine.encode(line_cloud())
        for number in range(5):
            kill(engine)
            if number % 2:  # noticed before the next click, or not
                wait_until(lambda: not engine.engine.worker.alive)
            assert engine.predict(encoding, PROMPT).labels[8] == 5
        kill(engine)
        assert engine.encode_uncached(line_cloud()).number


def test_crashes_in_a_row_are_followed_by_longer_and_longer_pauses(tmp_path):
    adapter = MINIMAL_ADAPTER.replace("return len(asset)", "import os; os._exit(3)")
    with opened("tiny", [write_plugin(tmp_path / "p", adapter=adapter)]) as engine:
        pauses = []
        for _ in range(4):
            with pytest.raises(WorkerEnded, match="exit status 3"):
                engine.encode(line_cloud())
            pauses.append(max(0.0, engine.engine._not_before - time.monotonic()))
        assert pauses[0] == 0
        assert pauses[1] < pauses[2] < pauses[3]
        token = CancelToken()
        token.cancel()
        with pytest.raises(Cancelled):  # a pause is no prison
            engine.encode(line_cloud(), cancel=token)


def test_what_the_plugin_prints_goes_to_its_log_and_not_between_the_messages(tmp_path):
    noise = "print('noise'); import os; os.write(1, b'raw noise\\n'); input_ = open(0).read()\n"
    folder = write_plugin(tmp_path / "p", adapter=noise + MINIMAL_ADAPTER)
    with opened("tiny", [folder]) as engine:
        assert engine.predict(engine.encode(line_cloud()), PROMPT).labels.sum() == 10
        tail = engine.engine.worker._link.tail
        wait_until(lambda: "raw noise" in tail())


def test_what_the_plugin_logs_comes_into_the_applications_log(tmp_path, caplog):
    adapter = MINIMAL_ADAPTER.replace(
        "def create(context):", "def create(context):\n    context.logger.warning('seen %d', 7)"
    )
    with opened("tiny", [write_plugin(tmp_path / "p", adapter=adapter)]):
        pass
    assert "seen 7" in caplog.text
    assert "annotator.plugins.tiny" in caplog.text


def test_encodings_that_nobody_holds_are_let_go_of_in_the_worker(tmp_path):
    adapter = MINIMAL_ADAPTER.replace("return len(asset)", "return Counted(len(asset))")
    adapter = adapter.replace("class Tiny", COUNTED + "class Tiny").replace(
        "np.ones(encoding, np.int32)", "np.full(encoding, len(alive), np.int32)"
    )
    with opened("tiny", [write_plugin(tmp_path / "p", adapter=adapter)]) as engine:
        encodings = [engine.encode_uncached(line_cloud(n + 2)) for n in range(5)]
        assert engine.predict(encodings[0], PROMPT).labels[0] == 5
        del encodings[1:]
        gc.collect()
        engine.encode_uncached(line_cloud())
        assert engine.predict(encodings[0], PROMPT).labels[0] <= 2


COUNTED = """
alive = []
class Counted(int):
    def __init__(self, value):
        alive.append(1)
    def __del__(self):
        alive.pop()

"""


def test_stored_encodings_pass_to_the_disk_and_back(own_home):
    cloud = line_cloud(3000)
    registry = nearest_click_registry()
    first = registry.open("nearest-click", isolation="process")
    expected = first.predict(first.encode(cloud), PROMPT)
    first.close()
    again = nearest_click_registry().open(
        "nearest-click", isolation="process", parameters={"encode_seconds": 0.0}
    )
    encoding = again.encode(cloud)
    assert encoding.do == "from_arrays"
    kill(again)
    wait_until(lambda: not again.engine.worker.alive)
    found = again.predict(encoding, PROMPT)  # rebuilt in a new worker from the stored arrays
    assert np.array_equal(found.labels, expected.labels)
    assert np.array_equal(found.confidence, expected.confidence)
    again.close()


def test_a_killed_application_takes_its_workers_and_shared_memory_along(tmp_path):
    code = (
        f"import sys; sys.path[:] = {sys.path!r}\n"
        "from tests.engine.workers import *\n"
        "from tests.engine.helpers import *\n"
        "with opened(parameters={'predict_seconds': 60.0}) as engine:\n"
        "    encoding = engine.encode(line_cloud(5000))\n"
        "    print(process_of(engine), engine.engine.worker._link._folder.path, flush=True)\n"
        "    engine.predict(encoding, click_prompt((0, 1)))\n"
    )
    host = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    pid, folder = host.stdout.readline().split()
    assert Path(folder).is_dir()
    host.kill()
    host.wait()
    host.stdout.close()
    wait_until(lambda: not _runs(pid))
    wait_until(lambda: not Path(folder).exists())


def _runs(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except OSError:
        return False


def test_shared_memory_of_processes_killed_together_is_swept_up():
    orphan = SharedFolder()
    os.close(orphan._lock)  # as the system does for a dead process
    orphan._lock = None
    held = SharedFolder()
    assert not orphan.path.exists()
    other = SharedFolder()
    assert held.path.exists()
    held.remove()
    other.remove()


def test_another_interpreter_that_is_not_there_is_named():
    change_settings("nearest-click", {"python": "/no/such/python"})
    with (
        pytest.raises(AnnotatorError, match="cannot start: /no/such/python") as problem,
        opened(isolation=None),
    ):
        pass
    assert "settings" in problem.value.remedy


def test_an_interpreter_from_the_users_settings_runs_the_plugin_in_a_process():
    change_settings("nearest-click", {"python": sys.executable})
    with opened(isolation=None) as engine:
        assert process_of(engine) != os.getpid()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"remote": "there"}, "remote"),
        ({"remote": "there:1"}, "needs `token_file`"),
        ({"isolation": "sandbox"}, "isolation"),
        ({"isolation": "inprocess", "python": "x"}, "need a process"),
        ({"cancel_seconds": 0}, "cancel_seconds"),
        ({"pyton": "x"}, "pyton"),
    ],
)
def test_settings_that_make_no_sense_are_refused_in_words(changes, words):
    with pytest.raises(AnnotatorError, match=words):
        change_settings("p", changes)
    assert read_settings() == {}


def test_a_manifest_cannot_name_an_interpreter(tmp_path):
    folder = write_plugin(tmp_path / "p", MINIMAL_MANIFEST + 'python = "/bin/evil"\n')
    registry = PluginRegistry.discover([folder], disk=False)
    assert registry.entry("p").state == "failed"
    assert "`python`" in registry.entry("p").error


def test_a_worker_sees_neither_the_applications_path_nor_its_packages(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "/somewhere")
    own = LocalPlace("p", NEAREST_CLICK, "adapter:create")
    assert own.environment["PYTHONPATH"] == "/somewhere"
    other = LocalPlace("p", NEAREST_CLICK, "adapter:create", python="/usr/bin/python3")
    assert "PYTHONPATH" not in other.environment


def test_the_workers_side_loads_numpy_and_the_standard_library_only():
    place = LocalPlace("p", NEAREST_CLICK, "adapter:create")
    code = (
        "import sys; before = set(sys.modules); "
        f"exec(open({place.command[3]!r}).read().split('if __name__')[0]); "
        "teach_old_python(); "
        f"sys.meta_path.insert(0, HouseFinder({{'annotator': {place.command[4][10:]!r}}})); "
        "import annotator.engine.worker.local; "
        "tops = {n.partition('.')[0] for n in set(sys.modules) - before}; "
        "print(sorted(tops - sys.stdlib_module_names - {'annotator', 'numpy'}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd="/", check=True
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.slow
def test_a_worker_killed_mid_click_a_hundred_times_loses_no_click():
    registry = nearest_click_registry(disk=False)
    change_settings("nearest-click", {"isolation": "process"})
    session = EngineSession(registry, device="cpu")
    recorder = Recorder(session)
    session.use("nearest-click", {"predict_seconds": 0.03})
    session.open_asset(1, line_cloud(100))
    recorder.wait("encoded")
    clicks = []
    for number in range(100):
        clicks.append((number, number % 5 + 1))
        generation = session.request(1, click_prompt(*clicks))
        recorder.wait("running", generation=generation)
        time.sleep(number % 4 * 0.01)  # at different moments of the click
        kill(session.engine)
        end = recorder.wait("failed", "done", generation=generation)
        assert end.kind == "done" or "ended (SIGKILL" in end.message
        answer = recorder.wait("done", generation=session.request(1, click_prompt(*clicks)))
        assert answer.result.labels[[row for row, _ in clicks]].tolist() == [o for _, o in clicks]
    session.close()
    assert not any(thread.is_alive() for thread in session._threads)
