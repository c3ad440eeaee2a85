"""The compact pose network: a person's view is encoded once, each correction is cheap."""

from torch import Tensor, nn

from models.clickpose.compact.backbone import Backbone
from models.clickpose.compact.chances import agreed
from models.clickpose.compact.corrector import Candidates, Corrector, Settled
from models.clickpose.compact.decoder import Answer, JointDecoder
from models.clickpose.compact.neck import Maps, Neck
from models.clickpose.compact.prompt import JointPrompt

MIRROR = (5, 4, 3, 2, 1, 0, 11, 10, 9, 8, 7, 6, 12, 13)
"""Which joint each one becomes in a mirror, in the order of Leeds Sports Pose."""


class CompactPoseNet(nn.Module):
    """Finds the joints of the person in a view, given any of them.

    Args:
        mirror: The joint each one becomes in a mirror; as many joints are found.
    """

    def __init__(self, mirror: tuple[int, ...] = MIRROR) -> None:
        super().__init__()
        self.backbone = Backbone()
        self.neck = Neck()
        self.decoder = JointDecoder(len(mirror))
        self.corrector = Corrector(mirror)

    def encode(self, view: Tensor) -> Maps:
        """Encode views [B, 3, SIDE, SIDE], RGB in [0, 1]."""
        return self.encode_early(*self.backbone.early(view))

    def encode_early(self, x4: Tensor, x8: Tensor) -> Maps:
        """Encode from the frozen stages' features."""
        maps: Maps = self.neck(x4, x8, *self.backbone.late(x8))
        return maps

    def found(self, maps: Maps) -> list[Answer]:
        """Look for the joints of encoded views, nothing being known of them."""
        answers: list[Answer] = self.decoder(maps)
        return answers

    def look(self, view: Tensor) -> tuple[Maps, Candidates]:
        """Encode views [B, 3, SIDE, SIDE], RGB in [0, 1], and find candidate places.

        Both stay through all corrections. The mirror images are looked at, too.
        """
        maps, mirrored = self.encode(view), self.encode(view.flip(3))
        logits, back = (self.found(m)[-1].logits for m in (maps, mirrored))
        return maps, self.corrector.candidates(agreed(logits, back, self.corrector.mirror))

    def settle(self, maps: Maps, candidates: Candidates, prompt: JointPrompt) -> Settled:
        """Answer prompts about encoded views."""
        if prompt.states.shape[:2] == (1, 1):
            candidates = self.corrector.expected(candidates, prompt)
        settled: Settled = self.corrector(maps, candidates, prompt)
        return settled
