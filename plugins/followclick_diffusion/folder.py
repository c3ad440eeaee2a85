"""A Stable Diffusion 1.5 folder of the user's, read without network and without running code."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from annotator.domain import AnnotatorError
from models.checkpoint import CheckpointError, compare_state, load_checkpoint

SUFFIXES = (".safetensors", ".bin")
"""In the order of preference: of two files with the same weights the one that can hold no code."""
_WEIGHTS = {
    "unet": "diffusion_pytorch_model",
    "vae": "diffusion_pytorch_model",
    "text_encoder": "model",
}
_OLD_NAMES = {"text_encoder": "pytorch_model"}
_VAE_NAMES = ((".query.", ".to_q."), (".key.", ".to_k."), (".value.", ".to_v."),
              (".proj_attn.", ".to_out.0."))  # fmt: skip
"""What attention layers were called when Stable Diffusion 1.5 was published."""


@dataclass(frozen=True)
class Words:
    """Turns words into what the network attends to.

    Attributes:
        tokenizer: Of CLIP.
        encoder: Of CLIP, on the device.
    """

    tokenizer: Any
    encoder: nn.Module

    def __call__(self, text: str) -> Tensor:
        """Return [1, 77, D] of a text; what is beyond 77 tokens is cut off."""
        length = self.encoder.config.max_position_embeddings
        tokens = self.tokenizer(
            text, padding="max_length", max_length=length, truncation=True, return_tensors="pt"
        ).input_ids
        where = next(self.encoder.parameters())
        return self.encoder(tokens.to(where.device)).last_hidden_state.to(where.dtype)


class Folder:
    """A folder with `unet`, `vae`, `text_encoder` and `tokenizer`."""

    def __init__(self, given: str) -> None:
        """Find the folder.

        Args:
            given: The folder, or the `model_index.json` in it.

        Raises:
            AnnotatorError: If nothing is given or it lacks a part, naming every one.
        """
        if not given:
            raise AnnotatorError(
                "No Stable Diffusion 1.5 folder was chosen.",
                "Set the parameter `stable_diffusion` to its model_index.json.",
            )
        path = Path(given).expanduser()
        self.path = path.parent if path.is_file() else path
        missing = [part for part in self._parts() if not self._has(part)]
        if missing:
            raise AnnotatorError(
                f"{self.path} is no complete Stable Diffusion 1.5 folder: there is no "
                f"{', no '.join(missing)}.",
                "Copy the whole folder (unet, vae, text_encoder, tokenizer); nothing is "
                "downloaded.",
            )

    @staticmethod
    def _parts() -> list[str]:
        configs = [f"{part}/config.json" for part in _WEIGHTS]
        weights = [f"{part}/{name}.safetensors" for part, name in _WEIGHTS.items()]
        return [*configs, *weights[1:], "tokenizer/vocab.json", "tokenizer/merges.txt"]

    def _has(self, part: str) -> bool:
        if part.endswith(".safetensors"):
            return self._weights(part.partition("/")[0]) is not None
        return (self.path / part).is_file()

    def _weights(self, part: str) -> Path | None:
        for name in (_WEIGHTS[part], _OLD_NAMES.get(part, "")):
            for suffix in SUFFIXES:
                for variant in ("", ".fp16"):
                    file = self.path / part / f"{name}{variant}{suffix}"
                    if name and file.is_file():
                        return file
        return None

    def config(self, part: str) -> dict[str, Any]:
        """Return a part's configuration.

        Raises:
            AnnotatorError: If it is no JSON object.
        """
        file = self.path / part / "config.json"
        try:
            content = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise AnnotatorError(f"{file} cannot be read: {error}.") from error
        if not isinstance(content, dict):
            raise AnnotatorError(f"{file} holds no configuration.")
        return content

    def state(self, part: str) -> dict[str, Tensor]:
        """Return a part's weights.

        Raises:
            AnnotatorError: If they are missing, damaged, or hold more than weights.
        """
        file = self._weights(part)
        if file is None:
            raise AnnotatorError(
                f"{self.path} has no weights in {part}/.",
                "The checkpoint holds motion modules alone, so that the folder must have the rest.",
            )
        try:
            return load_checkpoint(file)
        except CheckpointError as error:
            raise AnnotatorError(f"{error}.", "Copy the folder again.") from error

    def words(self, device: str, dtype: torch.dtype) -> Words:
        """Return tokenizer and text encoder."""
        from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

        tokens = self.path / "tokenizer"
        tokenizer = CLIPTokenizer.from_pretrained(str(tokens), local_files_only=True)
        encoder = CLIPTextModel(CLIPTextConfig.from_dict(self.config("text_encoder")))
        self._fill("text_encoder", encoder, _text_names(encoder))
        return Words(tokenizer, encoder.eval().requires_grad_(False).to(device, dtype))

    def vae(self, device: str, dtype: torch.dtype) -> Any:  # noqa: ANN401 - of an untyped package
        """Return the autoencoder between pictures and latents."""
        from diffusers import AutoencoderKL

        vae = AutoencoderKL.from_config(self.config("vae"))
        self._fill("vae", vae, _vae_name)
        # The package's own `to` warns of layers that this network does not have.
        return nn.Module.to(vae.eval().requires_grad_(False), device, dtype)

    def _fill(self, part: str, module: nn.Module, rename: Callable[[str], str]) -> None:
        expected = module.state_dict()
        state = {rename(key): value for key, value in self.state(part).items()}
        # Old text encoders list their positions; old autoencoders have 1 x 1 convolutions.
        state = {k: v for k, v in state.items() if not k.endswith("position_ids")}
        state = {k: _as(v, expected.get(k)) for k, v in state.items()}
        report = compare_state(expected, state)
        if report.missing or report.misshapen:
            raise AnnotatorError(
                f"{part}/ in {self.path} does not fit its own configuration: {report}.",
                "Copy the folder again.",
            )
        module.load_state_dict({k: v for k, v in state.items() if k in expected})


def _as(value: Tensor, expected: Tensor | None) -> Tensor:
    flat = value.flatten(1) if value.ndim == 4 else value
    return flat if expected is not None and flat.shape == expected.shape else value


def _vae_name(key: str) -> str:
    for old, new in _VAE_NAMES if ".attentions." in key else ():
        key = key.replace(old, new)
    return key


def _text_names(encoder: nn.Module) -> Callable[[str], str]:
    """Return how published names become those of the package's version, with a prefix or not."""
    prefix = "text_model."
    has = any(key.startswith(prefix) for key in encoder.state_dict())
    return lambda key: prefix * has + key.removeprefix(prefix)


