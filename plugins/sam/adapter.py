"""Between the networks of the SAM family and the plugin API: prompts in, masks out."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

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

from . import of_sam2, of_segment_anything, of_segment_anything_hq
from .network import Features, Inputs, Network, Size, watched

AT_ONCE = 16
"""Prompts decoded together; a decoder's inner maps take some 30 MB a prompt."""
AT_ONCE_ON_CPU = 4
"""More of them no longer fit a processor's caches: measured, 138 instead of 96 ms a prompt."""


@dataclass(frozen=True, eq=False)
class EncodedPhoto:
    """What a prediction needs of a photo.

    Attributes:
        features: Maps by name, float32, on the engine's device.
        size: Height and width of the photo.
    """

    features: Features
    size: Size


@dataclass(frozen=True, eq=False)
class Answers:
    """What the decoder says to B prompts.

    Attributes:
        logits: [B, C, m, m], the best candidate first.
        scores: [B, C] predicted IoU, falling.
    """

    logits: Tensor
    scores: Tensor

    def chosen(self, row: int, prompt: Prompt) -> int:
        """Return the number of the candidate that a prompt asks for; the best one by default."""
        return min(dict(prompt.candidates).get(1, 0), self.logits.shape[1] - 1)

    def to_feed(self, prompt: Prompt) -> Tensor:
        """Return the logits [1, 1, m, m] that the click after a single prompt is decoded with."""
        number = self.chosen(0, prompt)
        return self.logits[:1, number : number + 1]


