"""One test case a rule and variant, for any plugin folder or known plugin id."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from annotator.domain import AnnotatorError
from annotator.engine import threads
from annotator.engine.contract import rules_for
from annotator.engine.manifest import MANIFEST_NAME, read_manifest
from annotator.engine.placement import Isolation
from annotator.engine.registry import PluginRegistry
from annotator.engine.store import require_weights

Place = Path | str


@dataclass(frozen=True)
class ContractCase:
    """One rule that one variant of a plugin has to keep.

    Attributes:
        ref: "plugin" or "plugin:variant".
        rule: Name of the rule.
        folders: Where to look for plugins besides the usual places.
    """

    ref: str
    rule: str
    folders: tuple[Path, ...] = ()

    def __str__(self) -> str:
        return f"{self.ref}-{self.rule}".replace(" ", "-")

    @property
    def missing_weights(self) -> str:
        """Why the variant cannot be tried here; empty if it can."""
        plugin_id, _, variant_id = self.ref.partition(":")
        entry = registry_of(*self.folders).entry(plugin_id)
        specs = {spec.name: spec for spec in entry.manifest.weights}
        try:
            for name in entry.manifest.variant(variant_id).weights:
                require_weights(specs[name], entry.folder)
        except AnnotatorError as error:
            return str(error)
        return ""

    @threads.steady()
    def run(self, device: str = "cpu", isolation: Isolation | None = None) -> None:
        """Open the plugin and hold it to the rule.

        Raises:
            BrokenPromiseError: If the rule is broken; the message says how.
            AnnotatorError: If the plugin cannot be opened.
        """
        engine = registry_of(*self.folders).open(self.ref, device=device, isolation=isolation)
        try:
            rule = next(r for r in rules_for(engine.manifest.kind) if r.name == self.rule)
            rule.check(engine)
        finally:
            engine.close()


def registry_of(*folders: Place) -> PluginRegistry:
    """Return a registry that also knows some folders and keeps no encodings on disk."""
    return PluginRegistry.discover(folders, disk=False)


def contract_cases(plugin: Place, folders: Sequence[Place] = ()) -> list[ContractCase]:
    """Return every rule that every variant of a plugin has to keep.

    Args:
        plugin: Its folder; or "plugin" or "plugin:variant" of one that is found.
        folders: Where to look for it besides the usual places.

    Raises:
        AnnotatorError: If there is no such plugin, or its manifest is wrong.
    """
    places = tuple(Path(folder) for folder in folders)
    folder = Path(plugin)
    if (folder / MANIFEST_NAME).is_file():
        manifest, places = read_manifest(folder / MANIFEST_NAME), (folder, *places)
        refs = list(_refs(manifest.id, [variant.id for variant in manifest.variants]))
    else:
        manifest = registry_of(*places).entry(str(plugin).partition(":")[0]).manifest
        refs = [str(plugin)]
    return [
        ContractCase(ref, rule.name, places) for ref in refs for rule in rules_for(manifest.kind)
    ]


def _refs(plugin_id: str, variants: Sequence[str]) -> Iterator[str]:
    if not variants:
        yield plugin_id
    for variant in variants:
        yield f"{plugin_id}:{variant}"
