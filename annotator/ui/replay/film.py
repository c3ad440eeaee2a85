"""What was done to one asset, step by step, and how the asset stood after each."""

from collections.abc import Iterator
from dataclasses import dataclass

from annotator.project import AssetState, Project, ReplayStep, replay
from annotator.project.events import AssetAdded, CameraRecorded, ClicksAdded, Event


@dataclass(frozen=True, slots=True)
class Scene:
    """One step of the film, without the document: there may be thousands.

    Attributes:
        number: Place in the project's whole replay.
        pause_s: Seconds since the step before in the film.
        elapsed_s: Seconds since the film began, time between sessions left out.
        text: What was done, such as "Undo: Add click".
        camera: JSON of the camera at that moment; empty if unknown.
        undone: Whether it was taken back for good later on.
    """

    number: int
    pause_s: float
    elapsed_s: float
    text: str
    camera: str
    undone: bool


class Film:
    """The steps of one asset, and its state after any of them.

    Attributes:
        scenes: The steps, oldest first; the first one is the opening of the asset.
    """

    def __init__(self, project: Project, asset_id: int) -> None:
        self._project, self._asset_id = project, asset_id
        self.scenes: list[Scene] = []
        for step in replay(project):
            if _touches(step) == asset_id:
                self._append(step)
        self._steps: Iterator[ReplayStep] = iter(())
        self._at: ReplayStep | None = None

    def _append(self, step: ReplayStep) -> None:
        last = self.scenes[-1].elapsed_s if self.scenes else step.elapsed_s
        self.scenes.append(
            Scene(step.number, max(0.0, step.elapsed_s - last), step.elapsed_s, _text(step),
                  _camera(step.event), step.undone)
        )  # fmt: skip

    def state(self, place: int) -> AssetState:
        """Return the asset right after `scenes[place]`.

        Going on costs a step; going back starts again from the beginning, which takes
        a few milliseconds for hundreds of steps.
        """
        number = self.scenes[place].number
        if self._at is None or self._at.number > number:
            self._steps, self._at = replay(self._project), None
        while self._at is None or self._at.number < number:
            self._at = next(self._steps)
        return self._at.document.assets[self._asset_id]

    def camera(self, place: int) -> str:
        """Return the JSON of the camera at `scenes[place]`; empty if it was never recorded."""
        earlier = (scene.camera for scene in reversed(self.scenes[: place + 1]))
        return next(filter(None, earlier), "")


def _touches(step: ReplayStep) -> int | None:
    return (step.target or step.event).touched_asset


def _text(step: ReplayStep) -> str:
    if step.target is not None:
        return f"{step.event.wording}: {step.target.wording.lower()}"
    if isinstance(step.event, AssetAdded):
        return "Open the file"
    return step.event.wording


def _camera(event: Event) -> str:
    return event.camera if isinstance(event, ClicksAdded | CameraRecorded) else ""
