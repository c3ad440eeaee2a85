"""What a session tells of its requests and its engine."""

from dataclasses import dataclass
from typing import Literal

from annotator.domain import AnnotatorError, Prompt, Result

EventKind = Literal[
    "loading",
    "ready",
    "encoding",
    "encoded",
    "queued",
    "running",
    "done",
    "failed",
    "cancelled",
    "dropped",
]


@dataclass(frozen=True)
class EngineEvent:
    """What became of a request.

    Attributes:
        kind: loading, ready (a new engine is in use), encoding (with `fraction`), encoded,
            queued, running (again and again, with `fraction`, where the engine tells it), done
            (with `result`), failed (with `error`), cancelled, or dropped (a newer request
            replaced it).
        asset_id: The asset; None for the engine itself.
        generation: Number of the request; 0 where it belongs to none.
        fraction: Progress in [0, 1].
        message: A few words for the status bar.
        milliseconds: How long running or encoding took.
        queue_milliseconds: How long a request waited before it ran.
        result: Of a done request.
        error: Of a failed one.
        prompt: That the request asked with.
        ref: The engine that answered.
    """

    kind: EventKind
    asset_id: int | None = None
    generation: int = 0
    fraction: float = 0.0
    message: str = ""
    milliseconds: float = 0.0
    queue_milliseconds: float = 0.0
    result: Result | None = None
    error: AnnotatorError | None = None
    prompt: Prompt | None = None
    ref: str = ""
