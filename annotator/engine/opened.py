"""A loaded engine with everything around it: device, cache, words for its failures."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from annotator.domain import (
    AnnotatorError,
    Cancelled,
    CancelToken,
    Clip,
    Image,
    Mask,
    PointCloud,
    Pose,
    Progress,
    Prompt,
    Result,
    Skeleton,
    no_progress,
)
from annotator.engine import threads
from annotator.engine.api import (
    DEFAULT_THRESHOLD,
    DifferentiableClicks,
    Engine,
    EngineKind,
    HasSkeleton,
    HasThreshold,
    PredictsMany,
    PredictsWithProgress,
    StorableEncodings,
)
from annotator.engine.cache import DiskCache, MemoryCache, encoding_key
from annotator.engine.capabilities import require_colour, require_supported
from annotator.engine.devices import DeviceChoice, explain_memory, release_cached
from annotator.engine.manifest import Manifest, Scalar
from annotator.engine.per_object import PerObject

Asset = PointCloud | Image
RESULT_OF = {
    EngineKind.SCENE: Mask,
    EngineKind.IMAGE: Mask,
    EngineKind.POSE: Pose,
    EngineKind.ANIMATION: Clip,
}
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Identity:
    """What an encoding depends on besides the asset; `key` names encodings by it.

    Attributes:
        plugin: Id and version of the plugin.
        weights: sha256 of every weights file, by name.
        parameters: Values of the parameters that affect encoding.
        device: Device type; kernels differ in the last bits.
        dtype: Precision computed in.
    """

    plugin: str
    weights: Mapping[str, str]
    parameters: Mapping[str, Scalar]
    device: str
    dtype: str

    def key(self, asset: Asset) -> str:
        """Return the cache key of an asset's encoding."""
        return encoding_key({"asset": asset.content_hash, **vars(self)})


