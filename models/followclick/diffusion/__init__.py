"""The published animation network around a motion UNet that comes from outside.

Follow-Your-Click (Ma et al., arXiv 2403.08268) is a Stable Diffusion 1.5 network with motion
modules, whose input also holds the region and the photo, told how far things shall move and how
many frames lie between two. The UNet's layers are those of a well-kept package, which this one
does not import: here are what its checkpoints call the layers (`names`), over what their norms
average (`norms`), what else they take (`conditioning`, `phrase`), all of it as one network
(`network`), and the way from noise to a clip (`sampling`).
"""

from models.followclick.diffusion.conditioning import Layout, channels, similarity
from models.followclick.diffusion.names import CheckpointKind, Mapped, mapped
from models.followclick.diffusion.network import MotionNetwork
from models.followclick.diffusion.sampling import Recipe, Scheduler, sample

__all__ = [
    "CheckpointKind",
    "Layout",
    "Mapped",
    "MotionNetwork",
    "Recipe",
    "Scheduler",
    "channels",
    "mapped",
    "sample",
    "similarity",
]
