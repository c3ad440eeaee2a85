"""Lists, imports, verifies and downloads the weights that plugins declare."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from annotator.domain import AnnotatorError, CancelToken, Progress, no_progress
from annotator.engine.checkpoints import read_shapes, read_tensors, write_tensors
from annotator.engine.download import Download, fetch
from annotator.engine.files import replacing, sha256_of
from annotator.engine.layouts import LayoutDifference, compare, read_layout
from annotator.engine.manifest import WeightsSpec
from annotator.engine.registry import PluginEntry, PluginRegistry
from annotator.engine.store import find_weights, user_weights

MIRROR_VARIABLE = "ANNOTATOR_MIRROR"
"""Environment variable with the address of a folder that has the files of all weights."""


@dataclass(frozen=True)
class WeightsRecord:
    """One entry of the list of weights.

    Attributes:
        spec: What the plugin declares.
        plugin: Id of the plugin.
        folder: The plugin's folder.
        path: The file; None if missing.
    """

    spec: WeightsSpec
    plugin: str
    folder: Path
    path: Path | None

    @property
    def state(self) -> Literal["bundled", "installed", "missing"]:
        """Where it is: with the application or plugin, with the user, or nowhere."""
        if self.path is None:
            return "missing"
        return "installed" if self.path.parent == user_weights() else "bundled"

    @property
    def expected_sha256(self) -> str:
        """What the file's checksum must be; empty if unknown."""
        noted = _read_sum(self.path) if self.path and self.state == "installed" else ""
        if noted or self.state == "bundled" or not _needs_import(self.spec):
            return noted or self.spec.sha256
        return ""


@dataclass(frozen=True)
class Verdict:
    """What verifying one entry found.

    Attributes:
        record: The entry.
        good: Whether the file is there and nothing speaks against it.
        message: The finding in words.
    """

    record: WeightsRecord
    good: bool
    message: str


def list_weights(registry: PluginRegistry) -> list[WeightsRecord]:
    """Return all weights that the readable plugins declare, in their order."""
    return [
        WeightsRecord(spec, entry.manifest.id, entry.folder, find_weights(spec, entry.folder))
        for entry, spec in _declared(registry)
    ]


def _declared(registry: PluginRegistry) -> Iterator[tuple[PluginEntry, WeightsSpec]]:
    for entry in registry.entries.values():
        for spec in entry.manifest.weights:
            yield entry, spec


def find_record(registry: PluginRegistry, name: str) -> WeightsRecord:
    """Return the entry of that name.

    Raises:
        AnnotatorError: If no plugin declares it.
    """
    records = list_weights(registry)
    for record in records:
        if record.spec.name == name:
            return record
    known = ", ".join(record.spec.name for record in records) or "none"
    raise AnnotatorError(f"There are no weights named {name!r}.", f"Known: {known}.")


def import_weights(
    path: Path,
    registry: PluginRegistry,
    *,
    progress: Progress = no_progress,
    cancel: CancelToken | None = None,
) -> WeightsRecord:
    """Recognise a checkpoint by its layout and store it as safetensors with the user's data.

    Raises:
        AnnotatorError: If the file is unsafe or damaged, or no plugin knows its layout;
            then the message says how far it is from the nearest.
        Cancelled: If `cancel` was set.
    """
    progress(0.0, f"reading {path.name}")
    inert = {package for _, spec in _declared(registry) for package in spec.inert}
    tensors = read_tensors(path, sorted(inert))
    if cancel:
        cancel.check()
    progress(0.5, "comparing names and shapes")
    shapes = {key: tuple(tensor.shape) for key, tensor in tensors.items()}
    record = _recognise(path, shapes, registry)
    progress(0.6, f"storing as {record.spec.name}")
    target = user_weights() / record.spec.file
    notes = {"source": path.name, "source_sha256": sha256_of(path, cancel)}
    write_tensors(target, tensors, notes)
    _write_sum(target)
    progress(1.0, f"imported as {record.spec.name}")
    return find_record(registry, record.spec.name)


def _recognise(
    path: Path, shapes: dict[str, tuple[int, ...]], registry: PluginRegistry
) -> WeightsRecord:
    nearest: tuple[LayoutDifference, WeightsRecord] | None = None
    for record in list_weights(registry):
        if not record.spec.layout:
            continue
        difference = compare(read_layout(record.folder / record.spec.layout), shapes)
        if difference.none:
            return record
        if nearest is None or difference.matching > nearest[0].matching:
            nearest = (difference, record)
    _explain_mistake(path, shapes, registry)
    detail = f" Nearest is {nearest[1].spec.name}: {nearest[0]}." if nearest else ""
    raise AnnotatorError(
        f"{path.name} has {len(shapes)} tensors, but no plugin knows their layout.{detail}",
        "Is it the checkpoint of one of the networks in `annotator weights list`?",
    )


