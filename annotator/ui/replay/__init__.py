"""The session of a file as a film in the window: looked at, never changed."""

from annotator.ui.replay.controller import ReplayController

__all__ = ["ReplayController"]
