"""Fixtures for tests of plugins, found by pytest through the entry point `annotator`."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from annotator.testing.contract import Place, registry_of


@pytest.fixture
def annotator_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep the user's real plugins, weights, settings and caches out of a test."""
    from annotator.engine.paths import HOME_VARIABLE

    home = tmp_path / "annotator-home"
    monkeypatch.setenv(HOME_VARIABLE, str(home))
    return home


@pytest.fixture
def open_plugin(annotator_home: Path) -> "Iterator[Callable[..., object]]":
    """Return a function that opens a plugin of a folder; all are closed in the end."""
    opened = []

    def open_(ref: str, *folders: Place, **options: object) -> object:
        engine = registry_of(*folders).open(ref, **options)  # type: ignore[arg-type]
        opened.append(engine)
        return engine

    yield open_
    for engine in opened:
        engine.close()
