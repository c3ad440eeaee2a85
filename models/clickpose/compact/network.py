"""The compact pose network: a person's view is encoded once, each correction is cheap."""

from torch import Tensor, nn

from models.clickpose.compact.backbone import Backbone
from models.clickpose.compact.decoder import Answer, JointDecoder, JointPrompt
from models.clickpose.compact.neck import Maps, Neck

JOINTS = 14


class CompactPoseNet(nn.Module):
    """Finds the joints of the person in a view, given any of them.

    Args:
        joints: Of the skeleton.
    """

    def __init__(self, joints: int = JOINTS) -> None:
        super().__init__()
        self.backbone = Backbone()
        self.neck = Neck()
        self.decoder = JointDecoder(joints)

    def encode(self, view: Tensor) -> Maps:
        """Encode views [B, 3, SIDE, SIDE], RGB in [0, 1]."""
        return self.encode_early(*self.backbone.early(view))

    def encode_early(self, x4: Tensor, x8: Tensor) -> Maps:
        """Encode from the frozen stages' features."""
        maps: Maps = self.neck(x4, x8, *self.backbone.late(x8))
        return maps

    def answer(self, maps: Maps, prompt: JointPrompt) -> list[Answer]:
        """Answer prompts about encoded views."""
        answers: list[Answer] = self.decoder(maps, prompt)
        return answers
