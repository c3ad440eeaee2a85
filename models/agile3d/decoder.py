"""The click decoder: clicks and scene attend to each other, then every click masks the scene."""

from collections.abc import Callable, Sequence
from typing import cast

import torch
from torch import Tensor, nn

from models.agile3d.attention import CrossAttention, FeedForward, SelfAttention
from models.agile3d.config import Agile3DConfig
from models.agile3d.encodings import FourierPositions, order_table
from models.agile3d.reach import Reach
from models.agile3d.scene import ClickQueries, SceneEncoding, SceneView


class ClickDecoder(nn.Module):
    """Decoder half of AGILE3D (section 3.2 of the paper).

    A base class of the whole network rather than a child: in the official checkpoint
    its weights stand beside the backbone's, not below a name of their own.
    """

    config: Agile3DConfig
    order_codes: Tensor

    def _add_decoder(self, config: Agile3DConfig) -> None:
        """Register the layers, in the order of the official state dict."""
        c, heads, depth = config.hidden, config.heads, config.decoder_layers
        self.bg_query_feat = nn.Embedding(config.background_queries, c)
        self.bg_query_pos = nn.Embedding(config.background_queries, c)
        self.mask_embed_head = nn.Sequential(nn.Linear(c, c), nn.ReLU(), nn.Linear(c, c))
        self.pos_enc = FourierPositions(c, config.gauss_scale, config.position_extent)
        self.c2s_attention = _repeat(depth, lambda: CrossAttention(c, heads))
        self.c2c_attention = _repeat(depth, lambda: SelfAttention(c, heads))
        self.ffn_attention = _repeat(depth, lambda: FeedForward(c, config.ffn))
        self.s2c_attention = _repeat(depth, lambda: CrossAttention(c, heads))
        self.decoder_norm = nn.LayerNorm(c)
        self.reach = Reach(c, surface=config.surface) if config.reach else None
        table = order_table(config.max_clicks, c)
        self.register_buffer("order_codes", table, persistent=False)

    def decode_layers(
        self,
        encoding: SceneEncoding,
        click_voxels: Tensor,
        click_objects: Tensor,
        click_times: Tensor,
        object_count: int,
    ) -> list[Tensor]:
        """Return the logits after every decoder layer, for deep supervision.

        Args and errors as `Agile3D.decode`.

        Returns:
            One [N, 1 + M] tensor a layer; the last is what `decode` returns.
        """
        device = encoding.features.device
        clicks = ClickQueries.arrange(
            click_voxels.to(device),
            click_objects.to(device),
            click_times.to(device),
            object_count,
            voxel_count=encoding.voxel_count,
            background_queries=self.config.background_queries,
            max_time=self.config.max_clicks,
        )
        queries, placing = self._queries(encoding, clicks)
        scene, visible, results = encoding.features, None, []
        for layer in range(self.config.decoder_layers):
            view = self._project_scene(layer, scene, encoding)
            queries = self._update_queries(layer, queries, placing, view, visible)
            scene = self._update_scene(layer, queries, placing, view, scene)
            masks = self._masks(scene, queries, clicks, encoding)
            results.append(masks.t())
            if layer + 1 < self.config.decoder_layers:
                visible = _visible_voxels(masks.detach(), clicks.sizes)
        return results

    def _queries(self, encoding: SceneEncoding, clicks: ClickQueries) -> tuple[Tensor, Tensor]:
        """Return content and position of all queries, each [Q, C]."""
        content = encoding.features[clicks.voxels]
        codes = self.order_codes[clicks.times].to(content.dtype)
        places = encoding.positions[clicks.voxels] + codes
        n = clicks.foreground
        return (
            torch.cat([content[:n], self.bg_query_feat.weight, content[n:]]),
            torch.cat([places[:n], self.bg_query_pos.weight, places[n:]]),
        )

    def _project_scene(self, layer: int, scene: Tensor, encoding: SceneEncoding) -> SceneView:
        """Project the scene for both attentions of a layer.

        What the first layer makes is the same for every prompt, so it is kept.
        """
        keep = layer == 0 and not torch.is_grad_enabled()
        if keep and encoding.first_view:
            return encoding.first_view[0]
        placed = scene + encoding.positions
        to_scene = self._cross(self.c2s_attention, layer)
        to_clicks = self._cross(self.s2c_attention, layer)
        view = SceneView(
            keys=to_scene.multihead_attn.keys(placed),
            values=to_scene.multihead_attn.values(scene),
            queries=to_clicks.multihead_attn.queries(placed),
        )
        if keep:
            encoding.first_view.append(view)
        return view

    def _update_queries(
        self, layer: int, queries: Tensor, placing: Tensor, view: SceneView, visible: Tensor | None
    ) -> Tensor:
        """Clicks attend to the scene, then to each other, then pass the feed-forward layer."""
        to_scene = self._cross(self.c2s_attention, layer)
        asking = to_scene.multihead_attn.queries(queries + placing)
        queries = to_scene(queries, asking, view.keys, view.values, visible)
        queries = _only(self.c2c_attention, layer)(queries, placing)
        result: Tensor = _only(self.ffn_attention, layer)(queries)
        return result

    def _update_scene(
        self, layer: int, queries: Tensor, placing: Tensor, view: SceneView, scene: Tensor
    ) -> Tensor:
        """The scene attends to the clicks."""
        to_clicks = self._cross(self.s2c_attention, layer)
        attn = to_clicks.multihead_attn
        keys, values = attn.keys(queries + placing), attn.values(queries)
        result: Tensor = to_clicks(scene, view.queries, keys, values)
        return result

    @staticmethod
    def _cross(layers: nn.ModuleList, layer: int) -> CrossAttention:
        return cast(CrossAttention, _only(layers, layer))

    def _masks(
        self, scene: Tensor, queries: Tensor, clicks: ClickQueries, encoding: SceneEncoding
    ) -> Tensor:
        """Return the logits by label [1 + M, N]: the best of each label's queries."""
        queries = self.decoder_norm(queries)
        scores = self.mask_embed_head(queries) @ scene.t()
        if self.reach is not None and encoding.xyz is not None:
            scores = scores + self._reached(queries, clicks, encoding)
        *objects, background = scores.split(clicks.sizes)
        nothing = scores.new_full((scores.shape[1],), torch.finfo(scores.dtype).min)
        return torch.stack(
            [background.amax(dim=0)]
            + [part.amax(dim=0) if len(part) else nothing for part in objects]
        )

    def _reached(self, queries: Tensor, clicks: ClickQueries, encoding: SceneEncoding) -> Tensor:
        """Return what the distance from the clicks adds, [Q, N]; 0 for learnable queries."""
        n, learnable = clicks.foreground, self.config.background_queries
        of_clicks = torch.cat([queries[:n], queries[n + learnable :]])
        near = cast(Reach, self.reach)(of_clicks, clicks.voxels.tolist(), encoding)
        return torch.cat([near[:n], near.new_zeros(learnable, encoding.voxel_count), near[n:]])


def _repeat(depth: int, make: Callable[[], nn.Module]) -> nn.ModuleList:
    """Return `depth` layers; each stands in a list of one, for the one feature level used."""
    return nn.ModuleList(nn.ModuleList([make()]) for _ in range(depth))


def _only(layers: nn.ModuleList, layer: int) -> nn.Module:
    return cast(nn.ModuleList, layers[layer])[0]


def _visible_voxels(masks: Tensor, sizes: Sequence[int]) -> Tensor:
    """Return which voxels each query sees next: those its own object has won so far.

    Args:
        masks: Logits by label [1 + M, N].
        sizes: Number of queries of objects 1..M, then of the background.

    Returns:
        [Q, N] bool; a query whose object has won nothing sees everything.
    """
    labels = masks.argmax(dim=0)
    own = labels == torch.arange(len(masks), device=masks.device)[:, None]
    own |= ~own.any(dim=1, keepdim=True)
    by_query = torch.tensor([*range(1, len(masks)), 0], device=masks.device)
    repeats = torch.tensor(sizes, device=masks.device)
    return own[by_query.repeat_interleave(repeats)]
