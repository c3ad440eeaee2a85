"""Tiny networks of the SAM packages with random weights, in place of the published sizes."""

import importlib
import warnings
from functools import partial
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

import annotator
from annotator.engine.loader import load_factory
from annotator.engine.manifest import read_manifest
from annotator.engine.registry import PluginRegistry
from annotator.engine.requirements import unmet_by
from annotator.engine.store import user_weights

FOLDER = Path(annotator.__file__).parents[1] / "plugins" / "sam"
MANIFEST = read_manifest(FOLDER / "plugin.toml")
VARIANTS = ("sam-b", "hq-sam-b", "hq-sam-tiny", "mobile-sam", "sam2-t")
SIDE = 128
CHANNELS = 32
TINY_VIT = {
    "embed_dims": [8, 8, 16, 320],  # 320 is what tells it not to halve the map a fourth time
    "depths": [1, 1, 1, 1],
    "num_heads": [1, 1, 1, 5],
    "window_sizes": [7, 7, 14, 7],
}
TINY_HIERA = (
    "++model.image_size=128",
    "++model.image_encoder.trunk.embed_dim=8",
    "++model.image_encoder.trunk.stages=[1,1,2,1]",
    "++model.image_encoder.trunk.global_att_blocks=[3]",
    "++model.image_encoder.neck.backbone_channel_list=[64,32,16,8]",
    "++model.memory_attention.num_layers=1",
)


def require(variant):
    """Skip the test if the variant's packages are not installed."""
    problems = unmet_by(MANIFEST, MANIFEST.variant(variant))
    if problems:
        pytest.skip(f"sam:{variant} requires {', '.join(problems)}")


def plugin_module(name):
    """Return a module of the plugin, as the registry will load it."""
    package = load_factory(MANIFEST, FOLDER).__module__.rpartition(".")[0]
    return importlib.import_module(f"{package}.{name}")


def _sam(package, encoder, decoder, side=SIDE, channels=CHANNELS):
    modeling = package.modeling
    prompts = modeling.PromptEncoder(
        embed_dim=channels,
        image_embedding_size=(side // 16, side // 16),
        input_image_size=(side, side),
        mask_in_chans=16,
    )
    transformer = modeling.TwoWayTransformer(
        depth=2, embedding_dim=channels, mlp_dim=32, num_heads=4
    )
    head = decoder(
        transformer=transformer, transformer_dim=channels, iou_head_depth=2, iou_head_hidden_dim=16
    )
    return modeling.Sam(encoder, prompts, head)


def _vit(package):
    return package.modeling.ImageEncoderViT(
        img_size=SIDE,
        embed_dim=32,
        depth=2,
        num_heads=2,
        out_chans=CHANNELS,
        norm_layer=partial(torch.nn.LayerNorm, eps=1e-6),
        use_rel_pos=True,
        window_size=4,
        global_attn_indexes=(1,),
    )


def _sam_network():
    import segment_anything

    decoder = partial(segment_anything.modeling.MaskDecoder, activation=torch.nn.GELU)
    return _sam(segment_anything, _vit(segment_anything), decoder)


def _hq_network():
    package = plugin_module("of_segment_anything_hq").import_quietly()
    return _sam(package, _vit(package), partial(package.modeling.MaskDecoderHQ, vit_dim=32))


def _tiny_vit_network(decoder_name, **more):
    package = plugin_module("of_segment_anything_hq").import_quietly()
    # This encoder only works at the published side and always gives 256 channels.
    encoder = package.modeling.TinyViT(img_size=1024, num_classes=1, **TINY_VIT)
    decoder = partial(getattr(package.modeling, decoder_name), **more)
    return _sam(package, encoder, decoder, side=1024, channels=256)


def _sam2_network():
    from sam2.build_sam import build_sam2

    config = plugin_module("of_sam2").CONFIGS["sam2-t"]
    return build_sam2(config, device="cpu", hydra_overrides_extra=list(TINY_HIERA))


def tiny_network(variant, seed=0):
    """Return the plugin's network of a variant, of tiny size, with reproducible random weights."""
    torch.manual_seed(seed)
    hq, sam2 = plugin_module("of_segment_anything_hq"), plugin_module("of_sam2")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if variant == "sam-b":
            return plugin_module("network").LongestSideNetwork(_lively(_sam_network()))
        if variant == "hq-sam-b":
            return hq.HqNetwork(_lively(_hq_network()))
        if variant == "hq-sam-tiny":
            return hq.HqNetwork(_lively(_tiny_vit_network("MaskDecoderHQ", vit_dim=16)))
        if variant == "mobile-sam":
            return hq.MobileNetwork(_lively(_tiny_vit_network("MaskDecoder")))
        return sam2.Sam2Network(_lively(_sam2_network()))


def _lively(module):
    """Spread the weights, so that untrained masks depend visibly on clicks and photo."""
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            if parameter.dim() > 1 and "decoder" in name:
                parameter.mul_(3)
    return module.eval()


def install_tiny(monkeypatch, variant, seed=0):
    """Make the registry build a tiny network for the variant and find random weights for it."""
    require(variant)
    network = tiny_network(variant, seed)
    adapter = plugin_module("adapter")
    monkeypatch.setattr(adapter, "build_network", lambda name: tiny_network(name, seed + 1))
    user_weights().mkdir(parents=True, exist_ok=True)
    state = {k: v.detach().clone().contiguous() for k, v in network.module.state_dict().items()}
    save_file(state, user_weights() / f"{variant}.safetensors")
    return network


def open_tiny(monkeypatch, variant, **parameters):
    """Return the registry's engine of a tiny network, and that network."""
    network = install_tiny(monkeypatch, variant)
    registry = PluginRegistry.discover(disk=False)
    return registry.open(f"sam:{variant}", device="cpu", parameters=parameters), network
