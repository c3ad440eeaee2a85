"""Where plugins, weights and caches live: with the application and with the user."""

import os
from pathlib import Path

import platformdirs

import annotator

HOME_VARIABLE = "ANNOTATOR_HOME"
"""Environment variable that moves the user's data and cache under one folder."""

_PACKAGE = Path(annotator.__file__).resolve().parent


def shipped(name: str) -> Path:
    """Return the folder `name` ("plugins" or "weights") that travels with the application.

    In a checkout it stands beside the `annotator` package, in a wheel inside it.
    """
    beside = _PACKAGE.parent / name
    bundled = _PACKAGE / "_bundled" / name
    return bundled if bundled.is_dir() else beside


def user_data(name: str) -> Path:
    """Return the user's own data folder `name`; it need not exist yet."""
    home = os.environ.get(HOME_VARIABLE)
    base = Path(home) / "data" if home else platformdirs.user_data_path("annotator")
    return base / name


def user_cache(name: str) -> Path:
    """Return the user's cache folder `name`; whatever is in it can be made again."""
    home = os.environ.get(HOME_VARIABLE)
    base = Path(home) / "cache" if home else platformdirs.user_cache_path("annotator")
    return base / name


def user_config(name: str) -> Path:
    """Return the user's settings file `name`; it need not exist yet."""
    home = os.environ.get(HOME_VARIABLE)
    base = Path(home) / "config" if home else platformdirs.user_config_path("annotator")
    return base / name
