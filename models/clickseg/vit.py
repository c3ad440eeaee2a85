"""A plain vision transformer whose blocks mostly look within windows.

Dosovitskiy et al., ICLR 2021; windows as in Li et al., "Exploring Plain Vision Transformer
Backbones for Object Detection", ECCV 2022. Keys as in the official SimpleClick checkpoints.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

EPS = 1e-6
MLP_RATIO = 4
CLASSES = 1000
WINDOW_PIXELS = 224


@dataclass(frozen=True)
class VitConfig:
    """Sizes of the backbone.

    Attributes:
        dim: Channels of a token.
        depth: Number of blocks.
        heads: Attention heads.
        patch: Edge of a patch in pixels.
        grid: Edge of the position grid, in patches.
        period: Every so many blocks one sees all tokens; the others look within windows.
    """

    dim: int = 768
    depth: int = 12
    heads: int = 12
    patch: int = 16
    grid: int = 28
    period: int = 6

    @property
    def window(self) -> int:
        """Edge of a window in patches."""
        return WINDOW_PIXELS // self.patch


class PatchEmbed(nn.Module):
    """Patches of a picture as tokens."""

    def __init__(self, config: VitConfig) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, config.dim, config.patch, stride=config.patch)

    def forward(self, picture: Tensor) -> Tensor:
        """[B, 3, H, W] -> [B, h, w, C] of one token a patch."""
        tokens: Tensor = self.proj(picture)
        return tokens.permute(0, 2, 3, 1)


class Attention(nn.Module):
    """Multi-head self-attention."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        """[B, N, C] -> the same shape."""
        batch, tokens, dim = x.shape
        qkv = self.qkv(x).reshape(batch, tokens, 3, self.heads, dim // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)
        mixed = F.scaled_dot_product_attention(q, k, v).transpose(1, 2)
        out: Tensor = self.proj(mixed.reshape(batch, tokens, dim))
        return out


class Mlp(nn.Module):
    """Two linear layers around a GELU."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(dim, MLP_RATIO * dim)
        self.fc2 = nn.Linear(MLP_RATIO * dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        """[..., C] -> the same shape."""
        out: Tensor = self.fc2(F.gelu(self.fc1(x)))
        return out


class Block(nn.Module):
    """Attention, then MLP, each behind a norm and around a shortcut."""

    def __init__(self, config: VitConfig) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(config.dim, eps=EPS)
        self.norm2 = nn.LayerNorm(config.dim, eps=EPS)
        self.attn = Attention(config.dim, config.heads)
        self.mlp = Mlp(config.dim)

    def forward(self, x: Tensor) -> Tensor:
        """[B, N, C] -> the same shape; N are the tokens that see each other."""
        x = x + self.attn(self.norm1(x))
        out: Tensor = x + self.mlp(self.norm2(x))
        return out


class VisionTransformer(nn.Module):
    """The backbone.

    `cls_token`, `fc_norm` and `head` take no part; checkpoints have them.
    """

    def __init__(self, config: VitConfig) -> None:
        super().__init__()
        self.config = config
        self.cls_token = nn.Parameter(torch.zeros(1, 1, config.dim))
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + config.grid**2, config.dim))
        self.patch_embed = PatchEmbed(config)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.depth))
        self.fc_norm = nn.LayerNorm(config.dim, eps=EPS)
        self.head = nn.Linear(config.dim, CLASSES)

    def positions(self, rows: int, columns: int) -> Tensor:
        """Return the position code of every patch, [1, rows, columns, C].

        A grid of another size than the trained one is interpolated bicubically.
        """
        grid = self.config.grid
        codes = self.pos_embed[:, 1:].reshape(1, grid, grid, -1)
        if (rows, columns) == (grid, grid):
            return codes
        channels_first = codes.permute(0, 3, 1, 2).float()
        resized = F.interpolate(
            channels_first, size=(rows, columns), mode="bicubic", align_corners=False
        )
        return resized.permute(0, 2, 3, 1).to(codes.dtype)

    def forward(self, tokens: Tensor) -> Tensor:
        """Run all blocks.

        Args:
            tokens: [B, h, w, C] with positions; h and w are multiples of the window.

        Returns:
            [B, C, h, w].

        Raises:
            ValueError: If the windows do not fit.
        """
        batch, rows, columns, dim = tokens.shape
        window = self.config.window
        if rows % window or columns % window:
            raise ValueError(
                f"{rows} x {columns} patches do not divide into windows of {window}: "
                f"height and width must be multiples of {WINDOW_PIXELS} pixels"
            )
        x = tokens
        for number, block in enumerate(self.blocks, 1):
            if number % self.config.period == 0:
                x = block(x.reshape(batch, rows * columns, dim)).reshape(tokens.shape)
            else:
                x = join_windows(block(split_windows(x, window)), rows, columns)
        return x.permute(0, 3, 1, 2)


def split_windows(x: Tensor, window: int) -> Tensor:
    """[B, h, w, C] -> [B * windows, window * window, C], windows in raster order."""
    batch, rows, columns, dim = x.shape
    x = x.reshape(batch, rows // window, window, columns // window, window, dim)
    return x.transpose(2, 3).reshape(-1, window * window, dim)


def join_windows(x: Tensor, rows: int, columns: int) -> Tensor:
    """Undo `split_windows` for pictures of `rows` x `columns` patches."""
    window = round(x.shape[1] ** 0.5)
    x = x.reshape(-1, rows // window, columns // window, window, window, x.shape[2])
    return x.transpose(2, 3).reshape(-1, rows, columns, x.shape[-1])
