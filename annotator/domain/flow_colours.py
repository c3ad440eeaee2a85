"""Flow as colours: the hue is the direction, the strength of the colour the length."""

import numpy as np
import numpy.typing as npt

Flow = npt.NDArray[np.float32]
UInt8 = npt.NDArray[np.uint8]

_SECTORS = (15, 6, 4, 11, 13, 6)
"""Steps from red over yellow, green, cyan, blue and magenta back to red."""


def flow_wheel() -> npt.NDArray[np.float32]:
    """Return the [55, 3] colours of all directions, in [0, 1].

    The wheel of Baker et al., "A Database and Evaluation Methodology for Optical Flow", IJCV
    2011: its sectors are as wide as the eye tells their colours apart.
    """
    ends = np.array(
        [[1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 1, 1], [0, 0, 1], [1, 0, 1], [1, 0, 0]], np.float32
    )
    parts = [
        ends[i] + (ends[i + 1] - ends[i]) * (np.arange(n, dtype=np.float32)[:, None] / n)
        for i, n in enumerate(_SECTORS)
    ]
    return np.concatenate(parts)


def colours_of_flow(flow: Flow, longest: float | None = None) -> UInt8:
    """Return the picture [H, W, 3] of a flow [H, W, 2] in pixels, white where nothing moves.

    Args:
        flow: (x, y), y down.
        longest: Length that gets the full colour; the longest of the flow if None.
    """
    length = np.linalg.norm(flow, axis=-1)
    top = float(length.max(initial=0)) if longest is None else longest
    part = np.clip(length / max(top, 1e-6), 0, 1)[..., None]
    wheel = flow_wheel()
    turn = (np.arctan2(-flow[..., 1], -flow[..., 0]) / np.pi + 1) / 2 * (len(wheel) - 1)
    low = np.floor(turn).astype(np.intp)
    rest = (turn - low)[..., None].astype(np.float32)
    hue = wheel[low] * (1 - rest) + wheel[(low + 1) % len(wheel)] * rest
    picture: UInt8 = np.rint((1 - part * (1 - hue)) * 255).astype(np.uint8)
    return picture
