"""All plugins that there are: found by their manifests, loaded when first used."""

import logging
import traceback
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib import metadata, util
from pathlib import Path
from typing import Any, Literal

from annotator.domain import AnnotatorError
from annotator.engine.api import API_VERSION, Engine, EngineKind, PluginContext
from annotator.engine.cache import DiskCache, MemoryCache
from annotator.engine.devices import choose_device, explain_memory
from annotator.engine.files import sha256_of
from annotator.engine.loader import Factory, load_factory
from annotator.engine.manifest import MANIFEST_NAME, Manifest, VariantSpec, read_manifest
from annotator.engine.opened import Identity, OpenEngine
from annotator.engine.paths import shipped, user_cache, user_data
from annotator.engine.requirements import require_packages
from annotator.engine.store import require_weights
from annotator.engine.threads import sleep_when_waiting

ENTRY_POINT_GROUP = "annotator.plugins"
State = Literal["found", "loaded", "failed", "disabled"]
_log = logging.getLogger(__name__)


@dataclass
class PluginEntry:
    """A plugin as the registry knows it.

    Attributes:
        manifest: What it declares; if it could not be read, a stand-in with the folder's name.
        folder: Where it lies.
        state: found (not imported yet), loaded, failed or disabled.
        error: Traceback or message of the failure; empty if none.
    """

    manifest: Manifest
    folder: Path
    state: State = "found"
    error: str = ""
    factory: Factory | None = field(default=None, repr=False)


class PluginRegistry:
    """Plugins by id. Discovery reads manifests only; code is imported by `open`."""

    def __init__(self, entries: Iterable[PluginEntry] = (), *, disk: bool = True) -> None:
        sleep_when_waiting()
        self._entries: dict[str, PluginEntry] = {}
        self.memory = MemoryCache()
        self.disk = DiskCache(user_cache("encodings")) if disk else None
        for entry in entries:
            self._add(entry)

    @classmethod
    def discover(
        cls,
        extra_folders: Iterable[Path | str] = (),
        *,
        disabled: Iterable[str] = (),
        disk: bool = True,
    ) -> "PluginRegistry":
        """Find all plugins; of two with the same id the first found counts.

        Args:
            extra_folders: Plugin folders, or folders of them, searched before the
                application's own, the user's and the installed packages'.
            disabled: Ids that shall not be loaded.
            disk: Whether encodings are kept on disk.
        """
        roots = [*map(Path, extra_folders), shipped("plugins"), user_data("plugins")]
        folders = [folder for root in roots for folder in _plugin_folders(root)]
        registry = cls(map(_read_entry, [*folders, *_entry_point_folders()]), disk=disk)
        for plugin_id in disabled:
            registry.disable(plugin_id)
        return registry

    @property
    def entries(self) -> Mapping[str, PluginEntry]:
        """All plugins by id, in the order found."""
        return self._entries

    def of_kind(self, kind: EngineKind) -> list[PluginEntry]:
        """Return the usable plugins of a kind."""
        usable = ("found", "loaded")
        return [e for e in self._entries.values() if e.manifest.kind == kind and e.state in usable]

    def entry(self, plugin_id: str) -> PluginEntry:
        """Return the plugin of that id.

        Raises:
            AnnotatorError: If there is none.
        """
        if plugin_id in self._entries:
            return self._entries[plugin_id]
        known = ", ".join(self._entries) or "none"
        raise AnnotatorError(f"There is no plugin {plugin_id!r}.", f"Known plugins: {known}.")

    def disable(self, plugin_id: str) -> None:
        """Take a plugin out of use; unknown ids are ignored, as they may come from old settings."""
        if plugin_id in self._entries:
            self._entries[plugin_id].state = "disabled"

    def enable(self, plugin_id: str) -> None:
        """Bring a disabled or failed plugin back: its folder is read again."""
        entry = self.entry(plugin_id)
        self._entries[plugin_id] = _read_entry(entry.folder)

    def open(
        self,
        ref: str,
        *,
        device: str = "auto",
        dtype: str = "float32",
        parameters: Mapping[str, Any] | None = None,
    ) -> OpenEngine:
        """Load a plugin's engine.

        Args:
            ref: "plugin" or "plugin:variant".
            device: "auto", "cpu", "cuda", "cuda:1" or "mps"; falls back to what works.
            dtype: "float32", "float16" or "bfloat16".
            parameters: Values that differ from the defaults.

        Raises:
            AnnotatorError: If there is no such plugin, it is disabled or fails, a
                parameter is wrong or its weights are missing.
        """
        plugin_id, _, variant_id = ref.partition(":")
        entry = self.entry(plugin_id)
        _require_usable(entry)
        manifest = entry.manifest
        variant = manifest.variant(variant_id)
        require_packages(manifest, variant)
        values = manifest.resolve_parameters(variant, dict(parameters or {}))
        if dtype not in manifest.dtypes:
            raise AnnotatorError(
                f"Plugin {plugin_id!r} does not compute in {dtype}.",
                f"Use {' or '.join(manifest.dtypes)}.",
            )
        weights = _weights_of(entry, variant)
        choice = choose_device(device, manifest.devices)
        if choice.note:
            _log.warning("%s: %s", ref, choice.note)
        logger = logging.getLogger(f"annotator.plugins.{plugin_id}")
        context = PluginContext(choice.device, dtype, variant.id, values, weights, logger)
        engine = _create(entry, context)
        identity = _identity(manifest, context)
        return OpenEngine(ref, engine, manifest, choice, values, identity, self.memory, self.disk)

    def _add(self, entry: PluginEntry) -> None:
        plugin_id = entry.manifest.id
        if plugin_id in self._entries:
            first = self._entries[plugin_id].folder
            _log.warning("plugin %s in %s is hidden by %s", plugin_id, entry.folder, first)
            return
        self._entries[plugin_id] = entry


