"""Turn folders of labelled photos into arrays: `python -m models.clickseg.training.prepare`.

ROOT holds one folder per collection, named as in `sources.COLLECTIONS`, each a checkout of
the public repository of that name. OUT receives `images/NAME.npy` (uint8 [H, W, 3]),
`labels/NAME.npy` (uint8 [L, H, W]) and `index.json`.
"""

import argparse
import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from models.clickseg.training.saliency import Saliency, salient_layers
from models.clickseg.training.sources import COLLECTIONS, Photo, UInt8, read_numbers, read_rgb

_HELD_BACK = 0.06
_SAME = 6
_SAVE_EVERY = 50


def fingerprint(image: UInt8) -> npt.NDArray[np.bool_]:
    """Return 128 signs of brightness differences: nearly equal for the same photo resized."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    rows = cv2.resize(grey, (9, 8), interpolation=cv2.INTER_AREA).astype(np.int16)
    columns = cv2.resize(grey, (8, 9), interpolation=cv2.INTER_AREA).astype(np.int16)
    return np.concatenate([np.diff(rows, axis=1).ravel() > 0, np.diff(columns, axis=0).ravel() > 0])


def is_held_back(name: str) -> bool:
    """Say whether a photo belongs to the validation split; decided by its name alone."""
    digest = hashlib.sha256(name.encode()).digest()
    return int.from_bytes(digest[:4], "big") / 2**32 < _HELD_BACK


def read_photos(root: Path, reserved: dict[str, set[int]]) -> Iterator[Photo]:
    """Yield every photo of the collections under a folder once, reserved ones left out."""
    seen: set[str] = set()
    for folder, (reader, numbers) in COLLECTIONS.items():
        if not (root / folder).is_dir():
            continue
        for photo in reader(root / folder, reserved.get(numbers, set())):
            if photo.name not in seen:
                seen.add(photo.name)
                yield photo


def _with_saliency(photo: Photo, saliency: Saliency | None) -> Photo:
    if saliency is not None and not photo.name.startswith("ccp-"):
        photo.layers += [("salient", m) for m in salient_layers(photo, saliency(photo.image))]
    return photo


def _is_known(image: UInt8, known: Sequence[npt.NDArray[np.bool_]]) -> bool:
    own = fingerprint(image)
    return any(int((own != other).sum()) <= _SAME for other in known)


def prepare(
    photos: Iterator[Photo],
    out: Path,
    saliency: Saliency | None = None,
    excluded: Sequence[UInt8] = (),
) -> int:
    """Write photos as arrays and their index; returns how many there are.

    Photos that are in the index already are kept, so that a long run can be continued.

    Args:
        photos: What to write.
        out: The folder to write to; made if missing.
        saliency: Adds layers of salient objects.
        excluded: Evaluation images; a photo that looks like one of them is left out.
    """
    known = [fingerprint(image) for image in excluded]
    for folder in ("images", "labels"):
        (out / folder).mkdir(parents=True, exist_ok=True)
    index = out / "index.json"
    entries = json.loads(index.read_text()) if index.is_file() else []
    done = {entry["name"] for entry in entries}
    for photo in photos:
        if photo.name in done or _is_known(photo.image, known):
            continue
        photo = _with_saliency(photo, saliency)
        np.save(out / "images" / f"{photo.name}.npy", photo.image)
        np.save(out / "labels" / f"{photo.name}.npy", np.stack([m for _, m in photo.layers]))
        kinds = [kind for kind, _ in photo.layers]
        split = "val" if is_held_back(photo.name) else "train"
        entries.append({"name": photo.name, "kinds": kinds, "split": split})
        if len(entries) % _SAVE_EVERY == 0:
            index.write_text(json.dumps(entries, indent=1))
    index.write_text(json.dumps(entries, indent=1))
    return len(entries)


def main(arguments: Sequence[str] | None = None) -> None:
    """Prepare what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--reserved-coco", type=Path, help="COCO image numbers to leave out")
    parser.add_argument("--reserved-bsds", type=Path, help="BSDS image numbers to leave out")
    parser.add_argument("--exclude", type=Path, help="folder of evaluation images")
    parser.add_argument("--saliency", type=Path, help="U^2-Net as ONNX")
    chosen = parser.parse_args(arguments)
    reserved = {
        "coco": read_numbers(chosen.reserved_coco),
        "bsds": read_numbers(chosen.reserved_bsds),
    }
    excluded = [read_rgb(p) for p in sorted(chosen.exclude.iterdir())] if chosen.exclude else []
    saliency = Saliency(chosen.saliency) if chosen.saliency else None
    count = prepare(read_photos(chosen.root, reserved), chosen.out, saliency, excluded)
    print(f"{count} photos in {chosen.out}")  # noqa: T201


if __name__ == "__main__":
    main()