class SamEngine:
    """Segments one object of a photo; keeps nothing between calls that changes a result."""

    threshold = DEFAULT_THRESHOLD

    def __init__(self, network: Network, context: PluginContext) -> None:
        self._network = network
        self._device = torch.device(context.device)
        self._dtype = _dtype(context)
        self._feeds_mask = bool(context.parameters.get("previous_mask", True))
        self._replay = Replay(self._mask_to_feed)

    @torch.no_grad()
    def encode(
        self,
        asset: Image,
        *,
        progress: Progress = no_progress,
        cancel: CancelToken | None = None,
    ) -> EncodedPhoto:
        """Run the image encoder.

        Raises:
            Cancelled: If `cancel` was set; looked at between the encoder's blocks.
        """
        progress(0.0, "resizing")
        half = self._dtype != torch.float32
        with (
            watched(self._network.blocks, progress, cancel),
            torch.autocast(self._device.type, self._dtype, enabled=half),
        ):
            features = self._network.encode(asset.rgb)
        if cancel is not None:
            cancel.check()
        height, width = asset.rgb.shape[:2]
        whole = {name: tensor.float() for name, tensor in features.items()}
        return EncodedPhoto(whole, (height, width))

    @torch.no_grad()
    def predict(
        self, encoding: EncodedPhoto, prompt: Prompt, *, cancel: CancelToken | None = None
    ) -> Mask:
        """Segment the object that clicks and box speak of.

        A single click is ambiguous: then the network offers three masks as candidates.
        Every later click is decoded together with the mask before it.

        Raises:
            Cancelled: If `cancel` was set.
        """
        if cancel is not None:
            cancel.check()
        prompt = _in_order(prompt)
        if not prompt.prompted_ids:
            return _nothing(encoding.size)
        before = self._mask_before(encoding, prompt, cancel)
        if cancel is not None:
            cancel.check()
        answers = self._decode(encoding, [prompt], before)
        if self._feeds_mask:
            self._replay.remember(encoding, prompt, answers.to_feed(prompt))
        return self._mask(encoding.size, prompt, answers, 0)

    @torch.no_grad()
    def predict_many(
        self,
        encoding: EncodedPhoto,
        prompts: Sequence[Prompt],
        *,
        cancel: CancelToken | None = None,
    ) -> list[Mask]:
        """Predict for each prompt, decoding those of the same form together.

        Raises:
            Cancelled: If `cancel` was set.
        """
        ordered = [_in_order(prompt) for prompt in prompts]
        masks = {i: _nothing(encoding.size) for i, p in enumerate(ordered) if not p.prompted_ids}
        at_once = AT_ONCE_ON_CPU if self._device.type == "cpu" else AT_ONCE
        for numbers in _alike(ordered, at_once):
            group = [ordered[number] for number in numbers]
            before = [self._mask_before(encoding, prompt, cancel) for prompt in group]
            fed = None if before[0] is None else torch.cat(before)
            if cancel is not None:
                cancel.check()
            answers = self._decode(encoding, group, fed)
            for row, number in enumerate(numbers):
                masks[number] = self._mask(encoding.size, ordered[number], answers, row)
        return [masks[number] for number in range(len(prompts))]

    def soft_probability(self, encoding: EncodedPhoto, prompt: Prompt, position: Tensor) -> Tensor:
        """Return the probability map [H, W] with the newest click at `position` [2], (x, y).

        Clicks enter the network by their coordinates (random Fourier features), so nothing
        is softened: at the click's own place this is the `probability` of `predict`. Which
        candidate counts is decided anew for the moved click, without gradient.

        Raises:
            AnnotatorError: If the prompt has no click, or says nothing of the inside.
        """
        prompt = _in_order(prompt)
        if not (prompt.clicks and prompt.prompted_ids):
            raise AnnotatorError("There is no click whose place could be moved.")
        with torch.no_grad():
            before = self._mask_before(encoding, prompt)
        answers = self._decode(encoding, [prompt], before, position.to(self._device).float())
        return self._network.to_photo(answers.to_feed(prompt), encoding.size)[0, 0].sigmoid()

    def close(self) -> None:
        """Let go of the network's memory on its device."""
        self._replay = Replay(self._mask_to_feed)
        self._network.module.to("meta")

    def encoding_to_arrays(self, encoding: EncodedPhoto) -> dict[str, npt.NDArray[Any]]:
        """Return the features and the photo's size."""
        arrays = {name: tensor.cpu().numpy() for name, tensor in encoding.features.items()}
        return {**arrays, "size": np.asarray(encoding.size)}

    def encoding_from_arrays(self, arrays: Mapping[str, npt.NDArray[Any]]) -> EncodedPhoto:
        """Rebuild an encoding on this engine's device."""
        features = {
            name: torch.from_numpy(np.ascontiguousarray(array)).to(self._device)
            for name, array in arrays.items()
            if name != "size"
        }
        height, width = arrays["size"].tolist()
        return EncodedPhoto(features, (height, width))

    def _mask_before(
        self, encoding: EncodedPhoto, prompt: Prompt, cancel: CancelToken | None = None
    ) -> Tensor | None:
        """Return the logits [1, 1, m, m] to feed: those of the prompt without its newest click."""
        if not self._feeds_mask:
            return None
        before: Tensor | None = self._replay.before(encoding, prompt, cancel)
        return before

    def _mask_to_feed(
        self, encoding: EncodedPhoto, prompt: Prompt, before: Tensor | None
    ) -> Tensor:
        return self._decode(encoding, [prompt], before).to_feed(prompt)

    def _decode(
        self,
        encoding: EncodedPhoto,
        prompts: Sequence[Prompt],
        before: Tensor | None,
        newest: Tensor | None = None,
    ) -> Answers:
        """Decode prompts of the same form; the candidates come out best first."""
        inputs = self._inputs(encoding.size, prompts, before, newest)
        logits, scores = self._network.decode(encoding.features, inputs, _is_ambiguous(prompts[0]))
        scores, order = scores.detach().sort(dim=1, descending=True, stable=True)
        rows = torch.arange(len(order), device=order.device)[:, None]
        return Answers(logits[rows, order], scores)

    def _inputs(
        self, size: Size, prompts: Sequence[Prompt], before: Tensor | None, newest: Tensor | None
    ) -> Inputs:
        places = [[click.position[:2] for click in prompt.clicks] for prompt in prompts]
        xy = self._tensor(places).reshape(len(prompts), -1, 2)
        if newest is not None:
            xy = torch.cat([xy[:, :-1], newest.reshape(1, 1, 2)], dim=1)
        labels = [[int(click.object_id > 0) for click in prompt.clicks] for prompt in prompts]
        boxes = [[(b.x0, b.y0), (b.x1, b.y1)] for prompt in prompts for b in prompt.boxes[:1]]
        # The packages count pixels, whose first has its centre at 0; boxes have edges there.
        points = self._network.to_input(xy - 0.5, size)
        corners = self._network.to_input(self._tensor(boxes), size).flatten(1) if boxes else None
        kinds = self._tensor(labels).reshape(len(prompts), -1).int()
        return Inputs(points, kinds, corners, before)

    def _mask(self, size: Size, prompt: Prompt, answers: Answers, row: int) -> Mask:
        """Return the chosen mask of a row in the photo's frame, and all if there are several."""
        threshold = dict(prompt.thresholds).get(1, self.threshold)
        chosen = answers.chosen(row, prompt)
        several = answers.logits.shape[1] > 1
        maps = {
            number: self._probability(size, answers.logits[row, number])
            for number in (range(answers.logits.shape[1]) if several else (chosen,))
        }
        scores = answers.scores[row].clamp(0, 1).tolist()
        candidates = tuple(
            Candidate(1, maps[number] > threshold, scores[number]) for number in maps if several
        )
        probability = maps[chosen]
        return Mask((probability > threshold).astype(np.int32), None, probability, candidates)

    def _probability(self, size: Size, logits: Tensor) -> npt.NDArray[np.float32]:
        photo = self._network.to_photo(logits[None, None], size)[0, 0]
        probability: npt.NDArray[np.float32] = photo.sigmoid().cpu().numpy()
        return probability

    def _tensor(self, values: Sequence[Any]) -> Tensor:
        return torch.tensor(values, dtype=torch.float32, device=self._device)


