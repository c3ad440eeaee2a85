"""The scan that travels with the application."""

from pathlib import Path


def sample_scan() -> Path:
    """Return the path of the bundled sample room.

    Raises:
        ImportError: If this installation has no samples.
    """
    from annotator.samples import SAMPLE_ROOM  # only needed when asked for

    return Path(SAMPLE_ROOM)
