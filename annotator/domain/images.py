"""Photos as arrays."""

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Image:
    """A photo.

    Attributes:
        rgb: [H, W, 3] uint8.
        name: Short name to show.
    """

    rgb: npt.NDArray[np.uint8]
    name: str = ""

    def __post_init__(self) -> None:
        if self.rgb.ndim != 3 or self.rgb.shape[2] != 3 or self.rgb.dtype != np.uint8:
            raise ValueError(f"rgb must be [H, W, 3] uint8, not {self.rgb.shape} {self.rgb.dtype}")

    @cached_property
    def content_hash(self) -> str:
        """sha256 of size and pixels: what an encoding depends on."""
        digest = hashlib.sha256(repr(self.rgb.shape).encode())
        digest.update(np.ascontiguousarray(self.rgb).tobytes())
        return digest.hexdigest()