def _plugin_folders(root: Path) -> Iterator[Path]:
    """Give `root` itself if it is a plugin, else its subfolders that are, by name."""
    if (root / MANIFEST_NAME).is_file():
        yield root
    elif root.is_dir():
        yield from sorted(f for f in root.iterdir() if (f / MANIFEST_NAME).is_file())


def _entry_point_folders() -> Iterator[Path]:
    """Give the folders of installed packages that announce a plugin, importing none."""
    for point in metadata.entry_points(group=ENTRY_POINT_GROUP):
        folder = _folder_of(point)
        if folder is None:
            _log.warning("entry point %s has no %s beside it", point.value, MANIFEST_NAME)
        else:
            yield folder


def _folder_of(point: metadata.EntryPoint) -> Path | None:
    top, *rest = point.module.split(".")
    try:
        spec = util.find_spec(top)  # of a top-level name: looks, but does not import
    except (ImportError, ValueError):
        return None
    places = list(spec.submodule_search_locations or []) if spec else []
    if point.dist is not None:
        places.append(str(point.dist.locate_file(top)))
    candidates = (Path(place, *rest) for place in places)
    return next((folder for folder in candidates if (folder / MANIFEST_NAME).is_file()), None)


def _read_entry(folder: Path) -> PluginEntry:
    try:
        return PluginEntry(read_manifest(folder / MANIFEST_NAME), folder)
    except AnnotatorError as error:
        stand_in = Manifest.model_construct(
            api=API_VERSION,
            id=folder.name,
            version="?",
            title=folder.name,
            kind=EngineKind.SCENE,
            target="",
        )
        return PluginEntry(stand_in, folder, "failed", str(error))


def _require_usable(entry: PluginEntry) -> None:
    plugin_id = entry.manifest.id
    if entry.state == "disabled":
        raise AnnotatorError(f"Plugin {plugin_id!r} is disabled.", "Enable it in the plugin list.")
    if entry.state == "failed":
        last = entry.error.strip().splitlines()[-1]
        raise AnnotatorError(
            f"Plugin {plugin_id!r} failed: {last}",
            f"`annotator plugins info {plugin_id}` tells more.",
        )


def _weights_of(entry: PluginEntry, variant: VariantSpec) -> dict[str, Path]:
    specs = {spec.name: spec for spec in entry.manifest.weights}
    return {name: require_weights(specs[name], entry.folder) for name in variant.weights}


def _identity(manifest: Manifest, context: PluginContext) -> Identity:
    encoding = [spec.name for spec in manifest.parameters if spec.affects == "encode"]
    files = {
        spec.name: Path(str(context.parameters[spec.name]))
        for spec in manifest.parameters
        if spec.type == "file" and spec.name in encoding and context.parameters[spec.name]
    }
    return Identity(
        plugin=f"{manifest.id} {manifest.version}",
        weights={
            name: sha256_of(path)
            for name, path in {**files, **context.weights}.items()
            if path.is_file()
        },
        parameters={name: context.parameters[name] for name in encoding},
        device=context.device.partition(":")[0],
        dtype=context.dtype,
    )


def _create(entry: PluginEntry, context: PluginContext) -> Engine[Any, Any]:
    """Import (once) and call the factory; any failure marks this plugin, and no other."""
    try:
        if entry.factory is None:
            entry.factory = load_factory(entry.manifest, entry.folder)
            entry.state = "loaded"
        with explain_memory(context.device, f"loading {entry.manifest.title}"):
            engine = entry.factory(context)
        if not isinstance(engine, Engine):
            raise TypeError(f"{entry.manifest.target} returned no engine (encode, predict, close)")
    except AnnotatorError:
        raise  # bad weights or too little memory: nothing is wrong with the code
    except (Exception, SystemExit) as error:
        entry.state, entry.error = "failed", traceback.format_exc()
        _log.exception("plugin %s failed to load", entry.manifest.id)
        raise AnnotatorError(
            f"Plugin {entry.manifest.id!r} failed to load: {type(error).__name__}: {error}.",
            f"`annotator plugins info {entry.manifest.id}` shows the traceback.",
        ) from error
    return engine