def _in_order(prompt: Prompt) -> Prompt:
    """Return the prompt with its clicks in order of time and nothing outside called an object."""
    clicks = sorted(prompt.clicks, key=lambda click: click.order)
    told = (replace(c, object_id=int(c.positive and c.object_id > 0)) for c in clicks)
    return replace(prompt, clicks=tuple(told))


def _is_ambiguous(prompt: Prompt) -> bool:
    """Whether the network shall offer several masks: published for a single click."""
    return len(prompt.clicks) == 1 and not prompt.boxes


def _alike(prompts: Sequence[Prompt], at_once: int) -> list[list[int]]:
    """Return the numbers of prompts that a decoder can take together, in portions."""
    forms: defaultdict[tuple[int, bool, bool], list[int]] = defaultdict(list)
    for number, prompt in enumerate(prompts):
        if prompt.prompted_ids:
            first = replace(prompt, clicks=prompt.clicks[:-1]).prompted_ids
            forms[len(prompt.clicks), bool(prompt.boxes), bool(first)].append(number)
    return [
        numbers[start : start + at_once]
        for numbers in forms.values()
        for start in range(0, len(numbers), at_once)
    ]


def _nothing(size: Size) -> Mask:
    return Mask(np.zeros(size, np.int32), None, np.zeros(size, np.float32))


def build_network(variant: str) -> Network:
    """Build a variant's network from its package, with random weights."""
    if variant.startswith("sam2-"):
        return of_sam2.build(variant)
    if variant.startswith("sam-"):
        return of_segment_anything.build(variant)
    return of_segment_anything_hq.build(variant)


def create(context: PluginContext) -> SamEngine:
    """Build the variant's network and load its weights.

    Raises:
        AnnotatorError: If the weights are damaged or belong to another network.
    """
    network = build_network(context.variant)
    _load(network, next(iter(context.weights.values())), context.variant)
    network.module.eval().requires_grad_(False)
    network.module.to(context.device)
    return SamEngine(network, context)


def _load(network: Network, path: Path, variant: str) -> None:
    try:
        network.module.load_state_dict(load_file(path))
    except (SafetensorError, OSError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[:3]
        raise AnnotatorError(
            f"The weights of sam:{variant} cannot be used: {' '.join(reason)}.",
            "Import or download them again; `annotator weights verify` checks them.",
        ) from error


def _dtype(context: PluginContext) -> torch.dtype:
    """Return the precision to encode in; halves are slower than floats on a CPU."""
    if context.device == "cpu" and context.dtype != "float32":
        context.logger.warning("computing in float32: %s is slow on a CPU", context.dtype)
        return torch.float32
    dtype: torch.dtype = getattr(torch, context.dtype)
    return dtype
