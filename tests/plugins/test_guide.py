"""docs/plugins.md works as printed: its commands and files, in their order."""

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import annotator
from annotator.cli.main import main
from annotator.domain import PointCloud
from annotator.engine.checks import check_plugin
from annotator.engine.contract import prompt_in, prompt_on
from annotator.engine.registry import PluginRegistry
from annotator.engine.requirements import unmet
from annotator.engine.warmup import sample_image
from tests.engine.helpers import click_prompt

ROOT = Path(annotator.__file__).parents[1]
GUIDE = ROOT / "docs" / "plugins.md"
EXAMPLES = ROOT / "plugins" / "examples"


def blocks():
    """Return (language, text) of every fenced block of the guide."""
    return re.findall(r"```(\w+)\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.S)


def run(line):
    words = shlex.split(line)
    if words[0] == "pytest":
        code = f"import sys; sys.path[:] = {sys.path!r}; import pytest; "
        code += f"sys.exit(pytest.main(['-q', '-p', 'no:cacheprovider', *{words[1:]!r}]))"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
    else:
        assert words[0] == "annotator"
        try:
            status = main(words[1:])
        except SystemExit as leaving:  # typer's own way out
            status = leaving.code
        assert not status, line


@pytest.mark.slow
def test_the_guide_works_as_printed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(EXAMPLES, tmp_path / "plugins" / "examples")
    xyz = np.random.default_rng(0).uniform(0, 2, (500, 3)).astype(np.float32)
    np.savez("scan.npz", xyz=xyz)
    clicks = [
        {"position": [0.5, 0.5, 0.5], "object": 1},
        {"position": [1.8, 1.8, 1.8], "object": 2},
    ]
    Path("clicks.json").write_text(json.dumps({"clicks": clicks}))
    files = {"toml": "plugin.toml", "python": "adapter.py"}
    (tmp_path / "mine").mkdir()
    commands = 0
    for language, text in blocks():
        if language in files:
            (tmp_path / "mine" / files[language]).write_text(text)
        else:
            for line in text.strip().splitlines():
                if "onnx" in line and unmet(["onnxruntime | onnxruntime-gpu"]):
                    continue
                run(line)
                commands += 1
    assert commands >= 10
    assert (tmp_path / "labels.npz").exists()


@pytest.mark.parametrize("name", sorted(path.name for path in EXAMPLES.iterdir()))
def test_an_example_passes_its_check(name):
    if name == "onnx_only" and unmet(["onnxruntime | onnxruntime-gpu"]):
        pytest.skip("onnxruntime is not installed")
    findings = check_plugin(EXAMPLES / name)
    assert {f.severity for f in findings} == {"ok"}, [f for f in findings if f.severity != "ok"]


def test_examples_are_not_among_the_applications_engines():
    assert not {"own-network", "onnx-only", "region-growing"} & set(
        PluginRegistry.discover().entries
    )


def test_the_network_example_has_sixty_lines_and_finds_a_disc():
    text = (EXAMPLES / "own_network" / "adapter.py").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 60
    engine = PluginRegistry.discover([EXAMPLES / "own_network"], disk=False).open("own-network")
    image = sample_image(56, 64)
    disc = image.rgb[..., 0] > 100
    assert iou(engine, image, disc) > 0.7


def test_the_onnx_example_finds_a_disc():
    if unmet(["onnxruntime | onnxruntime-gpu"]):
        pytest.skip("onnxruntime is not installed")
    assert not list((EXAMPLES / "onnx_only").glob("adapter*"))
    engine = PluginRegistry.discover([EXAMPLES / "onnx_only"], disk=False).open("onnx-only")
    image = sample_image(56, 64)
    assert iou(engine, image, image.rgb[..., 0] > 100) > 0.7


def iou(engine, image, truth):
    prompt = prompt_in((32.0, 28.0, 1), (4.0, 4.0, 0))
    found = engine.predict(engine.encode(image), prompt).labels == 1
    return (found & truth).sum() / (found | truth).sum()


def test_regions_stop_at_edges_of_colour_and_surface():
    u, v = np.meshgrid(np.linspace(0, 1, 30), np.linspace(0, 1, 30))
    flat = np.stack([u.ravel(), v.ravel(), np.zeros(u.size)], 1)
    wall = np.stack([np.ones(u.size), v.ravel(), u.ravel() + 1 / 29], 1)
    xyz = np.concatenate([flat, wall]).astype(np.float32)
    red = flat[:, 1] > 0.5
    rgb = np.full((len(xyz), 3), 120, np.uint8)
    rgb[:900][red] = (220, 30, 30)
    cloud = PointCloud(xyz, rgb=rgb)
    truth = np.concatenate([np.where(red, 2, 1), np.full(900, 3)])
    seeds = [45, 525, 1375]  # not in the middles, where distance alone would do
    prompt = prompt_on(cloud, *[(row, int(truth[row])) for row in seeds])
    registry = PluginRegistry.discover([EXAMPLES / "region_growing"], disk=False)
    engine = registry.open("region-growing")
    labels = engine.predict(engine.encode(cloud), prompt).labels
    blind = registry.open("region-growing", parameters={"colour_weight": 0, "normal_weight": 0})
    by_distance = blind.predict(blind.encode(cloud), prompt).labels
    assert (labels == truth).mean() > 0.85
    assert (labels == truth).mean() > (by_distance == truth).mean() + 0.05
    near = registry.open("region-growing", parameters={"reach": 0.1})
    labels = near.predict(near.encode(cloud), prompt).labels
    assert 0 < (labels > 0).sum() < 200
    assert not engine.predict(engine.encode(cloud), click_prompt()).labels.any()
