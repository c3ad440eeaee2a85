"""The wheel works outside the checkout: it carries its plugins, weights and sample."""

import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]


def run(*command: str | Path, cwd: Path) -> str:
    environment = {k: v for k, v in os.environ.items() if k not in {"PYTHONPATH", "VIRTUAL_ENV"}}
    environment["ANNOTATOR_HOME"] = str(cwd / "home")
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel into a fresh environment; return its folder of programs.

    The dependencies are borrowed from the running environment through a path file:
    path files inside a borrowed folder are not followed, so the checkout itself stays
    invisible and only the wheel can provide `annotator`.
    """
    folder = tmp_path_factory.mktemp("wheel")
    run(
        sys.executable, "-m", "build", "--wheel", "--no-isolation", "-o", folder, REPOSITORY,
        cwd=folder,
    )  # fmt: skip
    environment = folder / "env"
    venv.create(environment, with_pip=True)
    python = environment / "bin" / "python"
    (wheel,) = folder.glob("*.whl")
    run(python, "-m", "pip", "install", "--quiet", "--no-deps", wheel, cwd=folder)
    site = Path(
        run(
            python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=folder
        ).strip()
    )
    (site / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return environment / "bin"


@pytest.mark.slow
def test_wheel_is_found_instead_of_the_checkout(installed: Path, tmp_path: Path) -> None:
    where = run(
        installed / "python", "-c", "import annotator; print(annotator.__file__)", cwd=tmp_path
    )

    assert Path(where.strip()).is_relative_to(installed.parent)


@pytest.mark.slow
def test_installed_wheel_runs_the_demo(installed: Path, tmp_path: Path) -> None:
    run(installed / "annotator", "demo", "-o", tmp_path / "pictures", cwd=tmp_path)

    pictures = list((tmp_path / "pictures").glob("*.png"))
    assert len(pictures) >= 2
    assert all(picture.stat().st_size > 10_000 for picture in pictures)


@pytest.mark.slow
def test_installed_wheel_lists_its_plugins(installed: Path, tmp_path: Path) -> None:
    assert "agile3d" in run(installed / "annotator", "plugins", "list", cwd=tmp_path)
