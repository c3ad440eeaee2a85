"""Encoding what comes next gives way to what is looked at, and is taken over."""

import threading

import numpy as np
import pytest

from annotator.domain import Click, Image, Prompt
from annotator.engine.registry import PluginRegistry
from annotator.engine.session import EngineSession

PLUGIN = """
api = 1
id = "slow-photos"
version = "1"
title = "Slow photos"
licence = "MIT"
kind = "image"
target = "adapter:create"
"""
ADAPTER = """
import time
import numpy as np
from annotator.domain import Mask

class Slow:
    def encode(self, asset, *, progress, cancel=None):
        for _ in range(200 if asset.name == "slow" else 1):
            if cancel is not None:
                cancel.check()
            time.sleep(0.005)
        return asset.rgb.shape[:2]

    def predict(self, encoding, prompt, *, cancel=None):
        return Mask(np.ones(encoding, np.int32))

    def close(self):
        pass

def create(context):
    return Slow()
"""


def photo(name, value):
    return Image(np.full((8, 9, 3), value, np.uint8), name=name)


@pytest.fixture
def session(tmp_path):
    folder = tmp_path / "slow"
    folder.mkdir()
    (folder / "plugin.toml").write_text(PLUGIN)
    (folder / "adapter.py").write_text(ADAPTER)
    session = EngineSession(PluginRegistry.discover([folder], disk=False), device="cpu")
    seen, changed = [], threading.Condition()

    def note(event):
        with changed:
            seen.append((event.kind, event.asset_id))
            changed.notify_all()

    def wait(*wanted, timeout=10):
        with changed:
            assert changed.wait_for(lambda: wanted in seen, timeout), seen

    session.events.connect(note)
    session.wait, session.seen = wait, seen
    session.use("slow-photos")
    session.wait("ready", None)
    yield session
    session.close()


def test_a_click_interrupts_what_is_encoded_ahead_which_then_goes_on(session):
    session.open_asset(1, photo("quick", 1))
    session.wait("encoded", 1)
    session.open_asset(-1, photo("slow", 2), ahead=True)
    session.wait("encoding", -1)
    session.request(1, Prompt.from_clicks([Click((1.0, 1.0), 1)]))
    session.wait("done", 1)
    assert ("encoded", -1) not in session.seen
    session.wait("encoded", -1)


def test_opening_what_is_encoded_ahead_takes_it_over(session):
    session.open_asset(-1, photo("next", 3), ahead=True)
    session.wait("encoded", -1)
    session.open_asset(2, photo("next", 3))
    session.request(2, Prompt.from_clicks([Click((1.0, 1.0), 1)]))
    session.wait("done", 2)
    assert ("encoding", 2) not in session.seen
    session.close_asset(-1)


def test_opening_another_asset_is_not_held_up(session):
    session.open_asset(-1, photo("slow", 4), ahead=True)
    session.wait("encoding", -1)
    session.open_asset(3, photo("other", 5))
    session.wait("encoded", 3)
    assert ("encoded", -1) not in session.seen
