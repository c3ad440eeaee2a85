"""Label sets, objects and their colour-blind-safe colours."""

import colorsys
from dataclasses import dataclass

Colour = tuple[int, int, int]

# Okabe-Ito without black, then Tol's "muted" tones: distinguishable with the common
# colour deficiencies and against both a dark and a light scan.
SAFE_COLOURS: tuple[Colour, ...] = (
    (230, 159, 0), (86, 180, 233), (0, 158, 115), (240, 228, 66), (0, 114, 178), (213, 94, 0),
    (204, 121, 167), (136, 204, 238), (68, 170, 153), (153, 153, 51), (136, 34, 85), (170, 68, 153),
)  # fmt: skip
BACKGROUND_COLOUR: Colour = (128, 128, 128)


def object_colour(object_id: int) -> Colour:
    """Return the default colour of an object: the safe dozen first, then golden-angle hues."""
    if object_id <= 0:
        return BACKGROUND_COLOUR
    if object_id <= len(SAFE_COLOURS):
        return SAFE_COLOURS[object_id - 1]
    hue = (object_id * 0.618033988749895) % 1.0
    value = 0.95 if object_id % 2 else 0.75
    r, g, b = colorsys.hsv_to_rgb(hue, 0.65, value)
    return round(r * 255), round(g * 255), round(b * 255)


@dataclass(frozen=True, slots=True)
class LabelClass:
    """A class that objects can have, such as "chair"."""

    label_id: int
    name: str


@dataclass(frozen=True)
class LabelSet:
    """The classes of a project, in the order shown."""

    classes: tuple[LabelClass, ...] = ()

    def by_name(self, name: str) -> LabelClass | None:
        """Return the class of that name, or None."""
        return next((c for c in self.classes if c.name == name), None)


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """One annotated object of an asset.

    Attributes:
        object_id: 1-based id; what masks contain.
        name: What the user calls it.
        label: Name of its class; empty if none was chosen.
        colour: RGB 0..255.
        visible: Whether its points are drawn.
        locked: Whether predictions and brushes leave its points alone.
    """

    object_id: int
    name: str
    label: str = ""
    colour: Colour = BACKGROUND_COLOUR
    visible: bool = True
    locked: bool = False
