"""The engines one can choose: every plugin of a kind with its variants and state."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QMenu

from annotator.domain import AnnotatorError
from annotator.engine.api import EngineKind
from annotator.engine.manifest import VariantSpec
from annotator.engine.placement import read_settings
from annotator.engine.registry import PluginEntry, PluginRegistry
from annotator.engine.requirements import unmet_by
from annotator.engine.store import find_weights


@dataclass(frozen=True)
class EngineChoice:
    """One row of the menu.

    Attributes:
        ref: "plugin" or "plugin:variant".
        title: What a person reads.
        problem: Why it cannot be used as it is; empty if it can.
        usable: Whether choosing it makes sense at all.
        abilities: What it understands, and where it runs, in words.
        weights: Whether its weights are there, in words; empty if it needs none.
        brief: The most of both in a few words.
    """

    ref: str
    title: str
    problem: str = ""
    usable: bool = True
    abilities: str = ""
    weights: str = ""
    brief: str = ""


def engine_choices(
    registry: PluginRegistry, kind: EngineKind = EngineKind.SCENE
) -> list[EngineChoice]:
    """Return every engine of a kind by plugin and variant, in the registry's order."""
    return [
        choice
        for entry in registry.entries.values()
        if entry.manifest.kind is kind
        for choice in _choices_of(entry)
    ]


def _choices_of(entry: PluginEntry) -> Iterator[EngineChoice]:
    manifest = entry.manifest
    usable = entry.state in {"found", "loaded"}
    if not manifest.variants:
        yield _choice(entry, manifest.variant(), manifest.id, manifest.title, usable)
    for variant in manifest.variants:
        title = variant.title or variant.id
        if not title.startswith(manifest.title):
            title = f"{manifest.title} – {title}"
        yield _choice(entry, variant, f"{manifest.id}:{variant.id}", title, usable)


def _choice(
    entry: PluginEntry, variant: VariantSpec, ref: str, title: str, usable: bool
) -> EngineChoice:
    weights = _weights(entry, variant)
    return EngineChoice(
        ref,
        title,
        _problem(entry, variant),
        usable,
        abilities(entry),
        weights,
        _brief(entry, weights),
    )


def _brief(entry: PluginEntry, weights: str) -> str:
    can = entry.manifest.capabilities
    words = [
        "many objects" if can.many_objects else "",
        "boxes" if can.boxes else "",
        "candidates" if can.candidates else "",
        "words" if can.words else "",
        "weights ready" if weights and "missing" not in weights else "",
        "" if entry.trusted else "not agreed to",
    ]
    return " · ".join(word for word in words if word)


def abilities(entry: PluginEntry) -> str:
    """Say what an engine understands and where its code is from."""
    can = entry.manifest.capabilities
    single = entry.manifest.kind is EngineKind.IMAGE and not can.many_objects
    words = [
        "inside and outside clicks" if can.negative_clicks else "inside clicks only",
        "object by object" if single else "many objects at once" if can.many_objects else "",
        "boxes" if can.boxes else "",
        "several candidates" if can.candidates else "",
        "words" if can.words else "",
        f"colour {can.colour}" if entry.manifest.kind is EngineKind.SCENE else "",
        "" if entry.trusted else "not agreed to yet: asks before its first use",
    ]
    return ", ".join(word for word in words if word)


def _weights(entry: PluginEntry, variant: VariantSpec) -> str:
    specs = {spec.name: spec for spec in entry.manifest.weights}
    states = [
        f"{name} {'ready' if find_weights(specs[name], entry.folder) else 'missing'}"
        for name in variant.weights
        if name in specs
    ]
    return f"Weights: {', '.join(states)}" if states else ""


