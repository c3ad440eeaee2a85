"""Predicts from a photo and *all* its clicks, as the published evaluations of RITM and SimpleClick.

Those carry the previous mask and crop from click to click. Here both are computed again from
the clicks before, so that a prediction depends on nothing but its arguments; runs of clicks
that were met already are remembered, so that one more click costs one forward pass.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from models.clickseg.disks import (
    PlacedClick,
    hard_disks,
    mirror_points,
    pad_points,
    soft_disks,
    stack_points,
)
from models.clickseg.photo import Clicks, Memory, Photo, State, bytes_of
from models.clickseg.pixels import resample
from models.clickseg.zoom import Box, Size, View, Zoom, box_iou
from models.side_by_side import side_by_side

Draw = Callable[[Tensor, int, int], Tensor]
STATE_BYTES = 256 << 20
FEATURE_BYTES = 256 << 20
"""Room for what is remembered between predictions, over all photos."""

LARGE_VIEW = 1 << 20
"""Features of views with more pixels are made when needed, and not when a photo is opened."""

COVERED = 0.5
"""With no skipped click, an object covering less of the picture is predicted again in a crop."""


RITM_ZOOM = Zoom()
"""Zoom-in from the second click on, to 400 pixels."""


class ClickNetwork(Protocol):
    """What all networks for click segmentation have in common."""

    def encode(self, image: Tensor) -> Any:  # noqa: ANN401 - each has its own features
        """[1, 3, H, W] in 0..1 -> what clicks do not change."""

    def predict(self, features: Any, click_maps: Tensor, previous: Tensor) -> Tensor:  # noqa: ANN401
        """Features, [B, 2, H, W] and [B, 1, H, W] -> logits [B, 1, H, W]."""


@dataclass(frozen=True)
class Recipe:
    """How a network is used; the defaults are those of RITM's evaluation.

    Attributes:
        zoom: How to zoom in; None never does.
        whole: Size that the whole picture is brought to where it is not cropped.
        largest: Whole pictures with a longer side are shrunk to it; 0 for never, as published.
        flip: Whether logits are averaged with those of the mirrored picture.
        keep_box: Whether a whole-picture prediction is squeezed into the earlier crop if
            there is one: a fault of the published code, which its figures were made with.
        corners: How pictures and maps are resized, see `pixels.resample`.
    """

    zoom: Zoom | None = RITM_ZOOM
    whole: Size = None
    largest: int = 0
    flip: bool = True
    keep_box: bool = True
    corners: bool = True

    def whole_view(self, height: int, width: int) -> View:
        """Return how a whole picture enters the network."""
        shrinks = self.whole is None and 0 < self.largest < max(height, width)
        size = self.largest if shrinks else self.whole
        return View.of(Box.whole(height, width), size, self.corners)


RITM = Recipe()
"""RITM's evaluation."""

COMPACT = Recipe(Zoom(target=448), whole=448, flip=False, corners=False)
"""The embedded network's: 448 pixels, resized by the edges, no flip averaging."""

SIMPLECLICK = Recipe(Zoom(skip_clicks=-1, target=(448, 448)), whole=(448, 448))
"""SimpleClick's: every picture and crop stretched to 448 x 448, flip averaging."""


@dataclass(frozen=True)
class Plan:
    """How one click is predicted.

    Attributes:
        view: What the network is shown.
        paste: Where its answer belongs.
        box: The crop in force from now on.
    """

    view: View
    paste: Box
    box: Box | None


@dataclass(frozen=True)
class Job:
    """One prediction that is about to run: the state before the last click, and all clicks."""

    before: State
    clicks: Clicks
    plan: Plan


