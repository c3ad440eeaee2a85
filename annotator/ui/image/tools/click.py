"""The click tool of photos: left says inside, right or Alt says outside."""

from PySide6.QtCore import Qt

from annotator.ui.annotate.tools import ClickTool
from annotator.ui.image.tools.host import PhotoHost, Place
from annotator.ui.view import PickView, PointerEvent

_ALT = Qt.KeyboardModifier.AltModifier


class PhotoClickTool(ClickTool[Place]):
    """Places, moves and removes clicks; a right click on a marker removes it."""

    def __init__(self, host: PhotoHost) -> None:
        super().__init__(host)
        self._photo_host = host

    def _remove(self, event: PointerEvent[PickView[Place]]) -> bool:
        return super()._remove(event) or self._add_outside(event)

    def _add(self, event: PointerEvent[PickView[Place]]) -> bool:
        if event.modifiers & _ALT:
            return self._add_outside(event)
        return super()._add(event)

    def _add_outside(self, event: PointerEvent[PickView[Place]]) -> bool:
        place = event.view.pick(event.x, event.y)
        if place is not None:
            self._photo_host.add_outside(place, self._photo_host.current_object)
        return place is not None
