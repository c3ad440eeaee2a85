"""What can happen to a project: one frozen dataclass a kind of event.

An event says what a person did, in full, and nothing about what came of it. Events
are appended, never changed; the document is what they add up to (`folding`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from annotator.domain import Box, Click, LabelSet, ObjectInfo
from annotator.project.points import PointSet

AssetKind = Literal["cloud", "image"]
TaskName = Literal["masks", "poses", "motion"]
"""What a photo is worked on for; scans are worked on for masks only."""

_CLICK_TOPICS = frozenset({"clicks", "labels"})
_OBJECT_TOPICS = frozenset({"objects", "labels"})


class Event:
    """Base of all events.

    Attributes:
        kind: Name of the event in the file; never changes once released.
        text: What undo and redo call it.
        topics: What of the document it touches.
        undoable: Whether it is, by its kind, a step that a person can undo.
    """

    __slots__ = ()
    kind: ClassVar[str]
    text: ClassVar[str] = ""
    topics: ClassVar[frozenset[str]] = frozenset()
    undoable: ClassVar[bool] = True

    @property
    def is_step(self) -> bool:
        """Whether a person can undo it."""
        return self.undoable

    @property
    def wording(self) -> str:
        """What undo and redo call this very event."""
        return self.text

    @property
    def touched_asset(self) -> int | None:
        """Id of the asset concerned, or None."""
        return getattr(self, "asset_id", None)


@dataclass(frozen=True, slots=True)
class AssetAdded(Event):
    """A scan or photo was opened in the project; opening is no step to undo.

    Attributes:
        asset_id: 1-based id.
        asset_kind: "cloud" or "image".
        path: Absolute path at the time.
        relative: Path relative to the project file's folder, "/" between its parts, so
            that a folder with both can be moved; empty if there is none.
        content_hash: sha256 of the content.
        point_count: Points of the scan, all of them; pixels of a photo.
        working_spacing: Voxel edge in metres of the working set; 0 = all points.
        working_count: Points of the working set; 0 if unknown.
    """

    asset_id: int
    asset_kind: AssetKind
    path: str
    relative: str
    content_hash: str
    point_count: int
    working_spacing: float
    working_count: int

    kind: ClassVar[str] = "asset_added"
    text: ClassVar[str] = "Open"
    topics: ClassVar[frozenset[str]] = frozenset({"asset"})
    undoable: ClassVar[bool] = False


@dataclass(frozen=True, slots=True)
class AssetRelocated(Event):
    """The file of an asset was found elsewhere."""

    asset_id: int
    path: str
    relative: str

    kind: ClassVar[str] = "asset_relocated"
    text: ClassVar[str] = "Relocate"
    topics: ClassVar[frozenset[str]] = frozenset({"asset"})
    undoable: ClassVar[bool] = False


@dataclass(frozen=True, slots=True)
class ClicksAdded(Event):
    """One or several clicks, placed as one step; unknown objects come into being.

    Attributes:
        asset_id: The asset clicked.
        clicks: The clicks, with ids and times.
        camera: JSON of the camera they were placed with; empty if unknown.
    """

    asset_id: int
    clicks: tuple[Click, ...]
    camera: str = ""

    kind: ClassVar[str] = "clicks_added"
    text: ClassVar[str] = "Add click"
    topics: ClassVar[frozenset[str]] = _CLICK_TOPICS | {"objects"}


@dataclass(frozen=True, slots=True)
class ClickMoved(Event):
    """A click was dragged to another place; its order and time stay."""

    asset_id: int
    click_id: int
    position: tuple[float, ...]
    index: int | None

    kind: ClassVar[str] = "click_moved"
    text: ClassVar[str] = "Move click"
    topics: ClassVar[frozenset[str]] = _CLICK_TOPICS


@dataclass(frozen=True, slots=True)
class ClickRemoved(Event):
    """A click was deleted, the last one or any other."""

    asset_id: int
    click_id: int

    kind: ClassVar[str] = "click_removed"
    text: ClassVar[str] = "Remove click"
    topics: ClassVar[frozenset[str]] = _CLICK_TOPICS


@dataclass(frozen=True, slots=True)
class ObjectAdded(Event):
    """A new object, still without clicks."""

    asset_id: int
    info: ObjectInfo

    kind: ClassVar[str] = "object_added"
    text: ClassVar[str] = "Add object"
    topics: ClassVar[frozenset[str]] = _OBJECT_TOPICS


@dataclass(frozen=True, slots=True)
class ObjectUpdated(Event):
    """Name, label, colour, visibility or lock of an object changed.

    Attributes:
        asset_id: The asset.
        object_id: The object.
        name: New name; None if unchanged. Likewise the others.
        label: New class name.
        colour: New RGB.
        visible: New visibility.
        locked: New lock.
        pinned: When locked: the points it had at that moment.
    """

    asset_id: int
    object_id: int
    name: str | None = None
    label: str | None = None
    colour: tuple[int, int, int] | None = None
    visible: bool | None = None
    locked: bool | None = None
    pinned: PointSet | None = None

    kind: ClassVar[str] = "object_updated"
    text: ClassVar[str] = "Change object"
    topics: ClassVar[frozenset[str]] = _OBJECT_TOPICS

    @property
    def is_step(self) -> bool:
        """Hiding is a matter of the view: it changes no annotation, so undo passes it by."""
        edits = (self.name, self.label, self.colour, self.locked)
        return any(value is not None for value in edits)


@dataclass(frozen=True, slots=True)
class ObjectRemoved(Event):
    """An object with its clicks and manual edits was deleted."""

    asset_id: int
    object_id: int

    kind: ClassVar[str] = "object_removed"
    text: ClassVar[str] = "Remove object"
    topics: ClassVar[frozenset[str]] = frozenset({"objects", "clicks", "edits", "labels"})


@dataclass(frozen=True, slots=True)
class ObjectsMerged(Event):
    """Object `other` became part of object `into`."""

    asset_id: int
    into: int
    other: int

    kind: ClassVar[str] = "objects_merged"
    text: ClassVar[str] = "Merge objects"
    topics: ClassVar[frozenset[str]] = frozenset({"objects", "clicks", "edits", "labels"})


@dataclass(frozen=True, slots=True)
class MaskEdited(Event):
    """A brush or lasso gave points to an object (0: took them away)."""

    asset_id: int
    object_id: int
    points: PointSet

    kind: ClassVar[str] = "mask_edited"
    text: ClassVar[str] = "Edit mask"
    topics: ClassVar[frozenset[str]] = frozenset({"edits", "labels", "objects"})


@dataclass(frozen=True, slots=True)
class MaskReshaped(Event):
    """An object got and lost points in one step: a polygon, holes filled, edges smoothed.

    Attributes:
        asset_id: The asset.
        object_id: The object.
        points: Twice the number of each point that changed, plus 1 where it was given
            to the object; the others went to the background.
    """

    asset_id: int
    object_id: int
    points: PointSet

    kind: ClassVar[str] = "mask_reshaped"
    text: ClassVar[str] = "Edit mask"
    topics: ClassVar[frozenset[str]] = frozenset({"edits", "labels", "objects"})


@dataclass(frozen=True, slots=True)
class BoxSet(Event):
    """A box was drawn around an object, in place of the one it had."""

    asset_id: int
    box: Box

    kind: ClassVar[str] = "box_set"
    text: ClassVar[str] = "Draw box"
    topics: ClassVar[frozenset[str]] = _CLICK_TOPICS | {"objects"}


@dataclass(frozen=True, slots=True)
class BoxRemoved(Event):
    """The box of an object was taken away."""

    asset_id: int
    object_id: int

    kind: ClassVar[str] = "box_removed"
    text: ClassVar[str] = "Remove box"
    topics: ClassVar[frozenset[str]] = _CLICK_TOPICS


@dataclass(frozen=True, slots=True)
class ThresholdSet(Event):
    """A mask was asked to be bigger or smaller.

    Attributes:
        asset_id: The asset.
        object_id: The object.
        threshold: Probability above which a pixel belongs to it; None = the engine's own.
    """

    asset_id: int
    object_id: int
    threshold: float | None

    kind: ClassVar[str] = "threshold_set"
    text: ClassVar[str] = "Resize mask"
    topics: ClassVar[frozenset[str]] = _CLICK_TOPICS


@dataclass(frozen=True, slots=True)
class CandidateChosen(Event):
    """One of the masks that the engine offers was chosen.

    Attributes:
        asset_id: The asset.
        object_id: The object.
        number: Place among the candidates, from 0; None = the engine's own choice.
    """

    asset_id: int
    object_id: int
    number: int | None

    kind: ClassVar[str] = "candidate_chosen"
    text: ClassVar[str] = "Choose mask"
    topics: ClassVar[frozenset[str]] = _CLICK_TOPICS


@dataclass(frozen=True, slots=True)
class EngineSet(Event):
    """An engine with parameters was chosen for an asset.

    Attributes:
        asset_id: The asset.
        ref: "plugin" or "plugin:variant".
        parameters: JSON values by name.
        first: Whether the asset had no engine before: set-up, no step to undo.
        task: What the engine is for.
    """

    asset_id: int
    ref: str
    parameters: Mapping[str, Any]
    first: bool
    task: TaskName = field(default="masks", metadata={"since": 4})

    kind: ClassVar[str] = "engine_set"
    text: ClassVar[str] = "Switch engine"
    topics: ClassVar[frozenset[str]] = frozenset({"engine", "labels"})

    @property
    def is_step(self) -> bool:
        """Choosing the first engine of an asset is part of opening it."""
        return not self.first


@dataclass(frozen=True, slots=True)
class TaskChosen(Event):
    """A person turned to another task: a matter of the view, no step to undo."""

    task: TaskName

    kind: ClassVar[str] = "task_chosen"
    text: ClassVar[str] = "Choose task"
    topics: ClassVar[frozenset[str]] = frozenset({"task"})
    undoable: ClassVar[bool] = False


@dataclass(frozen=True, slots=True)
class LabelSetChanged(Event):
    """The classes of the project changed."""

    label_set: LabelSet

    kind: ClassVar[str] = "label_set_changed"
    text: ClassVar[str] = "Change classes"
    topics: ClassVar[frozenset[str]] = frozenset({"objects"})


@dataclass(frozen=True, slots=True)
class CameraRecorded(Event):
    """The camera came to rest; kept for replays and for opening where one left off."""

    asset_id: int
    camera: str

    kind: ClassVar[str] = "camera_recorded"
    text: ClassVar[str] = "Move camera"
    topics: ClassVar[frozenset[str]] = frozenset({"camera"})
    undoable: ClassVar[bool] = False


@dataclass(frozen=True, slots=True)
class Undone(Event):
    """The step with sequence number `target` was undone."""

    target: int

    kind: ClassVar[str] = "undo"
    text: ClassVar[str] = "Undo"
    undoable: ClassVar[bool] = False


@dataclass(frozen=True, slots=True)
class Redone(Event):
    """The step with sequence number `target` was done again."""

    target: int

    kind: ClassVar[str] = "redo"
    text: ClassVar[str] = "Redo"
    undoable: ClassVar[bool] = False


EVENT_TYPES: Mapping[str, type[Event]] = {
    cls.kind: cls
    for cls in (
        AssetAdded, AssetRelocated, ClicksAdded, ClickMoved, ClickRemoved, ObjectAdded,
        ObjectUpdated, ObjectRemoved, ObjectsMerged, MaskEdited, MaskReshaped, BoxSet, BoxRemoved,
        ThresholdSet, CandidateChosen, EngineSet, TaskChosen, LabelSetChanged, CameraRecorded,
        Undone, Redone,
    )
}  # fmt: skip
"""Every event type by its kind."""
