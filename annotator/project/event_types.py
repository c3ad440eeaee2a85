"""Every kind of event by its name in the file."""

from collections.abc import Mapping

from annotator.project import events
from annotator.project.motion_events import MOTION_EVENTS
from annotator.project.people_events import PEOPLE_EVENTS

EVENT_TYPES: Mapping[str, type[events.Event]] = {
    **events.EVENT_TYPES,
    **{cls.kind: cls for cls in (*PEOPLE_EVENTS, *MOTION_EVENTS)},
}
"""Every event type by its kind."""
