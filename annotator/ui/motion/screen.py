"""What of clips is on the canvas: frames, onion skin, flow, soft edge, two settings at once."""

from typing import Literal

import cv2
import numpy as np
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage

from annotator.ui.image.canvas import colour_of
from annotator.ui.image.view import QUIET, ImageView, Stretched
from annotator.ui.motion.moving import Moving
from annotator.ui.motion.player import ReelPlayer
from annotator.ui.motion.preview import SIDE, reduced
from annotator.ui.motion.reel import Reel

Side = Literal["a", "b", "split"]

ONION = 3
"""Frames from the one shown to those that shine through on either side."""

_WITHOUT_CLIP = 0.75  # of the masks' opacity
_USUAL_EDGE = 3.0  # pixels at 512: what the embedded animator takes where nothing is said


class Screen(QObject):
    """Puts the right frame into the view.

    Attributes:
        player: Which frame.
        flow: Whether the field of flow is shown.
        onion: Whether frames before and after shine through.
        masks: Whether masks lie over the clip.
        edge: Whether the current region's soft edge is shown.
        side: Which settings are shown: the present ones (a), the kept ones (b), or both.
        split: Share of the photo's width that shows A in the split view.

    Signals:
        changed: One of these is another one.
    """

    changed = Signal()

    def __init__(self, moving: Moving, view: ImageView) -> None:
        super().__init__(moving)
        self._moving, self._view = moving, view
        self.player = ReelPlayer(self)
        self.flow = self.onion = self.masks = self.edge = False
        self.side: Side = "a"
        self.split = 0.5
        self.painting = False
        self._waiting = False
        self._paused = False
        self.player.moved.connect(lambda _: self.show())
        moving.reelChanged.connect(self._load)
        moving.regionsChanged.connect(self._wait)
        moving.changed.connect(self.show)

    @property
    def reel(self) -> Reel | None:
        """The clip that is shown, A in the split view."""
        kept = self._moving.kept
        return kept.reel if self.side == "b" and kept else self._moving.reel

    def set(self, **options: object) -> None:
        """Change what is shown, by the names of the attributes."""
        for name, value in options.items():
            setattr(self, name, value)
        if "side" in options or "split" in options:
            self._load_current()
        self.show()
        self.changed.emit()

    def toggle_play(self) -> None:
        """Play, or stop; a clip that comes later then waits, too."""
        self._paused = self.player.running
        self.player.toggle()

    def pause(self) -> None:
        """Stay at a frame, also when another clip comes."""
        self._paused = True
        self.player.stop()

    def _wait(self) -> None:
        """Show masks instead of a clip that does not fit them any more."""
        self._waiting = self._moving.reel is not None
        self.show()

    def _load(self) -> None:
        self._waiting = False
        if self._moving.kept is None and self.side != "a":
            self.side = "a"
        self._load_current()
        self.show()
        self.changed.emit()

    def _load_current(self) -> None:
        reel = self.reel
        if reel is None:
            self.player.forget()
            return
        first = self.player.count == 0
        self.player.load(len(reel), reel.clip.frames_per_second)
        if first and not self._paused:
            self.player.play()

    # Into the view ------------------------------------------------------------------------------

    def show(self) -> None:
        """Show everything as it is now."""
        reel = None if self._waiting else self.reel
        pictures = [] if reel is None else self._frames(reel)
        if self.edge:
            pictures += self._soft_edge()
        self._view.set_stretched(pictures)
        shown = reel is not None and self.flow
        self._view.set_flow(reel.lines(self.player.frame) if shown and reel else None)
        self._view.set_mask_share(self._share(reel is not None))

    def _share(self, playing: bool) -> float:
        """Return how strongly masks are shown: they make room for a clip."""
        if not playing:
            return _WITHOUT_CLIP
        return QUIET if self.masks or self.painting else 0.0

    def _frames(self, reel: Reel) -> list[Stretched]:
        kept = self._moving.kept
        if self.side == "split" and kept is not None:
            left = self._skins(reel, 0.0, self.split)
            return left + self._skins(kept.reel, self.split, 1.0)
        return self._skins(reel, 0.0, 1.0)

    def _skins(self, reel: Reel, left: float, right: float) -> list[Stretched]:
        """Return the frame shown, and those around it if they shine through."""
        now, count = self.player.frame, len(reel)
        shown = [Stretched(reel.pictures[now % count], 1.0, left, right)]
        if self.onion:
            for number in (now - ONION, now + ONION):
                shown.append(Stretched(reel.pictures[number % count], 0.33, left, right))
        return shown

    def _soft_edge(self) -> list[Stretched]:
        """Return how far the current region counts as itself, from clear to full."""
        bench = self._moving.bench
        if bench.labels is None or bench.asset is None or not any(bench.shape):
            return []
        factor = min(SIDE / max(bench.shape), 1.0)
        size = (max(round(bench.shape[0] * factor), 1), max(round(bench.shape[1] * factor), 1))
        inside = reduced(bench.labels, size) == bench.current_object
        if not inside.any():
            return []
        plan, scale = self._moving.plan, self._moving.photo_scale
        photo_pixels = _USUAL_EDGE * scale if plan.softness is None else plan.softness
        width = max(photo_pixels / bench.factor * factor, 1.0)
        colour = colour_of(bench.asset.objects, bench.current_object)
        return [Stretched(matte_picture(inside, width, colour), 0.75)]


def matte_picture(
    inside: "np.ndarray[tuple[int, ...], np.dtype[np.bool_]]",
    width: float,
    colour: tuple[int, int, int],
) -> QImage:
    """Return a picture in a colour whose alpha rises over `width` pixels from the border inwards.

    Args:
        inside: [h, w] pixels of the region.
        width: Of the soft edge, in pixels.
        colour: RGB.
    """
    distance = cv2.distanceTransform(inside.astype(np.uint8), cv2.DIST_L2, 5)
    part = np.clip(distance / max(min(width, float(distance.max())), 1.0), 0, 1)
    alpha = part * part * (3 - 2 * part)
    height, columns = inside.shape
    pixels = np.empty((height, columns, 4), np.uint8)
    pixels[..., 3] = np.rint(alpha * 255)
    for channel, value in enumerate(reversed(colour)):
        pixels[..., channel] = np.rint(alpha * value)
    kind = QImage.Format.Format_ARGB32_Premultiplied
    return QImage(pixels.data, columns, height, columns * 4, kind).copy()
