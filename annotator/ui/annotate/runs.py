"""When the engine is asked, and which of its answers still count."""

import time
from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from annotator.domain import AnnotatorError, Prompt, Skeleton
from annotator.engine.api import DEFAULT_THRESHOLD
from annotator.engine.asides import Aside
from annotator.engine.opened import Asset
from annotator.engine.session import EngineEvent, EngineSession
from annotator.ui.annotate.bridge import EngineBridge
from annotator.ui.annotate.click_runs import ClickRuns, Phase

_KEPT = "Your clicks are kept. Press Enter to try again."
_TICK_MS = 100  # how often a running time is shown anew


class Runs(QObject):
    """Turns prompts into requests and events into answers, for one open asset.

    Signals:
        changed: States of clicks, `busy` or `engine_text` changed.
        answered: The newest request's event, with its result.
        failed: (headline, detail) in words; the clicks are safe.
    """

    changed = Signal()
    answered = Signal(object)
    failed = Signal(str, str)

    def __init__(self, session: EngineSession, parent: QObject, kept: str = _KEPT) -> None:
        """Ask a session.

        Args:
            session: Runs the engine.
            parent: Owner.
            kept: What failures say of what was asked.
        """
        super().__init__(parent)
        self._kept = kept
        self.auto_run = True
        self.clicks = ClickRuns()
        self.engine_text = ""
        self.last_milliseconds: float | None = None
        self.fraction = 0.0
        self._session = session
        self._asset_id: int | None = None
        self._generation = 0
        self._started = 0.0
        self._held = False
        self._wanted: Prompt | None = None
        self._use: tuple[str, dict[str, Any]] = ("", {})
        self._unusable = False
        self._activity: set[str] = set()
        self._bridge = EngineBridge(session, self)
        self._bridge.arrived.connect(self._on_event)
        self._timer = QTimer(self)
        self._timer.setInterval(_TICK_MS)
        self._timer.timeout.connect(self._tick)

    @property
    def busy(self) -> bool:
        """Whether the engine loads, encodes or predicts."""
        return bool(self._activity)

    @property
    def pending(self) -> bool:
        """Whether a request is on its way."""
        return self._generation > 0

    @property
    def device(self) -> str:
        """What the engine computes on; empty before there is one."""
        return self._session.engine.device if self._session.engine else ""

    @property
    def parameters(self) -> Mapping[str, Any]:
        """All parameters of the engine in use; none before there is one."""
        return self._session.engine.parameters if self._session.engine else {}

    @property
    def threshold(self) -> float:
        """Probability that pixels of an object exceed where nothing else was chosen."""
        return self._session.engine.threshold if self._session.engine else DEFAULT_THRESHOLD

    @property
    def skeleton(self) -> Skeleton | None:
        """The joints that the engine finds; None before there is one that finds any."""
        return self._session.engine.skeleton if self._session.engine else None

    @property
    def has_scores(self) -> bool:
        """Whether the engine's scores say how sure it is of people."""
        return self._session.engine is not None and self._session.engine.has_scores

    @property
    def unusable(self) -> bool:
        """Whether the engine chosen could not be loaded."""
        return self._unusable

    @property
    def unanswered(self) -> bool:
        """Whether the clicks changed since the last answer."""
        return self._wanted is not None

    # What the controller asks for ---------------------------------------------------------

    def open_asset(self, asset_id: int, asset: Asset) -> None:
        """Make an asset known to the session, which starts to encode it."""
        self.close_asset()
        self._asset_id = asset_id
        self._session.open_asset(asset_id, asset)

    def close_asset(self) -> None:
        """Forget the asset; what still comes for it is not shown."""
        self._forget_request()
        if self._asset_id is not None:
            self._session.close_asset(self._asset_id)
        self._asset_id, self._wanted, self._held = None, None, False
        self._activity.discard("encoding")
        self.clicks.forget()

    def use(self, ref: str, parameters: Mapping[str, Any]) -> None:
        """Load an engine; its answers replace those of the one before."""
        self._forget_request()
        self._use, self._unusable = (ref, dict(parameters)), False
        self._session.use(*self._use)

    def settle(self, prompt: Prompt) -> None:
        """Note that the answer to `prompt` is known already: what is under way is not needed."""
        self._drop_request()
        self._wanted = None
        self.clicks.settle(click.click_id for click in prompt.clicks)
        self.changed.emit()

    def want(self, prompt: Prompt) -> None:
        """Ask for an answer: now, or once `release` or `run_now` says so."""
        self._wanted = prompt
        self.clicks.wait(click.click_id for click in prompt.clicks)
        if self.auto_run and not self._held and not self._unusable:
            self.run_now()
        else:
            self._drop_request()  # an answer to fewer clicks would only flicker by
            if not self._held:
                self.engine_text = "Clicks wait for Run Now (Enter)"
        self.changed.emit()

    def hold(self) -> None:
        """Gather clicks until `release`."""
        self._held = True
        self.engine_text = "Gathering clicks until the key is let go"
        self.changed.emit()

    @property
    def held(self) -> bool:
        """Whether clicks are being gathered."""
        return self._held

    def release(self) -> None:
        """Ask once for all clicks gathered."""
        if not self._held:
            return
        self._held = False
        self.engine_text = "Ready"
        if self.auto_run and self._wanted is not None:
            self.run_now()
        self.changed.emit()

    def run_now(self) -> bool:
        """Ask at once; return whether there was anything to ask.

        An engine that could not be loaded is tried again first.
        """
        if self._asset_id is None or self._wanted is None:
            return False
        if self._unusable:
            self.use(*self._use)
        ids = [click.click_id for click in self._wanted.clicks]
        self._generation = self._session.request(self._asset_id, self._wanted)
        self._started = time.perf_counter()
        self._activity.add("request")
        self.clicks.request(ids, self._generation)
        self._timer.start()
        self.changed.emit()
        return True

    def cancel(self) -> None:
        """Stop what the engine does for the asset; the clicks then wait."""
        if self._asset_id is not None:
            self._session.cancel(self._asset_id)

    def do_aside(self, aside: Aside | None) -> None:
        """Have something done with the asset while nothing is asked; None ends that."""
        if self._asset_id is not None:
            self._session.do_aside(self._asset_id, aside)

    def close(self) -> None:
        """Stop listening and forget the asset."""
        self._bridge.close()
        self._timer.stop()
        self.close_asset()

    # What the session says ------------------------------------------------------------------

    def _on_event(self, event: EngineEvent) -> None:
        if event.asset_id not in (None, self._asset_id):
            return
        if event.generation and event.generation != self._generation:
            return  # stale: a newer request was made, or the answer is known already
        getattr(self, f"_on_{event.kind}")(event)
        self.changed.emit()

    def _on_loading(self, event: EngineEvent) -> None:
        self._activity.add("loading")
        self.engine_text = event.message.capitalize() or "Loading the engine"

    def _on_ready(self, event: EngineEvent) -> None:
        self._activity.discard("loading")
        self.engine_text = event.message or "Ready"

    def _on_encoding(self, event: EngineEvent) -> None:
        self._activity.add("encoding")
        words = event.message.capitalize() or "Encoding"
        self.engine_text = f"{words} {event.fraction:.0%}"

    def _on_encoded(self, event: EngineEvent) -> None:
        self._activity.discard("encoding")
        seconds = event.milliseconds / 1000
        self.engine_text = f"Encoded in {seconds:.1f} s" if seconds >= 0.1 else "Ready"

    def _on_queued(self, event: EngineEvent) -> None:
        if not self._activity & {"loading", "encoding"}:
            self.engine_text = "Queued"

    def _on_running(self, event: EngineEvent) -> None:
        self.fraction = event.fraction
        if event.fraction:
            words = event.message.capitalize() or "Running"
            self.engine_text = f"{words} {event.fraction:.0%}"
            return
        self._started = time.perf_counter()
        self.clicks.advance(event.generation, Phase.RUNNING, 0.0)
        self.engine_text = "Running"

    def _on_done(self, event: EngineEvent) -> None:
        self.clicks.advance(event.generation, Phase.DONE, event.milliseconds)
        self.last_milliseconds = event.milliseconds
        self.engine_text = f"Done in {event.milliseconds:.0f} ms"
        self._wanted = None
        self._forget_request()
        self.answered.emit(event)

    def _on_failed(self, event: EngineEvent) -> None:
        self._activity.clear()
        # The session keeps the engine before; its answers would pass for this one's.
        self._unusable = self._unusable or event.asset_id is None
        error = event.error or AnnotatorError(event.message or "The engine failed.")
        self.clicks.advance(self._generation, Phase.FAILED, 0.0)
        self._drop_request()
        self.engine_text = "Failed"
        kept = self._kept if self._wanted else ""
        self.failed.emit(error.message, f"{error.remedy} {kept}".strip())

    def _on_cancelled(self, event: EngineEvent) -> None:
        self._activity.discard("encoding")
        self._wait_again()
        self.engine_text = "Stopped"

    def _on_dropped(self, event: EngineEvent) -> None:
        """Do nothing: only requests that were replaced are dropped, and those are stale here."""

    def _wait_again(self) -> None:
        self._forget_request()
        if self._wanted is not None:
            self.clicks.wait(click.click_id for click in self._wanted.clicks)

    def _drop_request(self) -> None:
        """Forget the request, and spare the session the work."""
        if self.pending and self._asset_id is not None:
            self._session.cancel(self._asset_id)
        self._forget_request()

    def _forget_request(self) -> None:
        self._generation = 0
        self._activity.discard("request")
        self._timer.stop()

    def _tick(self) -> None:
        elapsed = (time.perf_counter() - self._started) * 1000
        self.clicks.advance_running(self._generation, elapsed)
        self.changed.emit()
