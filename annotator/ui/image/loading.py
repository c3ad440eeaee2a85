"""Reading a photo aside: its pixels, the working copy of a large one, and its pyramid."""

from dataclasses import dataclass
from pathlib import Path

from annotator.domain import CancelToken, Image, Progress
from annotator.domain.pyramid import Pyramid
from annotator.domain.working import WorkingImage
from annotator.formats import read_image
from annotator.project.events import AssetKind


@dataclass(frozen=True)
class LoadedPhoto:
    """A photo as read.

    Attributes:
        path: Its file.
        photo: All its pixels.
        working: What is annotated of it.
        pyramid: What is shown.
    """

    path: Path
    photo: Image
    working: WorkingImage
    pyramid: Pyramid

    @property
    def kind(self) -> AssetKind:
        """What it is."""
        return "image"

    @property
    def content_hash(self) -> str:
        """sha256 of its pixels."""
        return self.photo.content_hash

    @property
    def count(self) -> int:
        """All its pixels."""
        return self.working.width * self.working.height

    @property
    def spacing(self) -> float:
        """By how much the working copy is reduced; 0 if it is not."""
        return self.working.spacing

    @property
    def working_count(self) -> int:
        """Pixels of the working copy."""
        return self.working.count


def load_photo(
    path: Path, spacing: float | None, progress: Progress, cancel: CancelToken
) -> LoadedPhoto:
    """Read a photo, reduce a large one, and make ready what is shown of it.

    Args:
        path: The file.
        spacing: Reduction that an earlier project decided on; None to decide now.
        progress: Receives the state.
        cancel: Stops the work.

    Raises:
        AnnotatorError: If it cannot be read.
        Cancelled: If `cancel` was set.
    """
    photo = read_image(path, progress=lambda f, m="": progress(0.6 * f, m), cancel=cancel)
    cancel.check()
    progress(0.65, "Preparing")
    working = WorkingImage.of(photo, None if spacing is None else int(spacing))
    cancel.check()
    progress(0.75, "Preparing")
    pyramid = Pyramid.build(photo.rgb, cancel)
    progress(0.9, "Fingerprinting")
    # Worked out here, aside; the images keep them.
    _ = photo.content_hash, working.image.content_hash
    progress(1.0)
    return LoadedPhoto(path, photo, working, pyramid)
