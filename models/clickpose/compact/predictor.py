"""Finding and correcting people in pixels of the photo.

An answer about a person depends on the photo and on what is said of that person alone. Views
are cut along a coarse grid of places and sizes, so that a box which grows a little with a
correction keeps its view, and the encoding of the view is remembered.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.clickpose.compact.corrector import Candidates
from models.clickpose.compact.detector import PersonDetector, distinct, joined, people_in
from models.clickpose.compact.frame import MARGIN, SIDE, Frame, box_of
from models.clickpose.compact.neck import Maps
from models.clickpose.compact.network import CompactPoseNet
from models.clickpose.compact.prompt import FIXED, GUESSED, UNKNOWN, JointPrompt

Floats = NDArray[np.float64]
Check = Callable[[], None]
Told = Callable[[float], None]
Place = tuple[int, int, int]
"""Of a view on the grid: column, row, power of its size."""

BODY = 1.12
"""A person's box is so many times as long as the box of the joints."""
_GRID = 1.08
_VIEWS = 64
_OWN = 0.04
"""A guess so near to the network's own, a view is 1, is its own."""
_BATCH = 8
_FAINT = 0.35
"""Who is seen so much fainter than is asked for at one size may yet support another's look."""


@dataclass(frozen=True, eq=False)
class Person:
    """What is known of one person.

    Attributes:
        box: (left, top, right, bottom), pixels, [4].
        joints: (x, y), pixels, [K, 2]; None if only the box is known.
        fixed: Whether a joint was put there by hand, [K].
        told: Whether a joint's place says anything, [K].
        score: Mean probability that joints are near where they are, 0..1.
    """

    box: Floats
    joints: Floats | None = None
    fixed: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, np.bool_))
    told: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, np.bool_))
    score: float = 0.0


class Encoded(NamedTuple):
    """An encoded view.

    Attributes:
        maps: What the photo shows.
        candidates: Where each joint may be.
        found: Where joints are if nothing is said, the view is 0..1, [K, 2].
    """

    maps: Maps
    candidates: Candidates
    found: Floats


@dataclass(frozen=True, eq=False)
class CompactPhoto:
    """An encoded photo.

    Attributes:
        rgb: [H, W, 3].
        people: Whom the first look found, best first.
        views: Encoded views by frame; filled as people are asked about.
    """

    rgb: NDArray[np.uint8]
    people: tuple[Person, ...]
    views: "OrderedDict[Place, Encoded]"


@dataclass(frozen=True)
class Settings:
    """How to look for people.

    Attributes:
        sides: Long sides of the photo as the detector sees it, pixels.
        least: Score below which nobody is proposed.
        most: Most people proposed.
    """

    sides: tuple[int, ...] = (288, 512)
    least: float = 0.28
    most: int = 20


