"""Fixtures of robustness runs: an own home with a fast engine, and the command."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from annotator.cli.main import main

FIXTURES = Path(__file__).resolve().parents[1] / "plugins" / "fixtures"

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def home(tmp_path_factory, monkeypatch) -> Path:
    """Give a test its own home, with torch-free engines installed."""
    from annotator.engine.paths import user_data
    from annotator.engine.trust import trust

    folder = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("ANNOTATOR_HOME", str(folder))
    monkeypatch.setenv("ANNOTATOR_THREADS", "1")
    monkeypatch.setenv("COLUMNS", "200")
    for name in ("flood_fill", "nearest_click", "stick_figure"):
        trust(shutil.copytree(FIXTURES / name, user_data("plugins") / name))
    return folder


@pytest.fixture
def run(capsys, home) -> Run:
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
