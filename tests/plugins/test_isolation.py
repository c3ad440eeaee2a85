"""Every built-in plugin answers in a worker exactly as it answers in the application."""

import shutil
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
import torch

from annotator.domain import AnnotatorError, Prompt, Region
from annotator.engine.api import DifferentiableClicks
from annotator.engine.contract import prompt_in, prompt_on
from annotator.engine.placement import change_settings
from annotator.engine.registry import PluginRegistry
from annotator.engine.warmup import sample_cloud, sample_image, sample_task
from annotator.testing import contract_cases
from tests.engine.workers import kill, process_of, wait_until
from tests.plugins.sam_networks import FOLDER as SAM
from tests.plugins.sam_networks import SIDE, install_tiny
from tests.plugins.test_onnx_pair import own_pair  # noqa: F401 - a fixture
from tests.plugins.weights import (
    install_click_weights,
    install_random_weights,
    tiny_click_network,
)

FIXTURES = Path(__file__).parent / "fixtures"


def prompts_of(manifest):
    """Return an asset of the plugin's kind and prompts that grow click by click."""
    asset, prompt = sample_task(manifest.kind)
    if manifest.kind == "scene":
        cloud = sample_cloud()
        clicks = [(0, 1), (399, 2), (50, 0), (210, 2)]
        return cloud, [prompt_on(cloud, *clicks[:n]) for n in range(5)]
    if manifest.kind == "image":
        clicks = [(32.0, 28.0, 1), (4.0, 4.0, 0), (30.0, 20.0, 1)]
        return sample_image(), [prompt_in(*clicks[:n]) for n in range(4)]
    mask = np.zeros((56, 64), bool)
    mask[10:46, 8:56] = True
    region = Region(1, mask, arrow=(2.0, -1.0), strength=0.8)
    told = [Prompt(object_ids=(1,), words=((1, w),), regions=(region,)) for w in ("flows", "sways")]
    return asset, [Prompt(), prompt, *told]


def equal(first, second):
    if type(first) is not type(second):
        return False
    if isinstance(first, np.ndarray):
        return first.dtype == second.dtype and np.array_equal(first, second)
    if hasattr(first, "__dataclass_fields__"):
        return all(equal(getattr(first, f.name), getattr(second, f.name)) for f in fields(first))
    if isinstance(first, tuple):
        return all(equal(a, b) for a, b in zip(first, second, strict=True))
    return first == second


TINY_SAM = f"""

from functools import partial

from segment_anything import modeling


def build_network(variant):
    encoder = modeling.ImageEncoderViT(
        img_size={SIDE}, embed_dim=32, depth=2, num_heads=2, out_chans=32, window_size=4,
        norm_layer=partial(torch.nn.LayerNorm, eps=1e-6), use_rel_pos=True, global_attn_indexes=(1,)
    )
    grid = ({SIDE} // 16,) * 2
    prompts = modeling.PromptEncoder(32, grid, ({SIDE}, {SIDE}), 16)
    decoder = modeling.MaskDecoder(
        transformer=modeling.TwoWayTransformer(depth=2, embedding_dim=32, mlp_dim=32, num_heads=4),
        transformer_dim=32, iou_head_depth=2, iou_head_hidden_dim=16,
    )
    return of_segment_anything.LongestSideNetwork(modeling.Sam(encoder, prompts, decoder).eval())
"""
"""What a worker cannot be monkeypatched with: the plugin's own code around a small network."""


@pytest.fixture
def tiny_sam(tmp_path, monkeypatch):
    """Return a copy of the SAM plugin, of another id, whose network is a small one."""
    install_tiny(monkeypatch, "sam-b")
    folder = shutil.copytree(SAM, tmp_path / "tiny_sam")
    manifest = (folder / "plugin.toml").read_text().replace('id = "sam"', 'id = "tiny-sam"', 1)
    (folder / "plugin.toml").write_text(manifest)
    with (folder / "adapter.py").open("a") as file:
        file.write(TINY_SAM)
    return folder


