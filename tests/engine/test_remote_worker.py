"""A worker that listens on a socket: only for those who know its token, arrays inline."""

import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from annotator.domain import AnnotatorError, Cancelled, CancelToken
from annotator.engine.listening import Listener
from annotator.engine.placement import change_settings
from annotator.engine.process import WorkerEnded
from annotator.engine.process.handshake import NAME, read_token
from annotator.engine.registry import PluginRegistry
from tests.engine.helpers import NEAREST_CLICK, click_prompt, line_cloud, nearest_click_registry
from tests.engine.workers import opened, wait_until

PROMPT = click_prompt((1, 3), (8, 5))


@pytest.fixture
def token_file(tmp_path):
    path = tmp_path / "keys" / "token"
    read_token(path, create=True)
    return path


@pytest.fixture
def listener(token_file, monkeypatch):
    token = read_token(token_file)
    listener = Listener(nearest_click_registry(disk=False), "127.0.0.1", 0, token, most=2)
    thread = threading.Thread(target=listener.serve)
    thread.start()
    monkeypatch.setattr("annotator.engine.listening.REFUSAL_SECONDS", 0.01)
    yield listener
    listener.close()
    thread.join(5)
    assert not thread.is_alive()


@pytest.fixture
def remote(listener, token_file):
    """Settings under which nearest-click runs at the listener."""
    address = f"{listener.address[0]}:{listener.address[1]}"
    change_settings("nearest-click", {"remote": address, "token_file": str(token_file)})
    return address


def test_results_equal_those_in_process(remote):
    cloud = line_cloud(3000)
    with opened(isolation=None) as there, opened(isolation="inprocess") as here:
        results = [engine.predict(engine.encode(cloud), PROMPT) for engine in (there, here)]
        assert there.engine.place.title == f"the worker at {remote}"
        arrays = there.engine.encoding_to_arrays(there.encode(cloud))
    assert np.array_equal(results[0].labels, results[1].labels)
    assert np.array_equal(results[0].confidence, results[1].confidence)
    assert np.array_equal(arrays["xyz"], cloud.xyz)


def test_the_plugins_errors_and_cancellations_come_through(remote):
    with (
        opened(isolation=None, parameters={"fail": "encode"}) as engine,
        pytest.raises(AnnotatorError, match="ValueError: asked to fail at encode"),
    ):
        engine.encode(line_cloud())
    token = CancelToken()
    threading.Timer(0.2, token.cancel).start()
    with opened(isolation=None, parameters={"encode_seconds": 30.0}) as engine:
        with pytest.raises(Cancelled):
            engine.encode(line_cloud(), cancel=token)
        assert engine.engine.worker.alive


def test_a_crash_of_the_far_worker_is_told_and_the_next_click_works(remote):
    with opened(isolation=None, parameters={"predict_seconds": 1.0}) as engine:
        encoding = engine.encode(line_cloud())
        # this machine is the other machine too: the worker's worker is a child of ours
        (pid,) = _children(os.getpid())
        threading.Timer(0.3, os.kill, (pid, signal.SIGKILL)).start()
        with pytest.raises(AnnotatorError, match="ended"):
            engine.predict(encoding, PROMPT)
        assert engine.predict(encoding, PROMPT).labels[8] == 5


def test_a_lost_connection_is_told_and_reached_again(remote):
    with opened(isolation=None, parameters={"predict_seconds": 1.0}) as engine:
        encoding = engine.encode(line_cloud())
        lose = threading.Timer(0.2, engine.engine.worker._link.kill)
        lose.start()
        with pytest.raises(WorkerEnded, match="connection ended"):
            engine.predict(encoding, PROMPT)
        assert engine.predict(encoding, PROMPT).labels[8] == 5


_of_others = set()


@pytest.fixture(autouse=True)
def own_workers_only():
    """Workers that tests before these started in the same process are not counted."""
    _of_others.clear()
    _of_others.update(_children(os.getpid()))


