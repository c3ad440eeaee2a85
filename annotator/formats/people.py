"""The table of formats for people, and the functions that write and read any of them."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from annotator.domain import AnnotatorError
from annotator.domain.people import PosedImage
from annotator.formats.annotated import FileNames
from annotator.formats.coco import load_json
from annotator.formats.coco_keypoints import read_coco_keypoints, write_coco_keypoints
from annotator.formats.images import image_size
from annotator.formats.joints_csv import read_joints_csv, write_joints_csv
from annotator.formats.labelme_joints import read_labelme_joints, write_labelme_joints
from annotator.formats.source import Reading
from annotator.formats.yolo import photo_of
from annotator.formats.yolo_pose import read_yolo_pose, write_yolo_pose

_LARGEST = 1 << 30


@dataclass(frozen=True)
class PeopleWriter:
    """One format of people that can be written.

    Attributes:
        format_id: Short name.
        title: What a person calls it.
        suffix: Of its files; "" if it is a folder with a layout of its own.
        write: Writes it; returns the files that matter.
    """

    format_id: str
    title: str
    suffix: str
    write: Callable[[Path, Iterable[PosedImage]], list[Path]]


def _coco(output: Path, images: Iterable[PosedImage]) -> list[Path]:
    path = _only_file(output, "people.json")
    write_coco_keypoints(path, images)
    return [path]


def _csv(output: Path, images: Iterable[PosedImage]) -> list[Path]:
    path = _only_file(output, "people.csv")
    write_joints_csv(path, images)
    return [path]


def _labelme(output: Path, images: Iterable[PosedImage]) -> list[Path]:
    output.mkdir(parents=True, exist_ok=True)
    names, written = FileNames(), []
    for image in images:
        path = output / f"{names.stem(image.file_name)}.json"
        write_labelme_joints(path, image)
        written.append(path)
    return written


PEOPLE_WRITERS: tuple[PeopleWriter, ...] = (
    PeopleWriter("coco-keypoints", "COCO keypoints", ".json", _coco),
    PeopleWriter("yolo-pose", "YOLO pose", "", write_yolo_pose),
    PeopleWriter("labelme-joints", "LabelMe points", "", _labelme),
    PeopleWriter("csv", "Table, one row a joint", ".csv", _csv),
)


def _only_file(output: Path, name: str) -> Path:
    if output.suffix.lower() == Path(name).suffix:
        output.parent.mkdir(parents=True, exist_ok=True)
        return output
    output.mkdir(parents=True, exist_ok=True)
    return output / name


def write_people(
    output: Path | str, images: Iterable[PosedImage], format_id: str | None = None
) -> list[Path]:
    """Write people of photos; each file completely or not at all.

    Args:
        output: A file, for formats that hold all in one; else a folder.
        images: The photos; read one after another, so they may come from a generator.
        format_id: One of `PEOPLE_WRITERS`; None chooses by suffix: .csv a table, else COCO.

    Returns:
        The files written.

    Raises:
        AnnotatorError: If the format is unknown or cannot hold the people, or a file cannot
            be written.
    """
    output = Path(output)
    writer = find_people_writer(output, format_id)
    try:
        return writer.write(output, images)
    except OSError as error:
        raise AnnotatorError(
            f"{output.name} cannot be written: {error.strerror or error}.",
            "Choose another folder, or check free space and permissions.",
        ) from error


def find_people_writer(output: Path, format_id: str | None = None) -> PeopleWriter:
    """Return the writer of that id, or the usual one for the file's suffix.

    Raises:
        AnnotatorError: If there is none.
    """
    usual = {".csv": "csv", ".json": "coco-keypoints", "": "coco-keypoints"}
    wanted = format_id or usual.get(output.suffix.lower())
    for writer in PEOPLE_WRITERS:
        if writer.format_id == wanted:
            return writer
    known = ", ".join(writer.format_id for writer in PEOPLE_WRITERS)
    raise AnnotatorError(f"{output.name}: no writer of people for it.", f"Known formats: {known}.")


def read_people(path: Path | str, photos: Path | None = None) -> Iterator[PosedImage]:
    """Read people from a file, or from all files of a folder, photo by photo.

    Read are COCO keypoints, LabelMe points, YOLO pose and our table. Photos themselves are
    not read.

    Args:
        path: A file, a folder of them, or the folder of a YOLO data set.
        photos: Where the photos of YOLO files are; None looks beside them and in images/.

    Raises:
        AnnotatorError: If a file is in none of these formats, or damaged.
    """
    path = Path(path)
    if path.is_dir():
        for file in _files_of(path):
            yield from read_people(file, photos)
    elif path.suffix.lower() == ".csv":
        yield from read_joints_csv(path)
    elif path.suffix.lower() == ".json":
        yield from _read_json(path)
    elif path.suffix.lower() == ".txt":
        photo = photo_of(path, photos)
        found = read_yolo_pose(path, *image_size(photo))
        yield replace(found, file_name=photo.name, path=photo)
    else:
        raise AnnotatorError(
            f"{path.name} is in no known format of people.",
            "Known: COCO keypoints and LabelMe (.json), YOLO pose (.txt), tables (.csv).",
        )


def _files_of(folder: Path) -> list[Path]:
    if (folder / "labels").is_dir():
        return _files_of(folder / "labels")
    files = [p for p in folder.iterdir() if p.suffix.lower() in (".json", ".csv", ".txt")]
    files = sorted(p for p in files if p.name != "classes.txt")
    if not files:
        raise AnnotatorError(
            f"{folder.name} holds no people.", "Known: COCO keypoints, LabelMe, YOLO pose, tables."
        )
    return files


def _read_json(path: Path) -> Iterator[PosedImage]:
    if "shapes" in load_json(Reading.of(path), _LARGEST):
        yield read_labelme_joints(path)
    else:
        yield from read_coco_keypoints(path)
