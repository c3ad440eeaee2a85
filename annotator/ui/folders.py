"""Where the window keeps its files; `ANNOTATOR_HOME` moves all of them into one folder."""

import os
from pathlib import Path

import platformdirs

_APPLICATION = "annotator"


def _folder(kind: str, standard: Path) -> Path:
    home = os.environ.get("ANNOTATOR_HOME")
    folder = Path(home) / kind if home else standard
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def config_folder() -> Path:
    """Return the existing folder of preferences and window state."""
    return _folder("config", platformdirs.user_config_path(_APPLICATION, appauthor=False))


def project_folder() -> Path:
    """Return the existing folder of projects whose scan lies where nothing may be written."""
    data = _folder("data", platformdirs.user_data_path(_APPLICATION, appauthor=False))
    projects = data / "projects"
    projects.mkdir(exist_ok=True)
    return projects


def log_folder() -> Path:
    """Return the existing folder of log files."""
    return _folder("log", platformdirs.user_log_path(_APPLICATION, appauthor=False))
