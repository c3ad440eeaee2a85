"""The plugin API: what an engine of each kind does, and what it is given.

An engine has one expensive step and one cheap step. `encode(asset)` runs once per
asset and is cached; `predict(encoding, prompt)` runs for every click and gets the
*full* prompt each time, so that undo, redo, replay and robustness runs need no
special case. An engine keeps nothing between calls that could change a result.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol, TypeVar, runtime_checkable

import numpy as np
import numpy.typing as npt

from annotator.domain import (
    CancelToken,
    Clip,
    Image,
    Mask,
    PointCloud,
    Pose,
    Progress,
    Prompt,
    Skeleton,
    no_progress,
)

API_VERSION = 1
"""Version of this module that manifests name in their `api` field."""

DEPRECATED_APIS: Mapping[int, str] = {}
"""Older versions that still work, each with the release that will drop it.

A version stays here for at least two minor releases and a year after its successor came.
Additions that old plugins need not know of do not raise the version.
"""


class EngineKind(StrEnum):
    """What an engine annotates."""

    SCENE = "scene"
    IMAGE = "image"
    POSE = "pose"
    ANIMATION = "animation"


@dataclass(frozen=True)
class PluginContext:
    """Everything a plugin gets from the application, and nothing more.

    Attributes:
        device: Torch device string to compute on: "cpu", "cuda:0" or "mps".
        dtype: "float32", "float16" or "bfloat16".
        variant: Id of the chosen variant from the manifest.
        parameters: Values of the manifest's parameters, validated and complete.
        weights: Existing file of each weights entry that the variant needs, by name.
        logger: Where to log; one log per plugin.
    """

    device: str = "cpu"
    dtype: str = "float32"
    variant: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    weights: Mapping[str, Path] = field(default_factory=dict)
    logger: logging.Logger = field(default_factory=lambda: logging.getLogger("annotator.plugin"))


AssetT_contra = TypeVar("AssetT_contra", contravariant=True)
ResultT_co = TypeVar("ResultT_co", covariant=True)


@runtime_checkable
class Engine(Protocol[AssetT_contra, ResultT_co]):
    """The protocol that all four kinds share; an encoding is opaque to the application."""

    def encode(
        self,
        asset: AssetT_contra,
        *,
        progress: Progress = no_progress,
        cancel: CancelToken | None = None,
    ) -> Any:  # noqa: ANN401 - each engine has its own encoding type
        """Do the expensive step once for an asset.

        Raises:
            Cancelled: If `cancel` was set meanwhile.
            AnnotatorError: If the asset cannot be handled, in words.
        """

    def predict(
        self,
        encoding: Any,  # noqa: ANN401 - see encode
        prompt: Prompt,
        *,
        cancel: CancelToken | None = None,
    ) -> ResultT_co:
        """Return the result for the full prompt; must not depend on earlier calls."""

    def close(self) -> None:
        """Free memory; the engine is not used afterwards."""


SceneEngine = Engine[PointCloud, Mask]
ImageEngine = Engine[Image, Mask]
PoseEngine = Engine[Image, Pose]
AnimationEngine = Engine[Image, Clip]


@runtime_checkable
class StorableEncodings(Protocol):
    """What an engine adds if its encodings may be cached on disk, keyed by content hash."""

    def encoding_to_arrays(self, encoding: Any) -> dict[str, npt.NDArray[np.generic]]:  # noqa: ANN401
        """Return the encoding as named arrays without object dtype."""

    def encoding_from_arrays(self, arrays: Mapping[str, npt.NDArray[np.generic]]) -> Any:  # noqa: ANN401
        """Rebuild an encoding that predicts exactly like the stored one."""


@runtime_checkable
class HasRepresentatives(Protocol):
    """What an engine adds if it labels some points of a cloud and copies to the others.

    The simulated annotator of the benchmark clicks such points, as the published
    protocol does.
    """

    def representatives(self, encoding: Any) -> npt.NDArray[np.int64]:  # noqa: ANN401
        """Return the rows [V] of the points that the engine really labels."""


DEFAULT_THRESHOLD = 0.5
"""Probability that the pixels of an object exceed, if an image engine states no other."""


@runtime_checkable
class HasThreshold(Protocol):
    """What an image engine adds if its networks were published with another threshold.

    `Prompt.thresholds` overrides it; `Mask.labels` must follow whichever holds.
    """

    threshold: float


@runtime_checkable
class HasSkeleton(Protocol):
    """What a pose engine adds: which joints it finds, and whether it is ever unsure.

    With an empty prompt, `predict` proposes everyone it finds, by falling score. With
    `Prompt.people`, the rows of its `Pose` are those persons in that order: joints marked
    fixed are exactly where they were given, rounded to float32, the others refined from
    the person's start; a person of whom only a box is given gets a first guess inside it.
    Persons do not influence one another.

    Attributes:
        skeleton: The joints, in the order of every `Pose` and of `PersonPrompt.keypoints`.
        has_scores: Whether `Pose.scores` says how sure the engine is; if not, the window
            shows no number.
    """

    skeleton: Skeleton
    has_scores: bool


@runtime_checkable
class PredictsMany(Protocol):
    """What an engine adds if it answers many prompts on one encoding faster than one by one."""

    def predict_many(
        self,
        encoding: Any,  # noqa: ANN401 - see Engine.encode
        prompts: Sequence[Prompt],
        *,
        cancel: CancelToken | None = None,
    ) -> "list[Mask]":
        """Return for every prompt what `predict` returns for it, up to rounding."""


@runtime_checkable
class PredictsWithProgress(Protocol):
    """What an engine adds if its predictions take long enough to be watched."""

    def predict_with_progress(
        self,
        encoding: Any,  # noqa: ANN401 - see Engine.encode
        prompt: Prompt,
        *,
        progress: Progress = no_progress,
        cancel: CancelToken | None = None,
    ) -> "Mask | Pose | Clip":
        """Return what `predict` returns, and tell how far it is."""


@runtime_checkable
class DescribesPhotos(Protocol):
    """What an image engine adds if its network's features tell how alike two photos are."""

    def describe(self, asset: Image) -> npt.NDArray[np.float32]:
        """Return a vector [D] of any fixed length; alike photos have a cosine near 1."""


@runtime_checkable
class DifferentiableClicks(Protocol):
    """What an image engine adds if its mask can be differentiated by where a click is."""

    def soft_probability(
        self,
        encoding: Any,  # noqa: ANN401 - see Engine.encode
        prompt: Prompt,
        position: Any,  # noqa: ANN401 - a torch tensor, which this package need not import
    ) -> Any:  # noqa: ANN401 - a torch tensor
        """Return the probability map with the newest click moved, differentiably.

        Args:
            encoding: Of the image.
            prompt: Of one object (1 inside, 0 outside); its newest click gives order and sign.
            position: Tensor [2], (x, y) pixels, in place of the newest click's position.

        Returns:
            Tensor [H, W] of probabilities in the image's frame, on the graph of `position`.
            At a pixel centre it equals, up to the softness of the click's encoding, the
            `probability` of `predict`.
        """
