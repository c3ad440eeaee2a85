"""Says what a file of weights is, what weights occupy on disk, and removes them."""

import math
from dataclasses import dataclass
from pathlib import Path

from annotator.domain import AnnotatorError
from annotator.engine.checkpoints import read_shapes
from annotator.engine.registry import PluginRegistry
from annotator.engine.store import user_weights
from annotator.engine.weights import WeightsRecord, find_record, list_weights


def title_of(record: WeightsRecord, registry: PluginRegistry) -> str:
    """Return what a person calls a set of weights: plugin and the variant that uses it."""
    manifest = registry.entry(record.plugin).manifest
    using = [v for v in manifest.variants if record.spec.name in v.weights]
    title = using[0].title or using[0].id if using else ""
    if title.startswith(manifest.title):
        return title
    return f"{manifest.title} {title}".strip()


def in_words(record: WeightsRecord, registry: PluginRegistry) -> str:
    """Say what installed weights are, such as "this is RITM HRNet-18, 10.03 M parameters"."""
    words = f"this is {title_of(record, registry)}"
    if record.path is None or record.path.suffix != ".safetensors":
        return words
    count = sum(math.prod(shape) for shape in read_shapes(record.path).values())
    return f"{words}, {count / 1e6:.2f} M parameters"


@dataclass(frozen=True)
class DiskUse:
    """What weights occupy in the user's data folder.

    Attributes:
        known: Bytes of each installed entry, by name.
        partial: Bytes of interrupted downloads, which a pull resumes.
        strange: Files that no plugin declares, and their bytes.
    """

    known: dict[str, int]
    partial: int
    strange: dict[str, int]

    @property
    def total(self) -> int:
        """Bytes of everything."""
        return sum(self.known.values()) + self.partial + sum(self.strange.values())


def disk_use(registry: PluginRegistry) -> DiskUse:
    """Measure the user's weights folder."""
    names = {r.spec.file: r.spec.name for r in list_weights(registry)}
    known: dict[str, int] = {}
    strange: dict[str, int] = {}
    partial = 0
    folder = user_weights()
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        if not path.is_file() or path.name.removesuffix(".sha256") != path.name:
            continue
        size = path.stat().st_size
        if path.suffix == ".part":
            partial += size
        elif path.name in names:
            known[names[path.name]] = size
        else:
            strange[path.name] = size
    return DiskUse(known, partial, strange)


def remove_weights(name: str, registry: PluginRegistry) -> int:
    """Delete the user's file of an entry and what is left of its download; return the bytes.

    Raises:
        AnnotatorError: If it is unknown, came with the application, or cannot be deleted.
    """
    record = find_record(registry, name)
    folder = user_weights()
    files = [folder / record.spec.file, folder / f"{record.spec.file}.sha256"]
    sources = {record.spec.file, Path(record.spec.url).name} - {""}
    files += [folder / f"{source}.part" for source in sorted(sources)]
    present = [path for path in files if path.is_file()]
    if not present and record.path is not None:
        raise AnnotatorError(f"{name} came with the application.", "It cannot be removed alone.")
    try:
        freed = sum(path.stat().st_size for path in present)
        for path in present:
            path.unlink()
    except OSError as error:
        raise AnnotatorError(f"{name} cannot be removed: {error.strerror}.") from error
    return freed
