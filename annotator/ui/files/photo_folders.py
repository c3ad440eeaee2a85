"""Folders of photos: which are, and which photo of one to show first."""

from pathlib import Path

from annotator.domain import AnnotatorError
from annotator.formats import image_files
from annotator.formats.folders import s3dis_files, scannet_mesh
from annotator.project import AssetState, Project
from annotator.ui.basics.places import beside, in_data_folder


def photos_of(path: Path) -> tuple[Path, ...]:
    """Return the photos of a folder; none if it is no folder, or one that is a scan."""
    if not path.is_dir() or (path / "scan.ply").is_file():
        return ()
    try:
        photos = tuple(image_files(path))
    except AnnotatorError:
        return ()
    # Looked for only where there are photos: folders of scans can be large.
    return () if photos and (s3dis_files(path) or scannet_mesh(path)) else photos


def folder_of(project: Path, photo: Path) -> Path | None:
    """Return the folder whose project this is, if it is that of the photo's folder."""
    folder = photo.parent
    own = {place(folder).name for place in (beside, in_data_folder)}
    return folder if project.name in own else None


def last_worked_on(project: Project, photos: tuple[Path, ...] = ()) -> AssetState | None:
    """Return the asset that was worked on last, among some files if given."""
    wanted = {path.resolve() for path in photos}
    assets = {
        a.asset_id: a
        for a in project.document.assets.values()
        if not wanted or a.path.resolve() in wanted
    }
    touched = (row.event.touched_asset for row in reversed(list(project.log())))
    return next((assets[i] for i in touched if i in assets), None)
