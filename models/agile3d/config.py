"""Sizes of an AGILE3D network."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any


@dataclass(frozen=True)
class Agile3DConfig:
    """All sizes of the network; the defaults are the official ones.

    Attributes:
        in_channels: Input channels a voxel (red, green, blue in 0..1).
        init_dim: Channels after the stem.
        planes: Channels of the eight residual stages: four down, four up.
        layers: Residual blocks of the eight stages.
        conv1_kernel: Edge length of the stem's kernel, odd.
        hidden: Channels of scene features, queries and position codes; even, and a
            multiple of `heads`.
        heads: Attention heads.
        ffn: Hidden width of the queries' feed-forward layers.
        decoder_layers: Number of decoder layers.
        background_queries: Number of learnable background queries.
        gauss_scale: Standard deviation of the position code's frequencies.
        position_extent: Metres that count as 1 in the position code; 0 takes the extent of
            each scene, as the official network does.
        geometry: Whether the network is also told the surface's shape (`geometry.py`).
        reach: Whether a click's logits also depend on the distance from it (`reach.py`).
        surface: Whether they depend on paths along the surface as well (`paths.py`).
        max_clicks: Rows of the click-order table; later clicks share the last row.
    """

    in_channels: int = 3
    init_dim: int = 32
    planes: tuple[int, ...] = (32, 64, 128, 256, 256, 128, 96, 96)
    layers: tuple[int, ...] = (2, 3, 4, 6, 2, 2, 2, 2)
    conv1_kernel: int = 5
    hidden: int = 128
    heads: int = 8
    ffn: int = 1024
    decoder_layers: int = 3
    background_queries: int = 10
    gauss_scale: float = 1.0
    position_extent: float = 0.0
    geometry: bool = False
    reach: bool = False
    surface: bool = False
    max_clicks: int = 200

    def __post_init__(self) -> None:
        """Check that the sizes fit together.

        Raises:
            ValueError: If they do not.
        """
        if len(self.planes) != 8 or len(self.layers) != 8:
            raise ValueError("planes and layers need eight numbers each")
        if self.hidden % self.heads or self.hidden % 2:
            raise ValueError(f"hidden {self.hidden} must be even and a multiple of {self.heads}")
        if self.conv1_kernel % 2 == 0:
            raise ValueError(f"conv1_kernel must be odd, not {self.conv1_kernel}")

    def to_dict(self) -> dict[str, Any]:
        """Return the sizes as plain values, for storing beside weights."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Agile3DConfig":
        """Rebuild from `to_dict` (lists in place of tuples are fine, as JSON makes them).

        Raises:
            ValueError: If a name is unknown.
        """
        known = {f.name for f in fields(cls)}
        if unknown := sorted(set(values) - known):
            raise ValueError(f"unknown network sizes: {', '.join(unknown)}")
        plain: dict[str, Any] = {
            k: tuple(v) if isinstance(v, list) else v for k, v in values.items()
        }
        return cls(**plain)


OFFICIAL = Agile3DConfig()
"""The published network: 39.3 million parameters."""

COMPACT = Agile3DConfig(
    init_dim=24,
    planes=(24, 48, 64, 96, 96, 64, 48, 48),
    layers=(1, 2, 2, 2, 1, 1, 1, 1),
    conv1_kernel=3,
    hidden=96,
    heads=8,
    ffn=384,
    position_extent=4.0,
    geometry=True,
    reach=True,
    surface=True,
)
"""The embedded network: trains and runs quickly without a GPU."""
