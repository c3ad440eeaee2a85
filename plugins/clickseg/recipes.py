"""The plugin's parameters as the way a family of networks is used."""

from collections.abc import Mapping
from typing import Any

from annotator.domain import AnnotatorError
from models.clickseg.predictor import Recipe
from models.clickseg.vit import WINDOW_PIXELS
from models.clickseg.zoom import Size, Zoom


def recipe_of(family: str, parameters: Mapping[str, Any]) -> Recipe:
    """Return the recipe that the parameters describe.

    Args:
        family: "ritm", "simpleclick" or "compact".
        parameters: Complete.

    Raises:
        AnnotatorError: If a size does not suit the family.
    """
    target = int(parameters["target"])
    size: Size = (target, target) if family == "simpleclick" else target
    if family == "simpleclick" and target % WINDOW_PIXELS:
        raise AnnotatorError(
            f"SimpleClick cannot look at {target} x {target} pixels.",
            f"Choose a multiple of {WINDOW_PIXELS} as the size of crops.",
        )
    zoom = Zoom(
        skip_clicks=int(parameters["skip_clicks"]),
        target=size,
        expansion=float(parameters["expansion"]),
        min_crop=int(parameters["min_crop"]),
        keep_above=float(parameters["keep_above"]),
        threshold=float(parameters["zoom_threshold"]),
    )
    return Recipe(
        zoom=zoom if parameters["zoom_in"] else None,
        whole=None if family == "ritm" else size,
        largest=int(parameters["largest_side"]),
        flip=bool(parameters["flip"]),
        keep_box=bool(parameters["published_boxes"]),
        corners=family != "compact",
    )
