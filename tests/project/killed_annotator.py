"""A person annotating, to be killed: forks one process a request, cheaply.

Reads "path seed" lines from stdin. Each forked child prints its process id, opens or
creates the project, works at random until killed, and prints one line for every
action once it is committed. Imports nothing but domain and project.
"""

import hashlib
import json
import os
import random
import sys
from pathlib import Path

import numpy as np

from annotator.domain import Mask
from annotator.project import Project


def say(**words) -> None:
    os.write(1, (json.dumps(words) + "\n").encode())


def annotate(path: Path, seed: int) -> None:
    say(pid=os.getpid())
    project = Project.open(path) if path.exists() else Project.create(path)
    if not project.document.assets:
        project.add_asset(path.parent / "scan.ply", "cloud", "content", 1000)
    chance = random.Random(seed)
    while True:
        # Short enough for one atomic write to the pipe.
        say(seq=project.last_seq, state=state(project))
        act(project, chance)


def act(project: Project, chance: random.Random) -> None:
    asset = project.document.assets[1]
    kind = chance.random()
    if kind < 0.55 or not asset.clicks:
        place = [chance.uniform(-5, 5) for _ in range(3)]
        project.add_click(1, place, chance.randrange(4), index=chance.randrange(1000))
    elif kind < 0.65:
        project.undo()
    elif kind < 0.72:
        project.redo()
    elif kind < 0.82:
        click = chance.choice(asset.clicks)
        project.move_click(1, click.click_id, [chance.random() for _ in range(3)], 3)
    elif kind < 0.87:
        project.remove_click(1, chance.choice(asset.clicks).click_id)
    elif kind < 0.93:
        project.paint(1, [chance.randrange(1000) for _ in range(20)], 1)
    else:
        labels = np.full(1000, chance.randrange(4), np.int32)
        project.store_result(1, asset.prompt(), Mask(labels))


def state(project: Project) -> str:
    """Return a digest of everything annotated."""
    asset = project.document.assets[1]
    objects = sorted(asset.objects.items())
    return hashlib.sha256(repr((asset.clicks, objects, asset.edits)).encode()).hexdigest()


def serve() -> None:
    for line in sys.stdin:
        path, seed = line.rsplit(" ", 1)
        child = os.fork()
        if child == 0:
            annotate(Path(path), int(seed))
        _, status = os.waitpid(child, 0)
        say(ended=status)


if __name__ == "__main__":
    serve()
