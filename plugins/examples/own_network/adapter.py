"""A click network of one's own in 60 lines: photo and clicks in, probability out."""

import torch
from safetensors.torch import load_file
from torch.nn import Conv2d, ReLU, Sequential

from annotator.domain import Mask

CHANNELS, DILATIONS = 24, (1, 2, 4, 8, 16, 1)


def build():
    """Return the network: [1, 5, H, W] colours and click maps -> [1, 1, H, W] logits."""
    layers, width = [], 5
    for step in DILATIONS:
        layers += [Conv2d(width, CHANNELS, 3, padding=step, dilation=step), ReLU()]
        width = CHANNELS
    return Sequential(*layers, Conv2d(width, 1, 1))


def click_maps(shape, inside, outside):
    """Return [2, H, W]: 1 at clicks (x, y) inside and outside, falling off within 8 pixels."""
    rows = torch.arange(shape[0])[:, None] + 0.5
    columns = torch.arange(shape[1])[None] + 0.5
    maps = torch.zeros(2, *shape)
    for number, places in enumerate((inside, outside)):
        for x, y in places:
            near = torch.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 64)
            maps[number] = torch.maximum(maps[number], near)
    return maps


class OwnNetwork:
    def __init__(self, context):
        self.device, self.network = context.device, build()
        self.network.load_state_dict(load_file(str(context.weights["own-network"])))
        self.network.to(self.device).eval().requires_grad_(False)

    def encode(self, asset, *, progress, cancel=None):
        if cancel is not None:
            cancel.check()
        progress(1.0)
        return torch.from_numpy(asset.rgb.copy()).permute(2, 0, 1).float() / 255 - 0.5

    def predict(self, encoding, prompt, *, cancel=None):
        if cancel is not None:
            cancel.check()
        places = [[c.position for c in prompt.clicks if c.object_id == i] for i in (1, 0)]
        x = torch.cat([encoding, click_maps(encoding.shape[1:], *places)])[None]
        probability = self.network(x.to(self.device))[0, 0].sigmoid().cpu().numpy()
        probability *= bool(places[0])  # nothing is clicked: nothing is inside
        threshold = dict(prompt.thresholds).get(1, 0.5)
        return Mask((probability > threshold).astype("int32"), probability=probability)

    def close(self):
        self.network.to("meta")


def create(context):
    return OwnNetwork(context)
