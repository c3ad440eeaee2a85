"""Between an ONNX encoder and decoder pair and the plugin API."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from annotator.domain import (
    AnnotatorError,
    CancelToken,
    Candidate,
    Image,
    Mask,
    Progress,
    Prompt,
    no_progress,
)
from annotator.engine.api import DEFAULT_THRESHOLD, PluginContext
from annotator.engine.replay import Replay

from .sessions import Arrays, OnnxNetwork
from .settings import EncoderSettings, PairSettings, read_settings

Floats = npt.NDArray[np.float32]
DEFAULT_MASK_SIDE = 256
LARGEST_LOGIT = 80.0
"""Beyond it a probability is 0 or 1 in float32, and the exponential would overflow."""


@dataclass(frozen=True, eq=False)
class EncodedPhoto:
    """What a prediction needs of a photo: embeddings by name, and its height and width."""

    embeddings: Arrays
    size: tuple[int, int]


@dataclass(frozen=True, eq=False)
class Answers:
    """What the decoder says, best candidate first.

    Attributes:
        masks: [C, h, w] logits.
        scores: [C] predicted IoU.
        fed_back: [C, m, m] logits that the next click is decoded with.
    """

    masks: Floats
    scores: Floats
    fed_back: Floats

    def chosen(self, prompt: Prompt) -> int:
        """Return the number of the candidate that a prompt asks for; the best one by default."""
        return min(dict(prompt.candidates).get(1, 0), len(self.scores) - 1)


class OnnxPairEngine:
    """Segments one object of a photo; keeps nothing between calls that changes a result."""

    threshold = DEFAULT_THRESHOLD

    def __init__(
        self,
        encoder: OnnxNetwork,
        decoder: OnnxNetwork,
        settings: PairSettings,
        feeds_mask: bool = True,
    ) -> None:
        self._encoder = encoder
        self._decoder = decoder
        self._settings = settings
        self._sources = _sources(encoder, decoder, settings)
        self._feeds_mask = feeds_mask and bool(settings.decoder.mask)
        self._replay = Replay(self._mask_to_feed)

    def encode(
        self,
        asset: Image,
        *,
        progress: Progress = no_progress,
        cancel: CancelToken | None = None,
    ) -> EncodedPhoto:
        """Run the encoder.

        Raises:
            Cancelled: If `cancel` was set; looked at before and after the network runs.
            AnnotatorError: If the encoder refuses its input.
        """
        _check(cancel)
        progress(0.05, "resizing")
        name = next(iter(self._encoder.inputs))
        pixels = _pixels(asset.rgb, self._settings.encoder)
        progress(0.1, f"encoding with {self._encoder.name}")
        embeddings = self._encoder.run({name: pixels})
        _check(cancel)
        height, width = asset.rgb.shape[:2]
        return EncodedPhoto(embeddings, (height, width))

    def predict(
        self, encoding: EncodedPhoto, prompt: Prompt, *, cancel: CancelToken | None = None
    ) -> Mask:
        """Segment the object that clicks and box speak of.

        Raises:
            Cancelled: If `cancel` was set.
            AnnotatorError: If the decoder refuses its inputs.
        """
        _check(cancel)
        prompt = _in_order(prompt)
        if not prompt.prompted_ids:
            return Mask(
                np.zeros(encoding.size, np.int32), None, np.zeros(encoding.size, np.float32)
            )
        before = self._replay.before(encoding, prompt, cancel) if self._feeds_mask else None
        _check(cancel)
        answers = self._decode(encoding, prompt, before)
        if self._feeds_mask:
            self._replay.remember(encoding, prompt, answers.fed_back[answers.chosen(prompt)])
        return self._mask(encoding, prompt, answers)

    def close(self) -> None:
        """Let go of both networks."""
        self._replay = Replay(self._mask_to_feed)
        del self._encoder, self._decoder

    def encoding_to_arrays(self, encoding: EncodedPhoto) -> Arrays:
        """Return embeddings and size."""
        return {f"out:{k}": v for k, v in encoding.embeddings.items()} | {
            "size": np.asarray(encoding.size)
        }

    def encoding_from_arrays(self, arrays: Mapping[str, npt.NDArray[Any]]) -> EncodedPhoto:
        """Rebuild an encoding."""
        embeddings = {k.removeprefix("out:"): v for k, v in arrays.items() if k != "size"}
        height, width = arrays["size"].tolist()
        return EncodedPhoto(embeddings, (height, width))

    def _mask_to_feed(
        self, encoding: EncodedPhoto, prompt: Prompt, before: Floats | None
    ) -> Floats:
        answers = self._decode(encoding, prompt, before)
        return answers.fed_back[answers.chosen(prompt)]

    def _decode(self, encoding: EncodedPhoto, prompt: Prompt, before: Floats | None) -> Answers:
        names = self._settings.decoder
        points, labels = self._points(encoding.size, prompt)
        inputs: Arrays = {
            name: encoding.embeddings[source] for name, source in self._sources.items()
        }
        inputs[names.points], inputs[names.labels] = points[None], labels[None]
        if names.mask:
            inputs[names.mask] = self._fed_mask(before)
        if names.has_mask:
            inputs[names.has_mask] = np.array([before is not None], np.float32)
        if names.photo_size:
            inputs[names.photo_size] = np.array(encoding.size, np.float32)
        outputs = self._decoder.run(inputs)
        masks = np.asarray(outputs[names.masks], np.float32)[0]
        low = np.asarray(outputs[names.low_masks or names.masks], np.float32)[0]
        scores = np.asarray(outputs[names.scores], np.float32).reshape(-1)
        kept = self._kept(prompt, scores)
        return Answers(masks[kept], scores[kept], low[kept])

    def _kept(self, prompt: Prompt, scores: Floats) -> npt.NDArray[np.intp]:
        """Return the numbers of the masks that answer a prompt, best first."""
        ambiguous = len(prompt.clicks) == 1 and not prompt.boxes
        single = self._settings.decoder.first_is_single and len(scores) > 1
        if single and not ambiguous:
            return np.array([0])
        order = np.argsort(-scores[single:], kind="stable") + int(single)
        return order if ambiguous else order[:1]

    def _points(self, size: tuple[int, int], prompt: Prompt) -> tuple[Floats, Floats]:
        """Return places [N, 2] in the encoder's input frame and their labels [N]."""
        height, width = _filled(size, self._settings.encoder)
        scale = np.array([width / size[1], height / size[0]], np.float32)
        # Exports count pixels, whose first has its centre at 0; boxes have edges there.
        places = [np.subtract(click.position[:2], 0.5) for click in prompt.clicks]
        labels = [float(click.object_id) for click in prompt.clicks]
        for box in prompt.boxes[:1]:
            places += [np.array([box.x0, box.y0]), np.array([box.x1, box.y1])]
            labels += [2.0, 3.0]
        if self._settings.decoder.pad and not prompt.boxes:
            places.append(np.zeros(2))
            labels.append(-1.0)
        return (np.array(places) * scale).astype(np.float32), np.array(labels, np.float32)

    def _fed_mask(self, before: Floats | None) -> Floats:
        if before is not None:
            return before[None, None]
        side = self._decoder.inputs[self._settings.decoder.mask][-1] or DEFAULT_MASK_SIDE
        return np.zeros((1, 1, side, side), np.float32)

    def _mask(self, encoding: EncodedPhoto, prompt: Prompt, answers: Answers) -> Mask:
        threshold = dict(prompt.thresholds).get(1, self.threshold)
        maps = [self._probability(encoding.size, logits) for logits in answers.masks]
        scores = answers.scores.clip(0, 1).tolist()
        pairs = zip(maps, scores, strict=True)
        candidates = tuple(Candidate(1, p > threshold, score) for p, score in pairs)
        probability = maps[answers.chosen(prompt)]
        labels = (probability > threshold).astype(np.int32)
        return Mask(labels, None, probability, candidates if len(maps) > 1 else ())

    def _probability(self, size: tuple[int, int], logits: Floats) -> Floats:
        if not self._settings.decoder.photo_size:
            logits = self._to_photo(size, logits)
        if logits.shape != size:
            raise AnnotatorError(
                f"{self._decoder.name} gives masks of {logits.shape} for a photo of {size}.",
                "Its masks are in another frame: set `photo_size` in a settings file.",
            )
        bounded = logits.clip(-LARGEST_LOGIT, LARGEST_LOGIT)
        return (1 / (1 + np.exp(-bounded))).astype(np.float32)

    def _to_photo(self, size: tuple[int, int], logits: Floats) -> Floats:
        """Cut the padding off logits [h, w] of the input frame and resize them to the photo."""
        settings = self._settings.encoder
        if settings.size and settings.resize == "longest":
            filled = _filled(size, settings)
            logits = _enlarged(logits, (settings.size, settings.size))[: filled[0], : filled[1]]
        return _enlarged(logits, size)


