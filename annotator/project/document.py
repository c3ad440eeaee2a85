"""The document: assets and annotations as the log says they are now. Immutable."""

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from annotator.domain import Box, Click, LabelSet, ObjectInfo, Prompt, Skeleton
from annotator.domain.people import KNOWN_SKELETONS, Person
from annotator.domain.plans import RegionPlan
from annotator.project.events import AssetKind, TaskName
from annotator.project.points import PointSet


@dataclass(frozen=True, slots=True)
class MaskEdit:
    """One stroke of a brush or lasso.

    Attributes:
        object_id: Who got the points; 0 is the background.
        points: The working points concerned.
    """

    object_id: int
    points: PointSet

    @property
    def indices(self) -> npt.NDArray[np.int64]:
        """The working points concerned, [K] int64, ascending."""
        return self.points.indices()


@dataclass(frozen=True, slots=True)
class ChosenEngine:
    """Which engine works on an asset for a task.

    Attributes:
        ref: "plugin" or "plugin:variant"; empty before one was chosen.
        parameters: The engine's parameters, JSON values by name.
    """

    ref: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class AssetState:
    """One asset and all that was annotated on it.

    Attributes:
        asset_id: 1-based id.
        kind: "cloud" or "image".
        path: Where its file is, absolute.
        content_hash: sha256 of its content.
        point_count: All its points, or pixels.
        working_spacing: Voxel edge in metres of the working set; 0 = all points.
        working_count: Points of the working set; 0 if it was not told.
        engines: The engine chosen for each task, where one was.
        clicks: In order of time; `order` is the place in this tuple, ids ascend.
        objects: By id, ascending.
        edits: Manual edits, oldest first.
        pins: Points of each locked object, at the moment it was locked.
        merged: Objects that were merged away, and into which living one.
        last_object_id: Highest id given so far.
        boxes: By object id, ascending.
        thresholds: Probability above which a pixel belongs to the object, where chosen.
        candidates: Number of the candidate mask, where chosen.
        people: Those objects that are persons, by ascending id.
        regions: What objects of a photo shall do, where it was said, by ascending id.
    """

    asset_id: int
    kind: AssetKind
    path: Path
    content_hash: str
    point_count: int
    working_spacing: float = 0.0
    working_count: int = 0
    engines: Mapping[TaskName, ChosenEngine] = field(default_factory=dict)
    clicks: tuple[Click, ...] = ()
    objects: Mapping[int, ObjectInfo] = field(default_factory=dict)
    edits: tuple[MaskEdit, ...] = ()
    pins: Mapping[int, PointSet] = field(default_factory=dict)
    merged: Mapping[int, int] = field(default_factory=dict)
    last_object_id: int = 0
    boxes: Mapping[int, Box] = field(default_factory=dict)
    thresholds: Mapping[int, float] = field(default_factory=dict)
    candidates: Mapping[int, int] = field(default_factory=dict)
    people: Mapping[int, Person] = field(default_factory=dict)
    regions: Mapping[int, RegionPlan] = field(default_factory=dict)

    def engine_for(self, task: TaskName) -> ChosenEngine:
        """Return the engine for a task; an empty choice before one was made."""
        return self.engines.get(task, ChosenEngine())

    @property
    def engine_ref(self) -> str:
        """The engine for masks: "plugin" or "plugin:variant"; empty before one was chosen."""
        return self.engine_for("masks").ref

    @property
    def parameters(self) -> Mapping[str, Any]:
        """The parameters of the engine for masks, JSON values by name."""
        return self.engine_for("masks").parameters

    def prompt(self) -> Prompt:
        """Return everything a prediction is made from."""
        return Prompt(
            clicks=self.clicks,
            object_ids=tuple(sorted(self.objects)),
            boxes=tuple(self.boxes.values()),
            thresholds=tuple(self.thresholds.items()),
            candidates=tuple(self.candidates.items()),
        )

    @property
    def next_object_id(self) -> int:
        """Id that the next new object gets; ids of removed objects are not used again."""
        return self.last_object_id + 1

    def click(self, click_id: int) -> Click | None:
        """Return the click of that id, or None."""
        place = bisect_left(self.clicks, click_id, key=lambda c: c.click_id)
        found = self.clicks[place : place + 1]
        return found[0] if found and found[0].click_id == click_id else None


@dataclass(frozen=True)
class Document:
    """Everything in a project.

    Attributes:
        base: Folder of the project file, from which relative paths count.
        assets: By id, in order of addition.
        label_set: The classes objects can have.
        task: What photos are worked on for at the moment.
        skeletons: Those that persons can have, by name.
    """

    base: Path = field(default_factory=Path)
    assets: Mapping[int, AssetState] = field(default_factory=dict)
    label_set: LabelSet = field(default_factory=LabelSet)
    task: TaskName = "masks"
    skeletons: Mapping[str, Skeleton] = field(
        default_factory=lambda: {skeleton.name: skeleton for skeleton in KNOWN_SKELETONS}
    )


@dataclass(frozen=True, slots=True)
class Change:
    """What an action changed, for those who show it.

    Attributes:
        topics: Among "asset", "clicks", "objects", "edits", "engine", "labels", "task",
            "people", "regions", "camera", "history" and "result".
        asset_id: The asset concerned; None for the whole project.
    """

    topics: frozenset[str]
    asset_id: int | None = None
