"""What several engine tests share: the example plugin, an event recorder, a plugin writer."""

import textwrap
import threading
from pathlib import Path

import numpy as np

from annotator.domain import Click, PointCloud, Prompt
from annotator.engine.registry import PluginRegistry

NEAREST_CLICK = Path(__file__).parents[1] / "plugins" / "fixtures" / "nearest_click"
WAIT = 20.0

MINIMAL_MANIFEST = """
api = 1
id = "tiny"
version = "1.0"
title = "Tiny"
kind = "scene"
target = "adapter:create"
"""

MINIMAL_ADAPTER = """
import numpy as np
from annotator.domain import Mask


class Tiny:
    def encode(self, asset, *, progress=None, cancel=None):
        return len(asset)

    def predict(self, encoding, prompt, *, cancel=None):
        return Mask(np.ones(encoding, np.int32))

    def close(self):
        pass


def create(context):
    return Tiny()
"""


def write_plugin(folder, manifest=MINIMAL_MANIFEST, adapter=MINIMAL_ADAPTER):
    """Write a plugin folder and return it."""
    folder.mkdir(parents=True)
    (folder / "plugin.toml").write_text(textwrap.dedent(manifest))
    if adapter is not None:
        (folder / "adapter.py").write_text(textwrap.dedent(adapter))
    return folder


def line_cloud(points=10, name="line"):
    """Return points one metre apart on the x axis."""
    xyz = np.zeros((points, 3), np.float32)
    xyz[:, 0] = np.arange(points)
    return PointCloud(xyz, name=name)


def click_prompt(*rows_and_objects):
    """Return a prompt of clicks on a `line_cloud`: pairs of row and object."""
    return Prompt.from_clicks(
        [
            Click((float(row), 0.0, 0.0), object_id, order, index=row, click_id=order + 1)
            for order, (row, object_id) in enumerate(rows_and_objects)
        ]
    )


def nearest_click_registry(**options):
    """Return a registry with the example plugin."""
    return PluginRegistry.discover(extra_folders=[NEAREST_CLICK], **options)


class Recorder:
    """Collects events and waits for some."""

    def __init__(self, session):
        self.events = []
        self._condition = threading.Condition()
        session.events.connect(self._take)

    def _take(self, event):
        with self._condition:
            self.events.append(event)
            self._condition.notify_all()

    def wait(self, *kinds, count=1, **fields):
        """Return the first matching event once `count` matching ones have come."""

        def matching():
            return [
                e
                for e in self.events
                if e.kind in kinds and all(getattr(e, k) == v for k, v in fields.items())
            ]

        with self._condition:
            arrived = self._condition.wait_for(lambda: len(matching()) >= count, WAIT)
            assert arrived, (
                f"no {kinds} {fields} among {[(e.kind, e.generation) for e in self.events]}"
            )
            return matching()[0]

    def kinds(self, **fields):
        """Return the kinds of the events whose fields match, in order."""
        with self._condition:
            return [
                e.kind for e in self.events if all(getattr(e, k) == v for k, v in fields.items())
            ]
