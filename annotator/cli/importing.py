"""`annotator import`: annotations of photos, made elsewhere, into a project."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import typer

from annotator.cli.console import err, out
from annotator.cli.engines import read_photo
from annotator.domain import AnnotatorError, WorkingImage

if TYPE_CHECKING:
    from annotator.domain.people import PosedImage
    from annotator.formats import AnnotatedImage
    from annotator.project import Project


def import_annotations(
    project: Path = typer.Argument(..., help="Project file; made if there is none."),
    files: list[Path] = typer.Argument(
        ..., help="COCO or LabelMe .json, masks as .png, VOC .xml, YOLO .txt, or folders of them."
    ),
    images: Path | None = typer.Option(
        None, help="Folder of photos, for those that the project does not have yet."
    ),
    asset: int | None = typer.Option(None, help="The photo that they belong to, if not by name."),
    people: bool = typer.Option(
        False, help="The files hold people: COCO keypoints, YOLO pose, LabelMe points, a table."
    ),
) -> None:
    """Bring annotations of photos into a project, as objects with edits by hand."""
    from annotator.formats import read_annotations
    from annotator.formats.people import read_people
    from annotator.project import Project

    opening = Project.open if project.exists() else Project.create
    with opening(project) as opened:
        pasted = objects = 0
        read = read_people if people else read_annotations
        for file in files:
            for annotated in read(file, images):
                asset_id = asset or _asset_of(opened, annotated, images)
                if asset_id is None:
                    err.print(f"{annotated.file_name}: no such photo; left out")
                    continue
                objects += _take(opened, asset_id, annotated)
                pasted += 1
    if not pasted:
        raise AnnotatorError(
            f"None of the annotations belongs to a photo of {project.name}.",
            "Name the folder of the photos with --images, or the photo with --asset.",
        )
    out.print(f"{project}: {objects} objects from {pasted} annotations")


def _asset_of(
    project: "Project", annotated: "AnnotatedImage | PosedImage", images: Path | None
) -> int | None:
    """Return the asset that an annotation belongs to; a photo found elsewhere is added."""
    from annotator.formats import image_files, is_of_photo

    for state in project.document.assets.values():
        if state.kind == "image" and is_of_photo(annotated, state.path):
            return state.asset_id
    candidates = [annotated.path] if annotated.path is not None else []
    candidates += image_files(images) if images is not None else []
    for path in candidates:
        if path.is_file() and is_of_photo(annotated, path):
            return _added(project, path)
    return None


def _added(project: "Project", path: Path) -> int:
    from annotator.project import add_image

    photo = read_photo(path)
    return add_image(project, path, WorkingImage.of(photo), photo.content_hash)


def _take(project: "Project", asset_id: int, annotated: "AnnotatedImage | PosedImage") -> int:
    from annotator.domain.people import PosedImage

    if isinstance(annotated, PosedImage):
        return len(project.import_people(asset_id, annotated.people))
    return _paste(project, asset_id, annotated)


def _paste(project: "Project", asset_id: int, annotated: "AnnotatedImage") -> int:
    from annotator.formats import image_size
    from annotator.project import paste_labels

    state = project.asset(asset_id)
    width, height = image_size(state.path)
    if (annotated.height, annotated.width) != (height, width):
        raise AnnotatorError(
            f"The annotation of {annotated.file_name} is for {annotated.width} x "
            f"{annotated.height} pixels, but {state.path.name} has {width} x {height}.",
            "Was it made for another size, or before the photo was turned?",
        )
    factor = max(int(state.working_spacing), 1)
    labels = WorkingImage.sampled(annotated.labels, factor)
    return len(paste_labels(project, asset_id, np.asarray(labels, np.int32), annotated.objects))