def _explain_mistake(
    path: Path, shapes: dict[str, tuple[int, ...]], registry: PluginRegistry
) -> None:
    """Raise an error in words if a plugin knows what the checkpoint is instead."""
    for entry in registry.entries.values():
        for mistaken in entry.manifest.mistaken:
            if all(key in shapes for key in mistaken.keys):
                raise AnnotatorError(f"{path.name} {mistaken.message}", mistaken.remedy)


def verify_weights(
    registry: PluginRegistry,
    name: str = "",
    *,
    progress: Progress = no_progress,
    cancel: CancelToken | None = None,
) -> list[Verdict]:
    """Check the files of one entry or of all present ones: sha256, then names and shapes.

    Raises:
        AnnotatorError: If `name` is unknown.
        Cancelled: If `cancel` was set.
    """
    records = [find_record(registry, name)] if name else list_weights(registry)
    verdicts = []
    for number, record in enumerate(records):
        progress(number / len(records), record.spec.name)
        verdicts.append(_verify(record, cancel))
    progress(1.0, "verified")
    return verdicts


def _verify(record: WeightsRecord, cancel: CancelToken | None) -> Verdict:
    if record.path is None:
        return Verdict(record, False, "missing")
    expected = record.expected_sha256
    found = sha256_of(record.path, cancel) if expected else ""
    if found != expected:
        difference = f"its sha256 is {found}, not {expected}"
        return Verdict(record, False, f"{record.path.name} was changed: {difference}")
    checked = "sha256 matches" if expected else "no sha256 is known"
    if record.spec.layout and record.path.suffix == ".safetensors":
        return _verify_layout(record, record.path, checked)
    return Verdict(record, True, checked)


def _verify_layout(record: WeightsRecord, path: Path, checked: str) -> Verdict:
    try:
        difference = compare(read_layout(record.folder / record.spec.layout), read_shapes(path))
    except AnnotatorError as error:
        return Verdict(record, False, error.message)
    if difference.none:
        return Verdict(record, True, f"{checked}, all {difference.matching} tensors as declared")
    return Verdict(record, False, str(difference))


def manifest_lines(path: Path) -> str:
    """Return what a manifest says of a file of weights: lines of a `[[weights]]` entry.

    Raises:
        AnnotatorError: If it cannot be read.
    """
    try:
        return f'sha256 = "{sha256_of(path)}"\nsize = {path.stat().st_size}'
    except OSError as error:
        raise AnnotatorError(f"{path} cannot be read: {error.strerror}.", "Check it.") from error


def pull_weights(
    name: str,
    registry: PluginRegistry,
    *,
    mirror: str = "",
    progress: Progress = no_progress,
    cancel: CancelToken | None = None,
) -> WeightsRecord:
    """Download an entry's weights into the user's data; a file already there is kept.

    Args:
        name: The entry.
        registry: The plugins.
        mirror: Address of a folder to fetch the file from instead; empty for the one that
            `ANNOTATOR_MIRROR` names, if any. The sha256 is checked all the same.
        progress: Told the fraction received.
        cancel: Stops it; a later pull resumes.

    Raises:
        AnnotatorError: If the entry has no address, or the download or its content fails.
        Cancelled: If `cancel` was set; a later pull resumes.
    """
    record = find_record(registry, name)
    spec = record.spec
    if record.path is not None and _verify(record, cancel).good:
        progress(1.0, f"{name} is already there")
        return record
    if not spec.url:
        raise AnnotatorError(
            f"The weights {name!r} cannot be downloaded: their authors offer no address for it.",
            f"Get the file from {spec.homepage or 'them'} and run `annotator weights import FILE`.",
        )
    source = user_weights() / (Path(spec.url).name if _needs_import(spec) else spec.file)
    url = mirrored(spec.url, mirror or os.environ.get(MIRROR_VARIABLE, ""))
    fetch(Download(url, spec.sha256, spec.size), source, progress=progress, cancel=cancel)
    if _needs_import(spec):
        try:
            return import_weights(source, registry, progress=progress, cancel=cancel)
        finally:
            source.unlink(missing_ok=True)
    _write_sum(source)
    return find_record(registry, name)


def mirrored(url: str, mirror: str) -> str:
    """Return where a mirror has the file of an address: under the same file name."""
    return f"{mirror.rstrip('/')}/{Path(url).name}" if mirror else url


def _needs_import(spec: WeightsSpec) -> bool:
    """Whether the address gives a pickle that has to become safetensors first."""
    return spec.file.endswith(".safetensors") and not spec.url.endswith(".safetensors")


def _sum_file(path: Path) -> Path:
    return path.with_name(f"{path.name}.sha256")


def _write_sum(path: Path) -> None:
    with replacing(_sum_file(path)) as temporary:
        temporary.write_text(f"{sha256_of(path)}  {path.name}\n", encoding="utf-8")


def _read_sum(path: Path) -> str:
    try:
        return _sum_file(path).read_text(encoding="utf-8").split()[0]
    except (OSError, IndexError, UnicodeDecodeError):
        return ""
