"""What a scan adds to the map of what clicks elsewhere would give."""

from annotator.domain import BACKGROUND, Prompt
from annotator.robustness.live.reports import Report, Spot
from annotator.robustness.live.subjects import Question, SceneSubject
from annotator.ui.annotate.cloud_bench import CloudWorkbench
from annotator.ui.annotate.gestures import Gestures
from annotator.ui.annotate.safety.dots import HeatDots


class CloudSafety:
    """Implements `SafetyHost` for the open scan."""

    unit = "m"

    def __init__(self, bench: CloudWorkbench, hands: Gestures) -> None:
        self._bench, self._hands = bench, hands

    def prompt(self) -> Prompt:
        """Return all clicks on working points."""
        return self._bench.asset.prompt() if self._bench.asset else Prompt()

    def subject(self, question: Question) -> SceneSubject:
        """Return the object in the working points."""
        assert self._bench.cloud is not None  # as only an open scan has clicks
        return SceneSubject(question, self._bench.cloud)

    def show(self, report: Report | None) -> None:
        """Show a map over the points, or none."""
        self._bench.canvas.view.set_heat(HeatDots.of(report) if report is not None else None)

    def click(self, spot: Spot, object_id: int) -> None:
        """Click on the object, or on the background."""
        self._hands.add_click(spot.flat, object_id if spot.inside else BACKGROUND)
