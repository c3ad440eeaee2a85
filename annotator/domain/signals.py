"""A tiny typed observer, so that the core can announce changes without Qt."""

from collections.abc import Callable
from typing import Generic, ParamSpec

P = ParamSpec("P")


class Signal(Generic[P]):
    """Calls every connected function, in order of connection, in the emitting thread."""

    def __init__(self) -> None:
        self._slots: list[Callable[P, object]] = []

    def connect(self, slot: Callable[P, object]) -> Callable[[], None]:
        """Connect `slot`; return the function that disconnects it."""
        self._slots.append(slot)
        return lambda: self._slots.remove(slot) if slot in self._slots else None

    def emit(self, *args: P.args, **kwargs: P.kwargs) -> None:
        """Call every connected slot."""
        for slot in tuple(self._slots):
            slot(*args, **kwargs)
