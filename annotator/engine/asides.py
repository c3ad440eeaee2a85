"""Work in small pieces with an engine, in the time that its session has to spare."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from annotator.domain import AnnotatorError, CancelToken
from annotator.engine.opened import OpenEngine

Piece = Callable[[OpenEngine, Any, CancelToken], bool]
"""(engine, encoding of the asset, cancel) -> whether there is more to do."""


def _ignore(_error: AnnotatorError) -> None:
    return None


@dataclass(frozen=True, eq=False)
class Aside:
    """What is done with an encoded asset while nobody waits for an answer.

    Both functions are called in the session's thread.

    Attributes:
        piece: Does a little, well under half a second, and says whether there is more to do.
            A request cancels the piece that runs, which then is called again afterwards: it
            must keep nothing of a piece that was cancelled. So is it after the asset was
            encoded anew, perhaps by another engine.
        failed: Told why a piece failed; it is not called again.
    """

    piece: Piece
    failed: Callable[[AnnotatorError], object] = _ignore
