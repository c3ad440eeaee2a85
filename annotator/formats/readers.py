"""The table of readers and the one function that reads any scan."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from annotator.domain import AnnotatorError, Cancelled, CancelToken, PointCloud, Progress
from annotator.domain.progress import no_progress
from annotator.formats.folders import read_folder, read_scene
from annotator.formats.kitti import read_kitti
from annotator.formats.las_reader import read_las
from annotator.formats.numpy_reader import read_npy, read_npz
from annotator.formats.pcd_reader import read_pcd
from annotator.formats.ply_reader import read_ply
from annotator.formats.source import DAMAGED, FileCloud, Reading
from annotator.formats.text_reader import read_text

_HEAD = 512


@dataclass(frozen=True)
class CloudReader:
    """One format that can be read.

    Attributes:
        format_id: Short name.
        title: What a person calls it.
        suffixes: File suffixes, lower case with the dot; empty for folders.
        read: Reads it.
        magic: Beginnings of such files; empty if only the suffix tells.
    """

    format_id: str
    title: str
    suffixes: tuple[str, ...]
    read: Callable[[Reading], FileCloud]
    magic: tuple[bytes, ...] = ()


def _read_ply_file(reading: Reading) -> FileCloud:
    """Read a PLY file; a file named scan.ply may have its labels beside it."""
    if reading.path.name == "scan.ply":
        return read_scene(reading.path, reading)
    return read_ply(reading)


CLOUD_READERS: tuple[CloudReader, ...] = (
    CloudReader("ply", "PLY mesh or cloud", (".ply",), _read_ply_file, (b"ply\n", b"ply\r")),
    CloudReader("pcd", "PCD (Point Cloud Library)", (".pcd",), read_pcd,
                (b"# .PCD", b"#.PCD", b"VERSION ", b"VERSION\t")),
    CloudReader("las", "LAS or LAZ", (".las", ".laz"), read_las, (b"LASF",)),
    CloudReader("npz", "NumPy archive", (".npz",), read_npz, (b"PK\x03\x04",)),
    CloudReader("npy", "NumPy array", (".npy",), read_npy, (b"\x93NUMPY",)),
    CloudReader("kitti", "KITTI scan", (".bin",), read_kitti),
    CloudReader("text", "Text with x y z", (".xyz", ".pts", ".txt", ".csv", ".asc", ".xyzrgb",
                                           ".xyzn"), read_text),
    CloudReader("folder", "S3DIS, ScanNet or AGILE3D folder", (), read_folder),
)  # fmt: skip

_BY_ID = {reader.format_id: reader for reader in CLOUD_READERS}


def read_cloud(
    path: Path | str, *, progress: Progress = no_progress, cancel: CancelToken | None = None
) -> PointCloud:
    """Read a scan from a file or folder of any known format.

    What the file begins with decides over its suffix. Rows without a measurement (NaN)
    are left out; the returned `FileCloud` remembers them for exports. Labels are object
    ids where the file has them, else class ids; 0 is "none".

    Args:
        path: A file, or the folder of an S3DIS room or area, a ScanNet scene or a demo scene.
        progress: Told the fraction read.
        cancel: Stops the reading.

    Raises:
        AnnotatorError: If the scan cannot be read; names the file and what to do.
        Cancelled: If `cancel` was set.
    """
    reading = Reading.of(Path(path).absolute(), progress, cancel)
    reading.step(0.0)
    reader = find_reader(reading)
    try:
        cloud = reader.read(reading)
    except (AnnotatorError, Cancelled):
        raise
    except MemoryError as error:
        raise reading.damaged(
            "does not fit into memory", "Close other programs or thin the scan first."
        ) from error
    except Exception as error:
        reason = str(error) or type(error).__name__
        raise AnnotatorError(
            f"{reading.path.name} cannot be read as {reader.title}: {reason}.", DAMAGED
        ) from error
    reading.step(1.0)
    return cloud


def find_reader(reading: Reading) -> CloudReader:
    """Choose the reader by the beginning of the file, then by its suffix, then if it is text.

    Raises:
        AnnotatorError: If nothing fits.
    """
    if reading.path.is_dir():
        return _BY_ID["folder"]
    if not reading.path.is_file():  # a pipe or device could be read for ever
        raise reading.damaged("is no file", "Choose a file or folder.")
    try:
        with reading.path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError as error:
        raise reading.damaged(
            f"cannot be opened: {error.strerror}", "Check the path and its permissions."
        ) from error
    if not head:
        raise reading.damaged("is empty", "Choose another scan.")
    for reader in CLOUD_READERS:
        if head.startswith(reader.magic):
            return reader
    suffix = reading.path.suffix.lower()
    for reader in CLOUD_READERS:
        if suffix in reader.suffixes:
            return reader
    if b"\0" not in head:
        return _BY_ID["text"]
    known = " ".join(suffix for reader in CLOUD_READERS for suffix in reader.suffixes)
    raise reading.damaged("is not in a known scan format", f"Known formats: {known}")
