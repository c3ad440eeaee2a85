"""The paper's motion-augmented module: motion blocks that also attend to the short phrase.

The released network has none. A third attention, from every place and frame to the words of the
short phrase, follows the two over time; its last layer begins at zero, so that a network without
weights for it gives the same as before to the last bit.
"""

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn
from torch.nn import functional

from models.checkpoint import load_state


class PhraseAttention(nn.Module):
    """Multi-head attention from frames to the words of a phrase.

    Attributes:
        heads: Number of heads.
    """

    def __init__(self, width: int, words: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.to_q = nn.Linear(width, width, bias=False)
        self.to_k = nn.Linear(words, width, bias=False)
        self.to_v = nn.Linear(words, width, bias=False)
        last = nn.Linear(width, width)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.to_out = nn.ModuleList([last])

    def forward(self, hidden: Tensor, phrase: Tensor) -> Tensor:
        """Return [B·P, F, C] for frames [B·P, F, C] at P places and words [B, N, D]."""
        batch, places = len(phrase), len(hidden) // len(phrase)
        query = self._split(self.to_q(hidden).reshape(batch, places * hidden.shape[1], -1))
        key, value = self._split(self.to_k(phrase)), self._split(self.to_v(phrase))
        seen = functional.scaled_dot_product_attention(query, key, value)
        out: Tensor = self.to_out[0](seen.transpose(1, 2).reshape(hidden.shape))
        return out

    def _split(self, x: Tensor) -> Tensor:
        return x.reshape(*x.shape[:2], self.heads, -1).transpose(1, 2)


class PhrasedBlock(nn.Module):
    """A transformer block of a motion module with the third attention in it.

    Attributes:
        block: The UNet's own, with `norm1`, `attn1`, `norm2`, `attn2`, `norm3`, `ff`, `pos_embed`.
        phrase: [B, N, D] words of the phrase; None leaves the block as it was.
    """

    def __init__(self, block: nn.Module, words: int) -> None:
        super().__init__()
        self.block = block
        parts: Any = block
        width = int(parts.norm2.weight.shape[0])
        self.norm = nn.LayerNorm(width)
        self.attention = PhraseAttention(width, words, int(parts.attn2.heads))
        self.phrase: Tensor | None = None

    def forward(self, hidden_states: Tensor, **_others: object) -> Tensor:
        """Return [B·P, F, C]: over time twice, to the phrase, through the feed-forward layers."""
        parts: Any = self.block
        x = hidden_states
        x = parts.attn1(parts.pos_embed(parts.norm1(x))) + x
        x = parts.attn2(parts.pos_embed(parts.norm2(x))) + x
        if self.phrase is not None:
            x = self.attention(parts.pos_embed(self.norm(x)), self.phrase) + x
        out: Tensor = parts.ff(parts.norm3(x)) + x
        return out


def augment(
    unet: nn.Module, words: int, weights: Mapping[str, Mapping[str, Tensor]]
) -> list[PhrasedBlock]:
    """Put the third attention into every motion block of a UNet.

    Args:
        unet: Changed in place.
        words: Width of the words' embeddings.
        weights: Tensors `norm.*` and `attention.*` by the block's name; none for fresh ones.

    Returns:
        The blocks, to be told the phrase.

    Raises:
        CheckpointError: If weights do not fit.
    """
    made = []
    for name, module in list(unet.named_modules()):
        parent, _, last = name.rpartition(".")
        if ".motion_modules." not in name or not parent.endswith(".transformer_blocks"):
            continue
        phrased = PhrasedBlock(module, words).to(next(module.parameters()))
        if name in weights:
            own = {k: v for k, v in phrased.state_dict().items() if k.startswith("block.")}
            load_state(phrased, {**own, **weights[name]})
        setattr(unet.get_submodule(parent), last, phrased)
        made.append(phrased)
    return made
