"""What an encoder and decoder pair takes: as SAM's export unless a TOML file says otherwise."""

import tomllib
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from annotator.domain import AnnotatorError

MAX_BYTES = 1 << 20
Channel = tuple[float, float, float]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class EncoderSettings(_Table):
    """What the encoder takes.

    Attributes:
        size: Side of the square input, pixels; 0 gives photos as large as they are.
        resize: "longest" keeps the proportions and pads right and bottom with zeros,
            "stretch" fills the square.
        layout: Axes of the input; N is always 1.
        scale: Factor on the 8-bit values before mean and deviation.
        mean: Subtracted, by channel.
        deviation: Divided by, by channel.
    """

    size: int = Field(default=1024, ge=0, le=8192)
    resize: Literal["longest", "stretch"] = "longest"
    layout: Literal["NCHW", "NHWC", "HWC"] = "NCHW"
    scale: float = Field(default=1.0, gt=0)
    mean: Channel = (123.675, 116.28, 103.53)
    deviation: Channel = (58.395, 57.12, 57.375)

    @model_validator(mode="after")
    def _divides(self) -> "EncoderSettings":
        if min(self.deviation) <= 0:
            raise ValueError("`deviation` must be above 0")
        return self


class DecoderSettings(_Table):
    """What the decoder's inputs and outputs are called; an empty name means it has none.

    Attributes:
        points: [1, N, 2] x and y in the encoder's input frame.
        labels: [1, N] 1 inside, 0 outside, 2 and 3 corners of a box, -1 padding.
        mask: [1, 1, m, m] logits of the mask before.
        has_mask: [1] whether `mask` counts.
        photo_size: [2] height and width of the photo.
        masks: Output [1, C, h, w] of logits: in the photo's frame if the decoder has an
            input for its size, else in the encoder's input frame at any resolution.
        scores: Output [1, C], predicted IoU.
        low_masks: Output [1, C, m, m] to feed back; empty if `masks` is fed back.
        first_is_single: Whether the first of several masks is the one for unambiguous
            prompts, as in SAM; else the best one is.
        pad: Whether a padding point is added where there is no box, as SAM's export wants.
        rename: Encoder output by the decoder input that it feeds, where names differ.
    """

    points: str = "point_coords"
    labels: str = "point_labels"
    mask: str = "mask_input"
    has_mask: str = "has_mask_input"
    photo_size: str = "orig_im_size"
    masks: str = "masks"
    scores: str = "iou_predictions"
    low_masks: str = "low_res_masks"
    first_is_single: bool = True
    pad: bool = True
    rename: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _feeds_the_right_frame(self) -> "DecoderSettings":
        if self.mask and self.photo_size and not self.low_masks:
            raise ValueError("`mask` needs `low_masks` where `masks` are in the photo's frame")
        if not (self.points and self.labels and self.masks and self.scores):
            raise ValueError("`points`, `labels`, `masks` and `scores` need names")
        return self


class PairSettings(_Table):
    """A whole settings file."""

    encoder: EncoderSettings = EncoderSettings()
    decoder: DecoderSettings = DecoderSettings()


def read_settings(path: str) -> PairSettings:
    """Read a settings file; an empty path means SAM's export.

    Raises:
        AnnotatorError: Naming the file and what is wrong with it.
    """
    if not path:
        return PairSettings()
    try:
        file = Path(path).expanduser()
        if file.stat().st_size > MAX_BYTES:
            raise AnnotatorError(f"{path} is too large for the settings of an ONNX pair.")
        return PairSettings.model_validate(tomllib.loads(file.read_text(encoding="utf-8")))
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors()
        )
        raise AnnotatorError(f"{path}: {wrong}.", "Correct these settings.") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise AnnotatorError(f"{path} cannot be read: {error}.", "Is it valid TOML?") from error
