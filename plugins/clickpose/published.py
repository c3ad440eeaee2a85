"""Click-Pose as published, on a checkpoint of the user's."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from annotator.domain import (
    COCO_17,
    AnnotatorError,
    CancelToken,
    Image,
    PersonPrompt,
    Pose,
    Progress,
    Prompt,
    Skeleton,
    no_progress,
)
from models.checkpoint import load_checkpoint, load_state
from models.clickpose import ClickPose, Person, PhotoEncoding, PosePredictor, config_of

from .people import box_of, fixed, joints_of, keep_told, pose_of


class PublishedEngine:
    """The whole network: everyone at once, then each person's joints by corrections.

    Args:
        predictor: With the network.
        least: Score below which nobody is proposed.
        most: Most people proposed.
    """

    has_scores: bool = True

    def __init__(self, predictor: PosePredictor, least: float, most: int) -> None:
        self._predictor: PosePredictor | None = predictor
        self._least, self._most = least, most
        self.skeleton: Skeleton = skeleton_of(predictor.network.config.keypoints)

    @classmethod
    def load(
        cls, path: Path, values: Mapping[str, Any], device: str, dtype: torch.dtype
    ) -> "PublishedEngine":
        """Return the engine with weights from an official checkpoint.

        Raises:
            CheckpointError: If the file cannot be used.
        """
        state = load_checkpoint(path)
        network = ClickPose(config_of(state))
        load_state(network, state)
        network = network.to(device=device, dtype=dtype).eval().requires_grad_(False)
        predictor = PosePredictor(
            network,
            short=int(values["short_side"]),
            long=max(int(values["long_side"]), int(values["short_side"])),
            pin=not values["drift"],
        )
        return cls(predictor, float(values["least_score"]), int(values["most_people"]))

    def encode(
        self,
        asset: Image,
        *,
        progress: Progress = no_progress,
        cancel: CancelToken | None = None,
    ) -> PhotoEncoding:
        """Run the network once.

        Raises:
            Cancelled: If `cancel` was set; looked at between its stages.
        """
        check = (cancel or CancelToken()).check

        def stage(done: float) -> None:
            check()
            progress(done, "looking for people")

        check()
        return self._open.encode(np.ascontiguousarray(asset.rgb), stage)

    def predict(
        self, encoding: PhotoEncoding, prompt: Prompt, *, cancel: CancelToken | None = None
    ) -> Pose:
        """Propose whom the photo shows, or answer for the people told of.

        Raises:
            Cancelled: If `cancel` was set.
            AnnotatorError: If what is said of a person cannot be used.
        """
        check = (cancel or CancelToken()).check
        check()
        if not prompt.people:
            return self._pose(self._open.people(encoding, self._least, self._most))
        answered = []
        for person in prompt.people:
            check()
            answered.append(self._refined(encoding, person))
        return keep_told(self._pose(answered), prompt.people, exactly=self._open.pin)

    def close(self) -> None:
        """Let go of the network."""
        self._predictor = None

    @property
    def _open(self) -> PosePredictor:
        if self._predictor is None:
            raise AnnotatorError("The engine is closed.", "Open it again.")
        return self._predictor

    def _refined(self, encoding: PhotoEncoding, person: PersonPrompt) -> Person:
        joints = joints_of(person, self.skeleton)
        if joints is None:
            return self._open.in_box(encoding, box_of(person).tolist())
        start = Person(joints, box_of(person), fixed(person))
        places = {int(j): (float(x), float(y)) for j, (x, y) in enumerate(joints) if start.fixed[j]}
        return self._open.refine(encoding, [start.click(places)])[0]

    def _pose(self, people: list[Person]) -> Pose:
        joints, boxes = [p.joints for p in people], [p.box for p in people]
        scores = [p.score or 0.0 for p in people]
        return pose_of(joints, boxes, scores, len(self.skeleton))


def skeleton_of(count: int) -> Skeleton:
    """Return COCO's skeleton for 17 joints, otherwise numbered joints without bones."""
    if count == len(COCO_17):
        return COCO_17
    return Skeleton(f"{count} joints", tuple(f"joint {number + 1}" for number in range(count)))
