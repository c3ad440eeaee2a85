"""What can happen to regions of photos that shall move: they are set, or they are none any more."""

from dataclasses import dataclass
from typing import ClassVar

from annotator.domain.plans import RegionPlan
from annotator.project.events import Event


@dataclass(frozen=True, slots=True)
class RegionsSet(Event):
    """What one or several objects shall do was said, in full and in one step.

    Attributes:
        asset_id: The photo.
        plans: As they are from now on; those of other objects stay.
    """

    asset_id: int
    plans: tuple[RegionPlan, ...]

    kind: ClassVar[str] = "regions_set"
    text: ClassVar[str] = "Change motion"
    topics: ClassVar[frozenset[str]] = frozenset({"regions"})


@dataclass(frozen=True, slots=True)
class RegionRemoved(Event):
    """What an object shall do was forgotten; the object stays."""

    asset_id: int
    object_id: int

    kind: ClassVar[str] = "region_removed"
    text: ClassVar[str] = "Remove motion"
    topics: ClassVar[frozenset[str]] = frozenset({"regions"})


MOTION_EVENTS = (RegionsSet, RegionRemoved)
"""Every kind of event on regions that move."""
