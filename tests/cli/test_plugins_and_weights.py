"""Plugins and weights are listed, checked and brought in from the command line."""

import pickle
from pathlib import Path

import pytest


class Bomb:
    """Writes a file if it is unpickled by someone careless."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self):
        return (Path.touch, (self.target,))


def test_list_shows_built_in_and_own_plugins(run) -> None:
    status, out, _ = run("plugins", "list")

    assert status == 0
    assert "agile3d" in out
    assert "nearest-click" in out


def test_info_shows_parameters(run) -> None:
    status, out, _ = run("plugins", "info", "agile3d")

    assert status == 0
    assert "voxel_size" in out
    assert "negative_clicks" in out


def test_check_passes_a_sound_plugin(run) -> None:
    status, out, err = run("plugins", "check", "nearest-click")

    assert status == 0, out + err
    assert "error" not in out


def test_check_fails_a_broken_manifest(run, tmp_path: Path) -> None:
    (tmp_path / "plugin.toml").write_text('api = 1\nid = "x"\n')

    status, out, err = run("plugins", "check", tmp_path)

    assert status == 1
    assert "error" in out
    assert "breaks" in err


def test_unknown_plugin_is_refused(run) -> None:
    assert run("plugins", "info", "nobody")[0] == 1


def test_weights_list_says_what_is_missing(run) -> None:
    status, out, _ = run("weights", "list")

    assert status == 0
    assert "agile3d-official" in out
    assert "missing" in out


def test_pull_without_address_tells_where_to_get_it(run) -> None:
    status, _, err = run("weights", "pull", "agile3d-official")

    assert status == 1
    assert "weights import" in err


@pytest.mark.parametrize("suffix", [".pth", ".safetensors", ".bin"])
def test_import_of_a_pickle_with_code_is_refused_and_runs_nothing(run, tmp_path, suffix) -> None:
    canary = tmp_path / "canary"
    file = tmp_path / f"evil{suffix}"
    file.write_bytes(pickle.dumps({"model": Bomb(canary)}))

    status, _, err = run("weights", "import", file)

    assert status == 1
    assert file.name in err
    assert not canary.exists()
