"""Compose the bundled sample: a small sitting room of public-domain (CC0) furniture."""

from dataclasses import dataclass

import numpy as np

from models.agile3d.synthetic.library import FurnitureLibrary
from models.agile3d.synthetic.rooms import SPACING, Scene
from models.agile3d.synthetic.scan import Scan, ScanSettings, scan
from models.agile3d.synthetic.surfaces import Rng, Surface, join, patch
from models.agile3d.synthetic.textures import lit, painted

SIZE = (4.4, 3.6, 2.4)
SEED = 20_261_124


@dataclass(frozen=True)
class Placement:
    """Where a catalogue item stands.

    Attributes:
        item: "Name by author" of a CC0 item.
        x: Centre, metres from the left wall.
        y: Centre, metres from the front; 3.6 is the back wall.
        yaw: Degrees; 0 has the back towards the back wall, 90 towards the left one.
        z: Height of its foot, metres.
    """

    item: str
    x: float
    y: float
    yaw: float = 0.0
    z: float = 0.0


PLACEMENTS = (
    Placement("Winchester sofa by Gnanasaireddy", 2.2, 3.08),
    Placement("Bookcase by Michtek", 3.95, 3.38),
    Placement("Armchair by Cris1983", 3.65, 1.75, -80),
    Placement("Table with tablecloth by Sizzler", 2.35, 1.75, 20),
    Placement("Desk by Wiresoulstudio", 0.45, 1.35, 90),
    Placement("Chair by Niuskir", 1.05, 1.3, -85),
    Placement("Decorative plant by MZiemys", 0.5, 3.15, 40),
    Placement("Teddy bear by Manitislate", 1.75, 2.95, -15, 0.42),
    Placement("Dustbin by Ndakasha", 0.3, 0.3),
    Placement("Basketball by SEspider", 3.0, 0.7),
    Placement("Crate by GyngaNynja", 3.9, 0.6, 25),
    Placement("Desk lamp by ColdShiverGames", 0.35, 1.8, 60, 0.72),
)
"""Objects 4 and up; 1 is the floor, 2 and 3 are the walls."""


def compose_sample(library: FurnitureLibrary, rng: Rng) -> Scene:
    """Compose the room: floor, back wall, left wall and the placed items.

    Raises:
        KeyError: If the library lacks an item.
    """
    w, d, h = SIZE
    plain = (
        (patch(rng, (0, 0, 0), (w, 0, 0), (0, d, 0), SPACING), (0.52, 0.40, 0.29)),
        (patch(rng, (0, d, 0), (w, 0, 0), (0, 0, h), SPACING), (0.85, 0.83, 0.76)),
        (patch(rng, (0, 0, 0), (0, d, 0), (0, 0, h), SPACING), (0.72, 0.78, 0.80)),
    )
    made = [
        Surface.of(points, painted(rng, points, np.array(rgb), 0)).as_part(number)
        for number, (points, rgb) in enumerate(plain, start=1)
    ]
    for number, placement in enumerate(PLACEMENTS, start=len(plain) + 1):
        made.append(_placed(library, placement).as_part(number))
    whole = join(made)
    # Half of the generator's uneven light, for people to look at.
    light = ((lit(rng, whole.xyz, whole.rgb) + whole.rgb) / 2).astype(np.float32)
    return Scene(Surface(whole.xyz, light, whole.part), SIZE, ())


def _placed(library: FurnitureLibrary, placement: Placement) -> Surface:
    fitting = [i for i, n in enumerate(library.names) if f": {placement.item} (CC0)" in n]
    if not fitting:
        raise KeyError(f"the library has no {placement.item}")
    surface = library.surface(fitting[0]).turned(np.deg2rad(placement.yaw))
    return surface.moved((placement.x, placement.y, placement.z))


def scan_sample(library: FurnitureLibrary) -> Scan:
    """Scan the sample room; always the same scan."""
    rng = np.random.default_rng(SEED)
    settings = ScanSettings(
        cameras=28, spacing=0.022, noise=0.0004, drift=0.0015, bleeding=0.1, holes=2, moved=False
    )
    return scan(rng, compose_sample(library, rng), settings)