def _enlarged(values: Floats, size: tuple[int, int]) -> Floats:
    resized: Floats = cv2.resize(values, size[::-1], interpolation=cv2.INTER_LINEAR)
    return resized


def _check(cancel: CancelToken | None) -> None:
    if cancel is not None:
        cancel.check()


def _in_order(prompt: Prompt) -> Prompt:
    """Return the prompt with its clicks in order of time and nothing outside called an object."""
    clicks = sorted(prompt.clicks, key=lambda click: click.order)
    told = (replace(c, object_id=int(c.positive and c.object_id > 0)) for c in clicks)
    return replace(prompt, clicks=tuple(told))


def _filled(size: tuple[int, int], settings: EncoderSettings) -> tuple[int, int]:
    """Return height and width of the part of the encoder's input that the photo fills."""
    if not settings.size:
        return size
    if settings.resize == "stretch":
        return settings.size, settings.size
    scale = settings.size / max(size)
    height, width = (max(1, int(side * scale + 0.5)) for side in size)
    return height, width


def _pixels(rgb: npt.NDArray[np.uint8], settings: EncoderSettings) -> Floats:
    """Return the photo as the encoder takes it: resized, normalised, padded, in its layout."""
    from PIL import Image as PilImage

    height, width = _filled((rgb.shape[0], rgb.shape[1]), settings)
    resized = PilImage.fromarray(rgb).resize((width, height), PilImage.Resampling.BILINEAR)
    values = np.asarray(resized, np.float32) * np.float32(settings.scale)
    values = (values - np.float32(settings.mean)) / np.float32(settings.deviation)
    if settings.size:
        rest = (settings.size - height, settings.size - width)
        values = np.pad(values, ((0, rest[0]), (0, rest[1]), (0, 0)))
    if settings.layout == "NCHW":
        values = values.transpose(2, 0, 1)
    return np.ascontiguousarray(values if settings.layout == "HWC" else values[None])


