"""Parity once more on CUDA, and what half precision changes."""

import pytest
import torch

from models.agile3d import Agile3D, load_state
from models.sparse import SparseConv, SparseTensor, VoxelLevel
from tests.models.parity import golden, weights

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]

CASES = [("A", s) for s in ("c1", "c7", "c10", "c7t", "o8c13")] + [
    ("B", s) for s in ("c1", "c7", "c10")
]
FEATURES = {"A": (1e-5, 2e-5), "B": (1e-4, 2e-5)}


@pytest.fixture(scope="module")
def network() -> Agile3D:
    model = Agile3D().eval()
    load_state(model, weights())
    return model.cuda()


def scene_on_gpu(scene: str, dtype: torch.dtype) -> list[torch.Tensor]:
    data = golden(f"scene{scene}_input.npz")
    coords, rgb, xyz = (
        torch.from_numpy(data[k]).cuda()
        for k in ("voxel_coords", "voxel_feats", "voxel_raw_coords")
    )
    return [coords, rgb.to(dtype), xyz]


def logits_on_gpu(network: Agile3D, scene: str, clicks: str, dtype=torch.float32) -> torch.Tensor:
    data = golden(f"scene{scene}_clicks_{clicks}.npz")
    prompt = [torch.from_numpy(data[f"click_{k}"]).cuda() for k in ("voxel", "object", "time")]
    with torch.inference_mode():
        encoding = network.encode(*scene_on_gpu(scene, dtype))
        return network.decode(encoding, *prompt, int(data["n_objects"])).float().cpu()


@pytest.mark.parametrize("scene", ["A", "B"])
def test_scene_features_on_cuda_equal_the_official_ones(network, scene):
    want = golden(f"scene{scene}_backbone.npz")
    with torch.inference_mode():
        have = network.encode(*scene_on_gpu(scene, torch.float32)).features.cpu()
    atol, rtol = FEATURES[scene]
    torch.testing.assert_close(
        have[want["rows"]], torch.from_numpy(want["pcd_features"]), atol=atol, rtol=rtol
    )


@pytest.mark.parametrize(("scene", "clicks"), CASES)
def test_logits_on_cuda_equal_the_official_ones(network, scene, clicks):
    want = golden(f"scene{scene}_clicks_{clicks}.npz")
    have = logits_on_gpu(network, scene, clicks)
    torch.testing.assert_close(have, torch.from_numpy(want["logits"]), atol=1e-4, rtol=0)
    assert (have.argmax(1).numpy() == want["labels_argmax"]).all()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize(("scene", "clicks"), CASES)
def test_half_precision_changes_few_labels(scene, clicks, dtype, capsys):
    model = Agile3D().eval()
    load_state(model, weights())
    have = logits_on_gpu(model.cuda().to(dtype), scene, clicks, dtype)
    want = golden(f"scene{scene}_clicks_{clicks}.npz")["labels_argmax"]
    agreement = float((have.argmax(1).numpy() == want).mean())
    with capsys.disabled():
        print(f"\n{dtype} scene {scene} {clicks}: {agreement:.4%} of the labels as in float32")  # noqa: T201
    assert torch.isfinite(have).all()
    assert agreement > 0.9


def test_gradients_on_cuda_equal_those_on_the_cpu():
    data = golden("me_ops.npz")
    coords, features = torch.from_numpy(data["x_coords"]), torch.from_numpy(data["x_feats"])
    features = features.repeat(1, 3)
    torch.manual_seed(0)
    layer = SparseConv(features.shape[1], 6, kernel_size=3)
    grads = []
    for device in ("cpu", "cuda"):
        layer = layer.to(device).requires_grad_()
        layer.zero_grad()
        x = features.to(device).requires_grad_()
        layer(SparseTensor(x, VoxelLevel(coords.to(device)))).features.square().sum().backward()
        grads.append((x.grad.cpu(), layer.kernel.grad.cpu()))
    for a, b in zip(*grads, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-4)