class CompactPredictor:
    """Proposes people, answers corrections.

    Args:
        network: In evaluation mode.
        detector: In evaluation mode, on the same device.
        settings: How to look.
    """

    def __init__(
        self, network: CompactPoseNet, detector: PersonDetector, settings: Settings | None = None
    ) -> None:
        self.network, self.detector = network, detector
        self.settings = settings or Settings()
        weight = network.decoder.names
        self._device, self._dtype = weight.device, weight.dtype
        self._joints = len(weight)

    @torch.inference_mode()
    def encode(
        self, rgb: NDArray[np.uint8], told: Told = lambda _: None, check: Check = lambda: None
    ) -> CompactPhoto:
        """Find everyone in a photo [H, W, 3].

        Args:
            rgb: Bytes.
            told: Hears the fraction done.
            check: Called between passes; may raise to stop.
        """
        photo = CompactPhoto(rgb, (), OrderedDict())
        boxes, scores = self.find(rgb, check)
        told(0.4)
        people = self._look(photo, [Person(box) for box in boxes], check)
        told(0.7)
        people = self._look(photo, [Person(_own_box(p)) for p in people], check)
        return CompactPhoto(rgb, tuple(_ranked(people, scores)), photo.views)

    @torch.inference_mode()
    def refine(
        self, photo: CompactPhoto, people: Sequence[Person], check: Check = lambda: None
    ) -> list[Person]:
        """Answer what is said of people; fixed joints stay exactly where they are.

        Args:
            photo: From `encode`.
            people: In any order; each is answered by itself.
            check: Called between passes; may raise to stop.
        """
        return self._look(photo, people, check)

    @torch.inference_mode()
    def find(
        self, rgb: NDArray[np.uint8], check: Check = lambda: None
    ) -> tuple[Floats, NDArray[np.float32]]:
        """Return where people are in a photo [H, W, 3], without their joints.

        Args:
            rgb: Bytes.
            check: Called between passes; may raise to stop.

        Returns:
            Boxes (left, top, right, bottom), pixels, [n, 4], and scores [n], best first.
        """
        looks = []
        for side in self.settings.sides:
            check()
            scale = side / max(rgb.shape[:2])
            image = self._tensor(_padded(_resized(rgb, scale)))
            found = self.detector(self.network.backbone.early(image)[1])
            whole = type(found)(*(f.float() for f in found))
            boxes, scores = people_in(whole, self.settings.least * _FAINT)
            looks.append((boxes / scale, scores))
        all_boxes, all_scores = joined(looks)
        sure = all_scores >= self.settings.least
        all_boxes, all_scores = all_boxes[sure], all_scores[sure]
        kept = distinct(all_boxes, all_scores, 0.55)[: self.settings.most]
        high, wide = rgb.shape[:2]
        chosen = all_boxes[kept].double().cpu().numpy()
        return np.clip(chosen, 0, [wide, high, wide, high]), all_scores[kept].cpu().numpy()

    def _look(self, photo: CompactPhoto, people: Sequence[Person], check: Check) -> list[Person]:
        seen: list[Person] = []
        for start in range(0, len(people), _BATCH):
            check()
            seen += self._answer(photo, people[start : start + _BATCH])
        return seen

    def _answer(self, photo: CompactPhoto, people: Sequence[Person]) -> list[Person]:
        keys = [_grid_place(_extent(person)) for person in people]
        frames = [frame_at(*key) for key in keys]
        self._encode_views(photo, dict(zip(keys, frames, strict=True)))
        # one by one: products over a batch round otherwise than over a single person
        return [
            self._person(person, frame, photo.views[key])
            for person, frame, key in zip(people, frames, keys, strict=True)
        ]

    def _encode_views(self, photo: CompactPhoto, frames: dict[Place, Frame]) -> None:
        for key, frame in frames.items():
            if key not in photo.views:
                maps, candidates = self.network.look(self._tensor(frame.cut(photo.rgb)))
                prompt = self._prompt(np.zeros((self._joints, 2)), np.zeros(self._joints, int))
                places, _ = self.network.settle(maps, candidates, prompt).best()
                found = places[0, 0].double().cpu().numpy()
                photo.views[key] = Encoded(maps, candidates, found)
            photo.views.move_to_end(key)
        while len(photo.views) > max(_VIEWS, len(frames)):
            photo.views.popitem(last=False)

    def _person(self, person: Person, frame: Frame, view: Encoded) -> Person:
        places, states = _said(person, frame, view.found)
        prompt = self._prompt(places, states)
        settled = self.network.settle(view.maps, view.candidates, prompt)
        chosen, sure = settled.best()
        joints = frame.to_photo(chosen[0, 0].double().cpu().numpy() * SIDE)
        sureness = sure[0, 0].double().cpu().numpy()
        fixed = np.zeros(len(joints), np.bool_)
        if person.joints is not None:
            fixed = person.fixed
            joints = np.where(fixed[:, None], person.joints, joints)
            sureness = np.where(fixed, 1.0, sureness)
        return Person(_reach(person), joints, fixed, np.ones_like(fixed), float(sureness.mean()))

    def _prompt(self, places: Floats, states: NDArray[np.int64]) -> JointPrompt:
        return JointPrompt(
            torch.from_numpy(places)[None, None].to(self._device, self._dtype),
            torch.from_numpy(states)[None, None].long().to(self._device),
        )

    def _tensor(self, rgb: NDArray[np.uint8]) -> Tensor:
        pixels = torch.from_numpy(np.ascontiguousarray(rgb)).to(self._device)
        image = pixels.permute(2, 0, 1)[None].to(self._dtype) / 255
        return image.contiguous(memory_format=torch.channels_last)


