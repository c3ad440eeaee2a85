"""Sampled furniture of the catalogues, sorted by where it stands, in one compact file."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from models.agile3d.synthetic.catalogue import Catalogue, Item, sample_item
from models.agile3d.synthetic.surfaces import Rng, Surface

_SKIPPED = ("Vehicles", "Characters", "Staircases")
_WALLSIDE = (
    "bed", "sofa", "couch", "cupboard", "wardrobe", "shel", "desk", "cabinet", "fridge", "oven",
    "sink", "toilet", "bath", "bookcase", "piano", "dresser", "chest", "tv", "cooker", "radiator",
    "washing", "shower", "buffet", "drawer", "fireplace", "refrigerator", "bidet", "unit",
)  # fmt: skip


def place_of(item: Item) -> str | None:
    """Return where an item goes (a key of `furniture.PROCEDURAL`); None if nowhere indoors."""
    w, d, h = item.size
    if item.category in _SKIPPED or max(w, d) > 3.2 or h > 2.5 or max(w, d, h) < 0.06:
        return None
    if item.category == "Doors and windows":
        return None
    if item.category == "Lights" and item.elevation > 1.4:
        return "ceiling"
    if h < 0.05 and min(w, d) > 0.5:
        return "rug"
    if item.elevation > 0.6 or (d < 0.1 and h > 0.25):
        return "wall"
    if max(w, d) < 0.65 and h < 0.5:
        return "small"
    wallside = any(word in item.name.lower() for word in _WALLSIDE)
    return "wallside" if wallside else "floor"


@dataclass(frozen=True, eq=False)
class FurnitureLibrary:
    """Surfaces of many items in three arrays.

    Attributes:
        xyz: [P, 3] float16 metres.
        rgb: [P, 3] uint8.
        ends: [items + 1] int64, rows of item i are ends[i]:ends[i + 1].
        places: Place of each item.
        names: "catalogue: name by creator (licence)" of each item.
    """

    xyz: npt.NDArray[np.float16]
    rgb: npt.NDArray[np.uint8]
    ends: npt.NDArray[np.int64]
    places: npt.NDArray[np.str_]
    names: npt.NDArray[np.str_]

    def surface(self, number: int) -> Surface:
        """Return the surface of item `number`."""
        rows = slice(self.ends[number], self.ends[number + 1])
        return Surface.of(self.xyz[rows].astype(np.float32), self.rgb[rows] / np.float32(255))

    def draw(self, rng: Rng, place: str) -> tuple[Surface, int] | None:
        """Draw an item for a place; None if there is none."""
        fitting = np.flatnonzero(self.places == place)
        if not len(fitting):
            return None
        number = int(rng.choice(fitting))
        return self.surface(number), number

    def save(self, path: Path) -> None:
        """Write the library as `.npz`."""
        np.savez_compressed(
            path, xyz=self.xyz, rgb=self.rgb, ends=self.ends, places=self.places, names=self.names
        )

    @classmethod
    def load(cls, path: Path) -> "FurnitureLibrary":
        """Read what `save` wrote.

        Raises:
            OSError, KeyError, ValueError: If the file is not a library.
        """
        with np.load(path, allow_pickle=False) as data:
            return cls(*(data[k] for k in ("xyz", "rgb", "ends", "places", "names")))


def _sampled(
    sources: Iterable[Catalogue], spacing: float, limit: int
) -> Iterator[tuple[Surface, str, str]]:
    for catalogue in sources:
        for number, item in enumerate(catalogue.items):
            place = place_of(item)
            if place is None:
                continue
            rng = np.random.default_rng(number)
            try:
                surface = sample_item(catalogue, item, rng, spacing, limit)
            except (KeyError, ValueError, IndexError):
                continue  # A few models lack their materials or consist of glass only.
            licence = "CC0" if "CC-0" in catalogue.name else "CC BY 3.0"
            yield surface, place, f"{catalogue.name}: {item.name} by {item.creator} ({licence})"


def build_library(
    sources: Iterable[Catalogue], spacing: float = 0.015, limit: int = 25_000
) -> FurnitureLibrary:
    """Sample every usable item of some catalogues (a minute for the whole package)."""
    made = list(_sampled(sources, spacing, limit))
    sizes = [len(surface) for surface, _, _ in made]
    return FurnitureLibrary(
        np.concatenate([s.xyz for s, _, _ in made]).astype(np.float16),
        np.round(np.concatenate([s.rgb for s, _, _ in made]) * 255).astype(np.uint8),
        np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        np.array([place for _, place, _ in made]),
        np.array([name for _, _, name in made]),
    )
