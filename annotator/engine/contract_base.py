"""What the rules of the contract share: how they fail, compare results and make prompts."""

from collections.abc import Callable
from dataclasses import dataclass, is_dataclass
from typing import Any, Literal

import numpy as np

from annotator.domain import Click, PointCloud, Prompt
from annotator.engine.api import EngineKind
from annotator.engine.opened import OpenEngine


class BrokenPromiseError(Exception):
    """An engine does not keep a rule; the message says how."""


@dataclass(frozen=True)
class Rule:
    """One promise.

    Attributes:
        name: Short name in reports.
        severity: Whether breaking it is an error or only unwise.
        kinds: Kinds of engines that it holds for.
        check: Raises `BrokenPromiseError`, or whatever the plugin raises.
    """

    name: str
    severity: Literal["error", "warning"]
    kinds: tuple[EngineKind, ...]
    check: Callable[[OpenEngine], None]


def require(kept: bool, message: str) -> None:
    """Break off with a message unless a promise is kept."""
    if not kept:
        raise BrokenPromiseError(message)


def prompt_on(cloud: PointCloud, *rows_and_objects: tuple[int, int]) -> Prompt:
    """Return the prompt of clicks on rows of a cloud, given as (row, object id)."""
    clicks = [
        Click(tuple(map(float, cloud.xyz[row])), object_id, order, index=row, click_id=order + 1)
        for order, (row, object_id) in enumerate(rows_and_objects)
    ]
    return Prompt.from_clicks(clicks)


def same(first: Any, second: Any) -> bool:  # noqa: ANN401 - any result type
    """Whether two results are equal, array by array."""
    pairs = zip(vars(first).values(), vars(second).values(), strict=True)
    return all(_same_value(a, b) for a, b in pairs)


def _same_value(first: Any, second: Any) -> bool:  # noqa: ANN401 - a field of any result
    if isinstance(first, tuple):
        return len(first) == len(second) and all(map(_same_value, first, second))
    if is_dataclass(first):
        return type(first) is type(second) and same(first, second)
    if isinstance(first, np.ndarray):
        return np.array_equal(first, second)
    return first is second or bool(first == second)


def prompt_in(*places: tuple[float, float, int]) -> Prompt:
    """Return the prompt of clicks in an image, given as (x, y, object id)."""
    clicks = [
        Click((x, y), object_id, order, click_id=order + 1)
        for order, (x, y, object_id) in enumerate(places)
    ]
    return Prompt.from_clicks(clicks)
