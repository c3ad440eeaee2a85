"""From ids and depths to colours: colour modes, label overlay, eye-dome shading.

Colours are looked up per pixel, not per point: a recolouring costs the picture's size,
whatever the cloud's, and never touches the z-buffer. A packed colour is a uint32
0xFFRRGGBB, which is what Qt calls RGB32.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from annotator.domain.cloud import Float32, Int64, UInt8
from annotator.domain.labels import Colour, object_colour
from annotator.domain.raster import BAND, EMPTY, Frame, PointBlocks

UInt16 = npt.NDArray[np.uint16]
UInt32 = npt.NDArray[np.uint32]

ColourMode = Literal["rgb", "label", "height", "confidence", "ground_truth"]
COLOUR_MODES: tuple[ColourMode, ...] = ("rgb", "label", "height", "confidence", "ground_truth")

SLOTS = 1 << 16
UNLABELLED: Colour = (150, 150, 150)
EYE_DOME_STRENGTH = 14.0
DARKEST = 0.4
_RED_BLUE, _GREEN = np.uint32(0x00FF00FF), np.uint32(0x0000FF00)
_OPAQUE = np.uint32(0xFF000000)
_EIGHT = np.uint32(8)

# Viridis at nine stations: even in lightness, so it also reads in grey and colour-blind.
_RAMP = np.array(
    [(68, 1, 84), (71, 44, 122), (59, 81, 139), (44, 113, 142), (33, 144, 141), (39, 173, 129),
     (92, 200, 99), (170, 220, 50), (253, 231, 37)], np.float64,
)  # fmt: skip


def pack(rgb: npt.ArrayLike) -> UInt32:
    """Pack colours [..., 3] of 0..255 into uint32 [...] 0xFFRRGGBB."""
    c = np.asarray(rgb).astype(np.uint32)
    packed: UInt32 = (c[..., 0] << np.uint32(16)) | (c[..., 1] << _EIGHT) | c[..., 2] | _OPAQUE
    return packed


def unpack(colours: UInt32) -> UInt8:
    """Return [..., 3] uint8 red, green, blue of packed colours [...]."""
    return np.stack([(colours >> np.uint32(s)) & np.uint32(255) for s in (16, 8, 0)], -1).astype(
        np.uint8
    )


def ramp_table() -> UInt32:
    """Return the 256 packed colours of the height and confidence scale."""
    at = np.linspace(0, len(_RAMP) - 1, 256)
    stations = np.arange(len(_RAMP))
    return pack(np.stack([np.interp(at, stations, _RAMP[:, i]) for i in range(3)], 1))


def label_slots(labels: npt.NDArray[np.int32]) -> UInt16:
    """Map labels to palette slots: themselves below 65,536, wrapped above, 0 if negative."""
    if not len(labels) or (labels.min() >= 0 and labels.max() < SLOTS):
        return labels.astype(np.uint16)
    wrapped = np.where(labels < SLOTS, labels, 1 + labels % (SLOTS - 1))
    return np.where(labels < 0, 0, wrapped).astype(np.uint16)


def palette_table(palette: Mapping[int, Colour]) -> UInt32:
    """Return the packed colour of all 65,536 slots; ids without one get their default colour."""
    table = np.full(SLOTS, pack(UNLABELLED), np.uint32)
    ids = np.arange(1, 1024)
    table[ids] = pack(np.array([object_colour(int(i)) for i in ids]))
    table[1024:] = table[1 + np.arange(1024, SLOTS) % 1023]
    for object_id, colour in palette.items():
        if object_id > 0:
            slot = label_slots(np.array([object_id], np.int32))
            table[slot] = pack(colour)
    return table


@dataclass
class Look:
    """How points are coloured; shared by both renderers.

    Attributes:
        mode: Where a point's colour comes from.
        label_opacity: Share of the label's colour over rgb or height, 0 to 1.
        shading: Whether edges in depth are darkened.
        background: Colour of pixels without a point.
        palette: [65536] packed colour of each label slot.
    """

    mode: ColourMode = "rgb"
    label_opacity: float = 0.65
    shading: bool = True
    background: Colour = (30, 30, 30)
    palette: UInt32 = field(default_factory=lambda: palette_table({}))


class PointColours:
    """What is known of the points' colours: rgb, labels, confidence, height, ground truth.

    Attributes:
        slots: [N] uint16 palette slot of each point's label.
        labelled: Whether there are labels at all.
        confidence: [N] float32 in [0, 1], or None.
        truth: [N] uint16 palette slots of the ground truth, or None.
    """

    def __init__(self, blocks: PointBlocks) -> None:
        cloud = blocks.cloud
        self._blocks, self._cloud = blocks, cloud
        self.slots: UInt16 = np.zeros(len(cloud), np.uint16)
        self.labelled = False
        self.confidence: Float32 | None = None
        self._truth: UInt16 | None = None
        low, high = float(blocks.low[2]), float(blocks.high[2])
        self._low, self._per_metre = low, 255.0 / max(high - low, 1e-6)
        self.ramp = ramp_table()
        self._packed = np.empty(len(cloud), np.uint32)
        self._ready = [False] * blocks.count

    @property
    def truth(self) -> UInt16 | None:
        """Ground-truth slots [N], or None."""
        if self._truth is None and self._cloud.labels is not None:
            self._truth = label_slots(self._cloud.labels)
        return self._truth

    def set_labels(
        self, labels: npt.NDArray[np.int32] | None, changed: Int64 | None = None
    ) -> None:
        """Take labels [N], or only those of the rows `changed`; None clears them."""
        self.labelled = labels is not None
        if labels is None:
            self.slots.fill(0)
        elif changed is None:
            self.slots = label_slots(labels)
        else:
            self.slots[changed] = label_slots(labels[changed])

    @property
    def all_ready(self) -> bool:
        """Whether the colours of every block are packed."""
        return all(self._ready)

    def prepare(self, turn: int) -> None:
        """Pack the colours of the block of one turn, if that is still to be done."""
        if self._ready[turn]:
            return
        rows = self._blocks.rows(turn)
        if self._cloud.rgb is not None:
            self._packed[rows] = pack(self._cloud.rgb[rows])
        else:
            self._packed[rows] = self._pale(self._height_index(self._cloud.xyz[rows, 2]))
        self._ready[turn] = True

    def _pale(self, height: npt.NDArray[np.uint8]) -> UInt32:
        """Colourless scans: light greys by height, so that label colours stand out."""
        grey = (95 + height.astype(np.uint32) // 2)[..., None]
        return pack(np.broadcast_to(grey, (*height.shape, 3)))

    def _height_index(self, z: Float32) -> npt.NDArray[np.uint8]:
        level: UInt8 = np.clip((z - self._low) * self._per_metre, 0, 255).astype(np.uint8)
        return level

    def base(self, ids: Int64, mode: ColourMode, palette: UInt32) -> UInt32:
        """Return the packed colour of points [...] without overlay; too high ids are clamped."""
        if mode == "label":
            return _take(palette, _take(self.slots, ids))
        if mode == "ground_truth" and self.truth is not None:
            return _take(palette, _take(self.truth, ids))
        if mode == "confidence" and self.confidence is not None:
            level = np.clip(_take(self.confidence, ids) * np.float32(255), 0, 255)
            return self.ramp[level.astype(np.uint8)]
        if mode == "height":
            rows = np.minimum(ids, len(self._cloud) - 1)
            return self.ramp[self._height_index(self._cloud.xyz[rows, 2])]
        return _take(self._packed, ids)

    def of_rows(self, rows: Int64, mode: ColourMode, palette: UInt32) -> UInt32:
        """Return `base` of any rows [K] of the cloud, whether drawn already or not."""
        for turn in range(self._blocks.count):
            self.prepare(turn)
        return self.base(rows, mode, palette)


def _take(table: npt.NDArray[Any], ids: npt.NDArray[Any]) -> npt.NDArray[Any]:
    # "clip" needs no bounds check and sends EMPTY to the last entry, which is painted over.
    return np.take(table, ids, mode="clip")


def bands(height: int) -> Iterator[slice]:
    """Cut picture rows into slices whose temporaries stay in the cache."""
    return (slice(top, min(top + BAND, height)) for top in range(0, height, BAND))


def eye_dome(depth: Float32) -> UInt32:
    """Return a brightness [H, W] of 0..256 that darkens pixels behind their neighbours.

    After eye-dome lighting (Boucheny 2009), made cheap: the step to the nearest of the
    four neighbours counts, relative to the depth so that near and far edges look alike,
    and 1 / (1 + x) stands for exp(-x).

    Args:
        depth: [H, W] metres, NaN where there is no point.
    """
    brightness = np.empty(depth.shape, np.int32)
    for rows in bands(len(depth)):
        above, below = max(rows.start - 1, 0), rows.stop + 1
        bright = _brightness(depth[above:below], slice(rows.start - above, rows.stop - above))
        np.copyto(brightness[rows], bright, casting="unsafe")
    return brightness.view(np.uint32)


def _brightness(depth: Float32, rows: slice) -> Float32:
    """Return brightness 0..256 of some of the given rows; the others are their neighbours."""
    nearest = depth.copy()
    # fmin passes over the NaN of pixels without a point.
    np.fmin(nearest[1:], depth[:-1], out=nearest[1:])
    np.fmin(nearest[:-1], depth[1:], out=nearest[:-1])
    np.fmin(nearest[:, 1:], depth[:, :-1], out=nearest[:, 1:])
    np.fmin(nearest[:, :-1], depth[:, 1:], out=nearest[:, :-1])
    middle, step = depth[rows], nearest[rows]
    np.subtract(middle, step, out=step)
    step *= np.float32(EYE_DOME_STRENGTH)
    step += middle
    bright = np.divide(middle, step, out=step)
    np.fmax(bright, np.float32(DARKEST), out=bright)
    bright *= np.float32(256)
    return bright


class Shader:
    """Turns frames into packed pictures for one look at a time."""

    def __init__(self, colours: PointColours, look: Look) -> None:
        self._colours, self._look = colours, look
        opacity = np.uint32(round(256 * min(max(look.label_opacity, 0.0), 1.0)))
        self._keep = np.full(SLOTS, np.uint32(256) - opacity, np.uint32)
        self._keep[0] = 256
        self._tint = _scaled(look.palette, np.full(SLOTS, opacity, np.uint32))
        self._tint[0] = 0

    def paint(
        self, frame: Frame, brightness: UInt32 | None, out: UInt32, where: Int64 | None = None
    ) -> None:
        """Colour a picture.

        Args:
            frame: Ids and depths [H, W].
            brightness: [H, W] from `eye_dome`, or None.
            out: [H, W] packed picture to write.
            where: Flat pixel numbers to write; None writes them all.
        """
        if where is not None:
            ids = frame.ids.reshape(-1)[where]
            shade = None if brightness is None else brightness.reshape(-1)[where]
            out.reshape(-1)[where] = self._colour(ids, shade)
            return
        for rows in bands(len(out)):
            shade = None if brightness is None else brightness[rows]
            out[rows] = self._colour(frame.ids[rows], shade)

    def _colour(self, ids: Int64, brightness: UInt32 | None) -> UInt32:
        look, colours = self._look, self._colours
        picture = colours.base(ids, look.mode, look.palette)
        if colours.labelled and look.mode in ("rgb", "height") and look.label_opacity > 0:
            slots = _take(colours.slots, ids)
            picture = _scaled(picture, _take(self._keep, slots)) + _take(self._tint, slots)
        if brightness is not None:
            picture = _scaled(picture, brightness)
        picture |= _OPAQUE
        np.copyto(picture, pack(look.background), where=ids == EMPTY)
        return picture


def _scaled(colours: UInt32, factor: UInt32) -> UInt32:
    """Multiply packed colours by factors of 0..256 in 256ths, two channels at a time."""
    red_blue = ((colours & _RED_BLUE) * factor >> _EIGHT) & _RED_BLUE
    green = ((colours & _GREEN) * factor >> _EIGHT) & _GREEN
    red_blue |= green
    return red_blue
