"""A Stable Diffusion folder and checkpoints of the published layout with tiny random weights."""

import json

import torch
from safetensors.torch import save_file

from tests.models.followclick.published import random_state

WIDTHS, WORDS = (16, 32, 64, 64), 16


def write_folder(path):
    """Write unet, vae, text encoder and tokenizer; return the `model_index.json`."""
    from diffusers import AutoencoderKL
    from transformers import CLIPTextConfig, CLIPTextModel

    torch.manual_seed(0)
    vae = AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4,
        block_out_channels=(8, 8, 8, 8), layers_per_block=1, norm_num_groups=4, sample_size=64,
    )  # fmt: skip
    vae.save_pretrained(path / "vae")
    tokens = [*_characters(), *(f"{c}</w>" for c in _characters()), "<|startoftext|>",
              "<|endoftext|>"]  # fmt: skip
    text = CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(tokens), hidden_size=WORDS, intermediate_size=32, num_hidden_layers=1,
            num_attention_heads=2, max_position_embeddings=77, bos_token_id=len(tokens) - 2,
            eos_token_id=len(tokens) - 1, pad_token_id=len(tokens) - 1,
        )
    )  # fmt: skip
    text.save_pretrained(path / "text_encoder")
    (path / "tokenizer").mkdir()
    vocabulary = {token: number for number, token in enumerate(tokens)}
    (path / "tokenizer/vocab.json").write_text(json.dumps(vocabulary))
    (path / "tokenizer/merges.txt").write_text("#version: 0.2\n")
    _write_unet(path / "unet")
    (path / "model_index.json").write_text("{}")
    return path / "model_index.json"


def _write_unet(path):
    path.mkdir()
    config = {
        "block_out_channels": WIDTHS, "layers_per_block": 2, "cross_attention_dim": WORDS,
        "norm_num_groups": 4, "attention_head_dim": 8, "in_channels": 4, "out_channels": 4,
        "down_block_types": ["CrossAttnDownBlock2D"] * 3 + ["DownBlock2D"],
        "up_block_types": ["UpBlock2D"] + ["CrossAttnUpBlock2D"] * 3,
    }  # fmt: skip
    (path / "config.json").write_text(json.dumps(config))
    state = random_state(WIDTHS, WORDS, seed=1)
    still = {k: v for k, v in state.items() if not _is_motion(k)}
    still["conv_in.weight"] = still["conv_in.weight"][:, :4].contiguous()
    save_file(still, path / "diffusion_pytorch_model.safetensors")


def _is_motion(key):
    return ".motion_modules." in key or key.startswith(("fps_embedding", "motion_embedding"))


def write_followclick(path, wrap=True):
    """Write a Follow-Your-Click checkpoint as published: a pickle with prefixes."""
    state = {f"module.{k}": v for k, v in random_state(WIDTHS, WORDS).items()}
    torch.save({"state_dict": state, "global_step": 7} if wrap else state, path)
    return path


def write_pia(path):
    """Write a PIA checkpoint: motion modules and the first layer, nothing else."""
    state = random_state(WIDTHS, WORDS, positions=32)
    kept = {k: v for k, v in state.items() if ".motion_modules." in k or k.startswith("conv_in.")}
    torch.save(kept, path)
    return path


def _characters():
    """Return the 256 characters that stand for bytes in CLIP's vocabulary."""
    shown = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    hidden = [byte for byte in range(256) if byte not in shown]
    return [chr(c) for c in shown] + [chr(256 + n) for n in range(len(hidden))]
