"""Watches the event loop: how long the window did not listen, and what it did meanwhile."""

import sys
import threading
import time
import traceback

from PySide6.QtCore import QTimer

BUDGET_MS = 50.0
_LOOK_EVERY_S = 0.005


class Watchdog:
    """Notes every turn of the event loop above a budget, with where the GUI thread was.

    Use as a context manager around anything that runs the event loop.

    Attributes:
        turns: (milliseconds, processor milliseconds of the thread, innermost lines) of each
            long turn, in order.
    """

    def __init__(self, budget_ms=BUDGET_MS):
        self.turns = []
        self.longest = self.work = 0.0
        self._budget = budget_ms
        self._beat, self._busy = time.perf_counter(), time.thread_time()
        self._thread = threading.get_ident()
        self._stacks = {}
        self._over = threading.Event()
        self._timer = QTimer(interval=0)
        self._timer.timeout.connect(self._tick)
        self._looker = threading.Thread(target=self._look, daemon=True)

    def __enter__(self):
        self._beat, self._busy = time.perf_counter(), time.thread_time()
        self._timer.start()
        self._looker.start()
        return self

    def __exit__(self, *_):
        self._tick()
        self._timer.stop()
        self._over.set()
        self._looker.join()

    def _tick(self):
        now, busy = time.perf_counter(), time.thread_time()
        took = (now - self._beat) * 1000
        work = (busy - self._busy) * 1000
        self.longest, self.work = max(self.longest, took), max(self.work, work)
        if took > self._budget:
            seen = self._stacks.get(self._beat, {})
            self.turns.append((took, work, sorted(seen.items(), key=lambda item: -item[1])[:4]))
        self._stacks.clear()
        self._beat, self._busy = now, busy

    def _look(self):
        while not self._over.wait(_LOOK_EVERY_S):
            beat = self._beat
            if (time.perf_counter() - beat) * 1000 > 15:
                frame = sys._current_frames().get(self._thread)
                where = " < ".join(
                    f"{f.name}:{f.lineno}" for f in reversed(traceback.extract_stack(frame)[-6:])
                )
                places = self._stacks.setdefault(beat, {})
                places[where] = places.get(where, 0) + 1

    def say(self, name):
        """Print the longest turn as a ratio of the budget, and what the long ones did."""
        print(  # noqa: T201
            f"\n{name}: longest turn {self.longest:.0f} ms = {self.longest / self._budget:.2f} of "
            f"{self._budget:.0f} ms (processor {self.work:.0f} ms), {len(self.turns)} above"
        )
        for took, work, places in self.turns:
            print(f"  {took:.0f} ms, processor {work:.0f} ms")  # noqa: T201
            for where, count in places:
                print(f"    {count:3} x {where}")  # noqa: T201
