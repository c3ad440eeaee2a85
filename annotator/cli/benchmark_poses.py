"""`annotator benchmark poses`: measure pose engines by Click-Pose's protocol."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from annotator.cli.benchmark_tables import print_figures, result_files
from annotator.cli.console import out, progress_bar
from annotator.cli.pose import DEFAULT_POSE_ENGINE, open_pose_engine, pose_of
from annotator.domain import AnnotatorError, Pose, Prompt

if TYPE_CHECKING:
    from annotator.benchmark.poses.protocol import Predict, Protocol, Run
    from annotator.domain.people import PosedImage
    from annotator.engine.opened import OpenEngine


def poses(
    file: Path = typer.Argument(..., help="COCO keypoints, or another file of people."),
    photos: Path | None = typer.Option(None, help="Folder of the photos; the file's if not said."),
    plugin: list[str] = typer.Option([DEFAULT_POSE_ENGINE], help="plugin[:variant]; repeatable."),
    boxes: bool = typer.Option(False, help="Give people by their true boxes."),
    limit: int = typer.Option(0, min=0, help="Only so many photos; 0 for all."),
    device: str = typer.Option("auto", help="auto, cpu, cuda or mps."),
    param: list[str] = typer.Option([], help="Engine parameter as name=value; repeatable."),
    output: Path | None = typer.Option(None, "-o", help="Folder for JSON and CSV."),
) -> None:
    """Correct people of annotated photos, by hand and with feedback: NoC@85/90/95, PCK, OKS."""
    from annotator.benchmark.poses.protocol import Protocol
    from annotator.benchmark.poses.report import summarise, write_csv, write_json
    from annotator.formats.people import read_people

    images = [image for image in read_people(file, photos) if image.people][: limit or None]
    folder = photos or (file if file.is_dir() else file.parent)
    settings = {"people": str(file), "protocol": "Click-Pose", "boxes": boxes, "parameters": param}
    figures: dict[str, dict[str, float]] = {}
    for reference in plugin:
        engine = open_pose_engine(reference, device, param)
        for mode in ("manual", "feedback"):
            protocol = Protocol(feedback=mode == "feedback", from_boxes=boxes)
            runs = list(_runs(engine, images, folder, protocol))
            figures[f"{reference} {mode}"] = summarise(runs)
            if output:
                json_file, csv_file = result_files(output, f"{reference}-{mode}")
                made = {"plugin": reference, "mode": mode, "device": engine.device}
                write_json(json_file, {**settings, **made}, runs)
                write_csv(csv_file, runs)
        out.print(f"{reference}: {len(images)} photos, {sum(r.people for r in runs)} people")
        engine.close()
    print_figures(figures)


def _runs(
    engine: "OpenEngine", images: "Sequence[PosedImage]", folder: Path, protocol: "Protocol"
) -> "Iterator[Run]":
    from annotator.benchmark.poses.protocol import run_photo
    from annotator.benchmark.poses.simulator import Truth
    from annotator.formats import read_image

    assert engine.skeleton is not None  # as open_pose_engine has made sure
    with progress_bar(engine.ref) as progress:
        for number, image in enumerate(images):
            progress(number / len(images), image.file_name)
            photo = read_image(_photo(image, folder))
            if photo.rgb.shape[:2] != (image.height, image.width):
                raise AnnotatorError(
                    f"{image.file_name} has other measures than the file of people says.",
                    "Use the photos that were annotated.",
                )
            truth = Truth.of(image, engine.skeleton)
            encoding = engine.encode(photo)
            yield run_photo(image.file_name, truth, _predictor(engine, encoding), protocol)


def _photo(image: "PosedImage", folder: Path) -> Path:
    for path in (image.path, folder / image.file_name, folder / "images" / image.file_name):
        if path is not None and path.is_file():
            return path
    raise AnnotatorError(
        f"There is no photo {image.file_name} in {folder}.", "Name its folder with --photos."
    )


def _predictor(engine: "OpenEngine", encoding: object) -> "Predict":
    def predict(prompt: Prompt) -> Pose:
        return pose_of(engine, encoding, prompt)

    return predict
