"""The published animation network written down a second time, without any package's layers.

It takes clips [B, 9, F, h, w] and tensors under their published names, straight from the text of
the specification: which norm averages over what, where time, strength and stride enter, in which
order blocks come. The motion UNet that the program runs is held to it.
"""

import math

import torch
from torch.nn import functional

HEADS = 8
GROUPS = 4


class Listing:
    """Collects tensors by name; `make` makes one of a shape."""

    def __init__(self, make):
        self.make, self.state = make, {}

    def linear(self, name, inputs, outputs, bias=True, kernel=()):
        self.state[f"{name}.weight"] = self.make(outputs, inputs, *kernel)
        if bias:
            self.state[f"{name}.bias"] = self.make(outputs)

    def norm(self, name, width):
        self.state |= {f"{name}.weight": self.make(width), f"{name}.bias": self.make(width)}

    def conv(self, name, inputs, outputs, size=3):
        self.linear(name, inputs, outputs, kernel=(size, size))

    def attention(self, name, width, keys):
        self.linear(f"{name}.to_q", width, width, bias=False)
        self.linear(f"{name}.to_k", keys, width, bias=False)
        self.linear(f"{name}.to_v", keys, width, bias=False)
        self.linear(f"{name}.to_out.0", width, width)

    def feed(self, name, width):
        self.linear(f"{name}.net.0.proj", width, 8 * width)
        self.linear(f"{name}.net.2", 4 * width, width)

    def residual(self, name, inputs, outputs, told):
        self.norm(f"{name}.norm1", inputs)
        self.conv(f"{name}.conv1", inputs, outputs)
        self.linear(f"{name}.time_emb_proj", told, outputs)
        self.norm(f"{name}.norm2", outputs)
        self.conv(f"{name}.conv2", outputs, outputs)
        if inputs != outputs:
            self.conv(f"{name}.conv_shortcut", inputs, outputs, 1)

    def spatial(self, name, width, words):
        self.norm(f"{name}.norm", width)
        self.conv(f"{name}.proj_in", width, width, 1)
        block = f"{name}.transformer_blocks.0"
        for number, keys in (("1", width), ("2", words)):
            self.norm(f"{block}.norm{number}", width)
            self.attention(f"{block}.attn{number}", width, keys)
        self.norm(f"{block}.norm3", width)
        self.feed(f"{block}.ff", width)
        self.conv(f"{name}.proj_out", width, width, 1)

    def motion(self, name, width, positions, keys):
        """List a motion module whose attentions have keys of these widths."""
        name = f"{name}.temporal_transformer"
        self.norm(f"{name}.norm", width)
        self.linear(f"{name}.proj_in", width, width)
        block = f"{name}.transformer_blocks.0"
        for number, size in enumerate(keys):
            self.attention(f"{block}.attention_blocks.{number}", width, size)
            place = f"{block}.attention_blocks.{number}.pos_encoder.pe"
            self.state[place] = table(positions, width)
            self.norm(f"{block}.norms.{number}", width)
        self.feed(f"{block}.ff", width)
        self.norm(f"{block}.ff_norm", width)
        self.linear(f"{name}.proj_out", width, width)

    def layer(self, block, number, widths, words, positions, attends, phrase):
        """List a residual block and what follows it; `widths` are its input, output and time."""
        self.residual(f"{block}.resnets.{number}", *widths)
        if attends:
            self.spatial(f"{block}.attentions.{number}", widths[1], words)
        keys = (widths[1], widths[1], words) if phrase else (widths[1], widths[1])
        self.motion(f"{block}.motion_modules.{number}", widths[1], positions, keys)

    def ends(self, width, deepest, words):
        """List the first and last layers, the embeddings, and the middle."""
        self.conv("conv_in", 9, width)
        for name in ("time_embedding", "fps_embedding", "motion_embedding"):
            self.linear(f"{name}.linear_1", width, 4 * width)
            self.linear(f"{name}.linear_2", 4 * width, 4 * width)
        for number in (0, 1):
            self.residual(f"mid_block.resnets.{number}", deepest, deepest, 4 * width)
        self.spatial("mid_block.attentions.0", deepest, words)
        self.norm("conv_norm_out", width)
        self.conv("conv_out", width, 4)


