"""AGILE3D: interactive multi-object segmentation of point clouds.

Yue et al., "AGILE3D: Attention Guided Interactive Multi-object 3D Segmentation",
ICLR 2024. The module tree has exactly the state-dict keys of the official checkpoint.
"""

from models.agile3d.config import COMPACT, OFFICIAL, Agile3DConfig
from models.agile3d.geometry import neighbourhood_normals
from models.agile3d.labels import labels_from_logits
from models.agile3d.neighbours import neighbour_pairs
from models.agile3d.network import Agile3D
from models.agile3d.quantise import quantize, roomy_size
from models.agile3d.scene import SceneEncoding
from models.checkpoint import CheckpointError, LoadReport, load_checkpoint, load_state

__all__ = [
    "COMPACT",
    "OFFICIAL",
    "Agile3D",
    "Agile3DConfig",
    "CheckpointError",
    "LoadReport",
    "SceneEncoding",
    "labels_from_logits",
    "load_checkpoint",
    "load_state",
    "neighbour_pairs",
    "neighbourhood_normals",
    "quantize",
    "roomy_size",
]