def _sources(encoder: OnnxNetwork, decoder: OnnxNetwork, settings: PairSettings) -> dict[str, str]:
    """Return the encoder output that feeds each further input of the decoder.

    Outputs feed inputs of the same name or as `rename` says; a single one of each always fits.

    Raises:
        AnnotatorError: If inputs or outputs do not fit together.
    """
    names = settings.decoder
    own = [
        name
        for name in (names.points, names.labels, names.mask, names.has_mask, names.photo_size)
        if name
    ]
    further = [name for name in decoder.inputs if name not in own]
    if len(further) == 1 == len(encoder.outputs) and not names.rename:
        sources = {further[0]: encoder.outputs[0]}
    else:
        sources = {name: names.rename.get(name, name) for name in further}
    fitting = {name: out for name, out in sources.items() if out in encoder.outputs}
    outputs = [name for name in (names.masks, names.scores, names.low_masks) if name]
    decoder.require([*own, *fitting], outputs)
    return fitting


def create(context: PluginContext) -> OnnxPairEngine:
    """Open both files.

    Raises:
        AnnotatorError: If a file is missing, damaged, or does not fit the settings.
    """
    values = context.parameters
    settings = read_settings(str(values["settings"]))
    encoder = OnnxNetwork(str(values["encoder"]), "encoder", context)
    if len(encoder.inputs) != 1:
        raise AnnotatorError(
            f"{encoder.name} has the inputs {', '.join(encoder.inputs)}; an encoder has one.",
            "Is it the encoder of the pair?",
        )
    decoder = OnnxNetwork(str(values["decoder"]), "decoder", context)
    return OnnxPairEngine(encoder, decoder, settings, bool(values["previous_mask"]))
