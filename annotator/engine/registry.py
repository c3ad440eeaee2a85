"""All plugins that there are: found by their manifests, loaded when first used."""

import logging
import traceback
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from importlib import metadata, util
from pathlib import Path
from typing import Any, Literal

from annotator.domain import AnnotatorError, Prompt
from annotator.engine.api import API_VERSION, Engine, EngineKind, PluginContext
from annotator.engine.cache import DiskCache, MemoryCache
from annotator.engine.capabilities import require_supported
from annotator.engine.devices import DeviceChoice, choose_device, explain_memory
from annotator.engine.files import sha256_of
from annotator.engine.loader import Factory, load_factory
from annotator.engine.manifest import MANIFEST_NAME, Manifest, Scalar, VariantSpec, read_manifest
from annotator.engine.opened import Identity, OpenEngine
from annotator.engine.paths import shipped, user_cache, user_data
from annotator.engine.placement import Isolation, PluginSettings, place_of, read_settings
from annotator.engine.process import Opening, ProcessEngine, open_in_worker
from annotator.engine.process.links import Place
from annotator.engine.requirements import require_packages
from annotator.engine.store import require_weights
from annotator.engine.threads import sleep_when_waiting
from annotator.engine.trust import UntrustedPlugin, is_trusted, was_trusted

ENTRY_POINT_GROUP = "annotator.plugins"
State = Literal["found", "loaded", "failed", "disabled"]
Origin = Literal["given", "shipped", "user", "installed"]
_log = logging.getLogger(__name__)


@dataclass
class PluginEntry:
    """A plugin as the registry knows it.

    Attributes:
        manifest: What it declares; if it could not be read, a stand-in with the folder's name.
        folder: Where it lies.
        state: found (not imported yet), loaded, failed or disabled.
        error: Traceback or message of the failure; empty if none.
        origin: How it was found: named by the caller, with the application, in the user's
            data, or in an installed package. Code of the last two runs only if trusted.
    """

    manifest: Manifest
    folder: Path
    state: State = "found"
    error: str = ""
    origin: Origin = "given"
    factory: Factory | None = field(default=None, repr=False)

    @property
    def trusted(self) -> bool:
        """Whether its code may run."""
        return self.origin in ("given", "shipped") or is_trusted(self.folder)


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
        registry = cls(_found([Path(folder) for folder in extra_folders]), disk=disk)
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
        self._entries[plugin_id] = _read_entry(entry.folder, entry.origin)

    def open(
        self,
        ref: str,
        *,
        device: str = "auto",
        dtype: str = "float32",
        parameters: Mapping[str, Any] | None = None,
        isolation: Isolation | None = None,
        prompt: Prompt | None = None,
    ) -> OpenEngine:
        """Load a plugin's engine.

        Args:
            ref: "plugin" or "plugin:variant".
            device: "auto", "cpu", "cuda", "cuda:1" or "mps"; falls back to what works.
            dtype: "float32", "float16" or "bfloat16".
            parameters: Values that differ from the defaults.
            isolation: "inprocess" or "process", whatever manifest and user say.
            prompt: What it will be asked, if that is known: refused before anything is
                loaded if the engine does not understand it.

        Raises:
            AnnotatorError: If there is no such plugin, it is disabled, not trusted or
                fails, a parameter is wrong or its weights are missing.
        """
        plugin_id, _, variant_id = ref.partition(":")
        entry = self.entry(plugin_id)
        _require_usable(entry)
        manifest, folder = self._code_of(entry)
        variant = manifest.variant(variant_id)
        values = manifest.resolve_parameters(variant, dict(parameters or {}))
        if dtype not in manifest.dtypes:
            raise AnnotatorError(
                f"Plugin {plugin_id!r} does not compute in {dtype}.",
                f"Use {' or '.join(manifest.dtypes)}.",
            )
        if prompt is not None:
            require_supported(manifest, prompt)
        _require_trust(entry)
        settings = read_settings().get(plugin_id, PluginSettings())
        place = place_of(manifest, folder, settings, isolation, variant.requires)
        if place is None or not settings.elsewhere:
            require_packages(manifest, variant)
        opening = Opening(plugin_id, variant.id, device, manifest.devices, dtype, values)
        if place is not None:
            opened = _open_in_worker(entry, place, opening, variant, settings)
        else:
            opened = _open_here(entry, manifest, folder, opening, variant)
        engine, choice, weights = opened
        if choice.note:
            _log.warning("%s: %s", ref, choice.note)
        identity = _identity(manifest, values, weights, choice.type, dtype)
        return OpenEngine(ref, engine, manifest, choice, values, identity, self.memory, self.disk)

    def _code_of(self, entry: PluginEntry) -> tuple[Manifest, Path]:
        """Return the manifest to open and the folder of the code, maybe another plugin's."""
        if not entry.manifest.uses:
            return entry.manifest, entry.folder
        used = self.entry(entry.manifest.uses)
        _require_usable(used)
        _require_trust(used)
        return entry.manifest.built_on(used.manifest), used.folder

    def _add(self, entry: PluginEntry) -> None:
        plugin_id = entry.manifest.id
        if plugin_id in self._entries:
            first = self._entries[plugin_id].folder
            _log.warning("plugin %s in %s is hidden by %s", plugin_id, entry.folder, first)
            return
        self._entries[plugin_id] = entry