def _children(pid):
    found = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True).stdout
    return [
        int(child)
        for child in found.split()
        if int(child) not in _of_others
        and b"worker/start.py" in Path(f"/proc/{child}/cmdline").read_bytes()
    ]


def test_hanging_up_ends_the_far_worker(remote):
    with opened(isolation=None):
        assert len(_children(os.getpid())) == 1
    wait_until(lambda: not _children(os.getpid()))


def test_a_full_worker_says_so_and_frees_its_places(remote):
    with (
        opened(isolation=None),
        opened(isolation=None),
        pytest.raises(AnnotatorError, match="busy with others"),
    ):
        PluginRegistry.discover([NEAREST_CLICK], disk=False).open("nearest-click")
    wait_until(lambda: not _children(os.getpid()))
    for _ in range(3):
        with opened(isolation=None):
            pass
        wait_until(lambda: not _children(os.getpid()))


def test_a_wrong_token_is_not_admitted(remote, tmp_path):
    wrong = tmp_path / "wrong"
    read_token(wrong, create=True)
    change_settings("nearest-click", {"token_file": str(wrong)})
    with pytest.raises(AnnotatorError, match=r"not reached.*right"), opened(isolation=None):
        pass
    assert not _children(os.getpid())


def test_the_token_never_crosses_the_connection(listener, token_file):
    with socket.create_connection(listener.address) as connection:
        start = connection.recv(1000)
        assert start.startswith(NAME)
        connection.sendall(b"x" * 64)
        assert connection.recv(1000) == b""
    assert read_token(token_file) not in start


def test_something_else_that_listens_is_told_apart(token_file):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        def answer():
            connection, _ = server.accept()
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n" + b" " * 40)
            connection.close()

        thread = threading.Thread(target=answer)
        thread.start()
        change_settings(
            "nearest-click", {"remote": f"127.0.0.1:{port}", "token_file": str(token_file)}
        )
        with pytest.raises(AnnotatorError, match="no annotator worker"), opened(isolation=None):
            pass
        thread.join()


def test_nobody_listening_is_told(token_file):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    change_settings("nearest-click", {"remote": f"127.0.0.1:{port}", "token_file": str(token_file)})
    with pytest.raises(AnnotatorError, match="No worker answers"), opened(isolation=None):
        pass


def test_a_token_that_others_may_read_is_refused(token_file):
    assert token_file.stat().st_mode & 0o777 == 0o600
    token_file.chmod(0o644)
    with pytest.raises(AnnotatorError, match="Others may read"):
        read_token(token_file)


def test_short_and_missing_tokens_are_refused(tmp_path):
    with pytest.raises(AnnotatorError, match="cannot be used"):
        read_token(tmp_path / "none")
    short = tmp_path / "short"
    short.write_text("1234")
    short.chmod(0o600)
    with pytest.raises(AnnotatorError, match="shorter"):
        read_token(short)


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_the_command_listens_answers_and_ends_when_told(own_home, tmp_path, stop):
    import shutil

    from annotator.engine.paths import user_data
    from annotator.engine.trust import trust

    trust(shutil.copytree(NEAREST_CLICK, user_data("plugins") / "nearest_click"))
    token = tmp_path / "token"
    # A shell's background jobs, and so their children, ignore SIGINT until told otherwise.
    code = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    code += f"import sys; sys.path[:] = {sys.path!r}; from annotator.cli.main import main; "
    code += f"main(['worker', '--listen', '127.0.0.1:0', '--token-file', {str(token)!r}])"
    server = subprocess.Popen(
        [sys.executable, "-uc", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    address = server.stdout.readline().split()[2].strip(";")
    change_settings("nearest-click", {"remote": address, "token_file": str(token)})
    try:
        with opened(isolation=None) as engine:
            assert engine.predict(engine.encode(line_cloud()), PROMPT).labels[8] == 5
    finally:
        server.send_signal(stop)
        assert server.wait(10) == 0
        server.stdout.close()