class ClickPredictor:
    """A network with the way it is used; what it remembers changes no prediction.

    Args:
        network: In evaluation mode, on `device`.
        recipe: How to use it.
        device: Where it is.
        dtype: Precision that it computes in.
        batch: Most predictions in one forward pass.
    """

    def __init__(
        self,
        network: ClickNetwork,
        recipe: Recipe = RITM,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
        batch: int = 8,
    ) -> None:
        self.network = network
        self.recipe = recipe
        self.device = torch.device(device)
        self.dtype = dtype
        self.batch = batch
        self._states = Memory(STATE_BYTES)
        self._features = Memory(FEATURE_BYTES)

    @torch.no_grad()
    def describe(self, rgb: Tensor) -> Tensor | None:
        """Return the mean [D] of the deepest features of a photo [H, W, 3] uint8.

        None for networks that see the photo together with its clicks: what they compute
        before is no more than a stem.
        """
        photo = Photo.of(rgb.to(self.device))
        view = self.recipe.whole_view(*photo.size)
        found = self.network.encode(photo.view(view, self.dtype))
        if isinstance(found, Tensor):
            return None
        maps = [part for part in found if isinstance(part, Tensor) and part.ndim == 4]
        deepest = min(maps, key=lambda each: each[0, 0].numel())
        return deepest[0].float().mean((1, 2))

    def open(self, rgb: Tensor) -> Photo:
        """Take a photo [H, W, 3] uint8 and encode it whole, as every run of clicks begins."""
        photo = Photo.of(rgb.to(self.device))
        whole = self.recipe.whole_view(*photo.size)
        if whole.height * whole.width <= LARGE_VIEW:
            list(self._encoded(photo, whole))
        return photo

    @torch.no_grad()
    def predict(
        self, photo: Photo, clicks: Iterable[PlacedClick], check: Callable[[], None] = lambda: None
    ) -> Tensor:
        """Return the probability of "object", [H, W], after all clicks.

        Args:
            photo: From `open`.
            clicks: All clicks in order of time; without any the answer is `photo.start`.
            check: Called before every forward pass; may raise to stop.
        """
        return self.state(photo, tuple(clicks), check).probability

    @torch.no_grad()
    def predict_many(
        self,
        photo: Photo,
        prompts: Sequence[Iterable[PlacedClick]],
        check: Callable[[], None] = lambda: None,
    ) -> list[Tensor]:
        """Return what `predict` returns for each prompt, up to rounding.

        The last clicks of all prompts run together; what comes before them is replayed.
        """
        clicks = [tuple(prompt) for prompt in prompts]
        answers = [photo.start] * len(clicks)
        jobs: dict[int, Job] = {}
        for number, prompt in enumerate(clicks):
            if prompt:
                before = self.state(photo, prompt[:-1], check)
                jobs[number] = Job(before, prompt, self.plan(before, prompt))
        for number, state in zip(jobs, self._run(photo, list(jobs.values()), check), strict=True):
            answers[number] = state.probability
        return answers

    def soft_probability(
        self, photo: Photo, clicks: Iterable[PlacedClick], place: Tensor
    ) -> Tensor:
        """Return the probability map [H, W] on the graph of where the newest click is.

        The click is drawn with a soft border; crop and previous mask are those that the
        clicks themselves lead to, and take no part in the gradient.

        Args:
            photo: From `open`.
            clicks: All clicks; the newest gives order and sign.
            place: [2] row and column of the newest click.
        """
        run = tuple(clicks)
        with torch.no_grad():
            before = self.state(photo, run[:-1])
            job = self._settled(photo, Job(before, run, self.plan(before, run)))
        points = self._points([job])
        newest = points[..., 2] == len(run) - 1
        moved = torch.where(newest[..., None], place.to(points), points[..., :2])
        points = torch.cat([moved, points[..., 2:]], dim=-1)
        with torch.enable_grad():
            return self._forward(photo, [job], points, soft_disks)[0]

    def plan(self, before: State, clicks: Clicks) -> Plan:
        """Decide what the network is shown for the newest click.

        Args:
            before: State after all clicks but the newest.
            clicks: All, at least one.
        """
        height, width = before.probability.shape
        view, zoom = self.recipe.whole_view(height, width), self.recipe.zoom
        whole = view.box
        if zoom is None:
            return Plan(view, whole, None)
        skipped = len(clicks) <= zoom.skip_clicks
        candidate = None if skipped else zoom.candidate(before.probability, clicks)
        if candidate is None and zoom.skip_clicks >= 0:
            box = before.box if self.recipe.keep_box else None
            return Plan(view, box or whole, box)
        return self._plan_crop(zoom, before, candidate or whole, clicks)

    def _plan_crop(self, zoom: Zoom, before: State, candidate: Box, clicks: Clicks) -> Plan:
        earlier = before.box
        box = earlier if earlier and zoom.keeps(earlier, candidate, clicks) else candidate
        return Plan(View.of(box, zoom.target, self.recipe.corners), box, box)

    def state(
        self, photo: Photo, clicks: Clicks, check: Callable[[], None] = lambda: None
    ) -> State:
        """Return the state after the clicks, from the longest run of them that is remembered."""
        known = len(clicks)
        while known and self._states.get((photo, clicks[:known])) is None:
            known -= 1
        state: State = self._states.get((photo, clicks[:known])) or State(photo.start)
        for count in range(known + 1, len(clicks) + 1):
            run = clicks[:count]
            state = self.after(photo, state, run, check)
            self._states.put((photo, run), state, bytes_of(state.probability))
        return state

    @torch.no_grad()
    def after(
        self,
        photo: Photo,
        before: State,
        clicks: Clicks,
        check: Callable[[], None] = lambda: None,
    ) -> State:
        """Return the state after the newest click, given that after all others."""
        (state,) = self._run(photo, [Job(before, clicks, self.plan(before, clicks))], check)
        return state

    def _run(self, photo: Photo, jobs: list[Job], check: Callable[[], None]) -> list[State]:
        """Predict all jobs, those with the same view together."""

        def forward(rows: list[int]) -> Tensor:
            check()
            chosen = [jobs[row] for row in rows]
            return self._forward(photo, chosen, self._points(chosen), hard_disks)

        states: dict[int, State] = {}
        batches = list(_batches(jobs, self.batch))
        for rows, maps in zip(batches, side_by_side(forward, batches, self.device), strict=True):
            for row, probability in zip(rows, maps, strict=True):
                states[row] = State(probability, jobs[row].plan.box)
        looks = {row: self._closer(job, states[row]) for row, job in enumerate(jobs)}
        closer = {row: look for row, look in looks.items() if look is not None}
        if closer:
            again = self._run(photo, list(closer.values()), check)
            states |= zip(closer, again, strict=True)
        return [states[row] for row in range(len(jobs))]

    def _settled(self, photo: Photo, job: Job) -> Job:
        """Return the job that gives the final answer: the same one, or a closer look."""
        zoom = self.recipe.zoom
        if zoom is None or zoom.skip_clicks > 0 or job.plan.box is not None:
            return job
        (map_,) = self._forward(photo, [job], self._points([job]), hard_disks)
        return self._closer(job, State(map_)) or job

    def _closer(self, job: Job, state: State) -> Job | None:
        """Return the job to run instead if the object turned out small and no click is skipped.

        Published for `skip_clicks` of 0, before there is any crop.
        """
        zoom = self.recipe.zoom
        if zoom is None or zoom.skip_clicks > 0 or state.box is not None:
            return None
        candidate = zoom.candidate(state.probability, ())
        if candidate is None or box_iou(candidate, job.plan.view.box) >= COVERED:
            return None
        around = zoom.candidate(state.probability, job.clicks) or candidate
        return Job(job.before, job.clicks, self._plan_crop(zoom, state, around, job.clicks))

    def _points(self, jobs: Sequence[Job]) -> Tensor:
        """Return all clicks in pixels of the photo, [B, 2N, 3]."""
        points = stack_points([pad_points(job.clicks) for job in jobs])
        # Metal has no float64
        precise = torch.float32 if self.device.type == "mps" else torch.float64
        return points.to(self.device, precise)

    def _forward(self, photo: Photo, jobs: Sequence[Job], points: Tensor, draw: Draw) -> Tensor:
        """Return the probability maps [B, H, W] of jobs with the same view."""
        view = jobs[0].plan.view
        size = (view.height, view.width)
        placed = view.place(points)
        crops = torch.stack([view.box.cut(job.before.probability) for job in jobs])
        previous = resample(crops[:, None], size, view.corners)
        logits = []
        for mirrored, features in self._encoded(photo, view):
            clicks = mirror_points(placed, view.width) if mirrored else placed
            maps = draw(clicks, *size).to(self.dtype)
            earlier = (previous.flip(-1) if mirrored else previous).to(self.dtype)
            answer = self.network.predict(features, maps, earlier)
            logits.append(answer.flip(-1) if mirrored else answer)
        # half precision ends here: probabilities near 0 and 1 need more
        precise = torch.promote_types(self.dtype, torch.float32)
        probability = torch.sigmoid(torch.stack(logits).to(precise).mean(dim=0))
        pastes = [job.plan.paste for job in jobs]
        return torch.stack(
            [self._paste(p, b, photo) for p, b in zip(probability, pastes, strict=True)]
        )

    def _paste(self, probability: Tensor, box: Box, photo: Photo) -> Tensor:
        """Bring [1, h, w] to the box and put it into an empty picture [H, W]."""
        size = (box.height, box.width)
        fitted = resample(probability[None], size, self.recipe.corners)[0, 0]
        if size == photo.size:
            return fitted
        right, below = photo.size[1] - 1 - box.column_max, photo.size[0] - 1 - box.row_max
        return torch.nn.functional.pad(fitted, (box.column_min, right, box.row_min, below))

    def _encoded(self, photo: Photo, view: View) -> Iterator[tuple[bool, Any]]:
        """Yield the features of a view, and of its mirror image if that is averaged in."""
        for mirrored in (False, True)[: 1 + self.recipe.flip]:

            @torch.no_grad()
            def make(mirrored: bool = mirrored) -> Any:  # noqa: ANN401 - the network's own
                image = photo.view(view, self.dtype)
                return self.network.encode(image.flip(-1) if mirrored else image)

            yield mirrored, self._features.get_or((photo, view, mirrored), make)


def _batches(jobs: Sequence[Job], most: int) -> Iterator[list[int]]:
    """Yield the numbers of jobs that can run together."""
    by_view: dict[View, list[int]] = {}
    for number, job in enumerate(jobs):
        by_view.setdefault(job.plan.view, []).append(number)
    for numbers in by_view.values():
        for start in range(0, len(numbers), most):
            yield numbers[start : start + most]
