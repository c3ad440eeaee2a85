"""Many regions with words of their own as the one that the network takes."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from annotator.domain import BACKGROUND, AnnotatorError, Prompt
from models.followclick import clicked_region

Bool = npt.NDArray[np.bool_]
_TOWARDS = ("to the right", "up and to the right", "up", "up and to the left", "to the left",
            "down and to the left", "down", "down and to the right")  # fmt: skip


@dataclass(frozen=True)
class Wish:
    """What a whole prompt asks for.

    Attributes:
        mask: [H, W]: all regions together.
        words: Of all regions, directions included, as the network only knows words.
        strength: Mean flow over them, pixels a frame of the photo.
        confined: Whether nothing outside of the mask may change: if every region says so.
        notes: What a person should know.
    """

    mask: Bool
    words: str
    strength: float
    confined: bool
    notes: tuple[str, ...] = ()


def wish_of(prompt: Prompt, rgb: npt.NDArray[np.uint8], usual: float) -> Wish:
    """Put a prompt's regions together.

    Args:
        prompt: With regions; or with clicks, which take in what has nearly their colour.
        rgb: [H, W, 3].
        usual: Strength at 512 pixels of regions that say none.

    Raises:
        AnnotatorError: If a strength or an arrow is no number.
    """
    mask = np.zeros(rgb.shape[:2], bool)
    told, words = dict(prompt.words), []
    strengths, sizes = [], []
    for region in sorted(prompt.regions, key=lambda region: region.object_id):
        mask |= region.mask
        words.append(_phrase(told.get(region.object_id, ""), region.arrow))
        typical = usual * max(rgb.shape[:2]) / 512
        strengths.append(typical if region.strength is None else _checked(region.strength))
        sizes.append(max(int(region.mask.sum()), 1))
    if not prompt.regions:
        mask = _clicked(prompt, rgb)
        words = [phrase for object_id, phrase in prompt.words if object_id != BACKGROUND]
        strengths, sizes = [usual * max(rgb.shape[:2]) / 512], [1]
    strength = float(np.average(strengths, weights=sizes))
    confined = bool(prompt.regions) and all(region.confined for region in prompt.regions)
    notes = _notes(prompt, mask, confined, len(set(strengths)) > 1)
    return Wish(mask, ", ".join(filter(None, words)), strength, confined, notes)


def _checked(strength: float) -> float:
    if not (math.isfinite(strength) and strength >= 0):
        raise AnnotatorError("The strength is no number from 0 up.", "4 is a good beginning.")
    return strength


def _phrase(words: str, arrow: tuple[float, float] | None) -> str:
    if arrow is None or not any(arrow):
        return words.strip()
    if not all(math.isfinite(part) for part in arrow):
        raise AnnotatorError("The arrow is no direction.", "Draw it again.")
    eighth = round(math.degrees(math.atan2(-arrow[1], arrow[0])) / 45) % 8
    return f"{words.strip() or 'moves'} {_TOWARDS[eighth]}"


def _notes(prompt: Prompt, mask: Bool, confined: bool, differ: bool) -> tuple[str, ...]:
    if not mask.any():
        return ("The region is empty: nothing moves.",)
    notes = []
    if not confined:
        notes.append("The region is not confined: the whole picture is made anew.")
    if differ:
        notes.append("The network takes one strength: the mean over the regions was used.")
    return tuple(notes)


def _clicked(prompt: Prompt, rgb: npt.NDArray[np.uint8]) -> Bool:
    clicks = (c for c in prompt.clicks if c.positive and c.object_id != BACKGROUND)
    return clicked_region(rgb, (click.position[:2] for click in clicks))
