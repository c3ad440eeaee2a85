"""The command starts fast, knows its words and says errors in words."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from annotator.cli.main import COMMANDS, GROUPS, take_threads, with_default_command

HEAVY = ("torch", "open3d", "PySide6", "scipy", "pydantic", "laspy")


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys; from annotator.cli.main import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        f"loaded = [m for m in {HEAVY!r} if m in sys.modules]\n"
        "print('LOADED', loaded)"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "LOADED []" in done.stdout
    assert all(name in done.stdout for name in (*COMMANDS, *GROUPS))


@pytest.mark.parametrize("name", [*COMMANDS, *GROUPS])
def test_every_command_explains_itself(run, name: str) -> None:
    status, out, _ = run(name, "--help")

    assert status == 0
    assert "Usage:" in out


def test_alone_or_with_a_file_it_opens_the_window(tmp_path: Path) -> None:
    scan = tmp_path / "scan.ply"
    scan.touch()

    assert with_default_command([]) == ["gui"]
    assert with_default_command([str(scan)]) == ["gui", str(scan)]
    assert with_default_command(["demo"]) == ["demo"]
    assert with_default_command(["--help"]) == ["--help"]


def test_window_without_display_points_to_the_headless_commands(run, monkeypatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)

    status, _, err = run("gui")

    assert status == 1
    assert "no display" in err
    assert "annotator demo" in err


def test_unknown_command_is_wrong_usage(run) -> None:
    status, _, err = run("nonsense")

    assert status == 2
    assert "nonsense" in err


def test_missing_file_is_named_without_traceback(run, clicks, tmp_path: Path) -> None:
    status, _, err = run(
        "segment", tmp_path / "no.ply", "--clicks", clicks, "-o", tmp_path / "o.ply"
    )

    assert status == 1
    assert "no.ply" in err
    assert "Traceback" not in err


def test_verbose_shows_the_traceback(run, clicks, tmp_path: Path) -> None:
    _, _, err = run(
        "--verbose", "segment", tmp_path / "no.ply", "--clicks", clicks, "-o", tmp_path / "o.ply"
    )

    assert "Traceback" in err


def test_doctor_reports_every_section(run) -> None:
    status, out, _ = run("doctor")

    assert status == 0
    assert all(word in out for word in ("Environment", "Devices", "Plugins", "Weights", "agile3d"))


@pytest.mark.parametrize("arguments", [
    ["--threads", "2", "demo"], ["demo", "--threads=2"], ["demo", "-o", "out", "--threads", "2"],
])  # fmt: skip
def test_the_number_of_threads_may_stand_anywhere(arguments, monkeypatch):
    monkeypatch.setenv("ANNOTATOR_THREADS", "")
    rest = take_threads(arguments)
    assert os.environ["ANNOTATOR_THREADS"] == "2"
    assert rest[0] == "demo"
    assert "2" not in rest
