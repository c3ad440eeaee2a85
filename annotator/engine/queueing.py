"""What a session keeps of its open assets and of the work on them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from annotator.domain import CancelToken, Prompt
from annotator.engine.asides import Aside
from annotator.engine.opened import Asset


@dataclass(frozen=True)
class Request:
    """A prediction that was asked for; `queued_at` is of the performance counter."""

    generation: int
    prompt: Prompt
    queued_at: float


@dataclass(eq=False)
class Slot:
    """What the session knows of one open asset."""

    asset_id: int
    asset: Asset
    encoding: Any = None
    wants_encoding: bool = True
    pending: Request | None = None
    ahead: bool = False  # nobody looks at it yet
    interrupted: bool = False  # for something that is looked at
    aside: Aside | None = None


@dataclass(frozen=True)
class Use:
    """An engine that was asked for."""

    ref: str
    parameters: Mapping[str, Any]


@dataclass(eq=False)
class Job:
    """What the worker does next; without request and aside, encoding only."""

    slot: Slot
    request: Request | None = None
    aside: Aside | None = None
    cancel: CancelToken = field(default_factory=CancelToken)