def check_equal(ref, registry, **parameters):
    """Check that answers are equal here and there, also after the worker died."""
    here, there = (
        registry.open(ref, device="cpu", isolation=isolation, parameters=parameters)
        for isolation in ("inprocess", "process")
    )
    asset, prompts = prompts_of(here.manifest)
    encodings = [engine.encode_uncached(asset) for engine in (here, there)]
    answers = []
    for prompt in prompts:
        results = [e.predict(c, prompt) for e, c in zip((here, there), encodings, strict=True)]
        assert equal(*results)
        answers.append(results[0])
    assert not all(equal(answers[0], answer) for answer in answers[1:])  # clicks do something
    if hasattr(here.engine, "representatives"):
        rows = [e.engine.representatives(c) for e, c in zip((here, there), encodings, strict=True)]
        assert equal(*rows)
    assert vars(here.identity) == vars(there.identity)  # so both share the cached encodings
    kill(there)
    wait_until(lambda: not there.engine.worker.alive)
    assert equal(there.predict(encodings[1], prompts[-1]), answers[-1])
    here.close()
    there.close()


BUILT_IN = {
    "agile3d:compact": {},
    "clickseg:compact": {},
    "clickseg:ritm-h18s": {},
    "followclick": {"frames": 8, "force": True},  # the sample has the colours of fur
    "nearest-click": {},
    "flood-fill": {},
}


@pytest.mark.parametrize("ref", BUILT_IN)
def test_results_in_a_worker_equal_those_in_process(ref):
    install_random_weights("compact")
    install_click_weights("clickseg-compact", tiny_click_network("compact"))
    install_click_weights("ritm-h18s")
    check_equal(ref, PluginRegistry.discover([FIXTURES], disk=False), **BUILT_IN[ref])


def test_results_of_sam_in_a_worker_equal_those_in_process(tiny_sam):
    check_equal("tiny-sam:sam-b", PluginRegistry.discover([tiny_sam], disk=False))


def test_results_of_onnx_files_in_a_worker_equal_those_in_process(own_pair):  # noqa: F811
    check_equal("onnx-pair", PluginRegistry.discover(disk=False), **own_pair)


@pytest.fixture(params=["clickseg:compact", "clickseg:ritm-h18s", "tiny-sam:sam-b"])
def differentiable(request, tiny_sam):
    """Return an engine in process and one in a worker, and what both encoded."""
    install_click_weights("clickseg-compact", tiny_click_network("compact"))
    install_click_weights("ritm-h18s")
    registry = PluginRegistry.discover([tiny_sam], disk=False)
    engines = [
        registry.open(request.param, device="cpu", isolation=isolation)
        for isolation in ("inprocess", "process")
    ]
    yield [(engine, engine.encode_uncached(sample_image())) for engine in engines]
    for engine in engines:
        engine.close()


def slope_at(engine, encoding, meanwhile=lambda: None):
    """Return the map of a click and how a sum over it changes with the click's place."""
    weight = torch.rand(56, 64, generator=torch.Generator().manual_seed(1))
    position = torch.tensor([5.3, 7.6], requires_grad=True)
    moved = 2 * position - 1  # the graph goes on on both sides of the call
    prompt = prompt_in((32.0, 28.0, 1), (4.0, 4.0, 0))
    soft = engine.engine.soft_probability(encoding, prompt, moved)
    meanwhile()
    (soft.square() * weight).sum().backward()
    return soft.detach(), position.grad


