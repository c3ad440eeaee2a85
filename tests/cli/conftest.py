"""Fixtures of the command line: an own home with a fast engine, a small labelled scan."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from annotator.cli.main import main

FIXTURES = Path(__file__).resolve().parents[1] / "plugins" / "fixtures"
FAST_ENGINES = ("nearest_click", "flood_fill")

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def home(tmp_path_factory, monkeypatch) -> Path:
    """Give every test its own home, with the torch-free engines installed."""
    from annotator.engine.paths import user_data
    from annotator.engine.trust import trust

    folder = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("ANNOTATOR_HOME", str(folder))
    monkeypatch.setenv("COLUMNS", "200")
    for name in FAST_ENGINES:
        trust(shutil.copytree(FIXTURES / name, user_data("plugins") / name))
    return folder


@pytest.fixture
def run(capsys) -> Run:
    """Run the command in this process; return status, stdout and stderr."""

    def call(*arguments: object) -> tuple[int, str, str]:
        capsys.readouterr()
        try:
            status = main([str(a) for a in arguments])
        except SystemExit as leaving:
            status = int(leaving.code or 0)
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return call


@pytest.fixture
def scan(tmp_path) -> Path:
    """Write a floor and two cubes, labelled 0, 4 and 7."""
    generator = np.random.default_rng(0)
    parts = [
        generator.uniform((0, 0, 0), (3, 2, 0.02), (900, 3)),
        generator.uniform((0.2, 0.7, 0.1), (0.8, 1.3, 0.7), (300, 3)),
        generator.uniform((2.0, 0.7, 0.1), (2.6, 1.3, 0.7), (300, 3)),
    ]
    path = tmp_path / "room.npz"
    labels = np.repeat([0, 4, 7], [900, 300, 300]).astype(np.int32)
    np.savez(path, xyz=np.concatenate(parts).astype(np.float32), labels=labels)
    return path


@pytest.fixture
def clicks(tmp_path) -> Path:
    """Write a click in the middle of each cube and one on the floor, without indices."""
    entries = [
        {"position": [0.5, 1.0, 0.4], "object": 1},
        {"position": [2.3, 1.0, 0.4], "object": 2},
        {"position": [1.4, 1.0, 0.0], "object": 0},
    ]
    path = tmp_path / "clicks.json"
    path.write_text(json.dumps({"clicks": entries}))
    return path
