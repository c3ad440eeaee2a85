"""Make the small dataset behind the example report: reduced photos, masks from hand-drawn polygons.

    python docs/robustness/make_example.py PHOTOS DATASET

PHOTOS holds dogs.jpg, fig.jpg and dandelions.jpg of Debian's lomiri-wallpapers-16.04.
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

LONG_SIDE = 360
DRAWN_AT = 640
"""Long side in pixels of the photos on which the polygons were drawn."""

Polygon = list[tuple[float, float]]


def ellipse(x: float, y: float, width: float, height: float) -> Polygon:
    """Return the corners of an ellipse."""
    turns = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    return [(x + width * np.cos(t), y + height * np.sin(t)) for t in turns]


OBJECTS: dict[str, tuple[str, Polygon]] = {
    "fig": ("fig", [
        (265, 197), (300, 196), (325, 180), (345, 164), (375, 154), (405, 158), (428, 175),
        (443, 200), (447, 225), (440, 255), (428, 280), (410, 308), (388, 322), (365, 322),
        (340, 310), (320, 290), (308, 265), (301, 240), (302, 217), (268, 212),
    ]),
    "dandelion": ("dandelions", ellipse(188, 116, 98, 82)),
    "dog-upper": ("dogs", [
        (140, 155), (160, 150), (185, 150), (200, 158), (205, 172), (215, 180), (222, 210),
        (215, 240), (205, 258), (195, 255), (190, 240), (175, 238), (163, 230), (150, 245),
        (136, 240), (131, 220), (130, 190), (132, 165),
    ]),
    "dog-lower": ("dogs", [
        (212, 290), (240, 286), (262, 293), (280, 315), (286, 350), (280, 385), (262, 388),
        (257, 370), (240, 372), (228, 370), (222, 375), (240, 390), (248, 405), (240, 418),
        (222, 415), (212, 400), (202, 375), (198, 340), (203, 310),
    ]),
}  # fmt: skip

CREDITS = (
    "Photos: dogs by Aitzol Berasategi, CC BY 4.0; fig by Trevor “Freespace”, CC BY 4.0; "
    "dandelions by Clemens Engelhardt, CC0 1.0; all reduced, from Debian's "
    "lomiri-wallpapers-16.04. Masks: drawn for this example.\n"
)


def main(photos: Path, dataset: Path) -> None:
    """Write images/, masks/ and CREDITS.txt."""
    for name in ("images", "masks"):
        (dataset / name).mkdir(parents=True, exist_ok=True)
    for name, (photo, polygon) in OBJECTS.items():
        image = Image.open(photos / f"{photo}.jpg").convert("RGB")
        image.thumbnail((LONG_SIDE, LONG_SIDE), Image.Resampling.LANCZOS)
        scale = LONG_SIDE / DRAWN_AT
        mask = Image.new("L", image.size)
        ImageDraw.Draw(mask).polygon([(x * scale, y * scale) for x, y in polygon], fill=255)
        image.save(dataset / "images" / f"{name}.png")
        mask.save(dataset / "masks" / f"{name}.png")
    (dataset / "CREDITS.txt").write_text(CREDITS, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
