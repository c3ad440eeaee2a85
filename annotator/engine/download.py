"""Downloads a file of known size and sha256: resumes, checks, reports, stops."""

import http.client
import os
import shutil
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from annotator.domain import AnnotatorError, CancelToken, Progress, no_progress
from annotator.engine.files import CHUNK, replacing, sha256_of

OFFLINE_VARIABLE = "ANNOTATOR_OFFLINE"
"""Environment variable that forbids every download."""

ATTEMPTS = 5
TIMEOUT_SECONDS = 30.0
MAX_BYTES = 8 << 30
DROPPED = (OSError, http.client.HTTPException)


@dataclass(frozen=True)
class Download:
    """What to fetch and how to know that it arrived whole.

    Attributes:
        url: http or https.
        sha256: Hex digest of the content.
        size: Bytes of the content.
    """

    url: str
    sha256: str
    size: int


def fetch(
    download: Download,
    target: Path,
    *,
    progress: Progress = no_progress,
    cancel: CancelToken | None = None,
    pause: float = 0.5,
) -> None:
    """Download to `target`; an earlier, interrupted download goes on where it stopped.

    The growing file is `<target>.part`; only a complete file with the right sha256
    takes the name `target`. A dropped connection is resumed up to five times in a row
    without progress.

    Args:
        download: What to fetch.
        target: Where to; its folder is made.
        progress: Told the fraction received.
        cancel: Stops between two chunks; what was received is kept for resuming.
        pause: Seconds before the first retry, doubled for each further one.

    Raises:
        AnnotatorError: If downloads are forbidden, the server refuses or keeps failing, the
            disk is full, or the content is not what was promised.
        Cancelled: If `cancel` was set.
    """
    _require_allowed(download, target)
    part = target.with_name(f"{target.name}.part")
    part.parent.mkdir(parents=True, exist_ok=True)
    if _received(part) > download.size:
        part.unlink()
    _receive_all(download, part, progress, cancel, pause)
    if sha256_of(part, cancel) != download.sha256:
        part.unlink()
        raise AnnotatorError(
            f"What {download.url} sent is not the promised file: its sha256 differs.",
            "Nothing was kept. Try again later, or get the file from its homepage and import it.",
        )
    with replacing(target) as temporary:
        part.replace(temporary)
    progress(1.0, "downloaded")


def _require_allowed(download: Download, target: Path) -> None:
    if os.environ.get(OFFLINE_VARIABLE, "").lower() not in ("", "0", "false"):
        raise AnnotatorError(
            f"{OFFLINE_VARIABLE} forbids downloading {download.url}.",
            "Unset it, or get the file elsewhere and import it.",
        )
    if not download.url.startswith(("http://", "https://")):
        raise AnnotatorError(f"{download.url} is neither an http nor an https address.")
    if not 0 < download.size <= MAX_BYTES:
        raise AnnotatorError(f"{download.url}: a size of {download.size} bytes is not accepted.")
    folder = next(f for f in target.absolute().parents if f.is_dir())
    if shutil.disk_usage(folder).free < download.size - _received(target):
        raise AnnotatorError(
            f"{target.parent} has too little room for {download.size / 2**20:.0f} MiB.",
            "Free some disk space.",
        )


def _receive_all(
    download: Download, part: Path, progress: Progress, cancel: CancelToken | None, pause: float
) -> None:
    """Ask again after every dropped connection until all bytes are there."""
    failures, problem = 0, "the connection was dropped"
    best = _received(part)  # a server that always starts over must not keep us for ever
    while _received(part) < download.size:
        if cancel:
            cancel.check()
        if failures == ATTEMPTS:
            raise AnnotatorError(
                f"{download.url} cannot be downloaded: {problem}.",
                "Check the connection and try again: it goes on where it stopped.",
            )
        if failures:
            _wait(pause * 2 ** (failures - 1), cancel)
        try:
            _receive(download, part, progress, cancel)
        except urllib.error.HTTPError as error:
            problem = _after_refusal(error, download, part)
        except DROPPED as error:
            problem = str(getattr(error, "reason", error)) or type(error).__name__
        failures = 0 if _received(part) > best else failures + 1
        best = max(best, _received(part))


def _wait(seconds: float, cancel: CancelToken | None) -> None:
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        if cancel:
            cancel.check()
        time.sleep(min(left, 0.1))


def _receive(
    download: Download, part: Path, progress: Progress, cancel: CancelToken | None
) -> None:
    """Append to `part` what one connection gives."""
    have = _received(part)
    request = urllib.request.Request(download.url, headers=_headers(have))
    with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as response:
        resumed = response.status == http.HTTPStatus.PARTIAL_CONTENT and _starts_at(response, have)
        have = have if resumed else 0
        with part.open("ab" if resumed else "wb") as file:
            while chunk := response.read(CHUNK):
                if cancel:
                    cancel.check()
                have += len(chunk)
                _require_fits(have, download)
                file.write(chunk)
                progress(have / download.size, f"{have / 2**20:.1f} MiB")


def _headers(have: int) -> dict[str, str]:
    # identity: a proxy that compresses would make ranges and sizes meaningless
    headers = {"User-Agent": "annotator", "Accept-Encoding": "identity"}
    return headers | ({"Range": f"bytes={have}-"} if have else {})


def _starts_at(response: http.client.HTTPResponse, have: int) -> bool:
    return str(response.headers.get("Content-Range", "")).startswith(f"bytes {have}-")


def _require_fits(have: int, download: Download) -> None:
    if have > download.size:
        raise AnnotatorError(
            f"{download.url} sends more than the promised {download.size} bytes.",
            "Nothing was kept. Get the file from its homepage and import it.",
        )


def _after_refusal(error: urllib.error.HTTPError, download: Download, part: Path) -> str:
    """Go on after what may pass; give up at once on what will not."""
    if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
        part.unlink(missing_ok=True)
    elif error.code < 500 and error.code not in (408, 429):
        raise AnnotatorError(
            f"{download.url} was refused: {error.code} {error.reason}.",
            "The address may have changed; see the homepage of the weights.",
        ) from error
    return f"the server answered {error.code} {error.reason}"


def _received(part: Path) -> int:
    return part.stat().st_size if part.is_file() else 0
