"""How many threads networks get, and that waiting ones do not spin."""

import sys
import threading
import types

import pytest

from annotator.domain import AnnotatorError
from annotator.engine import threads


@pytest.fixture(autouse=True)
def nothing_wanted(monkeypatch):
    monkeypatch.delenv(threads.VARIABLE, raising=False)
    monkeypatch.setattr(threads, "_preferred", 0)
    monkeypatch.setattr(threads, "_own", 0)


@pytest.fixture
def torch(monkeypatch):
    """Return a stand-in for torch that has eight threads."""
    stand_in = types.SimpleNamespace(count=8)
    stand_in.get_num_threads = lambda: stand_in.count
    stand_in.set_num_threads = lambda n: setattr(stand_in, "count", n)
    monkeypatch.setitem(sys.modules, "torch", stand_in)
    return stand_in


def test_waiting_threads_sleep_unless_a_person_decided_otherwise():
    environment = {}
    threads.sleep_when_waiting(environment)
    assert environment["GOMP_SPINCOUNT"] == "1000"
    own = {"OMP_WAIT_POLICY": "ACTIVE"}
    threads.sleep_when_waiting(own)
    assert own == {"OMP_WAIT_POLICY": "ACTIVE"}


def test_automatic_takes_the_usable_cores_but_never_more_than_torch_would(torch, monkeypatch):
    monkeypatch.setattr(threads, "free_cores", lambda own: 4)
    threads.apply()
    assert torch.count == 4
    monkeypatch.setattr(threads, "free_cores", lambda own: 64)
    threads.apply()
    assert torch.count == 8


@pytest.mark.parametrize(
    ("load", "own", "free"), [(0.0, 8, 8), (8.0, 8, 8), (11.2, 8, 5), (40.0, 8, 1), (3.0, 1, 6)]
)
def test_processors_that_others_keep_busy_are_left_to_them(monkeypatch, load, own, free):
    monkeypatch.setattr(threads, "usable_cores", lambda: 8)
    monkeypatch.setattr(threads.os, "cpu_count", lambda: 8)
    monkeypatch.setattr(threads.os, "getloadavg", lambda: (load, 0.0, 0.0))
    assert threads.free_cores(own) == free


def test_a_containers_own_processors_are_not_shared_with_the_machines_load(monkeypatch):
    monkeypatch.setattr(threads, "usable_cores", lambda: 2)
    monkeypatch.setattr(threads.os, "cpu_count", lambda: 64)
    monkeypatch.setattr(threads.os, "getloadavg", lambda: (50.0, 0.0, 0.0))
    assert threads.free_cores(2) == 2


def test_flag_goes_before_preference_and_both_before_automatic(torch, monkeypatch):
    threads.prefer(3)
    threads.apply()
    assert torch.count == 3
    monkeypatch.setenv(threads.VARIABLE, "1")
    threads.apply()
    assert torch.count == 1
    monkeypatch.delenv(threads.VARIABLE)
    threads.prefer(0)
    monkeypatch.setattr(threads, "free_cores", lambda own: 64)
    threads.apply()
    assert torch.count == 8


def test_a_steady_number_does_not_follow_the_load(torch, monkeypatch):
    monkeypatch.setattr(threads, "free_cores", lambda own: 4)
    with threads.steady():
        monkeypatch.setattr(threads, "free_cores", lambda own: 1)
        threads.apply()
        assert torch.count == 4
        assert threads.os.environ[threads.VARIABLE] == "4"  # for processes started meanwhile
    assert threads.VARIABLE not in threads.os.environ
    threads.apply()
    assert torch.count == 1


def test_a_steady_number_heeds_openmp_before_torch_is_loaded(monkeypatch):
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    monkeypatch.setattr(threads, "usable_cores", lambda: 8)
    monkeypatch.setattr(threads, "free_cores", lambda own: 5)
    for text, count in (("2", 2), ("", 5), ("16", 5), ("many", 5)):
        monkeypatch.setenv("OMP_NUM_THREADS", text)
        with threads.steady():
            assert threads.wanted() == count


def test_a_steady_number_is_the_one_asked_for(torch, monkeypatch):
    monkeypatch.setenv(threads.VARIABLE, "3")
    with threads.steady():
        assert threads.wanted() == 3
    assert threads.wanted() == 3


def test_what_is_no_number_is_refused(monkeypatch):
    monkeypatch.setenv(threads.VARIABLE, "many")
    with pytest.raises(AnnotatorError, match="many"):
        threads.wanted()


@pytest.mark.parametrize(("limit", "cores"), [("150000 100000", 2), ("max 100000", 0), ("x", 0)])
def test_a_containers_quota_counts(tmp_path, monkeypatch, limit, cores):
    (tmp_path / "cpu.max").write_text(limit)
    monkeypatch.setattr(threads, "_CGROUP", tmp_path)
    assert threads._quota() == cores


def test_the_thread_that_computes_gets_the_number():
    torch = pytest.importorskip("torch")
    threads.prefer(1)
    seen = []

    def compute():
        threads.apply()
        seen.append(torch.get_num_threads())

    before = torch.get_num_threads()
    worker = threading.Thread(target=compute)
    worker.start()
    worker.join()
    torch.set_num_threads(before)
    assert seen == [1]
