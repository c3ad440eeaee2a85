"""Figures of curves of quality over clicks."""

import math

import numpy as np

from annotator.robustness.contract import Floats


def area(curve: Floats) -> float:
    """Return the mean height of a curve [n] by trapezoids; its value if it is one click long.

    TETRIS' IoU-Min, -Base and -Max are this of the mean curve over images.
    """
    if len(curve) == 0:
        return math.nan
    return float(np.trapezoid(curve) / (len(curve) - 1)) if len(curve) > 1 else float(curve[0])
