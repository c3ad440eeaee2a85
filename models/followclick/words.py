"""From a short prompt to a motion: its class, direction and pace."""

import re
from dataclasses import dataclass
from enum import StrEnum

from models.followclick.errors import MotionError


class Family(StrEnum):
    """How a motion is rendered."""

    FLOWING = "flowing"
    SWAYING = "swaying"
    GLOWING = "glowing"


@dataclass(frozen=True)
class Template:
    """A class of motions.

    Attributes:
        name: What it is called in messages.
        family: How it is rendered.
        stems: Beginnings of the words that mean it.
        strength: Mean flow in pixels a frame at 512 pixels, if the user says none; for
            `GLOWING` the change of brightness in tenths.
        direction: Degrees anticlockwise from "right", if the user says none.
        swirl: Part of curl noise in a flow.
    """

    name: str
    family: Family
    stems: tuple[str, ...]
    strength: float
    direction: float = 0.0
    swirl: float = 0.15


_F, _S, _G = Family.FLOWING, Family.SWAYING, Family.GLOWING
TEMPLATES: tuple[Template, ...] = (
    # In order: "waterfall" is found before "water", "fire" flows though it also flickers.
    Template("fall", _F, ("waterfall", "fall", "rain", "snow", "pour"), 1.5, 270.0, 0.1),
    Template("rise", _F, ("smoke", "steam", "fire", "flame", "burn", "rise", "rising"),
             1.0, 90.0, 0.25),
    Template("cloud", _F, ("cloud", "fog", "mist", "storm", "sky"), 0.4, 0.0, 0.15),
    Template("flutter", _S, ("flutter", "flag", "flap", "billow"), 0.5),
    Template("nod", _S, ("nod", "tilt", "rock"), 0.3),
    Template("turn", _S, ("turn", "rotate", "rotat"), 0.3),
    Template("breathe", _S, ("breath", "inhal", "exhal", "pulse", "pulsat", "heartbeat", "grow",
                             "zoom", "swell"), 0.2),
    Template("bounce", _S, ("bounc", "jump", "hop"), 0.5, 90.0),
    Template("bob", _S, ("bob", "float", "hover"), 0.3, 90.0),
    Template("drift", _S, ("drift", "launch", "glide", "slide"), 0.5),
    Template("ripple", _S, ("rippl", "lake", "sea", "ocean", "pond"), 0.3),
    Template("glow", _G, ("glow", "pulsing light", "shine", "shining"), 1.0),
    Template("twinkle", _G, ("twinkl", "sparkl", "glitter", "star"), 2.0),
    Template("flicker", _G, ("flicker", "blink", "flash"), 1.5),
    Template("flow", _F, ("flow", "river", "stream", "water", "sand", "current", "drive", "move",
                          "moving"), 1.0),
    Template("sway", _S, ("sway", "swing", "wave", "waving", "shak", "wind", "dance", "danc",
                          "tremble", "grass", "rustl", "wiggl", "blow"), 0.4),
)  # fmt: skip
SWAY = next(t for t in TEMPLATES if t.name == "sway")

UNSUPPORTED: tuple[tuple[tuple[str, ...], str, str], ...] = (
    (("walk", "run", "step", "march"), "walking and running need legs that move by themselves",
     "bob"),
    (("smil", "laugh", "sad", "cry", "frown", "talk", "speak", "sing"),
     "expressions of a face need a network that knows faces", "nod"),
    (("open", "clos", "explod", "appear", "disappear", "transform", "morph", "become"),
     "what is not in the photo cannot be shown", "glow"),
)  # fmt: skip
"""Stems, why it cannot be, and the nearest motion that can."""

_DIRECTIONS = (
    (("up and right", "upper right", "up-right", "northeast"), 45.0),
    (("up and left", "upper left", "up-left", "northwest"), 135.0),
    (("down and left", "lower left", "down-left", "southwest"), 225.0),
    (("down and right", "lower right", "down-right", "southeast"), 315.0),
    (("right", "rightward", "rightwards", "east"), 0.0),
    (("up", "upward", "upwards", "north"), 90.0),
    (("left", "leftward", "leftwards", "west"), 180.0),
    (("down", "downward", "downwards", "south"), 270.0),
)
_PACES = (
    (("slow", "slowly", "calm", "calmly", "lazily"), 0.5),
    (("gentle", "gently", "slight", "slightly", "soft", "softly", "little"), 0.6),
    (("fast", "quick", "quickly", "rapid", "rapidly"), 1.8),
    (("strong", "strongly", "violently", "wildly", "hard"), 1.6),
)


@dataclass(frozen=True)
class Motion:
    """What a prompt asks for.

    Attributes:
        template: The class of motion.
        direction: Degrees anticlockwise from "right"; None if no word says it.
        pace: Factor on the default strength, of words such as "slowly".
        understood: Whether a word named the class; if not it is a small sway.
    """

    template: Template
    direction: float | None
    pace: float
    understood: bool


def parse(text: str) -> Motion:
    """Understand a short prompt.

    Raises:
        MotionError: If it asks for what no template can show, naming the nearest that can.
    """
    words = re.findall(r"[a-z]+(?:-[a-z]+)?", text.lower()[:1000])
    template = _template(words)
    if template is None:
        _refuse_unsupported(words, text)
    return Motion(
        template=template or SWAY,
        direction=_direction(words),
        pace=_pace(words),
        understood=template is not None,
    )


def _template(words: list[str]) -> Template | None:
    """Return the class whose word comes first, a motion's before that of what moves."""
    found = [t for t in TEMPLATES for word in words if word.startswith(t.stems)]
    moving = [t for t in found if any(w.startswith(t.name) for w in words)]
    return next(iter(moving or found), None)


def _refuse_unsupported(words: list[str], text: str) -> None:
    for stems, why, nearest in UNSUPPORTED:
        if any(word.startswith(stems) for word in words):
            raise MotionError(
                f"The animator cannot show {text.strip()[:60]!r}: {why}.",
                f"The nearest that it can is {nearest!r}.",
            )


def _direction(words: list[str]) -> float | None:
    line = " ".join(words)
    for names, degrees in _DIRECTIONS:
        if any(re.search(rf"\b{name}\b", line) for name in names):
            return degrees
    return None


def _pace(words: list[str]) -> float:
    pace = 1.0
    for names, factor in _PACES:
        pace *= factor if any(word in names for word in words) else 1.0
    return pace
