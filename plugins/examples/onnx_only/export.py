"""Wrote encoder.onnx and decoder.onnx: `python export.py` (needs the package `onnx`).

Not a learned network: the encoder looks at colours coarse and fine, the decoder compares them
with those at the clicks. A network of your own is exported in the same way.
"""

from pathlib import Path

import torch
from torch.nn import Module, functional

SIDE = 128
FOLDER = Path(__file__).parent


class Encoder(Module):
    """[1, 3, S, S] colours in 0..1 -> [1, 6, S/2, S/2]: each colour fine and smoothed."""

    def forward(self, photo):
        fine = functional.avg_pool2d(photo, 2)
        coarse = functional.avg_pool2d(fine, 9, 1, 4, count_include_pad=False)
        return torch.cat([fine, coarse], 1)


class Decoder(Module):
    """Features, clicks [1, N, 2], kinds [1, N] -> logits [1, 3, S/2, S/2], scores [1, 3]."""

    def forward(self, features, clicks, kinds):
        half = SIDE // 2
        place = (clicks[0] / 2).long().clamp(0, half - 1)
        seen = features[0][:, place[:, 1], place[:, 0]]  # [6, N]
        apart = (features[0][:, None] - seen[:, :, None, None]).pow(2).sum(0).sqrt()
        grid = torch.stack(torch.meshgrid(torch.arange(half), torch.arange(half), indexing="xy"))
        far = (
            (grid[None] - place.t()[None].permute(2, 1, 0)[..., None]).float().pow(2).sum(1).sqrt()
        )
        cost = apart + 0.01 * far
        inside = torch.where(kinds[0, :, None, None] > 0.5, cost, 9.0).amin(0)
        outside = torch.where(kinds[0, :, None, None] < 0.5, cost, 9.0).amin(0)
        base = 12 * torch.minimum(outside - inside, 0.5 - inside)
        masks = torch.stack([base, base + 2, base - 2])[None]
        return masks, torch.tensor([[0.9, 0.6, 0.5]]) + 0 * base.mean()


def write(module, name, inputs, outputs, axes):
    torch.onnx.export(
        module.eval(),
        tuple(inputs.values()),
        str(FOLDER / name),
        input_names=list(inputs),
        output_names=outputs,
        dynamic_axes=axes,
        opset_version=17,
        dynamo=False,
    )


if __name__ == "__main__":
    write(Encoder(), "encoder.onnx", {"photo": torch.zeros(1, 3, SIDE, SIDE)}, ["features"], {})
    clicks = {"clicks": torch.zeros(1, 3, 2), "kinds": torch.ones(1, 3)}
    features = {"features": torch.zeros(1, 6, SIDE // 2, SIDE // 2)}
    axes = {name: {1: "n"} for name in clicks}
    write(Decoder(), "decoder.onnx", features | clicks, ["masks", "scores"], axes)
