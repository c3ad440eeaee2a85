"""What is to be drawn: the state that both renderers share."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from annotator.domain.camera import OrbitCamera
from annotator.domain.cloud import PointCloud
from annotator.domain.labels import Colour
from annotator.domain.raster import Block, PointBlocks, outline_sample, typical_spacing
from annotator.domain.shading import SLOTS, Look, PointColours, label_slots, palette_table

GAPLESS = 1.3  # point diameter in typical spacings that leaves few gaps
STANDARD_SIZE, LARGEST_ADAPTIVE, LARGEST_SIZE = 2.0, 10.0, 12.0  # logical pixels

Bool = npt.NDArray[np.bool_]


@dataclass
class Scene:
    """The cloud, how it looks, and from where.

    Attributes:
        blocks: The cloud in drawable blocks; None if there is nothing to draw.
        colours: What the points' colours are made from; None without a cloud.
        look: How they are coloured.
        point_size: Least diameter of a point in logical pixels.
        adaptive_size: Whether points grow as one comes nearer, to close the gaps.
        spacing: Typical distance of neighbouring points in metres.
        hidden: [65536] whether each label slot is hidden.
        clip_box: Corners (low [3], high [3]) outside which nothing is drawn, or None.
        camera: From where.
    """

    blocks: PointBlocks | None = None
    colours: PointColours | None = None
    look: Look = field(default_factory=Look)
    point_size: float = STANDARD_SIZE
    adaptive_size: bool = True
    spacing: float = 0.0
    hidden: Bool = field(default_factory=lambda: np.zeros(SLOTS, bool))
    clip_box: tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]] | None = None
    camera: OrbitCamera = field(default_factory=OrbitCamera)

    @property
    def anything_hidden(self) -> bool:
        """Whether some label slot is hidden."""
        return bool(self.hidden.any())

    def set_cloud(self, cloud: PointCloud | None) -> None:
        """Show another cloud, without labels, hidden objects or clip box."""
        empty = cloud is None or not len(cloud)
        self.blocks = None if cloud is None or empty else PointBlocks(cloud)
        self.colours = None if self.blocks is None else PointColours(self.blocks)
        self.hidden = np.zeros(SLOTS, bool)
        self.clip_box = None
        if self.blocks is not None:
            outline = outline_sample(self.blocks)
            self.camera.set_bounds(self.blocks.low, self.blocks.high, outline)
            self.spacing = typical_spacing(self.blocks)

    def drawn_size(self) -> float:
        """Return the diameter in logical pixels that points are drawn with now.

        One size for the whole picture, that of a gapless surface at the pivot: unlike a
        size for each point it can be drawn by growing the finished z-buffer. The chosen
        size scales it, so that larger and smaller always do something.
        """
        if not self.adaptive_size:
            return self.point_size
        projection = self.camera.projection()
        gapless = GAPLESS * self.spacing * projection.focal / self.camera.distance
        grown = min(gapless, LARGEST_ADAPTIVE) * self.point_size / STANDARD_SIZE
        return min(max(self.point_size, grown), LARGEST_SIZE)

    def set_hidden(self, object_ids: frozenset[int]) -> None:
        """Leave out the points of these objects; 0 means the unlabelled ones."""
        self.hidden = np.zeros(SLOTS, bool)
        self.hidden[label_slots(np.array(sorted(object_ids), np.int32))] = True

    def set_palette(self, palette: Mapping[int, Colour]) -> None:
        """Take the objects' colours."""
        self.look = replace(self.look, palette=palette_table(palette))

    def rejected(self, block: Block, part: slice) -> Bool | None:
        """Return which points of a part of a block are not drawn; None if all are."""
        unwanted: Bool | None = None
        if self.anything_hidden and self.colours is not None:
            unwanted = np.take(self.hidden, self.colours.slots[block.rows(part)])
        if self.clip_box is not None:
            outside = self._outside(block, part)
            unwanted = outside if unwanted is None else unwanted | outside
        return unwanted

    def _outside(self, block: Block, part: slice) -> Bool:
        assert self.clip_box is not None
        outside = np.zeros(part.stop - part.start, bool)
        for axis, column in enumerate(block.columns[:, part]):
            low, high = (np.float32(b[axis] - block.centre[axis]) for b in self.clip_box)
            outside |= column < low
            outside |= column > high
        return outside

    def shown(self, rows: npt.NDArray[np.int64]) -> Bool:
        """Return which of the given rows of the cloud are neither hidden nor clipped away."""
        assert self.blocks is not None
        assert self.colours is not None
        shown = ~self.hidden[self.colours.slots[rows]]
        if self.clip_box is not None:
            xyz = self.blocks.cloud.xyz[rows]
            shown &= ((xyz >= self.clip_box[0]) & (xyz <= self.clip_box[1])).all(axis=1)
        return shown
