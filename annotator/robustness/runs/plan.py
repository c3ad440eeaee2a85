"""What a run shall do, from words to plain values that any machine can act on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from annotator.domain import AnnotatorError
from annotator.engine import threads
from annotator.engine.opened import OpenEngine
from annotator.engine.registry import PluginRegistry
from annotator.robustness.runs.manifest import read_manifest
from annotator.robustness.settings import Settings


@dataclass(frozen=True)
class EngineSpec:
    """How to open an engine, here or on another machine.

    Attributes:
        ref: "plugin" or "plugin:variant".
        device: "auto", "cpu", "cuda" …
        parameters: Values that differ from the defaults.
    """

    ref: str
    device: str = "auto"
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def open(self) -> OpenEngine:
        """Load the engine; encodings are kept in memory only, since every asset comes once.

        Raises:
            AnnotatorError: If it cannot be loaded.
        """
        registry = PluginRegistry.discover(disk=False)
        return registry.open(self.ref, device=self.device, parameters=self.parameters)


@dataclass(frozen=True)
class Plan:
    """What a run shall do.

    Attributes:
        engines: Whom to attack.
        modes: Of attack.
        settings: Of the attacks.
        limit: Only so many samples; 0 for all.
        retry_failed: Whether tasks that failed before are tried again.
    """

    engines: tuple[EngineSpec, ...]
    modes: tuple[str, ...]
    settings: Settings
    limit: int = 0
    retry_failed: bool = False


def chosen_threads(folder: Path, default: int = 0) -> int:
    """Return how many threads networks compute with in a run: as it began, or as asked for.

    Sums differ in the last bits with the number of threads, so that the automatic number,
    which follows the load of the machine, would make no two runs equal.

    Args:
        folder: Of the run.
        default: For a new run; 0 for all processors.
    """
    asked = threads.wanted()
    if asked:
        return asked
    try:
        return read_manifest(folder).threads
    except AnnotatorError:
        return default or threads.usable_cores()