def _said(person: Person, frame: Frame, found: Floats) -> tuple[Floats, NDArray[np.int64]]:
    """Return what is said of a person's joints: places in the view [K, 2], states [K].

    A guess that is nearly what the network finds by itself says nothing.
    """
    if person.joints is None:
        return np.zeros(found.shape), np.full(len(found), UNKNOWN)
    places = frame.to_view(person.joints) / SIDE
    new = person.told & (np.linalg.norm(places - found, axis=1) > _OWN)
    return places, np.where(person.fixed, FIXED, np.where(new, GUESSED, UNKNOWN))


def _ranked(people: list[Person], scores: NDArray[np.float32]) -> list[Person]:
    """Return people by falling score, those that turned out to be the same one once."""
    graded = [
        replace(person, score=float(np.sqrt(person.score * score)))
        for person, score in zip(people, scores, strict=True)
    ]
    if not graded:
        return []
    boxes = torch.from_numpy(np.stack([_own_box(person) for person in graded]))
    order = torch.tensor([person.score for person in graded])
    return [graded[row] for row in distinct(boxes, order, 0.5).tolist()]


class _Square(NamedTuple):
    x: float
    y: float
    side: float


def body_box(joints: Floats) -> Floats:
    """Return the box of a person with joints [K, 2], a little larger than theirs."""
    box = box_of(joints)
    grown = (BODY - 1) / 2 * float((box[2:] - box[:2]).max())
    body: Floats = box + np.array([-grown, -grown, grown, grown])
    return body


def _own_box(person: Person) -> Floats:
    """Return the box that an answered person's joints make."""
    assert person.joints is not None
    return body_box(person.joints)


def _reach(person: Person) -> Floats:
    """Return the box of a person, grown over joints put outside of it by hand.

    It does not follow the other joints: corrections would then be seen in another view each, whose
    own guess differs from the one that was corrected.
    """
    if person.joints is None or not person.fixed.any():
        return person.box
    held, box = box_of(person.joints[person.fixed]), person.box
    return np.concatenate([np.minimum(box[:2], held[:2]), np.maximum(box[2:], held[2:])])


def _extent(person: Person) -> _Square:
    """Return the square around a person."""
    box = _reach(person)
    centre, side = (box[:2] + box[2:]) / 2, max(float((box[2:] - box[:2]).max()), 2.0)
    return _Square(float(centre[0]), float(centre[1]), side)


def _grid_place(square: _Square) -> Place:
    """Return the nearest place of the grid: columns and rows of it, power of its size."""
    power = round(np.log(square.side) / np.log(_GRID))
    step = _GRID**power / 16
    return round(square.x / step), round(square.y / step), power


def frame_at(column: int, row: int, power: int) -> Frame:
    """Return the frame at a place of the grid."""
    side = _GRID**power
    centre = np.array([column, row]) * side / 16
    box = np.concatenate([centre - side / 2, centre + side / 2])
    return Frame.around(box, MARGIN / BODY)


def _resized(rgb: NDArray[np.uint8], scale: float) -> NDArray[np.uint8]:
    size = tuple(max(round(side * scale), 1) for side in rgb.shape[1::-1])
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(rgb, size, interpolation=method), np.uint8)


def _padded(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    down, right = -rgb.shape[0] % 32, -rgb.shape[1] % 32
    return np.pad(rgb, ((0, down), (0, right), (0, 0)), constant_values=127)