def motion_config(unet: Mapping[str, Any], positions: int, middle: bool) -> dict[str, Any]:
    """Return the motion UNet's configuration for a still UNet's.

    Args:
        unet: Configuration of the folder's UNet.
        positions: Longest clip.
        middle: Whether the middle has a motion module.

    Raises:
        AnnotatorError: If the folder is of a network that has no motion UNet.
    """
    blocks = {"CrossAttnDownBlock2D", "DownBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"}
    down, up = unet.get("down_block_types", ()), unet.get("up_block_types", ())
    if not down or not {*down, *up} <= blocks or unet.get("addition_embed_type"):
        raise AnnotatorError(
            "The folder's UNet is not of the kind of Stable Diffusion 1.5.",
            "Other versions (2, XL, 3) do not fit these checkpoints.",
        )
    shared = ("block_out_channels", "layers_per_block", "cross_attention_dim", "norm_num_groups",
              "norm_eps", "act_fn", "downsample_padding", "mid_block_scale_factor",
              "use_linear_projection")  # fmt: skip
    return {
        **{name: unet[name] for name in shared if name in unet},
        "down_block_types": tuple(name.replace("2D", "Motion") for name in down),
        "up_block_types": tuple(name.replace("2D", "Motion") for name in up),
        "in_channels": 9,
        "out_channels": 4,
        # What old configurations call the width of a head is the number of heads.
        "num_attention_heads": unet.get("num_attention_heads") or unet.get("attention_head_dim", 8),
        "motion_num_attention_heads": 8,
        "motion_max_seq_length": positions,
        "use_motion_mid_block": middle,
    }
