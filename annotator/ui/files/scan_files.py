"""What leaves and enters the window with a scan: labels, and clicks on points."""

from dataclasses import replace
from pathlib import Path

from annotator.formats import ClickFile, read_placed_clicks
from annotator.ui.files.export_dialog import ExportContent
from annotator.ui.files.loading import LoadedScan
from annotator.ui.files.opener import Workspace


def content_of(workspace: Workspace) -> ExportContent:
    """Return what an export writes, as it is now; clicks name rows of the full cloud."""
    asset, working = workspace.asset, workspace.scan.working
    clicks = [
        replace(click, index=None if click.index is None else int(working.rows[click.index]))
        for click in asset.clicks
    ]
    labels = workspace.project.labels_of(workspace.asset_id)
    copied = None if labels is None else labels.copy()
    return ExportContent(workspace.scan, copied, clicks, dict(asset.objects))


def read_working_clicks(path: Path, scan: LoadedScan) -> ClickFile:
    """Read a file of clicks; each gets the working point that stands for its point.

    Raises:
        AnnotatorError: If the file is malformed or was made for another scan.
    """
    rows = scan.working.inverse
    clicks = read_placed_clicks(path, scan.cloud)
    placed = (replace(click, index=int(rows[click.index or 0])) for click in clicks)
    return ClickFile(tuple(placed))
