"""docs/robustness.md works as printed: its commands, in their order."""

import re
import shlex
from pathlib import Path

import pytest

from tests.robustness.records_for_tests import write_photos

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "docs" / "robustness.md").read_text(encoding="utf-8")


def commands():
    blocks = re.findall(r"^```bash\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.strip().splitlines()]


@pytest.mark.slow
def test_the_commands_of_the_guide_work_in_their_order(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_photos(tmp_path / "photos")
    done = 0
    for line in commands():
        if "--cluster" in line:  # tried on its own, as starting Ray takes long
            continue
        status, out, err = run(*shlex.split(line)[1:])
        assert status == 0, (line, out, err)
        done += 1
    assert done == 4
    assert (tmp_path / "report" / "report.html").exists()


def test_the_guide_names_every_mode_region_and_layout():
    from annotator.robustness.datasets import LAYOUTS
    from annotator.robustness.settings import Mode, Permitted

    for word in [*Mode, *Permitted, *LAYOUTS]:
        assert str(word) in GUIDE, word
