"""Make a folder of synthetic scans: `python -m models.agile3d.synthetic OUT --count 1000`."""

import argparse
from pathlib import Path

import numpy as np

from models.agile3d.synthetic.catalogue import SYSTEM_FOLDER, catalogues
from models.agile3d.synthetic.library import FurnitureLibrary, build_library
from models.agile3d.synthetic.lidar import scan_outdoors
from models.agile3d.synthetic.outdoors import compose_outdoors
from models.agile3d.synthetic.rooms import compose_room, compose_tabletop
from models.agile3d.synthetic.scan import Scan, ScanSettings, scan
from models.agile3d.synthetic.store import save_scan

TABLETOP_SHARE = 0.12


def make_scan(seed: int, library: FurnitureLibrary | None) -> Scan:
    """Make indoor scan number `seed`: mostly rooms, some tabletops."""
    rng = np.random.default_rng(seed)
    if rng.random() < TABLETOP_SHARE:
        return scan(rng, compose_tabletop(rng, library), ScanSettings.draw(rng, steep=True))
    return scan(rng, compose_room(rng, library), ScanSettings.draw(rng))


def make_outdoor_scan(seed: int) -> Scan:
    """Make outdoor scan number `seed`: streets, yards and parks, by laser."""
    rng = np.random.default_rng([seed, 1])
    return scan_outdoors(rng, compose_outdoors(rng))


def _library(folder: Path, cache: Path) -> FurnitureLibrary | None:
    """Return the sampled catalogues of a folder, kept in a file; None if there are none."""
    if cache.exists():
        return FurnitureLibrary.load(cache)
    found = list(catalogues(folder))
    if not found:
        return None
    library = build_library(found)
    library.save(cache)
    return library


def main(arguments: list[str] | None = None) -> None:
    """Make the scans that are not there yet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path, help="folder for the scans")
    parser.add_argument("--count", type=int, default=1000, help="number of scans")
    parser.add_argument("--first", type=int, default=0, help="number of the first scan")
    parser.add_argument("--outdoors", action="store_true", help="streets and parks, by laser")
    parser.add_argument("--furniture", type=Path, default=SYSTEM_FOLDER, help="*.sh3f folder")
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    library = None
    if not options.outdoors:
        library = _library(options.furniture, options.out / "library.npz")
    for seed in range(options.first, options.first + options.count):
        path = options.out / f"scan{seed:06d}.npz"
        if not path.exists():
            made = make_outdoor_scan(seed) if options.outdoors else make_scan(seed, library)
            save_scan(path, made)


if __name__ == "__main__":
    main()
