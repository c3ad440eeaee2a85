"""The embedded engine: a detector, then joints in a view of each person."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from annotator.domain import (
    LSP_14,
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
from models.clickpose.compact import CompactPhoto, CompactPredictor, Person, Settings, load_bundle

from .people import box_of, fixed, joints_of, keep_told, known, pose_of


class CompactEngine:
    """Finds people, and lets their joints follow those that were placed.

    Args:
        predictor: With both networks.
    """

    skeleton: Skeleton = LSP_14
    has_scores: bool = True

    def __init__(self, predictor: CompactPredictor) -> None:
        self._predictor: CompactPredictor | None = predictor

    @classmethod
    def load(
        cls, path: Path, values: Mapping[str, Any], device: str, dtype: torch.dtype
    ) -> "CompactEngine":
        """Return the engine with weights from a file.

        Raises:
            CheckpointError: If the file cannot be used.
        """
        bundle = load_bundle(path, device, dtype)
        settings = Settings(least=float(values["least_score"]), most=int(values["most_people"]))
        return cls(CompactPredictor(bundle.pose, bundle.detector, settings))

    def encode(
        self,
        asset: Image,
        *,
        progress: Progress = no_progress,
        cancel: CancelToken | None = None,
    ) -> CompactPhoto:
        """Look for people.

        Raises:
            Cancelled: If `cancel` was set.
        """
        check = (cancel or CancelToken()).check
        check()
        photo = np.ascontiguousarray(asset.rgb)
        return self._open.encode(photo, lambda part: progress(part, "looking for people"), check)

    def predict(
        self, encoding: CompactPhoto, prompt: Prompt, *, cancel: CancelToken | None = None
    ) -> Pose:
        """Propose whom the photo shows, or answer for the people told of.

        Raises:
            Cancelled: If `cancel` was set.
            AnnotatorError: If what is said of a person cannot be used.
        """
        check = (cancel or CancelToken()).check
        check()
        if not prompt.people:
            return self._pose(encoding.people)
        told = [self._told(person) for person in prompt.people]
        return keep_told(self._pose(self._open.refine(encoding, told, check)), prompt.people)

    def close(self) -> None:
        """Let go of the networks."""
        self._predictor = None

    @property
    def _open(self) -> CompactPredictor:
        if self._predictor is None:
            raise AnnotatorError("The engine is closed.", "Open it again.")
        return self._predictor

    def _told(self, person: PersonPrompt) -> Person:
        joints = joints_of(person, self.skeleton)
        if joints is None:
            return Person(box_of(person))
        return Person(box_of(person), joints, fixed(person), known(person))

    def _pose(self, people: "list[Person] | tuple[Person, ...]") -> Pose:
        joints = [person.joints for person in people if person.joints is not None]
        boxes, scores = [p.box for p in people], [p.score for p in people]
        return pose_of(joints, boxes, scores, len(self.skeleton))
