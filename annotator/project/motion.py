"""What can be done to the regions of a project that shall move."""

from annotator.domain.plans import RegionPlan
from annotator.project.document import AssetState, Change
from annotator.project.logged import LoggedDocument
from annotator.project.motion_events import RegionRemoved, RegionsSet


class MotionProject(LoggedDocument):
    """The part of a project that is about motion on photos."""

    def set_regions(self, asset_id: int, *plans: RegionPlan) -> Change | None:
        """Say what objects shall do, in one step; what they have said before is replaced.

        Returns:
            None if all of it was said already.

        Raises:
            AnnotatorError: If there is no such object, or a number is none.
        """
        now = self.asset(asset_id).regions
        new = tuple(plan for plan in plans if now.get(plan.object_id) != plan)
        return self._commit(RegionsSet(asset_id, new)) if new else None

    def remove_region(self, asset_id: int, object_id: int) -> Change:
        """Forget what an object shall do."""
        return self._commit(RegionRemoved(asset_id, object_id))


def plan_of(asset: AssetState, object_id: int) -> RegionPlan:
    """Return what an object shall do; standing still if nothing was said."""
    return asset.regions.get(object_id) or RegionPlan(object_id, moves=False)
