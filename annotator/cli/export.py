"""`annotator export`: a project's labels at full resolution, without the window."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import typer

from annotator.cli.assets import Engines, WorkingAsset, is_told, labels_shown
from annotator.cli.console import TOLERANCE_HELP, out
from annotator.cli.engines import read_scan
from annotator.cli.photos import SOFT, probabilities
from annotator.domain import AnnotatorError, WorkingImage, WorkingSet

if TYPE_CHECKING:
    from annotator.formats import AnnotatedImage
    from annotator.project import AssetState, Project


def export(
    project: Path = typer.Argument(..., help="Project file."),
    output: Path = typer.Option(..., "-o", "--output", help="File, or folder for all assets."),
    asset: int | None = typer.Option(None, help="Only this scan or photo of the project."),
    format_id: str | None = typer.Option(
        None,
        "--format",
        help="Scans: ply, npz, las, ...; photos: coco, yolo, voc, labelme, png, "
        "binary, soft, ...; people: coco-keypoints, yolo-pose, labelme-joints, csv; see docs.",
    ),
    tolerance: float = typer.Option(0.49, help=TOLERANCE_HELP),
    device: str = typer.Option("auto", help="Where to predict what is not stored."),
) -> None:
    """Write a project's labels at full resolution; all photos into one COCO file."""
    from annotator.project import Project

    with Project.open(project, read_only=True) as opened:
        chosen = _chosen(opened, asset, format_id)
        if _is_for_people(format_id):
            _export_people(opened, chosen, output, format_id)
            return
        engines = Engines(device)
        scans = [a for a in chosen if a.kind == "cloud"]
        photos = [a for a in chosen if a.kind == "image"]
        if scans and photos and output.suffix:
            raise AnnotatorError(
                f"{project.name} has scans and photos, which do not fit into one file.",
                "Name a folder, a --format or an --asset.",
            )
        for state in scans:
            _export_scan(opened, state, _target(output, state, len(chosen), format_id), format_id,
                         engines)  # fmt: skip
        if photos:
            _export_photos(opened, photos, output, format_id, tolerance, engines)


def _chosen(project: "Project", asset: int | None, format_id: str | None) -> "list[AssetState]":
    from annotator.formats import CLOUD_WRITERS, IMAGE_WRITERS
    from annotator.formats.people import PEOPLE_WRITERS

    kinds = {writer.format_id: "cloud" for writer in CLOUD_WRITERS}
    kinds |= {writer.format_id: "image" for writer in IMAGE_WRITERS}
    kinds |= {writer.format_id: "image" for writer in PEOPLE_WRITERS}
    if format_id is not None and format_id not in kinds:
        raise AnnotatorError(f"There is no format {format_id}.", f"Known: {', '.join(kinds)}.")
    assets = [
        a
        for a in project.document.assets.values()
        if asset in (None, a.asset_id) and (format_id is None or kinds[format_id] == a.kind)
    ]
    if not assets:
        what = f" for format {format_id}" if format_id else ""
        raise AnnotatorError(
            f"{project.path.name} has no such asset{what}.", "`annotator stats` lists them."
        )
    return assets


def _is_for_people(format_id: str | None) -> bool:
    from annotator.formats.people import PEOPLE_WRITERS

    return format_id in {writer.format_id for writer in PEOPLE_WRITERS}


def _export_people(
    project: "Project", states: "list[AssetState]", output: Path, format_id: str | None
) -> None:
    """Write people as they stand; answers that are not stored are not asked for."""
    from annotator.formats import image_size
    from annotator.formats.people import write_people

    images = [project.posed_image(state, *image_size(state.path)) for state in states]
    for file in write_people(output, images, format_id):
        out.print(str(file))
    open_ = sum(
        person.asks and project.followed(state, person) is None
        for state in states
        for person in state.people.values()
    )
    people = sum(len(image.people) for image in images)
    waiting = f"; {open_} of them wait for an answer of the engine" if open_ else ""
    out.print(f"{people} people on {len(images)} photos{waiting}")


def _target(output: Path, state: "AssetState", count: int, format_id: str | None) -> Path:
    if output.suffix and count == 1:
        return output
    output.mkdir(parents=True, exist_ok=True)
    suffix = {"scannet-txt": "txt", "kitti-label": "label", None: "ply"}.get(format_id, format_id)
    return output / f"{state.path.stem}.labels.{str(suffix).split('-')[0]}"


def _export_scan(
    project: "Project",
    state: "AssetState",
    target: Path,
    format_id: str | None,
    engines: Engines,
) -> None:
    from annotator.formats import write_cloud

    asset = WorkingAsset.of(state)
    assert isinstance(asset.working, WorkingSet)
    labels = asset.working.push_back(labels_shown(project, state, asset, engines))
    full = read_scan(state.path) if state.working_spacing else asset.working.cloud
    objects = tuple(state.objects.values())
    write_cloud(target, full, labels, objects=objects, format_id=format_id)
    out.print(f"{target}: {len(objects)} objects on {len(labels):,} points")


def _export_photos(
    project: "Project",
    states: "list[AssetState]",
    output: Path,
    format_id: str | None,
    tolerance: float,
    engines: Engines,
) -> None:
    from annotator.formats import write_annotations

    classes = [c.name for c in project.document.label_set.classes]
    images = (_annotated(project, state, engines, format_id in SOFT) for state in states)
    files = write_annotations(output, images, format_id, classes=classes, tolerance=tolerance)
    objects = sum(len(state.objects) for state in states)
    for file in files:
        out.print(str(file))
    out.print(f"{objects} objects on {len(states)} photos")


def _annotated(
    project: "Project", state: "AssetState", engines: Engines, soft: bool
) -> "AnnotatedImage":
    from annotator.formats import AnnotatedImage

    asset = WorkingAsset.of(state)
    working = asset.working
    assert isinstance(working, WorkingImage)
    labels = np.asarray(working.to_full(labels_shown(project, state, asset, engines)), np.int32)
    chances = {}
    if soft and is_told(state):
        engine = engines.of(state)
        encoding = engine.encode(working.image)
        prompt = asset.engine_prompt(state.prompt())
        chances = dict(probabilities(engine, encoding, prompt, working, labels))
    objects = tuple(state.objects.values())
    return AnnotatedImage(state.path.name, labels, objects, state.path, chances)