def test_gradients_to_clicks_pass_through_a_worker(differentiable):
    (here, own), (there, other) = differentiable
    assert isinstance(there.engine, DifferentiableClicks)
    map_here, slope_here = slope_at(here, own)
    map_there, slope_there = slope_at(there, other)
    assert slope_here.abs().min() > 0
    torch.testing.assert_close(map_there, map_here, rtol=0, atol=0)
    torch.testing.assert_close(slope_there, slope_here, rtol=1e-5, atol=0)

    def die():
        kill(there)
        wait_until(lambda: not there.engine.worker.alive)

    _, of_the_next = slope_at(there, other, die)
    torch.testing.assert_close(of_the_next, slope_there, rtol=1e-5, atol=0)


@pytest.mark.parametrize("differentiable", ["tiny-sam:sam-b"], indirect=True)
def test_refusals_of_gradients_come_through_a_worker_in_words(differentiable):
    engine, encoding = differentiable[1]
    with pytest.raises(AnnotatorError, match="no click"):
        engine.engine.soft_probability(encoding, Prompt(), torch.zeros(2))


def test_progress_of_predictions_comes_through_a_worker():
    registry = PluginRegistry.discover(disk=False)
    heard = []
    engine = registry.open(
        "followclick", isolation="process", parameters={"frames": 8, "force": True}
    )
    asset, prompts = prompts_of(engine.manifest)
    encoding = engine.encode_uncached(asset)
    engine.predict(encoding, prompts[-1], progress=lambda part, words="": heard.append(part))
    engine.close()
    assert heard
    assert heard == sorted(heard)
    assert heard[-1] == 1.0


@pytest.mark.parametrize("case", contract_cases("flood-fill", [FIXTURES]), ids=str)
def test_the_contract_holds_in_a_worker(case):
    case.run(isolation="process")


OLD_NUMPY = "1.26.4"


@pytest.fixture(scope="module")
def old_python(tmp_path_factory):
    """Build a real environment with an older Python, where there is one, and an older numpy."""
    folder = tmp_path_factory.mktemp("old") / "env"
    base = next((p for p in map(_python, ("3.9", "3.10", "3.11")) if p), sys.executable)
    subprocess.run([base, "-m", "venv", folder], check=True)
    python = folder / "bin" / "python"
    done = subprocess.run(
        [python, "-m", "pip", "install", "--quiet", f"numpy=={OLD_NUMPY}"],
        capture_output=True,
        text=True,
    )
    if done.returncode:
        pytest.skip(f"pip reaches no registry: {done.stderr.strip().splitlines()[-1][:200]}")
    return python


def _python(version):
    """Return an interpreter of that version that can build environments; None without one."""
    pyenv = Path.home() / ".pyenv" / "versions"
    known = [shutil.which(f"python{version}"), *pyenv.glob(f"{version}.*/bin/python")]
    for program in filter(None, known):
        done = subprocess.run([program, "-c", "import venv, ensurepip"], capture_output=True)
        if not done.returncode:
            return program
    return None


@pytest.mark.slow
@pytest.mark.parametrize("ref", ["nearest-click", "flood-fill"])
def test_a_plugin_runs_in_an_environment_with_other_versions(old_python, ref):
    change_settings(ref, {"python": str(old_python)})
    registry = PluginRegistry.discover([FIXTURES], disk=False)
    there = registry.open(ref)
    here = registry.open(ref, isolation="inprocess")
    code = "import numpy, sys; print(numpy.__version__, *sys.version_info[:2])"
    versions = subprocess.run([old_python, "-c", code], capture_output=True, text=True).stdout
    assert versions.split()[0] == OLD_NUMPY != np.__version__
    assert Path(f"/proc/{process_of(there)}/cmdline").read_text().startswith(str(old_python))
    asset, prompts = prompts_of(here.manifest)
    encodings = [engine.encode_uncached(asset) for engine in (here, there)]
    for prompt in prompts:
        one, other = (e.predict(c, prompt) for e, c in zip((here, there), encodings, strict=True))
        assert np.array_equal(one.labels, other.labels)
        for name in ("confidence", "probability"):
            if getattr(one, name) is not None:  # exp and sqrt may differ in the last bit
                np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=1e-6)
    here.close()
    there.close()
