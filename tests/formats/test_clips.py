"""Clips as video; lossless formats are tried through the command."""

import numpy as np
import pytest

from annotator.domain import AnnotatorError, Clip
from annotator.formats.clips import write_clip


@pytest.mark.parametrize(("suffix", "codec"), [(".mp4", "h264"), (".webm", "vp9")])
def test_videos_have_all_frames_and_the_rate(tmp_path, suffix, codec):
    av = pytest.importorskip("av")
    frames = np.random.default_rng(0).integers(0, 255, (8, 33, 47, 3), np.uint8)
    (path,) = write_clip(tmp_path / f"clip{suffix}", Clip(frames, 12.5))
    with av.open(str(path)) as video:
        stream = video.streams.video[0]
        assert stream.codec_context.name == codec
        assert float(stream.average_rate) == pytest.approx(12.5)
        assert sum(1 for _ in video.decode(video=0)) == 8


def test_unknown_formats_are_refused(tmp_path):
    clip = Clip(np.zeros((2, 4, 4, 3), np.uint8))
    with pytest.raises(AnnotatorError, match=r"\.doc"):
        write_clip(tmp_path / "clip.doc", clip)
