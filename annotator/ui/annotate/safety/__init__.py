"""How safe is this click? A map of what clicks elsewhere would give, and where the next helps."""

from annotator.ui.annotate.safety.control import ClickSafety, SafetyHost
from annotator.ui.annotate.safety.dock import SafetyDock

__all__ = ["ClickSafety", "SafetyDock", "SafetyHost"]
