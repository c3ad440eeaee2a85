"""Refuses what an engine does not understand by its manifest alone, before anything is loaded."""

from collections.abc import Iterator

from annotator.domain import BACKGROUND, AnnotatorError, Image, PointCloud, Prompt
from annotator.engine.api import EngineKind
from annotator.engine.manifest import Manifest


def unsupported(manifest: Manifest, prompt: Prompt) -> list[str]:
    """Return what of a prompt an engine does not understand, in words; empty if it does all."""
    return list(_problems(manifest, prompt))


def require_supported(manifest: Manifest, prompt: Prompt) -> None:
    """Refuse a prompt that goes beyond an engine's capabilities.

    Raises:
        AnnotatorError: Saying what it does not understand.
    """
    problems = unsupported(manifest, prompt)
    if problems:
        raise AnnotatorError(
            f"{manifest.title} understands no {', no '.join(problems)}.",
            "Take them back, or choose an engine that does.",
        )


def _problems(manifest: Manifest, prompt: Prompt) -> Iterator[str]:
    can = manifest.capabilities
    # Single-object photo engines are asked for each object by itself.
    alone = manifest.kind is EngineKind.IMAGE and not can.many_objects
    objects = len(prompt.prompted_ids)
    if not can.negative_clicks and any(_is_negative(prompt)):
        yield "clicks that say what does not belong"
    if not can.many_objects and not alone and objects > 1:
        yield "more than one object"
    if not can.boxes and prompt.boxes:
        yield "boxes"
    if not can.candidates and prompt.candidates:
        yield "choice between candidates"
    if not can.words and prompt.words:
        yield "words"
    if prompt.regions and manifest.kind is not EngineKind.ANIMATION:
        yield "regions that move"
    if prompt.people and manifest.kind is not EngineKind.POSE:
        yield "people"
    if can.max_objects and not alone and objects > can.max_objects:
        yield f"more than {can.max_objects} objects"
    clicks = max(map(len, _clicks_at_once(prompt, alone)))
    if can.max_clicks and clicks > can.max_clicks:
        yield f"more than {can.max_clicks} clicks"


def _is_negative(prompt: Prompt) -> Iterator[bool]:
    return (click.object_id == BACKGROUND or not click.positive for click in prompt.clicks)


def _clicks_at_once(prompt: Prompt, alone: bool) -> list[tuple[object, ...]]:
    if not alone:
        return [prompt.clicks]
    return [(), *(prompt.of_object(object_id).clicks for object_id in prompt.prompted_ids)]


def require_colour(manifest: Manifest, asset: PointCloud | Image) -> None:
    """Refuse a colourless scan where the engine needs colours.

    Raises:
        AnnotatorError: If that is so.
    """
    needed = manifest.capabilities.colour == "required"
    if needed and isinstance(asset, PointCloud) and asset.rgb is None:
        raise AnnotatorError(
            f"{manifest.title} needs colours, but {asset.name or 'the scan'} has none.",
            "Choose another engine or a scan with colours.",
        )