def _found(given: Iterable[Path]) -> Iterator[PluginEntry]:
    """Give all plugins in the order of their rights: of two with one id the first counts."""
    places: list[tuple[Path, Origin]] = [(folder, "given") for folder in given]
    places += [(shipped("plugins"), "shipped"), (user_data("plugins"), "user")]
    for root, origin in places:
        for folder in _plugin_folders(root):
            yield _read_entry(folder, origin)
    for folder in _entry_point_folders():
        yield _read_entry(folder, "installed")


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


def _read_entry(folder: Path, origin: Origin) -> PluginEntry:
    try:
        return PluginEntry(
            read_manifest(folder / MANIFEST_NAME).placed_in(folder), folder, origin=origin
        )
    except AnnotatorError as error:
        stand_in = Manifest.model_construct(
            api=API_VERSION,
            id=folder.name,
            version="?",
            title=folder.name,
            kind=EngineKind.SCENE,
            target="",
        )
        return PluginEntry(stand_in, folder, "failed", str(error), origin)


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


def _require_trust(entry: PluginEntry) -> None:
    if not entry.trusted:
        raise UntrustedPlugin(entry.manifest.id, entry.folder, was_trusted(entry.folder))


_Opened = tuple[Engine[Any, Any], DeviceChoice, dict[str, str]]
"""An engine, its device, and the sha256 of its weights by name."""


def _open_here(
    entry: PluginEntry, manifest: Manifest, folder: Path, opening: Opening, variant: VariantSpec
) -> _Opened:
    weights = _weights_of(entry, variant)
    choice = choose_device(opening.device, opening.devices)
    logger = logging.getLogger(f"annotator.plugins.{entry.manifest.id}")
    context = PluginContext(
        choice.device, opening.dtype, variant.id, opening.parameters, weights, logger
    )
    return _create(entry, manifest, folder, context), choice, _sums(weights)


def _open_in_worker(
    entry: PluginEntry,
    place: Place,
    opening: Opening,
    variant: VariantSpec,
    settings: PluginSettings,
) -> _Opened:
    """Open a plugin elsewhere; only the other machine knows the weights of a remote one."""
    weights = {} if settings.remote else _weights_of(entry, variant)
    opening = replace(opening, weights={name: str(path) for name, path in weights.items()})
    with _failure_noted(entry):
        engine: ProcessEngine = open_in_worker(place, opening, settings.patience)
        entry.state = "loaded"
    choice = DeviceChoice(str(engine.told["device"]), str(engine.told["note"]))
    return engine, choice, {**_sums(weights), **engine.told.get("weights", {})}


def _sums(weights: Mapping[str, Path]) -> dict[str, str]:
    return {name: sha256_of(path) for name, path in weights.items()}


def _identity(
    manifest: Manifest,
    values: Mapping[str, Scalar],
    weights: Mapping[str, str],
    device: str,
    dtype: str,
) -> Identity:
    encoding = [spec.name for spec in manifest.parameters if spec.affects == "encode"]
    files = {
        spec.name: Path(str(values[spec.name]))
        for spec in manifest.parameters
        if spec.type == "file" and spec.name in encoding and values[spec.name]
    }
    return Identity(
        plugin=f"{manifest.id} {manifest.version}",
        weights={**_sums({k: path for k, path in files.items() if path.is_file()}), **weights},
        parameters={name: values[name] for name in encoding},
        device=device,
        dtype=dtype,
    )


@contextmanager
def _failure_noted(entry: PluginEntry) -> Iterator[None]:
    """Mark the plugin, and no other, if its code fails inside."""
    try:
        yield
    except AnnotatorError:
        raise  # bad weights or too little memory: nothing is wrong with the code
    except (Exception, SystemExit) as error:
        entry.state, entry.error = "failed", traceback.format_exc()
        _log.exception("plugin %s failed to load", entry.manifest.id)
        raise AnnotatorError(
            f"Plugin {entry.manifest.id!r} failed to load: {type(error).__name__}: {error}.",
            f"`annotator plugins info {entry.manifest.id}` shows the traceback.",
        ) from error


def _create(
    entry: PluginEntry, manifest: Manifest, folder: Path, context: PluginContext
) -> Engine[Any, Any]:
    """Import (once) and call the factory."""
    with _failure_noted(entry):
        if entry.factory is None:
            entry.factory = load_factory(manifest, folder)
            entry.state = "loaded"
        with explain_memory(context.device, f"loading {entry.manifest.title}"):
            engine = entry.factory(context)
        if not isinstance(engine, Engine):
            raise TypeError(f"{manifest.target} returned no engine (encode, predict, close)")
        return engine