def names(widths, words, positions, layers=2, make=torch.empty, phrase=False):
    """Return every tensor of the network by its published name; `make` makes one of a shape."""
    listing, last, told = Listing(make), len(widths) - 1, 4 * widths[0]
    listing.ends(widths[0], widths[-1], words)
    skips, before = [widths[0]], widths[0]
    for level, width in enumerate(widths):
        block, rest = f"down_blocks.{level}", (words, positions, level < last, phrase)
        for number in range(layers):
            listing.layer(block, number, (before, width, told), *rest)
            before = width
            skips.append(width)
        if level < last:
            listing.conv(f"{block}.downsamplers.0.conv", width, width)
            skips.append(width)
    for level, width in enumerate(reversed(widths)):
        block, rest = f"up_blocks.{level}", (words, positions, level > 0, phrase)
        for number in range(layers + 1):
            listing.layer(block, number, (before + skips.pop(), width, told), *rest)
            before = width
        if level < last:
            listing.conv(f"{block}.upsamplers.0.conv", width, width)
    return listing.state


def table(length, width):
    """Return sinusoidal positions [1, length, width]."""
    rows = [
        [
            (math.sin if i % 2 == 0 else math.cos)(place / 10000 ** (2 * (i // 2) / width))
            for i in range(width)
        ]
        for place in range(length)
    ]
    return torch.tensor([rows])


def random_state(widths=(16, 32, 64, 64), words=16, positions=24, seed=0, phrase=False):
    """Return random weights in which no layer is silent."""
    random = torch.Generator().manual_seed(seed)

    def make(*shape):
        size = math.prod(shape[1:]) ** -0.5 if len(shape) > 1 else 0.3
        return size * torch.randn(shape, generator=random)

    state = names(widths, words, positions, make=make, phrase=phrase)
    for key, value in state.items():
        if "norm" in key and key.endswith(".weight"):
            state[key] = value + 1
    return state


class Published:
    """The network.

    Attributes:
        used: Names of all tensors that a call has used.
    """

    def __init__(self, state, widths=(16, 32, 64, 64), layers=2):
        self.state, self.widths, self.layers = state, widths, layers
        self.used = set()

    def _get(self, name):
        self.used.add(name)
        return self.state[name]

    def _linear(self, name, x, bias=True):
        return functional.linear(
            x, self._get(f"{name}.weight"), self._get(f"{name}.bias") if bias else None
        )

    def _conv(self, name, x, stride=1):
        """Convolve every frame of [B, C, F, h, w]."""
        weight = self._get(f"{name}.weight")[:, :, None]
        pad = weight.shape[-1] // 2
        return functional.conv3d(
            x, weight, self._get(f"{name}.bias"), (1, stride, stride), (0, pad, pad)
        )

    def _norm(self, name, x, axes, eps):
        """Normalise groups of channels of [B, C, F, h, w] over `axes` of a group."""
        batch, channels = x.shape[:2]
        groups = x.reshape(batch, GROUPS, channels // GROUPS, *x.shape[2:])
        mean = groups.mean(axes, keepdim=True)
        variance = ((groups - mean) ** 2).mean(axes, keepdim=True)
        normed = ((groups - mean) / (variance + eps).sqrt()).reshape(x.shape)
        shape = (1, channels, 1, 1, 1)
        return normed * self._get(f"{name}.weight").view(shape) + self._get(f"{name}.bias").view(
            shape
        )

    def _across(self, name, x):
        return self._norm(name, x, (2, 3, 4, 5), 1e-5)

    def _single(self, name, x):
        return self._norm(name, x, (2, 4, 5), 1e-6)

    def _layer_norm(self, name, x):
        return functional.layer_norm(
            x, x.shape[-1:], self._get(f"{name}.weight"), self._get(f"{name}.bias"), 1e-5
        )

    def _attention(self, name, x, keys):
        q = self._linear(f"{name}.to_q", x, bias=False)
        k = self._linear(f"{name}.to_k", keys, bias=False)
        v = self._linear(f"{name}.to_v", keys, bias=False)
        heads = []
        for part in range(HEADS):
            size = q.shape[-1] // HEADS
            own = slice(part * size, (part + 1) * size)
            weights = (q[..., own] @ k[..., own].transpose(-1, -2) / size**0.5).softmax(-1)
            heads.append(weights @ v[..., own])
        return self._linear(f"{name}.to_out.0", torch.cat(heads, -1))

    def _feed(self, name, x):
        value, gate = self._linear(f"{name}.net.0.proj", x).chunk(2, -1)
        return self._linear(f"{name}.net.2", value * functional.gelu(gate))

    def _residual(self, name, x, embedded):
        h = self._conv(f"{name}.conv1", functional.silu(self._across(f"{name}.norm1", x)))
        told = self._linear(f"{name}.time_emb_proj", functional.silu(embedded))
        h = h + told[:, :, None, None, None]
        h = self._conv(f"{name}.conv2", functional.silu(self._across(f"{name}.norm2", h)))
        short = f"{name}.conv_shortcut"
        return h + (self._conv(short, x) if f"{short}.weight" in self.state else x)

    def _spatial(self, name, x, words):
        batch, channels, frames, height, width = x.shape
        h = self._conv(f"{name}.proj_in", self._single(f"{name}.norm", x))
        h = h.permute(0, 2, 3, 4, 1).reshape(batch * frames, height * width, channels)
        told = words.repeat_interleave(frames, 0)
        block = f"{name}.transformer_blocks.0"
        own = self._layer_norm(f"{block}.norm1", h)
        h = h + self._attention(f"{block}.attn1", own, own)
        h = h + self._attention(f"{block}.attn2", self._layer_norm(f"{block}.norm2", h), told)
        h = h + self._feed(f"{block}.ff", self._layer_norm(f"{block}.norm3", h))
        h = h.reshape(batch, frames, height, width, channels).permute(0, 4, 1, 2, 3)
        return x + self._conv(f"{name}.proj_out", h)

    def _motion(self, name, x, phrase):
        name = f"{name}.temporal_transformer"
        batch, channels, frames, height, width = x.shape
        h = self._single(f"{name}.norm", x).permute(0, 3, 4, 2, 1)
        h = self._linear(f"{name}.proj_in", h.reshape(-1, frames, channels))
        block = f"{name}.transformer_blocks.0"
        for number in (0, 1):
            attention = f"{block}.attention_blocks.{number}"
            own = self._layer_norm(f"{block}.norms.{number}", h)
            own = own + self._get(f"{attention}.pos_encoder.pe")[:, :frames]
            h = h + self._attention(attention, own, own)
        if phrase is not None:
            attention = f"{block}.attention_blocks.2"
            own = self._layer_norm(f"{block}.norms.2", h)
            own = own + self._get(f"{attention}.pos_encoder.pe")[:, :frames]
            told = phrase.repeat_interleave(height * width, 0)
            h = h + self._attention(attention, own, told)
        h = h + self._feed(f"{block}.ff", self._layer_norm(f"{block}.ff_norm", h))
        h = self._linear(f"{name}.proj_out", h)
        return x + h.reshape(batch, height, width, frames, channels).permute(0, 4, 3, 1, 2)

    def _scalar(self, name, value):
        """Embed numbers [B] by their sinusoid, cosines first, and two layers."""
        half = self.widths[0] // 2
        slowness = torch.exp(-math.log(10000) * torch.arange(half) / half)
        turns = value[:, None] * slowness
        told = self._linear(f"{name}.linear_1", torch.cat([turns.cos(), turns.sin()], 1))
        return self._linear(f"{name}.linear_2", functional.silu(told))

    def _layer(self, block, number, x, embedded, words, phrase):
        x = self._residual(f"{block}.resnets.{number}", x, embedded)
        if f"{block}.attentions.{number}.norm.weight" in self.state:
            x = self._spatial(f"{block}.attentions.{number}", x, words)
        return self._motion(f"{block}.motion_modules.{number}", x, phrase)

    def _embedded(self, step, stride, strength):
        embedded = self._scalar("time_embedding", step)
        for name, value in (("fps_embedding", stride), ("motion_embedding", strength)):
            embedded = embedded if value is None else embedded + self._scalar(name, value)
        return embedded

    def __call__(self, clip, step, words, stride=None, strength=None, phrase=None):
        """Return the prediction [B, 4, F, h, w]."""
        told = (self._embedded(step, stride, strength), words, phrase)
        x = self._conv("conv_in", clip)
        skips, last = [x], len(self.widths) - 1
        for level in range(last + 1):
            for number in range(self.layers):
                x = self._layer(f"down_blocks.{level}", number, x, *told)
                skips.append(x)
            if level < last:
                x = self._conv(f"down_blocks.{level}.downsamplers.0.conv", x, stride=2)
                skips.append(x)
        x = self._residual("mid_block.resnets.0", x, told[0])
        x = self._spatial("mid_block.attentions.0", x, words)
        x = self._residual("mid_block.resnets.1", x, told[0])
        for level in range(last + 1):
            for number in range(self.layers + 1):
                x = torch.cat([x, skips.pop()], 1)
                x = self._layer(f"up_blocks.{level}", number, x, *told)
            if level < last:
                x = x.repeat_interleave(2, 3).repeat_interleave(2, 4)
                x = self._conv(f"up_blocks.{level}.upsamplers.0.conv", x)
        return self._conv("conv_out", functional.silu(self._across("conv_norm_out", x)))
