"""Runs whose processes are killed at any moment end like runs that nobody disturbed."""

import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.robustness.conftest import FIXTURES
from tests.robustness.records_for_tests import write_photos

ROOT = Path(__file__).resolve().parents[3]

KILLER = """
import os, random, sys, time
from annotator.cli.main import main
import annotator.robustness.runs.running, annotator.robustness.datasets

folder, seed, kills, arguments = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:]
chance, killed = random.Random(seed), 0


def written():
    return sum(len(files) for _, _, files in os.walk(folder + "/records"))


while killed < kills:
    wanted = written() + chance.randrange(3)
    child = os.fork()
    if child == 0:
        os._exit(main([*arguments, "-o", folder]))
    while written() < wanted and not os.waitpid(child, os.WNOHANG)[0]:
        time.sleep(0.001)
    time.sleep(chance.uniform(0, 0.1))
    os.kill(child, 9)
    os.waitpid(child, 0)
    killed += 1
print(killed, written())
"""


def contents(folder):
    return {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def command(photos):
    return [
        "robustness", "run", "--dataset", str(photos), "--plugins", "flood-fill", "--clicks", "3",
        "--mode", "exhaustive,ours", "--stride", "6", "--evaluations", "20",
    ]  # fmt: skip


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes that can be forked")
def test_a_run_killed_twenty_times_at_random_equals_an_undisturbed_one(run, tmp_path):
    photos = write_photos(tmp_path / "photos", tuple(f"photo{n:02}" for n in range(24)))
    broken, whole = tmp_path / "broken", tmp_path / "whole"
    seed = random.randrange(10**6)
    done = subprocess.run(
        [sys.executable, "-c", KILLER, str(broken), str(seed), "20", *command(photos)],
        cwd=ROOT, capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    killed, written = map(int, done.stdout.split()[-2:])
    assert killed == 20, (seed, done.stdout)
    assert written < 48, seed
    assert run(*command(photos), "-o", broken)[0] == 0
    assert run(*command(photos), "-o", whole)[0] == 0
    assert contents(broken / "records") == contents(whole / "records"), seed
    assert (broken / "run.json").read_bytes() == (whole / "run.json").read_bytes()
    assert len(contents(whole / "records")) == 48
    assert not [path for path in broken.rglob("*") if path.name.endswith(".part")]


DIES_ONCE = """
    def predict(self, encoding, prompt, *, cancel=None):
        import os
        from pathlib import Path

        marker = Path(os.environ["ANNOTATOR_HOME"]) / "died"
        if len(prompt.clicks) == 2:
            try:
                os.close(os.open(marker, os.O_CREAT | os.O_EXCL))
            except FileExistsError:
                pass
            else:
                os.kill(os.getpid(), 9)
        return self.answer(encoding, prompt, cancel=cancel)

    def answer("""


@pytest.fixture
def mortal(home):
    """Install an engine that kills its own process once, in the middle of a sample."""
    from annotator.engine.paths import user_data
    from annotator.engine.trust import trust

    folder = user_data("plugins") / "mortal"
    shutil.copytree(FIXTURES / "flood_fill", folder)
    manifest = folder / "plugin.toml"
    manifest.write_text(manifest.read_text().replace('id = "flood-fill"', 'id = "mortal"'))
    adapter = folder / "adapter.py"
    text = adapter.read_text().replace("\n    def predict(", DIES_ONCE, 1)
    assert "os.kill" in text
    adapter.write_text(text)
    trust(folder)
    return home


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_run_on_ray_whose_worker_is_killed_equals_a_local_one(run, mortal, tmp_path):
    pytest.importorskip("ray")
    photos = write_photos(tmp_path / "photos", ("one", "two", "three", "four"))
    arguments = [
        "robustness", "run", "--dataset", photos, "--plugins", "mortal", "--clicks", 3,
        "--mode", "exhaustive", "--stride", 8,
    ]  # fmt: skip
    (mortal / "died").touch()
    assert run(*arguments, "-o", tmp_path / "local")[0] == 0
    (mortal / "died").unlink()
    status, out, err = run(*arguments, "-o", tmp_path / "ray", "--cluster", "--workers", 2)
    assert (status, "4 records written" in out) == (0, True), out + err
    assert (mortal / "died").exists()
    assert contents(tmp_path / "ray" / "records") == contents(tmp_path / "local" / "records")
    assert (tmp_path / "ray" / "run.json").read_bytes() == (
        tmp_path / "local" / "run.json"
    ).read_bytes()


def test_a_worker_with_other_weights_or_versions_is_refused():
    from annotator.domain import AnnotatorError
    from annotator.robustness.runs.cluster import require_equal
    from annotator.robustness.runs.manifest import versions
    from tests.robustness.records_for_tests import make_manifest

    facts = make_manifest().plugins["toy"]
    require_equal(facts, facts, {"versions": versions()})
    other = facts.model_copy(update={"weights": {"w": "1" * 64}})
    with pytest.raises(AnnotatorError, match="weights differ"):
        require_equal(facts, other, {"versions": versions()})
    with pytest.raises(AnnotatorError, match="torch differ"):
        require_equal(facts, facts, {"versions": {**versions(), "torch": "1.0"}})