@dataclass
class OpenEngine:
    """An engine ready for use. `encode` and `predict` may be called from any one thread.

    Attributes:
        ref: "plugin" or "plugin:variant", as it was opened.
        engine: The plugin's own object.
        manifest: Of the plugin.
        choice: The device and why it was chosen.
        parameters: All values, complete.
        identity: What its encodings depend on.
        memory: Shared cache of encodings in memory.
        disk: Shared cache of encodings on disk; None for none.
    """

    ref: str
    engine: Engine[Any, Any]
    manifest: Manifest
    choice: DeviceChoice
    parameters: Mapping[str, Scalar]
    identity: Identity
    memory: MemoryCache
    disk: DiskCache | None = None
    _keys: set[str] = field(default_factory=set)
    _per_object: PerObject | None = None

    def __post_init__(self) -> None:
        if self.manifest.kind is EngineKind.IMAGE and not self.manifest.capabilities.many_objects:
            self._per_object = PerObject(self._predict_alone, self.threshold)

    @property
    def threshold(self) -> float:
        """Probability that the pixels of an object exceed (image engines)."""
        if isinstance(self.engine, HasThreshold):
            return float(self.engine.threshold)
        return DEFAULT_THRESHOLD

    @property
    def skeleton(self) -> Skeleton | None:
        """The joints that a pose engine finds; None for other kinds."""
        return self.engine.skeleton if isinstance(self.engine, HasSkeleton) else None

    @property
    def has_scores(self) -> bool:
        """Whether the scores of a pose engine say how sure it is."""
        return isinstance(self.engine, HasSkeleton) and bool(self.engine.has_scores)

    @property
    def device(self) -> str:
        """Torch device string that it computes on."""
        return self.choice.device

    def encode(
        self, asset: Asset, progress: Progress = no_progress, cancel: CancelToken | None = None
    ) -> Any:  # noqa: ANN401 - opaque to the application
        """Return the asset's encoding, from memory, disk or the plugin.

        Raises:
            Cancelled: If `cancel` was set meanwhile.
            AnnotatorError: If the plugin fails, naming it and the asset.
        """
        key = self.identity.key(asset)
        encoding = self.memory.get(key)
        if encoding is None:
            encoding, size = self._stored(key) or self._encode_now(key, asset, progress, cancel)
            self._keys.add(key)
            self.memory.put(key, encoding, size)
        progress(1.0, "encoded")
        return encoding

    def encode_uncached(
        self, asset: Asset, progress: Progress = no_progress, cancel: CancelToken | None = None
    ) -> Any:  # noqa: ANN401 - see encode
        """Encode without looking into the caches; raises like `encode`."""
        threads.apply()
        require_colour(self.manifest, asset)
        with self._explained(f"encoding {asset.name or 'the asset'}"):
            return self.engine.encode(asset, progress=progress, cancel=cancel)

    def predict(
        self,
        encoding: Any,  # noqa: ANN401 - see encode
        prompt: Prompt,
        cancel: CancelToken | None = None,
        progress: Progress = no_progress,
    ) -> Result:
        """Return the result for the full prompt.

        Raises:
            Cancelled: If `cancel` was set meanwhile.
            AnnotatorError: If the plugin fails or returns something malformed.
        """
        require_supported(self.manifest, prompt)
        if self._per_object is not None:
            return self._per_object.mask(encoding, prompt, cancel)
        return self.predict_as_is(encoding, prompt, cancel, progress)

    def predict_as_is(
        self,
        encoding: Any,  # noqa: ANN401 - see encode
        prompt: Prompt,
        cancel: CancelToken | None = None,
        progress: Progress = no_progress,
    ) -> Result:
        """Have the plugin itself answer, without remembered answers; raises like `predict`."""
        threads.apply()
        with self._explained("predicting"):
            if isinstance(self.engine, PredictsWithProgress):
                result = self.engine.predict_with_progress(
                    encoding, prompt, progress=progress, cancel=cancel
                )
            else:
                result = self.engine.predict(encoding, prompt, cancel=cancel)
        self._check(result)
        checked: Result = result
        return checked

    def predict_many(
        self,
        encoding: Any,  # noqa: ANN401 - see encode
        prompts: Sequence[Prompt],
        cancel: CancelToken | None = None,
    ) -> list[Result]:
        """Have the plugin itself answer several prompts, together if it can.

        One prompt is answered as `predict_as_is` answers it; raises like that.
        """
        if len(prompts) == 1 or not isinstance(self.engine, PredictsMany):
            return [self.predict_as_is(encoding, prompt, cancel) for prompt in prompts]
        threads.apply()
        with self._explained("predicting"):
            results = self.engine.predict_many(encoding, prompts, cancel=cancel)
        for result in results:
            self._check(result)
        return list(results)

    @property
    def differentiable(self) -> bool:
        """Whether masks can be differentiated by where a click is."""
        return isinstance(self.engine, DifferentiableClicks)

    def soft_probability(self, encoding: Any, prompt: Prompt, position: Any) -> Any:  # noqa: ANN401
        """Return the plugin's soft map, see `DifferentiableClicks`; raises like `predict`."""
        assert isinstance(self.engine, DifferentiableClicks)
        threads.apply()
        with self._explained("differentiating"):
            return self.engine.soft_probability(encoding, prompt, position)

    def _predict_alone(
        self,
        encoding: Any,  # noqa: ANN401 - see encode
        prompt: Prompt,
        cancel: CancelToken | None,
    ) -> Mask:
        result = self.predict_as_is(encoding, prompt, cancel)
        assert isinstance(result, Mask)  # as _check has made sure for this kind
        return result

    def close(self) -> None:
        """Free the engine's memory and let go of its encodings."""
        self.memory.forget(self._keys)
        with self._explained("closing"):
            self.engine.close()
            release_cached(self.device)

    def _stored(self, key: str) -> tuple[Any, int] | None:
        if self.disk is None or not isinstance(self.engine, StorableEncodings):
            return None
        arrays = self.disk.get(key)
        if arrays is None:
            return None
        try:
            encoding = self.engine.encoding_from_arrays(arrays)
        except Exception:  # noqa: BLE001 - whatever a plugin raises, the entry is just a miss
            _log.warning("%s cannot use a cached encoding: it is made again", self.ref)
            return None
        return encoding, sum(array.nbytes for array in arrays.values())

    def _encode_now(
        self, key: str, asset: Asset, progress: Progress, cancel: CancelToken | None
    ) -> tuple[Any, int]:
        encoding = self.encode_uncached(asset, progress, cancel)
        if not isinstance(self.engine, StorableEncodings):
            return encoding, _bytes_of(asset)
        with self._explained("storing an encoding"):
            arrays = self.engine.encoding_to_arrays(encoding)
        if self.disk is not None:
            self.disk.put(key, arrays)
        return encoding, sum(array.nbytes for array in arrays.values())

    @contextmanager
    def _explained(self, doing: str) -> Iterator[None]:
        """Name plugin and step in whatever goes wrong inside."""
        try:
            with explain_memory(self.device, f"{doing} with {self.manifest.title}"):
                yield
        except (AnnotatorError, Cancelled):
            raise
        except Exception as error:
            _log.exception("plugin %s failed while %s", self.manifest.id, doing)
            raise AnnotatorError(
                f"Plugin {self.manifest.id!r} failed while {doing}: "
                f"{type(error).__name__}: {error}.",
                "The log has the full traceback; report it to the plugin's author.",
            ) from error

    def _check(self, result: object) -> None:
        expected = RESULT_OF[self.manifest.kind]
        fine = isinstance(result, expected)
        if fine and isinstance(result, Mask):
            fine = result.labels.dtype == np.int32
        if not fine:
            raise AnnotatorError(
                f"Plugin {self.manifest.id!r} returned {type(result).__name__}, not a "
                f"{expected.__name__} with int32 labels.",
                f"Run `annotator plugins check` on {self.manifest.id}.",
            )


def _bytes_of(asset: Asset) -> int:
    """Guess the size of an encoding that cannot be measured by its asset's."""
    return asset.xyz.nbytes if isinstance(asset, PointCloud) else asset.rgb.nbytes
