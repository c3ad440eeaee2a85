"""Point clouds with float32 coordinates relative to a float64 origin."""

import hashlib
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
UInt8 = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class PointCloud:
    """A scan: points in metres, z up.

    float32 cannot hold UTM coordinates to the millimetre, so points are stored
    relative to `origin`, which readers take from the data and writers add back.

    Attributes:
        xyz: [N, 3] float32, metres relative to `origin`, all finite, C-contiguous.
        origin: [3] float64, metres; absolute position is `xyz + origin`.
        rgb: [N, 3] uint8, or None for a colourless scan.
        labels: [N] int32 ground truth or earlier annotation, 0 = none; None if absent.
        faces: [F, 3] int32 vertex indices if the file was a mesh, for writing it back.
        name: Short name to show, usually the file's stem.
    """

    xyz: Float32
    origin: Float64 = field(default_factory=lambda: np.zeros(3))
    rgb: UInt8 | None = None
    labels: Int32 | None = None
    faces: Int32 | None = None
    name: str = ""

    def __post_init__(self) -> None:
        n = len(self.xyz)
        if self.xyz.shape != (n, 3) or self.xyz.dtype != np.float32:
            raise ValueError(f"xyz must be [N, 3] float32, not {self.xyz.shape} {self.xyz.dtype}")
        if self.rgb is not None and (self.rgb.shape != (n, 3) or self.rgb.dtype != np.uint8):
            raise ValueError(f"rgb must be [{n}, 3] uint8, not {self.rgb.shape} {self.rgb.dtype}")
        if self.labels is not None and self.labels.shape != (n,):
            raise ValueError(f"labels must be [{n}], not {self.labels.shape}")

    def __len__(self) -> int:
        return len(self.xyz)

    @classmethod
    def from_absolute(
        cls,
        points: npt.ArrayLike,
        rgb: UInt8 | None = None,
        labels: Int32 | None = None,
        faces: Int32 | None = None,
        name: str = "",
    ) -> "PointCloud":
        """Build a cloud from absolute coordinates [N, 3] of any float type.

        Small coordinates (all within 10 km of zero) keep a zero origin, so that what
        a user reads in the file is what the window shows; larger ones get the floored
        minimum as their origin.
        """
        xyz = np.asarray(points)
        origin = np.zeros(3)
        if len(xyz) and np.abs(xyz).max() > 10_000.0:
            origin = np.floor(xyz.min(axis=0).astype(np.float64))
            xyz = xyz - origin
        local = np.ascontiguousarray(xyz, dtype=np.float32)
        return cls(local, origin, rgb, labels, faces, name)

    def absolute(self) -> Float64:
        """Return the [N, 3] float64 absolute coordinates in metres."""
        return self.xyz.astype(np.float64) + self.origin

    def take(self, rows: Int64) -> "PointCloud":
        """Return the cloud of the given rows [M]; faces are dropped."""
        return PointCloud(
            xyz=np.ascontiguousarray(self.xyz[rows]),
            origin=self.origin,
            rgb=None if self.rgb is None else np.ascontiguousarray(self.rgb[rows]),
            labels=None if self.labels is None else self.labels[rows],
            name=self.name,
        )

    @cached_property
    def content_hash(self) -> str:
        """sha256 over coordinates and colours: what an encoding depends on."""
        digest = hashlib.sha256()
        for array in (self.xyz, self.origin, self.rgb):
            digest.update(b"none" if array is None else np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()

    @cached_property
    def bounds(self) -> tuple[Float32, Float32]:
        """Per-axis minimum and maximum [3] of the local coordinates; zeros if empty."""
        if not len(self):
            return np.zeros(3, np.float32), np.zeros(3, np.float32)
        # One axis at a time: numpy reduces [N, 3] along N several times slower at once.
        low = np.array([column.min() for column in self.xyz.T], np.float32)
        high = np.array([column.max() for column in self.xyz.T], np.float32)
        return low, high
