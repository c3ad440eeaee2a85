"""Where the window keeps its files; `ANNOTATOR_HOME` moves all of them under one folder."""

import os
from pathlib import Path

import platformdirs

from annotator.engine.paths import HOME_VARIABLE, user_data


def _existing(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def config_folder() -> Path:
    """Return the existing folder of preferences and window state."""
    home = os.environ.get(HOME_VARIABLE)
    return _existing(Path(home) / "config" if home else platformdirs.user_config_path("annotator"))


def project_folder() -> Path:
    """Return the existing folder of projects whose scan lies where nothing may be written."""
    return _existing(user_data("projects"))


def log_folder() -> Path:
    """Return the existing folder of log files."""
    home = os.environ.get(HOME_VARIABLE)
    return _existing(Path(home) / "log" if home else platformdirs.user_log_path("annotator"))
