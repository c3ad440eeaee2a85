"""What the tests of workers share: engines in and out of process, deaths at will."""

import os
import signal
import time
from contextlib import contextmanager

from annotator.engine.registry import PluginRegistry
from tests.engine.helpers import NEAREST_CLICK


@contextmanager
def opened(ref="nearest-click", folders=(NEAREST_CLICK,), isolation="process", **options):
    """Open an engine and close it in the end."""
    engine = PluginRegistry.discover(list(folders), disk=False).open(
        ref, isolation=isolation, **options
    )
    try:
        yield engine
    finally:
        engine.close()


def process_of(engine):
    """Return the operating system's number of an engine's worker, once there is one."""
    wait_until(lambda: engine.engine.worker is not None)
    return engine.engine.worker._link.process.pid


def kill(engine):
    """End an engine's worker as the system would."""
    os.kill(process_of(engine), signal.SIGKILL)


def wait_until(condition, seconds=20.0):
    """Wait for something that other threads bring about."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.005)
