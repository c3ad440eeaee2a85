"""What a durable click costs, and what opening a long history costs. Prints, never judges."""

import sqlite3
import statistics
import time

import numpy as np

from annotator.domain import Mask
from annotator.project import Project

BUDGET_MS = 10.0  # a click, durable against power loss
CLICKS = 200
LONG_HISTORY = 10_000


def milliseconds(action):
    start = time.perf_counter()
    action()
    return (time.perf_counter() - start) * 1000


def say(name, times, budget=None):
    middle, slow = statistics.median(times), sorted(times)[int(len(times) * 0.95)]
    ratio = f", {middle / budget:.2f} of the budget" if budget else ""
    print(f"\n{name}: median {middle:.2f} ms, 95 % below {slow:.2f} ms{ratio}")  # noqa: T201


def scan(path, points=1_000_000):
    project = Project.create(path)
    project.add_asset("scan.ply", "cloud", "c", points)
    project.set_engine(1, "e")
    return project


def test_durable_click(tmp_path):
    with scan(tmp_path / "p.annot") as project:
        times = [
            milliseconds(lambda i=i: project.add_click(1, (i, 0.5, 0.5), 1, index=i))
            for i in range(CLICKS)
        ]
        say("durable click", times, BUDGET_MS)
        assert len(project.document.assets[1].clicks) == CLICKS
        say("undo", [milliseconds(project.undo) for _ in range(CLICKS)], BUDGET_MS)
        assert not project.document.assets[1].clicks


def test_bare_sqlite_commit_for_comparison(tmp_path):
    connection = sqlite3.connect(tmp_path / "bare.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE t (x)")
    insert = "INSERT INTO t VALUES ('" + "x" * 200 + "')"
    say("bare commit", [milliseconds(lambda: connection.execute(insert)) for _ in range(CLICKS)])
    assert connection.execute("SELECT count(*) FROM t").fetchone() == (CLICKS,)
    connection.close()


def test_opening_a_long_history(tmp_path):
    path = tmp_path / "p.annot"
    with scan(path) as project:
        project._store.connection.execute("PRAGMA synchronous = OFF")  # filling is not measured
        for i in range(LONG_HISTORY):
            project.add_click(1, (i, 0.5, 0.5), i % 9, index=i)
        say("undo in a long history", [milliseconds(project.undo) for _ in range(100)], BUDGET_MS)

    def reopen():
        with Project.open(path) as project:
            assert len(project.document.assets[1].clicks) == LONG_HISTORY - 100

    say(f"opening {LONG_HISTORY} events", [milliseconds(reopen) for _ in range(3)])


def test_masks_of_a_million_points(tmp_path):
    chance = np.random.default_rng(0)
    labels = np.repeat(chance.integers(0, 9, 20_000), 50).astype(np.int32)
    confidence = chance.beta(20, 1, len(labels)).astype(np.float32)  # mostly sure, as networks are
    mask = Mask(labels, confidence)
    with scan(tmp_path / "p.annot") as project:
        project.add_click(1, (0, 0, 0), 8)
        prompt = project.document.assets[1].prompt()
        store = [milliseconds(lambda: project.store_result(1, prompt, mask)) for _ in range(5)]
        say("storing 1 M labels with confidence", store)
        plain = Mask(labels)
        store = [milliseconds(lambda: project.store_result(1, prompt, plain)) for _ in range(5)]
        say("storing 1 M labels", store)
        stroke = chance.choice(1_000_000, 20_000, replace=False)
        say("painting 20,000 points", [milliseconds(lambda: project.paint(1, stroke, 7))])
        say("composing 1 M labels", [milliseconds(lambda: project.labels_of(1)) for _ in range(5)])
        assert (project.labels_of(1)[stroke] == 7).all()
