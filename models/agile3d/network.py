"""The AGILE3D network: encode a scene once, decode every click."""

import torch
from torch import Tensor

from models.agile3d.backbone import OnStage, Res16UNet
from models.agile3d.config import OFFICIAL, Agile3DConfig
from models.agile3d.decoder import ClickDecoder
from models.agile3d.geometry import geometry_features
from models.agile3d.paths import Surface
from models.agile3d.scene import SceneEncoding
from models.sparse import SparseConv, SparseTensor, VoxelLevel, spatial_order


class Agile3D(ClickDecoder):
    """Backbone and click decoder with the official state-dict keys.

    Use `encode` once a scene and `decode` for every prompt, both under
    `torch.inference_mode()` unless training.

    Args:
        config: Sizes; the official ones by default.
    """

    def __init__(self, config: Agile3DConfig = OFFICIAL) -> None:
        super().__init__()
        self.config = config
        self.backbone = Res16UNet(config)
        self.lin_squeeze_head = SparseConv(
            config.planes[7], config.hidden, kernel_size=1, bias=True
        )
        self._add_decoder(config)

    def encode(
        self,
        voxel_coords: Tensor,
        voxel_rgb: Tensor,
        voxel_xyz: Tensor,
        on_stage: OnStage | None = None,
    ) -> SceneEncoding:
        """Encode one scene.

        Args:
            voxel_coords: Distinct voxel indices, [N, 3] integers, may be negative.
            voxel_rgb: Colour of each voxel in 0..1, [N, 3]; zeros where there is none.
            voxel_xyz: Position of each voxel's representative point, metres, [N, 3].
            on_stage: Told the fraction done between stages; may raise to stop.

        Raises:
            ValueError: If there are no voxels, the shapes do not match, voxels coincide or
                span too far.
        """
        if len(voxel_coords) == 0:
            raise ValueError("a scene needs at least one voxel")
        if not voxel_coords.shape == voxel_rgb.shape == voxel_xyz.shape:
            raise ValueError(
                f"coordinates {tuple(voxel_coords.shape)}, colours {tuple(voxel_rgb.shape)} and "
                f"positions {tuple(voxel_xyz.shape)} must be [N, 3] each"
            )
        coords = torch.nn.functional.pad(voxel_coords, (1, 0))
        features = self.scene_features(coords, voxel_rgb, voxel_xyz, on_stage)
        return self.place(features, voxel_xyz, self.surface_of(voxel_coords, voxel_rgb, voxel_xyz))

    def surface_of(self, coords: Tensor, colours: Tensor, xyz: Tensor) -> Surface | None:
        """Measure the surface of one scene; None if this network does without.

        Args:
            coords: Distinct voxel indices, [N, 3].
            colours: Colour of each voxel in 0..1, [N, 3].
            xyz: Positions, metres, [N, 3].
        """
        return Surface.of(coords, colours, xyz) if self.config.surface else None

    def scene_features(
        self,
        coords: Tensor,
        colours: Tensor,
        xyz: Tensor | None = None,
        on_stage: OnStage | None = None,
    ) -> Tensor:
        """Run the backbone on one scene or a batch of scenes.

        Args:
            coords: (batch, x, y, z), [N, 4] integers.
            colours: [N, in_channels].
            xyz: Positions, [N, 3], only used if the network is told the surface's shape;
                the voxels' own by default.
            on_stage: Told the fraction done between stages; may raise to stop.

        Returns:
            Scene features F0, [N, hidden], in the order of `coords`.
        """
        # Neighbours in space become neighbours in memory, which saves a tenth of the time.
        order = spatial_order(coords)
        level, inputs = VoxelLevel(coords[order]), colours[order]
        if self.config.geometry:
            shape = geometry_features(level, (coords[:, 1:] if xyz is None else xyz)[order])
            inputs = torch.cat([inputs, shape.to(inputs.dtype)], dim=1)
        x = SparseTensor(inputs, level)
        features: Tensor = self.lin_squeeze_head(self.backbone(x, on_stage)).features
        return features[torch.argsort(order)]

    def place(
        self, features: Tensor, voxel_xyz: Tensor, surface: Surface | None = None
    ) -> SceneEncoding:
        """Add the position codes to the features of one scene.

        Args:
            features: F0 of the scene's voxels, [N, hidden].
            voxel_xyz: Positions of the same voxels, metres, [N, 3].
            surface: From `surface_of`.
        """
        codes = self.pos_enc(voxel_xyz.float()).to(features.dtype)
        return SceneEncoding(features, codes, voxel_xyz.float(), surface)

    def decode(
        self,
        encoding: SceneEncoding,
        click_voxels: Tensor,
        click_objects: Tensor,
        click_times: Tensor,
        object_count: int,
    ) -> Tensor:
        """Return the logits of every voxel for a full prompt.

        Args:
            encoding: From `encode`.
            click_voxels: Clicked voxel rows, [n] integers; n may be 0.
            click_objects: Object of each click, 0 (background) to M, [n] integers.
            click_times: Global 0-based order of each click, [n] integers.
            object_count: M. Objects without clicks get the lowest finite logit.

        Returns:
            [N, 1 + M]; column 0 is the background.

        Raises:
            ValueError: If an object, a time or the lengths are out of range.
        """
        return self.decode_layers(encoding, click_voxels, click_objects, click_times, object_count)[
            -1
        ]
