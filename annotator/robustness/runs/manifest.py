"""What a run is: settings, plugins, weights, dataset, versions; two runs never mix in a folder."""

import json
import platform
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import pydantic

from annotator import __version__
from annotator.domain import AnnotatorError
from annotator.engine.manifest import Scalar
from annotator.engine.opened import OpenEngine
from annotator.formats.atomic import atomic_write
from annotator.robustness.datasets import Dataset
from annotator.robustness.settings import Settings

FORMAT = 1
NAME = "run.json"
_PACKAGES = ("torch", "numpy", "scipy", "opencv-python-headless")


class _Facts(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")


class PluginFacts(_Facts):
    """What an engine's answers depend on.

    Attributes:
        ref: "plugin" or "plugin:variant".
        title: What a person calls it.
        version: Of the plugin.
        kind: "image", "scene" or "pose".
        weights: sha256 of every weights file, by name.
        parameters: All values.
        device: Device type.
        dtype: Precision computed in.
    """

    ref: str
    title: str
    version: str
    kind: str
    weights: dict[str, str]
    parameters: dict[str, Scalar]
    device: str
    dtype: str

    @classmethod
    def of(cls, engine: OpenEngine) -> "PluginFacts":
        """Note what an opened engine is."""
        return cls(
            ref=engine.ref,
            title=engine.manifest.title,
            version=engine.manifest.version,
            kind=str(engine.manifest.kind),
            weights=dict(sorted(engine.identity.weights.items())),
            parameters=dict(sorted(engine.parameters.items())),
            device=engine.identity.device,
            dtype=engine.identity.dtype,
        )


class DatasetFacts(_Facts):
    """Which samples a run is about.

    Attributes:
        title: What it is, in words.
        kind: "image", "scene" or "pose".
        samples: How many there are, whatever the limit.
        fingerprint: sha256 of everything that they are made from.
        notes: What was left out, and why.
    """

    title: str
    kind: str
    samples: int
    fingerprint: str
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, dataset: Dataset) -> "DatasetFacts":
        """Note what a dataset is."""
        return cls(
            title=dataset.title,
            kind=dataset.kind,
            samples=len(dataset.sources),
            fingerprint=dataset.fingerprint,
            notes=dataset.notes,
        )


class RunManifest(_Facts):
    """Everything that records depend on.

    A later call may add plugins and modes and take more samples, since each record stands
    for itself; nothing else may differ.

    Attributes:
        format: Version of the folder's layout.
        versions: Of the application and of what it computes with, by name.
        dataset: Which samples.
        settings: Of the attacks, by name.
        threads: Processor threads that networks compute with: sums depend on it.
        plugins: By their reference.
        modes: Of attack.
        limit: Only so many samples; 0 for all.
    """

    format: int = FORMAT
    versions: dict[str, str]
    dataset: DatasetFacts
    settings: dict[str, Any]
    threads: int
    plugins: dict[str, PluginFacts]
    modes: tuple[str, ...]
    limit: int = 0

    def joined(self, wanted: "RunManifest") -> "RunManifest":
        """Return the manifest of this run after it took up `wanted` as well.

        Raises:
            AnnotatorError: If they differ in anything that would mix two runs.
        """
        differences = list(_differences(self, wanted))
        if differences:
            raise AnnotatorError(
                f"This folder holds a run with other settings: {'; '.join(differences[:6])}.",
                "Choose another folder with -o, or the settings that the run began with.",
            )
        limit = 0 if 0 in (self.limit, wanted.limit) else max(self.limit, wanted.limit)
        modes = (*self.modes, *(m for m in wanted.modes if m not in self.modes))
        plugins = {**self.plugins, **wanted.plugins}
        return self.model_copy(update={"plugins": plugins, "modes": modes, "limit": limit})


def versions() -> dict[str, str]:
    """Return the versions that results may depend on."""
    found = {"annotator": __version__, "python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def _differences(old: RunManifest, new: RunManifest) -> "list[str]":
    # a setting that an older run did not know was what it is by default
    default = Settings().to_json()
    found = _apart("", {**default, **old.settings}, {**default, **new.settings})
    found += _apart("", {"threads": old.threads}, {"threads": new.threads})
    found += _apart("version of ", old.versions, new.versions)
    data = ("kind", "samples", "fingerprint")
    before, after = (
        {f"dataset's {name}": getattr(run.dataset, name) for name in data} for run in (old, new)
    )
    found += _apart("", before, after)
    for ref in old.plugins.keys() & new.plugins.keys():
        found += _apart(f"{ref}'s ", old.plugins[ref].model_dump(), new.plugins[ref].model_dump())
    return found


def _apart(prefix: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    names = sorted({*old, *new})
    return [
        f"{prefix}{name} was {_short(old.get(name))}, now {_short(new.get(name))}"
        for name in names
        if _plain(old.get(name)) != _plain(new.get(name))
    ]


def _plain(value: object) -> object:
    """Return a value as it comes back from a file, where tuples are lists."""
    return json.loads(json.dumps(value))


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 40 else f"{text[:12]}…"


def read_manifest(folder: Path) -> RunManifest:
    """Read the manifest of a run.

    Raises:
        AnnotatorError: If the folder holds no run, or one of another version.
    """
    path = folder / NAME
    if not path.is_file():
        raise AnnotatorError(
            f"{folder} holds no robustness run.", "Make one with `annotator robustness run`."
        )
    try:
        found = json.loads(path.read_bytes())
        if isinstance(found, dict) and found.get("format", FORMAT) != FORMAT:
            raise AnnotatorError(
                f"{path} was written by another version (layout {found['format']!r}).",
                "Use that version, or begin a new run.",
            )
        return RunManifest.model_validate(found)
    except (OSError, ValueError) as error:
        raise AnnotatorError(
            f"{path} is damaged: {_first_line(error)}.", "Begin a new run in another folder."
        ) from error


def _first_line(error: Exception) -> str:
    if isinstance(error, pydantic.ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    return (str(error).splitlines() or [type(error).__name__])[0]


def write_manifest(folder: Path, manifest: RunManifest) -> None:
    """Write the manifest of a run, whole or not at all."""
    text = json.dumps(manifest.model_dump(mode="json"), indent=1, sort_keys=True)
    with atomic_write(folder / NAME) as file:
        file.write(text.encode() + b"\n")