def _problem(entry: PluginEntry, variant: VariantSpec) -> str:
    if entry.state in {"failed", "disabled"}:
        return entry.error or entry.state
    if _elsewhere(entry):
        return ""  # packages and weights are those of another environment or machine
    try:
        packages = unmet_by(entry.manifest, variant)
    except AnnotatorError as error:
        return str(error)
    if packages:
        return f"packages missing: {', '.join(packages)}"
    specs = {spec.name: spec for spec in entry.manifest.weights}
    missing = [
        name
        for name in variant.weights
        if name in specs and find_weights(specs[name], entry.folder) is None
    ]
    return f"weights missing: {', '.join(missing)}" if missing else ""


def _elsewhere(entry: PluginEntry) -> bool:
    try:
        settings = read_settings().get(entry.manifest.id)
    except AnnotatorError:
        return False  # told when an engine is opened
    return settings is not None and settings.elsewhere


def full_ref(registry: PluginRegistry, ref: str) -> str:
    """Return "plugin:variant" for a reference that may leave the variant out.

    An unknown plugin or variant is returned as it is: loading it says what is wrong.
    """
    plugin_id, _, variant_id = ref.partition(":")
    entry = registry.entries.get(plugin_id)
    if entry is None or not entry.manifest.variants:
        return ref
    try:
        return f"{plugin_id}:{entry.manifest.variant(variant_id).id}"
    except AnnotatorError:
        return ref


def defaults_of(registry: PluginRegistry, ref: str) -> dict[str, Any]:
    """Return the default of every parameter of an engine.

    Raises:
        AnnotatorError: If there is no such plugin or variant.
    """
    plugin_id, _, variant_id = ref.partition(":")
    manifest = registry.entry(plugin_id).manifest
    return manifest.resolve_parameters(manifest.variant(variant_id))


class EngineMenu(QObject):
    """The checkable rows at the top of the Engine menu.

    Signals:
        chosen: Reference of the engine that the person chose.
        explain_asked: (title, problem) of a plugin that failed.
    """

    chosen = Signal(str)
    explain_asked = Signal(str, str)

    def __init__(self, menu: QMenu, parent: QObject) -> None:
        super().__init__(parent)
        self._menu = menu
        menu.setToolTipsVisible(True)
        self._first = menu.actions()[0] if menu.actions() else None
        self._group = QActionGroup(self)
        self.actions: dict[str, QAction] = {}
        self._separator = menu.insertSeparator(self._first) if self._first else None

    def show(self, registry: PluginRegistry, kind: EngineKind = EngineKind.SCENE) -> None:
        """List the registry's engines of a kind anew."""
        for action in self.actions.values():
            self._menu.removeAction(action)
            self._group.removeAction(action)
            action.deleteLater()
        self.actions = {choice.ref: self._make(choice) for choice in engine_choices(registry, kind)}
        for action in self.actions.values():
            if self._separator is not None:
                self._menu.insertAction(self._separator, action)

    def _make(self, choice: EngineChoice) -> QAction:
        short = choice.problem.strip().splitlines()[-1][:60] if choice.problem else ""
        title = f"{choice.title}  ({short})" if short else choice.title
        # Behind a tab Qt writes at the right edge, where shortcuts stand.
        action = QAction(f"{title}\t{choice.brief}" if choice.brief else title, self)
        action.setCheckable(True)
        action.setObjectName(f"engine_{choice.ref}")
        lines = (f"Engine: {title}", choice.abilities, choice.weights)
        action.setToolTip("\n".join(line for line in lines if line))
        action.setStatusTip(choice.problem)
        self._group.addAction(action)
        action.triggered.connect(lambda: self._choose(choice))
        return action

    def _choose(self, choice: EngineChoice) -> None:
        if choice.usable:
            self.chosen.emit(choice.ref)
        else:
            self.explain_asked.emit(choice.title, choice.problem)

    def set_current(self, ref: str) -> None:
        """Check the row of the engine in use; none if `ref` is empty."""
        for own_ref, action in self.actions.items():
            action.setChecked(own_ref == ref)


def parameters_of(values: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Return only the values that differ from their defaults: what a project stores."""
    return {name: value for name, value in values.items() if defaults.get(name) != value}
