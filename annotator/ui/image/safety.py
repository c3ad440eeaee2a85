"""What a photo adds to the map of what clicks elsewhere would give."""

from annotator.domain import Prompt
from annotator.robustness.live.reports import Report, Spot
from annotator.robustness.live.subjects import PhotoSubject, Question
from annotator.ui.image.bench import PhotoWorkbench
from annotator.ui.image.hands import PhotoHands
from annotator.ui.image.heat import Heat


class PhotoSafety:
    """Implements `SafetyHost` for the open photo."""

    unit = "px"

    def __init__(self, bench: PhotoWorkbench, hands: PhotoHands) -> None:
        self._bench, self._hands = bench, hands

    def prompt(self) -> Prompt:
        """Return all clicks in pixels of the working copy."""
        bench = self._bench
        if bench.photo is None or bench.asset is None:
            return Prompt()
        return bench.photo.working.to_working(bench.asset.prompt())

    def subject(self, question: Question) -> PhotoSubject:
        """Return the object on the working copy."""
        return PhotoSubject(question, self._bench.shape)

    def show(self, report: Report | None) -> None:
        """Show a map over the photo, or none."""
        heat = Heat.of(report, self._bench.factor) if report is not None else None
        self._bench.canvas.view.set_heat(heat)

    def click(self, spot: Spot, object_id: int) -> None:
        """Click inside or outside the object."""
        x, y = (value * self._bench.factor for value in spot.position[:2])
        if spot.inside:
            self._hands.add_click((x, y), object_id)
        else:
            self._hands.add_outside((x, y), object_id)
