"""Must-show: a process killed at random moments loses nothing that it acknowledged."""

import json
import os
import random
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from annotator.project import Project
from tests.project.killed_annotator import state

KILLS = 200
PROJECTS = 20  # each is killed ten times, so that recoveries are killed too

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL"),
]


class Annotators:
    """The forking server and its line-by-line answers."""

    def __init__(self):
        root = Path(__file__).parents[2]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.project.killed_annotator"],
            cwd=root,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
        )
        self._buffer = b""

    def start(self, path, seed):
        self.process.stdin.write(f"{path} {seed}\n".encode())
        return self.line(timeout=60)["pid"]

    def line(self, timeout):
        """Return the next answer, or None if there is none in time."""
        end = time.monotonic() + timeout
        while b"\n" not in self._buffer:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                return None
            data = os.read(self.process.stdout.fileno(), 65536)
            assert data, "the annotator server died"
            self._buffer += data
        line, self._buffer = self._buffer.split(b"\n", 1)
        return json.loads(line)

    def answers_until_death(self):
        answers = []
        while True:
            answer = self.line(timeout=60)
            assert answer is not None, "no answer from the server"
            if "ended" in answer:
                assert answer["ended"] == signal.SIGKILL, "it died by itself"
                return answers
            answers.append(answer)

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(timeout=30)


@pytest.fixture
def annotators():
    server = Annotators()
    yield server
    server.close()


def kill_once(annotators, path, chance):
    """Let a child work for a random while, kill it, return its acknowledged answers."""
    pid = annotators.start(path, chance.randrange(10**9))
    answers = []
    if chance.random() < 0.3:
        # Anywhere, mostly while the project is created, opened or recovered.
        time.sleep(chance.uniform(0.0, 0.08))
    else:
        # Within the commit that follows one of the next acknowledgements.
        answers += [annotators.line(timeout=60) for _ in range(chance.randrange(1, 14))]
        time.sleep(chance.uniform(0.0, 0.004))
    os.kill(pid, signal.SIGKILL)
    return answers + annotators.answers_until_death()


def test_no_acknowledged_click_is_lost_in_200_kills(annotators, tmp_path):
    chance = random.Random(20)
    acknowledged = kills_in_work = 0
    for number in range(PROJECTS):
        path = tmp_path / f"p{number}.annot"
        promised = set()
        for _ in range(KILLS // PROJECTS):
            answers = kill_once(annotators, path, chance)
            acknowledged += len(answers)
            kills_in_work += len(answers) > 1
            if not path.exists():
                assert not answers, "a project acknowledged but not there"
                continue
            promised |= {answer["seq"] for answer in answers} - {0}
            check(path, answers, promised)
        with Project.open(path) as project:
            assert project.recovered is not None
    # The machine may be slow, but then too most kills must have hit a person at work.
    assert kills_in_work > KILLS / 2
    assert acknowledged > 2 * KILLS


def check(path, answers, promised):
    """Compare the file with what the killed process had told."""
    with Project.open(path, read_only=True) as project:
        assert promised <= {row.seq for row in project.log()}
        if not answers:
            return
        last = answers[-1]
        # At most the one action that was under way may be there in addition.
        assert last["seq"] <= project.last_seq <= last["seq"] + 1
        if project.last_seq == last["seq"]:
            assert state(project) == last["state"]
