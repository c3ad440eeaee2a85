"""Preferences in a readable JSON file, declared as one table; window state apart in an ini file."""

import json
import os
from collections.abc import Mapping, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import QByteArray, QSettings

from annotator.domain import Signal
from annotator.ui.basics.folders import config_folder

WINDOW_STATE_VERSION = 1
"""Raised whenever docks or toolbars change their names: older window state is ignored then."""

_RECENT_COUNT = 12


@dataclass(frozen=True, slots=True)
class Setting:
    """One preference.

    Attributes:
        key: Name in the file.
        title: Label in the dialog.
        default: Value if the file says nothing; its type is the setting's type.
        section: Heading in the dialog.
        choices: Allowed (value, title) pairs; empty for free values.
        minimum: Smallest number allowed.
        maximum: Largest number allowed.
        step: How far an arrow moves a whole number.
        unit: Shown after a number.
        tip: What it does, one sentence.
    """

    key: str
    title: str
    default: str | int | float | bool
    section: str
    choices: tuple[tuple[str, str], ...] = ()
    minimum: float = 0.0
    maximum: float = 1e9
    step: int = 1
    unit: str = ""
    tip: str = ""

    def accepts(self, value: object) -> bool:
        """Whether `value` may be stored."""
        if self.choices:
            return value in {choice for choice, _ in self.choices}
        if isinstance(self.default, bool) or isinstance(value, bool):
            return isinstance(self.default, bool) and isinstance(value, bool)
        if isinstance(self.default, str):
            return isinstance(value, str)
        return isinstance(value, int | float) and self.minimum <= value <= self.maximum


SETTINGS: tuple[Setting, ...] = (
    Setting("theme", "Theme", "system", "Appearance",
            (("system", "Like the system"), ("light", "Light"), ("dark", "Dark"))),
    Setting("renderer", "3D renderer", "auto", "Appearance",
            (("auto", "Automatic"), ("software", "Software"), ("opengl", "OpenGL 3.3")),
            tip="Automatic takes OpenGL where a real graphics card answers."),
    Setting("project_place", "Keep projects", "beside", "Projects",
            (("beside", "Beside the scan"), ("data", "In my data folder")),
            tip="Beside the scan falls back to the data folder where nothing may be written."),
    Setting("thin_above", "Thin scans above", 2_000_000, "Large scans", minimum=10_000,
            step=100_000, unit=" points",
            tip="Larger scans are annotated on a voxel-thinned working set."),
    Setting("working_spacing", "Working spacing", 0.0, "Large scans", maximum=100.0, unit=" m",
            tip="Voxel edge of the working set; 0 chooses it so that about 1 M points remain."),
    Setting("device", "Compute on", "auto", "Engine",
            (("auto", "Automatic"), ("cpu", "CPU"), ("cuda", "NVIDIA GPU"), ("mps", "Apple GPU")),
            tip="Automatic takes a GPU where there is one."),
    Setting("threads", "Processor threads", 0, "Engine", maximum=1024,
            tip="0 takes all processors that this program may use; fewer leave some to others."),
    Setting("engine", "Engine for new scans", "agile3d", "Engine",
            tip="A plugin, or plugin:variant."),
    Setting("image_engine", "Engine for masks on photos", "clickseg", "Engine",
            tip="A plugin, or plugin:variant."),
    Setting("pose_engine", "Engine for poses", "clickpose", "Engine",
            tip="A plugin, or plugin:variant."),
    Setting("animation_engine", "Engine for motion", "followclick", "Engine",
            tip="A plugin, or plugin:variant."),
)  # fmt: skip


