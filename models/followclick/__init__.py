"""The embedded animator: a region of a photo moves as a few words say, without learned weights.

Three families: `flowing` (water, smoke, clouds) pours texture through a region, `swaying`
(trees, heads, flags) deforms an object over an inpainted plate, `glowing` changes its light.
`animator` chooses among them by the words that `words` understands. `clicked` makes a region of
clicks alone.
"""

from models.followclick.animator import Animation, Request, animate
from models.followclick.clicked import clicked_region
from models.followclick.errors import MotionError

__all__ = ["Animation", "MotionError", "Request", "animate", "clicked_region"]