class Preferences:
    """The preferences file: read once, written atomically at every change.

    Attributes:
        changed: Emitted with the key after a setting changed.
        problem: What was wrong with the file at reading, in words; empty if nothing was.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or config_folder() / "preferences.json"
        self.changed: Signal[str] = Signal()
        self.problem = ""
        self._settings = {setting.key: setting for setting in SETTINGS}
        self._values: dict[str, Any] = {}
        self._shortcuts: dict[str, tuple[str, ...]] = {}
        self._load()

    def _load(self) -> None:
        if not self.path.exists():
            return
        try:
            content = json.loads(self.path.read_text(encoding="utf-8"))
            stored = dict(content.get("settings", {}))
            keys = {str(k): tuple(map(str, v)) for k, v in content.get("shortcuts", {}).items()}
        except (OSError, ValueError, TypeError, AttributeError) as error:
            self._set_aside(error)
            return
        self._shortcuts = keys
        self._values = {k: v for k, v in stored.items() if self._is_valid(k, v)}

    def _is_valid(self, key: str, value: object) -> bool:
        return key in self._settings and self._settings[key].accepts(value)

    def _set_aside(self, error: Exception) -> None:
        broken = self.path.with_suffix(".broken.json")
        try:
            self.path.replace(broken)
            self.problem = f"{self.path.name} could not be read ({error}); kept as {broken.name}."
        except OSError:
            self.problem = f"{self.path.name} could not be read ({error})."

    def _save(self) -> None:
        content = {
            "settings": self._values,
            "shortcuts": {key: list(keys) for key, keys in self._shortcuts.items()},
        }
        scratch = self.path.with_suffix(".tmp")
        with scratch.open("w", encoding="utf-8") as file:
            json.dump(content, file, indent=2, sort_keys=True)
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(self.path)

    def __getitem__(self, key: str) -> Any:  # noqa: ANN401 - the table gives each key its type
        return self._values.get(key, self._settings[key].default)

    def __setitem__(self, key: str, value: str | int | float | bool) -> None:
        """Store a setting and announce it.

        Raises:
            ValueError: If the setting does not take the value.
        """
        if not self._settings[key].accepts(value):
            raise ValueError(f"{key} cannot be {value!r}")
        if self[key] == value:
            return
        self._values[key] = value
        self._save()
        self.changed.emit(key)

    @property
    def shortcuts(self) -> Mapping[str, tuple[str, ...]]:
        """The person's own key sequences by action id; only where they differ from the table."""
        return self._shortcuts

    def set_shortcuts(self, shortcuts: Mapping[str, tuple[str, ...]]) -> None:
        """Replace all own key sequences and announce "shortcuts"."""
        self._shortcuts = dict(shortcuts)
        self._save()
        self.changed.emit("shortcuts")


class WindowState:
    """Geometry, dock layout and recent files, in an ini file that nobody needs to read."""

    def __init__(self, path: Path | None = None) -> None:
        place = path or config_folder() / "window.ini"
        self._settings = QSettings(str(place), QSettings.Format.IniFormat)

    @property
    def layout(self) -> tuple[QByteArray, QByteArray] | None:
        """Stored geometry and dock state; None if there is none of this version."""
        return self.layout_of("masks")

    def layout_of(self, task: str) -> tuple[QByteArray, QByteArray] | None:
        """Return the same for a task: each has docks of its own."""
        if self._number("version") != WINDOW_STATE_VERSION:
            return None
        geometry = self._settings.value("geometry")
        state = self._settings.value(_state_key(task))
        if isinstance(geometry, QByteArray) and isinstance(state, QByteArray):
            return geometry, state
        return None

    def _number(self, key: str) -> int:
        try:
            return int(str(self._settings.value(key, 0)))
        except ValueError:
            return 0

    def save_layout(self, geometry: QByteArray, state: QByteArray, task: str = "masks") -> None:
        """Store geometry and a task's dock state under the present version."""
        self._settings.setValue("version", WINDOW_STATE_VERSION)
        self._settings.setValue("geometry", geometry)
        self._settings.setValue(_state_key(task), state)
        self._settings.sync()

    @property
    def closed_docks(self) -> frozenset[str]:
        """Names of the panels that a person closed.

        Kept beside Qt's dock state, which brings closed ones back when the window was
        hidden before or events are pending.
        """
        return frozenset(self._strings("closed"))

    def note_closed_docks(self, seen: Set[str], closed: Set[str]) -> None:
        """Store which of the panels `seen` are closed; others stay as they were noted."""
        names = sorted((self.closed_docks - seen) | closed)
        self._settings.setValue("closed", json.dumps(names))

    def _strings(self, key: str) -> tuple[str, ...]:
        """Return a stored list of strings; nothing if the file was damaged."""
        try:
            return tuple(str(entry) for entry in json.loads(str(self._settings.value(key, "[]"))))
        except (ValueError, TypeError):
            return ()

    @property
    def recent(self) -> tuple[Path, ...]:
        """Files opened lately, newest first; some may be gone."""
        return tuple(Path(entry) for entry in self._strings("recent"))

    def add_recent(self, path: Path) -> None:
        """Put `path` first."""
        others = [entry for entry in self.recent if entry != path]
        self._store_recent([path, *others][:_RECENT_COUNT])

    def remove_recent(self, path: Path) -> None:
        """Forget `path`."""
        self._store_recent([entry for entry in self.recent if entry != path])

    def clear_recent(self) -> None:
        """Forget all recent files."""
        self._store_recent([])

    def _store_recent(self, paths: list[Path]) -> None:
        self._settings.setValue("recent", json.dumps([str(path) for path in paths]))
        self._settings.sync()


def _state_key(task: str) -> str:
    return "state" if task == "masks" else f"state_{task}"
